"""Write files so that a reader only ever sees the old or the new one, whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dlc_common import UsersError

_UNFINISHED = ".part-"  # begins the name of what is being written
_ABANDONED_S = 24 * 3600
_SEAL = b"\nsealed by blake2b "
_DIGEST_BYTES = 16
_BLOCK_BYTES = 1 << 20


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without an error.

    Parameters
    ----------
    path : Path
        The file to write. Its folder is created when missing.

    Yields
    ------
    Path
        A name in the same folder with the same suffixes (``.weights.h5``), for the block to write to.

    Raises
    ------
    UsersError
        When the system refuses to write (disk full, folder not writable).
    """
    path = Path(path)
    with naming_refusal(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path.parent)
        handle, name = tempfile.mkstemp(prefix=_UNFINISHED, suffix="".join(path.suffixes[-2:]), dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_if_changed(path: Path, content: bytes) -> None:
    """Write a file through `replacing`, unless it holds just this already; its folder may be read-only then.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        All that it shall hold.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path` that takes its place when the block ends without an error.

    Parameters
    ----------
    path : Path
        The folder to write. What stood there is deleted once the new one is in its place.

    Yields
    ------
    Path
        A folder on the same disk, for the block to fill.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    with naming_refusal(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path.parent)
        workplace = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=path.parent))
        temporary, retired = workplace / "new", workplace / "old"
        try:
            temporary.mkdir()
            yield temporary
            if path.exists():
                path.replace(retired)
            try:
                temporary.replace(path)
            except OSError:
                if retired.exists():
                    shutil.move(retired, path)  # by copying, where a program that has it open forbids renaming
                raise
        finally:
            if path.exists() or not retired.exists():  # the only copy is never deleted
                shutil.rmtree(workplace, ignore_errors=True)


@contextmanager
def naming_refusal(path: Path) -> Iterator[None]:
    """Say which file the system refuses to write; where blocks are nested, the innermost names it.

    Parameters
    ----------
    path : Path
        What the block writes.

    Raises
    ------
    UsersError
        When the block ends with an error of the system (disk full, folder not writable).
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # HDF5 tells it in pages of its own
        raise UsersError(
            f"{path} could not be written: {reason}. "
            "Free disk space or allow writing to that folder; what stood there before is unchanged."
        ) from error


@cache
def _clear(folder: Path) -> None:
    """Delete, once per run, what killed runs left half-written; nobody has touched it for a day."""
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        try:
            if time.time() - leftover.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        except OSError:
            continue  # another run was quicker


def seal(path: Path) -> None:
    """Append a checksum to a finished HDF5 file; its readers pass over what stands behind the end of the data.

    Parameters
    ----------
    path : Path
        The file.
    """
    digest = _digest_of(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(_SEAL + digest)


def sealed(content: bytes) -> bytes:
    """Return the content of an HDF5 file as `seal` leaves it."""
    return content + _SEAL + hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest().encode()


def is_broken(path: Path) -> bool:
    """Tell whether a file was damaged after `seal`; to be asked before the HDF5 library, which may crash, sees it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        Whether its checksum disagrees; False for a file without one.
    """
    size = path.stat().st_size - len(_SEAL) - 2 * _DIGEST_BYTES
    if size < 0:
        return False
    with path.open("rb") as file:
        file.seek(size)
        end = file.read()
    return end.startswith(_SEAL) and end[len(_SEAL) :] != _digest_of(path, size)


def _digest_of(path: Path, size: int) -> bytes:
    """Return the checksum that seals the first bytes of a file."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    with path.open("rb") as file:
        while block := file.read(min(_BLOCK_BYTES, size - file.tell())):
            digest.update(block)
    return digest.hexdigest().encode()


def _umask() -> int:
    """Return the permission bits the user's shell withholds from new files."""
    current = os.umask(0)
    os.umask(current)
    return current
