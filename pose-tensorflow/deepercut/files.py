"""Write files and folders so that a reader only ever sees the old or the new one, whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepercut import DeepercutError

_SEAL = b"\nsealed by blake2b "
_DIGEST_BYTES = 16


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without an error.

    Parameters
    ----------
    path : Path
        The file to write.

    Yields
    ------
    Path
        A name in the same folder with the same suffixes, for the block to write to.

    Raises
    ------
    DeepercutError
        When the system refuses to write (disk full, folder not writable).
    """
    temporary = path.with_name(f".part-{path.name}")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise DeepercutError(
            f"{path} cannot be written: {reason}. Free disk space or allow writing there; what stood there is unchanged"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(path: Path, advice: str) -> Iterator[None]:
    """Keep every other process out of what a file stands for until the block ends, or this process dies.

    Parameters
    ----------
    path : Path
        The file; it is not changed.
    advice : str
        What to do when another process is there; ends the message.

    Raises
    ------
    DeepercutError
        When another process is there. Network drives without locks keep nobody out.
    """
    with path.open("rb") as file:
        try:
            if os.name == "nt":
                import msvcrt

                file.seek(2**62)  # a byte is locked, which must be none of the file's
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}:
                raise DeepercutError(f"another process works with {path}: {advice}") from None
        yield


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` when the block ends without an error.

    Parameters
    ----------
    folder : Path
        May exist; what it holds is lost only when the new one is complete. Folders above it are made.

    Yields
    ------
    Path
        A folder of the same name elsewhere on the same disk, for the block to fill.

    Raises
    ------
    DeepercutError
        When the system refuses to write (disk full, folder not writable).
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
            new = Path(temporary) / folder.name
            new.mkdir()
            yield new
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise DeepercutError(f"{folder} cannot be written: {reason}. Free disk space or allow writing there") from error


def seal(path: Path) -> None:
    """Append a checksum to a finished HDF5 file; its readers pass over what stands behind the end of the data.

    Parameters
    ----------
    path : Path
        The file.
    """
    digest = _digest(path.read_bytes())
    with path.open("ab") as file:
        file.write(_SEAL + digest)


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
    content = memoryview(path.read_bytes())
    length = len(_SEAL) + 2 * _DIGEST_BYTES
    found, end = content[:-length], bytes(content[-length:])
    return end.startswith(_SEAL) and end[len(_SEAL) :] != _digest(found)


def _digest(content: bytes | memoryview) -> bytes:
    """Return the checksum that seals a content."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest().encode()
