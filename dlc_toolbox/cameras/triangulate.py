"""Points in space from where several cameras see them.

Each view counts by how exact it is. Where three or more views are seen and one contradicts the others, it is left out;
of two that contradict each other nobody knows which is wrong, and the point is said to be doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import chi2

from dlc_common.progress import tqdm
from dlc_toolbox.cameras.geometry import Camera

COORDS = ("x", "y", "z", "sd", "error_px", "views", "doubtful")
"""What a table of points in space holds of each."""

MISFIT_CHANCE = 0.001
"""How often views that are right contradict each other by chance as much as counts as a contradiction."""

LEAST_NOISE_PX = 0.05
"""Poses are not taken to be more exact than this, however well the views fit."""

_FARTHEST = 1e6  # pixels; nothing is seen farther out, or known less or more exactly than this
_POINTS_AT_ONCE = 50_000
_ROUNDS = 15
_STEP = 1e-7  # of a place; the next step would be far smaller
_LEAST_DETERMINANT = 1e-14  # relative to the trace's cube; less is no more than rounding


@dataclass(frozen=True)
class Triangulated:
    """Points in space.

    Parameters
    ----------
    points : ndarray of shape (N, K, 3)
        In the world of the cameras; NaN where fewer than two views are seen.
    sd : ndarray of shape (N, K)
        Standard deviation of their distance from the truth as far as it comes from the noise of the poses, in the unit
        of the world.
    error_px : ndarray of shape (N, K)
        Root mean square distance between where the views that count saw a point and where it would be seen, in pixels.
    used : ndarray of shape (C, N, K)
        bool; which views count.
    doubtful : ndarray of shape (N, K)
        bool; whether the views that count contradict each other.
    noise : float
        By how much the poses are less exact than was said of them.
    """

    points: np.ndarray
    sd: np.ndarray
    error_px: np.ndarray
    used: np.ndarray
    doubtful: np.ndarray
    noise: float

    @property
    def values(self) -> np.ndarray:
        """The points as a table holds them, (N, K, 7) in the order of `COORDS`; NaN where there is no point."""
        views = self.used.sum(axis=0)
        rest = np.stack([self.sd, self.error_px, views, self.doubtful], axis=-1)
        rest[np.isnan(self.points[..., 0])] = np.nan
        return np.concatenate([self.points, rest], axis=-1)


def triangulate(cameras: Sequence[Camera], seen: np.ndarray, sigma: np.ndarray | None = None) -> Triangulated:
    """Find points in space.

    Parameters
    ----------
    cameras : sequence of C Camera
        All in one world.
    seen : ndarray of shape (C, N, K, 2)
        x, y in pixels of each camera; NaN where a point is not seen.
    sigma : ndarray of shape (C, N, K), optional
        Standard deviation of x and of y in pixels, up to one factor for all; default the same for all. Views without
        one count as not seen.

    Returns
    -------
    Triangulated
        The points that make what was seen most likely, if x and y have normal errors. The factor is that which the
        views tell where they are redundant, from the median, so that it holds with up to half of the points wrong.

    References
    ----------
    R. Hartley, A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd ed. (2004), ch. 12.
    """
    count, shape = len(cameras), seen.shape[1:3]
    flat = seen.reshape(count, -1, 2)
    spread = np.ones(flat.shape[:2]) if sigma is None else np.asarray(sigma, float).reshape(count, -1)
    total = flat.shape[1]
    sample = slice(None, None, max(1, -(-total // _POINTS_AT_ONCE)))
    with np.errstate(all="ignore"):  # what lies nowhere, such as where rays are parallel, overflows and becomes NaN
        noise = _noise(_Views.of(cameras, flat[:, sample], spread[:, sample]))
    pieces = [slice(first, first + _POINTS_AT_ONCE) for first in range(0, max(total, 1), _POINTS_AT_ONCE)]
    shown = tqdm(pieces, "points in space", disable=len(pieces) == 1)
    with np.errstate(all="ignore"):
        found = [_robust(_Views.of(cameras, flat[:, piece], spread[:, piece]), noise) for piece in shown]
    points, sd, error_px, doubtful = (
        np.concatenate([getattr(piece, name) for piece in found]) for name in ("points", "sd", "error_px", "doubtful")
    )
    used = np.concatenate([piece.used for piece in found], axis=1).reshape(count, *shape)
    return Triangulated(
        points.reshape(*shape, 3), sd.reshape(shape), error_px.reshape(shape), used, doubtful.reshape(shape), noise
    )


@dataclass(frozen=True)
class _Views:
    """M points as C cameras see them."""

    cameras: Sequence[Camera]
    seen: np.ndarray
    rays: np.ndarray
    sigma: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, cameras: Sequence[Camera], seen: np.ndarray, sigma: np.ndarray) -> _Views:
        """Gather points, (C, M, 2), and how exact they are, (C, M)."""
        rays = np.stack([camera.straighten(each) for camera, each in zip(cameras, seen, strict=True)])
        is_known = (sigma > 1 / _FARTHEST) & (sigma < _FARTHEST) & (np.abs(seen) < _FARTHEST).all(axis=-1)
        present = np.isfinite(rays).all(axis=-1) & is_known
        return cls(cameras, seen, rays, sigma, present)

    def some(self, chosen: np.ndarray) -> _Views:
        """Return only some of the points."""
        arrays = (array[:, chosen] for array in (self.seen, self.rays, self.sigma, self.present))
        return _Views(self.cameras, *arrays)

    def misfits(self, points: np.ndarray) -> np.ndarray:
        """Return the squared distances, (C, M), between where points are seen and where they would be, in sigmas."""
        away = np.stack([camera.project(points) for camera in self.cameras]) - self.seen
        behind = np.stack([camera.seen_from(points)[:, 2] <= 0 for camera in self.cameras])
        squared = (away**2).sum(axis=-1) / self.sigma**2
        return np.where(self.present, np.where(behind | ~np.isfinite(squared), np.inf, squared), 0)

    def solve(self, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the most likely points, (M, 3), from some views, and their covariance, (M, 3, 3), if sigmas hold."""
        enough = used.sum(axis=0) >= 2
        points = np.full((len(enough), 3), np.nan)
        covariance = np.full((len(enough), 3, 3), np.nan)
        if enough.any():
            points[enough] = self._linear(used[:, enough], enough)
            points[enough], covariance[enough] = self._refined(points[enough], used[:, enough], enough)
        return points, covariance

    def _linear(self, used: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return points near the rays, by least squares of the distances from them along the axes of each camera."""
        normal, right = np.zeros((used.shape[1], 3, 3)), np.zeros((used.shape[1], 3))
        for camera, rays, counts in zip(self.cameras, self.rays[:, chosen], used, strict=True):
            across = camera.turn[:2] - np.nan_to_num(rays)[..., None] * camera.turn[2]
            offset = camera.translation[:2] - np.nan_to_num(rays) * camera.translation[2]
            normal += np.einsum("mij,mik->mjk", across, across) * counts[:, None, None]
            right -= np.einsum("mij,mi->mj", across, offset) * counts[:, None]
        return _solved(normal, right)

    def _refined(self, points: np.ndarray, used: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Improve points until the distances in pixels, in sigmas, are least; Gauss and Newton's method."""
        weights = np.where(used, 1 / np.where(used, self.sigma[:, chosen], 1) ** 2, 0)
        seen = np.where(used[..., None], self.seen[:, chosen], 0)
        for _ in range(_ROUNDS):
            normal, right = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3))
            for camera, pixels, weight in zip(self.cameras, seen, weights, strict=True):
                shown, slopes = camera.project_with_slopes(points)
                counts = weight > 0  # a camera that does not see a point may have it behind, where nothing is finite
                slopes, away = np.where(counts[:, None, None], slopes, 0), np.where(counts[:, None], pixels - shown, 0)
                normal += np.einsum("mij,mik->mjk", slopes, slopes) * weight[:, None, None]
                right += np.einsum("mij,mi->mj", slopes, away) * weight[:, None]
            step = _solved(normal, right)
            points = points + step
            if not (np.abs(step) > _STEP * (1 + np.abs(points))).any():
                break
        return points, _solved(normal, np.broadcast_to(np.eye(3), normal.shape))


