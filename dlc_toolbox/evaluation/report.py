"""Reports of an evaluation: plots, pictures with the labels of human and network, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common.images import read_image
from dlc_common.versions import versions
from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.evaluation.trust import Judgment, people_agree
from dlc_toolbox.evaluation.trust_page import RELIABILITY_PLOT, trust_content
from dlc_toolbox.measure.metrics import cutoff_in_words, is_confident
from dlc_toolbox.pictures import pages, plots
from dlc_toolbox.pictures.drawing import Look
from dlc_toolbox.pictures.palette import PartStyle
from dlc_toolbox.pictures.pictures import draw_pictures, folder_and_image, look_of, picture_name, raise_problems
from dlc_toolbox.project.settings import Settings

_WORST = 12
_PLOTS = {"part_errors": "error_per_part.png", "cumulative": "cumulative_error.png", "likelihood": "likelihood.png"}


def plot_evaluations(judgments: Sequence[Judgment], rows: pd.DataFrame, settings: Settings) -> list[Path]:
    """Plot the errors of each network, and those of several snapshots against their iterations.

    Parameters
    ----------
    judgments : sequence of Judgment
        Of each network's evaluation, as `trust.judge` returns them.
    rows : DataFrame
        Their rows of the evaluation table, in the same order.
    settings : Settings
        Its colormap and pcutoff count.

    Returns
    -------
    list of Path
        The folders of plots, and the plots against iterations.
    """
    written = [_plot_evaluation(judgment, settings) for judgment in judgments]
    networks = [judgment.evaluation.network for judgment in judgments]
    for fraction, network in {network.fraction: network for network in networks}.items():
        snapshots = rows[rows["train_fraction"] == fraction]
        if len(snapshots) > 1:
            path = network.layout.iterations_plot(network.experiment)
            plots.write_plot(plots.plot_error_by_iteration(snapshots), path)
            written.append(path)
    return written


def draw_evaluation(evaluation: Evaluation, settings: Settings, *, overwrite: bool = False) -> Path:
    """Draw the labels of human and network into the labeled images.

    The human's are '+', the network's '.' where its likelihood is at least pcutoff and 'x' elsewhere; a line joins the
    two of a body part. Training and test images lie in folders of their own.

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


def write_evaluation_pages(
    judgments: Sequence[Judgment], rows: pd.DataFrame, settings: Settings, outlooks: Sequence[str] = ()
) -> list[Path]:
    """Write a page for each experiment: its snapshots, learning curve, errors per body part and worst test images.

    The page holds its pictures and can be sent to others as it is. `plot_evaluations` must have drawn the plots, and
    with `settings.plotting` `draw_evaluation` the pictures that it links to.

    Parameters
    ----------
    judgments, rows, settings
        As for `plot_evaluations`.
    outlooks : sequence of str, optional
        What would make each network better, as `outlook.outlook_in_words` says it.

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
    experiments = [judgment.evaluation.network.experiment for judgment in judgments]
    for experiment in dict.fromkeys(experiments):
        places = [i for i, other in enumerate(experiments) if other == experiment]
        snapshots = rows.iloc[places].reset_index(drop=True)
        medians = snapshots["test_median_error_px"]
        best = int(medians.idxmin()) if medians.notna().any() else len(medians) - 1
        judgment = judgments[places[best]]
        page = judgment.evaluation.network.layout.evaluation_page(experiment)
        resolved = replace(settings, pcutoff=judgment.cutoff(settings))
        content = _evaluation_content(judgment.evaluation, snapshots, best, resolved, page)
        content |= trust_content(judgment, resolved) | {"outlook": outlooks[places[best]] if outlooks else None}
        pages.write_page(page, "evaluation.html", **content)
        written.append(page)
    return written


def _plot_evaluation(judgment: Judgment, settings: Settings) -> Path:
    """Plot a network's errors: by body part, cumulative, against likelihood and against what was expected."""
    evaluation = judgment.evaluation
    network, errors, is_train = evaluation.network, evaluation.errors, evaluation.is_train
    look = look_of(settings, [])
    folder = network.layout.evaluation_plots(network.experiment, network.iteration)
    against_likelihood = plots.plot_likelihood(
        errors, evaluation.likelihoods, is_train, judgment.cutoff(settings), look
    )
    plots.write_plot(against_likelihood, folder / "likelihood.png")
    plots.write_plot(plots.plot_part_errors(errors, is_train, look), folder / "error_per_part.png")
    plots.write_plot(plots.plot_cumulative_errors(errors, is_train, look), folder / "cumulative_error.png")
    reliability = folder / RELIABILITY_PLOT
    if np.isfinite(judgment.expected_px).any():
        plots.write_plot(
            plots.plot_reliability(evaluation.placed_errors, judgment.expected_px, judgment.coverage), reliability
        )
    else:
        reliability.unlink(missing_ok=True)
    return folder


