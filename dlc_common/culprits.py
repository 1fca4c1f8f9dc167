"""Work on many things, and tell all that is wrong with them at once, so that all can be mended before the next run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from dlc_common import UsersError

_SHOWN = 5  # told one by one
_CLAUSE = re.compile(r"(?<=[.:;] )")

Item = TypeVar("Item")
Result = TypeVar("Result")


class SeveralError(UsersError):
    """Problems of several things, in one message, in which the same advice is given once."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        told = [f"({number}) {problem}" for number, problem in enumerate(_once(problems[:_SHOWN]), 1)]
        super().__init__(f"{len(problems)} problems: {in_short(told + problems[_SHOWN:], separator='; ')}")


def _once(problems: Sequence[str]) -> Iterator[str]:
    """Yield problems without the last clauses that an earlier one ends with, too: it is the advice for both."""
    ends = set[tuple[str, ...]]()
    for problem in problems:
        clauses = _CLAUSE.split(problem.rstrip(". "))
        said = next((n for n in range(1, len(clauses)) if tuple(clauses[n:]) in ends), len(clauses))
        ends |= {tuple(clauses[n:]) for n in range(1, len(clauses))}
        yield "".join(clauses[:said]).rstrip(" .:;")


def in_short(names: Sequence[str], most: int = _SHOWN, separator: str = ", ") -> str:
    """Join names or problems, at most some of them, and say how many more there are.

    Examples
    --------
    >>> in_short(["a", "b", "c"], most=2), in_short(["a", "b", "c"], most=2, separator="; ")
    ('a, b and 1 more', 'a; b; and 1 more')
    """
    joint = " and" if separator == ", " else f"{separator}and"
    more = f"{joint} {len(names) - most} more" if len(names) > most else ""
    return separator.join(names[:most]) + more


def for_all(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Work on every item.

    Parameters
    ----------
    work : callable
        ``work(item)``.
    items : iterable
        What to work on.

    Returns
    -------
    list
        What `work` returned, in the order of the items.

    Raises
    ------
    UsersError
        After all items: what `work` raised for one of them, or, for several, one error that tells every problem, at
        most the first 5 in full.

    Examples
    --------
    >>> for_all(len, ["nose", "paw"])
    [4, 3]
    """
    results, errors = [], list[UsersError]()
    for item in items:
        try:
            results.append(work(item))
        except UsersError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        told = [problem for error in errors for problem in getattr(error, "problems", [str(error)])]
        raise SeveralError(told) from errors[0]
    return results
