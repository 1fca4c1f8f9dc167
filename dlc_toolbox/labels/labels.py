"""Label tables out of the csv files that Fiji saved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.images import image_size, list_images, natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.calibration import refuse_calibrated, warn_of_calibrated
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.sources import NoLabelsError, find_label_files
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, write_table

log = logging.getLogger(__name__)

_SHOWN = 20  # labels named one by one in a message


def convert_labels(layout: Layout, settings: Settings, scorer: str, *, overwrite: bool = False) -> Path:
    """Make the label table of one scorer from the csv files of all folders, unless it is current.

    Rows of the present table whose folder has no csv files any more are kept.
    Differs from v1: Slice always tells the image (v1 ignored it when there were as many rows as images), folders
    labeled later are merged in, and each of several scorers has csv files of their own.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Body parts, scorers and the kind of csv files.
    scorer : str
        One of `settings.Scorers`.
    overwrite : bool
        Make a current table again.

    Returns
    -------
    Path
        The .h5; a .csv lies beside it.

    Raises
    ------
    ToolboxError
        When there are no labels, or a csv file is missing, damaged or contradicts the images of its folder.
    """
    path, sources = layout.label_table(settings.Task, scorer), find_label_files(layout, settings, scorer)
    output = _output(layout, settings, scorer, sources)
    reason = output.why_stale(overwrite) or _damage(path)
    output.log(reason)
    if reason is None:
        return path
    table = _gather(layout, settings, scorer, sources)
    labeled = np.isfinite(points(table)).all(axis=2)
    if not labeled.any():
        raise ToolboxError(
            f"{layout.data_folder(settings.Task)}: the csv files of {scorer} hold no visible label at all"
        )
    write_table(table, path)
    output.write_record()
    log.info("%s: %d labels in %d of %d images", path, labeled.sum(), labeled.any(axis=1).sum(), len(table))
    return path


def read_labels(layout: Layout, settings: Settings, scorer: str) -> pd.DataFrame:
    """Read the labels of one scorer as they are at this moment, whether or not Step 2 has run since.

    Parameters
    ----------
    layout, settings, scorer
        As for `convert_labels`.

    Returns
    -------
    DataFrame
        What `convert_labels` would write: labels of the csv files, and of the present table where a folder has none.

    Raises
    ------
    NoLabelsError
        When there are neither csv files nor a table.
    ToolboxError
        As `convert_labels`.
    """
    try:
        sources = find_label_files(layout, settings, scorer)
    except NoLabelsError:
        if not layout.label_table(settings.Task, scorer).is_file():
            raise
        sources = {}
    return _gather(layout, settings, scorer, sources)


def _gather(layout: Layout, settings: Settings, scorer: str, sources: dict[Path, list[Path]]) -> pd.DataFrame:
    """Return the labels of csv files, and those of the present table whose folder has none."""
    path = layout.label_table(settings.Task, scorer)
    _refuse_moved_images(_output(layout, settings, scorer, sources), sources)
    tables = [_read_folder(folder, files, settings, scorer) for folder, files in sources.items()]
    return _sorted_by_folder(pd.concat([*tables, *_kept_rows(path, scorer, sources, settings.bodyparts)]))


def why_labels_stale(layout: Layout, settings: Settings, scorer: str) -> str | None:
    """Tell what changed since the label table was made from csv files; None also for a table that was not.

    Raises
    ------
    ToolboxError
        As `find_label_files`.
    """
    if not layout.label_record(settings.Task, scorer).is_file():
        return None
    return _output(layout, settings, scorer, find_label_files(layout, settings, scorer)).why_changed()


def _output(layout: Layout, settings: Settings, scorer: str, sources: dict[Path, list[Path]]) -> records.Output:
    """Return a label table with what it is made from; images' names count, because clicks are numbered by position."""
    path = layout.label_table(settings.Task, scorer)
    inputs = {path.relative_to(folder.parent).as_posix(): path for folder in sources for path in sources[folder]}
    images = {folder.name: [path.name for path in list_images(folder, settings.imagetype)] for folder in sources}
    shaping = {"bodyparts": settings.bodyparts, "invisibleboundary": settings.invisibleboundary, "images": images}
    made_from = records.describe(inputs, shaping)
    record = layout.label_record(settings.Task, scorer)
    return records.Output(str(path), record, [path, path.with_suffix(".csv")], made_from)


