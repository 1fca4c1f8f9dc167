"""The board in the videos of several cameras."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.boards import BoardFinder, Corners
from dlc_toolbox.cameras.descriptions import described_otherwise
from dlc_toolbox.cameras.trials import Trial, check_clocks, check_gaps, tell_lengths
from dlc_toolbox.poses.clock import Clock
from dlc_toolbox.project.cameras import Board, View
from dlc_toolbox.video.condition import Condition
from dlc_toolbox.video.recording import Frame, Reading, Recording
from dlc_toolbox.video.sequences import open_frames

log = logging.getLogger(__name__)

MOST_MOMENTS = 300
"""At which the board is looked for, evenly over all videos."""

_APART = 10**9  # numbers of moments of one trial and the next
_SAMPLES = 6  # pictures of a camera that are kept for a second look, should nothing be found


def watch_boards(
    trials: Sequence[Trial],
    views: Sequence[View],
    offsets: Mapping[str, int],
    board: Board,
    reading: Reading | None = None,
    *,
    commontrigger: bool = False,
) -> tuple[Corners, list[tuple[int, int]]]:
    """Look for the board in videos of the same moments.

    Parameters
    ----------
    trials : sequence of Trial
        The videos.
    views : sequence of C View
        The cameras.
    offsets : mapping of str to int
        Which frame of a camera shows the first moment.
    board : Board
        What is looked for.
    reading : Reading, optional
        How videos are read where they leave a choice.
    commontrigger : bool
        Whether frames are of the same moments whatever the clocks of the videos tell.

    Returns
    -------
    Corners
        What was seen; cameras are numbered in the order of `views`, moments in that of time.
    list of (int, int)
        Width and height of each camera's view.

    Raises
    ------
    ToolboxError
        When a video cannot be read, a camera lost frames where another did not, videos drift apart, or a camera's
        videos have different sizes.
    """
    find, found = BoardFinder(board), []
    sizes: dict[int, tuple[int, int]] = {}
    samples = defaultdict[int, list[np.ndarray]](list)
    for begins, trial in enumerate(trials):
        opened = {
            number: open_frames(trial.videos[view.name], view.crop, reading)
            for number, view in enumerate(views)
            if view.name in trial.videos
        }
        lengths = {views[k].name: video.expected_frames for k, video in opened.items()}
        if all(lengths.values()) and len({trial.videos[name] for name in lengths}) > 1:
            tell_lengths(trial.name, lengths, offsets)
        conditions = dict[str, Condition]()
        longest = max(video.expected_frames for video in opened.values())
        every = max(1, -(-longest * len(trials) // MOST_MOMENTS))
        for number, video in opened.items():
            size = video.width, video.height
            if sizes.setdefault(number, size) != size:
                raise ToolboxError(
                    f"{video.path.name} shows {size[0]} x {size[1]} pixels, but other videos of camera "
                    f"{views[number].name} {sizes[number][0]} x {sizes[number][1]}"
                )
            view, first = views[number], begins * _APART
            seen, conditions[view.name] = _watch(
                video, number, view, offsets.get(view.name, 0), every, first, find, samples[number]
            )
            found += seen
        gaps = {name: condition.gaps for name, condition in conditions.items()}
        frames = {name: len(condition.times) for name, condition in conditions.items()}
        check_gaps(trial.name, gaps, frames, offsets)
        if not commontrigger:
            clocks = {name: Clock.recorded(condition.facts()) for name, condition in conditions.items()}
            check_clocks(trial, {name: clock.seconds(0, frames[name]) for name, clock in clocks.items()}, offsets)
    if missing := [view.name for number, view in enumerate(views) if number not in sizes]:
        raise ToolboxError(f"there is no video of the board by camera {', '.join(missing)}")
    corners = Corners.joined(found)
    for number, pictures in samples.items():
        if not (corners.camera == number).any():
            _tell_description(views[number], board, pictures)
    return corners, [sizes[number] for number in range(len(views))]


def _tell_description(view: View, board: Board, pictures: Sequence[np.ndarray]) -> None:
    """Warn where a camera has not seen the board, but one like it."""
    if words := described_otherwise(board, pictures, is_flipped=view.mirrored):
        log.warning("camera %s does not see the board as it is described, but it is seen %s", view.name, words)


def _watch(
    video: Recording,
    number: int,
    view: View,
    offset: int,
    every: int,
    begins: int,
    find: BoardFinder,
    samples: list[np.ndarray],
) -> tuple[list[Corners], Condition]:
    """Look for the board in every so many frames of a video, some of which become samples; tell its condition, too."""
    found, times = [], list[int]()
    apart = max(every, video.expected_frames // _SAMPLES // every * every)
    shown = tqdm(video.frames(), f"{view.name}: {video.path.name}", video.expected_frames or None)
    for row, (time, frame) in enumerate(shown):
        times.append(time)
        moment = row - offset
        if frame is None or moment < 0 or moment % every:
            continue
        picture = np.ascontiguousarray(frame[:, ::-1]) if view.mirrored else frame
        corners, seen = find(picture)
        if not len(corners) and moment % apart == 0 and len(samples) < _SAMPLES:
            samples.append(picture)
        count = len(corners)
        found.append(Corners(np.full(count, number), np.full(count, begins + moment), corners, seen))
    return found, Condition.of(video, times, [Frame.READ] * len(times))
