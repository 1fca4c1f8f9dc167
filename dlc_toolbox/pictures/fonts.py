"""Names in any script: each is drawn with fonts that have its letters, or it is said once that there is none."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from warnings import catch_warnings, filterwarnings

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from matplotlib.text import Text

log = logging.getLogger(__name__)

_OWN = "DejaVu Sans"  # comes with matplotlib
_EMPTY_BOXES = "Last Resort"  # begins the name of a font that has a box for every letter
_DRAWS_RIGHT_TO_LEFT = (3, 11)  # of matplotlib


@contextmanager
def readable(figure: Figure) -> Iterator[None]:
    """Give every text of a figure fonts that have its letters, before the block draws it.

    Parameters
    ----------
    figure : Figure
        Complete; its texts are changed.
    """
    for text in figure.findobj(Text):
        if not text.get_text().isascii():
            text.set_fontfamily([_OWN, *fonts_for(text.get_text())])
    with catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from font")  # `fonts_for` has said it
        yield


@cache
def fonts_for(text: str) -> tuple[str, ...]:
    """Choose fonts, among those of this computer, for the letters that matplotlib's own font lacks.

    What cannot be drawn is said in the log, once for each text.

    Parameters
    ----------
    text : str
        Such as the name of a body part.

    Returns
    -------
    tuple of str
        Families of fonts, as few as serve; empty where the own font has all.

    Examples
    --------
    >>> fonts_for("Schnäuzchen, μύτη")
    ()
    """
    missing = {letter for letter in text if letter.isprintable()} - _letters(_OWN)
    chosen = []
    for family in _families() if missing else ():
        if missing & _letters(family):
            chosen.append(family)
            missing -= _letters(family)
        if not missing:
            break
    if missing:
        log.warning(
            "%r cannot be drawn whole: no font of this computer has %s. Install one that has, such as Noto Sans",
            text,
            " ".join(sorted(missing)),
        )
    if matplotlib.__version_info__ < _DRAWS_RIGHT_TO_LEFT and {"R", "AL"} & set(map(unicodedata.bidirectional, text)):
        log.warning(
            "%r is drawn from left to right: matplotlib %s, of Python 3.11 or later, draws it as it is read",
            text,
            ".".join(map(str, _DRAWS_RIGHT_TO_LEFT)),
        )
    return tuple(chosen)


@cache
def _families() -> dict[str, str]:
    """Return a file of each family of fonts on this computer, those without serifs first."""
    upright = [font for font in fontManager.ttflist if font.style == "normal" and font.weight in (400, "normal")]
    files = {font.name: font.fname for font in upright if not font.name.startswith(_EMPTY_BOXES)}
    return dict(sorted(files.items(), key=lambda entry: ("Sans" not in entry[0], "Mono" in entry[0], entry[0])))


@cache
def _letters(family: str) -> frozenset[str]:
    """Return the letters that a font has."""
    return frozenset(map(chr, get_font(_families()[family]).get_charmap()))
