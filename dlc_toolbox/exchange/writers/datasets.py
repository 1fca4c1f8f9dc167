"""Datasets of HDF5 files that are filled piece by piece, and read back."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from dlc_common.files import replacing

_FRAMES_A_CHUNK = 1024
_OVERHEAD_BYTES = 2**21  # of names, trees and the schemas that NWB keeps in each file


class Part(NamedTuple):
    """Values of some frames."""

    dataset: str
    """Its name in the file."""
    values: np.ndarray
    """As it holds them."""
    axis: int = 0
    """That of the frames."""


@contextmanager
def replacing_hdf5(path: Path, values: int) -> Iterator[Path]:
    """Yield a temporary path as `replacing` does, for an HDF5 file, before which a full disk is found out.

    HDF5 itself may crash on one.

    Parameters
    ----------
    path : Path
        The file to write.
    values : int
        How many numbers it will hold.

    Yields
    ------
    Path
        For the block to write to.

    Raises
    ------
    UsersError
        When the system refuses to write, or will.
    """
    with replacing(path) as temporary:
        if shutil.disk_usage(path.parent).free < 8 * values + _OVERHEAD_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            yield temporary
        except RuntimeError as error:  # of h5py, which tells no number
            raise OSError(errno.EIO, f"HDF5 could not write ({error})") from error


def make_dataset(group: h5py.Group, name: str, shape: Sequence[int], axis: int = 0, dtype: str = "f8") -> h5py.Dataset:
    """Make a dataset that `fill` fills: compressed, with checksums, NaN until then.

    Parameters
    ----------
    group : h5py.Group
        Where it is made.
    name : str
        Its name.
    shape : sequence of int
        Its shape.
    axis : int
        That of the frames.
    dtype : str
        Type of its values.

    Returns
    -------
    h5py.Dataset
        Without values yet.
    """
    return group.create_dataset(
        name, tuple(shape), dtype, **storage(shape, axis), fillvalue=np.nan if dtype == "f8" else 0
    )


def storage(shape: Sequence[int], axis: int = 0) -> dict[str, Any]:
    """Return how a dataset of this shape is stored, see `make_dataset`."""
    chunks = [min(size, _FRAMES_A_CHUNK) if place == axis else size for place, size in enumerate(shape)]
    return {
        "chunks": tuple(max(size, 1) for size in chunks),
        "compression": "gzip",
        "compression_opts": 1,
        "shuffle": True,
        "fletcher32": True,
    }


def fill(path: Path, pieces: Iterable[tuple[int, Sequence[Part]]]) -> None:
    """Write frames at their places, and make sure that they are what is read back: on a full disk HDF5 is silent.

    Parameters
    ----------
    path : Path
        An HDF5 file with all datasets.
    pieces : iterable of (int, sequence of Part)
        Number of the first frame, and what is known of it and of those that follow it.

    Raises
    ------
    OSError
        When something else is read, or the system refuses to write.
    """
    written: dict[str, Any] = defaultdict(hashlib.blake2b)
    places: list[tuple[str, tuple[slice, ...]]] = []
    with h5py.File(path, "r+") as file:
        for first, parts in pieces:
            for name, values, axis in parts:
                place = (*[slice(None)] * axis, slice(first, first + values.shape[axis]))
                values = np.ascontiguousarray(values, dtype=file[name].dtype)
                file[name][place] = values
                written[name].update(values.tobytes())
                places.append((name, place))
    found: dict[str, Any] = defaultdict(hashlib.blake2b)
    with h5py.File(path, "r") as file:
        for name, place in places:
            found[name].update(file[name][place].tobytes())
    if any(found[name].digest() != digest.digest() for name, digest in written.items()):
        raise OSError(errno.EIO, "what was written is not what is read")
