"""News of the store for whoever listens: pages, by the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Listener = Callable[[str, dict[str, Any]], None]


class Events:
    """Calls everybody who listens; from any thread."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(kind, data)`` at all news from now on, until the callable returned is called."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return stop

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        """Tell all listeners.

        Parameters
        ----------
        kind : str
            ``labels``, ``project`` or ``job``.
        data : dict
            Plain values.
        """
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(kind, data)
