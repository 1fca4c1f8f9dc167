"""From packets to frames: presentation order, and lost frames kept in their places.

A frame is lost when its packet lies between two that are shown and is itself never shown. Frames that a decoder repairs
are not lost. Some packets show nothing by design: discarded ones; in some codecs references for later frames, or 'the
same picture again'; in interlaced video the second field of a frame. So in those codecs and in interlaced video only
packets that fail to decode, and silent ones next to them, are lost. In containers that neither list their frames nor
stamp them one by one (MPEG-TS, Matroska), a packet whose header is destroyed leaves no row, but a gap in the times.
"""

from __future__ import annotations

import heapq
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

from dlc_common.kinds import VIDEO, wrong_kind
from dlc_toolbox import ToolboxError
from dlc_toolbox.video.jpeg import TornPictures
from dlc_toolbox.video.recording import Frame
from dlc_toolbox.video.stamps import PacketClock
from dlc_toolbox.video.streams import open_video

log = logging.getLogger(__name__)

_QUIET_CODECS = {"vp8", "mpeg4", "h263", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1"}
_AVI_CHUNK_HEADER_BYTES = 8
_STRICT = {"err_detect": "explode"}
_REORDERED = 17  # frames; H.264 and HEVC put no more than 16 in another order


class _DoubtError(Exception):
    """Whether a frame is lost can only be told from the whole file."""


class _Step(NamedTuple):
    """A packet (None at the end), and what the decoder shows after it.

    `stamp` is the packet's time on a clock that never starts anew, `restart` whether the packet's own clock did, `torn`
    whether the container calls the packet damaged.
    """

    packet: av.Packet | None
    stamp: int | None
    restart: bool
    torn: bool
    frames: list[av.VideoFrame]
    failed: bool


@dataclass(frozen=True)
class _Survey:
    """The rows of a whole file: time stamps, what is known of each frame, and whether any packet failed to decode.

    `before` and `behind` count lost frames before the first and behind the last row.
    """

    stamps: list[int]
    states: list[Frame]
    failed: bool
    before: int
    behind: int


class Decoder:
    """The frames of one stream of a video file, as its codec stores them.

    Nothing stays open between iterations, and each starts at the first frame.

    Parameters
    ----------
    path : Path
        The video.
    index : int
        Number of the stream in its container.
    """

    def __init__(self, path: Path, index: int):
        self.path, self.index = path, index

    def first(self) -> av.VideoFrame:
        """Return the first frame that can be decoded.

        Raises
        ------
        ToolboxError
            When there is none.
        """
        first = next((frame for step in self._steps("NONE") for frame in step.frames), None)
        if first is None:
            other = wrong_kind(self.path, "a video that can be decoded", VIDEO)
            raise ToolboxError(other or f"{self.path} has no frame that can be decoded: {self._why_none()}")
        return first

    def _why_none(self) -> str:
        """Say why no frame can be decoded."""
        if not (packets := self.count_packets()):
            return "it holds the description of a video, but no picture; the recording was not written, or cut off"
        return f"its {packets} pictures are damaged, encrypted or not of the format that the file tells"

    def count_packets(self) -> int:
        """Return how many frames the container delivers, decodable or not, to be shown or not."""
        with open_video(self.path) as container:
            return sum(1 for _ in _readable(container, container.streams[self.index]))

    def undecodable(self, are_missing: bool) -> tuple[int, int]:
        """Return how many frames before the first row and behind the last one cannot be decoded.

        Parameters
        ----------
        are_missing : bool
            Whether frames are known to be missing, so that it is worth while to look for them. What one pass in several
            threads has shown whole is whole.
        """
        if not are_missing and "_survey" not in self.__dict__:
            return 0, 0
        return self._survey.before, self._survey.behind

    def __iter__(self) -> Iterator[tuple[int, av.VideoFrame | None, Frame]]:
        """Yield time stamps and frames, or None for lost ones, in presentation order, and what is known of them.

        Stamps are in the stream's unit and count from the first frame. While every packet shows its frame this is one
        pass, in several threads; otherwise the file is surveyed first.
        """
        rows = 0
        try:
            for shown in self._undamaged():
                yield shown
                rows += 1
            return
        except _DoubtError:
            log.debug("%s is surveyed for lost frames, because of row %d", self.path, rows)
        yield from islice(self._surveyed(), rows, None)

    def _steps(self, threads: str) -> Iterator[_Step]:
        """Decode packet by packet.

        `opaque` of packets and frames holds the packet's number; it alone tells whose frame is whose in every
        container. It is a list because PyAV looks it up by identity, and small numbers are one object everywhere.
        """
        with open_video(self.path) as container, ExitStack() as closing:
            stream, lenient = container.streams[self.index], None
            is_strict = stream.codec_context.name == "mjpeg" and self._is_strict
            if is_strict:
                stream.codec_context.options = _STRICT
            reorders = stream.codec_context.has_b_frames
            clock = PacketClock("matroska" not in container.format.name, _REORDERED if reorders else 1)
            stream.thread_type = threads
            stream.codec_context.copy_opaque = True
            end = _Step(None, None, False, False, [], False)
            for number, step in enumerate(chain(_timed(_readable(container, stream), clock), [end])):
                packet = step.packet
                if packet is not None:
                    packet.opaque = [number]
                    if not packet.size:
                        yield step._replace(failed=True)
                        continue
                try:
                    frames, failed = stream.codec_context.decode(packet), False
                except av.FFmpegError:
                    frames, failed = [], True
                    if is_strict and packet is not None and threads == "NONE":  # in several it may be another's
                        lenient = lenient or closing.enter_context(open_video(self.path)).streams[self.index]
                        lenient.codec_context.copy_opaque = True
                        frames = _decoded(lenient, packet)
                yield step._replace(frames=frames, failed=failed, torn=step.torn or (failed and bool(frames)))

    @cached_property
    def _is_strict(self) -> bool:
        """Whether the decoder is to refuse damaged pictures of motion JPEG, of which it shows half without a word.

        It is not where it refuses the first one: that is how this camera writes them.
        """
        with open_video(self.path) as container:
            stream = container.streams[self.index]
            stream.thread_type, stream.codec_context.options = "NONE", _STRICT
            first = next(_readable(container, stream), None)
            return first is not None and bool(_decoded(stream, first))

    def _undamaged(self) -> Iterator[tuple[int, av.VideoFrame, Frame]]:
        """Yield what `__iter__` does, decoded in several threads; stop where a packet does not show its frame."""
        waiting: list[int] = []  # heap of the time stamps of packets that the decoder still holds
        stamps: dict[int, int] = {}
        origin, looks = None, _Looks()
        for number, step in enumerate(self._steps("AUTO")):
            looks.see(number, step)
            if step.failed:
                raise _DoubtError
            if step.packet is not None:
                if step.stamp is None:
                    raise _DoubtError
                if not step.packet.is_discard:
                    heapq.heappush(waiting, step.stamp)
                    stamps[number] = step.stamp
            for frame in step.frames:
                stamp = stamps.pop(_number(frame), None)
                if stamp is None or heapq.heappop(waiting) != stamp:
                    raise _DoubtError
                origin = stamp if origin is None else origin
                yield stamp - origin, frame, looks.of(frame)
        if waiting:
            raise _DoubtError

    def _surveyed(self) -> Iterator[tuple[int, av.VideoFrame | None, Frame]]:
        """Yield what `__iter__` does, with None for the lost frames that the survey found."""
        survey = self._survey
        frames = (frame for step in self._steps("NONE" if survey.failed else "AUTO") for frame in step.frames)
        for stamp, state in zip(survey.stamps, survey.states, strict=True):
            yield stamp, next(frames, None) if state & Frame.READ else None, state

    @cached_property
    def _survey(self) -> _Survey:
        """Decode all once; in one thread, where a failure belongs to the packet at hand and none is swallowed."""
        with open_video(self.path) as container:
            quiet = container.streams[self.index].codec_context.name in _QUIET_CODECS
        stamps, shown = list[int | None](), list[int]()
        states = dict[int, Frame]()
        failed, discarded, unit, looks = set[int](), set[int](), 1, _Looks()
        for number, step in enumerate(self._steps("NONE")):
            looks.see(number, step)
            if step.packet is not None:
                failed |= {number} if step.failed else set()
                discarded |= {number} if step.packet.is_discard else set()
                stamps.append(step.stamp)
                unit = step.packet.duration or unit
            quiet |= any(frame.interlaced_frame for frame in step.frames)
            for frame in step.frames:
                shown.append(_number(frame))
                states[shown[-1]] = Frame.READ | looks.of(frame)
        unshown = _runs(sorted(set(range(len(stamps))).difference(shown)))
        lost = {number for run in unshown if not quiet or failed.intersection(run) for number in run} - discarded
        rows = _place_lost(shown, sorted(lost), stamps)
        known = [stamp for stamp in stamps if stamp is not None]
        times: Sequence[int] = range(0, len(rows) * unit, unit)
        if len(known) == len(stamps):
            times = sorted(known[number] for number in rows)
        outside = lost.difference(rows.tolist())
        before = sum(number < min(shown, default=0) for number in outside)
        states_of_rows = [states.get(row, Frame.LOST) for row in rows]
        return _Survey([time - times[0] for time in times], states_of_rows, bool(failed), before, len(outside) - before)


def _timed(packets: Iterable[av.Packet], clock: PacketClock) -> Iterator[_Step]:
    """Yield packets that are not decoded yet.

    MPEG-TS counts its pieces. Where recordings were joined the count starts anew, for which one of the last two packets
    before is called damaged; such a one is not.
    """
    read = ((packet, *clock.read(packet)) for packet in packets)
    ahead = deque(islice(read, 3))
    while ahead:
        packet, stamp, restart = ahead.popleft()
        is_torn = packet.is_corrupt and not any(is_restart for _, _, is_restart in ahead)
        yield _Step(packet, stamp, restart, is_torn, [], False)
        ahead.extend(islice(read, 1))


def _decoded(stream: av.VideoStream, packet: av.Packet) -> list[av.VideoFrame]:
    """Decode a packet; return no frame where that fails."""
    with suppress(av.FFmpegError):
        return stream.codec_context.decode(packet)
    return []


def _number(frame: av.VideoFrame) -> int:
    """Return the number of the packet that a frame came in."""
    opaque: Any = frame.opaque  # see `Decoder._steps`
    return opaque[0]


class _Looks:
    """What decoding tells of each frame: damage, which later frames inherit up to the next key frame, and restarts."""

    def __init__(self) -> None:
        self._is_spoiled = False
        self._torn: set[int] = set()
        self._restarts: list[int] = []
        self._jpegs = TornPictures()

    def see(self, number: int, step: _Step) -> None:
        """Look at a packet, before the frames that the decoder shows after it."""
        packet = step.packet
        self._is_spoiled |= step.failed
        if step.restart:
            self._restarts.append(number)
        if packet is None or not packet.size:
            return
        is_jpeg = packet.stream.codec_context.name == "mjpeg"
        if step.torn or (is_jpeg and self._jpegs.is_torn(bytes(packet))):
            self._torn.add(number)

    def of(self, frame: av.VideoFrame) -> Frame:
        """Return what is known of a frame."""
        number = _number(frame)
        is_damaged = frame.is_corrupt or number in self._torn
        self._torn.discard(number)
        self._is_spoiled = is_damaged or (self._is_spoiled and not frame.key_frame)
        state = Frame.DAMAGED if self._is_spoiled else Frame.LOST
        if self._restarts and number >= self._restarts[0]:
            del self._restarts[0]
            state |= Frame.RESTART
        return state


def _readable(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """Yield the packets up to the end, or up to where the file cannot be read further."""
    packets: Iterator[av.Packet] = (packet for packet in container.demux(stream) if packet.size)
    if container.format.name == "avi":
        entries = getattr(stream, "index_entries", ())  # from PyAV 17 on
        packets = _as_indexed(packets, (entry.pos + _AVI_CHUNK_HEADER_BYTES for entry in entries if entry.size))
    with suppress(av.FFmpegError):
        yield from packets


def _as_indexed(packets: Iterable[av.Packet], positions: Iterable[int]) -> Iterator[av.Packet]:
    """Yield packets as a file's index lists them, an empty one for each that is no longer found where it should be.

    Where a header of an AVI chunk is damaged, its frame would go missing without a trace. A packet at a place that the
    index does not know stands for one of the missing. An index that never agrees with the packets is not believed.
    """
    places = iter(positions)
    place, missing, agreed = next(places, None), 0, False
    for packet in packets:
        found = -1 if packet.pos is None else packet.pos
        while place is not None and place < found:
            place, missing = next(places, None), missing + 1
        if place == found:
            yield from (av.Packet() for _ in range(missing if agreed else 0))
            place, missing, agreed = next(places, None), 0, True
        else:
            missing -= 1
        yield packet


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Group ascending numbers into runs without gaps."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _place_lost(shown: Sequence[int], lost: Sequence[int], stamps: Sequence[int | None]) -> np.ndarray:
    """Put lost packets among the shown ones by their time stamps, or by their numbers where a stamp is missing.

    Those before the first or after the last shown one are left out. Where stamps contradict the order in which the
    decoder shows frames (H.264 in AVI), a lost one goes before the first frame that is stamped later.
    """
    keys = np.arange(len(stamps)) if None in stamps else np.asarray(stamps)
    rows, missing = np.asarray(shown, dtype=int), np.asarray(sorted(lost, key=keys.__getitem__), dtype=int)
    places = np.searchsorted(np.maximum.accumulate(keys[rows]), keys[missing], side="right")
    inside = (places > 0) & (places < len(rows))
    return np.insert(rows, places[inside], missing[inside])
