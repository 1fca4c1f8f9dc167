"""Which program a file or folder is from, told by what it holds; the one list of what can be imported."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.kinds import kind_of
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers import coco, cvat, deeplabcut, label_studio, nwb, poses, sleap, sleap_analysis, tables
from dlc_toolbox.exchange.readers.found import Found, LeftOut
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.exchange.readers.turned import as_stored
from dlc_toolbox.exchange.readers.videos import with_videos
from dlc_toolbox.project.tables import split_key

log = logging.getLogger(__name__)


class Reader(NamedTuple):
    """How one format is recognised and read."""

    kind: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], Found]


READERS = (
    Reader(tables.FOLDER, tables.is_lightning_folder, tables.read_lightning_folder),
    Reader(deeplabcut.KIND, deeplabcut.is_project, deeplabcut.read_project),
    Reader(sleap.KIND, sleap.is_sleap, sleap.read_sleap),
    Reader(sleap_analysis.KIND, sleap_analysis.is_analysis, sleap_analysis.read_analysis),
    Reader(nwb.KIND, nwb.is_nwb, nwb.read_nwb),
    Reader(poses.KIND, poses.is_poses, poses.read_frames),
    Reader(tables.MACHINE, tables.is_machine_table, tables.read_label_table),
    Reader(tables.TABLE, tables.is_table, tables.read_label_table),
    Reader(coco.KIND, coco.is_coco, coco.read_coco),
    Reader(label_studio.KIND, label_studio.is_label_studio, label_studio.read_label_studio),
    Reader(cvat.KIND, cvat.is_cvat, cvat.read_cvat),
)
"""The first one that recognises a source reads it."""

_ENDINGS = (".slp", ".nwb", ".json", ".xml")  # of files in a folder that may be meant by it
_HOME = ("", "data-*/", "Generating_a_Training_Set/data-*/")  # where projects like this one keep label tables
_WHAT_IS_READ = (
    "projects of DeepLabCut 2 and 3, label tables (csv, h5) of DeepLabCut and lightning-pose, projects of SLEAP, "
    "keypoints in the json of COCO, exports of CVAT (for images or for video, 1.1) and Label Studio (JSON), NWB files "
    "with training data, and poses of videos"
)


def read_labels(
    path: Path, scratch: Path, *, images: Path | None = None, scorer: str = "", zero: str | None = None
) -> Found:
    """Read labels made elsewhere, whatever program made them; the first line of the log says which.

    Parameters
    ----------
    path : Path
        A file or folder; ``labels.h5/<name>`` names one of several tables.
    scratch : Path
        Folder for what is made on the way, such as frames of videos.
    images : Path, optional
        Folder of images or videos, where they are not beside the file.
    scorer : str
        Whose labels they are, where the source does not tell.
    zero : {'centre', 'corner'}, optional
        Where 0 is in the first pixel, where a person knows better than the format.

    Returns
    -------
    Found
        Places counted from the centre of the first pixel of the stored images.

    Raises
    ------
    ToolboxError
        When nobody recognises it, or its reader refuses it.
    """
    if not split_key(path)[0].exists():
        raise ToolboxError(f"{path} does not exist")
    reader, source = _recognised(path, images, scorer, scratch)
    log.info("%s is %s", source.path, reader.kind)
    try:
        return as_stored(with_videos(reader.read(source)).from_the_centre(zero))
    except UsersError:
        raise
    except Exception as error:  # what others write can be wrong in more ways than anybody lists
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ToolboxError(f"{source.path} cannot be read as {reader.kind}: {reason}") from error


def _recognised(path: Path, images: Path | None, scorer: str, scratch: Path) -> tuple[Reader, Source]:
    """Return the reader of a source; for a folder that none knows, that of the one file in it that one does."""
    source = Source(path, images, scorer, scratch)
    reader = _reader(source)
    if reader is not None:
        return reader, source
    if not path.is_dir():
        raise ToolboxError(f"{path} {_what(path)}, and nothing that can be imported: {_WHAT_IS_READ}")
    inside, damaged = list[tuple[Reader, Source]](), list[UsersError]()
    for place in sorted([*path.iterdir(), *path.glob("annotations/*")]):
        if place.suffix.lower() in _ENDINGS and place.is_file():
            each = Source(place, images or path, scorer, scratch)
            try:
                inside += [(reader, each)] if (reader := _reader(each)) else []
            except UsersError as error:
                damaged.append(error)
    if damaged and not inside:
        raise damaged[0]
    for reason in damaged:
        log.warning("left out: %s", reason)
    if not inside:
        names = [f"{place}CollectedData_*{suffix}" for suffix in (".h5", ".csv") for place in _HOME]
        tables = [table for name in names for table in sorted(path.glob(name))]
        if tables:
            raise ToolboxError(f"{path} has no config.yaml: name the table of labels itself, such as {tables[0]}")
        raise ToolboxError(
            f"{path} has neither a config.yaml nor a CollectedData.csv, nor any other file that can be imported: "
            f"{_WHAT_IS_READ}"
        )
    if len(inside) > 1:
        named = in_short([str(each.path) for _, each in inside])
        raise ToolboxError(f"{path} has {len(inside)} files that can be imported: name one of {named}")
    return inside[0]


def _reader(source: Source) -> Reader | None:
    """Return the reader that recognises a source."""
    return next((reader for reader in READERS if reader.recognises(source)), None)


def _what(path: Path) -> str:
    """Say what a file is that nobody reads."""
    kind = kind_of(path)
    if kind and "zip" in kind:
        return "is a zip archive (unpack it and name the folder)"
    return f"is {kind}" if kind else "is of a kind that is not known"


def tell_left_out(left_out: tuple[LeftOut, ...], source: Path) -> None:
    """Log what does not come along: each reason once, with the number of what it counts for, and the first names."""
    reasons = defaultdict[str, list[str]](list)
    for what, why in left_out:
        reasons[why].append(what)
    for why, names in reasons.items():
        log.warning("%s: left out: %s (%d), because it %s", source, in_short(names), len(names), why)
