"""Cameras as geometry: where a point in space is seen, and in which direction a seen point lies.

The model is OpenCV's: a pinhole with radial (k1, k2, k3) and tangential (p1, p2) distortion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

_ROUNDS = 20  # of Newton's method, which needs about five


@dataclass(frozen=True)
class Camera:
    """One camera, and where it stands.

    Parameters
    ----------
    name : str
        As the settings call it.
    size : (int, int)
        Width and height of its frames, in pixels.
    matrix : ndarray of shape (3, 3)
        ``[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]`` in pixels; (0, 0) is the centre of the top left pixel.
    distortion : ndarray of shape (5,)
        k1, k2, p1, p2, k3.
    rotation : ndarray of shape (3,)
        Rotation vector from the world to the camera, whose x points right, y down and z forward.
    translation : ndarray of shape (3,)
        Of the world's origin in the camera, in the world's unit of length.

    References
    ----------
    Z. Zhang, "A flexible new technique for camera calibration", IEEE TPAMI 22 (2000); D. C. Brown, "Close-range
    camera calibration", Photogrammetric Engineering 37 (1971).
    """

    name: str
    size: tuple[int, int]
    matrix: np.ndarray
    distortion: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    @cached_property
    def turn(self) -> np.ndarray:
        """Rotation matrix from the world to the camera."""
        return Rotation.from_rotvec(self.rotation).as_matrix()

    @property
    def place(self) -> np.ndarray:
        """Where the camera stands in the world."""
        return -self.turn.T @ self.translation

    def seen_from(self, points: np.ndarray) -> np.ndarray:
        """Return points of the world, (..., 3), in the camera's own axes; the third is their depth."""
        return points @ self.turn.T + self.translation

    def project(self, points: np.ndarray) -> np.ndarray:
        """Tell where points in space are seen.

        Parameters
        ----------
        points : ndarray of shape (..., 3)
            In the world.

        Returns
        -------
        ndarray of shape (..., 2)
            x, y in pixels; without meaning for points behind the camera.

        Examples
        --------
        >>> matrix = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
        >>> camera = Camera("A", (640, 480), matrix, np.zeros(5), np.zeros(3), np.zeros(3))
        >>> camera.project(np.array([10.0, -20.0, 100.0])).tolist()
        [370.0, 140.0]
        """
        return self.project_with_slopes(points)[0]

    def project_with_slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tell where points, (..., 3), are seen, (..., 2), and how that changes with them, (..., 2, 3) in pixels."""
        x, y, depth = np.moveaxis(self.seen_from(points), -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.stack([x / depth, y / depth], axis=-1)
            bent, slopes = distort(flat, self.distortion)
            perspective = np.zeros((*flat.shape, 3))
            perspective[..., 0, 0] = perspective[..., 1, 1] = 1 / depth
            perspective[..., 2] = -flat / depth[..., None]
        focal = self.matrix[:2, :2]
        return bent @ focal.T + self.matrix[:2, 2], focal @ slopes @ perspective @ self.turn

    def straighten(self, pixels: np.ndarray) -> np.ndarray:
        """Tell in which directions seen points lie.

        Parameters
        ----------
        pixels : ndarray of shape (..., 2)
            x, y in pixels.

        Returns
        -------
        ndarray of shape (..., 2)
            x / z and y / z in the camera's own axes, without distortion; NaN where no direction is seen there.
        """
        return undistort((pixels - self.matrix[:2, 2]) @ np.linalg.inv(self.matrix[:2, :2]).T, self.distortion)


def distort(flat: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bend directions as a lens does.

    Parameters
    ----------
    flat : ndarray of shape (..., 2)
        x / z and y / z.
    coefficients : ndarray of shape (..., 5)
        k1, k2, p1, p2, k3.

    Returns
    -------
    bent : ndarray of shape (..., 2)
        The same after the lens.
    slopes : ndarray of shape (..., 2, 2)
        How each of these two changes with x / z and y / z.
    """
    x, y = flat[..., 0], flat[..., 1]
    k1, k2, p1, p2, k3 = np.moveaxis(np.asarray(coefficients, float), -1, 0)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    growth = 2 * (k1 + r2 * (2 * k2 + 3 * r2 * k3))
    bent = np.stack(
        [x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y],
        axis=-1,
    )
    across = x * y * growth + 2 * p1 * x + 2 * p2 * y
    slopes = np.empty((*bent.shape, 2))
    slopes[..., 0, 0] = radial + x * x * growth + 2 * p1 * y + 6 * p2 * x
    slopes[..., 0, 1] = slopes[..., 1, 0] = across
    slopes[..., 1, 1] = radial + y * y * growth + 6 * p1 * y + 2 * p2 * x
    return bent, slopes


def undistort(bent: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Undo `distort` by Newton's method; NaN where a strongly bent picture has no such direction."""
    flat = bent.copy()
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            found, slopes = distort(flat, coefficients)
            (a, b), (c, d) = np.moveaxis(slopes, (-2, -1), (0, 1))
            miss = found - bent
            step = np.stack([d * miss[..., 0] - b * miss[..., 1], a * miss[..., 1] - c * miss[..., 0]], axis=-1)
            step /= (a * d - b * c)[..., None]
            flat = flat - step
            if not (np.abs(step) > 1e-12).any():
                break
        found, _ = distort(flat, coefficients)
        reached = np.abs(found - bent).max(axis=-1) < 1e-6
    return np.where(reached[..., None], flat, np.nan)


def chain(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation vector and translation of `first` followed by `second`.

    Examples
    --------
    >>> turned, moved = chain((np.zeros(3), np.array([1.0, 0, 0])), (np.array([0, 0, np.pi / 2]), np.zeros(3)))
    >>> moved.round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    (turn1, move1), (turn2, move2) = first, second
    after = Rotation.from_rotvec(turn2)
    return (after * Rotation.from_rotvec(turn1)).as_rotvec(), after.apply(move1) + move2


def undo(motion: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation vector and translation that undo a motion."""
    back = Rotation.from_rotvec(motion[0]).inv()
    return back.as_rotvec(), -back.apply(motion[1])
