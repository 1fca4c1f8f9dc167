"""What every numbered script does around its work: flags, log, one clear line for an error, exit code."""

from __future__ import annotations

import argparse
import logging
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dlc_common import in_words, is_users_error

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder of the scripts; also the project, where no other is named."""

log = logging.getLogger(__name__)

_CHATTY = ("matplotlib", "PIL", "imageio", "h5py", "tensorflow", "jax", "libav", "absl", "numexpr")
_GOES_ON = "What was finished is saved; the same command goes on from there."


def make_parser(doc: str, *, overwrites: bool = True, videos: str = "") -> argparse.ArgumentParser:
    """Make the parser that all scripts share: ``--project``, ``--overwrite``, ``--verbose``.

    Parameters
    ----------
    doc : str
        The script's docstring, shown by ``--help``.
    overwrites : bool
        Whether the script has something to do again, so that it takes ``--overwrite``.
    videos : str
        The setting that says which videos the script works on, if any; it takes names of videos in its place.

    Returns
    -------
    argparse.ArgumentParser
        Ready for flags of the script's own.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--project",
        type=_folder,
        default=CHECKOUT,
        metavar="DIR",
        help="folder with myconfig.py and myconfig_analysis.py (default: this checkout)",
    )
    if overwrites:
        parser.add_argument("--overwrite", action="store_true", help="do again what is current")
    if videos:
        parser.add_argument("videos", nargs="*", type=path, help=f"files or folders, instead of {videos}")
    parser.add_argument("--verbose", action="store_true", help="debug log; traceback on error")
    return parser


def path(text: str) -> Path:
    """Read a flag's file or folder; for `type` of ``add_argument``."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~somebody whom the system does not know
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def _folder(text: str) -> Path:
    """Read a flag's folder, which may be missing but is no file."""
    folder = path(text).resolve()
    if folder.is_file():
        raise argparse.ArgumentTypeError(f"{folder} is a file, not a folder")
    return folder


def whole_number(least: int = 0) -> Callable[[str], int]:
    """Make what reads a flag's whole number; for `type` of ``add_argument``.

    Parameters
    ----------
    least : int
        The least that is accepted; the most is 2**31 - 1.

    Returns
    -------
    callable
        From the text of the flag to its number.
    """

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {2**31 - 1}")
        return int(text)

    return read


def choices(*known: str) -> Callable[[str], list[str]]:
    """Make what reads a flag's names with commas between them; for `type` of ``add_argument``.

    Parameters
    ----------
    *known : str
        The names that are accepted.

    Returns
    -------
    callable
        From the text of the flag to its names, each once.
    """

    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return list(dict.fromkeys(names))

    return read


def number(text: str) -> float:
    """Read a flag's number, finite and not negative; for `type` of ``add_argument``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")
    return value


def command(project: Path, script: str, *arguments: str) -> str:
    """Return the command line, good in any directory, that runs a script of the checkout on a project.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    script : str
        The script, relative to the checkout.
    *arguments : str
        What follows it.

    Returns
    -------
    str
        To be pasted into a shell.
    """
    flag = [] if project == CHECKOUT else ["--project", str(project)]
    return shell_line(["python3", str(CHECKOUT / script), *arguments, *flag])


def shell_line(words: Sequence[str]) -> str:
    """Return the words of a command as they are pasted into the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def run(
    main: Callable[[Sequence[str] | None], object], argv: Sequence[str] | None = None, *, interrupted: str = ""
) -> int:
    """Run a script's `main` and turn what happens into an exit code.

    Parameters
    ----------
    main : callable
        ``main(argv)``; what it returns is ignored unless it is an int (an exit code of its own).
    argv : sequence of str, optional
        Arguments; default the command line's.
    interrupted : str
        What to tell after Ctrl-C; by default what the KeyboardInterrupt says, or that what was finished is saved.

    Returns
    -------
    int
        0 done, 1 a problem in the user's data or settings, 130 interrupted. Wrong usage exits with 2 by itself.
    """
    verbose = "--verbose" in (sys.argv if argv is None else argv)
    _set_up_log(verbose)
    try:
        code = main(argv)
    except KeyboardInterrupt as interrupt:
        log.warning("interrupted. %s", interrupted or str(interrupt) or _GOES_ON)
        return 130
    except Exception as error:
        if not is_users_error(error):
            raise
        log.error("%s", in_words(error), exc_info=verbose)
        return 1
    return code if isinstance(code, int) else 0


def _set_up_log(verbose: bool) -> None:
    """Send the log to stdout, and warnings and errors, which begin with what they are, to stderr.

    A log that is kept apart from stderr, in a file or a pipe, is complete: it has warnings and errors, too.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr's are, where a console knows few characters
    news, trouble = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    if not _is_kept_apart():
        news.addFilter(lambda record: record.levelno < logging.WARNING)
    trouble.setLevel(logging.WARNING)
    for handler in (news, trouble):
        handler.setFormatter(_Labeled("%(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[news, trouble], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _is_kept_apart() -> bool:
    """Tell whether stdout leads elsewhere than stderr, and not into a notebook or an IDE, which shows both."""
    out, err = sys.__stdout__, sys.__stderr__
    if out is None or err is None or sys.stdout is not out or sys.stderr is not err:  # None: no console at all
        return False
    try:
        return not os.path.samestat(os.fstat(out.fileno()), os.fstat(err.fileno()))
    except (OSError, ValueError):  # closed
        return False


class _Labeled(logging.Formatter):
    """Begins what is wrong with 'Warning: ' or 'Error: '."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines with a traceback."""
        text = super().format(record)
        return text if record.levelno < logging.WARNING else f"{record.levelname.capitalize()}: {text}"
