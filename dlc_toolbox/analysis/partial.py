"""What a killed analysis has already found: rows on disk that the next run goes on from.

The file starts with one line of json that tells what the rows are made from; rows of a fixed size follow. Whoever works
on it holds a lock, so that two processes never analyze the same video.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dlc_common.locks import try_lock
from dlc_toolbox import ToolboxError

log = logging.getLogger(__name__)

_ROWS_AT_ONCE = 4096
"""So that a long video needs no more memory than a short one."""


class Partial:
    """Rows in the making; `open_partial` opens them.

    Parameters
    ----------
    path : Path
        The file.
    file : BinaryIO
        The same, open for reading and appending without a buffer, and locked.
    header : bytes
        What must stand before the rows; when it does not, all is dropped.
    row : dtype
        One row.
    """

    def __init__(self, path: Path, file: BinaryIO, header: bytes, row: np.dtype):
        self._path, self._file, self._header, self._row = path, file, header, row
        file.seek(0)
        found = file.read(len(header))
        if found != header:
            if found:
                log.info("%s: dropped, it was begun with other settings or by another version", path.name)
            file.truncate(0)
            self._write(header)

    def __len__(self) -> int:
        """Return the number of whole rows."""
        return (self._file.seek(0, os.SEEK_END) - len(self._header)) // self._row.itemsize

    def keep(self, count: int) -> None:
        """Drop all rows but the first `count`, and what a killed process left of another."""
        self._file.truncate(len(self._header) + count * self._row.itemsize)

    def append(self, *fields: Sequence | np.ndarray) -> None:
        """Add rows, given field by field, and hand them to the system, where they outlive this process."""
        rows = np.empty(len(fields[0]), self._row)
        for name, values in zip(self._row.names or (), fields, strict=True):
            rows[name] = values
        self._write(rows.tobytes())

    def read(self, first: int = 0, count: int | None = None) -> np.ndarray:
        """Return so many rows from the first on, at most; all that there are by default."""
        most = max(len(self) - first, 0)
        offset = len(self._header) + first * self._row.itemsize
        return np.fromfile(self._path, self._row, count=min(most, most if count is None else count), offset=offset)

    def chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield all rows, some thousand at a time, each time with the number of the first."""
        for first in range(0, len(self), _ROWS_AT_ONCE):
            yield first, self.read(first, _ROWS_AT_ONCE)

    def _write(self, content: bytes) -> None:
        """Append, or say why not; on a full disk the system first takes a part."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _not_written(self._path, error) from error


@contextmanager
def open_partial(
    path: Path, made_from: Mapping[str, Any], row: np.dtype, *, kept: bool = False
) -> Iterator[Partial | None]:
    """Open the rows that earlier runs left, or start anew when they were made from something else.

    Parameters
    ----------
    path : Path
        The file; unless it is `kept`, it is removed when the block ends without an error. It is always removed when
        it holds no row.
    made_from : mapping
        What the rows are made from; plain values that json can hold.
    row : dtype
        One row.
    kept : bool
        Whether the rows are for somebody else, who removes the file.

    Yields
    ------
    Partial or None
        None while another process works on it.

    Raises
    ------
    ToolboxError
        When the system refuses to write; rows written before stay for the next run.
    """
    try:
        file = _open_locked(path)
    except OSError as error:
        raise _not_written(path, error) from error
    if file is None:
        yield None
        return
    with file:
        keep = False
        try:
            partial = Partial(path, file, json.dumps(made_from, sort_keys=True).encode() + b"\n", row)
            keep = True  # what is found before an error is for the next run
            yield partial
            keep = kept
        finally:
            if not (keep and len(partial)):
                _remove(path, file)


def remove_leftover(path: Path) -> bool:
    """Remove rows that nobody needs any more, unless another process works on them.

    Parameters
    ----------
    path : Path
        The file; need not exist.

    Returns
    -------
    bool
        Whether it was there and is gone.

    Raises
    ------
    ToolboxError
        When the system refuses.
    """
    if not path.exists():
        return False
    try:
        file = _open_locked(path)
        if file is None:
            return False
        with file:
            _remove(path, file)
    except OSError as error:
        raise _not_written(path, error) from error
    return True


def _remove(path: Path, file: BinaryIO) -> None:
    """Remove an open file; Windows removes none, elsewhere the lock is held until it is gone."""
    if os.name == "nt":
        file.close()
    path.unlink(missing_ok=True)


def _open_locked(path: Path) -> BinaryIO | None:
    """Open a file for reading and appending, locked; None while another process works on it."""
    while True:
        file = path.open("a+b", buffering=0)
        if not try_lock(file):
            file.close()
            return None
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
            return file
        file.close()  # whoever held the lock has removed the file meanwhile


def _not_written(path: Path, error: OSError) -> ToolboxError:
    """Say which file could not be written, why, and that nothing is lost."""
    return ToolboxError(
        f"{path} could not be written: {error.strerror or error}. Free disk space or allow writing to that folder; "
        "the same command then goes on from where it stopped."
    )
