"""Checks of settings; each returns the value, or raises ValueError with what is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
