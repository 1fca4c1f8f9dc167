"""Labels from elsewhere become images and clicks of a project; what a person changed here since stays."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.files import replacing, replacing_folder
from dlc_common.fingerprints import fingerprint
from dlc_common.images import image_size, natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.calibration import looks_calibrated
from dlc_toolbox.labels.clicks import EMPTY, ClickTable, Point
from dlc_toolbox.labels.interchange import Labels
from dlc_toolbox.labels.slices import in_short, slices_of
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.checks import file_name
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points, scorer_of

log = logging.getLogger(__name__)

RECORD = "imported.json"
"""Beside the csv files: the labels as they came, by body part and image."""

_Placed = dict[str, Point]  # labels of a body part by the name of the image


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

    Labels that are imported again replace those that came before; one that a person changed here since stays, and is
    named in the log.

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
        The folders. One that is there already must hold these very images.

    Raises
    ------
    ToolboxError
        When folders exist with other images, or with labels that were not imported, none of which is ever overwritten;
        when an image has no number in its name, Step 2 would refuse the labels, or the system refuses to write.
    """
    _refuse_unnumbered(labels)
    _refuse_unconvertible(labels)
    present = {name: rows for name, rows in labels.folders().items() if (data_folder / name).exists()}
    _refuse_other_images({data_folder / name: _images(labels, rows) for name, rows in present.items()})
    _refuse_own_labels({data_folder / name / home: labels.table.loc[rows] for name, rows in present.items()})
    written = []
    for name, rows in labels.folders().items():
        folder, table = data_folder / name, labels.table.loc[rows]
        if name in present:
            _merge(table, folder, folder / home)
        else:
            with replacing_folder(folder) as temporary:
                for image, path in _images(labels, rows).items():
                    shutil.copyfile(path, temporary / image)
                _merge(table, temporary, temporary / home)
        log.info("%s: %d images, %d labels", folder, len(table), np.isfinite(points(table)).all(axis=2).sum())
        written.append(folder)
    return written


def _images(labels: Labels, rows: Sequence[str]) -> dict[str, Path]:
    """Return the image files of some rows by their names."""
    return {folder_and_image(row)[1]: labels.images[row] for row in rows}


def _refuse_other_images(folders: Mapping[Path, Mapping[str, Path]]) -> None:
    """Raise when folders hold other images than these, by their names."""
    problems = []
    for folder, images in folders.items():
        there = {path.name: path for path in slices_of(folder, Path(next(iter(images))).suffix).images}
        is_same = there.keys() == images.keys()
        if not is_same or any(fingerprint(there[name]) != fingerprint(path) for name, path in images.items()):
            problems.append(f"{folder} ({len(there)}, not these {len(images)})")
    if problems:
        raise ToolboxError(f"other images are there already in {in_short(problems)}: move or rename these folders")


def _refuse_own_labels(homes: Mapping[Path, pd.DataFrame]) -> None:
    """Raise when csv files hold other labels than these, and nobody wrote down that they were imported."""
    problems = []
    for home, table in homes.items():
        if not (home / RECORD).is_file():
            names = _names(table)
            for part, placed in _placed(table).items():
                path = home / f"{part}.csv"
                if path.is_file() and _clicked(path, names) != placed:
                    problems.append(str(path))
    if problems:
        raise ToolboxError(
            f"other labels are there already, which are never overwritten: {in_short(problems)}. Move these files away "
            "to import others"
        )


def _merge(table: pd.DataFrame, folder: Path, home: Path) -> None:
    """Write the rows of one folder as clicks: one csv per body part in `home`."""
    files = [home / f"{part}.csv" for part in bodyparts_of(table)]
    suffix = Path(_names(table)[0]).suffix
    order = [path.name for path in slices_of(folder, suffix, [path for path in files if path.is_file()]).images]
    order = order if set(order) >= set(_names(table)) else sorted(_names(table), key=natural_key)
    before, now = _read_record(home / RECORD), _placed(table)
    kept = []
    for path, (part, theirs) in zip(files, now.items(), strict=True):
        clicks = ClickTable(path.read_bytes() if path.is_file() else EMPTY.encode(), path)
        ours, base = _clicked(path, order) if path.is_file() else {}, before.get(part, {})
        own = {image for image in {*ours, *base} if ours.get(image) != base.get(image) and path.is_file()}
        kept += [f"{part} in {image}" for image in order if image in own and ours.get(image) != theirs.get(image)]
        changes = {
            place: [theirs[image]] if image in theirs else []
            for place, image in enumerate(order, 1)
            if image not in own and theirs.get(image) != ours.get(image)
        }
        if changes or not path.is_file():
            with replacing(path) as temporary:
                temporary.write_bytes(clicks.edited(changes, dict(enumerate(order, 1))).data)
    if kept:
        log.warning("%s: changed here since they were imported, and kept: %s", folder, in_short(kept))
    with replacing(home / RECORD) as temporary:
        temporary.write_text(json.dumps({"labels": now}, ensure_ascii=False) + "\n", encoding="utf-8")


def _names(table: pd.DataFrame) -> list[str]:
    """Return the names of a table's images, without their folder."""
    return [folder_and_image(row)[1] for row in table.index]


def _placed(table: pd.DataFrame) -> dict[str, _Placed]:
    """Return the labels of a table by body part and image."""
    labels = np.moveaxis(points(table), 1, 0).tolist()
    return {
        part: {name: (x, y) for name, (x, y) in zip(_names(table), of_part, strict=True) if math.isfinite(x + y)}
        for part, of_part in zip(bodyparts_of(table), labels, strict=True)
    }


def _clicked(path: Path, order: Sequence[str]) -> _Placed:
    """Return the labels in a csv file by image."""
    clicks = ClickTable(path.read_bytes(), path).by_slice()
    beyond = [place for place in clicks if place > len(order)]
    if beyond:
        raise ToolboxError(f"{path}: Slice is {beyond[0]}, but {len(order)} images are there")
    return {order[place - 1]: found[-1] for place, found in clicks.items() if math.isfinite(sum(found[-1]))}


def _read_record(path: Path) -> dict[str, _Placed]:
    """Return the labels as they were imported before; none where they were not, or nobody knows any more."""
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        return {part: {image: (float(x), float(y)) for image, (x, y) in of.items()} for part, of in labels.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


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
