"""Datasets of HDF5 files that are filled piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from dlc_common.hdf5 import writing_hdf5

_FRAMES_A_CHUNK = 1024


class Part(NamedTuple):
    """Values of some frames."""

    dataset: str
    """Its name in the file."""
    values: np.ndarray
    """As it holds them."""
    axis: int = 0
    """That of the frames."""


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
    """Write frames at their places, each piece on its own, so that a full disk is told at the first that finds no room.

    Parameters
    ----------
    path : Path
        An HDF5 file with all datasets.
    pieces : iterable of (int, sequence of Part)
        Number of the first frame, and what is known of it and of those that follow it.

    Raises
    ------
    OSError
        When the system refuses to write.
    """
    for first, parts in pieces:
        with writing_hdf5(path, "r+") as file:
            for name, values, axis in parts:
                place = (*[slice(None)] * axis, slice(first, first + values.shape[axis]))
                file[name][place] = values
