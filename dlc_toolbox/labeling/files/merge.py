"""What to make of a label file that another program has saved over ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = tuple[float, float] | str | None
"""Where a part is, `NOT_VISIBLE`, or None: nobody has said."""

NOT_VISIBLE = "not visible"


@dataclass(frozen=True)
class Conflict:
    """Both sides changed a label.

    Parameters
    ----------
    yours, theirs : Value
        What the page and what the other program made of it.
    """

    yours: Value
    theirs: Value


def merge_part(base: Value, yours: Value, theirs: Value) -> tuple[Value, Conflict | None]:
    """Merge one label.

    Parameters
    ----------
    base : Value
        What both sides began with.
    yours : Value
        What the page has made of it.
    theirs : Value
        What the other program has saved; None where its file has no such click.

    Returns
    -------
    Value
        What is to stand in the file. What only one side touched is taken, and theirs where both did. A click that
        theirs lacks stays all the same: Fiji saves what its list of results holds, which is often less than the file
        held.
    Conflict or None
        What to show to a person: both touched it, or theirs lacks it.

    Examples
    --------
    >>> merge_part(base=None, yours=(3.0, 4.0), theirs=None)
    ((3.0, 4.0), None)
    >>> merge_part(base=(1.0, 1.0), yours=(1.0, 1.0), theirs=(2.0, 1.0))
    ((2.0, 1.0), None)
    >>> merge_part(base=(1.0, 1.0), yours=(3.0, 4.0), theirs=(2.0, 1.0))
    ((2.0, 1.0), Conflict(yours=(3.0, 4.0), theirs=(2.0, 1.0)))
    """
    if theirs in (base, yours):
        return yours, None
    if theirs is None:
        return yours, Conflict(yours, theirs) if isinstance(yours, tuple) else None
    return theirs, None if yours == base else Conflict(yours, theirs)


def merge_image(
    base: Mapping[str, Value], yours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> tuple[dict[str, Value], dict[str, Conflict]]:
    """Merge the labels of one image, part by part; see `merge_part`.

    Parameters
    ----------
    base, yours, theirs : mapping of str to Value
        By body part; one that is absent is None.

    Returns
    -------
    dict of str to Value
        What is to stand in the files.
    dict of str to Conflict
        What to show.
    """
    merged, conflicts = {}, {}
    for part in dict.fromkeys([*base, *yours, *theirs]):
        merged[part], conflict = merge_part(base.get(part), yours.get(part), theirs.get(part))
        if conflict is not None:
            conflicts[part] = conflict
    return merged, conflicts
