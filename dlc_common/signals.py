"""Signals that ask a process to end: SIGTERM, and the SIGHUP of a closed terminal, are answered as Ctrl-C is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

_KILLING = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows: no SIGHUP


@contextmanager
def ending_as_ctrl_c() -> Iterator[None]:
    """Within the block, let SIGTERM and a closed terminal raise KeyboardInterrupt, once.

    A signal that is ignored, as with nohup, or answered already is left alone.
    """
    with answered([number for number in _KILLING if signal.getsignal(number) is signal.SIG_DFL], _interrupt):
        yield


@contextmanager
def answered(numbers: Iterable[int], answer: Callable[..., object]) -> Iterator[None]:
    """Within the block, let signals call a function, where Python allows it: in the main thread.

    Parameters
    ----------
    numbers : iterable of int
        Which signals.
    answer : callable
        ``answer(number, frame)``.
    """
    is_main = threading.current_thread() is threading.main_thread()
    usual = {number: signal.signal(number, answer) for number in numbers} if is_main else {}
    try:
        yield
    finally:
        for number, before in usual.items():
            signal.signal(number, before)


def ending() -> list[signal.Signals]:
    """List the signals that end this process now, or interrupt it.

    Returns
    -------
    list of Signals
        Ctrl-C's, unless it is ignored, as in a script that goes on with ``&``; SIGTERM and SIGHUP where they kill, or
        do what Ctrl-C does.
    """
    interrupting = [signal.SIGINT] if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN else []
    return interrupting + [number for number in _KILLING if signal.getsignal(number) in (signal.SIG_DFL, _interrupt)]


def _interrupt(*_: object) -> None:
    """End at once; a closed terminal sends SIGHUP twice, and the second must not end what clears away."""
    for number in _KILLING:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
