"""What the notebooks share: they run the scripts in their own kernel and show the pictures."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from dlc_common.cli import CHECKOUT
from dlc_common.images import natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import Layout


def open_project(project: str | Path | None = None) -> Layout:
    """Return where everything of a project lies.

    Parameters
    ----------
    project : str or Path, optional
        Folder with myconfig.py and myconfig_analysis.py; default: the checkout.

    Returns
    -------
    Layout
        Its `root` is an absolute path.
    """
    return Layout(Path(project or CHECKOUT).expanduser().resolve())


def run_script(script: str, *arguments: object) -> None:
    """Run a script of the checkout as a command would, but in this process: interrupting the cell interrupts it.

    Parameters
    ----------
    script : str
        Its path in the checkout.
    *arguments
        As in the command, such as ``"--project", layout.root``.

    Raises
    ------
    ToolboxError
        When it ends with another exit code than 0. What was wrong stands in its log already.
    """
    path = CHECKOUT / script
    arguments_of_this_process = sys.argv
    sys.argv = [str(path), *map(str, arguments)]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise ToolboxError(f"{path.name} stopped (exit code {end.code}); its last line says why") from None
    finally:
        sys.argv = arguments_of_this_process


def show(*pictures: Path) -> None:
    """Show pictures below the cell, each under its path, in the order of the numbers in their names.

    Parameters
    ----------
    *pictures : Path
        png files.

    Raises
    ------
    ToolboxError
        When there is none, or one does not exist.
    """
    from IPython.display import Image, Markdown, display  # a notebook's kernel has it; the scripts do without

    missing = [str(picture) for picture in pictures if not picture.is_file()]
    if missing or not pictures:
        raise ToolboxError(f"there is no picture {', '.join(missing)} to show: did the cells above run to their end?")
    for picture in sorted(pictures, key=lambda path: natural_key(str(path))):
        display(Markdown(f"`{picture}`"), Image(filename=str(picture)))
