"""Write files so that a reader only ever sees the old or the new one, whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepercut import DeepercutError


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
