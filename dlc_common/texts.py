"""Text files in the encodings of many systems: read where the encoding is certain, and else said."""

from __future__ import annotations

import codecs
from pathlib import Path

from dlc_common import UsersError

_ADVICE = "save it as UTF-8 (in Excel 'CSV UTF-8', in an editor 'Save with encoding')"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: Path) -> str:
    r"""Read a text in UTF-8, or in UTF-16 with its mark.

    In any other encoding a name could come out as another one, and nobody would see it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Without a byte order mark; line ends are ``\n``.

    Raises
    ------
    UsersError
        When it is in another encoding, with the first line that shows it.
    """
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsersError(
            f"{path} line {line} is not in UTF-8, so letters such as ä, é or ł cannot be told: {_ADVICE}"
        ) from error
    if text[:2].count("\0") == 1:
        raise UsersError(f"{path} is in UTF-16, but without the mark that tells so: {_ADVICE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")
