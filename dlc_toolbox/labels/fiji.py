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

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")  # splitlines would also split at form feeds in a cell
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


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
        where both cells are blank), slice (int, from 1), label (image name, or empty) and line (in the file).

    Raises
    ------
    ToolboxError
        When the file is no such table, lacks X, Y or Slice, or a cell is no number; with the line.
    """
    return clicks_of(read_cells(path.read_bytes(), path), path)


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
    missing = [name for name in ("X", "Y", "Slice") if name not in header]
    if missing:
        raise ToolboxError(
            f"{path} has no column {' and '.join(missing)} (it has {', '.join(filter(None, header)) or 'none'}). "
            "In Fiji, tick Centroid and Stack position in Analyze > Set Measurements, measure again, save with headers"
        )
    columns = [header.index("X"), header.index("Y"), header.index("Slice")]
    label = header.index("Label") if "Label" in header else None
    clicks = []
    for line, row in rows:
        x, y, place = (_number(row[column], path, line, header[column]) for column in columns)
        if math.isnan(x) != math.isnan(y) or not (1 <= place < 2**31 and place.is_integer()):
            values = ", ".join(repr(row[column]) for column in columns)
            raise ToolboxError(
                f"{path} line {line}: X, Y, Slice are {values}; they must be two numbers (both blank: no label) and "
                "the position of an image, a whole number from 1"
            )
        clicks.append((x, y, int(place), "" if label is None else row[label], line))
    types = {"x": float, "y": float, "slice": int, "label": object, "line": int}
    table = pd.DataFrame(clicks, columns=list(types)).astype(types)
    numbers = [row[0] for _, row in rows] if header[0] == "" else []
    if all(number.isdecimal() for number in numbers) and len(set(numbers)) == len(rows):
        table = table.iloc[np.argsort([float(number) for number in numbers], kind="stable")]
    return table


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
        Each row has as many as the header.

    Raises
    ------
    ToolboxError
        When it is empty, no table, or has a row with more cells than the header.
    """
    if data.startswith(_EXCEL):
        raise ToolboxError(f"{path} is an Excel workbook; save it as csv")
    lines = _LINE_ENDS.split(decoded(data)[0])
    first = next((line for line in lines if line.strip()), "")
    separator = next((mark for mark in "\t;," if mark in first), ",")
    reader = csv.reader(lines, delimiter=separator)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ToolboxError(f"{path} line {reader.line_num} cannot be read: {error}") from None
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise ToolboxError(f"{path} is empty; a body part that is never visible needs the line of column names too")
    (header_line, header), *rows = rows
    for line, cells in rows:
        if any(cells[len(header) :]):
            raise ToolboxError(
                f"{path} line {line} has {len(cells)} cells, but there are {len(header)} columns "
                f"({separator!r} separates them; decimal commas need tabs or semicolons instead)"
            )
    rows = [(line, cells + [""] * (len(header) - len(cells))) for line, cells in rows]
    return Cells(separator, header, header_line, rows)


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
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding), encoding
    return data.decode("latin-1"), "latin-1"


def _number(cell: str, path: Path, line: int, column: str) -> float:
    """Read a number with a decimal point or comma; a blank cell is NaN."""
    if cell in ("", "NaN"):
        return math.nan
    number = float(cell.replace(",", ".")) if _NUMBER.fullmatch(cell) else math.inf
    if math.isinf(number):
        raise ToolboxError(f"{path} line {line}: {column} is {cell!r}, which is no number")
    return number


def write_clicks(path: Path, labels: np.ndarray, slices: Sequence[int]) -> None:
    """Write one body part's labels as Fiji would have saved them, with all digits.

    Parameters
    ----------
    path : Path
        The csv.
    labels : ndarray of shape (N, 2)
        x, y in pixels; NaN has no line in the file.
    slices : sequence of int
        Position of each label's image in its folder, from 1.

    Raises
    ------
    ToolboxError
        When the file exists with other content: people's labels are never overwritten.
    """
    clicks = [(x, y, place) for (x, y), place in zip(labels.tolist(), slices, strict=True) if math.isfinite(x + y)]
    lines = [" ,X,Y,Slice", *(f"{row},{x!r},{y!r},{place}" for row, (x, y, place) in enumerate(clicks, 1))]
    text = "\n".join(lines) + "\n"
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
        raise ToolboxError(f"{path} exists already with other labels, which are never overwritten; move it away")
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
