"""The gray values that Fiji measured at the clicks: a second witness of which place in which image was clicked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.images import read_image
from dlc_toolbox.labels.fiji import read_clicks

log = logging.getLogger(__name__)

_FEW = 10  # clicks; fewer tell nothing
_LOOKED_AT = 20  # images
_WHITE = 255  # images of more bits are measured in other units
_ROUNDING = 1.0
_WEIGHTS = np.array([[1 / 3] * 3, [0.299, 0.587, 0.114]])  # Fiji's two ways from RGB to gray
_SURE = 0.9

_CAUSES = (
    "So they may be in inches or mm (Analyze > Set Scale), or on images of another size, crop or order. Look at the "
    "pictures of Step 3, and measure again if the labels are off; if only the contrast was changed before measuring, "
    "all is well"
)
_FROM_BELOW = (
    "They would be right if y were counted from below: untick Invert Y coordinates in Analyze > Set Measurements, and "
    "measure again"
)


def shows_grays(picture: np.ndarray, points: np.ndarray, grays: np.ndarray) -> np.ndarray:
    """Tell at which points, or within a pixel of them, a picture has the gray that was measured.

    Parameters
    ----------
    picture : ndarray of shape (H, W, 3)
        uint8 RGB.
    points : ndarray of shape (N, 2)
        x, y in pixels.
    grays : ndarray of shape (N,)
        From 0 to 255.

    Returns
    -------
    ndarray of shape (N,)
        bool; False outside the picture.

    Examples
    --------
    >>> picture = np.zeros((20, 20, 3), np.uint8)
    >>> picture[10, 10] = 90
    >>> shows_grays(picture, np.array([[10, 11], [10, 15], [30, 10]]), np.array([90, 90, 0])).tolist()
    [True, False, False]
    """
    found = np.zeros(len(points), dtype=bool)
    for n, (column, row) in enumerate(np.rint(points).astype(int).tolist()):
        around = picture[max(row - 1, 0) : max(row + 2, 0), max(column - 1, 0) : max(column + 2, 0)]
        if around.size:
            near = around @ _WEIGHTS.T
            found[n] = near.min() - _ROUNDING <= grays[n] <= near.max() + _ROUNDING
    return found


def warn_of_other_grays(files: Sequence[Path], images: Sequence[Path]) -> None:
    """Warn where images have other grays at the clicks than Fiji measured there (Mean), in most of them.

    Parameters
    ----------
    files : sequence of Path
        The csv files of one folder; without a column Mean they tell nothing.
    images : sequence of Path
        Those that slices count.
    """
    clicks = pd.concat([read_clicks(path) for path in files]).dropna(subset=["x", "y", "gray"])
    if len(clicks) < _FEW or clicks["gray"].max() > _WHITE:
        return
    places = clicks["slice"].unique()
    fits, from_below = [], []
    for place in places[:: -(-len(places) // _LOOKED_AT)]:
        try:
            picture, of_image = read_image(images[place - 1]), clicks[clicks["slice"] == place]
        except UsersError:  # whoever needs it says what is wrong
            continue
        points, grays = of_image[["x", "y"]].to_numpy(), of_image["gray"].to_numpy()
        fits += shows_grays(picture, points, grays).tolist()
        from_below += shows_grays(picture[::-1], points, grays).tolist()
    if 2 * sum(fits) < len(fits):
        log.warning(
            "%s: at %d of %d clicks the images do not have the gray value that Fiji measured there (Mean). %s",
            *(files[0].parent, len(fits) - sum(fits), len(fits)),
            _FROM_BELOW if np.mean(from_below) >= _SURE else _CAUSES,
        )
