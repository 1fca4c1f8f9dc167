"""How far off the poses of a video may be, read from the table beside them, to be drawn or looked through."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import Calibration
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.trust import CONFIDENCE, STEPS, read_trust
from dlc_toolbox.project.layout import confidence_table, pose_table
from dlc_toolbox.project.long_tables import count_rows, read_long_table
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.project.tables import points, read_table

log = logging.getLogger(__name__)


def read_confidence(path: Path, bodyparts: Sequence[str], frames: int) -> np.ndarray:
    """Read how far off the poses of a video may be.

    Parameters
    ----------
    path : Path
        Its table, see `layout.confidence_table`.
    bodyparts : sequence of str
        K names, in the order wanted.
    frames : int
        N, the rows of the pose table beside it.

    Returns
    -------
    ndarray of shape (N, K, 4)
        `CONFIDENCE`, in pixels; NaN where it is not known.

    Raises
    ------
    ToolboxError
        When the table is of another number of frames.
    """
    found = points(read_table(path, CONFIDENCE), bodyparts, CONFIDENCE)
    _check_length(path, len(found), frames)
    return found


def each_radius(path: Path, bodyparts: Sequence[str], frames: int) -> Iterator[np.ndarray]:
    """Yield the radius of 90 % of each frame, (K,), in pixels; parameters and errors as of `read_confidence`."""
    _check_length(path, count_rows(path, CONFIDENCE), frames)
    for rows in read_long_table(path, CONFIDENCE):
        yield from points(rows, bodyparts, CONFIDENCE)[..., 1]


def _check_length(path: Path, rows: int, frames: int) -> None:
    """Make sure that a table of confidence has as many rows as the poses beside it."""
    if rows != frames:
        raise ToolboxError(
            f"{path} has {rows} rows, but the poses beside it have {frames}, so they do not belong together; "
            "analyze the video again, with AnalyzeVideos.py --overwrite"
        )


def drawn_radius(video: Path, network: Network, settings: AnalysisSettings) -> Path | None:
    """Return the table whose radius of 90 % the settings want to be drawn; None where they do not, or it is not known.

    Parameters
    ----------
    video : Path
        The video; poses by `network` lie beside it.
    network : Network
        Whose poses are drawn.
    settings : AnalysisSettings
        drawradius; with drawfiltered nothing is known, because the radius is that of the poses as they were found.

    Returns
    -------
    Path or None
        A table for `read_confidence`. The log says why there is none where one is wanted.
    """
    if not settings.drawradius:
        return None
    if settings.drawfiltered:
        log.warning("%s: no radius is drawn, it is not known of filtered poses (drawfiltered = True)", video.name)
        return None
    path = confidence_table(pose_table(video, network.scorer))
    if path.exists() and isinstance(read_trust(network, settings.crop).calibration, Calibration):
        return path
    log.warning(
        "%s: no radius is drawn, it is not known how far off these poses may be: %s, then AnalyzeVideos.py --overwrite",
        *(video.name, STEPS),
    )
    return None
