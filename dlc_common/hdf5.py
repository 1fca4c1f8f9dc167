"""HDF5 files on disks that may be full."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

_MODES = {"w": "w+b", "r+": "r+b"}


@contextmanager
def writing_hdf5(path: Path, mode: str = "w") -> Iterator[h5py.File]:
    """Open an HDF5 file to write to it.

    On a full disk HDF5 damages files silently; and what it was refused, it keeps, so that it cannot close the file, and
    ends the process with a segmentation fault at one of the next. Therefore it never hears of a refusal: from then on
    all that is written stays in memory, where it can be read again, and the refusal is raised once the file is closed.

    Parameters
    ----------
    path : Path
        The file.
    mode : {'w', 'r+'}, optional
        Whether it is made, or changed.

    Yields
    ------
    h5py.File
        For the block to write to.

    Raises
    ------
    OSError
        When the system refused to write.
    """
    with _HonestFile(path, _MODES[mode]) as file:
        with h5py.File(file, mode) as opened:
            yield opened
        if file.refused is not None:
            raise file.refused


class _HonestFile(io.FileIO):
    """A file that remembers what the system refuses to write."""

    refused: OSError | None = None

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(path, mode)
        self._kept: list[tuple[int, bytes]] = []

    def write(self, content: Any) -> int:
        """Write all of it, or keep what the system does not take."""
        rest = memoryview(content)
        try:
            while rest and self.refused is None:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.refused = error
        if rest:
            self._kept.append((self.tell(), bytes(rest)))
        return len(memoryview(content))

    def readinto(self, buffer: Any) -> int:
        """Read what was written, be it in the file or kept."""
        into, start = memoryview(buffer), self.tell()
        read = super().readinto(into)
        into[read:] = bytes(len(into) - read)
        for place, content in self._kept:
            first, stop = max(place, start), min(place + len(content), start + len(into))
            if first < stop:
                into[first - start : stop - start] = content[first - place : stop - place]
        return len(into)

    def truncate(self, size: int | None = None) -> int:
        """Make it as long, if the system lets it be."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.refused = error
        return self.tell() if size is None else size
