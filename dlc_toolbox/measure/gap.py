"""Whether longer training or more labels help: from the gap between the errors on training and on test images.

What a network gets wrong in the images that trained it, longer training can lower. What it gets wrong beyond that in
test images, it has not been shown: more labels lower that. So the larger of the two parts of the test error says which
helps more, as far as the images are enough to tell.

References
----------
Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall (1993), chapter 13 (percentile intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LABELS, TRAINING, UNKNOWN = "labels", "training", "unknown"
"""What helps more; `UNKNOWN` where the images cannot tell."""

FEWEST_IMAGES = 10
"""Labeled images on each side; resampled from fewer, an interval says too little."""

HALF = 0.5
"""The share of the test error at which gap and training error are equal."""

_RESAMPLES = 2000
_LEAST_PX = 1e-6  # errors below it are as good as none
_INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Gap:
    """Mean errors on both sides, and how much of the test error is gap.

    Parameters
    ----------
    train_px, test_px : float
        Mean errors in pixels, pooled over labeled pairs.
    train_images, test_images : int
        How many have labels.
    share : float
        ``(test_px - train_px) / test_px``; negative where the test error is the smaller one.
    low, high : float
        Interval of 95 % of the share, from resampled images.
    """

    train_px: float
    test_px: float
    train_images: int
    test_images: int
    share: float
    low: float
    high: float

    @property
    def helps(self) -> str:
        """`LABELS` where the gap is surely more than half of the test error, `TRAINING` where surely less."""
        if self.low > HALF:
            return LABELS
        return TRAINING if self.high < HALF else UNKNOWN


def measure_gap(train_errors: np.ndarray, test_errors: np.ndarray, rng: np.random.Generator) -> Gap | str:
    """Compare a network's errors in the images that trained it with those in others.

    Parameters
    ----------
    train_errors : ndarray of shape (N, K)
        Distances in pixels; NaN where nobody labeled. Images that the training held out belong to neither side.
    test_errors : ndarray of shape (M, K)
        Likewise.
    rng : Generator
        Draws the images: whole ones, because errors within an image go together. Images that are next to each other in
        a video do so too, which the interval does not know.

    Returns
    -------
    Gap or str
        Why it is not known, where there are too few labeled images, or no error at all.

    Examples
    --------
    >>> gap = measure_gap(np.full((10, 2), 1.0), np.full((10, 2), 4.0), np.random.default_rng(0))
    >>> gap.share, gap.low, gap.high, gap.helps
    (0.75, 0.75, 0.75, 'labels')
    """
    train, test = _sums(train_errors), _sums(test_errors)
    fewest = min(len(train), len(test))
    if fewest < FEWEST_IMAGES:
        return f"{len(train)} training and {len(test)} test images have labels, and {FEWEST_IMAGES} of each are needed"
    train_px, test_px = _mean(train), _mean(test)
    if test_px < _LEAST_PX:
        return f"the test error is {test_px:g} px"
    drawn = [(_mean(_drawn(train, rng)), _mean(_drawn(test, rng))) for _ in range(_RESAMPLES)]
    shares = [1 - of_train / max(of_test, _LEAST_PX) for of_train, of_test in drawn]
    low, high = np.percentile(shares, _INTERVAL)
    return Gap(train_px, test_px, len(train), len(test), 1 - train_px / test_px, float(low), float(high))


def _sums(errors: np.ndarray) -> np.ndarray:
    """Return the sum of the errors and the number of labels of each labeled image, (N, 2)."""
    sums = np.stack([np.nansum(errors, axis=1), np.isfinite(errors).sum(axis=1)], axis=1)
    return sums[sums[:, 1] > 0]


def _drawn(sums: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many images, with replacement."""
    return sums[rng.integers(len(sums), size=len(sums))]


def _mean(sums: np.ndarray) -> float:
    """Return the mean error over labels."""
    total, count = sums.sum(axis=0)
    return float(total / count)
