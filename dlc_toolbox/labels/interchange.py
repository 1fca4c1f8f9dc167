"""Labels for elsewhere: projects of DeepLabCut 2 and 3, folders of lightning-pose; `readers` is the other way."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from dlc_common.files import replacing_folder
from dlc_common.images import image_size, natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.labels import read_label_table, why_labels_stale
from dlc_toolbox.labels.slices import in_short
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout, first_step_advice
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import (
    bodyparts_of,
    points,
    scorer_of,
    write_deeplabcut_table,
)

log = logging.getLogger(__name__)

_DEEPLABCUT_HEAD = (
    "# Written by dlc_toolbox. Put the videos into videos/, or correct video_sets; the names must stay.\n"
)
_DEEPLABCUT_DEFAULTS = {
    "start": 0,
    "stop": 1,
    "numframes2pick": 20,
    "skeleton": [],
    "skeleton_color": "black",
    "pcutoff": 0.6,
    "dotsize": 12,
    "alphavalue": 0.7,
    "colormap": "rainbow",
    "TrainingFraction": [0.95],
    "iteration": 0,
    "default_net_type": "resnet_50",
    "default_augmenter": "default",
    "snapshotindex": -1,
    "batch_size": 8,
    "cropping": False,
    "x1": 0,
    "x2": 640,
    "y1": 0,
    "y2": 480,
    "corner2move2": [50, 50],
    "move2corner": True,
}


@dataclass(frozen=True)
class Labels:
    """Labels of one scorer and where their images are.

    Parameters
    ----------
    source : Path
        Where they were found.
    table : DataFrame
        Label table; its N rows are ``<folder>/<image>``, in natural order.
    images : mapping of str to Path
        Image file of each row.
    """

    source: Path
    table: pd.DataFrame
    images: Mapping[str, Path]

    def folders(self) -> dict[str, list[str]]:
        """Return the rows of each folder, in the order of the table."""
        rows: dict[str, list[str]] = {}
        for row in self.images:
            rows.setdefault(folder_and_image(row)[0], []).append(row)
        return rows


def read_own_labels(layout: Layout, settings: Settings) -> Labels:
    """Return the labels of `settings.scorer` in a project of ours.

    Raises
    ------
    ToolboxError
        When there is no label table, it is older than its csv files, or an image of it is missing.
    """
    path = layout.label_table(settings.Task, settings.scorer)
    if not path.is_file():
        raise ToolboxError(
            f"{path} does not exist; Step 2 makes it from the csv files. {first_step_advice(layout.root)}"
        )
    changed = why_labels_stale(layout, settings, settings.scorer)
    if changed:
        raise ToolboxError(f"{path} is older than what it was made from ({changed}): run Step 2 again, then this step")
    table = read_label_table(path)
    images = _without_gone(table, {row: path.parent / row for row in table.index}, path)
    ordered = sorted(images, key=lambda row: (row.partition("/")[0], natural_key(row)))
    return Labels(path, table.loc[ordered], {row: images[row] for row in ordered})


def export_deeplabcut(labels: Labels, target: Path, task: str, date: str) -> None:
    """Write labels as a new project that DeepLabCut 2 and 3 open.

    Parameters
    ----------
    labels : Labels
        As `read_own_labels` returns them.
    target : Path
        Folder to make.
    task, date : str
        Names for its config.yaml.

    Raises
    ------
    ToolboxError
        When the folder exists, or the system refuses to write.
    """
    scorer = scorer_of(labels.table)
    with _new_folder(target) as project:
        videos = {}
        for name, rows in labels.folders().items():
            folder = project / "labeled-data" / name
            _copy_images(labels, rows, folder)
            write_deeplabcut_table(labels.table.loc[rows], folder / f"CollectedData_{scorer}.h5")
            width, height = image_size(labels.images[rows[0]])
            videos[str(target.resolve() / "videos" / f"{name}.avi")] = {"crop": f"0, {width}, 0, {height}"}
        content = {
            "Task": task,
            "scorer": scorer,
            "date": date,
            "multianimalproject": False,
            "identity": None,
            "project_path": str(target.resolve()),
            "video_sets": videos,
            "bodyparts": bodyparts_of(labels.table),
            **_DEEPLABCUT_DEFAULTS,
        }
        (project / "videos").mkdir()
        text = _DEEPLABCUT_HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (project / "config.yaml").write_text(text, encoding="utf-8")


def export_lightning_pose(labels: Labels, target: Path) -> None:
    """Write labels as lightning-pose wants them: CollectedData.csv and labeled-data/.

    Parameters
    ----------
    labels, target
        As for `export_deeplabcut`; raises as that does.
    """
    with _new_folder(target) as folder:
        for name, rows in labels.folders().items():
            _copy_images(labels, rows, folder / "labeled-data" / name)
        table = labels.table.set_axis([f"labeled-data/{row}" for row in labels.table.index])
        table.to_csv(folder / "CollectedData.csv", na_rep="NaN")


def _without_gone(table: pd.DataFrame, images: Mapping[str, Path], source: Path) -> dict[str, Path]:
    """Return the images that are there; raise when one with a label is not."""
    labeled = dict(zip(table.index, np.isfinite(points(table)).all(axis=2).any(axis=1), strict=True))
    gone = [row for row, path in images.items() if not path.is_file()]
    missing = [str(images[row]) for row in gone if labeled[row]]
    if missing or not images:
        raise ToolboxError(
            f"{source}: {len(missing)} of {len(images)} labeled images are missing: {', '.join(missing[:3])}"
            f"{' ...' if len(missing) > 3 else ''}"
        )
    if gone:
        log.info("%s: left out, as they have neither label nor image: %s", source, in_short(gone))
    return {row: path for row, path in images.items() if row not in gone}


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder that becomes `target`, which must not hold anything yet, nor be where the user's shell is."""
    if target.exists() and (not target.is_dir() or any(target.iterdir()) or target.samefile(Path.cwd())):
        raise ToolboxError(f"{target} exists already and is never overwritten: name a new folder")
    with replacing_folder(target) as temporary:
        yield temporary


def _copy_images(labels: Labels, rows: Sequence[str], folder: Path) -> None:
    """Copy the images of some rows into a new folder."""
    folder.mkdir(parents=True)
    for row in rows:
        shutil.copyfile(labels.images[row], folder / folder_and_image(row)[1])
