"""Reports: pictures, plots and pages of labels (Step 3) and of the errors of networks (evaluation)."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_toolbox import ToolboxError, drawing, pages, plots, records
from dlc_toolbox.drawing import Look
from dlc_toolbox.frames import image_size, natural_key, read_image
from dlc_toolbox.labels import name_labels, outside_image, why_labels_stale
from dlc_toolbox.layout import Layout, contact_sheet, first_step_advice, labeled_folder, thumbnail
from dlc_toolbox.metrics import is_confident
from dlc_toolbox.pictures import draw_pictures, folder_and_image, look_of, picture_name, raise_problems
from dlc_toolbox.results import Evaluation
from dlc_toolbox.settings import Settings
from dlc_toolbox.tables import bodyparts_of, points, read_table

log = logging.getLogger(__name__)

_WORST = 12
_WORST_PX = 640
_PLOTS = {"part_errors": "error_per_part.png", "cumulative": "cumulative_error.png", "likelihood": "likelihood.png"}


def check_labels(layout: Layout, settings: Settings, *, overwrite: bool = False) -> list[Path]:
    """Draw the labels of all scorers into their images, so that people see whether they are right (Step 3).

    Labels outside their image and the counts of labels per body part go to the log.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Of that project; one marker shape per entry of `Scorers`.
    overwrite : bool
        Whether to draw again what is current.

    Returns
    -------
    list of Path
        The folders of pictures.

    Raises
    ------
    ToolboxError
        When a label table is missing, older than its csv files or of other body parts, or there is no label at all;
        after all else is drawn, also when images are missing or damaged.
    """
    rows, labels = _read_labels(layout, settings)
    look = look_of(settings, list(zip(itertools.cycle(drawing.MARKERS), settings.Scorers, strict=False)))
    data, page = layout.data_folder(settings.Task), layout.labels_page(settings.Task)
    sizes = np.array([_size(data / row) for row in rows])
    _report_outside(rows, labels, settings, sizes)
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(folder_and_image(row)[0], []).append(i)
    drawn, problems, sections = [], [], []
    for folder, places in members.items():
        images = {picture_name(folder_and_image(rows[i])[1]): data / rows[i] for i in places}
        target = labeled_folder(data / folder)
        drawn.append(target)
        problems += draw_pictures(target, images, labels[places], look, thumbnails=True, overwrite=overwrite)
        pictures = [target / name for name in images]
        sections.append({"name": folder, **_section(pictures, labels[places], sizes[places], look, page)})
    colors = list(zip(look.bodyparts, look.colors, strict=True))
    pages.write_page(page, "labels.html", task=settings.Task, parts=colors, scorers=look.layers, folders=sections)
    raise_problems(problems)
    return drawn


def plot_evaluations(evaluations: Sequence[Evaluation], rows: pd.DataFrame, settings: Settings) -> list[Path]:
    """Plot the errors of each network, and those of several snapshots against their iterations.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        As `results.read_evaluation` returns them.
    rows : DataFrame
        Their rows of the evaluation table, in the same order.
    settings : Settings
        Its colormap and pcutoff count.

    Returns
    -------
    list of Path
        The folders of plots, and the plots against iterations.
    """
    written = [_plot_evaluation(evaluation, settings) for evaluation in evaluations]
    experiments = {evaluation.network.fraction: evaluation.network for evaluation in evaluations}
    for fraction, network in experiments.items():
        snapshots = rows[rows["train_fraction"] == fraction]
        if len(snapshots) > 1:
            path = network.layout.iterations_plot(network.experiment)
            plots.write_plot(plots.plot_error_by_iteration(snapshots), path)
            written.append(path)
    return written


def draw_evaluation(evaluation: Evaluation, settings: Settings, *, overwrite: bool = False) -> Path:
    """Draw the labels of human and network into the labeled images.

    The human's are '+', the network's '.' where its likelihood is at least pcutoff and 'x' elsewhere. Training and test
    images lie in folders of their own.

    Parameters
    ----------
    evaluation : Evaluation
        As `results.read_evaluation` returns it.
    settings : Settings
        Its pcutoff counts, and how points are drawn.
    overwrite : bool
        Whether to draw again what is current.

    Returns
    -------
    Path
        The folder of both.

    Raises
    ------
    ToolboxError
        When images are missing or damaged; the others are drawn first.
    """
    network = evaluation.network
    layers, look = _human_and_network(evaluation, settings)
    folder = network.layout.evaluation_pictures(network.experiment, network.iteration)
    problems = []
    for part, chosen in (("Training", evaluation.is_train), ("Test", ~evaluation.is_train)):
        rows = [row for row, wanted in zip(evaluation.images, chosen, strict=True) if wanted]
        images = {_evaluated_name(row): network.images[row] for row in rows}
        problems += draw_pictures(folder / part, images, layers[chosen], look, overwrite=overwrite)
    raise_problems(problems)
    return folder


def write_evaluation_pages(evaluations: Sequence[Evaluation], rows: pd.DataFrame, settings: Settings) -> list[Path]:
    """Write a page for each experiment: its snapshots, learning curve, errors per body part and worst test images.

    The page holds its pictures and can be sent to others as it is. `plot_evaluations` must have drawn the plots.

    Parameters
    ----------
    evaluations, rows, settings
        As for `plot_evaluations`.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    ToolboxError
        When an image is damaged or the system refuses to write.
    """
    written = []
    for experiment in dict.fromkeys(evaluation.network.experiment for evaluation in evaluations):
        places = [i for i, evaluation in enumerate(evaluations) if evaluation.network.experiment == experiment]
        snapshots = rows.iloc[places].reset_index(drop=True)
        medians = snapshots["test_median_error_px"]
        best = int(medians.idxmin()) if medians.notna().any() else len(medians) - 1
        evaluation = evaluations[places[best]]
        page = evaluation.network.layout.evaluation_page(experiment)
        pages.write_page(page, "evaluation.html", **_evaluation_content(evaluation, snapshots, best, settings, page))
        written.append(page)
    return written


def _read_labels(layout: Layout, settings: Settings) -> tuple[list[str], np.ndarray]:
    """Return the images with any label, and the labels (N, scorers, K, 2) in the settings' order of body parts."""
    tables = {scorer: _label_table(layout, settings, scorer) for scorer in settings.Scorers}
    rows = sorted({str(row) for table in tables.values() for row in table.index}, key=natural_key)
    labels = np.stack([points(table.reindex(rows), settings.bodyparts) for table in tables.values()], axis=1)
    labeled = np.isfinite(labels).all(axis=-1)
    for scorer, found in zip(tables, np.moveaxis(labeled, 1, 0), strict=True):
        counts = pd.DataFrame({"labeled": found.sum(axis=0), "missing": (~found).sum(axis=0)}, settings.bodyparts)
        log.info("Labels of %s in %d images:\n%s", scorer, len(rows), counts.to_string())
    shown = labeled.any(axis=(1, 2))
    if not shown.any():
        raise ToolboxError(
            f"no body part is labeled in {layout.data_folder(settings.Task)}: label first, then run Step 2"
        )
    return [row for row, keep in zip(rows, shown, strict=True) if keep], labels[shown]


