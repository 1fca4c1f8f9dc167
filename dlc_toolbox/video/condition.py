"""In what condition a recording is: lost, damaged and missing frames, darkness, and clocks that jump."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter1d

from dlc_common.pixels import DARK
from dlc_toolbox.video.recording import Frame, Recording

log = logging.getLogger(__name__)

_TOLD = 3  # frames that are named one by one
_LONG_GAP_S, _LONG_GAP_STEPS = 1.0, 10
_SAME_RATE = 0.01
_EQUAL = 1e-9  # floating point numbers
_CLOCK_UNIT_S = 0.001  # clocks count in this, or less; a longer unit of time stamps is mostly a frame
_EVEN = 0.9  # the share of equal steps between frames that come evenly
_FEWEST_STEPS = 8  # from which on this share tells anything
_CUT_STEPS = 3  # at most, at the end of a file that is cut off, between frames whose B-frames are missing
_LATE_FRAMES = 5  # in a row, at most, whose stamps are late without any missing before
_DROPPED = 1.5  # steps; so long after the frame before, one is missing between


@dataclass(frozen=True)
class Condition:
    """What reading a recording from end to end has shown.

    Parameters
    ----------
    video : Recording
        The recording.
    times : ndarray of shape (N,)
        When each frame is shown, in units of its `time_base`.
    states : ndarray of shape (N,)
        What is known of each frame, as `Frame` numbers it.
    """

    video: Recording
    times: np.ndarray
    states: np.ndarray

    @classmethod
    def of(cls, video: Recording, times: Sequence[int] | np.ndarray, states: Sequence[int] | np.ndarray) -> Condition:
        """Take times and states as they come."""
        return cls(video, np.asarray(times, np.int64), np.asarray(states, np.uint8))

    def rows(self, state: Frame) -> list[int]:
        """List the frames that are in a state."""
        return np.flatnonzero(self.states & state).tolist()

    @property
    def lost(self) -> list[int]:
        """The frames that cannot be shown."""
        return np.flatnonzero(~self.states & Frame.READ).tolist()

    @cached_property
    def missing_at_end(self) -> int:
        """How many frames the recording claims to have behind the last one that it delivers."""
        step_s = 1 / self.fps
        end_s = float(self.times[-1] * self.video.time_base) + step_s if len(self.times) else 0.0
        return self.video.missing_at_end(len(self.times), end_s)

    @cached_property
    def undecodable(self) -> tuple[int, int]:
        """How many frames before the first row and behind the last one have none, because they cannot be decoded."""
        return self.video.undecodable(len(self.times))

    @cached_property
    def _rounding(self) -> int:
        """By how many units a time may be off: by none where a unit is a frame, as in AVI, so that 2 are a gap."""
        steps, unit_s = np.diff(self.times), float(self.video.time_base)
        counts_frames = unit_s > _CLOCK_UNIT_S or abs(unit_s * self.video.fps - 1) < _SAME_RATE
        return 0 if counts_frames and len(steps) and np.median(steps) == 1 else self.video.rounding

    @property
    def varies(self) -> bool:
        """Whether the frames come at uneven times; less than the unit of the time stamps is rounding."""
        steps = np.diff(self.times)
        return len(steps) > 0 and bool(np.ptp(steps) > self._rounding)

    @cached_property
    def _steps(self) -> tuple[np.ndarray, float]:
        """The units from each frame to the next, and how many there usually are."""
        steps = np.diff(self.times)
        return steps, float(np.median(steps)) if len(steps) else 0.0

    @cached_property
    def _lost(self) -> np.ndarray:
        """By how many units frames are later from each one on; one alone whose stamp is late does not count."""
        late = self.times - self._steps[1] * np.arange(len(self.times))
        return np.diff(minimum_filter1d(late, _LATE_FRAMES, origin=-(_LATE_FRAMES // 2), mode="nearest"))

    @cached_property
    def gaps(self) -> dict[int, int]:
        """By the frame before it, how many frames are missing in each gap and pause, as the time stamps tell."""
        steps, usual = self._steps
        where = np.union1d(self.pauses, self.dropped).astype(int)
        return dict(zip(where.tolist(), np.rint(steps[where] / (usual or 1) - 1).astype(int).tolist(), strict=True))

    @cached_property
    def pauses(self) -> np.ndarray:
        """The frames after which the time stamps jump far ahead."""
        steps, usual = self._steps
        return np.flatnonzero(steps > max(_LONG_GAP_S / float(self.video.time_base), _LONG_GAP_STEPS * usual))

    @cached_property
    def dropped(self) -> np.ndarray:
        """The frames after which a few are missing, by the times of an even recording."""
        steps, usual = self._steps
        is_wide = (steps > _DROPPED * usual + self._rounding) & (self._lost > (_DROPPED - 1) * usual)
        wide = np.setdiff1d(np.flatnonzero(is_wide), self.pauses)
        return wide if not self._rounding or self._is_even else wide[:0]

    @cached_property
    def _is_even(self) -> bool:
        """Whether frames come evenly, at least until the last few, between which those of a cut file are missing."""
        steps, usual = self._steps
        equal = np.abs(np.delete(steps, self.pauses) - usual) <= self._rounding
        until = max(len(equal) - _CUT_STEPS, int(np.max(np.flatnonzero(equal), initial=-1)) + 1)
        return until >= _FEWEST_STEPS and bool(np.mean(equal[:until]) >= _EVEN)

    @property
    def fps(self) -> float:
        """Frames per second: what the recording tells, unless its time stamps tell another mean.

        Where frames come evenly, the rate alone tells their times: there the mean differs by no more than rounding.
        """
        told = self.video.fps
        if len(self.times) < 2:
            return told
        mean = float((len(self.times) - 1) / ((self.times[-1] - self.times[0]) * self.video.time_base))
        rounding_s = float(self._rounding * self.video.time_base)
        doubt = max(_SAME_RATE if self.varies else _EQUAL, 2 * rounding_s * told / (len(self.times) - 1))
        return told if abs(mean / told - 1) <= doubt else mean

    def facts(self) -> dict[str, Any]:
        """Gather what a record tells of the recording and its frames."""
        video = self.video
        seconds = [round(float(time * video.time_base), 6) for time in self.times.tolist()]
        return {
            "fps": self.fps,
            "fps_is_assumed": video.rate_is_assumed,
            "frames": len(self.times),
            "frames_in_header": video.header_frames,
            "frames_decoded": len(self.times) - len(self.lost),
            "frames_missing_at_end": self.missing_at_end,
            "frames_undecodable_at_start": self.undecodable[0],
            "frames_undecodable_at_end": self.undecodable[1],
            "lost_frames": self.lost,
            "damaged_frames": self.rows(Frame.DAMAGED),
            "dark_frames": self.rows(Frame.DARK),
            "blank_frames": self.rows(Frame.BLANK),
            "frames_missing_after": [list(gap) for gap in self.gaps.items()],
            "clock_restarts_at": self.rows(Frame.RESTART),
            "frame_times_s": seconds if self.varies else None,
            "width": video.full_width,
            "height": video.full_height,
            "crop": video.crop,
            **video.facts(),
        }

    def warn(self) -> None:
        """Say in the log what people must know before they trust numbers made from this recording."""
        for remark in (*self._on_damage(), *self._on_sizes(), *self._on_darkness(), *self._on_clock()):
            log.warning("%s: %s", self.video.path.name, remark)

    def _on_damage(self) -> Iterator[str]:
        """Say what is lost, damaged or missing."""
        other_size, damaged, missing = self.rows(Frame.OTHER_SIZE), self.rows(Frame.DAMAGED), self.missing_at_end
        lost = sorted(set(self.lost).difference(other_size))
        before, behind = self.undecodable
        if not (lost or damaged or missing or before or behind):
            return
        count = len(self.times)
        told = [f"{count} frames were read"]
        if missing:
            header = self.video.header_frames
            claimed = f"{header} frames" if header else f"the length of {count + missing} frames"
            told.append(f"the header tells {claimed}, so {missing} are missing at the end: it is cut off")
        if before:
            told.append(f"{before} before the first of them cannot be decoded and are not counted")
        if behind:
            told.append(f"{behind} behind the last of them cannot be decoded")
        if lost:
            told.append(f"{len(lost)} of these are lost ({self._why(lost)})")
        if damaged:
            told.append(
                f"{len(damaged)} are damaged, or shown on top of damaged ones: frame{'s' * (len(damaged) > 1)} "
                f"{_spans(damaged)}"
            )
        yield f"it is damaged or incomplete: {', '.join(told)}"

    def _on_sizes(self) -> Iterator[str]:
        """Say which frames have another size."""
        if other := self.rows(Frame.OTHER_SIZE):
            video = self.video
            yield (
                f"{len(other)} of {len(self.times)} frames have another size than {video.full_width} x "
                f"{video.full_height} pixels, that of the others, and count as lost ({self._why(other)}): put the "
                "frames of each size into a recording of their own"
            )

    def _why(self, lost: Sequence[int]) -> str:
        """Say why the first of some lost frames are lost."""
        reasons = "; ".join(f"frame {row} {self.video.why_lost(row)}" for row in lost[:_TOLD])
        return reasons + "; ..." * (len(lost) > _TOLD)

    def _on_darkness(self) -> Iterator[str]:
        """Say which frames show nothing."""
        count, dark, blank = len(self.times), self.rows(Frame.DARK), self.rows(Frame.BLANK)
        if dark:
            yield (
                f"{len(dark)} of {count} frames are dark, nearly black: no pixel is brighter than {DARK} of 255 in "
                f"frame{'s' * (len(dark) > 1)} {_spans(dark)}"
            )
        if blank:
            yield f"{len(blank)} of {count} frames are all one colour: frame{'s' * (len(blank) > 1)} {_spans(blank)}"

    def _on_clock(self) -> Iterator[str]:
        """Say where the clock starts anew or jumps."""
        restarts = self.rows(Frame.RESTART)
        if restarts:
            yield (
                f"its time stamps start anew at frame{'s' * (len(restarts) > 1)} {_spans(restarts)}, as in recordings "
                "that were joined: each part is taken to follow the one before at once"
            )
        steps, usual = self._steps
        unit_s = float(self.video.time_base)
        if len(self.pauses):
            first = self.pauses[0]
            yield (
                f"its time stamps jump ahead {len(self.pauses)} times, first by {steps[first] * unit_s:.2f} s after "
                f"frame {first}: the camera paused there, frames are missing, or recordings were joined"
            )
        if len(self.dropped):
            missing = sum(self.gaps[frame] for frame in self.dropped.tolist())
            yield (
                f"its frames come every {usual * unit_s:.4g} s, but by their times {missing} are missing, first after "
                f"frame {self.dropped[0]}: rows count the frames that are there; frame_times_s in _meta.json tells "
                "when each was taken"
            )


def _spans(rows: Sequence[int]) -> str:
    """Write row numbers as spans, the first few."""
    spans: list[list[int]] = []
    for row in rows:
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    texts = [str(first) if first == last else f"{first} to {last}" for first, last in spans[:_TOLD]]
    return ", ".join(texts) + (", ..." if len(spans) > _TOLD else "")


def announce(video: Recording) -> None:
    """Say in the log what is to be known of a recording before its frames are read."""
    for remark in video.remarks():
        log.warning("%s: %s", video.path.name, remark)
