"""How far off the poses of a video may be, read from the table beside them, to be drawn or looked through."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import Calibration
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.trust import CONFIDENCE, STEPS, Trust, read_trust
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import confidence_table, pose_record, pose_table
from dlc_toolbox.project.long_tables import count_rows, read_long_table
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.project.tables import points, read_table

log = logging.getLogger(__name__)

UNSEEN = "in no frame a body part is visible, or the network tells nothing about its maps"
"""Why no expected error is known in a video although it was learned for its network."""


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


def why_outdated(table: Path, trust: Trust) -> str | None:
    """Tell that a table of confidence is missing, or does not follow from what is known by now.

    Parameters
    ----------
    table : Path
        The pose table of a video.
    trust : Trust
        What is known now, in the order of the network's body parts.

    Returns
    -------
    str or None
        Why, and what to do. None while finding the poses again would tell nothing else, where nothing is known, and
        where their record cannot be read, which is told where the poses are read.
    """
    try:
        told = records.read(pose_record(table))
    except UsersError:
        return None
    if not trust.tells_of_errors or (confidence_table(table).exists() and _tells(told, trust)):
        return None
    return (
        "its poses were found before the last evaluation told how far off they may be; AnalyzeVideos.py --overwrite "
        "finds them again"
    )


def warn_of_outdated(video: Path, network: Network, trust: Trust) -> None:
    """Warn that what is made of poses takes how far off they may be from a table that is missing or outdated."""
    if why := why_outdated(pose_table(video, network.scorer), trust):
        log.warning("%s: how far off its poses may be is missing or outdated: %s", video.name, why)


def _tells(record: Mapping[str, Any], trust: Trust) -> bool:
    """Tell whether a record is of poses whose table of confidence follows from what is known now.

    Records of earlier versions hold no fingerprint: their table counts unless their summary contradicts.
    """
    if "trust" in record:
        return record["trust"] == trust.fingerprint
    if isinstance(trust.calibration, str):
        return True
    summary = record.get("confidence", {})
    return summary.get("unknown", UNSEEN) == UNSEEN and summary.get("wantederror", trust.wanted_px) == trust.wanted_px


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
        A table for `read_confidence`. The log says why there is none where one is wanted, and where it is outdated.
    """
    if not settings.drawradius:
        return None
    if settings.drawfiltered:
        log.warning("%s: no radius is drawn, it is not known of filtered poses (drawfiltered = True)", video.name)
        return None
    table, trust = pose_table(video, network.scorer), read_trust(network, settings.crop)
    path = confidence_table(table)
    if path.exists() and isinstance(trust.calibration, Calibration):
        warn_of_outdated(video, network, trust)
        return path
    log.warning(
        "%s: no radius is drawn, it is not known how far off these poses may be: %s, then AnalyzeVideos.py --overwrite",
        *(video.name, STEPS),
    )
    return None
