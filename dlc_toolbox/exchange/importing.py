"""Labels from elsewhere become images and clicks of a project; what a person changed here since stays."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.files import replacing, replacing_folder
from dlc_common.fingerprints import fingerprint
from dlc_common.images import image_size, natural_key, read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.places import RECORD, Placed, came, files_in, new_places, read_record
from dlc_toolbox.exchange.readers.found import Found, FrameOf
from dlc_toolbox.labels.clicks import EMPTY, ClickTable, Point
from dlc_toolbox.labels.plausible import CORNER_PX, mostly_in_corner
from dlc_toolbox.labels.slices import slices_of
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project import records
from dlc_toolbox.project.checks import file_name
from dlc_toolbox.project.layout import frames_record
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points, scorer_of
from dlc_toolbox.video.video import Video

log = logging.getLogger(__name__)


def lines_to_set(found: Found, settings: Settings) -> list[str]:
    """Return the lines that myconfig.py needs before labels from elsewhere fit; none where they do.

    Raises
    ------
    ToolboxError
        When a name cannot stand in the settings.
    """
    bodyparts, scorer = bodyparts_of(found.table), scorer_of(found.table)
    for name in (scorer, *bodyparts):
        try:
            file_name(name)
        except ValueError as error:
            raise ToolboxError(f"{found.source} has the name {name!r}; rename it there to {error}") from None
    suffix = Path(next(iter(found.images))).suffix
    lines = []
    if set(bodyparts) != set(settings.bodyparts):
        lines.append(f"bodyparts = {bodyparts}")
    if any(part not in bodyparts for point in settings.views for part in point):
        lines.append("views = []")
    if scorer not in settings.Scorers:
        lines += [f"Scorers = {[scorer]}", f"scorer = {scorer!r}"]
    if suffix.lower() != settings.imagetype.lower():
        lines.append(f"imagetype = {suffix!r}")
    if settings.multibodypartsfile:
        lines.append("multibodypartsfile = False")
    if not settings.invisibleboundary and (parts := _in_corner(found)):
        lines.append(
            f"invisibleboundary = {CORNER_PX}  # labels of {in_short(parts)} in the top left corner mean 'not "
            "visible'; -1 if they really belong there"
        )
    return lines


def _in_corner(found: Found) -> list[str]:
    """Return the body parts of which a folder has most labels in the top left corner, which Step 2 refuses."""
    is_there = np.zeros(len(bodyparts_of(found.table)), dtype=bool)
    for rows in found.folders().values():
        is_there |= mostly_in_corner(found.only(rows).values, np.array([_size(row, found) for row in rows]))
    return [part for part, there in zip(bodyparts_of(found.table), is_there, strict=True) if there]


def _size(row: str, found: Found) -> tuple[float, float]:
    """Return width and height of an image; NaN where nothing tells before it is made."""
    try:
        return found.sizes.get(row) or image_size(found.images[row])
    except UsersError:
        return math.nan, math.nan


def warn_of_invisible(found: Found, settings: Settings) -> None:
    """Warn of labels below `invisibleboundary`, which Step 2 leaves out: other programs may mean them as labels."""
    below = (found.values < settings.hidden_below).all(axis=2).sum(axis=0)
    if below.any():
        log.warning(
            "%s: below invisibleboundary = %g of myconfig.py, so not visible: %s. If these parts really are there, set "
            "invisibleboundary = -1",
            *(found.source, settings.invisibleboundary),
            in_short([f"{n} labels of {part}" for n, part in zip(below, bodyparts_of(found.table), strict=True) if n]),
        )


def check_settings(found: Found, settings: Settings) -> None:
    """Raise ToolboxError when labels from elsewhere do not fit the settings; with the lines to paste."""
    if lines := lines_to_set(found, settings):
        raise ToolboxError(f"myconfig.py does not fit the labels of {found.source}; set there: {'; '.join(lines)}")


@dataclass(frozen=True)
class FolderPlan:
    """What an import does to one folder of images.

    Parameters
    ----------
    folder : Path
        The folder.
    home : str
        Sub-folder for the csv files; empty: beside the images.
    images : mapping of str to Path
        By name the images that it is to hold.
    rows : mapping of str to str
        By name of the image its row in the source.
    is_new : bool
        Whether it is to be made.
    order : sequence of str
        Names of all images there, as clicks count them.
    labels : mapping of str to mapping
        By body part and image, the labels as they come.
    changes : mapping of str to mapping
        By body part and position of the image, from 1, the clicks that change.
    kept : sequence of str
        Labels that differ, but were changed here since an earlier import.
    frames : mapping of str to FrameOf
        By name of the image the frame of a video that it is, where it is one.
    gone : sequence of str
        Images that came before and do not come now; they stay, with their labels.
    """

    folder: Path
    home: str
    images: Mapping[str, Path]
    rows: Mapping[str, str]
    is_new: bool
    order: Sequence[str]
    labels: Mapping[str, Placed]
    changes: Mapping[str, Mapping[int, list[Point]]]
    kept: Sequence[str] = ()
    frames: Mapping[str, FrameOf] = field(default_factory=dict)
    gone: Sequence[str] = ()

    def in_words(self) -> str:
        """Say what comes, and what of it changes anything."""
        labels = sum(len(of_part) for of_part in self.labels.values())
        clicks = [clicks for of_part in self.changes.values() for clicks in of_part.values()]
        gone = sum(not each for each in clicks)
        changed = f", of which {len(clicks) - gone} are new or changed" if not self.is_new else ""
        removed = f"; {gone} are taken away" if gone else ""
        return f"{self.folder}: {len(self.images)} images, {labels} labels{changed}{removed}"

    def tell(self, *, dry_run: bool = False) -> None:
        """Log it, with the names of labels that change and of those that stay as they are here.

        Parameters
        ----------
        dry_run : bool
            Whether it only would happen.
        """
        will, stays = ("would be ", "would stay") if dry_run else ("", "stays")
        log.info("%s", self.in_words())
        changed = [f"{part} in {self.order[place - 1]}" for part, of_part in self.changes.items() for place in of_part]
        if changed and not self.is_new:
            log.info("%s: %sas they are there now: %s", self.folder, will, in_short(changed))
        if self.kept:
            log.warning(
                "%s: changed here since they were imported, and %skept: %s",
                *(self.folder, will, in_short(list(self.kept))),
            )
        if self.gone:
            log.warning(
                "%s: came before and does not come now; it %s with its labels: %s",
                *(self.folder, stays, in_short(list(self.gone))),
            )


def plan_import(found: Found, data_folder: Path, home: str = "") -> list[FolderPlan]:
    """Tell what an import would do, and write nothing.

    Images that came before stay in their folders; new ones of such a folder go to ``<folder>_2`` and so on, because
    clicks count images by position. Labels that came before are replaced, unless a person changed them here since.

    Parameters
    ----------
    found : Found
        All of it usable.
    data_folder : Path
        Gets a folder of images for each folder there.
    home : str
        Sub-folder for the csv files, where several people label; default: beside the images.

    Returns
    -------
    list of FolderPlan
        One for each folder.

    Raises
    ------
    ToolboxError
        When all folders exist with other images, or with labels that were not imported, none of which is ever
        overwritten. Where only some do, they are left out, and named.
    """
    names = new_places(found, data_folder, home)
    placed, before = found.renamed(names), {names[row]: row for row in found.images}
    folders = {data_folder / name: rows for name, rows in placed.folders().items()}
    taken = _other_images({folder: _images(placed, rows) for folder, rows in folders.items()}, home)
    own = {folder: placed.table.loc[rows] for folder, rows in folders.items() if folder not in taken}
    taken |= _own_labels(own, home)
    folders = _without_taken(folders, taken)
    return [
        _plan(placed, {folder_and_image(row)[1]: before[row] for row in rows}, folder, home)
        for folder, rows in folders.items()
    ]


def import_labels(plans: Sequence[FolderPlan]) -> list[Path]:
    """Copy images and write their labels as csv files of Fiji, one folder after the other.

    Parameters
    ----------
    plans : sequence of FolderPlan
        As `plan_import` returns them.

    Returns
    -------
    list of Path
        The folders.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    for plan in plans:
        if plan.is_new:
            with replacing_folder(plan.folder) as temporary:
                for image, path in plan.images.items():
                    shutil.copyfile(path, temporary / image)
                _record_frames(plan, temporary)
                _write_labels(plan, temporary / plan.home)
        else:
            _write_labels(plan, plan.folder / plan.home)
        plan.tell()
    return [plan.folder for plan in plans]


