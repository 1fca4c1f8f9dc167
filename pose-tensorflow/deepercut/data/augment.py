"""Random changes to a training image, with its joints moved exactly as its pixels are.

Pixels and joints share one coordinate system: (0, 0) is the centre of the top left pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from deepercut.config import PoseConfig
from dlc_common.scaling import scaled_size


def rescale(image: np.ndarray, joints: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Scale an image to the nearest whole size.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels.
    scale : float
        Wanted size relative to `image`.

    Returns
    -------
    image : ndarray of shape (round(H * scale), round(W * scale), 3), uint8
        Area-averaged when smaller, bilinear when larger.
    joints : ndarray of shape (M, 3)
        x becomes (x + 0.5) * w' / w - 0.5 with the whole new width w'; y alike.

    Notes
    -----
    Differs from v1, which took x * scale: up to 0.3 px off.

    Examples
    --------
    >>> image, joints = rescale(np.zeros((10, 20, 3), np.uint8), np.array([[0, 19.5, 4.5]]), 0.5)
    >>> image.shape, joints.tolist()
    ((5, 10, 3), [[0.0, 9.5, 2.0]])
    """
    old, new = image.shape[:2], scaled_size(image.shape[:2], scale)
    if new == old:
        return image, joints
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    ratio = np.array([1, new[1] / old[1], new[0] / old[0]])
    shift = np.array([0, 0.5, 0.5])
    return cv2.resize(image, new[::-1], interpolation=method), (joints + shift) * ratio - shift


def flip(image: np.ndarray, joints: np.ndarray, partners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirror an image left to right; left and right parts change names.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3)
        RGB.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels.
    partners : ndarray of shape (K,), int
        For each part the one it becomes (`mirror_partners`).

    Returns
    -------
    image : ndarray of shape (H, W, 3)
        Mirrored.
    joints : ndarray of shape (M, 3)
        x becomes W - 1 - x.
    """
    joints = joints.copy()
    joints[:, 0] = partners[joints[:, 0].astype(int)]
    joints[:, 1] = image.shape[1] - 1 - joints[:, 1]
    return np.ascontiguousarray(image[:, ::-1]), joints


def mirror_partners(config: PoseConfig) -> np.ndarray:
    """Return for each part the one it becomes in a mirror, by the pairs in `all_joints`.

    Returns
    -------
    ndarray of shape (K,), int
        A part that stands alone stays itself.
    """
    partners = np.arange(config.num_joints)
    for pair in config.all_joints:
        partners[list(pair)] = pair[::-1]
    return partners


def place(
    image: np.ndarray, joints: np.ndarray, config: PoseConfig, canvas: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate an image and put it at a random place of a canvas that it may overlap or not fill.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels.
    config : PoseConfig
        `rotation` (largest angle, degrees) and `mean_pixel` (what fills the rest of the canvas).
    canvas : (height, width)
        Size in pixels of the result.
    rng : numpy Generator
        Draws angle and place.

    Returns
    -------
    image : ndarray of shape (height, width, 3), uint8
        The canvas.
    joints : ndarray of shape (M', 3)
        Those that still lie on the canvas.
    """
    size = np.array(image.shape[1::-1])
    room = np.array(canvas[::-1]) - size
    offset = rng.integers(np.minimum(room, 0), np.maximum(room, 0), endpoint=True)
    angle = rng.uniform(-config.rotation, config.rotation)
    matrix = cv2.getRotationMatrix2D(tuple((size - 1) / 2), angle, 1.0)
    matrix[:, 2] += offset
    return _warp(image, joints, matrix, canvas, config.mean_pixel)


def _warp(
    image: np.ndarray, joints: np.ndarray, matrix: np.ndarray, canvas: tuple[int, int], mean_pixel: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Map an image and its joints by a 2x3 matrix onto a canvas of a height and width; joints outside are left out."""
    fill = tuple(round(value) for value in mean_pixel)
    image = cv2.warpAffine(image, matrix, canvas[::-1], flags=cv2.INTER_LINEAR, borderValue=fill)
    joints = np.column_stack([joints[:, 0], joints[:, 1:] @ matrix[:, :2].T + matrix[:, 2]])
    inside = ((joints[:, 1:] > -0.5) & (joints[:, 1:] < np.array(canvas[::-1]) - 0.5)).all(axis=1)
    return image, joints[inside]


def turn(
    image: np.ndarray, joints: np.ndarray, angle: float, mean_pixel: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate an image about its centre, on a canvas that turns from one side's length to the other's.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels.
    angle : float
        Degrees, against the clock.
    mean_pixel : sequence of 3 float
        What fills the corners.

    Returns
    -------
    image : ndarray of shape (height, width, 3), uint8
        Of `turned_size`: a quarter of a turn cuts nothing off.
    joints : ndarray of shape (M', 3)
        Those that still lie on the canvas.
    """
    canvas = turned_size(image.shape[:2], angle)
    size = np.array(image.shape[1::-1])
    matrix = cv2.getRotationMatrix2D(tuple((size - 1) / 2), angle, 1.0)
    matrix[:, 2] += (np.array(canvas[::-1]) - size) / 2
    return _warp(image, joints, matrix, canvas, mean_pixel)


def turned_size(size: tuple[int, int], angle: float) -> tuple[int, int]:
    """Return the height and width of the canvas for an image of a height and width that is turned by degrees.

    Each side goes from its own length to the other's as the squared sine does; their sum, and nearly the area, stays.

    Examples
    --------
    >>> [turned_size((200, 400), angle) for angle in (0, 30, 45, 90, -180)]
    [(200, 400), (250, 350), (300, 300), (400, 200), (200, 400)]
    """
    height, width = size
    share = math.sin(math.radians(angle)) ** 2
    return round(height + share * (width - height)), round(width + share * (height - width))


def recolor(image: np.ndarray, config: PoseConfig, rng: np.random.Generator) -> np.ndarray:
    """Change what an image looks like but not where anything is.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB.
    config : PoseConfig
        Largest changes, 0 for none: `contrast` (share), `brightness` (share of 255), `blur` (sigma, pixels), `noise`
        (sigma, share of 255), `occlusion` (side of one grey patch, share of the image's).
    rng : numpy Generator
        Draws each change uniformly up to its largest.

    Returns
    -------
    ndarray of shape (H, W, 3), float32
        Within 0..255.
    """
    height, width = image.shape[:2]
    image = image.astype(np.float32)
    if config.contrast:
        mean = image.mean()
        image = (image - mean) * np.float32(rng.uniform(1 - config.contrast, 1 + config.contrast)) + mean
    if config.brightness:
        image += np.float32(255 * rng.uniform(-config.brightness, config.brightness))
    if config.blur and (sigma := rng.uniform(0, config.blur)) > 0.1:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if config.noise:
        sigma = np.float32(255 * rng.uniform(0, config.noise))
        image += sigma * rng.standard_normal(image.shape, dtype=np.float32)
    if config.occlusion:
        rows, cols = (int(rng.uniform(0, config.occlusion) * side) for side in (height, width))
        top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - cols + 1)
        image[top : top + rows, left : left + cols] = rng.uniform(0, 255)
    return np.clip(image, 0, 255)
