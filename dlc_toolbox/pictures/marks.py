"""Poses drawn into a frame, in place: dots, the lines of a skeleton and the trails of the last frames.

Made for many frames per second; the pictures of single images are those of `drawing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

import cv2
import numpy as np
from skimage.draw import polygon2mask

from dlc_common.spelling import did_you_mean
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import Cutoff
from dlc_toolbox.pictures.palette import outline, part_markers
from dlc_toolbox.project.settings import AnalysisSettings

_STEPS_PER_PIXEL = 4  # dots are placed to a quarter of a pixel
_SHIFT = 4  # lines to 2**-4 of a pixel
_FARTHEST_PX = 2**15  # more overflows the fixed-point numbers of lines
_LARGEST_RADIUS_PX = 500  # more takes gigabytes of memory
_LARGEST_CIRCLE = 0.25  # of the shorter side of a frame
_DASH_DEGREES = 8
_FINEST = 1600  # cells a side of the grid on which the cover of a marker is counted


@dataclass(frozen=True)
class Marks:
    """How poses are drawn.

    Parameters
    ----------
    pcutoff : Cutoff
        Likelihood from which on a body part is drawn, 0 to 1.
    radius : float
        Of the dots, in pixels.
    alpha : float
        Opacity, 0 to 1.
    colormap : str
        ``'parts'`` (the palette) or the name of a matplotlib colormap; its colours, and the palette's markers, go to
        the body parts in the order of the table.
    skeleton : sequence of (int, int)
        Body parts, by position, that a line joins; it has the colour of the first.
    trailpoints : int
        Number of past frames through which each part's trail leads.
    """

    pcutoff: Cutoff = 0.1
    radius: float = 7
    alpha: float = 0.6
    colormap: str = "cool"
    skeleton: Sequence[tuple[int, int]] = ()
    trailpoints: int = 0


def marks_of(settings: AnalysisSettings, bodyparts: Sequence[str]) -> Marks:
    """Return how the settings want poses to be drawn.

    Parameters
    ----------
    settings : AnalysisSettings
        pcutoff, dotsize, alphavalue, colormap, skeleton and trailpoints.
    bodyparts : sequence of str
        Of the network, in the order of its poses.

    Returns
    -------
    Marks
        With the skeleton's body parts by position.

    Raises
    ------
    ToolboxError
        When the dots are too large to be drawn, or the skeleton names a part that the network does not know.
    """
    if settings.dotsize > _LARGEST_RADIUS_PX:
        raise ToolboxError(
            f"myconfig_analysis.py: dotsize is {settings.dotsize}; at most {_LARGEST_RADIUS_PX} can be drawn"
        )
    skeleton = skeleton_of(settings, bodyparts)
    return Marks(
        settings.pcutoff, settings.dotsize, settings.alphavalue, settings.colormap, skeleton, settings.trailpoints
    )


def skeleton_of(settings: AnalysisSettings, bodyparts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the skeleton of the settings, its body parts by position; raises as `marks_of` does."""
    unknown = sorted({part for pair in settings.skeleton for part in pair} - set(bodyparts))
    if unknown:
        raise ToolboxError(
            f"myconfig_analysis.py: skeleton names {', '.join(unknown)}, but the network's body parts are "
            f"{', '.join(bodyparts)}{did_you_mean(unknown[0], bodyparts)}"
        )
    positions = {part: position for position, part in enumerate(bodyparts)}
    return tuple((positions[first], positions[second]) for first, second in settings.skeleton)


