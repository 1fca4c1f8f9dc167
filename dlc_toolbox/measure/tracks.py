"""Poses over time: median filter, steps and gaps, and the frames in which the network fails.

All functions take poses of shape (N, K, 3), one row per frame: x, y in pixels and likelihood; a lost frame is all NaN.
A body part is seen in a frame when its likelihood is at least `pcutoff`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import Cutoff, is_confident


def seen_points(poses: np.ndarray, pcutoff: Cutoff) -> np.ndarray:
    """Return the places of the body parts where they are seen.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y, likelihood.
    pcutoff : Cutoff
        The least likelihood of a body part that is seen, see `metrics.is_confident`.

    Returns
    -------
    ndarray of shape (N, K, 2)
        x, y in pixels; NaN where a part is not seen.

    Examples
    --------
    >>> seen_points(np.array([[[4.0, 5.0, 0.9]], [[6.0, 7.0, 0.1]]]), pcutoff=0.5).tolist()
    [[[4.0, 5.0]], [[nan, nan]]]
    """
    return np.where(is_confident(poses[..., 2], pcutoff)[..., None], poses[..., :2], np.nan)


def median_filter(poses: np.ndarray, windowlength: int, pcutoff: Cutoff) -> np.ndarray:
    """Smooth the tracks by a running median, x and y apart, which removes short jumps and leaves steady motion alone.

    Only seen poses are filtered, and only they enter a median: a guess below `pcutoff` moves no other pose and stays
    as it is, with its likelihood, so that a filtered table never shows a place that the network did not find. Beside
    a gap, at the start and at the end, the window shrinks on both sides: a one-sided one would drag moving parts.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y, likelihood.
    windowlength : int
        Frames in the window around each frame, odd; 1 changes nothing.
    pcutoff : Cutoff
        The least likelihood of a body part that is seen.

    Returns
    -------
    ndarray of shape (N, K, 3)
        A copy with other x and y; likelihoods are those of `poses`.

    Raises
    ------
    ToolboxError
        When the window is even, and so would have no middle.

    Examples
    --------
    >>> track = np.array([[[1.0, 0, 1]], [[50.0, 0, 1]], [[3.0, 0, 1]], [[90.0, 0, 0.1]], [[5.0, 0, 1]]])
    >>> median_filter(track, windowlength=3, pcutoff=0.5)[:, 0, 0].tolist()
    [1.0, 3.0, 3.0, 90.0, 5.0]
    """
    if windowlength % 2 == 0:
        raise ToolboxError(f"windowlength is {windowlength}; it must be odd, so that a frame is in its middle")
    points = seen_points(poses, pcutoff)
    medians = columns = pd.DataFrame(points.reshape(len(points), -1))
    for length in range(3, min(windowlength, len(points)) + 1, 2):  # none larger is ever full
        medians = columns.rolling(length, center=True).median().fillna(medians)  # NaN unless all of the window is seen
    filtered = poses.copy()
    filtered[..., :2] = np.where(np.isfinite(points), medians.to_numpy().reshape(points.shape), poses[..., :2])
    return filtered


def steps_px(points: np.ndarray) -> np.ndarray:
    """Measure how far each body part moved since the frame before.

    Parameters
    ----------
    points : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where a part is not seen.

    Returns
    -------
    ndarray of shape (N, K)
        Distances in pixels; NaN in the first frame and where either place is missing, so that a gap is no step.

    Examples
    --------
    >>> steps_px(np.array([[[1.0, 2.0]], [[4.0, 6.0]], [[np.nan, np.nan]]]))[:, 0].tolist()
    [nan, 5.0, nan]
    """
    steps = np.full(points.shape[:2], np.nan)
    steps[1:] = np.hypot(*np.moveaxis(np.diff(points, axis=0), -1, 0))
    return steps


def longest_gaps(seen: np.ndarray) -> np.ndarray:
    """Count the frames of the longest stretch in which each body part is not seen.

    Parameters
    ----------
    seen : ndarray of shape (N, K)
        bool.

    Returns
    -------
    ndarray of shape (K,)
        int.

    Examples
    --------
    >>> longest_gaps(np.array([[True], [False], [False], [True], [False]])).tolist()
    [2]
    """
    last_seen = np.maximum.accumulate(np.where(seen, np.arange(len(seen))[:, None], -1), axis=0)
    return (np.arange(len(seen))[:, None] - last_seen).max(axis=0, initial=0)


@dataclass(frozen=True)
class Criteria:
    """When a network fails on a body part in a frame.

    Parameters
    ----------
    pcutoff : Cutoff
        A likelihood below it.
    jumpthreshold : float
        A step of more than so many pixels since the frame before, with the part seen in both.
    deviationthreshold : float
        More than so many pixels between a seen part and its median-filtered track.
    windowlength : int
        Frames in the window of that filter, odd.
    """

    pcutoff: Cutoff
    jumpthreshold: float
    deviationthreshold: float
    windowlength: int


def find_failures(poses: np.ndarray, criteria: Criteria) -> np.ndarray:
    """Tell where a network fails, by three criteria.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y, likelihood.
    criteria : Criteria
        The limits.

    Returns
    -------
    ndarray of shape (N, K, 3)
        bool; low likelihood, jump, deviation. Nothing fails in a lost frame.

    Examples
    --------
    >>> poses = np.array([[[0.0, 0, 1]], [[30.0, 0, 1]], [[0.0, 0, 1]], [[0.0, 0, 0.1]], [[np.nan] * 3]])
    >>> find_failures(poses, Criteria(0.5, 20, 20, 3))[:, 0].astype(int).tolist()
    [[0, 0, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    points = seen_points(poses, criteria.pcutoff)
    filtered = median_filter(poses, criteria.windowlength, criteria.pcutoff)[..., :2]
    is_low = np.isfinite(poses[..., 2]) & ~is_confident(poses[..., 2], criteria.pcutoff)
    is_jump = steps_px(points) > criteria.jumpthreshold
    deviates = np.hypot(*np.moveaxis(points - filtered, -1, 0)) > criteria.deviationthreshold
    return np.stack([is_low, is_jump, deviates], axis=-1)


def surprise(failures: np.ndarray) -> np.ndarray:
    """Weigh the failures of each frame by how rare they are.

    A part that is hidden most of the time tells little about a frame, one that fails once tells much: each failure
    counts ``1 - log(share)``, with the share of frames in which this part fails by this criterion.

    Parameters
    ----------
    failures : ndarray of shape (N, K, C)
        bool, see `find_failures`.

    Returns
    -------
    ndarray of shape (N,)
        0 where nothing fails; otherwise more the more there is to learn from the frame.

    Examples
    --------
    >>> surprise(np.array([[[True, False]], [[True, True]], [[True, False]]])).round(2).tolist()
    [1.0, 3.1, 1.0]
    """
    share = failures.mean(axis=0)
    weights = 1 - np.log(np.where(share > 0, share, 1))
    return (failures * weights).sum(axis=(1, 2))


def choose_apart(scores: np.ndarray, count: int, seed: int, taken: Collection[int] = ()) -> list[int]:
    """Choose the frames of the highest scores, as far apart as they allow, and never two neighbours.

    The highest score of all comes first, and so on down; a frame nearer to another than a least distance is passed
    over. That distance begins with half of what an even spread would leave, and is halved until there are enough.

    Parameters
    ----------
    scores : ndarray of shape (N,)
        A frame of score 0 is not chosen.
    count : int
        How many are wanted.
    seed : int
        Decides between equal scores.
    taken : collection of int
        Frames that must not be chosen; half the distance is kept from them.

    Returns
    -------
    list of int
        Frame numbers, ascending; fewer than wanted when there are no more.

    Examples
    --------
    >>> choose_apart(np.array([0, 5, 6, 5, 0, 0, 2, 0]), count=2, seed=0)
    [2, 6]
    """
    ties = np.random.default_rng(seed).random(len(scores))
    order = np.lexsort((ties, scores))[::-1]
    order = order[scores[order] > 0]
    distance = max(2, len(scores) // (2 * max(count, 1)))
    while True:
        chosen = _pick(order, len(scores), count, distance, taken)
        if len(chosen) == count or distance == 2:
            return sorted(chosen)
        distance = max(2, distance // 2)


def _pick(order: np.ndarray, total: int, count: int, distance: int, taken: Collection[int]) -> list[int]:
    """Take frames in this order, each at least `distance` from those taken before."""
    is_free = np.ones(total + distance, dtype=bool)
    for frame in taken:
        is_free[max(frame - distance // 2 + 1, 0) : frame + distance // 2] = False
    chosen: list[int] = []
    for frame in order:
        if len(chosen) == count:
            break
        if is_free[frame]:
            chosen.append(int(frame))
            is_free[max(frame - distance + 1, 0) : frame + distance] = False
    return chosen


def summarize_tracks(
    poses: np.ndarray, bodyparts: Sequence[str], pcutoff: Cutoff, jumpthreshold: float
) -> pd.DataFrame:
    """Summarize the track of each body part.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y, likelihood.
    bodyparts : sequence of str
        The K names.
    pcutoff : Cutoff
        The least likelihood of a body part that is seen.
    jumpthreshold : float
        A longer step, in pixels, is a jump.

    Returns
    -------
    DataFrame of K rows
        Columns ``bodypart``, ``share_above_pcutoff`` (of all frames, 0 to 1; a lost frame is not seen), ``jumps``,
        ``median_step_px`` (NaN where there is no step) and ``longest_gap_frames`` (not seen, one frame after another).

    Examples
    --------
    >>> track = np.array([[[0.0, 0, 1]], [[3.0, 4, 1]], [[3.0, 4, 0.1]], [[3.0, 4, 1]]])
    >>> summarize_tracks(track, ["nose"], pcutoff=0.5, jumpthreshold=4).values.tolist()
    [['nose', 0.75, 1, 5.0, 1]]
    """
    seen = is_confident(poses[..., 2], pcutoff)
    steps = pd.DataFrame(steps_px(seen_points(poses, pcutoff)))
    return pd.DataFrame(
        {
            "bodypart": list(bodyparts),
            "share_above_pcutoff": seen.mean(axis=0),
            "jumps": (steps > jumpthreshold).sum(axis=0),
            "median_step_px": steps.median(),
            "longest_gap_frames": longest_gaps(seen),
        }
    )
