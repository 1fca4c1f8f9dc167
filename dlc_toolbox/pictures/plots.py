"""Plots of errors in pixels (per body part, cumulative, against likelihood, against iterations) and of trajectories.

Each function returns a figure that belongs to no window; `write_plot` stores it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from dlc_common.files import write_if_changed
from dlc_toolbox.measure.judging import reliability
from dlc_toolbox.measure.metrics import Cutoff, cutoff_in_words
from dlc_toolbox.measure.tracks import seen_points
from dlc_toolbox.pictures.drawing import Look, encode_plot
from dlc_toolbox.pictures.palette import MATPLOTLIB_MARKERS
from dlc_toolbox.pictures.ticks import logarithmic

_LEAST_ERROR_PX = 0.1
_LEAST_STEP_PX = 0.01
_STEP_BINS = 60
_STRETCHES = 4000  # more than a plot is pixels wide
_LEAST_SPAN_PX = 20
_PALE = 0.25
_HIGHEST_PLOT = 200  # inches; matplotlib draws up to 65,535 pixels


def plot_part_errors(errors: np.ndarray, is_train: np.ndarray, look: Look) -> Figure:
    """Draw a bar of the mean error of each body part, training and test images apart, with a line at the median.

    Parameters
    ----------
    errors : ndarray of shape (N, K)
        Distances in pixels; NaN does not count.
    is_train : ndarray of shape (N,)
        Which images the network was trained on.
    look : Look
        Names and colours of the body parts.

    Returns
    -------
    Figure
        Not yet written, see `write_plot`.
    """
    figure, axes = _plot("Mean error (pixels); line: median", "", height=1.5 + 0.28 * len(look.bodyparts))
    rim = withStroke(linewidth=3.5, foreground="white")
    for k, color in enumerate(look.colors / 255):
        for shift, rows, alpha in ((-0.2, is_train, 0.4), (0.2, ~is_train, 1)):
            found = errors[rows, k][np.isfinite(errors[rows, k])]
            if found.size:
                axes.barh(k + shift, found.mean(), 0.4, color=color, alpha=alpha)
                ends = k + shift - 0.16, k + shift + 0.16
                axes.plot([np.median(found)] * 2, ends, color="black", linewidth=1.5, path_effects=[rim])
    axes.set_yticks(range(len(look.bodyparts)), look.bodyparts, parse_math=False)
    axes.invert_yaxis()
    axes.set_title("pale: training images, full colour: test images", fontsize="medium")
    return figure


def plot_cumulative_errors(errors: np.ndarray, is_train: np.ndarray, look: Look) -> Figure:
    """Draw the share of pairs that are at most so many pixels off: per body part on test images, and pooled.

    Parameters
    ----------
    errors, is_train, look
        As for `plot_part_errors`.

    Returns
    -------
    Figure
        The axis is logarithmic; errors below 0.1 pixel are drawn at 0.1.
    """
    figure, axes = _plot("Error (pixels)", "Share of labeled pairs")
    logarithmic(axes.xaxis)
    pooled: dict[str, Any] = {"color": "black", "linewidth": 2.5, "zorder": 3}
    curves = [
        ("all, test images", errors[~is_train], pooled),
        ("all, training images", errors[is_train], {**pooled, "linestyle": ":"}),
    ]
    for k, part in enumerate(look.bodyparts):
        style = {"color": look.colors[k] / 255, "linewidth": 1, "marker": _marker(look, k), "markersize": 5}
        curves.append((part, errors[~is_train, k], {**style, "markevery": 0.15}))
    lines, names = [], []
    for name, values, style in curves:
        found = values[np.isfinite(values)]
        if found.size:
            lines.append(axes.ecdf(np.maximum(found, _LEAST_ERROR_PX), **style))
            names.append(name)
    _explain(figure, lines, names)
    return figure


def plot_likelihood(
    errors: np.ndarray, likelihoods: np.ndarray, is_train: np.ndarray, pcutoff: Cutoff, look: Look
) -> Figure:
    """Draw the error of each pair against its likelihood, to see what `pcutoff` keeps.

    Parameters
    ----------
    errors, is_train, look
        As for `plot_part_errors`.
    likelihoods : ndarray of shape (N, K)
        0 to 1.
    pcutoff : Cutoff
        Drawn as a line.

    Returns
    -------
    Figure
        Hollow markers are training images, full ones test images. Errors below 0.1 pixel are drawn at 0.1.
    """
    figure, axes = _plot("Likelihood", "Error (pixels)")
    logarithmic(axes.yaxis)
    handles = []
    for k, color in enumerate(look.colors / 255):
        shown, marker = np.maximum(errors[:, k], _LEAST_ERROR_PX), _marker(look, k) or "o"
        hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": [color], "linewidths": 0.7}
        axes.scatter(likelihoods[is_train, k], shown[is_train], 14, marker=marker, **hollow)
        full: dict[str, Any] = {"color": [color], "linewidths": 0}
        handles.append(axes.scatter(likelihoods[~is_train, k], shown[~is_train], 20, marker=marker, **full))
    _draw_cutoff(axes.axvline, pcutoff, look)
    words = cutoff_in_words(pcutoff)
    axes.set_title(f"dashed: pcutoff = {words}; hollow: training, full: test images", fontsize="medium")
    axes.set_xlim(-0.02, 1.02)
    _explain(figure, handles, list(look.bodyparts))
    return figure


def plot_reliability(errors: np.ndarray, expected: np.ndarray, covered: float) -> Figure:
    """Draw the error of each pair against what was expected, and the medians of both, which should be equal.

    Parameters
    ----------
    errors, expected : ndarray of one shape
        Distances in pixels; NaN where nobody labeled, or nothing is expected.
    covered : float
        Share of the errors within the radius of 90 %, for the title.

    Returns
    -------
    Figure
        Both axes are logarithmic; errors below 0.1 pixel are drawn at 0.1.
    """
    figure, axes = _plot("Expected error (pixels), learned from other images", "Error (pixels)")
    for axis in (axes.xaxis, axes.yaxis):
        logarithmic(axis)
    shown = np.maximum(errors, _LEAST_ERROR_PX)
    axes.scatter(expected, shown, 10, color="tab:gray", alpha=0.5, linewidths=0)
    medians = reliability(shown, expected)
    axes.plot(*medians.T, "o-", color="tab:red", markersize=5)
    axes.axline((1, 1), (10, 10), color="black", linewidth=1, linestyle="--")
    axes.set_title(f"red: medians, dashed: as expected; {covered:.0%} are within the radius of 90 %", fontsize="medium")
    return figure


def plot_error_by_iteration(rows: pd.DataFrame) -> Figure:
    """Draw training and test error against the iterations of training.

    Parameters
    ----------
    rows : DataFrame
        Rows of the evaluation table of one network: columns iteration, train_mean_error_px, train_median_error_px,
        test_mean_error_px, test_median_error_px.

    Returns
    -------
    Figure
        Not yet written.
    """
    figure, axes = _plot("Iteration", "Error (pixels)")
    rows = rows.sort_values("iteration")
    for which, color in (("train", "tab:gray"), ("test", "tab:red")):
        for statistic, style in (("mean", "o-"), ("median", "o--")):
            values = rows[f"{which}_{statistic}_error_px"]
            axes.plot(rows["iteration"], values, style, color=color, markersize=4, label=f"{which}, {statistic}")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def plot_time_courses(
    poses: np.ndarray,
    times: np.ndarray,
    pcutoff: Cutoff,
    look: Look,
    time_name: str = "Time (s)",
    radius_px: np.ndarray | None = None,
) -> Figure:
    """Draw x, y and likelihood of each body part against time, one row a part.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y in pixels and likelihood; NaN in lost frames.
    times : ndarray of shape (N,)
        When each frame is shown.
    pcutoff : Cutoff
        x and y are drawn where the likelihood is at least this; a dashed line marks it.
    look : Look
        Names and colours of the body parts.
    time_name : str
        What `times` are, with their unit.
    radius_px : ndarray of shape (N, K), optional
        Drawn as a pale band about x and y; NaN where it is not known.

    Returns
    -------
    Figure
        All rows share the time axis; x and y have a range of their own in each. y points downwards, as in the frame. A
        part seen in a single frame only is a dot.
    """
    count = len(look.bodyparts)
    height = min(float(np.clip(9 / count, 0.7, 1.6)), _HIGHEST_PLOT / count)
    size = 12 + 0.09 * max(map(len, look.bodyparts)), 1.1 + height * count
    figure = Figure(figsize=size)  # placed by hand: a layout by matplotlib takes three times as long for 51 panels
    inches = {"left": size[0] - 11.3, "right": size[0] - 0.2, "bottom": 0.6, "top": size[1] - 0.4}
    shares = {side: at / size[side in ("bottom", "top")] for side, at in inches.items()}
    grid = {**shares, "width_ratios": (2, 2, 1), "wspace": 0.12, "hspace": 0.25}
    panels = figure.subplots(count, 3, sharex=True, squeeze=False, gridspec_kw=grid)
    points = seen_points(poses, pcutoff)
    cutoffs = np.broadcast_to(pcutoff, count)
    for k, (row, color) in enumerate(zip(panels, look.colors / 255, strict=True)):
        for axes, values in zip(row, (*points[:, k].T, poses[:, k, 2]), strict=True):
            shown, course = _extremes(times, values)
            if radius_px is not None and axes is not row[2]:
                low, high = (_extremes(times, values + sign * radius_px[:, k])[1] for sign in (-1, 1))
                axes.fill_between(shown, low, high, color=color, alpha=_PALE, linewidth=0)
            axes.plot(shown, course, ".-", markersize=2, markevery=_lone(course), linewidth=0.7, color=color)
            axes.yaxis.set_major_locator(MaxNLocator(2, integer=True, min_n_ticks=2))
            axes.tick_params(labelsize="x-small")
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylim(*_span(course))
        row[1].invert_yaxis()
        row[2].set(ylim=(-0.08, 1.08), yticks=(0, 1))
        row[2].axhline(cutoffs[k], color="black", linewidth=0.7, linestyle="--")
        row[0].set_ylabel(look.bodyparts[k], rotation=0, ha="right", va="center", parse_math=False)
        row[0].yaxis.set_label_coords(-0.11, 0.5)
    for first, last, name in zip(*panels[[0, -1]], ("x (pixels)", "y (pixels)", "Likelihood"), strict=True):
        first.set_title(name, fontsize="medium")
        last.set_xlabel(time_name)
    return figure


def plot_paths(frame: np.ndarray, points: np.ndarray, look: Look) -> Figure:
    """Draw the paths of all body parts over a frame of the video.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB.
    points : ndarray of shape (N, K, 2)
        x, y in pixels of the frame; a path is interrupted at NaN.
    look : Look
        Names and colours of the body parts.

    Returns
    -------
    Figure
        Shows the whole frame and nothing beyond it.
    """
    height, width = frame.shape[:2]
    figure, axes = _plot("x (pixels)", "y (pixels)", height=1 + 5.5 * height / width, width=8.2)
    axes.imshow(frame, alpha=0.6)
    ends: list[tuple[np.ndarray, dict[str, Any]]] = []
    for k, color in enumerate(look.colors / 255):
        lone = _lone(points[:, k, 0])
        axes.plot(*points[:, k].T, ".-", markersize=1.5, markevery=lone, linewidth=0.4, alpha=0.7, color=color)
        seen = points[np.isfinite(points[:, k]).all(axis=-1), k]
        if look.markers and len(seen):
            ends.append((seen[-1], {"marker": _marker(look, k), "color": color}))
    for place, style in ends:
        axes.plot(*place, markersize=7, markeredgecolor="white", markeredgewidth=0.7, **style)
    if ends:
        axes.set_title("markers: where each part is seen last", fontsize="medium")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    _explain(figure, _part_lines(look), look.bodyparts)
    return figure


def plot_steps(steps: np.ndarray, jumpthreshold: float, look: Look) -> Figure:
    """Draw how often each body part moves how far from one frame to the next, one row a part.

    Parameters
    ----------
    steps : ndarray of shape (N, K)
        Distances in pixels; NaN does not count.
    jumpthreshold : float
        In pixels; a dashed line marks it.
    look : Look
        Names and colours of the body parts.

    Returns
    -------
    Figure
        All rows share both axes, which are logarithmic; steps below 0.01 pixel are drawn there.
    """
    count = len(look.bodyparts)
    height = min(float(np.clip(4 / count, 0.45, 1.2)), _HIGHEST_PLOT / count)
    figure = Figure(figsize=(6.5, 1.3 + height * count), layout="constrained")
    panels = figure.subplots(count, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    shown = np.maximum(steps, _LEAST_STEP_PX)
    farthest = max(10 * _LEAST_STEP_PX, jumpthreshold, np.nanmax(shown, initial=0))
    bins = np.geomspace(_LEAST_STEP_PX, farthest, _STEP_BINS)
    counts = [np.histogram(column[np.isfinite(column)], bins)[0] for column in shown.T]
    for k, (axes, color) in enumerate(zip(panels, look.colors / 255, strict=True)):
        axes.stairs(counts[k], bins, color=color, fill=True)
        if jumpthreshold > 0:
            axes.axvline(jumpthreshold, color="black", linewidth=1, linestyle="--")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", labelsize="x-small")
        axes.set_ylabel(look.bodyparts[k], rotation=0, ha="right", va="center", parse_math=False)
    logarithmic(panels[0].xaxis)
    panels[0].set_yscale("symlog", linthresh=1)
    decades = len(str(max(10, np.max(counts))))
    apart = int(-(-decades * 0.15 // height))  # a tick needs 0.15 inches
    panels[0].set_yticks([0, *10 ** np.arange(apart - 1, decades, apart)])
    panels[0].yaxis.set_major_formatter("{x:g}")
    panels[0].set_title(f"number of steps; dashed: jumpthreshold = {jumpthreshold:g} pixels", fontsize="medium")
    panels[-1].set_xlabel("Step from one frame to the next (pixels)")
    return figure


def write_plot(figure: Figure, path: Path) -> None:
    """Write a plot as png, unless the file holds it already; it appears whole or not at all.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    write_if_changed(path, encode_plot(figure))


