"""Left and right twins among the body parts, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}


def partners(bodyparts: Sequence[str]) -> dict[str, str | None]:
    """Find the twin of each body part on the other side.

    Parameters
    ----------
    bodyparts : sequence of str
        Names.

    Returns
    -------
    dict of str to (str or None)
        The part whose name differs in left and right only, written out or as L and R, also in abbreviations such as LF
        (left front); numbers in the names may differ, as they do where all paws are counted. None where there is none,
        or more than one.

    Examples
    --------
    >>> partners(["leftEar", "rightEar", "nose", "paw2LF", "paw3RF"])
    {'leftEar': 'rightEar', 'rightEar': 'leftEar', 'nose': None, 'paw2LF': 'paw3RF', 'paw3RF': 'paw2LF'}
    """
    found = {part: _twin(part, bodyparts) for part in bodyparts}
    return {part: twin if twin is not None and found[twin] == part else None for part, twin in found.items()}


def _twin(part: str, bodyparts: Sequence[str]) -> str | None:
    """Return the only part that a name becomes with one side exchanged."""
    mirrored = list(_mirrored(part))
    exact = [name for name in mirrored if name in bodyparts]
    if exact:
        return exact[0]
    uncounted = {_uncounted(name) for name in mirrored}
    alike = [other for other in bodyparts if other != part and _uncounted(other) in uncounted]
    return alike[0] if len(alike) == 1 else None


def _mirrored(part: str) -> Iterator[str]:
    """Yield the names that a part's becomes when the word of a side is exchanged."""
    words = _WORD.findall(part)
    for place, word in enumerate(words):
        for other in _other_sides(word):
            yield "".join([*words[:place], other, *words[place + 1 :]])


def _other_sides(word: str) -> Iterator[str]:
    """Yield a word of the other side, in the same letter case."""
    if word.lower() in _SIDES:
        other = _SIDES[word.lower()]
        yield other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other
    elif word.lower().startswith(("left", "right")):
        side = "left" if word.lower().startswith("left") else "right"
        other = _SIDES[side]
        yield (other.capitalize() if word[0].isupper() else other) + word[len(side) :]
    elif word.isupper() and len(word) == 2:
        for place, letter in enumerate(word):
            if letter in "LR":
                yield word[:place] + _SIDES[letter.lower()].upper() + word[place + 1 :]


def _uncounted(name: str) -> str:
    """Return a name without its numbers."""
    return re.sub("[0-9]+", "", name)
