"""Label tables out of the csv files that Fiji saved."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.culprits import for_all, in_short
from dlc_common.fingerprints import fingerprint
from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.corrections import CSV, csv_differs, refuse_uncorrected
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.folder import read_folder
from dlc_toolbox.labels.images import (
    LOOKS,
    PICTURES,
    SIZES,
    look_at,
    other_images,
    read_record,
    recorded_rows,
    refuse_other_images,
    without_images,
    without_lost_images,
)
from dlc_toolbox.labels.order import check_order
from dlc_toolbox.labels.plausible import warn_of_copied_files
from dlc_toolbox.labels.provenance import images_left_out
from dlc_toolbox.labels.slices import IN_ITS_PLACE, slices_of, spelling
from dlc_toolbox.labels.sources import NoLabelsError, find_label_files, label_home
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, image_folders
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, refuse_unnamed_rows, write_table

_RESIZED = "images have another size"
_EXCHANGED = "image files changed"
_LEFT_OUT = "images left out"  # of the settings in the record
_PAGE = "Generating_a_Training_Set/LabelFrames.py"

log = logging.getLogger(__name__)


def convert_labels(
    layout: Layout, settings: Settings, scorer: str, *, overwrite: bool = False, drop_missing: bool = False
) -> Path:
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
    drop_missing : bool
        Give up labels that no csv file holds, of images that are gone or changed; implies `overwrite`.

    Returns
    -------
    Path
        The .h5; a .csv lies beside it.

    Raises
    ------
    ToolboxError
        When there are no labels, a csv file is missing, damaged or contradicts the images of its folder, or images have
        changed under labels.
    """
    path = layout.label_table(settings.Task, scorer)
    sources = _sources(layout, settings, scorer, without_any=drop_missing)
    output = _output(layout, settings, scorer, sources)
    edited = csv_differs(path)
    reason = output.why_stale(overwrite or drop_missing) or _damage(path)
    reason = reason or (edited and f"{path.stem}.csv differs from it") or _why_images_differ(output, sources)
    output.log(reason)
    if reason is None:
        return path
    table = _gather(output, settings, scorer, sources, drop_missing=drop_missing)
    labeled = np.isfinite(points(table)).all(axis=2)
    if not labeled.any():
        raise ToolboxError(
            f"{layout.data_folder(settings.Task)}: the csv files of {scorer} hold no visible label at all"
        )
    if edited:
        refuse_uncorrected(path, table)
    pictures = look_at(path, table.index)
    output.start(read_record(path))
    write_table(table, path)
    output.write_record(**{CSV: fingerprint(path.with_suffix(".csv"))}, **pictures)
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
    sources = _sources(layout, settings, scorer, without_any=True)
    return _gather(_output(layout, settings, scorer, sources), settings, scorer, sources)


def _sources(layout: Layout, settings: Settings, scorer: str, *, without_any: bool) -> dict[Path, list[Path]]:
    """Return the csv files of each folder; there may be none where a table is there, if that will do."""
    try:
        return find_label_files(layout, settings, scorer)
    except NoLabelsError:
        if without_any and layout.label_table(settings.Task, scorer).is_file():
            return {}
        raise


def _gather(
    output: records.Output,
    settings: Settings,
    scorer: str,
    sources: dict[Path, list[Path]],
    *,
    drop_missing: bool = False,
) -> pd.DataFrame:
    """Return the labels of csv files, and those of the present table whose folder has none."""
    if settings.multibodypartsfile:
        _check_order(output, sources, settings, scorer)
    _refuse_moved_images(output, sources)
    left_out = output.made_from["settings"].get(_LEFT_OUT, {})
    tables = for_all(
        lambda folder: read_folder(folder, sources[folder], settings, scorer, left_out.get(folder.name, ())), sources
    )
    _refuse_resized_images(output, sources)
    _warn_of_exchanged_images(output, sources)
    warn_of_copied_files({path: output.made_from["inputs"][key] for key, path in _inputs(sources).items()})
    kept = _kept_rows(output, sources, settings, scorer, drop_missing=drop_missing)
    if not tables and not any(np.isfinite(points(rows)).any() for rows in kept):
        raise ToolboxError(
            f"{output.name}: no label is left of images that are there and as they were; to give all labels up, delete "
            f"it, {output.files[1].name} and {output.record.name}"
        )
    return _sorted_by_folder(pd.concat([*tables, *kept]))