def draw_marks(
    frame: np.ndarray, points: np.ndarray, colors: np.ndarray, marks: Marks, radius_px: np.ndarray | None = None
) -> None:
    """Draw trails, above them the skeleton, above it the dots into a frame, in place.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB; changed.
    points : ndarray of shape (T, K, 2)
        x, y in pixels; (0, 0) is the centre of the top-left pixel. The last row is this frame's, those before are the
        past's, of which at most `trailpoints` count. NaN is not drawn, and no line leads to it.
    colors : ndarray of shape (K, 3)
        uint8 RGB.
    marks : Marks
        How they are drawn.
    radius_px : ndarray of shape (K,), optional
        Of a circle around each of this frame's points, under all else; NaN is not drawn.
    """
    now = points[-1]
    if radius_px is not None and np.isfinite(radius_px).any():
        circles = frame.copy()
        draw_circles(circles, now, radius_px, colors)
        cv2.addWeighted(circles, marks.alpha, frame, 1 - marks.alpha, 0, dst=frame)
    if marks.skeleton or marks.trailpoints:
        lines = frame.copy()  # blended as a whole, so that lines that cross are no less transparent there
        draw_lines(lines, points[-1 - marks.trailpoints :].swapaxes(0, 1), colors, width=1)
        pairs = np.array(marks.skeleton, dtype=int).reshape(-1, 2)
        draw_lines(lines, now[pairs], colors[pairs[:, 0]], width=max(1, round(marks.radius / 3)))
        cv2.addWeighted(lines, marks.alpha, frame, 1 - marks.alpha, 0, dst=frame)
    draw_dots(frame, now, colors, marks.radius, marks.alpha, part_markers(marks.colormap, len(colors)))


