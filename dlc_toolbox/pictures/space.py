"""Points in space as people see them: a page that can be turned, the frames of a clip, and where cameras stand."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.axes3d import Axes3D

from dlc_toolbox.pictures.drawing import Look
from dlc_toolbox.pictures.fonts import readable
from dlc_toolbox.pictures.pages import write_page
from dlc_toolbox.pictures.palette import MATPLOTLIB_MARKERS, outline

CLIP_SIZE = 720, 640
"""Width and height of a clip, in pixels."""

_SHOWN_MOMENTS = 3000  # of a page, so that it stays small
_DPI = 100
_LEAST_WIDTH, _LABEL_WIDTH = 0.4, 0.11  # shares of a clip's width: of the space, and of what its last axis is called
_TICKS = 5  # steps of an axis at most, so that numbers do not touch
_WITHIN_PERCENT = 99  # of the points lie in the space that is shown
_ELEVATION, _AZIMUTH, _TURN = 15, -70, 60  # degrees; the view of a clip turns slowly, which shows depth


@dataclass(frozen=True)
class Scene:
    """Points in space, and how they are drawn.

    Parameters
    ----------
    points : ndarray of shape (N, K, 3)
        As the first camera has them: x to the right, y down, z away from it; NaN is not drawn.
    doubtful : ndarray of shape (N, K)
        bool; drawn hollow.
    look : Look
        Names, colours and markers.
    skeleton : sequence of (int, int)
        Points that a line joins.
    fps : float
        Moments per second.
    """

    points: np.ndarray
    doubtful: np.ndarray
    look: Look
    skeleton: Sequence[tuple[int, int]]
    fps: float

    @property
    def upright(self) -> np.ndarray:
        """The points with the third coordinate upwards."""
        return np.stack([self.points[..., 0], self.points[..., 2], -self.points[..., 1]], axis=-1)

    @property
    def bounds(self) -> tuple[np.ndarray, float]:
        """The middle of the upright points and half the side of a cube that holds nearly all of them."""
        lies = np.isfinite(self.points[..., 0])
        sure = lies & ~self.doubtful
        found = self.upright[sure if sure.any() else lies]
        if not len(found):
            return np.zeros(3), 1.0
        low, high = np.percentile(found, [100 - _WITHIN_PERCENT, _WITHIN_PERCENT], axis=0)
        return (low + high) / 2, float(max((high - low).max() * 0.6, 1e-6))


def write_scene(scene: Scene, title: str, path: Path) -> None:
    """Write a page on which the points move and can be turned; it needs nothing but a browser.

    Parameters
    ----------
    scene : Scene
        The points; of many moments every so many is shown.
    title : str
        Of the page.
    path : Path
        The html file.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    every = max(1, -(-len(scene.points) // _SHOWN_MOMENTS))
    middle, half = scene.bounds
    shown = ((scene.upright[::every] - middle) / half).astype("<f4")
    content = {
        "names": list(scene.look.bodyparts),
        "colors": [style.color for style in scene.look.styles],
        "skeleton": [list(pair) for pair in scene.skeleton],
        "fps": scene.fps,
        "every": every,
        "first": int(np.isfinite(shown[..., 0]).sum(axis=1).argmax()) if len(shown) else 0,
        "floor": float(np.nanmin(shown[..., 2], initial=1).clip(-1, 1)) - 0.05,
        "outlines": [
            None if style.marker == "circle" else outline(style.marker).tolist() for style in scene.look.styles
        ],
        "points": base64.b64encode(shown.tobytes()).decode("ascii"),
        "doubtful": base64.b64encode(scene.doubtful[::every].astype("u1").tobytes()).decode("ascii"),
    }
    parts = list(zip(scene.look.bodyparts, scene.look.styles, strict=True))
    write_page(path, "space.html", title=title, parts=parts, scene=content, every=every)


def draw_scene(scene: Scene, moments: Sequence[int]) -> Iterator[np.ndarray]:
    """Draw moments of a scene, as frames of a clip.

    Parameters
    ----------
    scene : Scene
        The points.
    moments : sequence of int
        Which of them, in this order.

    Yields
    ------
    ndarray of shape (640, 720, 3)
        uint8 RGB.
    """
    figure, axes = _space(scene)
    count, styles = len(scene.look.bodyparts), scene.look.styles
    lines = [axes.plot([], [], [], color=styles[a].color, linewidth=2)[0] for a, _ in scene.skeleton]
    dots = [
        axes.plot(
            [],
            [],
            [],
            MATPLOTLIB_MARKERS[style.marker],
            color=style.color,
            markersize=7,
            markeredgewidth=1.5,
            label=name,
        )[0]
        for name, style in zip(scene.look.bodyparts, styles, strict=True)
    ]
    key = figure.legend(loc="center right", frameon=False, fontsize="small", ncols=-(-count // 30))
    for text in key.get_texts():
        text.set_parse_math(False)
    clock = figure.text(0.02, 0.02, "", fontsize="small")
    canvas, points = FigureCanvasAgg(figure), scene.upright
    beside = key.get_window_extent(canvas.get_renderer()).width / CLIP_SIZE[0]
    axes.set_position((0.0, 0.02, max(_LEAST_WIDTH, 1 - beside - _LABEL_WIDTH), 0.96))
    for number, moment in enumerate(moments):
        for line, pair in zip(lines, scene.skeleton, strict=True):
            line.set_data_3d(*points[moment, list(pair)].T)
        for k, dot in enumerate(dots):
            dot.set_data_3d(*points[moment, [k]].T)
            dot.set_fillstyle("none" if scene.doubtful[moment, k] else "full")
        clock.set_text(f"{moment / scene.fps:.2f} s")
        axes.view_init(_ELEVATION, _AZIMUTH + _TURN * number / max(len(moments), 1))
        with readable(figure):
            canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _space(scene: Scene) -> tuple[Figure, Axes3D]:
    """Return empty axes in space around the points of a scene."""
    width, height = CLIP_SIZE
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    axes: Axes3D = figure.add_axes((0.0, 0.02, 1.0, 0.96), projection="3d")
    middle, half = scene.bounds
    for set_limits, center in zip((axes.set_xlim, axes.set_ylim, axes.set_zlim), middle, strict=True):
        set_limits(center - half, center + half)
    _name_axes(axes)
    return figure, axes


def _name_axes(axes: Axes3D) -> None:
    """Name the axes of a space whose third coordinate is -y, and count them as the table does, where y points down."""
    axes.set_xlabel("x", labelpad=6)
    axes.set_ylabel("z (away from the first camera)", labelpad=10)
    axes.set_zlabel("y (grows downwards)", labelpad=6)
    axes.set_box_aspect((1, 1, 1))
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(_TICKS))
    axes.zaxis.set_major_formatter(lambda value, _: f"{0 - value:g}")


def plot_calibration(
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    seen: Sequence[np.ndarray],
    away: Sequence[np.ndarray],
    places: np.ndarray,
    looks: np.ndarray,
    boards: np.ndarray,
) -> Figure:
    """Draw where each camera saw the board and how far off, and where the cameras and the boards were.

    Parameters
    ----------
    names : sequence of C str
        Of the cameras.
    sizes : sequence of C (int, int)
        Width and height of their frames.
    seen, away : sequence of C ndarray of shape (M, 2)
        Where each saw corners, and by how much they were off, in pixels.
    places, looks : ndarray of shape (C, 3)
        Where the cameras stand, and the unit vectors of where they look.
    boards : ndarray of shape (B, 3)
        Where the middle of the board was.

    Returns
    -------
    Figure
        Not yet written, see `plots.write_plot`.
    """
    columns = 1 if len(names) < 3 else 2 if len(names) < 9 else 3
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.6 * columns + 6, max(2.8 * rows, 5.6)), layout="constrained")
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[1] * columns + [max(1.6, 6 / 3.6)])
    farthest = float(np.percentile(np.concatenate([np.hypot(*each.T) for each in away]), 98))
    shades = None
    for number, (name, (width, height)) in enumerate(zip(names, sizes, strict=True)):
        axes = figure.add_subplot(grid[divmod(number, columns)])
        errors = np.hypot(*away[number].T)
        shades = axes.scatter(
            seen[number][:, 0], seen[number][:, 1], 6, c=errors, cmap="viridis", vmin=0, vmax=farthest, linewidths=0
        )
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
        axes.set_title(f"{name}: {np.sqrt(np.mean(errors**2)):.2f} px", parse_math=False)
    if shades:
        figure.colorbar(shades, ax=figure.axes, label="Off by (pixels)", aspect=40, location="bottom")
    space: Axes3D = figure.add_subplot(grid[:, -1], projection="3d")
    _draw_cameras(space, names, places, looks, boards)
    return figure


