"""Labels from elsewhere and for elsewhere: projects of DeepLabCut 2 and 3, tables of lightning-pose.

Elsewhere is never changed: images are copied. Here labels lie in csv files as Fiji saves them, so that they can be
corrected there, and Step 2 makes the label table of them.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from dlc_common.files import fingerprint, replacing_folder
from dlc_common.images import image_size, list_images, natural_key
from dlc_common.yaml_text import load_yaml
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.calibration import looks_calibrated
from dlc_toolbox.labels.fiji import write_clicks
from dlc_toolbox.labels.labels import why_labels_stale
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout, first_step_advice
from dlc_toolbox.project.settings import Settings, file_name
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, scorer_of, write_deeplabcut_table

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


def read_labels(source: Path) -> Labels:
    """Read labels made elsewhere.

    Parameters
    ----------
    source : Path
        A DeepLabCut 2 or 3 project (its folder or its config.yaml), a folder of lightning-pose with CollectedData.csv,
        or a label table (csv or h5) of either, with the images below its folder.

    Returns
    -------
    Labels
        Rows without any label too. Rows that name no folder get the name of the table's.

    Raises
    ------
    ToolboxError
        When there are no labels, the project has several animals, a table is damaged, or images are missing.
    """
    if source.is_dir():
        tried = [source / "CollectedData.csv", source / "config.yaml"]
        source = next((path for path in tried if path.is_file()), source)
    if source.is_dir():
        raise ToolboxError(f"{source} has neither a config.yaml nor a CollectedData.csv: name the label table itself")
    of_project = source.suffix.lower() in (".yaml", ".yml")
    return _gather(source, _project_tables(source) if of_project else [source])


def check_settings(labels: Labels, settings: Settings) -> None:
    """Make sure that labels from elsewhere belong to the settings.

    Raises
    ------
    ToolboxError
        When body parts, scorer or type of image differ, or a setting would lose labels; with the lines to paste. When a
        name cannot stand in the settings.
    """
    bodyparts, scorer, places = bodyparts_of(labels.table), scorer_of(labels.table), points(labels.table)[..., :2]
    for name in (scorer, *bodyparts):
        try:
            file_name(name)
        except ValueError as error:
            raise ToolboxError(f"{labels.source} has the name {name!r}; rename it there to {error}") from None
    suffixes = sorted({Path(row).suffix for row in labels.images})
    if len(suffixes) > 1:
        raise ToolboxError(f"{labels.source} has images of the types {', '.join(suffixes)}; one type can be read")
    lines = []
    if set(bodyparts) != set(settings.bodyparts):
        lines.append(f"bodyparts = {bodyparts}")
    if scorer not in settings.Scorers:
        lines += [f"Scorers = {[scorer]}", f"scorer = {scorer!r}"]
    if suffixes[0].lower() != settings.imagetype.lower():
        lines.append(f"imagetype = {suffixes[0]!r}")
    if settings.multibodypartsfile:
        lines.append("multibodypartsfile = False")
    if settings.invisibleboundary and (places < settings.invisibleboundary).all(axis=2).any():
        lines.append("invisibleboundary = 0")
    if lines:
        raise ToolboxError(f"myconfig.py does not fit the labels of {labels.source}; set there: {'; '.join(lines)}")


def import_labels(labels: Labels, data_folder: Path, home: str = "") -> list[Path]:
    """Copy images and write their labels as csv files of Fiji, one folder after the other.

    Parameters
    ----------
    labels : Labels
        As `read_labels` returns them.
    data_folder : Path
        Gets a folder of images for each folder there.
    home : str
        Sub-folder for the csv files, where several people label; default: beside the images.

    Returns
    -------
    list of Path
        The folders. One that is there already must hold these very images, and no other labels.

    Raises
    ------
    ToolboxError
        When a folder exists with other content, which is never overwritten, an image has no number in its name, Step 2
        would refuse the labels, or the system refuses to write.
    """
    _refuse_unnumbered(labels)
    _refuse_unconvertible(labels)
    written = []
    for name, rows in labels.folders().items():
        folder, images = data_folder / name, {folder_and_image(row)[1]: labels.images[row] for row in rows}
        table = labels.table.loc[rows]
        if folder.exists():
            _refuse_other_images(folder, images)
            _write_csvs(table, folder, folder / home)
        else:
            with replacing_folder(folder) as temporary:
                for image, path in images.items():
                    shutil.copyfile(path, temporary / image)
                _write_csvs(table, temporary, temporary / home)
        log.info("%s: %d images, %d labels", folder, len(table), np.isfinite(points(table)).all(axis=2).sum())
        written.append(folder)
    return written


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
    return _gather(path, [path])


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


def _project_tables(config_path: Path) -> list[Path]:
    """Return the label tables of a DeepLabCut project, one per folder; h5 where there are both."""
    scorer, home = _read_config(config_path)["scorer"], config_path.parent / "labeled-data"
    tables = []
    for folder in sorted(path for path in home.glob("*") if path.is_dir()):
        tried = [folder / f"CollectedData_{scorer}{suffix}" for suffix in (".h5", ".csv")]
        found = [path for path in tried if path.is_file()]
        tables += found[:1]
        if not found:
            log.info("%s has no %s or .csv: left out", folder, tried[0].name)
    if not tables:
        raise ToolboxError(
            f"{config_path} has scorer {scorer!r}, but no folder in {home} holds a CollectedData_{scorer}.h5 or .csv: "
            "label there first, or correct scorer"
        )
    return tables


def _gather(source: Path, paths: Sequence[Path]) -> Labels:
    """Read label tables and find their images."""
    tables, images = [], dict[str, Path]()
    for path in paths:
        table = read_table(path)
        rows = {_row(row, path): row for row in table.index}
        if len(rows) < len(table) or images.keys() & rows.keys():
            raise ToolboxError(f"{path} names an image twice, once with and once without its folder")
        images |= {row: _image(row, path) for row in rows}
        tables.append(make_table(scorer_of(table), bodyparts_of(table), list(rows), points(table)[..., :2]))
    scorers = sorted({scorer_of(table) for table in tables})
    if len(scorers) > 1:
        raise ToolboxError(f"{source} has tables of the scorers {', '.join(scorers)}: one scorer at a time can be read")
    missing = [str(path) for path in images.values() if not path.is_file()]
    if missing or not images:
        raise ToolboxError(
            f"{source}: {len(missing)} of {len(images)} labeled images are missing: {', '.join(missing[:3])}"
            f"{' ...' if len(missing) > 3 else ''}"
        )
    ordered = sorted(images, key=lambda row: (row.partition("/")[0], natural_key(row)))
    return Labels(source, pd.concat(tables).loc[ordered], {row: images[row] for row in ordered})


def _row(row: str | int, path: Path) -> str:
    """Return ``folder/image`` for a row of a table, whatever stands before it."""
    if not isinstance(row, str):
        raise ToolboxError(f"{path} has frame numbers, not images, as rows: it holds poses, not labels")
    pieces = row.split("/")[-2:]
    name = "/".join(pieces if len(pieces) > 1 else [path.resolve().parent.name, *pieces])
    folder_and_image(name)
    return name


def _image(row: str, path: Path) -> Path:
    """Return where the image of a row is, as seen from its table; the first place tried where there is none."""
    home, (folder, image) = path.parent, folder_and_image(row)
    tried = [home / "labeled-data" / row, home / row, home.parent / row]
    if folder == home.resolve().name:
        tried += [home / "labeled-data" / image, home / image]
    return next((place for place in tried if place.is_file()), tried[0])


def _read_config(path: Path) -> dict[str, Any]:
    """Read the config.yaml of a DeepLabCut project with one animal."""
    try:
        config = load_yaml(path.read_text(encoding="utf-8-sig"))
    except Exception as error:  # yaml raises many types on damaged values, such as KeyError on `!!bool maybe`
        reason = " ".join(str(error).split())
        raise ToolboxError(f"{path} cannot be read as the config.yaml of a DeepLabCut project: {reason}") from error
    if not isinstance(config, dict) or "scorer" not in config:
        raise ToolboxError(f"{path} has no `scorer: ...`, so it is no config.yaml of a DeepLabCut project")
    if config.get("multianimalproject"):
        raise ToolboxError(
            f"{path} has multianimalproject: true; here every video has one animal, so it cannot be read"
        )
    return config


def _refuse_unnumbered(labels: Labels) -> None:
    """Raise when an image has no number in its name, by which it would have its place in the order of the clicks."""
    for row in labels.images:
        if not any(character.isdecimal() and character.isascii() for character in Path(row).stem):
            raise ToolboxError(
                f"{labels.images[row]} has no number in its name, as img7.png has, so its place among the images is "
                "uncertain: rename it there, in the table too"
            )


def _refuse_unconvertible(labels: Labels) -> None:
    """Raise, before anything is written, when Step 2 would refuse the labels: none at all, or in no pixels."""
    if not np.isfinite(points(labels.table)).all(axis=2).any():
        raise ToolboxError(f"{labels.source} has no label at all: label there first")
    for name, rows in labels.folders().items():
        sizes = np.array([image_size(labels.images[row]) for row in rows])
        if looks_calibrated(points(labels.table.loc[rows]), sizes):
            raise ToolboxError(f"{labels.source}: all labels of {name} lie near 0: convert them to pixels there")


def _refuse_other_images(folder: Path, images: Mapping[str, Path]) -> None:
    """Raise when a folder holds other images than these."""
    suffix = Path(next(iter(images))).suffix
    present = {path.name: path for path in list_images(folder, suffix)}
    if present.keys() != images.keys() or any(
        fingerprint(present[name]) != fingerprint(images[name]) for name in images
    ):
        raise ToolboxError(
            f"{folder} exists already and holds other images ({len(present)}, not these {len(images)}); it is not "
            "touched: move or rename it"
        )


def _write_csvs(table: pd.DataFrame, folder: Path, home: Path) -> None:
    """Write the rows of one folder as Fiji would have saved their clicks: one csv per body part in `home`."""
    names = [folder_and_image(row)[1] for row in table.index]
    order = [path.name for path in list_images(folder, Path(names[0]).suffix)]
    slices, labels = [order.index(name) + 1 for name in names], points(table)
    for k, part in enumerate(bodyparts_of(table)):
        write_clicks(home / f"{part}.csv", labels[:, k], slices)


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
