"""Training sets: the split of the labeled images, and the files that training and evaluation read."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import yaml

from dlc_common import UsersError
from dlc_common.culprits import for_all, in_short
from dlc_common.files import replacing
from dlc_common.fingerprints import fingerprint
from dlc_common.images import image_size, read_image
from dlc_common.pixels import is_blank, is_dark
from dlc_common.progress import tqdm
from dlc_common.training_set import LabeledImage, write_training_set
from dlc_common.versions import versions
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.recorded import video_of
from dlc_toolbox.labels.images import without_images
from dlc_toolbox.labels.labels import why_labels_stale
from dlc_toolbox.labels.plausible import name_labels, outside_image
from dlc_toolbox.labels.provenance import accepted_labels, read_notes
from dlc_toolbox.project import records
from dlc_toolbox.project.experiment import Experiment, percent_of
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, write_table
from dlc_toolbox.training_set.pose_cfg import (
    check_pose_cfg,
    is_trained_on,
    relative_path,
    warn_of_sizes,
    write_pose_cfgs,
)
from dlc_toolbox.training_set.split import split_by_rows, split_images, split_videos, warn_of_copied_images

log = logging.getLogger(__name__)


def make_training_sets(
    layout: Layout,
    settings: Settings,
    *,
    rows: Mapping[str, Sequence[int | str]] | None = None,
    overwrite: bool = False,
) -> list[Experiment]:
    """Make a training set for every training fraction and shuffle, unless it is current.

    Labels outside their image are dropped, and images without any label left out; both are counted in the log. A train
    folder that holds a snapshot keeps its files.
    Differs from v1: coordinates keep their sub-pixel part; the split is seeded; running it again changes nothing.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Whose labels, which fractions, shuffles, seed and network.
    rows : mapping, optional
        Rows of the label table for `train` and `test`, instead of a random split.
    overwrite : bool
        Make current ones again; never those that a network was trained on.

    Returns
    -------
    list of Experiment
        All that the settings name, ready to train.

    Raises
    ------
    ToolboxError
        When labels are missing or older than their csv files, an image is missing or damaged, a pose_cfg.yaml is no
        sound one, labels or settings changed since a network was trained on such a set, or `rows` are given for several
        sets.
    """
    if rows is not None and len(settings.TrainingFraction) * len(settings.Shuffles) != 1:
        raise ToolboxError(
            "a split of your own is one training set; leave one number in TrainingFraction = "
            f"{list(settings.TrainingFraction)} and one in Shuffles = {list(settings.Shuffles)} of myconfig.py"
        )
    labels = _load_labels(layout, settings)
    experiments = _experiments(layout, settings)
    made_from = _describe(labels, settings, rows)
    stale = {}
    for experiment, fraction in experiments.items():
        made = {**made_from, "settings": {**made_from["settings"], "fraction": fraction, "shuffle": experiment.shuffle}}
        output = _output(layout, experiment, made)
        if not _is_current(layout, experiment, output, overwrite):
            check_pose_cfg(layout, experiment)
            stale[experiment] = output
    _copy_images(layout, settings, labels.images, made_from["inputs"])
    for experiment, output in stale.items():
        names, fraction = list(labels.images), experiments[experiment]
        if rows is None:
            chance = fraction, settings.seed, experiment.shuffle
            if settings.splitby == "video":
                train, test = split_videos(names, [video_of(image.parent) for image in labels.images.values()], *chance)
            else:
                train, test = split_images(names, *chance)
            drawn: dict[str, Any] = {"fraction": fraction, "seed": settings.seed, "splitby": settings.splitby}
        else:
            train, test = split_by_rows(rows, list(labels.table.index), names)
            drawn = {"fraction": _share(train, test, experiment), "seed": None}
        warn_of_copied_images(train, test, made_from["inputs"])
        output.start()
        _write_training_set(layout, experiment, labels, train, test, drawn)
        output.write_record()
    return list(experiments)


@dataclass(frozen=True)
class _Labels:
    """Checked labels: the table (unlabeled images too), and of each labeled image its file and (width, height).

    `accepted` lists, by image, the parts whose labels are machine labels that a person accepted as they were.
    """

    table: pd.DataFrame
    images: dict[str, Path]
    sizes: dict[str, tuple[int, int]]
    accepted: dict[str, list[str]]


def _load_labels(layout: Layout, settings: Settings) -> _Labels:
    """Read the label table of the scorer; drop labels outside their images."""
    path = layout.label_table(settings.Task, settings.scorer)
    names, values = _read_labels(path, layout, settings)
    labeled = np.isfinite(values).any(axis=(1, 2))
    images = _image_files([names[row] for row in np.flatnonzero(labeled)], path)
    sizes = dict(zip(images, for_all(image_size, images.values()), strict=True))
    outside = np.zeros(values.shape[:2], dtype=bool)
    outside[labeled] = outside_image(values[labeled], np.array(list(sizes.values())).reshape(-1, 2))
    if outside.any():
        named = name_labels(outside, values, names, settings.bodyparts)
        total = np.isfinite(values).all(axis=2).sum()
        log.warning("%d of %d labels lie outside their images and are dropped: %s", outside.sum(), total, named)
    values[outside] = np.nan
    left = [names[row] for row in np.flatnonzero(np.isfinite(values).any(axis=(1, 2)))]
    if len(left) < len(names):
        log.info("%d of %d images have no label and are left out", len(names) - len(left), len(names))
    if len(left) < 2:
        raise ToolboxError(f"{path} has {len(left)} labeled images; at least one to train on and one to test is needed")
    table = make_table(settings.scorer, settings.bodyparts, names, values)
    accepted = _find_accepted(layout, settings, names, values)
    return _Labels(table, {name: images[name] for name in left}, {name: sizes[name] for name in left}, accepted)


def _find_accepted(
    layout: Layout, settings: Settings, names: Sequence[str], values: np.ndarray
) -> dict[str, list[str]]:
    """List, by image, the parts whose labels are accepted machine labels; tell their share."""
    chosen = accepted_labels(read_notes(layout, settings, settings.scorer), names, settings.bodyparts, values)
    if chosen.any():
        total = np.isfinite(values).all(axis=2).sum()
        log.info(
            "%d of %d labels (%.0f %%) are machine labels that were accepted as they were; they make errors look "
            "smaller than they are, so the evaluation also tells those of the labels placed by hand alone",
            *(chosen.sum(), total, 100 * chosen.sum() / total),
        )
    return {
        name: [part for part, is_accepted in zip(settings.bodyparts, of_image, strict=True) if is_accepted]
        for name, of_image in zip(names, chosen, strict=True)
        if of_image.any()
    }


def _read_labels(path: Path, layout: Layout, settings: Settings) -> tuple[list[str], np.ndarray]:
    """Return image names and labels (N, K, 2) of a table that is not older than its csv files."""
    if not path.is_file():
        raise ToolboxError(layout.no_label_table(settings.Task, settings.scorer))
    changed = why_labels_stale(layout, settings, settings.scorer)
    if changed:
        raise ToolboxError(f"{path} is older than what it was made from ({changed}): run Step 2 again, then this step")
    table = read_table(path)
    try:
        values = points(table, settings.bodyparts)[..., :2]
    except UsersError as error:
        raise ToolboxError(f"{path}: {error}. Run Step 2 again, or correct bodyparts in myconfig.py") from None
    halves = np.isfinite(values).sum(axis=2) == 1
    if halves.any():
        named = in_short([f"{settings.bodyparts[k]} in {table.index[n]}" for n, k in np.argwhere(halves)])
        log.warning("%d labels have x or y alone and are none: %s", halves.sum(), named)
    values[~np.isfinite(values).all(axis=2)] = np.nan
    return list(table.index), values


def _image_files(names: Sequence[str], table: Path) -> dict[str, Path]:
    """Return the images of rows, which must lie in folders beside the table."""
    for name in names:
        parts = PurePosixPath(str(name)).parts
        if len(parts) != 2 or ".." in parts or "/" in parts:
            raise ToolboxError(f"{table} has the row {name!r}; rows must be <folder>/<image>")
    if told := without_images(table, names):
        raise ToolboxError(told)
    return {name: table.parent / name for name in names}


def _experiments(layout: Layout, settings: Settings) -> dict[Experiment, float]:
    """Return every experiment of the settings, as it is named on disk, with its training fraction."""
    experiments: dict[Experiment, float] = {}
    for fraction in settings.TrainingFraction:
        for shuffle in settings.Shuffles:
            named = Experiment.of(settings, fraction, shuffle)
            of_v1 = layout.present(named, fraction)
            experiment = of_v1 if of_v1 and _holds_snapshot(layout.train_folder(of_v1)) else named
            if experiment in experiments:
                raise ToolboxError(
                    f"TrainingFraction {fraction} and {experiments[experiment]} would share their names, in which both "
                    f"are {experiment.percent} %: take one of them out of TrainingFraction in myconfig.py"
                )
            experiments[experiment] = fraction
    return experiments


def _describe(labels: _Labels, settings: Settings, rows: Mapping[str, Sequence[int | str]] | None) -> dict[str, Any]:
    """Gather what all training sets are made from."""
    text = labels.table.to_csv(na_rep="NaN")
    shaping = {
        "labels": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "bodyparts": settings.bodyparts,
        "resnet": settings.resnet,
        **({"seed": settings.seed, "splitby": settings.splitby} if rows is None else {"rows": dict(rows)}),
    }
    return records.describe(labels.images, shaping, before={"splitby": "image"})


def _output(layout: Layout, experiment: Experiment, made_from: Mapping[str, Any]) -> records.Output:
    """Return the files of a training set with what they are made from."""
    table, folders = layout.split_table(experiment), (layout.train_folder(experiment), layout.test_folder(experiment))
    files = [layout.mat_file(experiment), table, table.with_suffix(".csv"), layout.split_documentation(experiment)]
    files += [folder / "pose_cfg.yaml" for folder in folders]
    return records.Output(experiment.name, layout.split_record(experiment), files, made_from)


def _is_current(layout: Layout, experiment: Experiment, output: records.Output, overwrite: bool) -> bool:
    """Tell whether a training set need not be made; raise when a trained network stands in the way."""
    folder = layout.train_folder(experiment)
    if not _holds_snapshot(folder):
        return output.is_current(overwrite)
    is_own = is_trained_on(folder, experiment)
    if not output.record.is_file() and is_own:
        if not (mat := layout.mat_file(experiment)).is_file():
            raise ToolboxError(
                f"{folder} holds a network, but {mat}, on which it was trained, is not there: bring it back with all "
                f"of {mat.parent.name}, or, for a new training, {_free_number(layout, experiment)}"
            )
        log.info("%s holds a snapshot, and nobody wrote down what it was trained on: kept", folder)
        return True
    if changed := output.why_changed() if is_own else f"dataset in pose_cfg.yaml is not {experiment.split_stem}":
        raise ToolboxError(
            f"{folder} holds a network trained on other labels or settings ({changed}). It is kept: "
            f"{_free_number(layout, experiment)}"
        )
    if not (folder / "pose_cfg.yaml").is_file():
        log.warning(
            "%s: pose_cfg.yaml, by which its network was trained, is missing, and is made anew: what you had changed "
            "there, such as global_scale, is lost. Bring the old one back if there is one",
            folder,
        )
    if output.why_stale() is None:
        log.info("%s: kept, it is current and a network was trained on it", output.name)
        return True
    return output.is_current()


def _free_number(layout: Layout, experiment: Experiment) -> str:
    """Say, for messages, which number of a shuffle is free."""
    numbers = (replace(experiment, shuffle=number) for number in count(1))
    free = next(other.shuffle for other in numbers if not layout.train_folder(other).exists())
    return f"in Shuffles of myconfig.py, replace {experiment.shuffle} by a free number such as {free}"


def _holds_snapshot(train_folder: Path) -> bool:
    """Tell whether a network was trained here, by us or by TensorFlow 1, under any prefix."""
    # A name that begins with a dot is a snapshot that a killed training left half-written.
    return any(re.fullmatch(r"[^.].*-\d+\.(weights\.h5|index)", path.name) for path in train_folder.rglob("*"))


def _copy_images(layout: Layout, settings: Settings, images: Mapping[str, Path], hashes: Mapping[str, str]) -> None:
    """Copy what is new or changed; a changed image must not replace one that a network was trained on."""
    copies = {name: layout.dataset_images(settings.Task, settings.date) / name for name in images}
    new = [name for name, copy in copies.items() if not copy.is_file() or fingerprint(copy) != hashes[name]]
    changed = [name for name in new if copies[name].is_file()]
    trained = [path for path in layout.train_folders(settings.Task, settings.date) if _holds_snapshot(path)]
    if changed and trained:
        raise ToolboxError(
            f"{images[changed[0]]} ({len(changed)} images) changed since {trained[0]} was trained with it; set another "
            "date in myconfig.py to start new training sets"
        )
    progress = tqdm(new, desc="Checking images", unit="image", leave=False, disable=not new)
    shows = for_all(lambda name: _shows_something(images[name]), progress)  # what is damaged is found here, not later
    empty = [name for name, shown in zip(new, shows, strict=True) if not shown]
    if empty:
        log.warning("%d images are nearly black, or all one colour: %s", len(empty), in_short(empty))
    for name in new:
        with replacing(copies[name]) as temporary:
            shutil.copyfile(images[name], temporary)


def _shows_something(image: Path) -> bool:
    """Tell whether an image is neither dark nor all one colour; raises as `read_image`."""
    picture = read_image(image)
    return not (is_dark(picture) or is_blank(picture))


def _share(train: Sequence[str], test: Sequence[str], experiment: Experiment) -> float:
    """Return the share of training images in a split of the user's; warn when the names tell another."""
    share = len(train) / (len(train) + len(test))
    if (percent := percent_of(share)) != experiment.percent:
        message = "%s is named after %d %%, but %d %% of the images in the split train; set TrainingFraction to %.2f"
        log.warning(message, experiment.name, experiment.percent, percent, share)
    return share


