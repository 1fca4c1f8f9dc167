"""Names that a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return what ends a message about an unknown name: the nearest known one, small or capital; empty without any.

    Examples
    --------
    >>> did_you_mean("MAX_ITER", ["max_iters", "Task"])
    '; did you mean max_iters?'
    >>> did_you_mean("colour", ["Task"])
    ''
    """
    lowered = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name).lower(), lowered, n=1)
    return f"; did you mean {lowered[near[0]]}?" if near else ""
