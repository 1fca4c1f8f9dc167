"""One process at a time writes the labels of a scorer; others look on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import BinaryIO

from dlc_common.locks import lock

log = logging.getLogger(__name__)


class Writer:
    """The right to write the labels of one scorer in all folders of a project.

    Parameters
    ----------
    data_folder : Path
        Folder with one sub-folder per video.
    scorer : str
        Whose labels.

    Attributes
    ----------
    why_not : str or None
        Why this process may not write.
    has_locks : bool
        Whether the system keeps others out.
    """

    def __init__(self, data_folder: Path, scorer: str):
        self._path = data_folder / f".labeling-{scorer}.lock"
        self._scorer = scorer
        self._file: BinaryIO | None = None
        self.why_not: str | None = None
        self.has_locks = True
        self.try_again()

    def try_again(self) -> bool:
        """Take the right if it is free; return whether this process has it."""
        if self._file is not None:
            return True
        try:
            file = self._path.open("ab")
        except OSError as error:
            self.why_not = (
                f"{self._path.parent} cannot be written to ({error.strerror}): labels are shown, but none can be saved"
            )
            return False
        taken = lock(file)
        if taken is False:
            file.close()
            self.why_not = (
                f"another LabelFrames.py writes the labels of {self._scorer}: here they are shown, and can be changed "
                "as soon as the other one ends"
            )
            return False
        self._file, self.why_not, self.has_locks = file, None, taken is not None
        return True

    def close(self) -> None:
        """Give the right back."""
        if self._file is not None:
            self._file.close()
            self._file = None
