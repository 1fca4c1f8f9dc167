"""Pictures: an image with the points of people and networks drawn in, and plots."""

from __future__ import annotations

import numpy as np


def part_colors(colormap: str, count: int) -> np.ndarray:
    """Choose one colour per body part, in the order of the settings.

    Parameters
    ----------
    colormap : str
        Name of a matplotlib colormap.
    count : int
        Number of body parts, K.

    Returns
    -------
    ndarray of shape (K, 3)
        uint8 RGB. The end of the map is left out, because cyclic maps such as hsv end as they begin.
    """
    from matplotlib import colormaps

    return colormaps[colormap](np.arange(count) / max(count, 1), bytes=True)[:, :3]