def placed_splits(found: Found, plans: Sequence[FolderPlan]) -> dict[str, dict[str, list[str]]]:
    """Return the splits of a source with the rows as they are named here."""
    names = {row: f"{plan.folder.name}/{image}" for plan in plans for image, row in plan.rows.items()}
    return {
        name: {side: [names[row] for row in rows if row in names] for side, rows in split.items()}
        for name, split in found.splits.items()
    }


def _images(found: Found, rows: Sequence[str]) -> dict[str, Path]:
    """Return the image files of some rows by their names."""
    return {folder_and_image(row)[1]: found.images[row] for row in rows}


def _without_taken(folders: Mapping[Path, list[str]], taken: Mapping[Path, str]) -> dict[Path, list[str]]:
    """Return the folders that can be written to; raise where none can."""
    if taken and taken.keys() == folders.keys():
        raise ToolboxError(in_short(list(dict.fromkeys(taken.values())), separator="; "))
    for why in dict.fromkeys(taken.values()):
        log.warning("left out: %s", why)
    return {folder: rows for folder, rows in folders.items() if folder not in taken}


def _other_images(folders: Mapping[Path, Mapping[str, Path]], home: str) -> dict[Path, str]:
    """Say which folders hold other images than these and those that came before, by their names."""
    problems = dict[Path, str]()
    for folder, images in folders.items():
        if not folder.exists():
            continue
        suffix = Path(next(iter(images))).suffix
        there = {path.name: path for path in slices_of(folder, suffix, _clicks_in(folder / home)).images}
        strangers = there.keys() - images.keys() - came(folder, home)
        if strangers or images.keys() - there.keys() or not all(_same(there[name], images[name]) for name in images):
            problems[folder] = f"{folder} ({len(there)}, not these {len(images)})"
    told = f"other images are there already in {in_short(list(problems.values()))}: move or rename these folders"
    return dict.fromkeys(problems, told)