def _draw_cameras(
    axes: Axes3D, names: Sequence[str], places: np.ndarray, looks: np.ndarray, boards: np.ndarray
) -> None:
    """Draw where cameras stand and look, and where boards were."""
    stands, ahead, middles = (
        np.stack([each[:, 0], each[:, 2], -each[:, 1]], axis=1) for each in (places, looks, boards)
    )
    reach = 0.35 * float(np.median(np.linalg.norm(stands[:, None] - middles, axis=2)))
    axes.plot(*middles.T, ".", color="tab:gray", markersize=3)
    for name, place, look in zip(names, stands, ahead, strict=True):
        axes.plot(*np.stack([place, place + reach * look], axis=1), color="tab:red", linewidth=1.5)
        axes.plot(*place[:, None], "s", color="tab:red")
        axes.text(*place, f"  {name}", parse_math=False)
    every = np.concatenate([stands, middles])
    center, half = (every.max(axis=0) + every.min(axis=0)) / 2, np.ptp(every, axis=0).max() / 2
    for set_limits, middle in zip((axes.set_xlim, axes.set_ylim, axes.set_zlim), center, strict=True):
        set_limits(middle - half, middle + half)
    _name_axes(axes)
    axes.tick_params(labelsize="x-small")
    axes.set_title("red: cameras and where they look; gray: the board", fontsize="small")