def _label_table(layout: Layout, settings: Settings, scorer: str) -> pd.DataFrame:
    """Read the label table of one scorer and compare its body parts with the settings."""
    path = layout.label_table(settings.Task, scorer)
    if not path.is_file():
        raise ToolboxError(
            f"{path} does not exist; Step 2 makes it from the csv files. {first_step_advice(layout.root)}"
        )
    changed = why_labels_stale(layout, settings, scorer)
    if changed:
        raise ToolboxError(f"{path} is older than what it was made from ({changed}): run Step 2 again, then this step")
    table = read_table(path)
    if set(bodyparts_of(table)) != set(settings.bodyparts):
        raise ToolboxError(
            f"{path} has the body parts {', '.join(bodyparts_of(table))}, but myconfig.py has "
            f"{', '.join(settings.bodyparts)}: correct bodyparts, or run Step 2 again"
        )
    return table


def _plot_evaluation(evaluation: Evaluation, settings: Settings) -> Path:
    """Plot a network's errors: by body part, cumulative, and against likelihood."""
    network, errors, is_train = evaluation.network, evaluation.errors, evaluation.is_train
    look = look_of(settings, [])
    folder = network.layout.evaluation_plots(network.experiment, network.iteration)
    against_likelihood = plots.plot_likelihood(errors, evaluation.likelihoods, is_train, settings.pcutoff, look)
    plots.write_plot(against_likelihood, folder / "likelihood.png")
    plots.write_plot(plots.plot_part_errors(errors, is_train, look), folder / "error_per_part.png")
    plots.write_plot(plots.plot_cumulative_errors(errors, is_train, look), folder / "cumulative_error.png")
    return folder


