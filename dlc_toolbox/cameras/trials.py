"""Which videos belong together: the same moments, seen by several cameras."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.cameras import View
from dlc_toolbox.project.layout import video_stem

log = logging.getLogger(__name__)

_NAMED = 5
_LONG_GAP = 10  # frames; over one, two clocks may differ by a frame
_PAUSES_DIFFER = 2  # frames, at most: a frame, and what rounding to whole ones hides
_RUN = 6  # moments; computers stamp up to five frames in a row too late
_MOST_DRIFT = 0.5  # frames


@dataclass(frozen=True)
class Trial:
    """Videos of the same moments.

    Parameters
    ----------
    name : str
        What their names have in common.
    videos : mapping of str to Path
        For each camera its video.
    """

    name: str
    videos: Mapping[str, Path]

    @property
    def folder(self) -> Path:
        """Where the video of the first camera lies."""
        return next(iter(self.videos.values())).parent


def find_trials(videos: Sequence[Path], views: Sequence[View]) -> list[Trial]:
    """Find which videos belong together, by their names.

    Parameters
    ----------
    videos : sequence of Path
        The videos.
    views : sequence of View
        The cameras. Videos belong together when the stars of their cameras' patterns stand for the same text. A pattern
        with ``/`` tells the names of their folders, too.

    Returns
    -------
    list of Trial
        Those that at least two cameras have seen; what is left out is said in the log.

    Raises
    ------
    ToolboxError
        When a video could be of two cameras, or a camera has two videos of one trial, or no trial is left.

    Examples
    --------
    >>> videos = [Path(f"v/{day}_cam{letter}.mp4") for day in ("mon", "tue") for letter in "AB"]
    >>> trials = find_trials(videos, [View("A", "*camA"), View("B", "*camB")])
    >>> [(trial.name, trial.videos["B"].name) for trial in trials]
    [('mon', 'mon_camB.mp4'), ('tue', 'tue_camB.mp4')]
    """
    if not views:
        raise ToolboxError(
            "myconfig_analysis.py names no cameras: set cameras = {'A': '*camA*', 'B': '*camB*'}, with a pattern of "
            "the names of each camera's videos"
        )
    found: dict[tuple[str, ...], dict[str, Path]] = {}
    strangers = []
    for video in videos:
        matches = [(view, key) for view in views if (key := _stars(view.pattern, video)) is not None]
        if len(matches) > 1 and not all(view.crop for view, _ in matches):
            names = " and ".join(f"{view.name} ({view.pattern})" for view, _ in matches)
            raise ToolboxError(
                f"{video.name} fits the patterns of the cameras {names}: make the patterns in cameras more exact"
            )
        strangers += [] if matches else [video.name]
        for view, key in matches:
            here = found.setdefault((str(video.parents[view.pattern.count("/")]), *key), {})
            if view.name in here:
                raise ToolboxError(
                    f"{here[view.name].name} and {video.name} both seem to be camera {view.name} of one trial"
                )
            here[view.name] = video
    _tell_strangers(strangers)
    trials = [Trial(_trial_name(key[1:]), _in_order(seen, views)) for key, seen in sorted(found.items())]
    whole = [trial for trial in trials if len(trial.videos) > 1]
    _refuse_same_names(whole)
    for trial in trials:
        if missing := [view.name for view in views if view.name not in trial.videos]:
            consequence = "" if trial in whole else "; it is left out"
            log.warning("%s has no video of camera %s%s", trial.name, ", ".join(missing), consequence)
    if not whole:
        patterns = ", ".join(f"{view.name}: {view.pattern}" for view in views)
        raise ToolboxError(f"none of {len(videos)} videos belong together by the patterns of cameras ({patterns})")
    return whole


def _stars(pattern: str, video: Path) -> tuple[str, ...] | None:
    """Return what the stars of a pattern stand for in a video's name, or None where it does not fit."""
    folders = pattern.count("/")
    if len(video.parents) <= folders:
        return None
    name = "/".join([*(folder.name for folder in video.parents[:folders][::-1]), video_stem(video)])
    pieces = pattern.removesuffix(video.suffix).split("*")
    found = re.fullmatch("([^/]*?)".join(map(re.escape, pieces)), name)
    return found.groups() if found else None


