"""The images that a label table has labels of: which are gone, and which are others than when it was made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.fingerprints import fingerprint
from dlc_common.images import image_size
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import records

SIZES = "sizes"
"""Of the record of a label table: width and height of the images when Step 2 wrote it."""
PICTURES = "pictures"
"""Of the record of a label table: the fingerprints of the images when Step 2 wrote it."""
LOOKS: dict[str, Callable[[Path], Any]] = {SIZES: lambda image: [*image_size(image)], PICTURES: fingerprint}
"""What is seen of an image, by where the record of a label table tells it."""

WAY_OUT = "put them back; or, to give these labels up, run Step2_ConvertingLabels2DataFrame.py --drop-missing"
"""For images that a label table has labels of, and that are gone or others."""

log = logging.getLogger(__name__)

_RESIZED, _OTHER_FILE = "has {} x {} pixels, but had {} x {}", "is another file"


def read_record(table: Path) -> dict[str, Any]:
    """Return what is known of the images and clicks that a label table was made from last; empty without any.

    Parameters
    ----------
    table : Path
        The .h5.
    """
    try:
        return records.read(table.with_suffix(".json"))
    except UsersError:
        return {}


def look_at(table: Path, rows: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Look at the images of rows.

    Parameters
    ----------
    table : Path
        The label table beside their folders.
    rows : iterable of str
        ``<folder>/<image>``.

    Returns
    -------
    dict
        For each of `LOOKS` what is seen, by folder and name; of an image that is not there what was seen before.

    Raises
    ------
    UsersError
        When an image is damaged.
    """
    record, seen = read_record(table), {key: dict[str, dict[str, Any]]() for key in LOOKS}
    for row in rows:
        folder, _, name = row.rpartition("/")
        path = table.parent / row
        for key, look in LOOKS.items():
            found = look(path) if path.is_file() else _before(record, key, row)
            if found is not None:
                seen[key].setdefault(folder, {})[name] = found
    return seen


def other_images(table: Path, rows: Iterable[str]) -> dict[str, str]:
    """Find the images that are others than when a label table was made.

    Parameters
    ----------
    table : Path
        The label table.
    rows : iterable of str
        ``<folder>/<image>``.

    Returns
    -------
    dict of str to str
        What is different, by row. An image that is not there, or that the record does not know, is none of them.

    Raises
    ------
    UsersError
        When an image is damaged.
    """
    record, found = read_record(table), {}
    for row in rows:
        path = table.parent / row
        if not path.is_file():
            continue
        for key, look in LOOKS.items():
            before = _before(record, key, row)
            if before is not None and before != (now := look(path)):
                found[row] = _OTHER_FILE if key == PICTURES else _RESIZED.format(*now, *before)
                break
    return found


def refuse_other_images(table: Path, rows: Iterable[str]) -> None:
    """Raise when labels that stand in a label table alone are of other images than when it was made.

    Parameters
    ----------
    table : Path
        The label table.
    rows : iterable of str
        Its rows that no csv file makes again, ``<folder>/<image>``.
    """
    others = other_images(table, rows)
    if not others:
        return
    named = in_short([f"{row} {how}" for row, how in others.items()], separator="; ")
    saved_again = f". If images were only saved again, delete {table.stem}.json"
    raise ToolboxError(
        f"{table} alone has labels of images that have changed since Step 2 wrote it: {named}. If they show something "
        f"else now, {WAY_OUT}{saved_again if _OTHER_FILE in others.values() else ''}"
    )


def without_images(table: Path, rows: Sequence[str]) -> str | None:
    """Say which of the labeled images of a label table do not exist, and what to do; None where all exist."""
    gone = [row for row in rows if not (table.parent / row).is_file()]
    return f"{table} has labels of images that do not exist: {in_short(gone)}; {WAY_OUT}" if gone else None


def without_lost_images(rows: pd.DataFrame, table: Path) -> pd.DataFrame:
    """Drop rows whose images are gone, or others than when a label table was made, and name them.

    Parameters
    ----------
    rows : DataFrame
        Of the label table.
    table : Path
        Its .h5.
    """
    others = other_images(table, rows.index)
    lost = np.array([row in others or not (table.parent / row).is_file() for row in rows.index], dtype=bool)
    if lost.any():
        named = in_short(rows.index[lost].tolist())
        log.warning("dropped are the labels of images that are gone or changed: %s", named)
    return rows[~lost]


def recorded_rows(table: Path, folders: Container[str]) -> list[str]:
    """List the rows whose images the record of a label table knows, without those of some folders.

    Parameters
    ----------
    table : Path
        The label table.
    folders : container of str
        Names of the folders that do not matter.
    """
    pictures = read_record(table).get(PICTURES)
    known = pictures.items() if isinstance(pictures, Mapping) else ()
    return [f"{folder}/{name}" for folder, names in known if folder not in folders for name in names]


def _before(record: Mapping[str, Any], key: str, row: str) -> Any:
    """Return what a record tells of an image; None where it tells nothing."""
    folder, _, name = row.rpartition("/")
    found: Any = record
    for part in (key, folder, name):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