def why_labels_stale(layout: Layout, settings: Settings, scorer: str) -> str | None:
    """Tell what changed since the label table was made from csv files; None also for a table that was not.

    Raises
    ------
    ToolboxError
        As `find_label_files`; when the csv beside the table says otherwise.
    """
    path = layout.label_table(settings.Task, scorer)
    if edited := csv_differs(path):
        raise ToolboxError(
            f"{path} and {path.stem}.csv beside it differ: {edited}. Correct the csv files of the clicks and run "
            "Step 2, or delete the one of the two that is wrong"
        )
    if not layout.label_record(settings.Task, scorer).is_file():
        return None
    sources = find_label_files(layout, settings, scorer)
    output = _output(layout, settings, scorer, sources)
    with suppress(UsersError):  # a damaged image is told by whoever reads it
        return output.why_changed() or _why_images_differ(output, sources)
    return None


def _output(layout: Layout, settings: Settings, scorer: str, sources: dict[Path, list[Path]]) -> records.Output:
    """Return a label table with what it is made from; images' names count, because clicks are numbered by position."""
    path = layout.label_table(settings.Task, scorer)
    inputs = _inputs(sources)
    images = {
        folder.name: [path.name for path in slices_of(folder, settings.imagetype, files).images]
        for folder, files in sources.items()
    }
    folders = image_folders(layout.data_folder(settings.Task))
    left_out = {folder.name: images_left_out(label_home(folder, settings, scorer)) for folder in folders}
    shaping = {
        "bodyparts": settings.bodyparts,
        "invisibleboundary": settings.invisibleboundary,
        "images": images,
        _LEFT_OUT: {name: found for name, found in left_out.items() if found},
    }
    made_from = records.describe(inputs, shaping, before={_LEFT_OUT: {}})
    record = layout.label_record(settings.Task, scorer)
    return records.Output(str(path), record, [path, path.with_suffix(".csv")], made_from)


def _inputs(sources: Mapping[Path, Sequence[Path]]) -> dict[str, Path]:
    """Return the csv files by names that stay when the project moves."""
    return {path.relative_to(folder.parent).as_posix(): path for folder in sources for path in sources[folder]}


def _check_order(
    output: records.Output, sources: Mapping[Path, Sequence[Path]], settings: Settings, scorer: str
) -> None:
    """Check the order of body parts whose clicks one file holds, see `order.check_order`."""
    recorded, now = read_record(output.files[0]), output.made_from
    before = recorded.get("inputs", {})
    kept = {path: before.get(key) == now["inputs"][key] for key, path in _inputs(sources).items()}
    page = _PAGE + (f" --scorer {shlex.quote(scorer)}" if len(settings.Scorers) > 1 else "")
    check_order(kept, settings.bodyparts, recorded.get("settings", {}).get("bodyparts"), output.record, page)


def _refuse_moved_images(output: records.Output, sources: dict[Path, list[Path]]) -> None:
    """Raise when images were added to or deleted from a folder, but clicks still count the old positions."""
    recorded, made_from = read_record(output.files[0]), output.made_from
    before, now = _images_of(recorded), _images_of(made_from)
    for folder, files in sources.items():
        pictures = recorded.get(PICTURES, {}).get(folder.name, {})
        pairs = zip(count(1), before.get(folder.name, ()), now[folder.name], strict=False)
        renamed = (each for each in pairs if spelling(each[1]) != spelling(each[2]))
        moved = next((each for each in renamed if pictures.get(each[1]) != fingerprint(folder / each[2])), None)
        if moved is None:
            continue
        place, old, new = moved
        keys = {path: path.relative_to(folder.parent).as_posix() for path in files}
        kept = [path for path in files if recorded.get("inputs", {}).get(keys[path]) == made_from["inputs"][keys[path]]]
        outdated = [path.name for path in kept if (read_clicks(path)["slice"] >= place).any()]
        if outdated:
            raise ToolboxError(
                f"{folder}: {new} stands where {old} stood when the folder was converted, so images were added, "
                f"deleted or renamed, but clicks count positions, and those in {', '.join(outdated)} are the old ones. "
                f"Put the images and their names back, or label these anew, too ({IN_ITS_PLACE}); new images belong "
                f"into a folder of their own. If images were renamed and nothing else, delete {output.record.name} and "
                "run Step 2 again"
            )