def _trial_name(stars: Sequence[str]) -> str:
    """Join what the stars stand for, with one separator where the camera's name stood between two."""
    parts = [part.strip("_-. ") for part in stars]
    return "_".join(part for part in parts if part) or "recording"


def _refuse_same_names(trials: Sequence[Trial]) -> None:
    """Raise when two trials would write the same table."""
    for number, trial in enumerate(trials):
        for other in trials[:number]:
            if (trial.folder, trial.name) == (other.folder, other.name):
                first, second = (next(iter(each.videos.values())).name for each in (other, trial))
                raise ToolboxError(f"{first} and {second} would both be called {trial.name}: rename the videos of one")


def _in_order(videos: Mapping[str, Path], views: Sequence[View]) -> dict[str, Path]:
    """Return the videos in the order of the cameras."""
    return {view.name: videos[view.name] for view in views if view.name in videos}


def _tell_strangers(names: Sequence[str]) -> None:
    """Say which videos are of no camera."""
    if names:
        log.warning("%s: fit the pattern of no camera, and are left out", in_short(names, _NAMED))


def check_gaps(
    trial: str, gaps: Mapping[str, Mapping[int, int]], frames: Mapping[str, int], offsets: Mapping[str, int]
) -> None:
    """Make sure that no camera left frames out where another did not, so that frame numbers stay moments.

    Parameters
    ----------
    trial : str
        Its name.
    gaps : mapping of str to mapping of int to int
        For each camera whose time stamps tell: by the frame after which some are missing, how many.
    frames : mapping of str to int
        How many frames each camera has.
    offsets : mapping of str to int
        Which of them shows the first moment; 0 where nothing is said.

    Raises
    ------
    ToolboxError
        When a camera did.
    """
    for name, other in permutations(gaps, 2):
        ahead = offsets.get(other, 0) - offsets.get(name, 0)
        for frame, lost in gaps[name].items():
            of_other = gaps[other].get(frame + ahead, 0)
            differ = abs(lost - of_other) > (min(lost, of_other) >= _LONG_GAP)
            if differ and 0 <= frame + ahead < frames[other] - 1:
                raise ToolboxError(
                    f"{trial}: by its time stamps camera {name} lost {lost} frames after its frame {frame}, where "
                    f"camera {other} lost {of_other or 'none'}: later frames of the same number are not of the same "
                    f"moments. If cameraoffsets are right, fill the gaps of {name} with ffmpeg (-vf fps=…, the rate of "
                    "the others), which repeats a frame where one is missing, and take that video instead"
                )


def check_clocks(trial: Trial, times_s: Mapping[str, np.ndarray | None], offsets: Mapping[str, int]) -> None:
    """Make sure that the clocks of all videos of a trial go alike, so that frame numbers are moments.

    When a clock begins does not matter, nor do up to five stamps in a row that are late, nor what passes in a pause of
    both.

    Parameters
    ----------
    trial : Trial
        Its videos.
    times_s : mapping of str to ndarray of shape (N,) or None
        When each frame of a camera is shown, in seconds; None where nothing tells it.
    offsets : mapping of str to int
        Which frame of a camera shows the first moment; 0 where nothing is said.

    Raises
    ------
    ToolboxError
        When two drift apart by more than half a frame.
    """
    known = {name: times for name, times in times_s.items() if times is not None}
    for pair in combinations(known, 2):
        first = max(0, *(-offsets.get(name, 0) for name in pair))
        rows = [first + offsets.get(name, 0) for name in pair]
        common = [known[name][row:] for name, row in zip(pair, rows, strict=True)]
        count = min(map(len, common))
        _refuse_drift(trial, pair, rows[0], np.array([times[:count] for times in common]))
    if unknown := [name for name in times_s if name not in known]:
        log.warning(
            "%s: nothing tells the frame rate of %s; it is taken to be that of the others",
            *(trial.name, ", ".join(unknown)),
        )