def _human_and_network(evaluation: Evaluation, settings: Settings) -> tuple[np.ndarray, Look]:
    """Return the points of human, confident and less confident network, (N, 3, K, 2), and how they are drawn."""
    found = evaluation.poses[..., :2]
    confident = is_confident(evaluation.likelihoods, settings.pcutoff)[..., None]
    layers = [evaluation.labels, np.where(confident, found, np.nan), np.where(confident, np.nan, found)]
    names = f"{settings.scorer} (human)", f"network, likelihood ≥ {settings.pcutoff:g}", "network, less likely"
    return np.stack(layers, axis=1), look_of(settings, list(zip("+.x", names, strict=True)))


def _evaluated_name(row: str) -> str:
    """Return the name of the picture of an evaluated image; those of all folders lie together."""
    return picture_name("_".join(folder_and_image(row)))


def _section(pictures: Sequence[Path], labels: np.ndarray, sizes: np.ndarray, look: Look, page: Path) -> dict[str, Any]:
    """Return what the page of labels shows of one folder: its counts of labels, (N, scorers, K, 2), and pictures."""
    labeled = np.isfinite(labels).all(axis=-1)
    missing = (labeled.any(axis=2, keepdims=True) & ~labeled).sum(axis=(1, 2))  # of those who labeled this image
    shown = [
        {
            "name": picture.name,
            "link": pages.link(picture, page),
            "thumbnail": pages.link(thumbnail(picture), page),
            "width": int(width),
            "height": int(height),
            "missing": count,
        }
        for picture, (width, height), count in zip(pictures, sizes, missing, strict=True)
        if picture.is_file()
    ]
    return {
        "images": len(pictures),
        "labeled": labeled.sum(),
        "possible": labeled.size,
        "counts": list(zip(zip(look.bodyparts, look.colors, strict=True), labeled.sum(axis=0).T.tolist(), strict=True)),
        "sheet": pages.link(contact_sheet(pictures[0].parent), page),
        "pictures": shown,
    }


def _evaluation_content(
    evaluation: Evaluation, snapshots: pd.DataFrame, best: int, settings: Settings, page: Path
) -> dict[str, Any]:
    """Return what the page of an evaluation shows."""
    network = evaluation.network
    layers, look = _human_and_network(evaluation, settings)
    plots_folder = network.layout.evaluation_plots(network.experiment, network.iteration)
    curve = network.config_path.with_name("learning_curve.png")
    by_iteration = network.layout.iterations_plot(network.experiment) if len(snapshots) > 1 else None
    rows = snapshots.astype({"iteration": int}).to_dict("records")
    sizes = {f"{name}_images": int(chosen.sum()) for name, chosen in evaluation.sets()}
    return {
        "name": network.experiment.name,
        "scorer": settings.scorer,
        "pcutoff": f"{settings.pcutoff:g}",
        "snapshots": rows,
        "best": rows[best] | sizes,
        "learning_curve": pages.embed(curve) if curve.is_file() else None,
        "train_folder": str(curve.parent),
        "error_by_iteration": pages.embed(by_iteration) if by_iteration else None,
        "parts": _part_rows(evaluation, look),
        **{name: pages.embed(plots_folder / file) for name, file in _PLOTS.items()},
        "layers": [f"{marker} {name}" for marker, name in look.layers],
        "worst": _worst_images(evaluation, layers, look, page),
        "made_from": _made_from(evaluation, settings),
    }


