"""Values of pixels: which one is white, and whether a picture shows anything."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

log = logging.getLogger(__name__)

_WHITES = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bits
_SIGNED_WHITE = 32767  # of signed numbers of 16 bits
_SHARE_OF_DARKNESS = 20
DARK = 255 // _SHARE_OF_DARKNESS
"""A picture of 8 bits whose brightest pixel is no brighter is dark: under a twentieth of its range."""

_COARSE = 16  # pixels; what a picture shows is nearly always seen in a few of them


class UnknownRangeError(ValueError):
    """Nothing tells which values of a picture are black and white."""


def white_of(samples: Iterable[np.ndarray]) -> float:
    """Return which value is white, from values themselves: cameras put 10, 12 or 14 bits into 16.

    Parameters
    ----------
    samples : iterable of ndarray
        Values of pictures of one camera, integers or floats.

    Returns
    -------
    float
        1 for floats up to 1; otherwise the largest value of 8, 10, 12, 14 or 16 bits (15 in signed numbers of 16),
        whichever holds all of them.
        Whole numbers that are all under a twentieth of what 8 bits hold tell nothing: 65535.

    Raises
    ------
    UnknownRangeError
        When values are negative, or larger than 16 bits hold; the message says what they are.

    Examples
    --------
    >>> white_of([np.array([200, 3000], np.uint16)]), white_of([np.array([0.2, 0.9])])
    (4095, 1.0)
    """
    lowest, highest, fraction, largest = 0.0, 0.0, True, _WHITES[-1]
    for values in samples:
        fraction &= values.dtype.kind == "f"
        largest = _SIGNED_WHITE if values.dtype == np.int16 else largest
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if finite.size:
            lowest, highest = min(lowest, float(finite.min())), max(highest, float(finite.max()))
    if lowest < 0 or highest > _WHITES[-1]:
        raise UnknownRangeError(
            f"its values lie between {lowest:g} and {highest:g}, and nothing tells which of them is white"
        )
    if fraction and highest <= 1:
        return 1.0
    whites = [white for white in _WHITES if white < largest]
    return next((white for white in whites if highest <= white and highest > white / _SHARE_OF_DARKNESS), largest)


def as_rgb8(values: np.ndarray, white: float, source: Path | None = None) -> np.ndarray:
    """Return values as 8-bit RGB.

    Parameters
    ----------
    values : ndarray of shape (H, W) or (H, W, 3)
        Whole numbers or floats; NaN is black.
    white : float
        As `white_of` returns it. What is larger is white too.
    source : Path, optional
        Where the values are from; if any is larger than white, which a sample told, a warning names it, once.

    Returns
    -------
    ndarray of shape (H, W, 3)
        uint8: the upper 8 bits of each value; of floats up to 1, the nearest of 256 steps.

    Examples
    --------
    >>> as_rgb8(np.array([[0, 255, 4095]], np.uint16), 4095)[..., 0]
    array([[  0,  15, 255]], dtype=uint8)
    """
    if source is not None:
        warn_of_brighter(values, white, source)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values.astype(float), nan=0.0, posinf=white, neginf=0.0).clip(0, white)
        scaled = np.rint(values * 255) if white == 1 else values // ((white + 1) // 256)
    else:
        bits = int(white).bit_length()
        kept = values if bits == 8 * values.itemsize else np.minimum(values, int(white))
        scaled = kept >> (bits - 8)
    gray = scaled.astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2) if gray.ndim == 2 else gray


def warn_of_brighter(values: np.ndarray, white: float, source: Path) -> None:
    """Say, once for each source, that values are larger than the one that was taken for white."""
    if values.size and np.nanmax(values) > white:
        _tell_brighter(source, white)


@lru_cache(maxsize=256)
def _tell_brighter(source: Path, white: float) -> None:
    """Say so."""
    log.warning(
        "%s: some of its pictures are brighter than those that were looked at to find out which value is white (%g). "
        "What is brighter is white here, and shows nothing: save the recording with 8 bits, over its whole range",
        *(source, white),
    )


def is_dark(picture: np.ndarray) -> bool:
    """Tell whether the brightest pixel of an 8-bit picture, (H, W, 3), is under a twentieth of its range."""
    return picture[::_COARSE, ::_COARSE].max() <= DARK and picture.max() <= DARK


def is_blank(picture: np.ndarray) -> bool:
    """Tell whether a picture, (H, W, 3), is all one colour."""
    color = picture[0, 0]
    return bool((picture[::_COARSE, ::_COARSE] == color).all() and (picture == color).all())
