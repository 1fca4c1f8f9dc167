"""A system that refuses to write on, as a full disk does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import pytest


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file of this process become larger than so many bytes; skip where a system has no such limit."""
    resource = pytest.importorskip("resource", reason="no limits of files")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def open_hdf5_objects() -> int:
    """Count what HDF5 has open: what stays open of one file ends the process when another is closed."""
    return h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