def _part_rows(evaluation: Evaluation, look: Look) -> list[dict[str, Any]]:
    """Return the percentiles of the errors of all body parts together, then of each."""
    columns = [("all", None, evaluation.errors)]
    columns += [
        (part, color, evaluation.errors[:, [k]])
        for k, (part, color) in enumerate(zip(look.bodyparts, look.colors, strict=True))
    ]
    return [
        {"name": name, "color": color, **{which: _percentiles(errors[chosen]) for which, chosen in evaluation.sets()}}
        for name, color, errors in columns
    ]


def _percentiles(errors: np.ndarray) -> dict[str, Any]:
    """Return count, mean, and the median, 75th, 90th and 100th percentile of errors; NaN of none."""
    found = errors[np.isfinite(errors)]
    percentiles = np.percentile(found, [50, 75, 90, 100]) if found.size else np.full(4, np.nan)
    return {"count": found.size, "mean": found.mean() if found.size else np.nan, "percentiles": percentiles.tolist()}


def _worst_images(evaluation: Evaluation, layers: np.ndarray, look: Look, page: Path) -> list[dict[str, Any]]:
    """Return the test images with the largest mean errors, drawn, the worst first."""
    network, errors = evaluation.network, evaluation.errors
    judged = np.flatnonzero(~evaluation.is_train & np.isfinite(errors).any(axis=1))
    means = np.nanmean(errors[judged], axis=1)
    folder = network.layout.evaluation_pictures(network.experiment, network.iteration) / "Test"
    worst = []
    for n in judged[np.argsort(-means, kind="stable")[:_WORST]]:
        name, k = evaluation.images[n], int(np.nanargmax(errors[n]))
        image, picture = read_image(network.images[name]), folder / _evaluated_name(name)
        small = drawing.draw_points(image, layers[n], drawing.look_at_size(look, image, _WORST_PX))
        worst.append(
            {
                "name": name,
                "mean_px": float(np.nanmean(errors[n])),
                "part": evaluation.bodyparts[k],
                "part_px": errors[n, k],
                "likelihood": evaluation.likelihoods[n, k],
                "picture": pages.embed(small),
                "link": pages.link(picture, page) if picture.is_file() else None,
            }
        )
    return worst


def _made_from(evaluation: Evaluation, settings: Settings) -> dict[str, object]:
    """Return what tells this evaluation from others: network, settings, versions."""
    network = evaluation.network
    return {
        "snapshot": network.snapshot.path,
        "poses": network.table,
        "Task": settings.Task,
        "date": settings.date,
        "scorer": settings.scorer,
        "TrainingFraction": f"{network.fraction:g}",
        "shuffle": network.experiment.shuffle,
        "resnet": settings.resnet,
        "pcutoff": f"{settings.pcutoff:g}",
        "versions": ", ".join(f"{package} {version}" for package, version in records.versions().items()),
    }


def _report_outside(rows: Sequence[str], labels: np.ndarray, settings: Settings, sizes: np.ndarray) -> None:
    """Name the labels, (N, scorers, K, 2), that lie outside their image, of which `sizes` has width and height."""
    for scorer, of_scorer in zip(settings.Scorers, np.moveaxis(labels, 1, 0), strict=True):
        outside = outside_image(of_scorer, sizes)
        if outside.any():
            named = name_labels(outside, of_scorer, rows, settings.bodyparts)
            log.warning("%d labels of %s lie outside their image: %s", outside.sum(), scorer, named)


def _size(path: Path) -> tuple[float, float]:
    """Return width and height of an image; infinite where it cannot be read, which drawing it will tell."""
    try:
        return image_size(path)
    except ToolboxError:
        return np.inf, np.inf
