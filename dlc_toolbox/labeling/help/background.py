"""Work in processes of its own while a person labels on: progress, cancel, and what it said last."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.errors import BusyError
from dlc_toolbox.labeling.events import Events

log = logging.getLogger(__name__)

_LAST_LINES = 50
_PATIENCE_S = 10.0  # before a process that was asked to end is killed
_TOLD_EVERY_S = 0.2
_NICENESS = 10  # the page comes first


class Job:
    """One process that works in the background.

    It tells how far it is in lines of json, ``{"progress": 0.5, "message": "..."}``, on its standard output; everything
    else it says is its log.

    Parameters
    ----------
    kind : str
        What it does.
    command : sequence of str
        The program and its arguments.
    events : Events
        ``job`` is told there.
    """

    def __init__(self, kind: str, command: Sequence[str], events: Events):
        self.id, self.kind = secrets.token_hex(8), kind
        self._events, self._lock = events, threading.Lock()
        self._state, self._message = "running", "Starting"
        self._progress: float | None = None
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._told_at, self._is_cancelled = 0.0, False
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=os.name != "nt",
            )
        except OSError as error:
            raise ToolboxError(f"{command[0]} cannot be started: {error.strerror}") from error
        if os.name != "nt":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        self._follower = threading.Thread(target=self._follow, daemon=True, name=f"{kind} {self.id}")
        self._follower.start()

    @property
    def is_running(self) -> bool:
        """Whether it works still."""
        return self._state == "running"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        with self._lock:
            return {
                "id": self.id,
                "kind": self.kind,
                "state": self._state,
                "progress": self._progress,
                "message": self._message,
                "log": list(self._lines),
            }

    def cancel(self) -> None:
        """Ask it to end, and make it end when it does not."""
        if not self.is_running:
            return
        self._is_cancelled = True
        self._signal(signal.SIGTERM)
        killer = threading.Timer(_PATIENCE_S, self._kill)
        killer.daemon = True
        killer.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it has ended."""
        self._follower.join(timeout_s)

    def _follow(self) -> None:
        """Listen to it until it ends."""
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                self._hear(line.rstrip("\n"))
        code = self._process.wait()
        with self._lock:
            self._state = "done" if code == 0 else "cancelled" if self._is_cancelled else "failed"
            if self._state == "done":
                self._progress = 1.0
            elif self._state == "cancelled":
                self._message = "Cancelled"
            else:
                self._message = self._why_ended(code)
        self._events.publish("job", self.as_json())

    def _why_ended(self, code: int) -> str:
        """Return what a process that failed said last, unless it could say nothing."""
        if code < 0:
            return f"It was ended from outside (signal {-code}), as systems do when memory runs short"
        return next((said for said in reversed(self._lines) if said.strip()), f"It ended with {code}")

    def _hear(self, line: str) -> None:
        """Take in one line."""
        told = _progress_in(line)
        with self._lock:
            if told is None:
                self._lines.append(line)
            else:
                self._progress = told.get("progress", self._progress)
                self._message = str(told.get("message", self._message))
        if time.monotonic() - self._told_at > _TOLD_EVERY_S:
            self._told_at = time.monotonic()
            self._events.publish("job", self.as_json())

    def _kill(self) -> None:
        """End it without asking."""
        if self.is_running:
            self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _signal(self, number: int) -> None:
        """Signal the process and those that it started."""
        with contextlib.suppress(OSError):
            if os.name == "nt":
                self._process.terminate()
            else:
                os.killpg(self._process.pid, number)


class Jobs:
    """The work in the background, one at a time.

    Parameters
    ----------
    events : Events
        ``job`` is told there.
    """

    def __init__(self, events: Events):
        self._events, self._lock = events, threading.Lock()
        self._jobs: dict[str, Job] = {}

    @property
    def running(self) -> Job | None:
        """The one that works now."""
        return next((job for job in self._jobs.values() if job.is_running), None)

    def start(self, kind: str, command: Sequence[str]) -> Job:
        """Start a process.

        Parameters
        ----------
        kind : str
            What it does.
        command : sequence of str
            The program and its arguments.

        Raises
        ------
        BusyError
            When one works already.
        UsersError
            When it cannot be started.
        """
        with self._lock:
            if self.running is not None:
                raise BusyError("one job at a time: wait until the other one has ended, or cancel it")
            ended = [job for job in self._jobs.values() if job.kind == kind]
            for job in ended:  # the last one of each kind is remembered
                del self._jobs[job.id]
            job = Job(kind, command, self._events)
            self._jobs[job.id] = job
        self._events.publish("job", job.as_json())
        return job

    def cancel(self, id: str) -> Job:
        """Ask a process to end.

        Raises
        ------
        KeyError
            When there is no such job.
        """
        job = self._jobs[id]
        job.cancel()
        return job

    def as_json(self) -> list[dict[str, Any]]:
        """Return all as plain values, the newest last."""
        return [job.as_json() for job in list(self._jobs.values())]

    def close(self) -> None:
        """End whatever works, for good."""
        job = self.running
        if job is not None:
            job.cancel()
            job.wait(_PATIENCE_S + 1)


def _progress_in(line: str) -> dict[str, Any] | None:
    """Return what a line tells of the progress, None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    progress = told.get("progress")
    is_share = progress is None or (type(progress) in (int, float) and 0 <= progress <= 1)
    return told if {"progress", "message"} & set(told) and is_share else None
