"""Clicks in inches or mm in place of pixels: Fiji measures so where an image has a scale."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlc_toolbox import ToolboxError

log = logging.getLogger(__name__)

_TINY = 0.05  # of the image's longer side: clicks that all lie below are measured in inches or mm
_SMALL = 0.3  # clicks that all lie below may be
_SOME = 10  # clicks on all parts
_REMOVE_SCALE = "In Fiji: Analyze > Set Scale > Click to Remove Scale, tick Global, then measure again"
_FEW = 3  # clicks of one part; fewer tell nothing


def looks_calibrated(labels: np.ndarray, sizes: np.ndarray, share: float = _TINY) -> bool:
    """Tell whether labels may be in inches or mm: close to 0 in all images, and some between whole and half pixels.

    Parameters
    ----------
    labels : ndarray of shape (N, ..., 2)
        x, y; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height in pixels of the images.
    share : float
        Of the longer side of an image, beyond which none of its labels lies then.

    Returns
    -------
    bool
        Whether all labels are that small, and not all of them whole or half pixels.

    Examples
    --------
    >>> looks_calibrated(np.array([[1.23, 2.34], [np.nan, np.nan]]), np.array([[640, 480], [64, 48]]))
    True
    """
    shares = labels.reshape(len(labels), -1) / sizes.max(axis=1, keepdims=True)
    clicked = np.isfinite(shares)
    return bool(clicked.any() and shares[clicked].max() < share and (2 * labels[np.isfinite(labels)] % 1).any())


def refuse_calibrated(labels: np.ndarray, sizes: np.ndarray, home: Path) -> None:
    """Raise when the clicks of a folder look calibrated, and warn where they may be.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height in pixels of the images.
    home : Path
        Where the label files lie.

    Raises
    ------
    ToolboxError
        See `looks_calibrated`.
    """
    if looks_calibrated(labels, sizes):
        raise ToolboxError(f"{home}: {_extent(labels, sizes)}, so Fiji measured in inches or mm. {_REMOVE_SCALE}")
    if np.isfinite(labels).all(axis=-1).sum() >= _SOME and looks_calibrated(labels, sizes, _SMALL):
        log.warning(
            "%s: %s; unless all that was labeled is always that near to the top left corner, Fiji measured in mm. %s",
            *(home, _extent(labels, sizes), _REMOVE_SCALE),
        )


def warn_of_calibrated(labels: np.ndarray, sizes: np.ndarray, files: Sequence[Path]) -> None:
    """Warn of single body parts whose clicks look calibrated.

    No error, because one part may well lie in the corner, or be clicked there wherever it is not visible.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height in pixels of the images.
    files : sequence of K Path
        The label file of each part.
    """
    for path, of_part in zip(files, np.moveaxis(labels, 1, 0), strict=True):
        if np.isfinite(of_part).all(axis=1).sum() >= _FEW and looks_calibrated(of_part, sizes):
            log.warning(
                "%s: %s; unless this part is never seen outside the top left corner, Fiji measured in inches or mm. %s",
                *(path, _extent(of_part, sizes), _REMOVE_SCALE),
            )


def _extent(labels: np.ndarray, sizes: np.ndarray) -> str:
    """Say how far clicks reach, and how far the images do."""
    return f"the largest coordinate of all clicks is {np.nanmax(labels):g}, in images of up to {sizes.max()} pixels"