def _human_and_network(evaluation: Evaluation, settings: Settings) -> tuple[np.ndarray, Look]:
    """Return the points of human, confident and less confident network, (N, 3, K, 2), and how they are drawn."""
    found = evaluation.poses[..., :2]
    confident = is_confident(evaluation.likelihoods, settings.pcutoff)[..., None]
    layers = [evaluation.labels, np.where(confident, found, np.nan), np.where(confident, np.nan, found)]
    names = (
        f"{settings.scorer} (human)",
        f"network, likelihood ≥ {cutoff_in_words(settings.pcutoff)}",
        "network, less likely",
    )
    return np.stack(layers, axis=1), look_of(settings, list(zip("+.x", names, strict=True)), joined=((0, 1), (0, 2)))


def _evaluated_name(row: str) -> str:
    """Return the name of the picture of an evaluated image; those of all folders lie together."""
    return picture_name("_".join(folder_and_image(row)))


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
        "pcutoff": cutoff_in_words(settings.pcutoff),
        "snapshots": rows,
        "best": rows[best] | sizes,
        "learning_curve": pages.embed(curve) if curve.is_file() else None,
        "train_folder": str(curve.parent),
        "error_by_iteration": pages.embed(by_iteration) if by_iteration else None,
        "parts": _part_rows(evaluation, look, settings),
        **{name: pages.embed(plots_folder / file) for name, file in _PLOTS.items()},
        "layers": [f"{marker} {name}" for marker, name in look.layers],
        "worst": _worst_images(evaluation, layers, look, page if settings.plotting else None),
        "made_from": _made_from(evaluation, settings),
    }


def _part_rows(evaluation: Evaluation, look: Look, settings: Settings) -> list[dict[str, Any]]:
    """Return the percentiles of the errors of all body parts together, then of each, and how far people agree."""
    people = people_agree(evaluation, settings)
    columns: list[tuple[str, PartStyle | None, Any]] = [("all", None, slice(None))]
    columns += [(part, style, [k]) for k, (part, style) in enumerate(zip(look.bodyparts, look.styles, strict=True))]
    return [
        {
            "name": name,
            "style": style,
            "people": {scorer: _percentiles(apart[:, part])["percentiles"][0] for scorer, apart in people.items()},
            **{which: _percentiles(evaluation.errors[chosen][:, part]) for which, chosen in evaluation.sets()},
        }
        for name, style, part in columns
    ]


def _percentiles(errors: np.ndarray) -> dict[str, Any]:
    """Return count, mean, and the median, 75th, 90th and 100th percentile of errors; NaN of none."""
    found = errors[np.isfinite(errors)]
    percentiles = np.percentile(found, [50, 75, 90, 100]) if found.size else np.full(4, np.nan)
    return {"count": found.size, "mean": found.mean() if found.size else np.nan, "percentiles": percentiles.tolist()}


def _worst_images(
    evaluation: Evaluation, layers: np.ndarray, look: Look, linked_from: Path | None
) -> list[dict[str, Any]]:
    """Return the test images with the largest mean errors, drawn, the worst first; a page links to their pictures."""
    network, errors = evaluation.network, evaluation.errors
    judged = np.flatnonzero(~evaluation.is_train & np.isfinite(errors).any(axis=1))
    means = np.nanmean(errors[judged], axis=1)
    folder = network.layout.evaluation_pictures(network.experiment, network.iteration) / "Test"
    worst = []
    for n in judged[np.argsort(-means, kind="stable")[:_WORST]]:
        name, k = evaluation.images[n], int(np.nanargmax(errors[n]))
        image, picture = read_image(network.images[name]), folder / _evaluated_name(name)
        small = pages.draw_for_page(image, layers[n], look)
        worst.append(
            {
                "name": name,
                "mean_px": float(np.nanmean(errors[n])),
                "part": evaluation.bodyparts[k],
                "part_px": errors[n, k],
                "likelihood": evaluation.likelihoods[n, k],
                "picture": pages.embed(small),
                "link": pages.link(picture, linked_from) if linked_from else None,
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
        "pcutoff": cutoff_in_words(settings.pcutoff),
        "versions": ", ".join(f"{package} {version}" for package, version in versions().items()),
    }
