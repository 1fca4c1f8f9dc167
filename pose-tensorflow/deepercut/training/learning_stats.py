"""learning_stats.csv: how a training went, row by row, and its picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deepercut.weights.snapshots import number_in, read_rows, read_validation_errors
from dlc_common.files import replacing

COLUMNS = ("iteration", "loss", "part_loss", "locref_loss", "learning_rate", "images_per_s", "validation_error_px")


def begin_rows(path: Path, start: int) -> None:
    """Begin a learning curve, or cut one of an earlier run.

    Parameters
    ----------
    path : Path
        The csv; need not exist.
    start : int
        Completed iterations of the run that begins. Rows after it are dropped; the others get the columns that they
        lack, empty.
    """
    rows = [row for row in read_rows(path) if int(row["iteration"]) <= start] if start else []
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def append_row(path: Path, iteration: int, values: Mapping[str, float]) -> None:
    """Append the values of one iteration by their columns; what is not measured, or NaN, stays empty."""
    cells = {name: as_stored(value) for name, value in values.items() if not np.isnan(value)}
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, COLUMNS, restval="").writerow({"iteration": iteration, **cells})


def as_stored(value: float) -> str:
    """Return a value as a cell holds it.

    >>> as_stored(5.0), as_stored(1 / 3)
    ('5', '0.333333')
    """
    return f"{value:.6g}"


def best_iteration(errors: Mapping[int, float]) -> int:
    """Return the iteration of the lowest error; of equal ones, the first."""
    return min(errors, key=lambda iteration: (errors[iteration], iteration))


def draw_learning_curve(path: Path) -> None:
    """Draw a learning_stats.csv into learning_curve.png beside it.

    Parameters
    ----------
    path : Path
        The csv; without any row, nothing is drawn. The error on held-out images has axes of its own.
    """
    from matplotlib.figure import Figure

    rows, errors = read_rows(path), read_validation_errors(path)
    if not rows:
        return
    figure = Figure(figsize=(7, 6 if errors else 4), layout="constrained")
    axes, *below = figure.subplots(2 if errors else 1, sharex=True, squeeze=False)[:, 0]
    axes.set(ylabel="loss", yscale="log")
    for name in ("loss", "part_loss", "locref_loss"):
        values = [number_in(row.get(name)) for row in rows]
        axes.plot([int(row["iteration"]) for row in rows], values, marker=".", label=name.replace("_", " "))
    axes.legend(frameon=False)
    for error_axes in below:
        best = best_iteration(errors)
        error_axes.plot(list(errors), list(errors.values()), marker=".", color="black")
        error_axes.axvline(best, color="gray", linewidth=0.8, label=f"lowest: {errors[best]:.3g} px at {best}")
        error_axes.legend(frameon=False)
        error_axes.set(ylabel="error on held-out images (px)", ylim=(0, 1.05 * max(errors.values()) or None))
    (below or [axes])[-1].set_xlabel("iteration")
    for each in figure.axes:
        each.spines[["top", "right"]].set_visible(False)
    with replacing(path.with_name("learning_curve.png")) as temporary:
        figure.savefig(temporary, dpi=150)
