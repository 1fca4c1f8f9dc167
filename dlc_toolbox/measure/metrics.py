"""Errors in pixels between what people labeled and what a network found.

A pair is one body part in one image. Only labeled pairs count, and all of them are pooled: an image with more labels
weighs more. A number over no pair at all is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

Cutoff = float | tuple[float, ...]
"""The least likelihood of a body part that is seen: one for all parts, or one for each of K, along the last axis."""

AUTO: Cutoff = ()
"""Stands for the cutoffs that an evaluation recommends, until these are known; it fits no array of body parts."""

NEVER = 2.0
"""Cutoff of a part for which no likelihood is enough: above 1, which networks answer, and a number in every file."""


def cutoff_in_words(pcutoff: Cutoff) -> str:
    """Name a cutoff.

    >>> cutoff_in_words(0.6), cutoff_in_words((0.5, 0.9))
    ('0.6', 'the one recommended for the part')
    """
    return "the one recommended for the part" if isinstance(pcutoff, tuple) else f"{pcutoff:g}"


def recommended_in_words(pcutoff: float) -> str:
    """Write a part's cutoff down: cut off after 4 digits, so that a likelihood from which on it was found passes.

    >>> recommended_in_words(0.25), recommended_in_words(0.99997)
    ('0.25', '0.9999')
    """
    return f"{np.floor(pcutoff * 1e4 + 1e-6) / 1e4:g}"


def euclidean_errors(labels: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Measure how far each body part was found from its label.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where nobody labeled.
    poses : ndarray of shape (N, K, 2) or (N, K, 3)
        x, y in pixels and, ignored here, likelihood; in the same order of images and body parts.

    Returns
    -------
    ndarray of shape (N, K)
        Euclidean distances in pixels; NaN where either is missing.

    Examples
    --------
    >>> euclidean_errors(np.array([[[1.0, 2.0], [np.nan, np.nan]]]), np.array([[[4.0, 6.0, 0.9], [7.0, 7.0, 0.9]]]))
    array([[ 5., nan]])
    """
    difference = np.asarray(poses, dtype=np.float64)[..., :2] - np.asarray(labels, dtype=np.float64)
    return np.hypot(difference[..., 0], difference[..., 1])


def is_confident(likelihoods: np.ndarray, pcutoff: Cutoff) -> np.ndarray:
    """Tell where a network is sure enough: ``likelihood >= pcutoff``, compared as float32.

    Networks answer in float32, whose 0.9 is less than 0.9 once a table has made it float64.

    Parameters
    ----------
    likelihoods : ndarray
        Of any shape, 0 to 1; NaN is never confident.
    pcutoff : Cutoff
        The least likelihood that counts.

    Returns
    -------
    ndarray of bool
        Of the same shape.

    Examples
    --------
    >>> is_confident(np.array([np.float32(0.9), 0.8, np.nan]), 0.9)
    array([ True, False, False])
    """
    return np.asarray(likelihoods, dtype=np.float32) >= np.asarray(pcutoff, dtype=np.float32)


def summarize(errors: np.ndarray, likelihoods: np.ndarray, pcutoff: Cutoff) -> dict[str, float]:
    """Summarize the errors of a set of images, pooled over its labeled pairs.

    Parameters
    ----------
    errors : ndarray
        Distances in pixels, of any shape; NaN marks pairs that do not count.
    likelihoods : ndarray
        The network's likelihoods, of the same shape.
    pcutoff : Cutoff
        The least likelihood of a confident pair, see `is_confident`.

    Returns
    -------
    dict of str to float
        ``mean_error_px``, ``median_error_px`` and ``rmse_px`` (the root of the mean of squares) over all labeled
        pairs, ``mean_error_pcutoff_px`` over the confident ones, and ``share_above_pcutoff``, the confident share
        of the labeled pairs (0 to 1; what nobody labeled has no say). NaN where there is no pair to average.

        Differs from v1: what it called RMSE is ``mean_error_px``, the mean distance.

    Examples
    --------
    >>> summary = summarize(np.array([3.0, 5.0, np.nan]), np.array([0.9, 0.05, 0.9]), pcutoff=0.1)
    >>> summary["mean_error_px"], summary["mean_error_pcutoff_px"], summary["share_above_pcutoff"]
    (4.0, 3.0, 0.5)
    """
    labeled = np.isfinite(errors)
    confident = is_confident(likelihoods, pcutoff)[labeled]
    pooled = errors[labeled]
    return {
        "mean_error_px": _mean(pooled),
        "median_error_px": float(np.median(pooled)) if pooled.size else float("nan"),
        "rmse_px": float(np.sqrt(_mean(pooled**2))),
        "mean_error_pcutoff_px": _mean(pooled[confident]),
        "share_above_pcutoff": _mean(confident),
    }


def summarize_parts(
    errors: np.ndarray, likelihoods: np.ndarray, bodyparts: Sequence[str], pcutoff: Cutoff
) -> pd.DataFrame:
    """Summarize the errors of each body part by itself.

    Parameters
    ----------
    errors, likelihoods : ndarray of shape (N, K)
        As for `summarize`.
    bodyparts : sequence of str
        The K names.
    pcutoff : Cutoff
        As for `summarize`.

    Returns
    -------
    DataFrame of K rows
        Columns ``bodypart``, ``labeled_pairs`` (how many count) and those of `summarize`.

    Examples
    --------
    >>> parts = summarize_parts(np.array([[3.0, 7.0], [5.0, np.nan]]), np.ones((2, 2)), ["nose", "tail"], pcutoff=0.1)
    >>> parts[["bodypart", "labeled_pairs", "mean_error_px"]].values.tolist()
    [['nose', 2, 4.0], ['tail', 1, 7.0]]
    """
    rows = [
        {
            "bodypart": part,
            "labeled_pairs": int(np.isfinite(errors[:, k]).sum()),
            **summarize(errors[:, k], likelihoods[:, k], cutoff),
        }
        for k, (part, cutoff) in enumerate(zip(bodyparts, np.broadcast_to(pcutoff, len(bodyparts)), strict=True))
    ]
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    """Return the mean, NaN (without a warning) of nothing."""
    return float(values.mean()) if values.size else float("nan")
