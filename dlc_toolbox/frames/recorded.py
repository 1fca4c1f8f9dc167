"""What is written down beside the images of a folder: which frames of which video they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import frames_record


def read_frames(folder: Path) -> dict[str, Any]:
    """Read the record of a folder of images.

    Parameters
    ----------
    folder : Path
        Of images to label.

    Returns
    -------
    dict
        As Step 1, an import or the labeling page wrote it; empty where nobody did, or where it cannot be read.
    """
    try:
        return records.read(frames_record(folder))
    except UsersError:
        return {}


def video_of(folder: Path) -> str:
    """Name the video that the images of a folder are from: as recorded, else after the folder."""
    video = read_frames(folder).get("video")
    return video if isinstance(video, str) else folder.name
