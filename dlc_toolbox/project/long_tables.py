"""Tables that are written and read piece by piece, because all of their rows at once might not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.files import naming_refusal, replacing, seal
from dlc_common.hdf5 import writing_hdf5
from dlc_toolbox.project.attributes import refuse_code, refuse_damage
from dlc_toolbox.project.cells import refuse_labels
from dlc_toolbox.project.tables import KEY, h5_content, in_our_form, naming_damage, read_table


def write_long_table(chunks: Iterable[pd.DataFrame], path: Path, *, csv: bool = True) -> None:
    """Write a table that comes in pieces, as `tables.write_table` does, in memory for one of them.

    Parameters
    ----------
    chunks : iterable of DataFrame
        As `tables.make_table` builds them, all with the same columns; at least one.
    path : Path
        The .h5 file.
    csv : bool
        Whether to write the .csv too; if not, one of the same stem is deleted.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    text = path.with_suffix(".csv")
    with replacing(text) if csv else nullcontext() as lines, replacing(path) as temporary:
        for number, chunk in enumerate(chunks):
            table = chunk.astype(np.float64).rename_axis(index=None)
            if number == 0:
                temporary.write_bytes(h5_content(table, "table"))
            else:
                _append(table, temporary)
            if lines:
                with naming_refusal(text):
                    table.to_csv(lines, na_rep="NaN", mode="a", header=number == 0)
        seal(temporary)
    if not csv:
        text.unlink(missing_ok=True)


def _append(table: pd.DataFrame, path: Path) -> None:
    """Add rows to an .h5 table."""
    with writing_hdf5(path, "r+") as file:
        rows = file[KEY]["table"]
        added = np.empty(len(table), rows.dtype)
        added["index"], added["values_block_0"] = table.index, table.to_numpy()
        rows.resize(len(rows) + len(added), axis=0)
        rows[-len(added) :] = added
        rows.attrs["NROWS"] = np.int64(len(rows))


def read_long_table(
    path: Path, coords: Sequence[str] | None = None, *, rows: int = 4096, around: int = 0
) -> Iterator[pd.DataFrame]:
    """Read an .h5 table as `tables.read_table` does, in memory for one piece of it.

    Parameters
    ----------
    path : Path
        The .h5 file, as `tables.write_table` or `write_long_table` writes it.
    coords : sequence of str, optional
        What it holds that is no label or pose table, see `tables.make_table`.
    rows : int
        At most as many make a piece.
    around : int
        As many rows before and behind come along with each piece, where there are any.

    Yields
    ------
    DataFrame
        The pieces, in the order of the rows; at least one.

    Raises
    ------
    ToolboxError
        As `tables.read_table`, whenever it is found out.
    """
    with naming_damage(path):
        refuse_damage(path)
        refuse_code(path)
        with pd.HDFStore(path, mode="r") as store:
            if store.keys() != [f"/{KEY}"] or not store.get_storer(KEY).is_table:  # as other programs write it
                table = read_table(path, coords)
                for first, stop in _spans(len(table), rows, around):
                    yield table.iloc[first:stop]
                return
            for first, stop in _spans(store.get_storer(KEY).nrows, rows, around):
                yield in_our_form(store.select(KEY, start=first, stop=stop), path, coords)


def _spans(total: int, rows: int, around: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where the pieces of a table reach."""
    for first in range(0, total or 1, rows):
        yield max(first - around, 0), min(first + rows + around, total)


def read_long_poses(path: Path, *, rows: int = 4096, around: int = 0) -> Iterator[pd.DataFrame]:
    """Read an .h5 table as `read_long_table` does; raises ToolboxError also when it has no likelihoods."""
    for piece in read_long_table(path, rows=rows, around=around):
        refuse_labels(piece.columns, path)
        yield piece


def count_rows(path: Path, coords: Sequence[str] | None = None) -> int:
    """Count the rows of an .h5 table; parameters and errors as of `read_long_table`."""
    return sum(len(piece) for piece in read_long_table(path, coords))