def _refuse_moved_images(output: records.Output, sources: dict[Path, list[Path]]) -> None:
    """Raise when images were added to or deleted from a folder, but clicks still count the old positions."""
    try:
        recorded = records.read(output.record)
    except UsersError:
        return
    made_from = output.made_from
    before, now = _images_of(recorded), _images_of(made_from)
    for folder, files in sources.items():
        pairs = enumerate(zip(before.get(folder.name, ()), now[folder.name], strict=False), start=1)
        moved = next(((place, old, new) for place, (old, new) in pairs if _spelling(old) != _spelling(new)), None)
        if moved is None:
            continue
        place, old, new = moved
        keys = {path: path.relative_to(folder.parent).as_posix() for path in files}
        kept = [path for path in files if recorded.get("inputs", {}).get(keys[path]) == made_from["inputs"][keys[path]]]
        outdated = [path.name for path in kept if (read_clicks(path)["slice"] >= place).any()]
        if outdated:
            raise ToolboxError(
                f"{folder}: {new} stands where {old} stood when the folder was converted, so images were added or "
                f"deleted, but clicks count positions, and those in {', '.join(outdated)} are the old ones. Put the "
                "images back, or label these anew, too; new images belong into a folder of their own"
            )


def _images_of(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of each folder's images in a record; none when it is damaged."""
    images = record.get("settings", {}).get("images")
    lists = images.values() if isinstance(images, dict) else [None]
    sound = all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists)
    return images if sound else {}


def _read_folder(folder: Path, files: Sequence[Path], settings: Settings, scorer: str) -> pd.DataFrame:
    """Make the rows of one folder."""
    images = list_images(folder, settings.imagetype)
    if not images:
        raise ToolboxError(f"{folder} has labels but no image that ends in {settings.imagetype}; check imagetype")
    if settings.multibodypartsfile:
        labels = _cyclic_labels(files[0], images, settings.bodyparts)
    else:
        labels = np.stack([_part_labels(path, images) for path in files], axis=1)
    sizes = np.array([image_size(image) for image in images])
    refuse_calibrated(labels, sizes, files[0].parent)
    if not settings.multibodypartsfile:
        warn_of_calibrated(labels, sizes, files)
    invisible = (labels < (settings.invisibleboundary or -np.inf)).all(axis=2)
    labels[invisible] = np.nan
    for part, count in zip(settings.bodyparts, invisible.sum(axis=0), strict=True):
        if count:
            log.info("%s: %d clicks on %s below invisibleboundary: not visible", folder.name, count, part)
    names = [f"{folder.name}/{image.name}" for image in images]
    outside = outside_image(labels, sizes)
    if outside.any():
        message = "%d labels lie outside their images; they stay in the table, Step 4 leaves them out: %s"
        log.warning(message, outside.sum(), name_labels(outside, labels, names, settings.bodyparts))
    return make_table(scorer, settings.bodyparts, names, labels)


def _part_labels(path: Path, images: Sequence[Path]) -> np.ndarray:
    """Return one body part's x, y in every image, (N, 2)."""
    clicks = read_clicks(path)
    positions = image_positions(clicks, images, path)
    repeated = clicks[clicks["slice"].duplicated(keep=False)]
    if len(repeated):
        place = repeated["slice"].iloc[0]
        lines = " and ".join(map(str, repeated["line"][repeated["slice"] == place]))
        raise ToolboxError(f"{path}: slice {place} ({images[place - 1].name}) has several clicks, in lines {lines}")
    labels = np.full((len(images), 2), np.nan)
    labels[positions] = clicks[["x", "y"]]
    return labels


def _cyclic_labels(path: Path, images: Sequence[Path], bodyparts: Sequence[str]) -> np.ndarray:
    """Return all body parts' x, y in every image, (N, K, 2), from clicks on one part after the other."""
    clicks = read_clicks(path)
    positions = image_positions(clicks, images, path)
    labels = np.full((len(images), len(bodyparts), 2), np.nan)
    for position, clicked in clicks[["x", "y"]].groupby(positions):
        if len(clicked) != len(bodyparts):
            raise ToolboxError(
                f"{path}: slice {position + 1} ({images[position].name}) has {len(clicked)} clicks, expected "
                f"{len(bodyparts)}: {', '.join(bodyparts)}, in this order. A part that is not visible needs a "
                "click near the top left corner, below invisibleboundary"
            )
        labels[position] = clicked
    return labels


