"""Frames that differ: a sample of a recording, and the choice out of it by looks and motion, or at even distances.

One pass over the frames, whose number need not be known before, keeps small pictures of a bounded number of them::

    sample = sample_frames(recording.shown(), least=500)
    frames, apart = choose_various(sample, count=20, apart=float(1 / recording.time_base), seed=42)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans, vq
from skimage.transform import downscale_local_mean

from dlc_toolbox.video.recording import Frame

_SMALL = 32  # pixels along the longer side of a small picture, at most
_READ = 5 * _SMALL  # pixels that go into it along that side, about
_TRIALS = 3  # k-means depends on where it starts
_UNFIT = Frame.DARK | Frame.BLANK | Frame.DAMAGED


@dataclass(frozen=True)
class Sample:
    """Frames that are fit to be labeled, evenly spread over a recording, and what they show.

    Parameters
    ----------
    numbers : ndarray of shape (N,)
        Of the frames, ascending from 0.
    times : ndarray of shape (N,)
        When each is shown, in the unit of the recording's time stamps.
    looks : ndarray of shape (N, P)
        float32: gray values of a small picture of each, 0 to 255.
    motion : ndarray of shape (N, P)
        float32: by how much each differs from the frame before it, pixel by pixel; 0 where that one is lost or dark.
    taken : ndarray of shape (T,)
        When frames that are already chosen are shown.
    total : int
        How many frames the recording has, fit or not.
    """

    numbers: np.ndarray
    times: np.ndarray
    looks: np.ndarray
    motion: np.ndarray
    taken: np.ndarray
    total: int


@dataclass(frozen=True)
class _Sampled:
    """One frame of a sample."""

    number: int
    time: int
    look: np.ndarray
    motion: np.ndarray


def sample_frames(
    shown: Iterable[tuple[int, np.ndarray | None, Frame]],
    least: int,
    *,
    is_wanted: Callable[[int], bool] = lambda number: True,
    taken: Collection[int] = (),
) -> Sample:
    """Sample frames evenly, leaving out those that are lost, damaged, dark, of one colour, or equal to the one before.

    The recording is divided into parts of equal length, and the first fit frame of each is kept. The parts begin with
    one frame, and become twice as long whenever they are too many; so memory does not depend on the number of frames.

    Parameters
    ----------
    shown : iterable of (int, ndarray of shape (H, W, 3) or None, Frame)
        Time, picture (uint8 RGB; None where it is lost) and state of every frame, as `Recording.shown` yields them.
        `Frame.RESTART` makes the motion of a frame unknown.
    least : int
        How many frames are wanted at least, if so many are fit; there may be twice as many.
    is_wanted : callable
        Tells by its number whether a frame may be sampled.
    taken : collection of int
        Frames that are chosen already: they are not sampled, and `choose_various` keeps a distance from them.

    Returns
    -------
    Sample
        Empty when no frame is fit.
    """
    length, kept, taken_at, total = 1, dict[int, _Sampled](), list[int](), 0
    before: np.ndarray | None = None  # the last one that is not lost
    neighbour: np.ndarray | None = None  # the one directly before, if it is fit
    for number, (time, frame, state) in enumerate(shown):
        total += 1
        fit = None if state & _UNFIT else frame
        if number in taken:
            taken_at.append(time)
        elif fit is not None and number // length not in kept and is_wanted(number) and not _are_equal(before, fit):
            features = _look_and_motion(fit, None if state & Frame.RESTART else neighbour)
            kept[number // length] = _Sampled(number, time, *features)
            if len(kept) == 2 * least:
                length *= 2
                kept = _first_of_each(kept.values(), length)
        before, neighbour = before if frame is None else frame, fit
    return _gather(list(kept.values()), taken_at, total)


def _first_of_each(frames: Iterable[_Sampled], length: int) -> dict[int, _Sampled]:
    """Keep the first frame of each part of this length."""
    kept: dict[int, _Sampled] = {}
    for frame in frames:
        kept.setdefault(frame.number // length, frame)
    return kept


def _gather(frames: Sequence[_Sampled], taken: Sequence[int], total: int) -> Sample:
    """Put frames into arrays."""
    numbers, times, at = (
        np.array(values, np.int64)
        for values in ([frame.number for frame in frames], [frame.time for frame in frames], taken)
    )
    looks, motion = (
        np.array(values, np.float32).reshape(len(frames), -1 if frames else 0)
        for values in ([frame.look for frame in frames], [frame.motion for frame in frames])
    )
    return Sample(numbers, times, looks, motion, at, total)


def _are_equal(before: np.ndarray | None, frame: np.ndarray) -> bool:
    """Tell whether a frame is the one before, shown again; some pixels tell most that are not."""
    if before is None or before.shape != frame.shape:
        return False
    return bool((before[::16, ::16] == frame[::16, ::16]).all() and (before == frame).all())


def _look_and_motion(frame: np.ndarray, neighbour: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return a small picture of a frame, and by how much it differs from that of its neighbour."""
    look = _small(frame)
    return look, np.zeros_like(look) if neighbour is None else abs(look - _small(neighbour))