def _clicks_in(home: Path) -> list[Path]:
    """List the csv files of clicks in a folder."""
    return sorted(home.glob("*.csv"))


def _same(one: Path, other: Path) -> bool:
    """Tell whether two images show the same; one that is still to be made is taken for the same."""
    if not other.is_file() or fingerprint(one) == fingerprint(other):
        return True
    try:
        return np.array_equal(read_image(one), read_image(other))
    except UsersError:
        return False


def _own_labels(folders: Mapping[Path, pd.DataFrame], home: str) -> dict[Path, str]:
    """Say which folders' csv files hold other labels than these, and nobody wrote down that they were imported."""
    problems = dict[Path, list[str]]()
    for folder, table in folders.items():
        if not (folder / home / RECORD).is_file():
            names = _names(table)
            for part, placed in _placed(table).items():
                path = folder / home / f"{part}.csv"
                if path.is_file() and _clicked(path, names) != placed:
                    problems.setdefault(folder, []).append(str(path))
    files = in_short([path for of_folder in problems.values() for path in of_folder])
    told = f"other labels are there already, which are never overwritten: {files}. Move them away to import others"
    return dict.fromkeys(problems, told)


def _plan(found: Found, sources: Mapping[str, str], folder: Path, home: str) -> FolderPlan:
    """Tell what to do to one folder; `sources` are the rows there by the names of the images."""
    rows = [f"{folder.name}/{image}" for image in sources]
    table, images = found.table.loc[rows], _images(found, rows)
    now, names = _placed(table), _names(table)
    told = {**found.frames, **found.pending}
    frames = {folder_and_image(row)[1]: made for row in rows if isinstance(made := told.get(row), FrameOf)}
    order, is_new = sorted(names, key=natural_key), not folder.exists()
    if not is_new:
        files = [path for part in now if (path := folder / home / f"{part}.csv").is_file()]
        present = [path.name for path in slices_of(folder, Path(names[0]).suffix, files).images]
        order = present if set(present) >= set(names) else order
    before, images_before = read_record(folder / home / RECORD)
    changes, kept = dict[str, dict[int, list[Point]]](), list[str]()
    for part, theirs in now.items():
        path, base = folder / home / f"{part}.csv", before.get(part, {})
        ours = _clicked(path, order) if path.is_file() else {}
        own = {image for image in {*ours, *base} if ours.get(image) != base.get(image) and path.is_file()}
        kept += [f"{part} in {image}" for image in names if image in own and ours.get(image) != theirs.get(image)]
        changes[part] = {
            place: [theirs[image]] if image in theirs else []
            for place, image in enumerate(order, 1)
            if image in images and image not in own and theirs.get(image) != ours.get(image)
        }
    gone = sorted(images_before & files_in(folder) - images.keys(), key=natural_key)
    return FolderPlan(folder, home, images, sources, is_new, order, now, changes, kept, frames, gone)


