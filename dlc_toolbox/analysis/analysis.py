"""From a video to its pose table, given a predictor."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common.scaling import scaled_size
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis.confidence import write_confidence
from dlc_toolbox.analysis.jobs import BATCH_PIXELS, Fill, Job, fill_rows, frames_at_once
from dlc_toolbox.analysis.partial import Partial, open_partial, remove_leftover
from dlc_toolbox.analysis.window import WindowRule
from dlc_toolbox.poses.network import Network, Predict, check_owner, describe_poses
from dlc_toolbox.poses.radius import why_outdated
from dlc_toolbox.poses.trust import CONFIDENCE, read_trust
from dlc_toolbox.project import records, tables
from dlc_toolbox.project.layout import confidence_table, pose_record, pose_rows, pose_rows_of_ranges, pose_table
from dlc_toolbox.project.long_tables import write_long_table
from dlc_toolbox.video.condition import Condition, announce
from dlc_toolbox.video.recording import Crop, Reading
from dlc_toolbox.video.sequences import open_frames

log = logging.getLogger(__name__)

_TABLES = threading.Lock()  # PyTables knows no threads


@dataclass(frozen=True)
class Analysis:
    """How videos are analyzed: what is the same for all of them.

    Parameters
    ----------
    network : Network
        Whose poses they are; at its `scale` it looks at frames.
    load_predictor : callable
        Without arguments; returns a function from frames, uint8 (B, H, W, 3), to poses, float32 (B, K, 3): x, y,
        likelihood. It is called once in each process; where others work, it is pickled.
    crop : (x1, x2, y1, y2), optional
        Analyze only this part of each frame. Poses are in pixels of the full frame all the same.
    window : WindowRule, optional
        Look only at a window that moves with the animal, see `MovingWindow`.
    batch_size : int, optional
        Frames per call; by default as many as together have `batch_pixels`. Every call gets the same shape, unless
        there is a `window`; the last batch is filled up with black.
    batch_pixels : int, optional
        What the device should be given at once.
    csv : bool
        Whether to write the table as csv too; if not, a csv of an earlier table is deleted with that table.
    overwrite : bool
        Whether to do again what is current.
    reading : Reading
        How recordings are read where they leave a choice.
    device : str
        What the predictor runs on, for the record.
    """

    network: Network
    load_predictor: Callable[[], Predict]
    crop: Crop | None = None
    window: WindowRule | None = None
    batch_size: int | None = None
    batch_pixels: int = BATCH_PIXELS
    csv: bool = False
    overwrite: bool = False
    reading: Reading = field(default_factory=Reading)
    device: str = ""

    def with_one_predictor(self) -> Analysis:
        """Load the predictor and return the same analysis with it, for all videos of this process."""
        predict = self.load_predictor()
        return replace(self, load_predictor=lambda: predict)

    def output(self, video: Path) -> records.Output:
        """Return the pose table of a video with what it would be made from now."""
        table = pose_table(video, self.network.scorer)
        window = self.window.shaping if self.window else None
        made_from = describe_poses(video, self.network, self.crop, window, self.reading)
        return records.Output(table.name, pose_record(table), [table], made_from)

    def job(self, video: Path, made_from: Mapping[str, Any]) -> Job:
        """Open a video, ready to be analyzed.

        Raises
        ------
        UsersError
            When it cannot be read, or the crop does not fit it.
        """
        frames = open_frames(video, self.crop, self.reading)
        height, width = scaled_size((frames.height, frames.width), self.network.scale)
        size = self.batch_size or frames_at_once(width * height, self.batch_pixels, bool(self.window))
        table, parts = pose_table(video, self.network.scorer), len(self.network.bodyparts)
        snapshot = self.network.snapshot.path
        return Job(frames, table, snapshot, made_from, parts, size, self.window, self.network.scale)


def analyze_video(video: Path, analysis: Analysis, fill: Fill = fill_rows) -> Path:
    """Find the poses in every frame of a video and write their table beside it.

    Poses are kept on disk as they are found: a killed analysis goes on where it stopped. A table that is current is
    kept, and a video that another process is analyzing is left to it; the log says so.

    Parameters
    ----------
    video : Path
        The video, TIFF file or folder of images.
    analysis : Analysis
        The network and how it looks at videos.
    fill : callable, optional
        ``fill(partial, job, load_predictor)`` finds the missing rows.

    Returns
    -------
    Path
        The table, one row per frame; NaN where a frame is lost. Its record tells frame rate, numbers of frames, lost
        frames, size, crop, times and what it was made from.

    Raises
    ------
    UsersError
        When the video cannot be read, the crop does not fit it, the table belongs to another network or video, the
        network's answers are not finite, the video's name is too long, or the system refuses to write.
    """
    table, output = pose_table(video, analysis.network.scorer), analysis.output(video)
    _check_names(video, table)
    if _is_current(table, output, analysis):
        return table
    job = analysis.job(video, output.made_from)
    with open_partial(pose_rows(table), job.header, job.row) as partial:
        if partial is None:
            log.info("%s: another process is analyzing it", video.name)
            return table
        if not len(partial):
            check_owner(table, output.made_from)
        if _is_current(table, output, analysis):  # another process has just finished
            return table
        output.log(output.why_stale(analysis.overwrite))
        announce(job.video)
        partial.keep(job.batches_start(len(partial)))
        facts = {"resumed_at_frame": len(partial)} | fill(partial, job, analysis.load_predictor)
        _write_poses(partial, job, analysis, output, facts)
    return table


def _check_names(video: Path, table: Path) -> None:
    """Raise where the longest name of what is written beside a table is longer than the system allows."""
    longest = confidence_table(table).with_suffix(".csv")
    try:
        longest.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ToolboxError(
                f"{video} has too long a name: what is found lies beside it, up to {longest.name}, and the system does "
                "not allow names of this length: shorten the name of the video"
            ) from error


def _write_poses(
    partial: Partial, job: Job, analysis: Analysis, output: records.Output, facts: Mapping[str, Any]
) -> None:
    """Write the table, how far off its poses may be, and its record, and say so."""
    network = analysis.network
    output.start(output.made_from)
    with _TABLES:
        write_long_table(_poses(partial, network), job.table, csv=analysis.csv)
        trust = read_trust(network, analysis.crop)
        summary = write_confidence(job.table, partial, trust, network.scorer, csv=analysis.csv)
    made_with = {"batch_size": job.batch_size, "snapshot": network.snapshot.path.name, "device": analysis.device}
    condition = Condition.of(job.video, *_times_and_states(partial))
    told = {"confidence": summary.as_json(), "trust": trust.fingerprint}
    output.write_record(**condition.facts(), **facts, **made_with, **told)
    for leftover in pose_rows_of_ranges(job.table):
        leftover.unlink()
    log.info(
        "%s: %d frames (%d in the header), %d lost; wrote %s",
        *(job.video.path.name, len(partial), job.video.header_frames, len(condition.lost), job.table),
    )
    condition.warn()
    log.info("%s: %s", job.video.path.name, summary.in_words())


def _poses(partial: Partial, network: Network) -> Iterator[pd.DataFrame]:
    """Yield the pose table piece by piece."""
    for first, rows in partial.chunks():
        numbers = np.arange(first, first + len(rows))
        yield tables.make_table(network.scorer, network.bodyparts, numbers, rows["pose"])


def _times_and_states(partial: Partial) -> tuple[np.ndarray, np.ndarray]:
    """Return when each frame is shown, and what is known of it, (N,) each: the little that is looked at as a whole."""
    times, states = np.empty(len(partial), np.int64), np.empty(len(partial), np.uint8)
    for first, rows in partial.chunks():
        piece = slice(first, first + len(rows))
        times[piece], states[piece] = rows["time"], rows["state"]
    return times, states


def _is_current(table: Path, output: records.Output, analysis: Analysis) -> bool:
    """Tell whether a table can be kept; if so, say it, write a csv that is wanted, and clear what is left over."""
    if output.why_stale(analysis.overwrite):
        return False
    if analysis.csv:
        _write_missing_csv(table)
    if why := why_outdated(table, read_trust(analysis.network, analysis.crop)):
        log.info("%s: %s", table.name, why)
    for leftover in (pose_rows(table), *pose_rows_of_ranges(table)):  # of an interrupted run with --overwrite
        if remove_leftover(leftover):
            log.info("%s: removed, because %s is current", leftover.name, table.name)
    _state_rate(table, output, analysis)
    return output.is_current()


def _write_missing_csv(table: Path) -> None:
    """Write a csv beside the poses, and beside how far off they may be, where there is none."""
    for path, coords in ((table, None), (confidence_table(table), CONFIDENCE)):
        if path.exists() and not path.with_suffix(".csv").exists():
            with _TABLES:
                tables.write_csv(tables.read_table(path, coords), path.with_suffix(".csv"))


def _state_rate(table: Path, output: records.Output, analysis: Analysis) -> None:
    """Write a rate that a person states or takes back into the record of a table, whose poses do not depend on it."""
    told = records.read(output.record)
    if told.get("fps_stated") == analysis.reading.fps or not (told.get("fps_stated") or told.get("fps_is_assumed")):
        return
    frames = open_frames(table.with_name(told["settings"]["video"]), analysis.crop, analysis.reading)
    facts = {key: value for key, value in told.items() if key not in ("inputs", "settings", "versions")}
    rate = {"fps": frames.fps, "fps_is_assumed": frames.rate_is_assumed, "fps_stated": frames.stated_rate}
    output.write_record(**(facts | rate))
    log.info("%s now tells %g frames/s", output.record.name, frames.fps)
