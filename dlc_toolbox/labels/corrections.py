"""Tables that say the same twice, as h5 and as csv: where one of them was corrected by hand, and the other was not."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import records
from dlc_toolbox.project.tables import bodyparts_of, points, read_table

log = logging.getLogger(__name__)

CSV = "csv"
"""Of the record of a label table: what its csv held when Step 2 wrote it."""

_ROUNDING_PX = 0.01  # spreadsheets keep as many digits as they show


def differences(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Compare two tables, cell by cell.

    Parameters
    ----------
    one, other : DataFrame
        Tables of labels or poses, of any scorers.

    Returns
    -------
    DataFrame
        One row per cell that differs by more than a hundredth of a pixel: row, part, coord, and both values; part and
        coord are empty where a row, coord where a body part is in one table alone.
    """
    found = [(row, "", "", np.nan, np.nan) for row in one.index.symmetric_difference(other.index)]
    parts = [part for part in bodyparts_of(one) if part in bodyparts_of(other)]
    alone = {*bodyparts_of(one), *bodyparts_of(other)} - set(parts)
    found += [("", part, "", np.nan, np.nan) for part in sorted(alone)]
    rows = [row for row in one.index if row in other.index]
    if rows and parts:
        first, second = (points(table.loc[rows], parts)[..., :2] for table in (one, other))
        unequal = ~np.isclose(first, second, rtol=0, atol=_ROUNDING_PX, equal_nan=True)
        found += [(rows[n], parts[k], "xy"[c], first[n, k, c], second[n, k, c]) for n, k, c in np.argwhere(unequal)]
    return pd.DataFrame(found, columns=["row", "part", "coord", "one", "other"])


def in_words(cells: pd.DataFrame, one: str, other: str, most: int = 5) -> str:
    """Name the cells of `differences`, at most the first ones, with the values of both."""
    names = []
    for row, part, coord, first, second in cells.to_numpy(dtype=object).tolist():
        if row and part:
            names.append(f"{row}: {part} {coord} is {first:g} in the {one}, {second:g} in the {other}")
        else:
            names.append(f"{row or part} is in one of them alone")
    return in_short(names, most, separator="; ")


def csv_differs(path: Path, most: int = 5) -> str | None:
    """Say where the csv beside a label table differs from it.

    Parameters
    ----------
    path : Path
        The .h5.
    most : int
        How many cells to show.

    Returns
    -------
    str or None
        Which cells; None where the two agree, one is missing, or one cannot be read, which is logged.
    """
    cells = _cells(path)
    return in_words(cells, "h5", "csv", most) if cells is not None and len(cells) else None


def refuse_uncorrected(path: Path, made: pd.DataFrame) -> None:
    """Raise when the csv of a label table was corrected by hand, and what it is made from was not.

    Parameters
    ----------
    path : Path
        The .h5 of the present label table; need not exist.
    made : DataFrame
        The table that is to replace it, made from the csv files of the clicks.

    Raises
    ------
    ToolboxError
        With the cells that would be lost, and where to correct them.
    """
    cells = _cells(path)
    if cells is None or cells.empty:
        return
    edited = read_table(path.with_suffix(".csv"))
    left = differences(made, edited).merge(cells[["row", "part", "coord"]], on=["row", "part", "coord"])
    if len(left):
        raise ToolboxError(
            f"{path.with_suffix('.csv')} was changed by hand: {in_words(left, 'clicks', 'csv')}. Step 2 makes it from "
            f"the csv files of the clicks, so a correction there is lost: correct {_sources(left)} instead, or delete "
            f"{path.with_suffix('.csv').name} to keep what the clicks say; then run Step 2 again"
        )


def _cells(path: Path) -> pd.DataFrame | None:
    """Compare a label table with its csv; None where there are not both, or the csv is as Step 2 wrote it."""
    csv = path.with_suffix(".csv")
    if not (path.is_file() and csv.is_file()) or _is_as_written(path, csv):
        return None
    try:
        return differences(read_table(path), read_table(csv))
    except UsersError as error:
        log.warning("%s and %s are not compared: %s", path, csv.name, error)
        return None


def _is_as_written(path: Path, csv: Path) -> bool:
    """Tell whether nobody changed the csv; a run that was killed may have replaced the h5 alone."""
    try:
        return records.read(path.with_suffix(".json")).get(CSV) == fingerprint(csv)
    except UsersError:
        return False


def _sources(cells: pd.DataFrame) -> str:
    """Name the csv files of the clicks that cells come from, by folder and body part."""
    pairs = zip(cells["row"], cells["part"], strict=True)
    folders = [(row.rpartition("/")[0] or "<folder>", part or "<body part>") for row, part in pairs]
    files = dict.fromkeys(f"{folder}/{part}.csv" for folder, part in folders)
    return in_short(list(files))
