"""What a faster way to find poses must keep, compared with float32 on whole frames: one rule for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LARGEST_DIFFERENCE_PX = 0.3
"""Accepted median distance from the poses of float32."""

LARGEST_INCREASE = 0.02
"""Accepted increase of the mean error on labeled images, beyond what chance explains (one standard error): where a
network is in two minds, rounding decides, and a single left paw taken for a right one can move the mean by 2 %."""

MEANINGFUL = 0.1
"""Likelihood in float32 from which a pose is compared; below it, the best cell is chance."""

_DRAWS = 2000


def chance_px(increases: Sequence[np.ndarray]) -> float:
    """Return what of a difference between mean errors is chance: its standard error, by a paired bootstrap.

    Parameters
    ----------
    increases : sequence of N ndarray
        By image, how much larger the error of each label is, in pixels; NaN where nobody labeled.

    Returns
    -------
    float
        In pixels. Images are drawn anew, not labels: errors in one image are related.

    References
    ----------
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap (1993), chapter 8.

    Examples
    --------
    >>> chance_px([np.array([1.0, 1.0]), np.array([1.0, np.nan])])
    0.0
    """
    sums, counts = (np.array([each(image) for image in increases]) for each in (np.nansum, _labels))
    drawn = np.random.default_rng(0).integers(len(sums), size=(_DRAWS, len(sums)))
    pairs = counts[drawn].sum(axis=1)
    means = sums[drawn].sum(axis=1)[pairs > 0] / pairs[pairs > 0]
    return float(means.std())


def _labels(increases: np.ndarray) -> int:
    """Count the labels of an image."""
    return int(np.isfinite(increases).sum())


def largest_error_px(reference_px: float, chance_px: float = 0.0) -> float:
    """Return the largest mean error that is accepted.

    Parameters
    ----------
    reference_px : float
        Mean error of float32.
    chance_px : float, optional
        Standard error of the mean of the differences.

    Returns
    -------
    float
        In pixels.

    Examples
    --------
    >>> largest_error_px(50.0, chance_px=2.0)
    53.0
    """
    return (1 + LARGEST_INCREASE) * reference_px + chance_px


def is_kept(difference_px: float, error_px: float, reference_px: float, chance_px: float) -> bool:
    """Tell whether poses are as good as those of float32.

    Parameters
    ----------
    difference_px : float
        Median distance from the poses of float32; NaN, which is not enough, where there is nothing to compare.
    error_px, reference_px : float
        Mean error on labeled images, and that of float32.
    chance_px : float
        Standard error of the mean of their differences.

    Returns
    -------
    bool
        Whether neither bound is passed.
    """
    return difference_px <= LARGEST_DIFFERENCE_PX and error_px <= largest_error_px(reference_px, chance_px)