def _refuse_resized_images(output: records.Output, sources: dict[Path, list[Path]]) -> None:
    """Raise when images have another size than when they were converted, but the clicks on them are the old ones."""
    for folder, changed in _changed(output, sources, SIZES).items():
        name, before, now = changed[0]
        raise ToolboxError(
            f"{folder}: {name} has {now[0]} x {now[1]} pixels, but had {before[0]} x {before[1]} when the folder was "
            "converted, and the clicks are still those on the old images. Put the images back, or label these anew; "
            "new images belong into a folder of their own"
        )


def _warn_of_exchanged_images(output: records.Output, sources: dict[Path, list[Path]]) -> None:
    """Warn where images are other files than when they were converted, but the clicks on them are the old ones."""
    for folder, changed in _exchanged(output, sources).items():
        log.warning(
            "%s: other files than when the folder was converted, while the clicks are the same: %s. If they were only "
            "saved again, nothing is to be done; if they show something else, put the old ones back, or label anew",
            *(folder, in_short(changed)),
        )


def _exchanged(output: records.Output, sources: dict[Path, list[Path]]) -> dict[Path, list[str]]:
    """Find the images that are other files, by folder; damaged ones are told by whoever reads them."""
    found = {}
    for folder, changed in _changed(output, sources, PICTURES).items():
        if names := [name for name, *_ in changed if _is_sound(folder / name)]:
            found[folder] = names
    return found


def _is_sound(image: Path) -> bool:
    """Tell whether an image can be read."""
    try:
        read_image(image)
    except UsersError:
        return False
    return True


def _why_images_differ(output: records.Output, sources: dict[Path, list[Path]]) -> str | None:
    """Say that images differ from those on which people clicked, if any do."""
    if _changed(output, sources, SIZES):
        return _RESIZED
    kept = recorded_rows(output.files[0], {folder.name for folder in sources})
    return _EXCHANGED if _exchanged(output, sources) or other_images(output.files[0], kept) else None


def _changed(
    output: records.Output, sources: dict[Path, list[Path]], key: str
) -> dict[Path, list[tuple[str, Any, Any]]]:
    """Find folders whose csv files are as recorded, but not what `LOOKS` sees of images: which, before and now."""
    recorded = read_record(output.files[0])
    before, hashes, found = recorded.get(key), recorded.get("inputs", {}), {}
    if not isinstance(before, dict):  # of an earlier version
        return {}
    for folder, seen in _of_images(output, sources, LOOKS[key]).items():
        keys = {path.relative_to(folder.parent).as_posix() for path in sources[folder]}
        are_kept = all(hashes.get(key) == output.made_from["inputs"][key] for key in keys)
        triples = [(name, before.get(folder.name, {}).get(name, now), now) for name, now in seen.items()]
        if are_kept and (other := [triple for triple in triples if triple[1] != triple[2]]):
            found[folder] = other
    return found


def _of_images(
    output: records.Output, sources: dict[Path, list[Path]], look: Callable[[Path], Any]
) -> dict[Path, dict[str, Any]]:
    """Return what is seen of the images that slices count, by folder and name."""
    images = _images_of(output.made_from)
    return {folder: {name: look(folder / name) for name in images[folder.name]} for folder in sources}


def _images_of(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of each folder's images in a record; none when it is damaged."""
    images = record.get("settings", {}).get("images")
    lists = images.values() if isinstance(images, dict) else [None]
    sound = all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists)
    return images if sound else {}


def _kept_rows(
    output: records.Output, sources: dict[Path, list[Path]], settings: Settings, scorer: str, *, drop_missing: bool
) -> list[pd.DataFrame]:
    """Return, as a list of at most one table, the rows of the present table that no csv file makes again."""
    path, left_out = output.files[0], output.made_from["settings"].get(_LEFT_OUT, {})
    if not path.is_file() and not path.with_suffix(".csv").is_file():
        return []
    present = _present_rows(path)
    kept = present[~present.index.map(_folder_of).isin([folder.name for folder in sources])].copy()
    kept.loc[kept.index.isin([f"{folder}/{name}" for folder in left_out for name in left_out[folder]])] = np.nan
    if drop_missing:
        kept = without_lost_images(kept, path)
    if kept.empty:
        return []
    labeled = kept.index[np.isfinite(points(kept)).all(axis=2).any(axis=1)]
    refuse_other_images(path, labeled)
    gone = ", ".join(dict.fromkeys(map(_folder_of, kept.index)))
    log.info("%d rows of %s are kept, though it has no csv files any more", len(kept), gone)
    if told := without_images(path, labeled):
        log.warning("%s", told)
    dropped = [part for part in bodyparts_of(kept) if part not in settings.bodyparts]
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
    refuse_unnamed_rows(table, path)
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
