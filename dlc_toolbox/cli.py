"""What every numbered script does around its work: flags, log, one clear line for an error, exit code."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dlc_toolbox import is_users_error
from dlc_toolbox.layout import CHECKOUT, Layout

log = logging.getLogger("dlc_toolbox")


def make_parser(doc: str, *, overwrites: bool = True, videos: bool = False) -> argparse.ArgumentParser:
    """Make the parser that all scripts share: ``--project``, ``--overwrite``, ``--verbose``.

    Parameters
    ----------
    doc : str
        The script's docstring, shown by ``--help``.
    overwrites : bool
        Whether the script has something to do again, so that it takes ``--overwrite``.
    videos : bool
        Whether the script works on videos, so that it takes their names.

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
        parser.add_argument("videos", nargs="*", type=Path, help="files or folders, instead of videofolder")
    parser.add_argument("--verbose", action="store_true", help="debug log; traceback on error")
    return parser


def layout_of(args: argparse.Namespace) -> Layout:
    """Return the layout of the project that the flags name."""
    return Layout(args.project)


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


def natural_number(text: str) -> int:
    """Read a flag's whole number of at least 0; for `type` of ``add_argument``."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def command(layout: Layout, script: str) -> str:
    """Return the command line, good in any directory, that runs a script of the checkout on a project."""
    project = [] if layout.root == CHECKOUT else ["--project", str(layout.root)]
    return shell_line(["python3", str(CHECKOUT / script), *project])


def shell_line(words: Sequence[str]) -> str:
    """Return the words of a command as they are pasted into the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def run(main: Callable[[Sequence[str] | None], object], argv: Sequence[str] | None = None) -> int:
    """Run a script's `main` and turn what happens into an exit code.

    Parameters
    ----------
    main : callable
        ``main(argv)``; what it returns is ignored unless it is an int (an exit code of its own).
    argv : sequence of str, optional
        Arguments; default the command line's.

    Returns
    -------
    int
        0 done, 1 a problem in the user's data or settings, 130 interrupted. Wrong usage exits with 2 by itself.
    """
    verbose = "--verbose" in (sys.argv if argv is None else argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr's are, where a console knows few characters
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(message)s", stream=sys.stdout, force=True
    )
    for chatty in ("matplotlib", "PIL", "h5py", "tensorflow", "jax", "libav", "absl", "numexpr"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        code = main(argv)
    except KeyboardInterrupt:
        log.error("Interrupted. What was finished is saved; the same command goes on from there.")
        return 130
    except Exception as error:
        if not is_users_error(error):
            raise
        log.error("Error: %s", error, exc_info=verbose)
        return 1
    return code if isinstance(code, int) else 0
