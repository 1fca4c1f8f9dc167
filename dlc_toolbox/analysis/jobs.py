"""From the frames of a video to rows of poses, batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis.partial import Partial
from dlc_toolbox.analysis.window import BATCHES_PER_REFRESH, MovingWindow, WindowRule
from dlc_toolbox.measure.confidence import FEATURES
from dlc_toolbox.poses.network import Predict, look
from dlc_toolbox.poses.scaled import scaled
from dlc_toolbox.video.recording import Frame, Recording
from dlc_toolbox.video.video import prefetch

log = logging.getLogger(__name__)

BATCH_PIXELS = 8 * 640 * 480
"""What a CPU is given at once; more needs memory and gains nothing."""

_WAITING_BATCHES = 2
_MOST_FRAMES = 64
_MOST_FRAMES_IN_WINDOW = 4  # a window is placed anew for each batch


def frames_at_once(frame_pixels: int, batch_pixels: int, windowed: bool = False) -> int:
    """Return how many frames make a batch, so that one of large frames needs no more memory than one of small ones.

    Parameters
    ----------
    frame_pixels, batch_pixels : int
        Area of a frame, and of a whole batch at most.
    windowed : bool, optional
        Whether a window moves with the animal.

    Returns
    -------
    int
        From 1 to 64, or 4 with a window.

    Examples
    --------
    >>> frames_at_once(640 * 480, BATCH_PIXELS), frames_at_once(3840 * 2160, BATCH_PIXELS)
    (8, 1)
    """
    most = _MOST_FRAMES_IN_WINDOW if windowed else _MOST_FRAMES
    return min(max(batch_pixels // frame_pixels, 1), most)


@dataclass(frozen=True)
class Job:
    """A video to be analyzed, and how; what it needs to be done elsewhere.

    Parameters
    ----------
    video : Recording
        The frames.
    table : Path
        The pose table to be made.
    snapshot : Path
        The weights of the network.
    made_from : mapping
        As `describe_poses` returns it.
    parts : int
        Number of body parts.
    batch_size : int
        Frames per call of the predictor.
    window : WindowRule or None
        How a window follows the animal.
    scale : float
        At which the predictor sees the frames, relative to their size.
    """

    video: Recording
    table: Path
    snapshot: Path
    made_from: Mapping[str, Any]
    parts: int
    batch_size: int
    window: WindowRule | None
    scale: float = 1.0

    @property
    def header(self) -> dict[str, Any]:
        """What rows in the making are made from."""
        return {**self.made_from, "batch_size": self.batch_size, "features": FEATURES}

    @property
    def row(self) -> np.dtype:
        """What is found in one frame."""
        maps = ("maps", "<f4", (self.parts, len(FEATURES) - 1))  # the first feature stands in the pose, too
        return np.dtype([("time", "<i8"), ("state", "u1"), ("pose", "<f4", (self.parts, 3)), maps])

    def batches_start(self, frame: int) -> int:
        """Return the last frame up to this one that a run may start at, and find what one from the beginning finds."""
        unit = self.batch_size * (BATCHES_PER_REFRESH if self.window else 1)
        return frame // unit * unit


class Fill(Protocol):
    """Finds the missing rows of a video: `fill_rows` in this process, `scaleout.fill_on_workers` in others."""

    def __call__(self, partial: Partial, job: Job, load_predictor: Callable[[], Predict], /) -> dict[str, Any]:
        """Append them to `partial`, and tell for the record how that went."""


@dataclass
class _Batch:
    """Frames of one shape: (B, H, W, 3), the first of them real, with times and what is known of each."""

    frames: np.ndarray
    times: list[int] = field(default_factory=list)
    states: list[Frame] = field(default_factory=list)
    duration_s: float = 0.0


def _batches(video: Recording, start: int, stop: int | None, size: int) -> Iterator[_Batch]:
    """Gather the frames from one row to another; a lost frame, and what the last batch lacks, is black."""
    frames = islice(video.shown(start), stop and stop - start)
    while True:
        begun = perf_counter()
        batch = _Batch(np.zeros((size, video.height, video.width, 3), np.uint8))
        for position, (time, frame, state) in enumerate(islice(frames, size)):
            batch.times.append(time)
            batch.states.append(state)
            if frame is not None:
                batch.frames[position] = frame
        if not batch.times:
            return
        batch.duration_s = perf_counter() - begun
        yield batch


def fill_rows(
    partial: Partial,
    job: Job,
    load_predictor: Callable[[], Predict],
    first: int = 0,
    stop: int | None = None,
    *,
    show: bool = True,
) -> dict[str, float]:
    """Analyze the frames after those in `partial`.

    Parameters
    ----------
    partial : Partial
        Rows of whole batches, from frame `first` on; gets the others, batch by batch.
    job : Job
        What is analyzed, and how.
    load_predictor : callable
        Makes the predictor, see `Analysis`.
    first, stop : int
        The frames that `partial` is for: first <= number < stop; default all.
    show : bool
        Whether to show the progress.

    Returns
    -------
    dict of str to float
        How fast it went and, with a moving window, which share of the pixels was analyzed.

    Raises
    ------
    ToolboxError
        When the network's answer to a frame is no finite number.
    """
    video, start, predict = job.video, first + len(partial), load_predictor()
    if len(partial):
        log.info("%s: goes on at frame %d, where it was interrupted", video.path.name, start)
    window = MovingWindow(predict, job.window.scaled(job.scale)) if job.window else None
    find = scaled(window or predict, job.scale)  # so that windows meet the grid of the network as whole frames do
    offset = np.array([video.crop[0], video.crop[2], 0] if video.crop else [0, 0, 0], np.float32)
    decoding_s = inference_s = 0.0
    begun = perf_counter()
    total = max(video.expected_frames, start) or None
    with (
        closing(prefetch(_batches(video, start, stop, job.batch_size), _WAITING_BATCHES)) as batches,
        tqdm(total=total, initial=start, desc=video.path.name, unit=" frames", disable=not show) as progress,
    ):
        for batch in batches:
            before = perf_counter()
            poses, features = (found[: len(batch.times)] for found in look(find, batch.frames))
            poses = poses + offset
            inference_s += perf_counter() - before
            decoding_s += batch.duration_s
            decoded = (np.array(batch.states, np.uint8) & Frame.READ).astype(bool)
            _check_finite(poses, decoded, video.path, first + len(partial))
            poses[~decoded] = np.nan
            maps = np.where(decoded[:, None, None], features[..., 1:], np.nan)
            partial.append(batch.times, batch.states, poses, maps)
            progress.update(len(poses))
    done = first + len(partial) - start
    facts = {
        "duration_s": round(perf_counter() - begun, 3),
        "decoding_frames_per_s": round(done / decoding_s, 1) if done else 0.0,
        "inference_frames_per_s": round(done / inference_s, 1) if done else 0.0,
    }
    speeds = facts["decoding_frames_per_s"], facts["inference_frames_per_s"]
    log.info("%s: decoded at %s, analyzed at %s frames/s", video.path.name, *speeds)
    if window:
        facts["analyzed_share"] = round(window.analyzed_share, 3)
        log.info("%s: %.0f%% of the pixels were analyzed", video.path.name, 100 * facts["analyzed_share"])
    return facts


def _check_finite(poses: np.ndarray, decoded: np.ndarray, video: Path, first: int) -> None:
    """Refuse the poses of a network whose training diverged, found in decoded frames from `first` on."""
    wrong = np.flatnonzero(decoded & ~np.isfinite(poses).all(axis=(1, 2)))
    if len(wrong):
        raise ToolboxError(
            f"{video}: the network finds no finite position in frame {first + wrong[0]}; its training diverged: "
            "take an earlier snapshot (snapshotindex in myconfig_analysis.py) or train again with a lower learning rate"
        )
