"""Names with accents, which macOS spells with letters and accents apart, and others as one letter."""

from __future__ import annotations

import unicodedata
from pathlib import Path


def composed(name: str) -> str:
    """Return a name with each accent and its letter as one, so that equal names are equal texts."""
    return unicodedata.normalize("NFC", name)


def as_spelled(path: Path) -> Path:
    """Return a path as its files and folders are spelled on the disk.

    Parameters
    ----------
    path : Path
        As a person typed it.

    Returns
    -------
    Path
        Of what is there under the very same name, or under one that differs in how accents are spelled; `path` itself
        when there is neither.
    """
    if str(path).isascii() or path.exists():
        return path
    folder, same = as_spelled(path.parent), composed(path.name)
    for likely in (same, unicodedata.normalize("NFD", same)):  # so that most are found without a look at all others
        if (folder / likely).exists():
            return folder / likely
    others = folder.iterdir() if folder.is_dir() else ()
    return next((other for other in others if composed(other.name) == same), path)
