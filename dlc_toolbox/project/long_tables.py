"""Tables that are written and read piece by piece, because all of their rows at once might not fit into memory."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from dlc_common.files import replacing, seal
from dlc_toolbox.project.attributes import refuse_code, refuse_damage
from dlc_toolbox.project.cells import refuse_labels
from dlc_toolbox.project.tables import KEY, in_our_form, name_pandas, naming_damage, read_table

_ROWS_AT_ONCE = 10_000


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
        written = hashlib.blake2b()
        try:
            with pd.HDFStore(temporary, mode="w", complevel=1, complib="zlib", fletcher32=True) as store:
                for number, chunk in enumerate(chunks):
                    table = chunk.astype(np.float64).rename_axis(index=None)
                    if number == 0:
                        store.put(KEY, table, format="table", track_times=False, index=False)
                    else:
                        store.append(KEY, table, index=False)
                    written.update(table.to_numpy().tobytes())
                    if lines:
                        table.to_csv(lines, na_rep="NaN", mode="a", header=number == 0)
                store.create_table_index(KEY)  # at once, because each piece would read what it indexes anew
            name_pandas(temporary)
            if _hash_of_values(temporary) != written.digest():
                raise OSError(errno.EIO, "what was written is not what is read")
        except RuntimeError as error:  # of PyTables, which tells no number
            raise OSError(errno.EIO, f"HDF5 could not write ({error})") from error
        seal(temporary)
    if not csv:
        text.unlink(missing_ok=True)


def _hash_of_values(path: Path) -> bytes:
    """Hash the values of a table as they lie on disk: on a full one HDF5 damages files silently."""
    found = hashlib.blake2b()
    with h5py.File(path, "r") as file:
        rows = file[KEY]["table"]
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            found.update(rows[first : first + _ROWS_AT_ONCE]["values_block_0"].tobytes())
    return found.digest()


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