def _write_training_set(
    layout: Layout, experiment: Experiment, labels: _Labels, train: list[str], test: list[str], drawn: dict[str, Any]
) -> None:
    """Write all files of one experiment; `drawn` says how its split came about."""
    folder = layout.train_folder(experiment)
    images = layout.dataset_images(experiment.task, experiment.date)
    values = dict(zip(labels.table.index, points(labels.table), strict=True))
    entries = [labeled_image(relative_path(images / name, folder), labels.sizes[name], values[name]) for name in train]
    write_training_set(layout.mat_file(experiment), entries)
    write_table(labels.table, layout.split_table(experiment))
    documentation = {
        "train": train,
        "test": test,
        "train_rows": [labels.table.index.get_loc(name) for name in train],
        "test_rows": [labels.table.index.get_loc(name) for name in test],
        **drawn,
        **({"accepted": labels.accepted} if labels.accepted else {}),
        "versions": versions(),
    }
    with replacing(layout.split_documentation(experiment)) as temporary:
        temporary.write_text(yaml.safe_dump(documentation, sort_keys=False, allow_unicode=True), encoding="utf-8")
    config = write_pose_cfgs(layout, experiment, bodyparts_of(labels.table))
    warn_of_sizes([labels.sizes[name] for name in train], config)
    log.info("%d images train, %d test: %s", len(train), len(test), folder)


def labeled_image(path: str, size: tuple[int, int], labels: np.ndarray) -> LabeledImage:
    """Return an image's entry in the training set; `size` is width and height, `labels` (K, 2)."""
    parts = np.flatnonzero(np.isfinite(labels).all(axis=1))
    return LabeledImage(path, (size[1], size[0]), np.column_stack([parts, labels[parts]]))
