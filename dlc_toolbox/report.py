"""Sets of pictures: every image of a folder with its points drawn in, and one contact sheet of them all."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from dlc_toolbox import ToolboxError, drawing, plots, records
from dlc_toolbox.drawing import Look
from dlc_toolbox.frames import image_size, natural_key, read_image
from dlc_toolbox.labels import name_labels, outside_image, why_labels_stale
from dlc_toolbox.layout import Layout, contact_sheet, first_step_advice, labeled_folder, pictures_record
from dlc_toolbox.metrics import is_confident
from dlc_toolbox.results import Evaluation
from dlc_toolbox.settings import Settings
from dlc_toolbox.tables import bodyparts_of, points, read_table

log = logging.getLogger(__name__)


def look_of(settings: Settings, layers: Sequence[tuple[str, str]]) -> Look:
    """Return how the settings want points to be drawn.

    Parameters
    ----------
    settings : Settings
        Its body parts, colormap, scale, msize and alphavalue count.
    layers : sequence of (str, str)
        Marker and meaning of each layer of points.

    Returns
    -------
    Look
        Colours go to the body parts in the order of the settings.
    """
    colors = drawing.part_colors(settings.colormap, len(settings.bodyparts))
    return Look(settings.bodyparts, colors, layers, settings.scale, settings.msize, settings.alphavalue)


def draw_pictures(
    folder: Path, images: Mapping[str, Path], layers: np.ndarray, look: Look, *, overwrite: bool = False
) -> list[str]:
    """Draw every image of a set with its points, and a contact sheet, unless they are current.

    Parameters
    ----------
    folder : Path
        Where the pictures go; those of an earlier set are removed from it.
    images : mapping of str to Path
        Image file by the name of its picture, N of them.
    layers : ndarray of shape (N, L, K, 2)
        x, y in pixels of each image, in the order of `images`; NaN is not drawn.
    look : Look
        How the points are drawn.
    overwrite : bool
        Whether to draw again what is current.

    Returns
    -------
    list of str
        One sentence for each image that is missing or damaged; all others are drawn.

    Raises
    ------
    ToolboxError
        When the folder holds files that were not drawn here, the system refuses to write, or the settings make a
        picture too large.
    """
    record = pictures_record(folder)
    if not record.is_file() and folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ToolboxError(
            f"pictures are to be drawn into {folder}, but it holds files and no {record.name}, so they may be a "
            "video's images: rename it"
        )
    made_from = records.describe(
        {name: path for name, path in images.items() if path.is_file()},
        {
            **asdict(look),
            "colors": look.colors.tolist(),
            "points": hashlib.blake2b(np.ascontiguousarray(layers).tobytes(), digest_size=16).hexdigest(),
        },
    )
    outputs = [*(folder / name for name in images), contact_sheet(folder)]
    reason = "--overwrite" if overwrite else records.why_stale(record, made_from, outputs)
    if reason is None:
        log.info("%s: %d pictures are current, skipped", folder, len(images))
        return []
    log.info("%s: drawing %d pictures (%s)", folder, len(images), reason)
    _remove_earlier(folder)
    records.write(record, {"inputs": dict.fromkeys(images), "settings": {}})  # ours, though not complete yet
    problems = _draw(folder, images, layers, look)
    if not problems:
        records.write(record, made_from)
    return problems


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
    data = layout.data_folder(settings.Task)
    _report_outside(rows, labels, settings, data)
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(folder_and_image(row)[0], []).append(i)
    drawn, problems = [], []
    for folder, places in members.items():
        images = {picture_name(folder_and_image(rows[i])[1]): data / rows[i] for i in places}
        target = labeled_folder(data / folder)
        drawn.append(target)
        problems += draw_pictures(target, images, labels[places], look, overwrite=overwrite)
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
    network, found = evaluation.network, evaluation.poses[..., :2]
    confident = is_confident(evaluation.likelihoods, settings.pcutoff)[..., None]
    layers = [evaluation.labels, np.where(confident, found, np.nan), np.where(confident, np.nan, found)]
    names = f"{settings.scorer} (human)", f"network, likelihood ≥ {settings.pcutoff:g}", "network, less likely"
    look = look_of(settings, list(zip("+.x", names, strict=True)))
    folder = network.layout.evaluation_pictures(network.experiment, network.iteration)
    problems = []
    for part, chosen in (("Training", evaluation.is_train), ("Test", ~evaluation.is_train)):
        rows = [row for row, wanted in zip(evaluation.images, chosen, strict=True) if wanted]
        images = {picture_name("_".join(folder_and_image(row))): network.images[row] for row in rows}
        points_drawn = np.stack(layers, axis=1)[chosen]
        problems += draw_pictures(folder / part, images, points_drawn, look, overwrite=overwrite)
    raise_problems(problems)
    return folder


def raise_problems(problems: Sequence[str]) -> None:
    """Raise ToolboxError with the images that could not be drawn, if there are any."""
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ToolboxError(f"all is drawn but {len(problems)} images: {'; '.join(problems[:5])}{more}")


def folder_and_image(row: str) -> tuple[str, str]:
    """Split a row's name in a label table into the names of folder and image.

    Raises
    ------
    ToolboxError
        When it is not of the form ``folder/image``.

    Examples
    --------
    >>> folder_and_image("day1/img03.png")
    ('day1', 'img03.png')
    """
    pieces = str(row).split("/")
    if len(pieces) != 2 or {"", ".", ".."} & set(pieces):
        raise ToolboxError(f"the label table names the image {row!r}; it must be '<video folder>/<image>'")
    return pieces[0], pieces[1]


def picture_name(image: str) -> str:
    """Return the name of an image's picture, which is a png.

    Examples
    --------
    >>> picture_name("img1.png"), picture_name("img1.jpg")
    ('img1.png', 'img1.jpg.png')
    """
    return image if image.endswith(".png") else f"{image}.png"


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


def _remove_earlier(folder: Path) -> None:
    """Remove the pictures of an earlier set, so that no picture outlives its labels."""
    try:
        earlier = records.read(pictures_record(folder)).get("inputs", {})
    except ToolboxError:
        return
    for name in earlier:
        (folder / Path(name).name).unlink(missing_ok=True)


def _draw(folder: Path, images: Mapping[str, Path], layers: np.ndarray, look: Look) -> list[str]:
    """Draw all pictures and their contact sheet; return what is wrong with images that could not be drawn."""
    tiles, problems = {}, []
    for (name, path), layer in zip(tqdm(images.items(), desc=folder.name, unit="image"), layers, strict=True):
        try:
            image = read_image(path)
        except ToolboxError as error:
            problems.append(str(error))
            continue
        drawing.write_picture(drawing.draw_points(image, layer, look), folder / name)
        tiles[name] = drawing.draw_points(image, layer, drawing.tile_look(look, image, len(images)))
    if tiles:
        page = drawing.draw_contact_sheet(list(tiles.values()), list(tiles), look)
        drawing.write_picture(page, contact_sheet(folder))
    return problems


def _report_outside(rows: Sequence[str], labels: np.ndarray, settings: Settings, data: Path) -> None:
    """Name the labels, (N, scorers, K, 2), that lie outside their image."""
    sizes = np.array([_size(data / row) for row in rows])
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
