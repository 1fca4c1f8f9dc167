"""Colours and markers of the body parts: hues that all eyes tell apart, then the same hues with another marker."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib import colormaps
from matplotlib.colors import to_hex

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
        Name of a matplotlib colormap that the user wants in the place of the hues here.

    Returns
    -------
    list of PartStyle
        In the order of the settings. The marker changes when all hues are used up; from the 49th on styles repeat.

    Examples
    --------
    >>> [(style.color, style.marker) for style in part_styles(9)][::8]
    [('#e69f00', 'circle'), ('#e69f00', 'square')]
    """
    markers = [MARKERS[place // len(HUES) % len(MARKERS)] for place in range(count)]
    if colormap is None:
        colors = [HUES[place % len(HUES)] for place in range(count)]
    else:
        colors = [to_hex(colormaps[colormap](place / count)) for place in range(count)]  # cyclic maps end as they begin
    return [PartStyle(color, marker) for color, marker in zip(colors, markers, strict=True)]
