"""The csv files of people's clicks, changed so that every row that stays keeps its bytes.

Fiji writes more than the place of a click (Area, Mean, ...), in the separators and encodings of many systems. What is
not changed here is not even formatted anew.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.fiji import POSITIONS, Cells, clicks_of, decoded, position_column, read_cells

Point = tuple[float, float]

BLANK: Point = (math.nan, math.nan)  # a click without a place
EMPTY = " ,Label,X,Y,Slice\n"  # Label, the image's name, lets Step 2 see when images were added or deleted

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_THREE_DECIMALS = re.compile(r"[0-9]+\.[0-9]{3}")  # between tabs, thousands may be written so; but not with a zero more
_LINE_END = re.compile(r"[\r\n]+\Z")


@dataclass(frozen=True)
class _Row:
    """One click: its text in the file, and what it says."""

    text: str
    cells: Sequence[str]
    point: Point
    slice: int


class ClickTable:
    r"""The clicks in one csv file; it never changes, `edited` makes another.

    Parameters
    ----------
    data : bytes
        Content of the file.
    path : Path
        Its name, for messages.

    Attributes
    ----------
    clicks : DataFrame or None
        As `fiji.read_clicks` returns them; None for a table that was edited.

    Raises
    ------
    UsersError
        When `fiji.read_clicks` could not read it, or its text cannot be written back as it is.

    Examples
    --------
    >>> table = ClickTable(b" ,X,Y,Slice,Area\n1,10.5,20,1,0\n2,3,4,2,0\n", Path("nose.csv"))
    >>> table.edited({2: [(3.25, 4.0)]}, {}).data
    b' ,X,Y,Slice,Area\n1,10.5,20,1,0\n2,3.25,4.0,2,\n'
    """

    def __init__(self, data: bytes, path: Path):
        text, encoding = decoded(data)
        self._mark, self._codec = _codec(data, encoding)
        if self._encoded(text) != data:
            raise ToolboxError(f"{path} has characters that cannot be written back as they are; save it as UTF-8")
        cells = read_cells(data, path)
        clicks = clicks_of(cells, path)
        self.clicks: pd.DataFrame | None = clicks
        said = dict(zip(clicks["line"], zip(clicks["x"], clicks["y"], clicks["slice"], strict=True), strict=True))
        lines = _LINE.findall(text)
        self._separator, self._header = cells.separator, tuple(cells.header)
        self._head = "".join(lines[: cells.header_line])
        self._rows = tuple(_rows(cells, lines, said))
        self._tail = "".join(lines[cells.rows[-1][0] if cells.rows else cells.header_line :])
        self._position = position_column(cells, path)
        columns = [self._header.index("X"), self._header.index("Y")]
        decimal = [cell for row in self._rows for column in columns if "," in (cell := row.cells[column])]
        self._by_slice: dict[int, list[Point]] | None = None
        self._decimal_mark = "," if self._separator != "," and decimal else "."

    @property
    def data(self) -> bytes:
        """Content of the file."""
        return self._encoded("".join([self._head, *(row.text for row in self._rows), self._tail]))

    def by_slice(self) -> dict[int, list[Point]]:
        """Return the clicks of each slice (position of an image, from 1), in the order in which they were made.

        A click without a place is NaN, NaN.
        """
        if self._by_slice is None:
            found = defaultdict(list)
            for row in self._in_order(self._rows):
                found[row.slice].append(row.point)
            self._by_slice = dict(found)
        return self._by_slice

    def edited(self, changes: Mapping[int, Sequence[Point]], names: Mapping[int, str]) -> ClickTable:
        """Return the table with other clicks in some slices.

        A click that moves keeps its row, without what Fiji measured at its old place.

        Parameters
        ----------
        changes : mapping of int to sequence of (float, float)
            All clicks of each slice that changes, in the order of the body parts.
        names : mapping of int to str
            Names of the images of these slices, for a column Label.

        Returns
        -------
        ClickTable
            What `data` is to be written.
        """
        rows, added = dict(enumerate(self._rows)), []
        places = {id(row): place for place, row in rows.items()}
        for slice, points in changes.items():
            existing = [row for row in self._in_order(self._rows) if row.slice == slice]
            for row, point in zip(existing, points, strict=False):
                rows[places[id(row)]] = row if _same(row.point, point) else self._moved(row, point)
            for row in existing[len(points) :]:
                del rows[places[id(row)]]
            added += [(slice, point) for point in points[len(existing) :]]
        kept = list(rows.values())
        return self._with(kept, [self._new(slice, point, names.get(slice, "")) for slice, point in added])

    def _with(self, kept: list[_Row], added: list[_Row]) -> ClickTable:
        """Return the table with these rows; the added ones come last."""
        was_numbered = self._is_numbered(self._rows)
        numbers = [float(row.cells[0]) for row in self._rows if row.cells[0].isdecimal()]
        first = int(max(numbers, default=0)) + 1
        if self._header[0] == "" and (was_numbered or not self._rows):
            added = [self._numbered(row, first + place) for place, row in enumerate(added)]
        other = ClickTable.__new__(ClickTable)
        other.__dict__.update(self.__dict__, clicks=None, _by_slice=None)
        rows = [*kept, *added]
        if not was_numbered and self._rows and self._is_numbered(rows):  # the numbers would bring another order
            rows = [self._numbered(row, place) for place, row in enumerate(rows, 1)]
        end = self._line_end()
        if rows and not _LINE_END.search(self._head):
            other._head = self._head + end
        ended = [row if _LINE_END.search(row.text) else replace(row, text=row.text + end) for row in rows[:-1]]
        other._rows = (*ended, *rows[-1:])
        return other

    def _in_order(self, rows: Sequence[_Row]) -> Sequence[_Row]:
        """Return the rows in the order of the clicks, as `fiji.read_clicks` does."""
        return sorted(rows, key=lambda row: float(row.cells[0])) if self._is_numbered(rows) else rows

    def _is_numbered(self, rows: Sequence[_Row]) -> bool:
        """Tell whether the first column numbers the clicks."""
        if self._header[0] != "":
            return False
        numbers = [row.cells[0] for row in rows]
        return all(number.isdecimal() for number in numbers) and len(set(numbers)) == len(rows)

    def _moved(self, row: _Row, point: Point) -> _Row:
        """Return a row at another place, without what was measured at the old one."""
        kept = {"", "Label", *POSITIONS}
        cells = [cell if name in kept else "" for name, cell in zip(self._header, row.cells, strict=True)]
        return self._row(cells, point, row.slice)

    def _new(self, slice: int, point: Point, name: str) -> _Row:
        """Return a row for a click that has none yet; a name with a colon, which separates in Fiji, is left out."""
        cells = ["1" if name in POSITIONS else "" for name in self._header]
        cells[self._header.index(self._position)] = str(slice)
        if "Label" in self._header and ":" not in name:
            cells[self._header.index("Label")] = name
        return self._row(cells, point, slice)

    def _row(self, cells: list[str], point: Point, slice: int) -> _Row:
        """Return a row with these cells and this place, with all digits."""
        for name, value in zip("XY", point, strict=True):
            text = "NaN" if math.isnan(value) else repr(value)
            if self._separator != "," and self._decimal_mark == "." and _THREE_DECIMALS.fullmatch(text):
                text += "0"
            cells[self._header.index(name)] = text.replace(".", self._decimal_mark)
        line = io.StringIO()
        csv.writer(line, delimiter=self._separator, lineterminator=self._line_end()).writerow(cells)
        return _Row(line.getvalue(), cells, point, slice)

    def _numbered(self, row: _Row, number: int) -> _Row:
        """Return a row with a number in the first column, and else the same cells."""
        cells = [str(number), *row.cells[1:]]
        line = io.StringIO()
        csv.writer(line, delimiter=self._separator, lineterminator=self._line_end()).writerow(cells)
        return replace(row, text=line.getvalue(), cells=cells)

    def _line_end(self) -> str:
        """Return what ends the lines of the file."""
        found = _LINE_END.search(self._head)
        return "\n" if found is None else "\r\n" if found[0].startswith("\r\n") else found[0][0]

    def _encoded(self, text: str) -> bytes:
        """Return a text as bytes of the file."""
        return self._mark + text.encode(self._codec, errors="replace")


def _rows(cells: Cells, lines: Sequence[str], said: Mapping[int, tuple[float, float, int]]) -> Iterable[_Row]:
    """Yield the rows with their texts; blank lines belong to the row that follows."""
    start = cells.header_line
    for line, of_row in cells.rows:
        x, y, slice = said[line]
        yield _Row("".join(lines[start:line]), of_row, (x, y), slice)
        start = line


def _codec(data: bytes, encoding: str) -> tuple[bytes, str]:
    """Return byte order mark and codec of a file's text."""
    if encoding == "utf-16":
        return data[:2], "utf-16-le" if data.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    if encoding == "utf-8-sig":
        return (codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""), "utf-8"
    return b"", encoding


def _same(one: Point, other: Point) -> bool:
    """Tell whether two places are the same, or none."""
    return one == other or (math.isnan(one[0]) and math.isnan(other[0]))
