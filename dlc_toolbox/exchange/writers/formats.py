"""The formats in which poses are written for other programs, and the one way to write them."""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers import deeplabcut, movement, nwb, seconds, sleap
from dlc_toolbox.exchange.writers.poses import Poses
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import deeplabcut_folder, export_record, video_stem

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Format:
    """One format.

    Parameters
    ----------
    files : callable
        ``files(poses, folder)`` names the files for a video.
    write : callable
        ``write(poses, files)`` writes them.
    opens : str
        How the other program opens them; `{file}` is the first of them, `{video}` the video.
    check : callable, optional
        ``check(poses, folder)`` raises ToolboxError where the format cannot hold these poses.
    packages : tuple of str
        What must be installed beyond what the toolbox needs.
    extra : str
        Name of the optional dependencies that hold them.
    shaping : callable
        ``shaping(poses)`` gathers what goes along beyond poses, errors and times, as `records` compares it.
    folder : callable, optional
        ``folder(video)`` is where the files go by default; otherwise beside the video.
    """

    files: Callable[[Poses, Path], list[Path]]
    write: Callable[[Poses, Sequence[Path]], None]
    opens: str
    check: Callable[[Poses, Path], None] | None = None
    packages: tuple[str, ...] = ()
    extra: str = ""
    shaping: Callable[[Poses], dict[str, Any]] = lambda poses: {}
    folder: Callable[[Path], Path] = lambda video: video.parent


FORMATS = {
    "csv": Format(seconds.files, seconds.write, "pandas.read_csv({file!r}), R, MATLAB or a spreadsheet"),
    "movement": Format(movement.files, movement.write, "xarray.open_dataset({file!r})"),
    "sleap": Format(sleap.files, sleap.write, "sleap_io.load_analysis_h5({file!r})", shaping=sleap.shaping),
    "nwb": Format(
        *(nwb.files, nwb.write, "pynwb.NWBHDF5IO({file!r}, 'r').read()", nwb.check),
        packages=("pynwb", "ndx_pose"),
        extra="nwb",
        shaping=nwb.shaping,
    ),
    "deeplabcut": Format(
        deeplabcut.files,
        deeplabcut.write,
        "deeplabcut.create_labeled_video('config.yaml', [{video!r}], destfolder={folder!r})",
        deeplabcut.check,
        folder=deeplabcut_folder,
    ),
}
"""By the names that ``--to`` takes."""


def check_formats(formats: Sequence[str], videos: Sequence[Path], into: Path | None) -> None:
    """Make sure, before any work, that formats can be written and that no two videos get files of one name.

    Parameters
    ----------
    formats : sequence of str
        Names in `FORMATS`.
    videos : sequence of Path
        The videos.
    into : Path or None
        The one folder for all files.

    Raises
    ------
    ToolboxError
        When a package is missing, or two videos have one name.
    """
    for name in formats:
        if missing := [package for package in FORMATS[name].packages if importlib.util.find_spec(package) is None]:
            raise ToolboxError(
                f"--to {name} needs {' and '.join(missing)}; install once, in the DeepLabCut folder: pip install -e "
                f'".[{FORMATS[name].extra}]"'
            )
    twice = [stem for stem, count in Counter(video_stem(video) for video in videos).items() if count > 1]
    if into and twice:
        raise ToolboxError(f"--into {into}: several videos are named {twice[0]}, whose files would replace each other")


def export_poses(poses: Poses, name: str, into: Path | None = None, *, overwrite: bool = False) -> list[Path]:
    """Write the poses of a video in one format, unless that is current.

    Parameters
    ----------
    poses : Poses
        As `poses.gather` finds them.
    name : str
        In `FORMATS`.
    into : Path, optional
        Folder for the files.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UsersError
        When the format cannot hold these poses, a table is damaged, or the system refuses to write.
    """
    chosen = FORMATS[name]
    folder = into or chosen.folder(poses.video)
    if chosen.check:
        chosen.check(poses, folder)
    files = chosen.files(poses, folder)
    made_from = records.describe(poses.inputs, {"fps": poses.clock.fps, **chosen.shaping(poses)})
    output = records.Output(files[0].name, export_record(files[0]), files, made_from)
    if not output.is_current(overwrite):
        if len(files) > 1 or output.record.exists():
            output.start()
        chosen.write(poses, files)
        output.write_record()
        log.info(
            "%s: %d frames of %d body parts; wrote %s", poses.video.name, poses.frames, len(poses.bodyparts), files[0]
        )
    return files


def how_to_open(poses: Poses, name: str, files: Sequence[Path]) -> str:
    """Tell how the other program opens what was written."""
    return FORMATS[name].opens.format(file=str(files[0]), folder=str(files[0].parent), video=str(poses.video))
