"""One look into a file of another program: what it begins with, and what it holds as json or HDF5, read once."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dlc_common import UsersError
from dlc_common.texts import read_text
from dlc_toolbox import ToolboxError

_HEAD_BYTES = 4096
_MOST_BYTES = 2**31
_MOST_GROWTH = 2**10  # by which compression may make a dataset smaller than it says


class Source:
    """A file or folder that somebody wants to import.

    Parameters
    ----------
    path : Path
        What was named.
    images : Path, optional
        Folder of the images or videos, where they are not beside it.
    scorer : str
        Whose labels they are, where the source does not tell.
    scratch : Path
        Folder for images that are made.
    """

    def __init__(self, path: Path, images: Path | None, scorer: str, scratch: Path):
        self.path, self.scorer, self.scratch = path, scorer, scratch
        home = path if path.is_dir() else path.parent
        self.homes = [*([images] if images else []), home, home.parent]

    @cached_property
    def head(self) -> bytes:
        """How the file begins; empty for a folder, or where there is nothing."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(_HEAD_BYTES)

    @cached_property
    def beginning(self) -> str:
        """How the file begins as a text, without its mark of an encoding and blanks."""
        is_wide = self.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return self.head.decode("utf-16" if is_wide else "utf-8-sig", errors="replace").lstrip()

    @cached_property
    def json(self) -> Any:
        """What the file holds as json; None where it is none."""
        if not self.beginning.startswith(("{", "[")):
            return None
        try:
            return json.loads(read_text(self.path))
        except (ValueError, RecursionError) as error:
            raise ToolboxError(f"{self.path} begins as json, but is damaged: {error}") from error

    @cached_property
    def groups(self) -> set[str]:
        """Names at the top of an HDF5 file; none where it is no such file."""
        try:
            with self.hdf5("an HDF5 file") as file:
                return set(file)
        except UsersError:
            return set()

    @contextmanager
    def hdf5(self, what: str) -> Iterator[h5py.File]:
        """Open the file as HDF5; whatever the library says of damage becomes one sentence."""
        if not self.path.is_file() or not h5py.is_hdf5(self.path):
            raise ToolboxError(f"{self.path} is damaged, or no HDF5 file")
        try:
            with h5py.File(self.path, "r") as file:
                yield file
        except UsersError:
            raise
        except Exception as error:  # h5py raises many types on damaged files
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ToolboxError(f"{self.path} cannot be read as {what}: {reason}") from error


def rows_of(file: h5py.File | h5py.Group, name: str) -> np.ndarray:
    """Read a dataset of an HDF5 file that is what it says, and lies in it.

    Raises
    ------
    ToolboxError
        When it is missing, lies in another file, or claims more than the file can hold.
    """
    link = file.get(name, getlink=True)
    if link is None:
        raise ToolboxError(f"{file.file.filename} has no {name!r}")
    if isinstance(link, h5py.ExternalLink):
        raise ToolboxError(f"{file.file.filename} is refused: its {name!r} leads to another file, {link.filename}")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ToolboxError(f"{file.file.filename} has no table {name!r}")
    refuse_huge(dataset)
    return dataset[()]


def refuse_huge(dataset: h5py.Dataset, entries: int | None = None) -> None:
    """Raise for a dataset that claims more than its file can hold, or lies in another one.

    `entries` are those that are read at once; default: all.
    """
    if dataset.is_virtual or dataset.external:
        raise ToolboxError(f"{dataset.file.filename} is refused: its {dataset.name!r} leads to another file")
    entries = dataset.size if entries is None else entries
    claimed, held = entries * dataset.dtype.itemsize, Path(dataset.file.filename).stat().st_size
    if claimed > min(_MOST_BYTES, _MOST_GROWTH * held):
        raise ToolboxError(
            f"{dataset.file.filename} is refused: its {dataset.name!r} claims to have {entries} entries, more "
            f"than a file of {held} bytes can hold"
        )


def texts_of(values: Any) -> list[str]:
    """Return texts of an HDF5 file, whatever they are stored as."""
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in np.ravel(values)]
