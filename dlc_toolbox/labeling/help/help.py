"""Help from a network: which there is, and the commands that give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.help.background import Job, Jobs


@dataclass(frozen=True)
class HelpKind:
    """One kind of help, given by a process of its own.

    Parameters
    ----------
    command : callable
        ``command()`` returns the program and its arguments, see `background.Job` for what it says.
    why_not : callable
        ``why_not()`` returns why it cannot be had now, in a sentence, or None.
    """

    command: Callable[[], Sequence[str]]
    why_not: Callable[[], str | None]


@dataclass(frozen=True)
class Help:
    """All help that there is.

    Parameters
    ----------
    jobs : Jobs
        Where the processes run.
    kinds : mapping of str to HelpKind
        ``suggest`` and ``helper``, as far as they are there.
    describe : callable
        ``describe()`` returns what is known of the helper's network, ``{"iteration", "images"}``, or None.
    """

    jobs: Jobs
    kinds: Mapping[str, HelpKind] = field(default_factory=dict)
    describe: Callable[[], dict[str, Any] | None] = lambda: None

    def as_json(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        why_not_suggest, why_not_train = self.why_not("suggest"), self.why_not("helper")
        return {
            "can_suggest": why_not_suggest is None,
            "why_not_suggest": why_not_suggest,
            "can_train": why_not_train is None,
            "why_not_train": why_not_train,
            "helper": self.describe(),
            "jobs": self.jobs.as_json(),
        }

    def why_not(self, kind: str) -> str | None:
        """Say why a kind of help cannot be had now, None when it can."""
        if kind not in self.kinds:
            return "this help is not installed"
        try:
            return self.kinds[kind].why_not()
        except UsersError as error:
            return str(error)

    def start(self, kind: str) -> Job:
        """Start a kind of help.

        Raises
        ------
        BusyError
            When a job is running.
        UsersError
            When it cannot be had now.
        """
        reason = self.why_not(kind)
        if reason is not None and self.jobs.running is None:
            raise ToolboxError(reason)
        return self.jobs.start(kind, self.kinds[kind].command() if kind in self.kinds else [])