def _refuse_drift(trial: Trial, pair: Sequence[str], row: int, times_s: np.ndarray) -> None:
    """Raise when two videos drift apart, by the times of their frames of the same moments; the first's begin at `row`.

    So that single stamps do not matter, all frames of a run must be farther apart than any of the first run.
    """
    if times_s.shape[1] < _RUN:
        return
    steps_s = np.diff(times_s)
    frame_s = float(np.median(steps_s))
    gained = (steps_s[0] - steps_s[1]) / frame_s
    gained[(steps_s.min(axis=0) > _LONG_GAP * frame_s) & (np.abs(gained) < _PAUSES_DIFFER)] = 0
    runs = sliding_window_view(np.append(0, gained.cumsum()), _RUN)
    drift = np.maximum(runs.min(axis=1) - runs[0].max(), runs[0].min() - runs.max(axis=1))
    if drift.max() <= _MOST_DRIFT:
        return
    worst = int(drift.round(6).argmax())  # the first of equal ones
    by = float(abs(np.median(runs[worst]) - np.median(runs[0])))
    rates = (times_s.shape[1] - 1) / np.ptp(times_s, axis=1)
    first, second = (trial.videos[name].name for name in pair)
    raise ToolboxError(
        f"{trial.name}: {first} and {second} drift apart by their times (on average {rates[0]:.6g} and {rates[1]:.6g} "
        f"frames/s): by more than half a frame from frame {row + int(np.argmax(drift > _MOST_DRIFT))} of {first} on, "
        f"and by {by:.1f} frames ({by * frame_s:.2g} s) at its frame {row + worst}, so that the same frame number is "
        "not the same moment. If one trigger made the frames of all cameras, and only their clocks differ, set "
        "commontrigger = True in myconfig_analysis.py. If not, give the videos of all cameras one rate with ffmpeg "
        "(-vf fps=…), which repeats and leaves out frames by their times, and take these instead"
    )


def tell_lengths(trial: str, frames: Mapping[str, int], offsets: Mapping[str, int]) -> int:
    """Return for how many moments there are frames, and say so where the cameras differ.

    Parameters
    ----------
    trial : str
        Its name.
    frames : mapping of str to int
        How many frames each camera has.
    offsets : mapping of str to int
        Which of them shows the first moment; 0 where nothing is said.

    Returns
    -------
    int
        From the first moment to the last frame of any camera.

    Raises
    ------
    ToolboxError
        When a camera has no frame of the first moment, nor of a later one.
    """
    after = {name: count - offsets.get(name, 0) for name, count in frames.items()}
    for name, count in after.items():
        if count <= 0 < frames[name]:
            raise ToolboxError(
                f"{trial}: by cameraoffsets frame {offsets[name]} of camera {name} shows the first moment, but it has "
                f"{frames[name]} frames"
            )
    if len(set(after.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in after.items())
        log.warning(
            "%s: the cameras have different numbers of frames from the first moment on (%s); if a camera lost frames "
            "on the way, its later frames are not of the same moments",
            *(trial, told),
        )
    return max(0, *after.values())


def to_view(points: np.ndarray, view: View, width: int) -> np.ndarray:
    """Return places in the frame as places in a camera's view.

    Parameters
    ----------
    points : ndarray of shape (..., 2)
        x, y in pixels of the frame.
    view : View
        The part of the frame, and whether it is mirrored.
    width : int
        Of the frame, in pixels.

    Returns
    -------
    ndarray of shape (..., 2)
        x, y in pixels of the view, as if seen without a mirror.

    Examples
    --------
    >>> to_view(np.array([110.0, 35.0]), View("top", "*", (100, 200, 30, 80), mirrored=True), 640).tolist()
    [89.0, 5.0]
    """
    x1, x2, y1, _ = view.crop or (0, width, 0, 0)
    moved = points - (x1, y1)
    return np.stack([x2 - x1 - 1 - moved[..., 0], moved[..., 1]], axis=-1) if view.mirrored else moved