def draw_lines(frame: np.ndarray, paths: np.ndarray, colors: np.ndarray, width: int) -> None:
    """Draw opaque lines with soft edges into a frame, in place.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB; changed.
    paths : ndarray of shape (P, M, 2)
        x, y in pixels of the M points of each path; (0, 0) is the centre of the top-left pixel. A path is interrupted
        at NaN; what lies outside the frame is cut off.
    colors : ndarray of shape (P, 3)
        uint8 RGB.
    width : int
        In pixels.

    Examples
    --------
    >>> frame = np.zeros((3, 5, 3), np.uint8)
    >>> draw_lines(frame, np.array([[[1.0, 1.0], [3.0, 1.0]]]), np.array([[255, 0, 0]]), width=1)
    >>> (frame[..., 0] > 100).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    is_near = (np.abs(paths) < _FARTHEST_PX).all(axis=-1)  # False for NaN
    places = np.round(np.where(is_near[..., None], paths, 0) * 2**_SHIFT).astype(np.int32)
    segments = np.stack([places[:, :-1], places[:, 1:]], axis=2)
    for ends, is_drawn, color in zip(segments, is_near[:, :-1] & is_near[:, 1:], colors.tolist(), strict=True):
        cv2.polylines(frame, ends[is_drawn], False, color, width, cv2.LINE_AA, _SHIFT)


def draw_circles(frame: np.ndarray, points: np.ndarray, radius_px: np.ndarray, colors: np.ndarray) -> None:
    """Draw circles with soft edges, a pixel wide, into a frame, in place.

    A circle of more than a quarter of the frame would only confuse: it is drawn that large, and dashed.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB; changed.
    points : ndarray of shape (K, 2)
        x, y of the centres in pixels; (0, 0) is the centre of the top-left pixel. NaN is not drawn; what lies outside
        the frame is cut off.
    radius_px : ndarray of shape (K,)
        NaN is not drawn.
    colors : ndarray of shape (K, 3)
        uint8 RGB.

    Examples
    --------
    >>> frame = np.zeros((7, 7, 3), np.uint8)
    >>> draw_circles(frame, np.array([[3.0, 3.0]]), np.array([2.0]), np.array([[255, 0, 0]]))
    >>> (frame[3, :, 0] > 100).astype(int).tolist()
    [0, 1, 0, 0, 0, 1, 0]
    """
    largest = _LARGEST_CIRCLE * min(frame.shape[:2])
    measures = np.column_stack([points, np.minimum(radius_px, largest)])
    is_near = (np.abs(measures) < _FARTHEST_PX).all(axis=1)  # False for NaN
    places = np.round(np.where(is_near[:, None], measures, 0) * 2**_SHIFT).astype(int).tolist()
    for (x, y, radius), is_drawn, is_larger, color in zip(
        places, is_near, radius_px > largest, colors.tolist(), strict=True
    ):
        dashes = np.arange(0, 360, 2 * _DASH_DEGREES).tolist() if is_larger else [0]
        length = _DASH_DEGREES if is_larger else 360
        for begin in dashes if is_drawn else ():
            axes = (radius, radius)
            cv2.ellipse(frame, (x, y), axes, 0, begin, begin + length, color, 1, cv2.LINE_AA, _SHIFT)


def draw_dots(
    frame: np.ndarray,
    points: np.ndarray,
    colors: np.ndarray,
    radius: float,
    alpha: float = 1.0,
    markers: Sequence[str] | None = None,
) -> None:
    """Draw discs, or other markers of the same area, with soft edges into a frame, in place.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB; changed.
    points : ndarray of shape (K, 2)
        x, y of the centres in pixels; (0, 0) is the centre of the top-left pixel. NaN is not drawn; what lies outside
        the frame is cut off.
    colors : ndarray of shape (K, 3)
        uint8 RGB.
    radius : float
        In pixels.
    alpha : float
        Opacity, 0 to 1.
    markers : sequence of K str, optional
        One of `palette.MARKERS` each; default discs.

    Examples
    --------
    >>> frame = np.zeros((5, 5, 3), np.uint8)
    >>> draw_dots(frame, np.array([[1.0, 2.0]]), np.array([[255, 0, 0]]), radius=1)
    >>> frame[..., 0].tolist()[2]
    [128, 255, 128, 0, 0]
    """
    height, width = frame.shape[:2]
    seen = np.isfinite(points).all(axis=-1)
    shapes = ["circle"] * seen.sum() if markers is None else list(compress(markers, seen))
    stamps = {shape: _stamps(float(radius), float(alpha), shape) for shape in set(shapes)}
    places = np.round(points[seen] * _STEPS_PER_PIXEL) + _STEPS_PER_PIXEL // 2
    pixels, steps = np.divmod(places, _STEPS_PER_PIXEL)
    for shape, (x, y), (step_x, step_y), color in zip(
        shapes, pixels.tolist(), steps.astype(int).tolist(), colors[seen], strict=True
    ):
        stamp = stamps[shape][step_y, step_x]
        reach = len(stamp) // 2
        if not (-reach <= x < width + reach and -reach <= y < height + reach):
            continue
        left, top = int(x) - reach, int(y) - reach
        window = frame[max(top, 0) : top + 2 * reach + 1, max(left, 0) : left + 2 * reach + 1]
        rows, columns = slice(max(-top, 0), None), slice(max(-left, 0), None)
        weight = stamp[rows, columns][: window.shape[0], : window.shape[1], None]
        window[:] = (window * (256 - weight) + color * weight + 128) >> 8


@lru_cache(maxsize=16)
def _stamps(radius: float, alpha: float, marker: str) -> np.ndarray:
    """Return a marker's weights, 0 to 256, by the place of its centre in a pixel: (steps y, steps x, size, size)."""
    centers = np.arange(_STEPS_PER_PIXEL) / _STEPS_PER_PIXEL - 0.5
    covered = _disc(radius, centers) if marker == "circle" else _polygon(radius * outline(marker), centers)
    return np.round(256 * alpha * covered).astype(np.uint16)


def _disc(radius: float, centers: np.ndarray) -> np.ndarray:
    """Return the share of each pixel that a disc covers, for all pairs of centres."""
    reach = int(np.ceil(radius + 1))
    squares = (np.arange(-reach, reach + 1) - centers[:, None]) ** 2  # (steps, size)
    distances = np.sqrt(squares[:, None, :, None] + squares[None, :, None, :])
    return np.clip(radius + 0.5 - distances, 0, 1)


def _polygon(corners: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Return the share of each pixel that a polygon covers, counted on a finer grid, for all pairs of centres."""
    reach = int(np.ceil(np.abs(corners).max() + 1))
    size = 2 * reach + 1
    fine = max(1, min(8, _FINEST // size))
    covered = np.empty((len(centers), len(centers), size, size), np.float32)
    for i, y in enumerate(centers):
        for j, x in enumerate(centers):
            on_grid = (corners[:, ::-1] + (y, x) + reach + 0.5) * fine - 0.5
            mask = polygon2mask((size * fine, size * fine), on_grid)
            covered[i, j] = mask.reshape(size, fine, size, fine).mean(axis=(1, 3))
    return covered
