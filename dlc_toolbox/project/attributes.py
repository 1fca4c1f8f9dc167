"""HDF5 files before PyTables opens them: refused when they are damaged, or their attributes would run code."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import h5py
import numpy as np

from dlc_common.files import is_broken
from dlc_toolbox import ToolboxError

_ENCODINGS = ("ASCII", "latin1", "bytes")  # PyTables tries each in turn


def refuse_damage(path: Path) -> None:
    """Raise ToolboxError for an HDF5 file whose checksum disagrees."""
    if is_broken(path):
        raise ToolboxError(f"{path} is damaged, its checksum disagrees: make it again, or read its csv")


def refuse_code(path: Path) -> None:
    """Make sure that PyTables unpickles nothing but plain values while it reads a file.

    Parameters
    ----------
    path : Path
        An HDF5 file.

    Raises
    ------
    ToolboxError
        When an attribute or an object would run code, or a link leads out of the file.
    """
    with h5py.File(path, "r") as file:
        nodes: dict[str, h5py.Group | h5py.Dataset] = {"/": file}
        links: dict[str, object] = {}
        file.visititems(nodes.__setitem__)
        file.visititems_links(links.__setitem__)
        for name, node in nodes.items():
            _check_attributes(path, name, node)
        for name, link in links.items():
            _check_link(path, name, link)


def _check_link(path: Path, name: str, link: object) -> None:
    """Refuse a link out of the file, where unchecked attributes may lie."""
    if not isinstance(link, h5py.HardLink):
        raise ToolboxError(f"{path} is refused: {name} is a link to elsewhere, which no table has")


def _check_attributes(path: Path, name: str, node: h5py.Group | h5py.Dataset) -> None:
    """Refuse pickled objects in one node."""
    for key, value in node.attrs.items():
        if key == "PSEUDOATOM" and _as_bytes(value) == b"object":
            raise ToolboxError(f"{path} is refused: {name} holds pickled objects, which may carry code")
        if _as_bytes(value).endswith(b"."):
            _check_pickle(path, f"{name}.{key}", _as_bytes(value))


def _as_bytes(value: object) -> bytes:
    """Return an attribute's text as bytes; empty for anything that is no text."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else b""


class _PlainUnpickler(pickle.Unpickler):
    """Knows lists, tuples, dicts, texts and numbers, and nothing that has to be looked up by name."""

    def find_class(self, module: str, name: str) -> object:
        raise PermissionError(f"{module}.{name}")

    def persistent_load(self, pid: object) -> object:
        raise PermissionError(f"persistent object {pid!r}")


def _check_pickle(path: Path, name: str, pickled: bytes) -> None:
    """Refuse a pickle that asks for anything by name; a text that is no pickle at all is harmless."""
    for encoding in _ENCODINGS:
        try:
            _PlainUnpickler(io.BytesIO(pickled), encoding=encoding).load()
        except PermissionError as error:
            raise ToolboxError(
                f"{path} is refused: its attribute {name} would run code ({error}); no table needs that. "
                "Read it where you trust it and save it again as csv."
            ) from None
        except Exception:  # not a pickle: PyTables will keep the text
            continue
