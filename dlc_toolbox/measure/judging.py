"""Judging expected errors by the errors that came, labels by the network, and test images by what is near them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

_BINS = 8
_FEWEST_OF_A_PART = 5
_FAR = 3.0  # times the usual error


def coverage(errors_px: np.ndarray, radius_px: np.ndarray) -> float:
    """Return the share of errors that lie within their radius; NaN where there is no error with a radius.

    Examples
    --------
    >>> coverage(np.array([1.0, 4.0, np.nan]), np.array([2.0, 3.0, 1.0]))
    0.5
    """
    known = np.isfinite(errors_px) & np.isfinite(radius_px)
    return float((errors_px <= radius_px)[known].mean()) if known.any() else float("nan")


def reliability(errors_px: np.ndarray, expected_px: np.ndarray, bins: int = _BINS) -> np.ndarray:
    """Compare errors with what was expected, in bins of equally many pairs.

    Parameters
    ----------
    errors_px, expected_px : ndarray of one shape
        NaN where nobody labeled, or nothing is expected.
    bins : int
        How many, at most.

    Returns
    -------
    ndarray of shape (bins, 2)
        Median of what was expected, and of what came; rising in the first.

    Examples
    --------
    >>> reliability(np.array([2.0, 1.0, 8.0, 6.0]), np.array([1.0, 1.0, 5.0, 9.0]), bins=2).tolist()
    [[1.0, 1.5], [7.0, 7.0]]
    """
    known = np.isfinite(errors_px) & np.isfinite(expected_px)
    expected, came = expected_px[known], errors_px[known]
    order = np.argsort(expected, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return np.array([[np.median(expected[part]), np.median(came[part])] for part in parts]).reshape(-1, 2)


def doubtful_labels(
    errors_px: np.ndarray, expected_px: np.ndarray, wanted_px: float, contradiction: np.ndarray | None = None
) -> list[tuple[int, int]]:
    """Find labels to look at again: a network disagrees far beyond what is usual for that part.

    The surer the network, and the better its place fits the rest of the posture when compared with the label, the
    likelier it is the label that is wrong, and the further up it stands.

    Parameters
    ----------
    errors_px : ndarray of shape (N, K)
        Between labels and a network that did not train on these images; NaN where nobody labeled.
    expected_px : ndarray of shape (N, K)
        What was expected, learned from other images.
    wanted_px : float
        An error that is small enough is never doubted.
    contradiction : ndarray of shape (N, K), optional
        How much more the label contradicts the posture than the network's place does, as a ratio; 1 where that is not
        known, which is the default.

    Returns
    -------
    list of (int, int)
        Image and part, the most surprising first: by error over what was expected, times the contradiction.

    Examples
    --------
    >>> errors = np.full((9, 1), 2.0)
    >>> errors[4:6] = [[30.0], [40.0]]
    >>> expected = np.full((9, 1), 3.0)
    >>> expected[5] = 20.0
    >>> doubtful_labels(errors, expected, wanted_px=5)
    [(4, 0), (5, 0)]
    """
    labeled = np.isfinite(errors_px)
    if not labeled.any():
        return []
    usual = np.full(errors_px.shape[1], np.median(errors_px[labeled]))
    for part in np.flatnonzero(labeled.sum(axis=0) >= _FEWEST_OF_A_PART):
        usual[part] = np.median(errors_px[labeled[:, part], part])
    with np.errstate(invalid="ignore"):
        doubted = np.isfinite(expected_px) & (errors_px > np.maximum(_FAR * usual, wanted_px))
        surprise = errors_px / expected_px * (1 if contradiction is None else contradiction)
    places = np.argwhere(doubted)
    return [(int(image), int(part)) for image, part in places[np.argsort(-surprise[doubted], kind="stable")]]


def steps_to_training(train: Sequence[str], test: Sequence[str]) -> np.ndarray:
    """Tell how near each test image is to a training image of the same folder, by the numbers in their names.

    Parameters
    ----------
    train, test : sequence of str
        Names ``folder/image``.

    Returns
    -------
    ndarray of shape (len(test),)
        Difference of the numbers; NaN where the folder has no training image, or names have no number.

    Examples
    --------
    >>> steps_to_training(["a/img005.png", "a/img090.png"], ["a/img007.png", "b/img005.png"]).tolist()
    [2.0, nan]
    """
    numbers: dict[str, list[int]] = {}
    for folder, number in map(_place, train):
        if number is not None:
            numbers.setdefault(folder, []).append(number)
    steps = []
    for folder, number in map(_place, test):
        near = numbers.get(folder, []) if number is not None else []
        steps.append(min((abs(number - other) for other in near), default=np.nan) if number is not None else np.nan)
    return np.array(steps, dtype=float)


def _place(name: str) -> tuple[str, int | None]:
    """Return folder and number of an image; the number is the last one in its name."""
    path = PurePosixPath(name)
    digits = re.findall(r"\d+", path.stem)
    return path.parent.as_posix(), int(digits[-1]) if digits else None
