"""Colours and markers of the body parts: hues that all eyes tell apart, then the same hues with another marker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb

PALETTE = "parts"
"""What `colormap` in the settings says for the hues and markers of this module."""

# Of Okabe and Ito (2008), without yellow, black and white, which vanish on bright or dark video; the last two are the
# farthest from the others for normal, red-blind and green-blind eyes (CIE Lab, Machado et al. 2009).
HUES = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2", "#7744ff", "#aacc77")
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "star")
MATPLOTLIB_MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "X", "star": "*"}


@dataclass(frozen=True)
class PartStyle:
    """How one body part is drawn.

    Parameters
    ----------
    color : str
        ``#rrggbb``.
    marker : str
        One of `MARKERS`.
    """

    color: str
    marker: str


def part_styles(count: int, colormap: str | None = None) -> list[PartStyle]:
    """Choose colour and marker of each body part, the same in page, plots, pictures and videos.

    Parameters
    ----------
    count : int
        Number of body parts.
    colormap : str, optional
        Name of a matplotlib colormap that the user wants in the place of the palette; None means `PALETTE`.

    Returns
    -------
    list of PartStyle
        In the order of the settings. The marker changes when all hues are used up; from the 49th on styles repeat.
        With a colormap every marker is a circle, as in v1.

    Examples
    --------
    >>> [(style.color, style.marker) for style in part_styles(9)][::8]
    [('#e69f00', 'circle'), ('#e69f00', 'square')]
    >>> [(style.color, style.marker) for style in part_styles(2, "hsv")]
    [('#ff0000', 'circle'), ('#00fff5', 'circle')]
    """
    colors = part_colors(colormap or PALETTE, count)
    markers = part_markers(colormap or PALETTE, count) or ["circle"] * count
    return [PartStyle(f"#{bytes(color).hex()}", marker) for color, marker in zip(colors, markers, strict=True)]


def part_colors(colormap: str, count: int) -> np.ndarray:
    """Choose one colour per body part, in the order of the settings.

    Parameters
    ----------
    colormap : str
        `PALETTE`, or the name of a matplotlib colormap.
    count : int
        Number of body parts, K.

    Returns
    -------
    ndarray of shape (K, 3)
        uint8 RGB. The end of a colormap is left out, because cyclic maps such as hsv end as they begin.
    """
    if colormap != PALETTE:
        return colormaps[colormap](np.arange(count) / max(count, 1), bytes=True)[:, :3]
    hues = np.round(255 * np.array([to_rgb(hue) for hue in HUES])).astype(np.uint8)
    return hues[np.arange(count) % len(HUES)]


def part_markers(colormap: str, count: int) -> list[str] | None:
    """Choose one marker per body part, in the order of the settings; None: all are circles.

    Examples
    --------
    >>> part_markers("parts", 9)[7:]
    ['circle', 'square']
    """
    if colormap != PALETTE:
        return None
    return [MARKERS[place // len(HUES) % len(MARKERS)] for place in range(count)]


def outline(marker: str) -> np.ndarray:
    """Return the corners of a marker, of the same area as a disc of radius 1 and with its centre of mass at (0, 0).

    Parameters
    ----------
    marker : str
        One of `MARKERS`.

    Returns
    -------
    ndarray of shape (V, 2)
        x, y; y points downwards, as in images. A circle has 32 corners.

    Examples
    --------
    >>> (outline("square") * 2 / np.sqrt(np.pi)).round(6).tolist()
    [[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]
    """
    if marker == "cross":
        arm = np.array([(-1, -3), (1, -3), (1, -1)])  # three times as long as wide; the cross is turned by an eighth
        corners = np.concatenate([arm @ _turn(quarter / 4 + 1 / 8) for quarter in range(4)])
    else:
        count, inner, start = {
            "circle": (32, 1, 0),
            "square": (4, 1, 1 / 8),
            "triangle": (3, 1, 0),
            "diamond": (4, 1, 0),
            "star": (10, 0.45, 0),
        }[marker]
        radii = np.where(np.arange(count) % 2, inner, 1)
        angles = 2 * np.pi * (np.arange(count) / count + start)
        corners = radii[:, None] * np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    x, y = corners.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return corners * np.sqrt(np.pi / area)


def _turn(share: float) -> np.ndarray:
    """Return the matrix that turns row vectors by a share of the full circle."""
    cos, sin = np.cos(2 * np.pi * share), np.sin(2 * np.pi * share)
    return np.array([[cos, sin], [-sin, cos]])
