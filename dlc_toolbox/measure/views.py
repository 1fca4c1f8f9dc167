"""Agreement of views: how far the places of one point in two views are from what the geometry of the views allows.

With (nearly) parallel projection, a point in space has 3 coordinates and two views show 4, which therefore lie near a
3-dimensional plane; it is one plane for all points that the two views show. A pose that is off its plane is wrong in at
least one of the views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

FEWEST_POINTS = 30
"""Labeled points that a plane is fitted on, at least."""

LEAST_MOTION_PX = 3.0
"""Standard deviation along the weakest direction of a plane; points that move less do not tell where it lies."""

LARGEST_GAP_RATIO = 0.5
"""Spread across the plane relative to that of its weakest direction, at most; else there is no plane to speak of."""

_ROUNDS = 50
_OUTLIER_MADS = 3.0


@dataclass(frozen=True)
class Plane:
    """The plane of two views, as a unit normal vector and an offset: ``normal @ (x1, y1, x2, y2) = offset``.

    Parameters
    ----------
    views : (int, int)
        Which views, by their order.
    normal : ndarray of shape (4,)
        The x and y of the first view, then of the second.
    offset : float
        In pixels.
    spread_px : float
        Median distance of the labels from it, scaled as `disagreement`.
    """

    views: tuple[int, int]
    normal: np.ndarray
    offset: float
    spread_px: float

    def seen_direction(self, view: int) -> np.ndarray:
        """Return the direction, a unit vector (x, y), along which errors in a view show; across it none does."""
        part = self.normal[:2] if view == self.views[0] else self.normal[2:]
        return part / np.linalg.norm(part)


def fit_planes(points: np.ndarray) -> tuple[list[Plane], list[str]]:
    """Fit the plane of each pair of views, robustly, on labels.

    Parameters
    ----------
    points : ndarray of shape (N, P, V, 2)
        x, y in pixels of P points in V views of N images; NaN where one is not labeled.

    Returns
    -------
    list of Plane
        One for each pair of views whose plane is known.
    list of str
        Why it is not, for each other pair.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y, z = rng.uniform(0, 100, (3, 40))
    >>> top, side = np.stack([x, y], -1), np.stack([x, z], -1)  # they share x
    >>> planes, _ = fit_planes(np.stack([top, side], axis=1)[:, None])
    >>> np.abs(planes[0].normal).round(2).tolist()
    [0.71, 0.0, 0.71, 0.0]
    """
    planes: list[Plane] = []
    unknown: list[str] = []
    for pair in combinations(range(points.shape[2]), 2):
        rows = points[:, :, list(pair)].reshape(-1, 4)
        fitted = _fit_plane(rows[np.isfinite(rows).all(axis=1)], pair)
        if isinstance(fitted, Plane):
            planes.append(fitted)
        else:
            unknown.append(fitted)
    return planes, unknown


def _fit_plane(rows: np.ndarray, pair: tuple[int, int]) -> Plane | str:
    """Fit one plane by trimmed total least squares; a text says why there is none."""
    name = f"views {pair[0] + 1} and {pair[1] + 1}"
    if len(rows) < FEWEST_POINTS:
        return f"{name}: only {len(rows)} points are labeled in both, at least {FEWEST_POINTS} are needed"
    kept = np.ones(len(rows), dtype=bool)
    for _ in range(_ROUNDS):
        center = rows[kept].mean(axis=0)
        _, spread, directions = np.linalg.svd(rows[kept] - center, full_matrices=False)
        distances = np.abs((rows - center) @ directions[3])
        limit = _OUTLIER_MADS * 1.4826 * np.median(distances)
        previous, kept = kept, distances <= max(limit, np.finfo(float).tiny)
        if (kept == previous).all() or kept.sum() < FEWEST_POINTS:
            break
    spread = spread / np.sqrt(max(previous.sum() - 1, 1))
    if spread[2] < LEAST_MOTION_PX:
        return f"{name}: the points hardly move (by {spread[2]:.1f} px in one direction)"
    if spread[3] > LARGEST_GAP_RATIO * spread[2]:
        return f"{name}: the labels lie near no plane ({spread[3]:.1f} px across it, {spread[2]:.1f} px along it)"
    normal = directions[3]
    return Plane(pair, normal, float(normal @ center), float(np.sqrt(2) * np.median(distances)))


def disagreement(points: np.ndarray, planes: Sequence[Plane]) -> np.ndarray:
    """Measure how far points are from what the views together allow, in pixels of one view.

    Parameters
    ----------
    points : ndarray of shape (N, P, V, 2)
        x, y in pixels; NaN where a point was not found.
    planes : sequence of Plane
        As `fit_planes` returns them.

    Returns
    -------
    ndarray of shape (N, P, V)
        The distance from the plane times the square root of 2: an error along the direction that the views share, if
        both see it alike. Two views get the same number, since nobody knows which is wrong; of three and more, each
        gets the least of its pairs, so that only a view that agrees with no other has a large one. NaN where no plane
        is known, or a point is missing in the other views.

    Examples
    --------
    >>> plane = Plane((0, 1), np.array([1.0, 0.0, -1.0, 0.0]) / np.sqrt(2), 0.0, 0.0)  # both show the same x
    >>> disagreement(np.array([[[[10.0, 5.0], [13.0, 8.0]]]]), [plane]).round(6)
    array([[[3., 3.]]])
    """
    least = np.full(points.shape[:3], np.inf)
    for plane in planes:
        both = points[:, :, list(plane.views)].reshape(*points.shape[:2], 4)
        distance = np.sqrt(2) * np.abs(both @ plane.normal - plane.offset)
        for view in plane.views:
            least[:, :, view] = np.fmin(least[:, :, view], distance)
    return np.where(np.isfinite(least), least, np.nan)
