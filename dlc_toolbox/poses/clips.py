"""Clips of a labeled video: some seconds of it, slowed down, beside the original, also as a GIF."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import layout, records
from dlc_toolbox.video.recording import Crop, Reading, Recording
from dlc_toolbox.video.sequences import open_frames
from dlc_toolbox.video.video import Video

if TYPE_CHECKING:
    from moviepy import VideoClip

log = logging.getLogger(__name__)

_FASTEST, _SLOWEST = 60, 1  # frames per second of a clip; what a screen shows, and a player takes
_GIF_FASTEST = 50  # more, and browsers show ten
_GIF_SIDE_PX = 640
_GIF_BYTES = 2**29  # of its frames, which are all in memory before the file is written
_ENCODING: dict[str, Any] = {
    "codec": "libx264",
    "preset": "veryfast",
    "ffmpeg_params": ["-crf", "18", "-movflags", "+faststart"],
}


@dataclass(frozen=True)
class Clip:
    """What is cut out of a labeled video, and how it is shown.

    Parameters
    ----------
    begin_s, end_s : float
        By the video's clock, in seconds; frames from the one shown at `begin_s` to the last before `end_s`. Default the
        whole video.
    speed : float
        0.1 shows ten times as slowly.
    beside : bool
        Whether the original stands to the left of the labeled video.

    Raises
    ------
    ToolboxError
        When the clip has no length, or the speed is not positive.
    """

    begin_s: float = 0
    end_s: float = math.inf
    speed: float = 1
    beside: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.begin_s < self.end_s:
            raise ToolboxError(
                f"--clip {self.begin_s:g} {self.end_s:g}: give the seconds of the video from which and to which the "
                "clip goes, the smaller first, such as --clip 1 2.5"
            )
        if not 0 < self.speed < math.inf:
            raise ToolboxError(f"speed {self.speed:g}: give a positive number, such as 0.1 for ten times as slow")

    @property
    def name(self) -> str:
        """What tells the clip's file from others of the same video, such as ``1-2.5s_speed0.1``."""
        span = [] if (self.begin_s, self.end_s) == (0, math.inf) else [f"{self.begin_s:g}-{self.end_s:g}s"]
        speed = [] if self.speed == 1 else [f"speed{self.speed:g}"]
        return "_".join([*span, *speed, *(["beside"] if self.beside else [])]) or "whole"


def clip_of(
    span_s: Sequence[float] | None, speed: float | None, slowmotion: float | None, *, beside: bool, gif: bool
) -> Clip | None:
    """Return the clip that flags and settings want, or None where they want none.

    Parameters
    ----------
    span_s : (float, float) or None
        Of ``--clip``.
    speed : float or None
        Of ``--speed``; without it `slowmotion` counts.
    slowmotion : float or None
        Of the settings.
    beside, gif : bool
        Of ``--beside`` and ``--gif``; either wants a clip, if need be of the whole video.

    Returns
    -------
    Clip or None
        Checked, see `Clip`.

    Examples
    --------
    >>> clip_of((1, 2.5), None, 0.1, beside=False, gif=False).name
    '1-2.5s_speed0.1'
    >>> clip_of(None, None, None, beside=False, gif=False)
    """
    chosen = next(given for given in (speed, slowmotion, 1) if given is not None)
    if span_s is None and chosen == 1 and not beside and not gif:
        return None
    begin, end = span_s or (0, math.inf)
    return Clip(begin, end, chosen, beside)


