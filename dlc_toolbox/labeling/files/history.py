"""Bytes of people's files before the page changed them."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from pathlib import Path

from dlc_common.files import replacing

log = logging.getLogger(__name__)


def now() -> str:
    """Return the time, UTC, as files and page tell it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class History:
    """Copies of the csv files of a folder of images, in ``.history/`` there.

    Parameters
    ----------
    folder : Path
        Folder of images.
    """

    def __init__(self, folder: Path):
        self._folder, self._place = folder, folder / ".history"
        self._kept: set[Path] = set()

    def keep_once(self, path: Path) -> None:
        """Keep a file's bytes before its first change in this visit.

        Raises
        ------
        UsersError
            When the system refuses to write: then nothing must be changed.
        """
        if path not in self._kept:
            if path.is_file():
                self.keep(path, path.read_bytes(), "before the visit")
            self._kept.add(path)

    def keep(self, path: Path, data: bytes, why: str) -> Path:
        """Keep bytes that stood, or would have stood, in a file.

        Parameters
        ----------
        path : Path
            The file.
        data : bytes
            Its content.
        why : str
            Part of the copy's name.

        Returns
        -------
        Path
            The copy, ``<time> <why> <file>``, in a folder of the scorer's where the file lies in one.

        Raises
        ------
        UsersError
            When the system refuses to write.
        """
        time = now().replace(":", "").replace("-", "")
        home = self._place / path.parent.relative_to(self._folder)
        copy = home / f"{time} {why} {path.name}"
        number = 1
        while copy.exists():
            number += 1
            copy = home / f"{time} {why} ({number}) {path.name}"
        with replacing(copy) as temporary:
            temporary.write_bytes(data)
        log.debug("%s: kept as %s", path, copy)
        return copy
