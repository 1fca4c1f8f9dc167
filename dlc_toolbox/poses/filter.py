"""Pose tables beside a video: whose they are, and their median-filtered copies."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.corrections import csv_differs
from dlc_toolbox.measure.metrics import Cutoff
from dlc_toolbox.measure.tracks import median_filter
from dlc_toolbox.poses.network import Network, check_owner, describe_poses
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.long_tables import read_long_poses, read_long_table, write_long_table
from dlc_toolbox.project.settings import AnalysisSettings, crop_in_words
from dlc_toolbox.video.recording import Crop

log = logging.getLogger(__name__)

_ROWS_AT_ONCE = 4096
_HOW_IT_WAS_READ = ("crop", "movingwindow", "videostream", "channel")  # what reads the poses may differ in


@dataclass(frozen=True)
class Filter:
    """The running median of a filtered pose table; see `tracks.median_filter`.

    Parameters
    ----------
    windowlength : int
        In frames, odd.
    pcutoff : Cutoff
        The least likelihood of a body part that is seen.
    """

    windowlength: int
    pcutoff: Cutoff


def drawn_filter(settings: AnalysisSettings) -> Filter | None:
    """Return the filter of the poses that are drawn, or None where they are drawn as the network found them."""
    return Filter(settings.windowlength, settings.pcutoff) if settings.drawfiltered else None


def find_poses(
    video: Path,
    network: Network,
    *,
    crop: Crop | None = None,
    filtered: Filter | None = None,
    fps: float | None = None,
) -> Path:
    """Find the poses of a video, and make sure that they are this network's and of the video as it is now.

    Parameters
    ----------
    video : Path
        The video.
    network : Network
        Whose poses are wanted, and no other's.
    crop : (x1, x2, y1, y2), optional
        That of the settings.
    filtered : Filter, optional
        The filtered copy is wanted, made by this filter.
    fps : float, optional
        That of the settings. Poses stay where it or the crop is not that of their analysis, but it is said.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    ToolboxError
        When this network, with the settings it has now, has not analyzed this video as it is now, or the filtered copy
        is missing or not current, or rows are missing.
    """
    table = layout.pose_table(video, network.scorer)
    if not table.exists():
        others = ", ".join(path.name for path in layout.pose_tables(video))
        existing = f"There are poses by other networks: {others}. " if others else ""
        raise ToolboxError(f"{table} does not exist. {existing}Analyze the video first, with AnalyzeVideos.py.")
    wanted = describe_poses(video, network, crop)
    check_owner(table, wanted)
    recorded = records.read(layout.pose_record(table))
    if recorded.get("unfinished"):
        raise ToolboxError(f"{table} is of an analysis that was not finished: run AnalyzeVideos.py again")
    if recorded["inputs"].get("video") != wanted["inputs"]["video"]:
        raise ToolboxError(f"{video} has changed since it was analyzed: analyze it again, with AnalyzeVideos.py")
    old, new = (made["settings"] | dict.fromkeys(_HOW_IT_WAS_READ) for made in (recorded, wanted))
    changed = ", ".join(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
    if changed:
        raise ToolboxError(
            f"{table} was made with other settings of the network or another engine ({changed}): run AnalyzeVideos.py "
            "again"
        )
    _check_rows(table, recorded, network, "AnalyzeVideos.py")
    _warn_of_other_settings(video, recorded, wanted, fps)
    _warn_of_edited_csv(table)
    if filtered is None:
        return table
    copy = _find_filtered(table, filtered)
    _check_rows(copy, recorded, network, "FilterPredictions.py")
    _warn_of_edited_csv(copy)
    return copy


def _warn_of_other_settings(
    video: Path, recorded: Mapping[str, Any], wanted: Mapping[str, Any], fps: float | None
) -> None:
    """Warn where the settings tell another crop or rate than the one that the poses were found with."""
    crops = [crop_in_words(made["settings"].get("crop")) for made in (recorded, wanted)]
    told = [crops] if crops[0] != crops[1] else []
    stated = recorded.get("fps_stated")
    if fps and fps != stated and (stated or recorded.get("fps_is_assumed")):
        told.append([f"{recorded['fps']:g} frames/s", f"fps = {fps:g}"])
    for then, now in told:
        log.warning(
            "%s: analyzed with %s; the settings tell %s by now: to use that, run AnalyzeVideos.py again",
            *(video.name, then, now),
        )


def _check_rows(table: Path, recorded: Mapping[str, Any], network: Network, script: str) -> None:
    """Make sure that nobody cut or sorted a table: one row per frame, and the body parts as the network has them."""
    anew = f"make it again, with {script} --overwrite"
    rows, frames, displaced = 0, recorded.get("frames"), list[str]()
    for piece in read_long_table(table):
        numbers = np.arange(rows, rows + len(piece))
        where = np.flatnonzero(np.asarray(piece.index, object) != numbers)
        displaced += [f"frame {numbers[row]} stands {piece.index[row]}" for row in where[: not displaced]]
        rows += len(piece)
        if tables.bodyparts_of(piece) != list(network.bodyparts):
            raise ToolboxError(
                f"{table} has the body parts {', '.join(tables.bodyparts_of(piece))}, but the network finds "
                f"{', '.join(network.bodyparts)}: put the columns into this order, or {anew}"
            )
    if rows != frames:
        raise ToolboxError(f"{table} has {rows} rows for {frames} frames: {anew}")
    if displaced:
        raise ToolboxError(
            f"{table} has other rows than the frames from 0 on, in order: in place of {displaced[0]}. Sort it by its "
            f"index, or {anew}"
        )


def _warn_of_edited_csv(table: Path) -> None:
    """Warn of poses that somebody corrected in the csv beside a table; looked at only where the csv is newer."""
    csv, record = table.with_suffix(".csv"), layout.pose_record(table)
    if csv.is_file() and csv.stat().st_mtime_ns > record.stat().st_mtime_ns and (cells := csv_differs(table)):
        log.warning(
            "%s was changed by hand, which changes nothing here: %s. %s is read, as in all steps; write corrections "
            "there (pandas.read_hdf, to_hdf), or keep the csv under another name for your own programs",
            *(csv, cells, table.name),
        )


def _find_filtered(table: Path, wanted: Filter) -> Path:
    """Return the filtered copy of a table, if it is current."""
    output, copy = _filtered_output(table, wanted), layout.filtered_table(table)
    if reason := output.why_stale():
        raise ToolboxError(
            f"the filtered poses {copy} are wanted (drawfiltered = True, or --filtered), but must be made first, with "
            f"FilterPredictions.py, because {reason}"
        )
    return copy


def filter_poses(video: Path, network: Network, settings: AnalysisSettings, *, overwrite: bool = False) -> Path:
    """Write the median-filtered copy of a video's pose table beside it, unless it is current.

    Parameters
    ----------
    video : Path
        The video; poses by `network` lie beside it, and are left untouched.
    network : Network
        Whose poses are filtered, and no other's.
    settings : AnalysisSettings
        windowlength, pcutoff and storedata_as_csv.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The filtered table: same rows, columns and likelihoods, other x and y; see `tracks.median_filter`.

    Raises
    ------
    ToolboxError
        As `find_poses`; when the system refuses to write.
    """
    table = find_poses(video, network, crop=settings.crop, fps=settings.fps)
    copy, wanted = layout.filtered_table(table), Filter(settings.windowlength, settings.pcutoff)
    output, csv = _filtered_output(table, wanted), settings.storedata_as_csv
    if output.is_current(overwrite):
        if csv and not copy.with_suffix(".csv").exists():
            tables.write_csv(tables.read_table(copy), copy.with_suffix(".csv"))
        return copy
    moved = _Moved()
    output.start()
    write_long_table(_filtered(table, wanted, moved), copy, csv=csv)
    output.write_record()
    log.info(
        "%s: %.2f %% of the places moved by more than 1 pixel, at most by %.1f; wrote %s",
        *(video.name, 100 * moved.far / max(moved.places, 1), moved.farthest_px, copy),
    )
    return copy


@dataclass
class _Moved:
    """How far a filter moved the places of body parts; `add` counts them piece by piece."""

    places: int = 0
    far: int = 0
    farthest_px: float = 0.0

    def add(self, raw: np.ndarray, filtered: np.ndarray) -> None:
        """Count the places of more frames, (N, K, 3) each."""
        moved_px = np.hypot(*np.moveaxis((filtered - raw)[..., :2], -1, 0))
        self.places += moved_px.size
        self.far += int(np.count_nonzero(moved_px > 1))
        self.farthest_px = max(self.farthest_px, float(np.nanmax(moved_px, initial=0)))


def _filtered(table: Path, wanted: Filter, moved: _Moved) -> Iterator[pd.DataFrame]:
    """Yield the filtered poses of a table piece by piece, and count on the way how far they moved."""
    around = wanted.windowlength // 2
    for number, rows in enumerate(read_long_poses(table, rows=_ROWS_AT_ONCE, around=around)):
        poses = tables.points(rows)
        poses[~np.isfinite(poses)] = np.nan  # what is infinite is as good as missing
        filtered = median_filter(poses, wanted.windowlength, wanted.pcutoff)
        before = min(number * _ROWS_AT_ONCE, around)
        own = slice(before, before + _ROWS_AT_ONCE)
        moved.add(poses[own], filtered[own])
        yield tables.make_table(tables.scorer_of(rows), tables.bodyparts_of(rows), rows.index[own], filtered[own])


def _filtered_output(table: Path, wanted: Filter) -> records.Output:
    """Return the filtered copy of a table with what it is made from."""
    copy = layout.filtered_table(table)
    return records.Output(
        copy.name, layout.pose_record(copy), [copy], records.describe({"poses": table}, asdict(wanted))
    )
