"""The cells of tables of labels and poses, as spreadsheets leave them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError

INDIVIDUALS = "individuals"
"""The level of columns, or the header row of a csv, that tells animals apart."""

_DECIMAL = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def with_commas(text: str, first: str = "scorer") -> str:
    r"""Return a table that a spreadsheet saved with other separators as one with commas and decimal points.

    Only a text that begins with `first`, a cell of its own, is such a table. Between commas, 1,012 in quotes may be a
    whole number with a mark before thousands, so it stays as it is.

    Examples
    --------
    >>> with_commas("sep=;\nscorer;Ann;Ann\nbodyparts;nose;nose\ncoords;x;y\nimg1.png;2,5;7")
    'scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\nimg1.png,2.5,7'
    """
    text = re.sub(r"\Asep=.\n", "", text)
    begin = re.match(rf'("?){re.escape(first)}\1([;\t,])', text)
    if begin is None or (begin[2] == "," and '"' not in text):
        return text
    written = io.StringIO()
    for cells in csv.reader(io.StringIO(text), delimiter=begin[2]):
        pointed = (_pointed(cell, may_be_whole=begin[2] == ",") for cell in cells)
        csv.writer(written, lineterminator="\n").writerow(pointed)
    return written.getvalue() if text.endswith("\n") else written.getvalue().removesuffix("\n")


def _pointed(cell: str, *, may_be_whole: bool) -> str:
    """Return a number with a decimal comma as one with a point; any other cell as it is."""
    if not _DECIMAL.fullmatch(cell) or (may_be_whole and _THOUSANDS.fullmatch(cell)):
        return cell
    return cell.replace(",", ".")


def without_empty_columns(text: str) -> str:
    r"""Leave out the cells without content that a spreadsheet puts at the end of every line, and lines of such alone.

    Examples
    --------
    >>> without_empty_columns("scorer,Ann,Ann,,\nbodyparts,nose,nose,,\ncoords,x,y,,\nimg1.png,,,,\n,,,,").split()
    ['scorer,Ann,Ann', 'bodyparts,nose,nose', 'coords,x,y', 'img1.png,,']
    """
    lines = text.split("\n")
    surplus = min(len(line) - len(line.rstrip(",")) for line in lines[:3])
    kept = (line if line.strip(",") else "" for line in lines)
    return "\n".join(line[: len(line) - surplus] for line in kept)


def refuse_cut_off(text: str, path: Path) -> None:
    """Raise when a csv ends in the middle of its last line, so that its last value may be wrong."""
    lines = text.split("\n")
    if lines[-1].strip() and lines[-1].count(",") < lines[0].count(","):
        raise ToolboxError(f"{path} is cut off in its last line, {lines[-1][:60]!r}: copy it again, whole")


def of_one_animal(columns: pd.Index, path: Path) -> pd.Index:
    """Return columns without the level that tells individuals apart, which projects of several animals have.

    Parameters
    ----------
    columns : Index
        Of any table.
    path : Path
        Where it is from, for messages.

    Raises
    ------
    ToolboxError
        When two individuals have the same body part, so that there are several animals.
    """
    if INDIVIDUALS not in columns.names:
        return columns
    without, owners = columns.droplevel(INDIVIDUALS), columns.droplevel("coords").unique()
    if owners.get_level_values("bodyparts").duplicated().any():
        animals = in_short(list(map(str, owners.get_level_values(INDIVIDUALS).unique())))
        raise ToolboxError(f"{path} has labels of the individuals {animals}; several animals are not supported")
    return without


def names_the_index(table: pd.DataFrame) -> bool:
    """Tell a fourth header row, written by pandas for a named index, from an image or a frame without any value."""
    first = table.index[0] if len(table) else None
    is_row = not isinstance(first, str) or "." in first or first.isdecimal()
    return not is_row and bool(table.iloc[0].isna().all())


def as_numbers(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return a table of texts or numbers as float64; what is infinite is missing, NaN.

    Parameters
    ----------
    table : DataFrame
        Columns (scorer, bodyparts, coords).
    path : Path
        Where it is from, for messages.

    Raises
    ------
    ToolboxError
        When cells are no numbers; with the first 5 of them.
    """
    try:
        return table.astype(np.float64).replace([np.inf, -np.inf], np.nan)
    except (TypeError, ValueError):
        wrong = [
            f"{part} {coord} in {row} is {value!r}"
            for number, (_, part, coord) in enumerate(table.columns.to_frame().itertuples(index=False))
            for row, value in table.iloc[:, number].items()
            if not _is_number(value)
        ]
        raise ToolboxError(
            f"{path} has values that are no numbers: {in_short(wrong)}; a spreadsheet may have changed them"
        ) from None


def refuse_repeated(rows: pd.Index, path: Path) -> None:
    """Raise when a table, which came from `path`, has several rows of one name."""
    if repeated := list(dict.fromkeys(map(str, rows[rows.duplicated()]))):
        named = f"row{'s' * (len(repeated) > 1)} {in_short(repeated)}"
        raise ToolboxError(f"{path} has the {named} twice: delete one of each")


def refuse_labels(columns: pd.Index, path: Path) -> None:
    """Raise when a table, which came from `path`, has no likelihoods, as labels have none."""
    if "likelihood" not in columns.get_level_values("coords"):
        raise ToolboxError(f"{path} holds labels by {columns[0][0]}, without likelihoods, not poses of a network")


def _is_number(value: object) -> bool:
    """Tell what float64 can hold from any other cell."""
    try:
        pd.Series([value]).astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True