def image_positions(clicks: pd.DataFrame, images: Sequence[Path], path: Path) -> np.ndarray:
    """Return the position of each click's image, after checking slices and image names.

    Parameters
    ----------
    clicks : DataFrame
        N of them, as `fiji.read_clicks` returns them.
    images : sequence of Path
        The images of their folder, in numeric order.
    path : Path
        Their file, for messages.

    Returns
    -------
    ndarray of shape (N,)
        Counted from 0.

    Raises
    ------
    ToolboxError
        When there is no such image, or Label names another one.
    """
    spelled = {_spelling(image.stem): position for position, image in enumerate(images)}
    texts = {key[::2] for key in spelled}
    exact = {image.stem: position for position, image in enumerate(images)}
    for place, label, line in zip(clicks["slice"], clicks["label"], clicks["line"], strict=True):
        if not 1 <= place <= len(images):
            raise ToolboxError(f"{path} line {line}: Slice is {place}, but {images[0].parent} has {len(images)} images")
        name = label.rsplit(":", 1)[-1].strip().removesuffix(images[0].suffix)
        named = exact.get(name, spelled.get(_spelling(name)))
        looks_like_image = named is not None or _spelling(name)[::2] in texts
        if looks_like_image and named != place - 1 and name != str(place):
            raise ToolboxError(
                f"{path} line {line}: Label is {label!r}, but slice {place} is {images[place - 1].name}; were images "
                f"added to {images[0].parent}, or deleted, since it was labeled?"
            )
    return clicks["slice"].to_numpy() - 1


@lru_cache(maxsize=2**15)  # as many parts' files name the same images
def _spelling(stem: str) -> tuple[str | tuple[int, str], ...]:
    """Return a name's texts and numbers in turn, so that leading zeros do not matter."""
    return tuple(natural_key(stem)[0])


def outside_image(labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Tell which labels lie outside their image.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; (0, 0) is the centre of the top-left pixel. NaN is not outside.
    sizes : ndarray of shape (N, 2)
        Width and height of the images.

    Returns
    -------
    ndarray of shape (N, K)
        bool.

    Examples
    --------
    >>> outside_image(np.array([[[-0.4, 3.0], [10.0, 3.0]]]), np.array([[10, 8]])).tolist()
    [[False, True]]
    """
    return np.any((labels < -0.5) | (labels > sizes[:, None] - 0.5), axis=2)


def name_labels(chosen: np.ndarray, labels: np.ndarray, names: Sequence[str], bodyparts: Sequence[str]) -> str:
    """List chosen labels, (N, K) bool, by body part, image and place, at most the first 20."""
    listed = [
        f"{bodyparts[k]} in {names[n]} (x {labels[n, k, 0]:g}, y {labels[n, k, 1]:g})" for n, k in np.argwhere(chosen)
    ]
    return "; ".join(listed[:_SHOWN]) + ("; ..." if len(listed) > _SHOWN else "")


def _kept_rows(
    path: Path, scorer: str, sources: dict[Path, list[Path]], bodyparts: Sequence[str]
) -> list[pd.DataFrame]:
    """Return, as a list of at most one table, the rows of the present table that no csv file makes again."""
    if not path.is_file():
        return []
    present = _present_rows(path)
    folders = present.index.map(_folder_of)
    kept = present[~folders.isin([folder.name for folder in sources])]
    if kept.empty:
        return []
    gone = ", ".join(dict.fromkeys(map(_folder_of, kept.index)))
    log.info("%d rows of %s are kept, though it has no csv files any more", len(kept), gone)
    dropped = [part for part in bodyparts_of(kept) if part not in bodyparts]
    if dropped:
        log.warning("the labels of %s in these rows are dropped: no longer in bodyparts", ", ".join(dropped))
    table = make_table(scorer, bodyparts_of(kept), kept.index, points(kept)[..., :2])
    return [table.drop(columns=dropped, level="bodyparts")]


def _present_rows(path: Path) -> pd.DataFrame:
    """Read the table that is to be replaced; where it is damaged, the csv beside it."""
    try:
        return read_label_table(path)
    except UsersError as error:
        damage = error
    try:
        table = read_label_table(path.with_suffix(".csv"))
    except UsersError:
        raise ToolboxError(
            f"{damage}. Delete it and run Step 2 again; labels of folders that have no csv files any more would be lost"
        ) from damage
    log.warning("%s; its csv is read in its place", damage)
    return table


def read_label_table(path: Path) -> pd.DataFrame:
    """Read a table as `read_table` does; raises ToolboxError also when its rows are frames, not images."""
    table = read_table(path)
    if any(not isinstance(row, str) for row in table.index):
        raise ToolboxError(f"{path} has frame numbers, not images, as rows: it holds poses, not labels")
    return table


def _damage(path: Path) -> str | None:
    """Say what is wrong with a label table, if anything."""
    try:
        read_label_table(path)
    except UsersError as error:
        return str(error)
    return None


def _folder_of(row: str) -> str:
    """Return the folder in a row's name."""
    return row.rpartition("/")[0]


def _sorted_by_folder(table: pd.DataFrame) -> pd.DataFrame:
    """Put the rows into the alphabetical order of the folders; within a folder nothing moves."""
    return table.iloc[np.argsort([_folder_of(row) for row in table.index], kind="stable")]
