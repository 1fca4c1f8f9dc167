"""Images of another size, and where their pixels lie: (0, 0) is the centre of the top left pixel at every size."""

from __future__ import annotations

import cv2
import numpy as np

Size = tuple[int, int]
"""Height and width in pixels."""


def scaled_size(size: Size, scale: float) -> Size:
    """Return the nearest whole height and width of an image that is scaled; at least one pixel.

    Parameters
    ----------
    size : (height, width)
        In pixels.
    scale : float
        Wanted size relative to it.

    Returns
    -------
    (height, width)
        In pixels.

    Examples
    --------
    >>> scaled_size((406, 396), 0.7)
    (284, 277)
    """
    height, width = size
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink(frames: np.ndarray, scale: float) -> np.ndarray:
    """Scale frames down to the nearest whole size: each new pixel is the mean of the area that it covers.

    Parameters
    ----------
    frames : ndarray of shape (B, H, W, 3), uint8
        RGB.
    scale : float
        Wanted size relative to them, in (0, 1].

    Returns
    -------
    ndarray of shape (B, H', W', 3), uint8
        Of `scaled_size`; the frames themselves where that is theirs.

    Examples
    --------
    >>> columns = np.array([10, 20, 30, 60], np.uint8)
    >>> shrink(np.broadcast_to(columns[:, None], (1, 2, 4, 3)), 0.5)[0, 0, :, 0].tolist()
    [15, 45]
    """
    old = frames.shape[1:3]
    height, width = new = scaled_size(old, scale)
    if new == old:
        return frames
    small = np.empty((len(frames), height, width, 3), np.uint8)
    for frame, place in zip(frames, small, strict=True):
        cv2.resize(frame, (width, height), dst=place, interpolation=cv2.INTER_AREA)
    return small


def full_size_points(points: np.ndarray, small: Size, full: Size) -> np.ndarray:
    """Return where points of a scaled image lie in the image of full size.

    Parameters
    ----------
    points : ndarray of shape (..., 2)
        x, y in pixels of the scaled image.
    small, full : (height, width)
        Of the scaled image, and of the full one.

    Returns
    -------
    ndarray of shape (..., 2)
        (x + 0.5) * W / W' - 0.5 with the widths W of the full and W' of the scaled image; y alike.

    Examples
    --------
    The centre of the first of two pixels is the middle between the first two of four.

    >>> full_size_points(np.array([[0.0, 0.0], [1.0, 1.0]]), (2, 2), (4, 4)).tolist()
    [[0.5, 0.5], [2.5, 2.5]]
    """
    return (points + np.float32(0.5)) * ratios(small, full) - np.float32(0.5)


def ratios(small: Size, full: Size) -> np.ndarray:
    """Return how many pixels of the full image one of the scaled image is wide and high; (2,), float32."""
    return np.array([full[1] / small[1], full[0] / small[0]], np.float32)