def _small(frame: np.ndarray) -> np.ndarray:
    """Return a small gray picture of a frame, (H, W, 3)."""
    step = max(1, max(frame.shape[:2]) // _READ)
    read = frame[::step, ::step]
    block = -(-max(read.shape[:2]) // _SMALL)
    return downscale_local_mean(read, (block, block, 3))[..., 0].astype(np.float32)


def choose_various(sample: Sample, count: int, apart: float, seed: int) -> tuple[list[int], float]:
    """Choose frames that look and move differently: k-means, and of each cluster the frame nearest to its centre.

    Looks and motion count alike: both are gray values. A frame less than `apart` from another is passed over for the
    next nearest of its cluster; a cluster without any leaves its place to another one.

    Parameters
    ----------
    sample : Sample
        The frames to choose from.
    count : int
        How many are wanted.
    apart : float
        The least time between two frames, in the unit of `sample.times`. Where frames are too near to each other for
        that, half of what an even spread would leave; and half of that, and so on, until there are enough.
    seed : int
        Same seed, same frames.

    Returns
    -------
    list of int
        Frame numbers, ascending; fewer than wanted when the sample holds no more.
    float
        The least time that was kept.

    Examples
    --------
    >>> looks = np.array([[10], [10], [10], [200], [200], [90]], np.float32)
    >>> at = np.arange(6)
    >>> sample = Sample(at, at, looks, np.zeros_like(looks), np.array([]), total=6)
    >>> choose_various(sample, count=3, apart=2, seed=0)
    ([0, 3, 5], 1.0)
    """
    count = min(count, len(sample.numbers))
    if count == 0:
        return [], apart
    features = np.concatenate([sample.looks - sample.looks.mean(axis=0), sample.motion], axis=1)
    clusters = _clusters(features, count, np.random.default_rng(seed))
    apart = min(apart, max(float(np.ptp(sample.times) + 1) / (2 * count), 1))
    while len(chosen := _nearest_apart(clusters, sample, count, apart)) < count and apart > 1:
        apart = max(apart / 2, 1)
    return sorted(int(sample.numbers[place]) for place in chosen), apart


def choose_even(sample: Sample, count: int) -> list[int]:
    """Choose frames at even distances.

    Parameters
    ----------
    sample : Sample
        The frames to choose from.
    count : int
        How many are wanted.

    Returns
    -------
    list of int
        Frame numbers, ascending: the middle ones of `count` parts of the sample; fewer when the sample holds no more.

    Examples
    --------
    >>> numbers = np.arange(0, 90, 10)
    >>> choose_even(Sample(numbers, numbers, *np.zeros((2, 9, 1)), np.array([]), total=90), count=3)
    [10, 40, 70]
    """
    size = len(sample.numbers)
    count = min(count, size)
    return [int(sample.numbers[(2 * part + 1) * size // (2 * count)]) for part in range(count)]


def _clusters(features: np.ndarray, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return which rows are in each cluster, the nearest to its centre first; the smallest cluster first."""
    trials = (kmeans(features, _spread_out(features, count, rng)) for _ in range(_TRIALS))
    centres = min(trials, key=lambda trial: trial[1])[0]
    cluster, distance = vq(features, centres)
    order = np.lexsort((distance, cluster))
    sizes = np.bincount(cluster, minlength=len(centres))
    return sorted(np.split(order, np.cumsum(sizes)[:-1]), key=len)


def _spread_out(features: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows to start k-means from: far ones are likelier, and the best of a few is taken each time.

    References
    ----------
    Arthur & Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007 (section 7, greedy variant).
    """
    draws = 2 + int(np.log(count))
    chosen = [int(rng.integers(len(features)))]
    nearest = _squares(features, features[chosen])[:, 0]
    while len(chosen) < count and nearest.any():
        drawn = rng.choice(len(features), draws, p=nearest.astype(float) / nearest.sum(dtype=float))
        nearer = np.minimum(nearest[:, None], _squares(features, features[drawn]))
        best = int(nearer.sum(axis=0).argmin())
        chosen.append(int(drawn[best]))
        nearest = nearer[:, best]
    return features[chosen]


def _squares(features: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row to each point, (N, points)."""
    lengths, others = (np.einsum("np,np->n", rows, rows) for rows in (features, points))
    return np.maximum(lengths[:, None] - 2 * features @ points.T + others, 0)


def _nearest_apart(clusters: list[np.ndarray], sample: Sample, count: int, apart: float) -> list[int]:
    """Take the nearest row of each cluster in turn, then the next ones, each at least `apart` from those before."""
    times, chosen = list(sample.taken), list[int]()
    waiting: list[Iterator[int]] = [iter(cluster.tolist()) for cluster in clusters]
    while waiting and len(chosen) < count:
        for members in list(waiting):
            place = next((one for one in members if np.all(np.abs(np.array(times) - sample.times[one]) >= apart)), None)
            if place is None:
                waiting.remove(members)
            elif len(chosen) < count:
                chosen.append(place)
                times.append(sample.times[place])
    return chosen
