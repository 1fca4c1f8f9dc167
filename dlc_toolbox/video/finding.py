"""The videos that settings and commands name, and what to say where they are not there."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from dlc_common.accents import as_spelled
from dlc_common.culprits import for_all
from dlc_common.images import refuse_undecodable
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import LABELED_VIDEO_ENDING

log = logging.getLogger(__name__)

_NAMED = 5  # files in messages


def find_videos(
    paths: Sequence[Path],
    videotype: str,
    advice: str = "",
    *,
    within: Callable[[Path, str], list[Path]] | None = None,
) -> list[Path]:
    """List the videos that files and folders name.

    Parameters
    ----------
    paths : sequence of Path
        A file is taken whatever its suffix; of a folder, its files with the suffix `videotype`, in alphabetical
        order. Labeled videos and hidden files in a folder are left out.
    videotype : str
        Suffix such as ``.avi``, in small or capital letters.
    advice : str
        What to do when nothing is found; ends the message.
    within : callable, optional
        ``within(folder, videotype)`` lists the videos of a folder; default `videos_in`.

    Returns
    -------
    list of Path
        Each video once, as absolute paths.

    Raises
    ------
    ToolboxError
        When a path does not exist, a name is not in UTF-8, nothing is found, or a labeled video is named as input.
    """
    refuse_undecodable(paths)
    found: dict[Path, Path] = {}
    again: list[Path] = []

    def look(path: Path) -> list[Path]:
        if not path.exists():
            raise ToolboxError(f"{path} does not exist{_beside(path)}. {advice}".rstrip())
        if path.is_file() and path.name.endswith(LABELED_VIDEO_ENDING):
            raise ToolboxError(f"{path} is a labeled video, made by MakingLabeledVideo.py; name the original instead")
        return [path] if path.is_file() else (within or videos_in)(path, videotype)

    named = [as_spelled(Path(path)) for path in paths]
    for video in chain(*for_all(look, [path.parent.resolve() / path.name for path in named])):  # a link keeps its name
        refuse_undecodable([video, video.resolve()])
        if found.setdefault(video.resolve(), video) != video:
            again.append(video)
    if not found:
        places = ", ".join(str(Path(path).resolve()) for path in paths)
        raise ToolboxError(
            f"{places}: no video with the suffix {videotype} (videotype) there"
            f"{suffixes_in(paths)}{_further_down(paths, videotype)}. {advice}".rstrip()
        )
    for video in again:
        log.warning("%s is left out: it is a link to the same file as %s", video, found[video.resolve()].name)
    return list(found.values())


def _beside(path: Path) -> str:
    """Name what lies where a file was looked for, of the same stem first (of a folder: that alone), for messages.

    Where its folder is missing, too, name the folders beside the first one that is.
    """
    if "\\" in str(path) and os.name != "nt":
        return "; folders are separated by / here, not by \\ as in Windows"
    if path.is_symlink():
        return f": it is a link to {path.readlink()}, which is not there"
    home = next(folder for folder in path.parents if folder.exists())
    if home.is_file():
        return f": {home} is a file, not a folder"
    there = [other for other in home.iterdir() if not other.name.startswith(".")]
    names = [other.name for other in there if path.suffix or other.stem == path.name]
    if home != path.parent:
        names = [other.name for other in there if other.is_dir()]
    names.sort(key=lambda name: (Path(name).stem != path.stem, name))
    more = ", ..." if len(names) > _NAMED else ""
    where = "there" if home == path.parent else f"in {home}"
    return f"; {where}: {', '.join(names[:_NAMED])}{more}" if names else ""


def suffixes_in(paths: Sequence[Path]) -> str:
    """Name the suffixes of the files in folders, to end a message; empty without any."""
    folders = [folder for folder in (Path(path).resolve() for path in paths) if folder.is_dir()]
    files = [file for folder in folders for file in folder.iterdir() if file.is_file()]
    found = Counter(file.suffix.lower() for file in files if file.suffix and not file.name.startswith("."))
    return f"; its files end in {', '.join(f'{suffix} ({n})' for suffix, n in found.most_common(6))}" if found else ""


def _further_down(paths: Sequence[Path], videotype: str) -> str:
    """Name the folders within folders that hold videos of this type, for messages; empty without any."""
    within = [child for path in paths if Path(path).is_dir() for child in Path(path).iterdir() if child.is_dir()]
    found = sorted(str(folder) for folder in within if videos_in(folder, videotype))
    return f"; but some are in {', '.join(found[:_NAMED])}: name these folders in the command" if found else ""


def videos_in(folder: Path, videotype: str) -> list[Path]:
    """List the files of one folder with the suffix `videotype`, without labeled videos and hidden files."""
    named = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() == videotype.lower()
        and not path.name.startswith(".")
        and not path.name.endswith(LABELED_VIDEO_ENDING)
    ]
    for path in named:
        if not path.exists():
            log.warning("%s is left out: it is a link to %s, which is not there", path, path.readlink())
    return [path for path in named if path.is_file()]
