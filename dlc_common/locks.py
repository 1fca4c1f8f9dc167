"""Locks between processes; the system takes them back when a process dies."""

from __future__ import annotations

import errno
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dlc_common import UsersError

log = logging.getLogger(__name__)

_POSITION = 2**62  # Windows locks a range of bytes: one far behind all that a file holds
_PAUSE_S = 0.1


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time do what stands in the block; the others wait, and say so.

    Parameters
    ----------
    path : Path
        A file that stands for the work, such as the settings of a project; it is not changed.
    """
    with path.open("rb") as file:
        if not try_lock(file):
            log.info("Waiting for another process that works with %s", path)
            while not try_lock(file):
                time.sleep(_PAUSE_S)
        yield


@contextmanager
def alone_or_refused(path: Path, advice: str) -> Iterator[None]:
    """Keep every other process out of what a file stands for until the block ends, or this process dies.

    Parameters
    ----------
    path : Path
        The file; it is not changed.
    advice : str
        What to do when another process is there; ends the message.

    Raises
    ------
    UsersError
        When another process is there. Network drives without locks keep nobody out.
    """
    with path.open("rb") as file:
        if not try_lock(file):
            raise UsersError(f"another process works with {path}: {advice}")
        yield


def try_lock(file: BinaryIO) -> bool:
    """Lock an open file for this process until it is closed.

    Parameters
    ----------
    file : BinaryIO
        The file.

    Returns
    -------
    bool
        False when another process holds it. True also where there are no locks, as on some network drives; there
        nobody is kept out.
    """
    return lock(file) is not False


def lock(file: BinaryIO) -> bool | None:
    """Lock an open file as `try_lock`.

    Parameters
    ----------
    file : BinaryIO
        The file.

    Returns
    -------
    bool or None
        False when another process holds it, None where there are no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_POSITION)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK} else None
    return True
