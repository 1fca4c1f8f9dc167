"""Which stream of a video file is the recording, and what its container tells of it before a frame is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.stream import Disposition

from dlc_common.kinds import VIDEO, kind_of, wrong_kind
from dlc_toolbox import ToolboxError
from dlc_toolbox.video.boxes import asf_duration_s, is_joined, is_unfinished, tells_no_rate

_ASIDE = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
_NO_TIME_STAMPS = 0x80  # AVFMT_NOTIMESTAMPS: raw streams, whose times FFmpeg makes up
_RATE_IS_IN_THE_STREAM = {"mpegvideo"}  # raw, but every MPEG-1 and MPEG-2 sequence tells its rate
_TIMED_BY_RATE = {"avi", "yuv4mpegpipe"}
_TELL_DURATION = {"matroska,webm", "flv", "asf"}
_FROM_ZERO = {"matroska,webm", "asf"}  # FFmpeg's writers count the duration from 0, not from the first frame
_MOVING = 3  # packets; a stream of fewer is a picture
_LOOKED_AT_PACKETS = 2000
_COARSE_S = Fraction(1, 2000)  # time stamps of longer steps may be those of several frames
_FINEST = 1000
_STUCK = 3  # times as many frames as usual at one stamp
_JOINED = (
    "is several files one behind the other, which cannot be joined byte by byte in this format: only the first is read "
    "for sure, here and by players. Analyze the parts, or join them with ffmpeg -f concat"
)
_UNKNOWN = (
    " in a known format, but one of a kind that few programs read: with the program of the camera, export it as "
    "uncompressed or motion JPEG AVI, or as MP4"
)
_INCOMPLETE = (
    "cannot be read as a video: it is incomplete, because the index (moov), which cameras write in the end, is missing "
    "or cut off. Programs that repair such recordings need another one of the same camera"
)
_NOTHING = ", or what describes it in the file is damaged: copy it again"
_SLOWEST, _FASTEST = Fraction(1, 3600), 20_000  # frames/s of such a file that are believed
_SQUARE = Fraction(1, 100)  # pixels within this of 1 are meant to be square


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
        raise ToolboxError(_why_unreadable(path, error)) from error
    if not _decodable(container):
        why = _UNKNOWN if container.streams.video else "" if container.streams.audio else _NOTHING
        container.close()
        if is_unfinished(path):
            raise ToolboxError(f"{path} {_INCOMPLETE}")
        raise ToolboxError(wrong_kind(path, "a video", VIDEO) or f"{path} holds no video{why}")
    return container


def _why_unreadable(path: Path, error: Exception) -> str:
    """Say why a file cannot be opened, as far as that is known."""
    if is_unfinished(path):
        return f"{path} {_INCOMPLETE}"
    if other := wrong_kind(path, "a video", VIDEO):
        return other
    other = "" if kind_of(path) == VIDEO else ", or a file of another kind"
    return f"{path} cannot be read as a video: it is damaged{other} ({getattr(error, 'strerror', None) or error})"


@dataclass(frozen=True)
class StreamFacts:
    """What a container tells of the stream that is read.

    Parameters
    ----------
    index : int
        Of the stream in its container.
    remarks : tuple of str
        Which of several recordings it is, and how to choose, where nobody has chosen; what is not read.
    has_clock : bool
        Whether frames have time stamps of their own; those of a raw stream are made up.
    rate : Fraction or None
        Frames per second, where the file tells; of raw streams, only where that is certain.
    likely_rate : Fraction or None
        What a raw stream hints at.
    time_base : Fraction
        Unit of its time stamps, in seconds.
    start : int
        When it begins, in this unit.
    finer : int
        In how many units one of these is to be divided, so that each frame has a time of its own.
    pixel_aspect : Fraction
        Width of a pixel divided by its height, as stored.
    frames : int
        How many it claims to have; 0 when it does not say.
    duration_s : float
        How long it claims to be; 0 when it does not say.
    size_tells_s : float
        An estimate of its duration from all there is; 0 where there is none.
    """

    index: int
    remarks: tuple[str, ...]
    has_clock: bool
    rate: Fraction | None
    likely_rate: Fraction | None
    time_base: Fraction
    start: int
    finer: int
    pixel_aspect: Fraction
    frames: int
    duration_s: float
    size_tells_s: float


def look_at(path: Path, wanted: int | None = None) -> StreamFacts:
    """Choose the stream of a video file that is the recording, and gather what the container tells of it.

    Thumbnails, covers and other streams of one picture are no recordings. Of several recordings, the one with the
    largest frames is taken, the first of equal ones, unless a person chooses.

    Parameters
    ----------
    path : Path
        The video.
    wanted : int, optional
        Which one to take of several, among all streams of pictures, from 0; ignored where there is no choice.

    Raises
    ------
    ToolboxError
        As `open_video`; when `wanted` is no recording.
    """
    with open_video(path) as container:
        everything = list(container.streams.video)
        recordings = _recordings(path, container)
        stream, remark = _choose(path, everything, recordings, wanted)
        is_raw = bool(container.format.flags & _NO_TIME_STAMPS)
        told = stream.average_rate or stream.guessed_rate
        if is_raw and container.format.name in _RATE_IS_IN_THE_STREAM:
            told = stream.codec_context.framerate or told
            is_raw = not stream.codec_context.framerate
        is_untold = tells_no_rate(path)
        is_raw |= is_untold
        is_wrong = container.format.name in _TIMED_BY_RATE and told is not None and not _SLOWEST <= told <= _FASTEST
        doubt = f"its header tells {float(told or 0):g} frames/s, which is not believed: it counts as none" * is_wrong
        return StreamFacts(
            index=stream.index,
            remarks=tuple(filter(None, (remark, _JOINED if is_joined(path) else None, doubt))),
            has_clock=not (container.format.flags & _NO_TIME_STAMPS or is_untold or is_wrong),
            rate=None if is_raw or is_wrong else told,
            likely_rate=stream.codec_context.framerate if is_raw and not is_untold else None,
            time_base=stream.time_base or Fraction(1, av.time_base),
            start=stream.start_time or 0,
            finer=1 if is_raw or is_wrong else _finer(path, stream, told),
            pixel_aspect=_aspect(stream),
            frames=stream.frames,
            duration_s=_duration_s(container, stream),
            size_tells_s=(container.duration or 0) / av.time_base,
        )


def _decodable(container: av.container.InputContainer) -> list[av.VideoStream]:
    """List the streams of pictures that there is a decoder for."""
    return [stream for stream in container.streams.video if stream.codec_context is not None]


def _recordings(path: Path, container: av.container.InputContainer) -> list[av.VideoStream]:
    """List the streams that are no thumbnails or covers; if all are, the first."""
    streams = _decodable(container)
    moving = [stream for stream in streams if not stream.disposition & _ASIDE] or streams[:1]
    if len(moving) > 1:
        packets = _count_packets(path, [stream.index for stream in moving])
        most = max(packets.values())
        moving = [stream for stream in moving if packets[stream.index] >= min(_MOVING, most)]
    return moving


def _count_packets(path: Path, indices: Sequence[int]) -> Counter[int]:
    """Count the packets of streams, no further than it takes to know that each has some."""
    counts = Counter(dict.fromkeys(indices, 0))
    with open_video(path) as container, suppress(av.FFmpegError):
        counts.update({index: min(container.streams[index].frames, _MOVING) for index in indices})
        for number, packet in enumerate(container.demux([container.streams[index] for index in indices])):
            if min(counts.values()) >= _MOVING or (number > _LOOKED_AT_PACKETS and max(counts.values()) >= _MOVING):
                break
            known = packet.stream.frames
            counts[packet.stream.index] += 1 if packet.size and not known else 0
    return counts


def _choose(
    path: Path, everything: list[av.VideoStream], recordings: list[av.VideoStream], wanted: int | None
) -> tuple[av.VideoStream, str | None]:
    """Return the recording to read, and what to say where there are several and nobody has chosen."""
    if len(recordings) == 1:
        return recordings[0], None
    numbers = [everything.index(stream) for stream in recordings]
    listed = "; ".join(_describe(number, stream) for number, stream in zip(numbers, recordings, strict=True))
    if wanted is None:
        stream = max(recordings, key=lambda stream: stream.width * stream.height)  # the first of equal ones
        number = everything.index(stream)
        return stream, (
            f"holds {len(recordings)} videos ({listed}): number {number} is read, the "
            f"{'largest' if len({(s.width, s.height) for s in recordings}) > 1 else 'first'}; to read another, set "
            "videostream to its number in the settings"
        )
    if wanted not in numbers:
        raise ToolboxError(f"{path} has no video number {wanted} (videostream); it holds {listed}")
    return everything[wanted], None


def _describe(number: int, stream: av.VideoStream) -> str:
    """Name a stream by its number, size and codec."""
    title = stream.metadata.get("title")
    named = f", {title!r}" if title else ""
    return f"{number}: {stream.width} x {stream.height}, {stream.codec_context.name}{named}"


def _finer(path: Path, stream: av.VideoStream, rate: Fraction | None) -> int:
    """Return in how many units that of the time stamps is to be divided, where several frames share a stamp."""
    unit_s = stream.time_base
    if unit_s is None or unit_s < _COARSE_S:
        return 1
    with open_video(path) as container, suppress(av.FFmpegError):
        stamps: Counter[int] = Counter()
        for number, packet in enumerate(container.demux(container.streams[stream.index])):
            if number == _LOOKED_AT_PACKETS:
                break
            if packet.size and packet.pts is not None:
                stamps[packet.pts] += 1
    shared = max(stamps.values(), default=1)
    if shared > _STUCK * sum(stamps.values()) / max(len(stamps), 1):
        return 1  # a clock that stands still, as in MXF files that were joined; their frames follow each other
    return min(max(shared, ceil((rate or 1) * unit_s)), _FINEST) if shared > 1 else 1


def _aspect(stream: av.VideoStream) -> Fraction:
    """Return how wide the stored pixels are, by their height; 1 where nothing is told, or nearly 1."""
    told = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(1) if not told or told <= 0 or abs(told - 1) < _SQUARE else Fraction(told)


def _duration_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return how long a container says a stream is, in seconds; 0 where only its neighbours or its size tell."""
    told_s = _told_s(container, stream)
    if container.format.name in _FROM_ZERO and stream.time_base:
        told_s -= float((stream.start_time or 0) * stream.time_base)
    return max(told_s, 0.0)


def _told_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Return the duration of a stream as its container notes it, in seconds; 0 where it does not."""
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's note
    minutes, _, seconds = rest.partition(":")
    with suppress(ValueError):
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    is_alone = len(container.streams) == 1 and container.format.name in _TELL_DURATION
    told_s = (container.duration or 0) / av.time_base or asf_duration_s(Path(container.name))
    return told_s if is_alone else 0.0