def _write_labels(plan: FolderPlan, home: Path) -> None:
    """Write the csv files that change, and those that are missing."""
    for part, changes in plan.changes.items():
        path = home / f"{part}.csv"
        if changes or not path.is_file():
            clicks = ClickTable(path.read_bytes() if path.is_file() else EMPTY.encode(), path)
            with replacing(path) as temporary:
                temporary.write_bytes(clicks.edited(changes, dict(enumerate(plan.order, 1))).data)
    before, images_before = read_record(home / RECORD)
    gone = {
        part: {image: place for image, place in of_part.items() if image not in plan.images}
        for part, of_part in before.items()
    }
    labels = {part: {**gone.get(part, {}), **of_part} for part, of_part in plan.labels.items()}
    content = {"labels": labels, "images": sorted({*images_before, *plan.images}, key=natural_key)}
    with replacing(home / RECORD) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _record_frames(plan: FolderPlan, folder: Path) -> None:
    """Write down which frames of which video the images are, as Step 1 does, where they are all of one."""
    videos = {(frame.video, frame.crop) for frame in plan.frames.values()}
    if len(videos) != 1 or plan.frames.keys() != plan.images.keys():
        return
    ((video, crop),) = videos
    made_from = records.describe({video.name: video}, {"crop": crop and list(crop)})
    frames = sorted(frame.number for frame in plan.frames.values())
    output = records.Output(str(plan.folder), frames_record(folder), [folder], made_from)
    output.write_record(video=video.resolve().as_posix(), frame_count=Video(video).expected_frames, frames=frames)


def _names(table: pd.DataFrame) -> list[str]:
    """Return the names of a table's images, without their folder."""
    return [folder_and_image(row)[1] for row in table.index]


def _placed(table: pd.DataFrame) -> dict[str, Placed]:
    """Return the labels of a table by body part and image."""
    labels = np.moveaxis(points(table), 1, 0).tolist()
    return {
        part: {name: (x, y) for name, (x, y) in zip(_names(table), of_part, strict=True) if math.isfinite(x + y)}
        for part, of_part in zip(bodyparts_of(table), labels, strict=True)
    }


def _clicked(path: Path, order: Sequence[str]) -> Placed:
    """Return the labels in a csv file by image."""
    clicks = ClickTable(path.read_bytes(), path).by_slice()
    beyond = [place for place in clicks if place > len(order)]
    if beyond:
        raise ToolboxError(f"{path}: Slice is {beyond[0]}, but {len(order)} images are there")
    return {order[place - 1]: found[-1] for place, found in clicks.items() if math.isfinite(sum(found[-1]))}
