"""Checks of settings; each returns the value, or raises ValueError with what is accepted."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlc_common.accents import composed
from dlc_toolbox.measure.metrics import AUTO, Cutoff

Check = Callable[[Any], Any]

MOST_ENTRIES = 1000  # of a list; a mistyped range(...) must not take hours
BACKSLASH = r"in Python a backslash starts an escape: write / or r'...'"
_UNWRITABLE = r"[\x00-\x1f\x7f\ud800-\udfff]"  # characters that no file name or log can hold


def text(value: Any) -> str:
    """Return a text on one line, without what no file name or log can hold."""
    if not isinstance(value, str) or not value:
        raise ValueError("a text in quotes, on one line")
    if re.search(_UNWRITABLE, value):
        raise ValueError(f"a text that a file name can hold; {BACKSLASH}")
    return value


def path(value: Any) -> str:
    """Return a path, whose ~ is known."""
    try:
        Path(text(value)).expanduser()
    except RuntimeError:
        raise ValueError("a path; ~ must be followed by / or somebody's name") from None
    return value


def file_name(value: Any) -> str:
    """Return a name that may be part of a file name; raise ValueError with what is accepted."""
    if not isinstance(value, str) or not value.strip(". ") or re.search(rf'[\\/:*?"<>|]|{_UNWRITABLE}', value):
        raise ValueError('a text that can be part of a file name (without / \\ : * ? " < > |)')
    return value


def flag(value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def number(low: float, high: float = float("inf"), *, open_low: bool = False, open_high: bool = False) -> Check:
    """Return a check of a finite number between two bounds, which count unless open."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            raise ValueError("a finite number")
        if not (low < value if open_low else low <= value) or not (value < high if open_high else value <= high):
            least = f"above {low:g}" if open_low else f"of at least {low:g}"
            most = "" if high == float("inf") else f" and {'below' if open_high else 'at most'} {high:g}"
            percent = f" ({value:g} % is {value / 100:g})" if high == 1 and 1 < value <= 100 else ""
            raise ValueError(f"a number {least}{most}{percent}")
        return value

    return check


def cutoff(value: Any) -> Cutoff:
    """Return a likelihood, or `AUTO` for 'auto'."""
    if value == "auto":
        return AUTO
    try:
        return number(0, 1)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or 'auto': what the evaluation recommends for each body part") from None


def scale(value: Any) -> float | str:
    """Return a scale above 0 and at most 1, or 'auto'."""
    if value == "auto":
        return value
    try:
        return number(0, 1, open_low=True)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or 'auto': the smallest that costs no accuracy on the labeled images") from None


def whole(low: int, high: float = float("inf")) -> Check:
    """Return a check of a whole number between two bounds, which count."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(
                f"a whole number of at least {low}" if high == float("inf") else f"a whole number from {low} to {high}"
            )
        return value

    return check


def one_of(*accepted: Any) -> Check:
    """Return a check of a choice: as it is written, so that 1 is not True."""

    def check(value: Any) -> Any:
        if (type(value), value) not in [(type(choice), choice) for choice in accepted]:
            raise ValueError(f"one of {', '.join(map(repr, accepted))}")
        return value

    return check


def list_of(item: Check) -> Check:
    """Return a check of a list of different entries, each of which passes a check."""

    def check(value: Any) -> tuple:
        if isinstance(value, str | int | float):
            raise ValueError(f"a list, in brackets: [{value!r}]")
        if not isinstance(value, list | tuple | range) or not 0 < len(value) <= MOST_ENTRIES:
            raise ValueError(f"a list with at least one entry and at most {MOST_ENTRIES}, such as [...]")
        for position, entry in enumerate(value):
            try:
                item(entry)
            except ValueError as error:
                raise ValueError(f"a list whose every entry is {error} (entry {position + 1} is {entry!r})") from None
            if _alike(entry) in map(_alike, value[:position]):
                raise ValueError(f"a list without repeated entries ({entry!r} appears twice)")
        return tuple(value)

    return check


def _alike(entry: Any) -> Any:
    """Return what two entries have in common that look the same, whether or not accents are spelled apart."""
    return composed(entry) if isinstance(entry, str) else entry


def text_or_texts(value: Any) -> tuple[str, ...]:
    """Return a text, or a list of texts, as a list."""
    return (text(value),) if isinstance(value, str) else list_of(text)(value)


def suffix(value: Any) -> str:
    """Return a file suffix with its dot."""
    if not isinstance(value, str) or not re.fullmatch(r"\.?\w+", value):
        raise ValueError("a file suffix such as '.avi'")
    return value if value.startswith(".") else f".{value}"


def colormap(value: Any) -> str:
    """Return the name of a colormap."""
    from matplotlib import colormaps

    known = ["parts", *colormaps]  # the palette of `pictures.palette`, which is of no lower level
    if not isinstance(value, str) or value not in known:
        near = difflib.get_close_matches(str(value), known, n=1)
        such = f" such as {near[0]!r}" if near and near[0] != "parts" else ""
        raise ValueError(f"'parts' or the name of a matplotlib colormap{such}")
    return value


def speed(value: Any) -> float | None:
    """Return a speed above 0 and at most 1, or None."""
    try:
        return None if value is None else number(0, 1, open_low=True)(value)
    except ValueError:
        raise ValueError("None, or a speed above 0 and at most 1, such as 0.1 for ten times as slow") from None


def or_none(check: Check) -> Check:
    """Return a check that takes None too."""
    return lambda value: None if value is None else check(value)


_POINTS = "a list of points seen in several views, such as [['paw_top', 'paw_side'], ['nose_top', 'nose_side']]"


def points_in_views(value: Any) -> tuple[tuple[str, ...], ...]:
    """Return the body parts of each point, one a view."""
    if not isinstance(value, list | tuple) or not all(isinstance(point, list | tuple) for point in value):
        raise ValueError(_POINTS)
    names = [name for point in value for name in point]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(_POINTS)
    if len({max(len(point), 1) for point in value} | {1}) > 2 or any(len(point) < 2 for point in value):
        raise ValueError(f"{_POINTS}; each names one body part a view, of two views or more")
    if len(set(names)) < len(names):
        raise ValueError("a list of points in which no body part is named twice")
    return tuple(tuple(point) for point in value)


def pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Return pairs of different names."""
    if not isinstance(value, list | tuple) or not all(_is_pair(pair) for pair in value):
        raise ValueError("a list of pairs of different names, such as [['nose', 'paw'], ['paw', 'tail']]")
    return tuple((first, second) for first, second in value)


def _is_pair(value: Any) -> bool:
    """Tell two different texts."""
    is_two = isinstance(value, list | tuple) and len(value) == 2
    return is_two and all(isinstance(name, str) for name in value) and value[0] != value[1]


def odd(value: Any) -> int:
    """Return an odd number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or value % 2 == 0:
        raise ValueError("an odd whole number of at least 1")
    return value


def snapshot(*words: str) -> Callable[[Any], int | str]:
    """Return a check of which snapshot is meant."""

    def check(value: Any) -> int | str:
        if value not in words and (isinstance(value, bool) or not isinstance(value, int) or value < -1):
            raise ValueError(f"-1 (the last), a position counted from 0, or {' or '.join(map(repr, words))}")
        return value

    return check


def iterations(value: Any) -> int | None:
    """Return a number of iterations, or None."""
    if value is None:
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("None or a number of iterations")
    return value
