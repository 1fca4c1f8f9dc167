"""What the trainer's scripts do around their work: log, one clear line for an error, exit code."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable

from deepercut import DeepercutError

log = logging.getLogger(__name__)


def run(main: Callable[[], object], interrupted: str) -> int:
    """Run a script's `main` and turn what happens into an exit code.

    Parameters
    ----------
    main : callable
        Takes the command line's arguments; with ``--verbose`` among them more is logged, and where an error came from.
    interrupted : str
        What to tell after Ctrl-C.

    Returns
    -------
    int
        0 done, 1 a problem in the user's data or settings, 130 interrupted.
    """
    verbose = "--verbose" in sys.argv
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr's are, where a console knows few characters
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format="%(message)s", stream=sys.stdout)
    for chatty in ("absl", "numexpr", "tensorflow"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        main()
    except KeyboardInterrupt:
        log.error("Interrupted. %s", interrupted)
        return 130
    except (DeepercutError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # no file of the user's: a defect of ours
        log.error("Error: %s", error, exc_info=verbose)
        return 1
    return 0


def whole_number(least: int) -> Callable[[str], int]:
    """Make what reads a flag's whole number; for `type` of ``add_argument``."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {2**31 - 1}")
        return int(text)

    return read
