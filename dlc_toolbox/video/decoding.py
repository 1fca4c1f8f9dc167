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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from dlc_toolbox import ToolboxError

log = logging.getLogger(__name__)

_QUIET_CODECS = {"vp8", "mpeg4", "h263", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1"}
_AVI_CHUNK_HEADER_BYTES = 8


class _DoubtError(Exception):
    """Whether a frame is lost can only be told from the whole file."""


@dataclass(frozen=True)
class _Survey:
    """The rows of a whole file: time stamps, which frames are lost, and whether any packet failed to decode."""

    stamps: Sequence[int]
    lost: list[bool]
    damaged: bool


def open_video(path: Path) -> av.container.InputContainer:
    """Open a file that must hold video.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    av.container.InputContainer
        To be closed, or used as a context manager.

    Raises
    ------
    ToolboxError
        When it is missing, damaged from the start, or no video.
    """
    if not path.is_file():
        raise ToolboxError(f"{path} does not exist")
    try:
        container = av.open(str(path.resolve()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or error
        raise ToolboxError(f"{path} cannot be read as a video ({reason}); is it complete?") from error
    stream = container.streams.best("video")
    if stream is None or stream.codec_context is None:
        container.close()
        raise ToolboxError(f"{path} holds no video" + (" in a known format" if stream else ""))
    return container


class Decoder:
    """The frames of a video file, as its codec stores them.

    Nothing stays open between iterations, and each starts at the first frame.

    Parameters
    ----------
    path : Path
        The video.
    """

    def __init__(self, path: Path):
        self.path = path

    def first(self) -> av.VideoFrame:
        """Return the first frame that can be decoded.

        Raises
        ------
        ToolboxError
            When there is none.
        """
        first = next((frame for _, frames, _ in self._packets("NONE") for frame in frames), None)
        if first is None:
            raise ToolboxError(f"{self.path} has no frame that can be decoded; is it a video, and complete?")
        return first

    def __iter__(self) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """Yield time stamps and frames, or None for lost ones, in presentation order.

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

    def _packets(self, threads: str) -> Iterator[tuple[av.Packet | None, list[av.VideoFrame], bool]]:
        """Yield each packet (None at the end), the frames that the decoder then shows, and whether it failed.

        `opaque` of packets and frames holds the packet's number; it alone tells whose frame is whose in every
        container. It is a list because PyAV looks it up by identity, and small numbers are one object everywhere.
        """
        with open_video(self.path) as container:
            stream = container.streams.best("video")
            stream.thread_type = threads
            stream.codec_context.copy_opaque = True
            for number, packet in enumerate(chain(_readable(container, stream), [None])):
                if packet is not None:
                    packet.opaque = [number]
                    if not packet.size:
                        yield packet, [], True
                        continue
                try:
                    frames, failed = stream.codec_context.decode(packet), False
                except av.FFmpegError:
                    frames, failed = [], True
                yield packet, frames, failed

    def _undamaged(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield time stamps and frames, decoded in several threads; stop where a packet does not show its frame."""
        waiting: list[int] = []  # heap of the time stamps of packets that the decoder still holds
        origin = None
        for packet, frames, failed in self._packets("AUTO"):
            if failed:
                raise _DoubtError
            if packet is not None:
                if packet.pts is None:
                    raise _DoubtError
                if not packet.is_discard:
                    heapq.heappush(waiting, packet.pts)
            for frame in frames:
                if not waiting or heapq.heappop(waiting) != frame.pts:
                    raise _DoubtError
                origin = frame.pts if origin is None else origin
                yield frame.pts - origin, frame
        if waiting:
            raise _DoubtError

    def _surveyed(self) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """Yield time stamps and frames, or None for the lost ones that the survey found."""
        survey = self._survey
        frames = (frame for _, frames, _ in self._packets("NONE" if survey.damaged else "AUTO") for frame in frames)
        for stamp, lost in zip(survey.stamps, survey.lost, strict=True):
            yield stamp, None if lost else next(frames, None)

    @cached_property
    def _survey(self) -> _Survey:
        """Decode all once; in one thread, where a failure belongs to the packet at hand and none is swallowed."""
        with open_video(self.path) as container:
            quiet = container.streams.best("video").codec_context.name in _QUIET_CODECS
        stamps: list[int | None] = []
        shown: list[int] = []
        failed, discarded, step = set[int](), set[int](), 1
        for packet, frames, packet_failed in self._packets("NONE"):
            if packet is not None:
                failed |= {len(stamps)} if packet_failed else set()
                discarded |= {len(stamps)} if packet.is_discard else set()
                stamps.append(packet.pts)
                step = packet.duration or step
            quiet |= any(frame.interlaced_frame for frame in frames)
            shown += map(_number, frames)
        unshown = _runs(sorted(set(range(len(stamps))).difference(shown)))
        lost = {number for run in unshown if not quiet or failed.intersection(run) for number in run} - discarded
        rows = _place_lost(shown, sorted(lost), stamps)
        known = [stamp for stamp in stamps if stamp is not None]
        times: Sequence[int] = range(0, len(rows) * step, step)
        if len(known) == len(stamps):
            times = sorted(known[number] for number in rows)
        return _Survey([time - times[0] for time in times], [number in lost for number in rows], bool(failed))


def _number(frame: av.VideoFrame) -> int:
    """Return the number of the packet that a frame came in."""
    opaque: Any = frame.opaque  # see `Decoder._packets`
    return opaque[0]


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