def cut_clip(
    video: Path, labeled: Path, clip: Clip, *, crop: Crop | None = None, gif: bool = False, overwrite: bool = False
) -> Path:
    """Make a clip of a labeled video, beside it, unless it is current.

    Parameters
    ----------
    video : Path
        The original.
    labeled : Path
        The video with its poses drawn in, as `labeled_video.label_video` makes it.
    clip : Clip
        Which part of it, and how it is shown.
    crop : (x1, x2, y1, y2), optional
        Of the labeled video.
    gif : bool
        Whether to write a GIF too.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The clip, an mp4; a GIF has the same name.

    Raises
    ------
    ToolboxError
        When the clip begins after the video's end, its GIF would be too large, a video cannot be read, or the system
        refuses to write.
    """
    out = layout.labeled_clip(video, clip.name)
    files = [out, *([out.with_suffix(".gif")] if gif or out.with_suffix(".gif").exists() else [])]
    inputs = {"labeled": labeled} | ({"video": video} if clip.beside else {})
    end = None if clip.end_s == math.inf else clip.end_s  # json has no infinity
    made_from = records.describe(inputs, {**asdict(clip), "end_s": end, "crop": crop if clip.beside else None})
    output = records.Output(out.name, layout.pose_record(out), files, made_from)
    if output.is_current(overwrite):
        return out
    sources = [*([open_frames(video, crop, _reading(labeled))] if clip.beside else []), Video(labeled)]
    plans = {file: _plan(file, sources, clip) for file in files}  # all of them, before anything is written
    output.start()
    for file, (rate, frames) in plans.items():
        _write(file, sources, clip, rate, frames)
        log.info("Wrote %s", file)
    output.write_record()
    return out


def _reading(labeled: Path) -> Reading:
    """Return how the original of a labeled video was read."""
    record = layout.pose_record(labeled)
    settings = records.read(record)["settings"] if record.is_file() else {}
    return Reading(*(settings.get(name) for name in ("fps", "videostream", "channel")))


def _plan(out: Path, sources: Sequence[Recording], clip: Clip) -> tuple[float, int]:
    """Return frames per second and number of frames of a clip: each of the video's once, if a screen can show them."""
    labeled, is_gif = sources[-1], out.suffix == ".gif"
    duration_s = labeled.expected_frames / labeled.fps
    if clip.begin_s >= duration_s:
        raise ToolboxError(f"{labeled.path} ends after {duration_s:.2f} s, before the clip begins ({clip.begin_s:g} s)")
    wanted = labeled.fps * clip.speed
    if is_gif:  # whose pictures last whole hundredths of a second
        rate = 100 / math.ceil(round(100 / min(max(wanted, _SLOWEST), _GIF_FASTEST), 6))
    else:
        rate = round(min(max(wanted, _SLOWEST), _FASTEST), 2)  # to as many places as moviepy tells ffmpeg
    shown_s = (min(clip.end_s, duration_s) - clip.begin_s) / clip.speed
    frames = max(1, round(shown_s * rate))
    if is_gif:
        _refuse_large(frames, sources, out)
    return rate, frames