def _solved(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve many small systems of equations; NaN where one has no solution, as with parallel rays."""
    usable = np.linalg.det(normal) > _LEAST_DETERMINANT * np.trace(normal, axis1=1, axis2=2) ** 3
    found = np.full(right.shape, np.nan)
    columns = right if right.ndim == 3 else right[..., None]
    found[usable] = np.linalg.solve(normal[usable], columns[usable]).reshape(found[usable].shape)
    return found


def _quantiles(share: float, views: np.ndarray) -> np.ndarray:
    """Return quantiles of the sum of squared misfits, in sigmas, of points that so many views see."""
    freedom = np.maximum(2 * np.arange(int(np.max(views, initial=0)) + 1) - 3, 1)
    return np.asarray(chi2.ppf(share, freedom))[views]


def _chance(views: np.ndarray) -> np.ndarray:
    """Return the largest sum of squared misfits, in sigmas, that counts as chance for so many views of one point."""
    return _quantiles(1 - MISFIT_CHANCE, views)


def _noise(views: _Views) -> float:
    """Return the factor between the noise of the poses and the sigmas, from the median point that is no misfit."""
    counts = views.present.sum(axis=0)
    sums = views.misfits(views.solve(views.present)[0]).sum(axis=0)
    known = (counts >= 2) & np.isfinite(sums)
    if not known.any():
        return 1.0
    counts, sums = counts[known], sums[known]
    least = (LEAST_NOISE_PX / np.median(views.sigma[views.present])) ** 2
    squared, ratios = np.inf, sums / _quantiles(0.5, counts)
    for _ in range(_ROUNDS):
        squared = max(np.median(ratios[sums <= squared * _chance(counts)]), least)
    return float(np.sqrt(squared))


def _robust(views: _Views, noise: float) -> Triangulated:
    """Find points, leaving out views that contradict the others."""
    points, covariance = views.solve(views.present)
    used, counts = views.present.copy(), views.present.sum(axis=0)
    unclear = np.zeros(len(points), dtype=bool)
    sums = views.misfits(points).sum(axis=0) / noise**2
    doubted = np.flatnonzero((counts >= 3) & ~(sums <= _chance(counts)))
    if doubted.size:
        some = views.some(doubted)
        used[:, doubted], unclear[doubted] = _agreeing(some, noise)
        points[doubted], covariance[doubted] = some.solve(used[:, doubted])
    misfits = np.where(used, views.misfits(points), 0)
    points[~np.isfinite(misfits).all(axis=0)] = np.nan  # behind a camera
    lies, counts = np.isfinite(points[:, 0]), used.sum(axis=0)
    squared_px = np.where(used & lies, misfits * np.where(used, views.sigma, 0) ** 2, 0).sum(axis=0)
    return Triangulated(
        points,
        noise * np.sqrt(np.trace(covariance, axis1=1, axis2=2)),
        np.sqrt(squared_px / np.maximum(counts, 1)),
        used & lies,
        lies & (unclear | ~(misfits.sum(axis=0) / noise**2 <= _chance(counts))),
        noise,
    )


def _agreeing(views: _Views, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which views, (C, M), agree, and where others, (M,), would agree as well.

    They are those near the best of the points that any two views give. As well agree others without contradiction, such
    as another two of three, where the wrong view has moved along the line on which the right ones may see the point.
    """
    far = chi2.ppf(1 - MISFIT_CHANCE, 2) * noise**2
    costs, choices = [], []
    for pair in combinations(range(len(views.cameras)), 2):
        both = np.zeros_like(views.present)
        both[list(pair)] = views.present[list(pair)].all(axis=0)
        misfits = np.nan_to_num(views.misfits(views.solve(both)[0]), nan=np.inf)
        costs.append(np.where(both.any(axis=0), np.minimum(misfits, far).sum(axis=0), np.inf))
        choices.append(both | (views.present & (misfits <= far)))
    best = np.argmin(costs, axis=0)
    agreeing = np.stack(choices)[best, :, np.arange(len(best))].T
    as_good = np.array(costs) - np.min(costs, axis=0) <= _chance(np.array(2)) * noise**2
    others = [(choice & ~agreeing).any(axis=0) for choice in choices]
    again = views.present & (views.misfits(views.solve(agreeing)[0]) <= far)  # more exact than two views alone
    agreeing = np.where(again.sum(axis=0) >= 2, again, agreeing)
    return agreeing, (as_good & others).any(axis=0) & (agreeing != views.present).any(axis=0)
