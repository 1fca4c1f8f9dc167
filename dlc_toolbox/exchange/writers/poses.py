"""The poses of one video as all formats take them: piece by piece, with what is known about them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.marks import skeleton_of
from dlc_toolbox.poses.clock import Clock
from dlc_toolbox.poses.filter import Filter, find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.radius import warn_of_outdated
from dlc_toolbox.poses.trust import CONFIDENCE, read_trust
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.long_tables import read_long_table
from dlc_toolbox.project.settings import AnalysisSettings

log = logging.getLogger(__name__)

TRUSTED = CONFIDENCE[:2]
"""What goes along of how far off a pose may be: expected error and radius of 90 %, in pixels."""

MEANINGS = {
    "error_px": "expected error: half of the poses like this one were farther off in test images",
    "radius90_px": "nine of ten poses like this one lie within this distance",
}
LIKELIHOOD = "likelihood of the network, 0 to 1: the highest value of the body part's score map"
ORIGIN = "(0, 0) is the centre of the top left pixel of the full frame; x points right, y down"
_ROWS_AT_ONCE = 4096


class Piece(NamedTuple):
    """Poses of n frames in a row."""

    first: int
    """Number of the first of them."""
    poses: np.ndarray
    """x, y in pixels of the full frame, likelihood: (n, K, 3); NaN where a frame is lost."""
    trust: np.ndarray | None
    """`TRUSTED`: (n, K, 2), NaN where it is not known; None where it is known of no pose."""
    times_s: np.ndarray | None
    """When they are shown: (n,); None where nothing tells it."""


@dataclass(frozen=True)
class Poses:
    """The poses of one video.

    Parameters
    ----------
    video : Path
        The recording.
    table : Path
        Their table, raw or filtered.
    scorer : str
        Name of the network.
    bodyparts : tuple of str
        K names.
    skeleton : tuple of (int, int)
        Body parts that are joined, by position.
    record : mapping
        Of the analysis.
    filtered : Filter or None
        Of a filtered table.
    lab : mapping
        What only people can tell of the session and the subject, see `lab.Lab.of`.
    """

    video: Path
    table: Path
    scorer: str
    bodyparts: tuple[str, ...]
    skeleton: tuple[tuple[int, int], ...]
    record: Mapping[str, Any]
    filtered: Filter | None = None
    lab: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def frames(self) -> int:
        """How many frames have poses."""
        return int(self.record["frames"])

    @cached_property
    def clock(self) -> Clock:
        """When the frames are shown."""
        return Clock.recorded(self.record)

    @cached_property
    def confidence(self) -> Path | None:
        """Table of how far off the poses may be; None where nothing is known, as of filtered ones."""
        path = layout.confidence_table(self.table)
        return path if self.filtered is None and path.is_file() else None

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Body parts that are joined, by name."""
        return [(self.bodyparts[a], self.bodyparts[b]) for a, b in self.skeleton]

    @property
    def source(self) -> str:
        """What the poses are, in words."""
        how = f", filtered by a running median over {self.filtered.windowlength} frames" if self.filtered else ""
        return f"poses of {self.video.name} by the network {self.scorer}{how}"

    @property
    def remark(self) -> str:
        """What must be known before anybody measures; empty where nothing must."""
        aspect = self.record.get("pixel_aspect", 1)
        if aspect == 1:
            return ""
        return f"Pixels are not square, {aspect:.4g} times as wide as high: before you measure, multiply x by that."

    def pieces(self) -> Iterator[Piece]:
        """Yield the poses in the order of the frames, in memory for a few thousand of them.

        Raises
        ------
        ToolboxError
            When a table is damaged, or the two have other numbers of rows.
        """
        first = 0
        trusts = self._trusts()
        for rows in read_long_table(self.table, rows=_ROWS_AT_ONCE):
            poses = tables.points(rows, self.bodyparts)
            trust = next(trusts, None)
            if self.confidence and (trust is None or len(trust) != len(poses)):
                raise ToolboxError(
                    f"{self.confidence} has other rows than {self.table.name}: make both again, with AnalyzeVideos.py "
                    "--overwrite"
                )
            yield Piece(first, poses, trust, self.clock.seconds(first, len(poses)))
            first += len(poses)

    def _trusts(self) -> Iterator[np.ndarray]:
        """Yield `TRUSTED` of as many frames as `pieces` does."""
        if self.confidence:
            for rows in read_long_table(self.confidence, CONFIDENCE, rows=_ROWS_AT_ONCE):
                yield tables.points(rows, self.bodyparts, TRUSTED)

    @property
    def inputs(self) -> dict[str, Path]:
        """The tables that files of these poses are made from."""
        return {"poses": self.table} | ({"confidence": self.confidence} if self.confidence else {})


def gather(
    video: Path,
    network: Network,
    settings: AnalysisSettings,
    *,
    filtered: Filter | None = None,
    lab: Mapping[str, Mapping[str, Any]] | None = None,
) -> Poses:
    """Find the poses of a video, and what is known about them.

    Parameters
    ----------
    video : Path
        The video; poses by `network` lie beside it.
    network : Network
        Whose poses are wanted, and no other's.
    settings : AnalysisSettings
        The crop and the skeleton.
    filtered : Filter, optional
        The filtered copy is wanted, made by this filter.
    lab : mapping, optional
        What only people can tell, see `lab.Lab.of`.

    Returns
    -------
    Poses
        Ready to be written.

    Raises
    ------
    ToolboxError
        As `find_poses`; when the skeleton names a part that the network does not know.
    """
    table = find_poses(video, network, crop=settings.crop, filtered=filtered, fps=settings.fps)
    record = records.read(layout.pose_record(layout.pose_table(video, network.scorer)))
    skeleton = skeleton_of(settings, network.bodyparts)
    poses = Poses(video, table, network.scorer, tuple(network.bodyparts), skeleton, record, filtered, lab)
    if filtered is None:
        warn_of_outdated(video, network, read_trust(network, settings.crop))
    if poses.remark:
        log.warning("%s: %s", video.name, poses.remark)
    if poses.clock.fps is None:
        log.warning(
            "%s: nothing tells how fast it was recorded, so its poses have no times in seconds. Set fps in "
            "myconfig_analysis.py and run AnalyzeVideos.py, which then only notes the rate",
            video.name,
        )
    return poses


def joined(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    >>> joined(["nose"]), joined(["nose", "paw", "tail"])
    ('nose', 'nose, paw and tail')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