def _refuse_large(frames: int, sources: Sequence[Recording], out: Path) -> None:
    """Raise when the frames of a GIF would not fit into memory."""
    size = sum(source.width for source in sources), max(source.height for source in sources)
    width, height = (round(side * min(1, _GIF_SIDE_PX / max(size))) for side in size)
    most = max(1, _GIF_BYTES // (3 * width * height))
    if frames > most:
        raise ToolboxError(
            f"{out.name} would have {frames} frames; a GIF of {width} x {height} pixels can have {most}: choose "
            "fewer seconds (--clip), a higher --speed, or the mp4 alone (without --gif)"
        )


def _write(out: Path, sources: Sequence[Recording], clip: Clip, rate: float, frames: int) -> None:
    """Write the same seconds of recordings, beside each other, as mp4 or GIF; memory does not grow with an mp4."""
    # in the middle of a frame it is asked for, so that no rounding takes its neighbour
    half_a_frame_s = min(clip.speed / rate, 1 / sources[-1].fps) / 2
    readers = [_FramesByTime(source, half_a_frame_s) for source in sources]
    try:
        movie = _movie(readers, clip, length_s=(frames + 0.01) / rate)  # moviepy rounds the number of frames down
        with replacing(out) as temporary:
            if out.suffix == ".gif":
                _shrunk(movie).write_gif(str(temporary), fps=rate, logger=_progress())
            else:
                movie.write_videofile(str(temporary), fps=rate, audio=False, logger=_progress(), **_encoding(sources))
    finally:
        for reader in readers:
            reader.close()


def _encoding(sources: Sequence[Recording]) -> dict[str, Any]:
    """Tell ffmpeg how to write an mp4, in which pixels keep their shape."""
    aspect = sources[-1].pixel_aspect
    shape = ["-vf", f"setsar={aspect.numerator}/{aspect.denominator}"] if aspect != 1 else []
    return _ENCODING | {"ffmpeg_params": [*_ENCODING["ffmpeg_params"], *shape]}


def _movie(readers: Sequence[_FramesByTime], clip: Clip, length_s: float) -> VideoClip:
    """Join recordings into a movie: their seconds from the clip's beginning on, at its speed, beside each other."""
    try:
        from moviepy import VideoClip, clips_array, vfx  # starts slowly, and looks for ffmpeg
    except (ImportError, RuntimeError) as error:
        raise ToolboxError(
            f"clips are made by moviepy, which cannot start: {error}. Install it: pip install -r requirements.txt"
        ) from error
    end_s = clip.begin_s + length_s * clip.speed
    parts = []
    for reader in readers:
        whole = VideoClip(duration=end_s)
        whole.frame_function, whole.size = reader, reader.size
        parts.append(whole.subclipped(clip.begin_s, end_s).with_effects([vfx.MultiplySpeed(clip.speed)]))
    return parts[0] if len(parts) == 1 else clips_array([parts])


def _shrunk(movie: VideoClip) -> VideoClip:
    """Return a movie at the size of a GIF."""
    factor = _GIF_SIDE_PX / max(movie.size)
    return movie.resized(factor) if factor < 1 else movie


def _progress() -> object:
    """Return a bar of progress for moviepy, without its sentences."""
    from proglog import TqdmProgressBarLogger

    return TqdmProgressBarLogger(print_messages=False)


class _FramesByTime:
    """The frame that a recording shows at a time, by its own time stamps; asked for ever later times it reads on.

    Parameters
    ----------
    recording : Recording
        Its frames; a lost one is black.
    late_s : float
        Added to every time.
    """

    def __init__(self, recording: Recording, late_s: float):
        self._recording, self._late_s = recording, late_s
        self.size = (recording.width + recording.width % 2, recording.height + recording.height % 2)
        self._frames: Iterator[tuple[int, np.ndarray | None]] = iter(())
        self._shown: np.ndarray | None = None
        self._begins_s = math.inf
        self._next: tuple[float, np.ndarray | None] | None = None

    def __call__(self, time_s: float) -> np.ndarray:
        """Return the frame, uint8 RGB of even width and height, for H.264."""
        time_s += self._late_s
        if time_s < self._begins_s:
            self._start(time_s)
        while self._next is not None and self._next[0] <= time_s:
            (self._begins_s, self._shown), self._next = self._next, self._read()
        width, height = self.size
        if self._shown is None:
            return np.zeros((height, width, 3), np.uint8)
        missing = height - self._shown.shape[0], width - self._shown.shape[1]
        return (
            np.pad(self._shown, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
            if any(missing)
            else self._shown
        )

    def close(self) -> None:
        """Close the recording."""
        close: Callable[[], None] = getattr(self._frames, "close", lambda: None)
        close()

    def _start(self, time_s: float) -> None:
        """Go to a frame before a time: near it if the frames come evenly, else to the first."""
        for row in (int(time_s * self._recording.fps) - 1, 0):
            self.close()
            self._frames = self._recording.frames(max(row, 0))
            self._begins_s, self._next = 0.0, self._read()
            if self._next is not None and self._next[0] <= time_s:
                break

    def _read(self) -> tuple[float, np.ndarray | None] | None:
        """Return time and content of the next frame; None after the last."""
        found = next(self._frames, None)
        return None if found is None else (float(found[0] * self._recording.time_base), found[1])