def _plot(xlabel: str, ylabel: str, height: float = 4.5, width: float = 6.5) -> tuple[Figure, Axes]:
    """Return an empty plot without the frame's upper and right sides."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _extremes(times_s: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and greatest value of each stretch of a long course, which drawn looks the same."""
    length = -(-len(values) // _STRETCHES)
    if length <= 2:
        return times_s, values
    stretches = np.pad(values, (0, -len(values) % length), constant_values=np.nan).reshape(-1, length)
    ends = np.stack([np.fmin.reduce(stretches, axis=1), np.fmax.reduce(stretches, axis=1)], axis=1)
    return times_s[::length].repeat(2), ends.ravel()


def _lone(values: np.ndarray) -> list[int]:
    """Return the positions of values between missing ones, which no line would show."""
    seen = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(seen[1:-1] & ~seen[:-2] & ~seen[2:]).tolist()


def _span(course: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis for a course in pixels; jitter of a part at rest does not fill it."""
    if not np.isfinite(course).any():
        return 0, _LEAST_SPAN_PX
    low, high = np.nanmin(course), np.nanmax(course)
    margin = max(0.05 * (high - low), (_LEAST_SPAN_PX - (high - low)) / 2)
    return low - margin, high + margin


def _marker(look: Look, k: int) -> str:
    """Return matplotlib's letter for a body part's marker; nothing where all have the same."""
    return MATPLOTLIB_MARKERS[look.markers[k]] if look.markers else ""


def _part_lines(look: Look) -> list[Line2D]:
    """Return a line of each body part's colour, with its marker, thick enough for a legend."""
    return [
        Line2D([], [], color=color, linewidth=2, marker=_marker(look, k), markersize=7)
        for k, color in enumerate(look.colors / 255)
    ]


def _draw_cutoff(draw: Callable[..., object], pcutoff: Cutoff, look: Look) -> None:
    """Draw a dashed line at the cutoff, or one of each part's colour."""
    if isinstance(pcutoff, tuple):
        for cutoff, color in zip(pcutoff, look.colors / 255, strict=True):
            draw(cutoff, color=color, linewidth=1, linestyle="--")
    else:
        draw(pcutoff, color="black", linewidth=1, linestyle="--")


def _explain(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """Put a legend beside the axes, in as many columns as the names need."""
    key = figure.legend(
        handles, names, loc="outside right upper", frameon=False, fontsize="small", ncols=-(-len(names) // 24)
    )
    for text in key.get_texts():
        text.set_parse_math(False)
