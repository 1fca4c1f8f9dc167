"""What all sources of frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlc_common.pixels import is_blank, is_dark
from dlc_toolbox import ToolboxError

Crop = tuple[int, int, int, int]

_ASSUMED_RATE = 25
_FINEST_RATE = 10**6  # a stated rate becomes a fraction with no larger denominator


class Frame(IntFlag):
    """What is known of a frame."""

    LOST = 0
    READ = 1
    DARK = 2
    BLANK = 4
    DAMAGED = 8
    """The decoder reports damage, or shows it on top of a damaged or lost one."""
    RESTART = 16
    """The clock of the recording starts anew here."""
    OTHER_SIZE = 32
    """Lost, because it has another size than others."""


class _Choices(Protocol):
    """Settings that choose where a recording leaves a choice."""

    @property
    def videostream(self) -> int | None: ...

    @property
    def channel(self) -> int | None: ...


@dataclass(frozen=True)
class Reading:
    """How recordings are read where they leave a choice.

    Parameters
    ----------
    fps : float, optional
        Frames per second of recordings that tell none.
    videostream : int, optional
        Which video of a file that holds several, from 0.
    channel : int, optional
        Which channel of a TIFF file that holds several, from 1, as Fiji counts them.
    """

    fps: float | None = None
    videostream: int | None = None
    channel: int | None = None

    @classmethod
    def of(cls, settings: _Choices) -> Reading:
        """Gather what the settings of either file tell."""
        return cls(getattr(settings, "fps", None), settings.videostream, settings.channel)

    @classmethod
    def recorded(cls, record: dict[str, Any]) -> Reading:
        """Gather what the record of a pose table tells: how the recording was read when it was analyzed."""
        chosen = record.get("settings", {})
        return cls(record.get("fps_stated"), chosen.get("videostream"), chosen.get("channel"))

    @property
    def shaping(self) -> dict[str, int]:
        """What decides which pictures are read; empty where nothing is chosen, as in records of earlier times."""
        chosen = {"videostream": self.videostream, "channel": self.channel}
        return {name: value for name, value in chosen.items() if value is not None}


class Recording(ABC):
    """Frames of one size, upright and cropped, each at its time.

    Nothing stays open between iterations, and each iteration starts at the first frame. A frame that cannot be read
    keeps its place as None, so that numbers of frames stay right.

    Parameters
    ----------
    path : Path
        Where the frames are.
    crop : (x1, x2, y1, y2) or None
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.
    full_size : (int, int)
        Width and height of the upright frame before the crop.
    rate : Fraction or None
        Frames per second that the recording tells, the average when it varies.
    likely_rate : Fraction or None
        What is assumed where nothing tells the rate; by default 25.
    reading : Reading
        The rate stated by a person, for where the recording tells none.
    time_base : Fraction or None
        Unit of the time stamps, in seconds; default one frame.
    header_frames : int
        Number of frames the recording claims to have; 0 when it does not say.
    pixel_aspect : Fraction
        Width of a pixel divided by its height, in the upright frame.

    Attributes
    ----------
    path, crop, rate, time_base, header_frames, pixel_aspect
        As given.
    rate_is_assumed : bool
        Whether nothing told the rate, and nobody stated it.
    stated_rate : float or None
        The rate, where a person stated it.
    rounding : int
        By how many units a time stamp may be off, because the recording's own are coarser than its frames.
    expected_frames : int
        The claimed number, or else an estimate; 0 when there is none. For progress only.
    width, height : int
        Size of what iteration yields, after rotation and crop.
    full_width, full_height : int
        Size of the upright frame before the crop.

    Raises
    ------
    ToolboxError
        When the crop does not lie inside the frame.
    """

    rounding = 1

    def __init__(
        self,
        path: Path,
        crop: Crop | None,
        *,
        full_size: tuple[int, int],
        rate: Fraction | None = None,
        likely_rate: Fraction | None = None,
        reading: Reading | None = None,
        time_base: Fraction | None = None,
        header_frames: int = 0,
        pixel_aspect: Fraction = Fraction(1),
    ):
        self.path, self.crop, self.pixel_aspect = path, crop, pixel_aspect
        self._told_rate, self._wanted_rate = rate, (reading or Reading()).fps
        self.stated_rate = None if rate else self._wanted_rate
        stated = self.stated_rate and Fraction(self.stated_rate).limit_denominator(_FINEST_RATE)
        self.rate, self.rate_is_assumed = Fraction(rate or stated or likely_rate or _ASSUMED_RATE), not (rate or stated)
        self.time_base = Fraction(time_base or 1 / self.rate)
        self.header_frames = self.expected_frames = header_frames
        self.full_width, self.full_height = full_size
        x1, x2, y1, y2 = crop or (0, self.full_width, 0, self.full_height)
        if not (0 <= x1 < x2 <= self.full_width and 0 <= y1 < y2 <= self.full_height):
            raise ToolboxError(
                f"{path}: the crop x1, x2, y1, y2 = {x1}, {x2}, {y1}, {y2} does not lie inside its frames of "
                f"{self.full_width} x {self.full_height} pixels; correct it, or set cropping = False"
            )
        self._window = slice(y1, y2), slice(x1, x2)
        self.width, self.height = x2 - x1, y2 - y1

    @property
    def fps(self) -> float:
        """Frames per second; the average when the rate varies."""
        return float(self.rate)

    def __iter__(self) -> Iterator[np.ndarray | None]:
        """Yield each frame, uint8 RGB of shape (height, width, 3), or None where one is lost."""
        return (frame for _, frame in self.frames())

    def frames(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield each frame with its time stamp.

        Parameters
        ----------
        start : int
            Number of frames to pass over.

        Yields
        ------
        int
            When the frame is shown, in units of `time_base` after the first frame; strictly increasing.
        ndarray of shape (height, width, 3) or None
            uint8 RGB, contiguous and yours to change; None for a lost frame, or one of another size than the first.
        """
        return ((time, frame) for time, frame, _ in self.shown(start))

    def shown(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None, Frame]]:
        """Yield each frame with its time stamp, as `frames` does, and with what is known of it."""
        for time, frame, state in self._read(start):
            if frame is None:
                yield time, None, state & ~Frame.READ
                continue
            looks = Frame.DARK if is_dark(frame) else Frame.BLANK if is_blank(frame) else Frame.LOST
            yield time, frame, state | Frame.READ | looks

    @abstractmethod
    def _read(self, start: int) -> Iterator[tuple[int, np.ndarray | None, Frame]]:
        """Yield what `frames` yields, and what reading tells of each frame; READ does not matter."""

    def why_lost(self, row: int) -> str:
        """Tell why a frame is lost, in words that end a sentence."""
        return "cannot be decoded"

    def missing_at_end(self, frames: int, end_s: float) -> int:
        """Return how many frames the recording claims to have beyond those that it delivers.

        Parameters
        ----------
        frames : int
            How many it delivers.
        end_s : float
            When the last of them ends, in seconds.
        """
        return max(self.header_frames - frames, 0)

    def undecodable(self, frames: int) -> tuple[int, int]:
        """Return how many frames before the first one and behind the last one have no row, because none can be read.

        Parameters
        ----------
        frames : int
            How many have one.
        """
        return 0, 0

    def facts(self) -> dict[str, Any]:
        """Gather what records tell of this recording beyond its frames."""
        return {"pixel_aspect": round(float(self.pixel_aspect), 6)} | (
            {"fps_stated": self.stated_rate} if self.stated_rate else {}
        )

    def remarks(self) -> Iterator[str]:
        """Yield what people must know of this recording before they trust numbers made from it."""
        if self.rate_is_assumed:
            yield (
                f"tells no frame rate: {self.fps:g} frames/s are assumed; if that is wrong, set fps in "
                "myconfig_analysis.py"
            )
        elif self._told_rate and self._wanted_rate and abs(self._wanted_rate / float(self._told_rate) - 1) > 0.001:
            yield (
                f"tells {self.fps:g} frames/s, which counts; fps = {self._wanted_rate:g} of myconfig_analysis.py is "
                "for recordings that tell none"
            )
        if self.pixel_aspect != 1:
            yield (
                f"has pixels that are not square, {float(self.pixel_aspect):.4g} times as wide as high: a distance in "
                "pixels along x is not the same length along y; before you measure, multiply x by "
                f"{float(self.pixel_aspect):.4g}"
            )
