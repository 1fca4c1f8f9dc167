"""The 'Results' tables that Fiji saves: one row per click, with the columns X, Y and Slice (position of the image)."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.culprits import in_short
from dlc_common.kinds import EMPTY, wrong_kind
from dlc_toolbox import ToolboxError

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")  # splitlines would also split at form feeds in a cell
POSITIONS = ("Slice", "Frame", "Ch", "Channel")
"""Columns of a position, in the order in which they are believed."""

_MARKS = "\t;,"  # that separate cells
_BETWEEN_NAMES = re.compile(r'[|:;,"\s]+')
_TITLES = 5  # lines that may stand above the names of the columns
_THOUSANDS = {",": re.compile(r"\d{1,3}(,\d{3})+"), ".": re.compile(r"\d{1,3}(\.\d{3})+")}
_WIDEST = 10_000  # pixels; labeled images are hardly wider, so that 12.500 is no 12500
_CERTAIN = 8  # letters without accents that tell UTF-16 where no mark does
_SUMMARY = ["Mean", "SD", "Min", "Max"]
"""Labels of the last rows of a table that was summarized in Fiji (Summarize): no clicks."""


def read_clicks(path: Path) -> pd.DataFrame:
    """Read one 'Results' table of Fiji.

    Tabs, semicolons or commas may separate the cells, and commas stand for decimal points where they do not separate.

    Parameters
    ----------
    path : Path
        The csv; v1 renamed it to .xls.

    Returns
    -------
    DataFrame
        One row per click, in the order of the clicks where the file numbers them, else of the file: x, y (pixels; NaN
        where both cells are blank), slice (int, from 1), label (image name, or empty), line (in the file) and gray (the
        Mean that Fiji measured there; NaN where it tells none).

    Raises
    ------
    ToolboxError
        When the file is no such table, lacks X, Y or Slice, or a cell is no number; with the line.
    """
    return clicks_of(read_cells(path.read_bytes(), path), path)


def holds_clicks(path: Path) -> bool:
    """Tell a table with the columns X and Y from any other file."""
    try:
        return {"X", "Y"} <= set(read_cells(path.read_bytes(), path).header)
    except ToolboxError:
        return False


@dataclass(frozen=True)
class Cells:
    """The stripped cells of a 'Results' table.

    Parameters
    ----------
    separator : str
        What stands between them.
    header : sequence of str
        Names of the columns.
    header_line : int
        Their line in the file, from 1.
    rows : sequence of (int, list of str)
        Line in the file, the last one where a cell holds line breaks, and cells of each row; none is blank.
    """

    separator: str
    header: Sequence[str]
    header_line: int
    rows: Sequence[tuple[int, list[str]]]


def clicks_of(cells: Cells, path: Path) -> pd.DataFrame:
    """Return the clicks in the cells of a table, as `read_clicks`; `path` is its file, for messages."""
    header, rows = list(cells.header), cells.rows
    if header[0] == "scorer":
        raise ToolboxError(
            f"{path} is a label table of DeepLabCut, not the clicks on a body part: move it elsewhere, and run "
            "ImportLabels.py with it"
        )
    position = position_column(cells, path)
    if twice := [name for name in ("X", "Y", position) if header.count(name) > 1]:
        raise ToolboxError(f"{path} has several columns {' and '.join(twice)}: delete all but the one that counts")
    missing = [name for name in ("X", "Y", position) if name not in header]
    if missing and all(name.lower() in map(str.lower, header) for name in missing):
        raise ToolboxError(
            f"{path} has no column {' and '.join(missing)}, but {' and '.join(map(str.lower, missing))}: write "
            "them with a capital, as Fiji does (Slice counts from 1, X and Y from 0)"
        )
    if missing:
        raise ToolboxError(
            f"{path} has no column {' and '.join(missing)} (it has {', '.join(filter(None, header)) or 'none'}). "
            f"In Fiji, {_how_to_measure(missing, header)}"
        )
    columns = [header.index("X"), header.index("Y"), header.index(position)]
    _refuse_two_marks(cells, [row[column] for _, row in rows for column in columns[:2]], path)
    label, gray = (header.index(name) if name in header else None for name in ("Label", "Mean"))
    clicks, problems = [], []
    for line, row in rows:
        x, y, place = (_number(row[column]) for column in columns)
        wrong = [column for column, value in zip(columns, (x, y, place), strict=True) if math.isinf(value)]
        problems += [f"line {line}: {header[column]} is {row[column]!r}, which is no number" for column in wrong]
        if not wrong and (math.isnan(x) != math.isnan(y) or not (1 <= place < 2**31 and place.is_integer())):
            values = ", ".join(repr(row[column]) for column in columns)
            problems.append(
                f"line {line}: X, Y, {position} are {values}; they must be two numbers (both blank: no label) and the "
                "position of an image, a whole number from 1" + ", the number of the first image" * (place == 0)
            )
        if len(problems) == 0:
            measured = math.nan if gray is None else _number(row[gray])
            clicks.append((x, y, int(place), "" if label is None else row[label], line, measured))
    if problems:
        raise ToolboxError(f"{path} {in_short(problems, separator='; ')}")
    types = {"x": float, "y": float, "slice": int, "label": object, "line": int, "gray": float}
    table = pd.DataFrame(clicks, columns=list(types)).astype(types).replace(math.inf, math.nan)
    numbers = [row[0] for _, row in rows] if header[0] == "" else []
    if all(number.isdecimal() for number in numbers) and len(set(numbers)) == len(rows):
        table = table.iloc[np.argsort([float(number) for number in numbers], kind="stable")]
    return table


def _how_to_measure(missing: Sequence[str], header: Sequence[str]) -> str:
    """Say how Fiji writes the columns that are missing."""
    if {"X1", "Y1"} <= set(header):
        return (
            "choose More > Multi Measure in the ROI Manager again, without 'One row per slice', and save with headers"
        )
    alone = "; for a single image, write a column Slice of 1" if missing == ["Slice"] else ""
    return "tick Centroid and Stack position in Analyze > Set Measurements, measure again, save with headers" + alone


def _refuse_two_marks(cells: Cells, places: Sequence[str], path: Path) -> None:
    """Raise where commas or points in X and Y may stand before thousands, as spreadsheets write them."""
    mark, other = (",", ".") if cells.separator == "," else (".", ",")
    doubtful, otherwise = (_marked(places, sign) for sign in (mark, other))
    whole = [cell for cell in places if cell.isdecimal()]
    measured = _marked([cell for _, row in cells.rows for cell in row], mark)
    are_thousands = all(map(_THOUSANDS[mark].fullmatch, measured)) and all(
        float(cell.replace(mark, "")) <= _WIDEST for cell in doubtful
    )
    if doubtful and (otherwise or (are_thousands and (whole or mark == ","))):
        others = f", while others are written as {(whole + otherwise)[0]!r}" if whole + otherwise else ""
        raise ToolboxError(
            f"{path}: {doubtful[0]!r} could be a decimal number, or a whole one with a mark before thousands{others}. "
            "Let the spreadsheet show all numbers alike, without marks before thousands, and save it again"
        )


def _marked(texts: Sequence[str], mark: str) -> list[str]:
    """Return the numbers with this mark in them."""
    return [text for text in texts if mark in text and _NUMBER.fullmatch(text)]


def position_column(cells: Cells, path: Path) -> str:
    """Return the column that counts the images: Slice, or the one of a hyperstack that counts in its place.

    Parameters
    ----------
    cells : Cells
        Of a 'Results' table. Fiji opens a sequence of images as slices, frames or channels of a hyperstack, and gives
        the position in each.
    path : Path
        Its file, for messages.

    Returns
    -------
    str
        Of the header; 'Slice' where there is none of them.

    Raises
    ------
    ToolboxError
        When more than one of them counts, so that neither is the position of the image.

    Examples
    --------
    >>> position_column(Cells(",", ["X", "Y", "Slice", "Frame"], 1, [(2, ["5", "6", "1", "3"])]), Path("nose.csv"))
    'Frame'
    """
    present = [name for name in POSITIONS if name in cells.header]
    columns = {name: [row[cells.header.index(name)] for _, row in cells.rows] for name in present}
    counting = [name for name in present if any(_number(cell) > 1 for cell in columns[name])]
    different = [name for name in counting if columns[name] != columns[counting[0]]]
    if different:
        raise ToolboxError(
            f"{path}: both {counting[0]} and {different[0]} count, so the images are a hyperstack, in which one number "
            "is no position. In Fiji choose Image > Hyperstacks > Hyperstack to Stack, then measure again"
        )
    return (counting or present or ["Slice"])[0]


def read_cells(data: bytes, path: Path) -> Cells:
    """Split the content of a 'Results' table into cells; blank rows are left out.

    Parameters
    ----------
    data : bytes
        Content of the file.
    path : Path
        Its name, for messages.

    Returns
    -------
    Cells
        Each row has as many as the header; mean, SD, minimum and maximum that Fiji has put behind the clicks
        (Summarize) are left out.

    Raises
    ------
    ToolboxError
        When it is empty, cut off, of another kind, no table, or has a row with more cells than the header.
    """
    if other := wrong_kind(path, "a csv of clicks", EMPTY):
        raise ToolboxError(other)
    text = decoded(data)[0]
    lines = _LINE_ENDS.split(text)
    header_line, separator = _header_of(lines)
    reader = csv.reader(lines, delimiter=separator)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ToolboxError(f"{path} line {reader.line_num} cannot be read: {error}") from None
    rows = [(line, cells) for line, cells in rows if any(cells) and line >= header_line]
    if not rows:
        raise ToolboxError(f"{path} is empty; a body part that is never visible needs the line of column names too")
    (header_line, header), *rows = rows
    _refuse_one_cell(header, path)
    for line, cells in rows:
        if any(cells[len(header) :]):
            raise ToolboxError(
                f"{path} line {line} has {len(cells)} cells, but there are {len(header)} columns "
                f"({separator!r} separates them; decimal commas need tabs or semicolons instead)"
            )
    if rows and len(rows[-1][1]) < len(header) and text == text.rstrip():
        raise ToolboxError(f"{path} is cut off in its last line, {rows[-1][0]}: copy it again, or measure again")
    rows = [(line, cells + [""] * (len(header) - len(cells))) for line, cells in rows]
    labels = [cells[header.index("Label")] for _, cells in rows[-len(_SUMMARY) :]] if "Label" in header else []
    return Cells(separator, header, header_line, rows[: -len(_SUMMARY)] if labels == _SUMMARY else rows)


def _refuse_one_cell(header: Sequence[str], path: Path) -> None:
    """Raise where the names of all columns are in one cell."""
    first, *others = filter(None, header)
    if others or not {"X", "Y"} <= set(_BETWEEN_NAMES.split(first)):
        return
    if any(mark in first for mark in _MARKS):
        raise ToolboxError(
            f"{path}: quotes around whole lines make each of them one cell ({first!r}): take the file as Fiji saved "
            "it, or delete the quotes in a text editor"
        )
    raise ToolboxError(f"{path}: no tabs, commas or semicolons separate its cells ({first!r}): save it so that they do")


def _header_of(lines: Sequence[str]) -> tuple[int, str]:
    """Return the line of the column names, from 1, and what separates them; titles may stand above."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()][:_TITLES]
    for number, line in filled:
        for mark in _MARKS:
            if {"X", "Y"} <= {cell.strip().strip('"') for cell in line.split(mark)}:
                return number, mark
    number, line = filled[0] if filled else (1, "")
    return number, next((mark for mark in _MARKS if mark in line), ",")


def decoded(data: bytes) -> tuple[str, str]:
    """Decode what Fiji, Excel and editors write, with or without a byte order mark.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Returns
    -------
    str
        Its text, without the mark.
    str
        Its encoding.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), "utf-16"
    for encoding, high in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        if data and not any(high[:_CERTAIN]):  # a column of zeros: what no other encoding has
            return data.decode(encoding, errors="replace"), encoding
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding), encoding
    return data.decode("latin-1"), "latin-1"


def _number(cell: str) -> float:
    """Read a number with a decimal point or comma; a blank cell is NaN, any other text infinite."""
    if cell in ("", "NaN"):
        return math.nan
    return float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else math.inf
