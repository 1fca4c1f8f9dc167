"""What the notebooks share: they run the scripts in their own kernel and show the pictures."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.cli import CHECKOUT
from dlc_common.images import natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.poses.trust import CONFIDENCE
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, confidence_table, pose_record
from dlc_toolbox.project.tables import bodyparts_of, points, read_table


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
        named = f" {', '.join(missing)}" if missing else ""
        raise ToolboxError(f"there is no picture{named} to show: did the cells above run to their end?")
    for picture in sorted(pictures, key=lambda path: natural_key(str(path))):
        display(Markdown(f"`{picture}`"), Image(filename=str(picture)))


def trust_in_networks(layout: Layout) -> pd.DataFrame:
    """Tell how far off the poses of the evaluated networks may be, part by part.

    Parameters
    ----------
    layout : Layout
        The project; Step 2 of the evaluation has learned it.

    Returns
    -------
    DataFrame of K rows
        For each network, and precision, the medians over its test images of expected error and radius of 90 %, in
        pixels; or one row that says where to read why nothing is known.
    """
    columns = {}
    for poses in layout.evaluation_tables():
        path = confidence_table(poses)
        if not path.is_file():
            continue
        table = read_table(path, CONFIDENCE)
        parts = bodyparts_of(table)
        found = points(table, parts, CONFIDENCE)[..., :2]
        if not np.isfinite(found).any():
            continue
        medians = np.nanmedian(found[np.isfinite(found).any(axis=(1, 2))], axis=0)  # over test images
        for name, of_parts in zip(("expected error (px)", "90 % within (px)"), medians.T, strict=True):
            columns[poses.stem, name] = pd.Series(of_parts, parts)
    if not columns:
        return pd.DataFrame({"not known, because": ["see the log of Step2_AnalysisofResults.py"]})
    return pd.DataFrame(columns)


def trust_in_video(table: Path) -> pd.DataFrame:
    """Tell how many poses of a video are expected to be near enough, part by part.

    Parameters
    ----------
    table : Path
        The pose table of the video.

    Returns
    -------
    DataFrame
        One row for each body part: in how many frames it is visible, and the share of these whose expected error is at
        most `wantederror` pixels; or one row that says why that is not known.
    """
    summary = records.read(pose_record(table)).get(
        "confidence", {"unknown": "the poses were found before it was learned"}
    )
    if "unknown" in summary:
        return pd.DataFrame({"not known, because": [summary["unknown"]]})
    rows = pd.DataFrame.from_dict(summary["parts"], orient="index")
    names = {"visible_frames": "visible in frames", "share_within": f"expected within {summary['wantederror']:g} px"}
    return rows.rename(columns=names)
