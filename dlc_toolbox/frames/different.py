"""Frames that differ most from each other, for a video of which nothing else tells what is worth labeling."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from skimage.transform import resize

from dlc_toolbox.video.video import Recording

_SIDE = 24  # px of a small picture; what the animal does shows, noise does not
_MOST_LOOKED_AT = 2000


def choose_different(video: Recording, total: int, count: int, taken: Collection[int] = ()) -> list[int]:
    """Choose frames one by one, each as different as can be from all before.

    Parameters
    ----------
    video : Recording
        The video; it is read once.
    total : int
        Its number of frames; of a long video at most 2000, evenly spread, are looked at.
    count : int
        How many are wanted.
    taken : collection of int
        Frames that must not be chosen; the others are to differ from these, too.

    Returns
    -------
    list of int
        Frame numbers, ascending; fewer than wanted when there are no more.
    """
    step = -(-total // _MOST_LOOKED_AT)
    looked_at = {number for number in range(total) if number % step == 0} | set(taken)
    numbers, small = [], []
    for number, frame in enumerate(video):
        if frame is not None and number in looked_at:
            numbers.append(number)
            small.append(resize(frame.mean(axis=2), (_SIDE, _SIDE), anti_aliasing=True).ravel())
    return [numbers[place] for place in _farthest(np.array(small), np.isin(numbers, list(taken)), count)]


def _farthest(points: np.ndarray, is_taken: np.ndarray, count: int) -> list[int]:
    """Return the places of points (N, D), each the farthest from all that are taken; the first the nearest to the mean.

    >>> _farthest(np.array([[0.0], [4.0], [5.0], [9.0]]), np.array([False] * 4), count=3)
    [0, 1, 3]
    """
    is_taken = is_taken.copy()
    apart = np.full(len(points), np.inf)
    for before in np.flatnonzero(is_taken):
        apart = np.minimum(apart, np.linalg.norm(points - points[before], axis=1))
    chosen: list[int] = []
    while len(chosen) < count and not is_taken.all():
        if is_taken.any():
            place = int(np.where(is_taken, -1, apart).argmax())
        else:
            place = int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())
        is_taken[place] = True
        chosen.append(place)
        apart = np.minimum(apart, np.linalg.norm(points - points[place], axis=1))
    return sorted(chosen)
