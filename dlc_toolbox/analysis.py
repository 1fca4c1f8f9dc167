"""From a video to its pose table, given a predictor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dlc_toolbox import ToolboxError, records, tables
from dlc_toolbox.jobs import BATCH_PIXELS, Fill, Job, Predict, fill_rows, frames_at_once
from dlc_toolbox.layout import (
    Experiment,
    Layout,
    first_step_advice,
    percent_of,
    pose_record,
    pose_rows,
    pose_rows_of_ranges,
    pose_table,
)
from dlc_toolbox.partial import open_partial
from dlc_toolbox.sequences import open_frames, recordings_in
from dlc_toolbox.settings import AnalysisSettings
from dlc_toolbox.video import Crop, Recording, find_videos
from dlc_toolbox.window import WindowRule

log = logging.getLogger(__name__)

_TABLES = threading.Lock()  # PyTables knows no threads
_CONFIG_OF_POSES = ("net_type", "all_joints_names", "location_refinement", "locref_stdev", "mean_pixel")


@dataclass(frozen=True)
class Network:
    """A trained network, as far as its poses must tell whose they are.

    Parameters
    ----------
    scorer : str
        Its name as a scorer of videos.
    bodyparts : sequence of str
        K names, in the order of its poses.
    config_path : Path
        Its pose_cfg.yaml.
    snapshot : object
        Its weights, as the library that trained it describes them: ``iteration`` and ``path``.
    config : mapping
        What in its pose_cfg.yaml shapes its poses, and reduced precision; the rest may be edited without making them
        stale.
    """

    scorer: str
    bodyparts: Sequence[str]
    config_path: Path
    snapshot: Any
    config: Mapping[str, Any]


def videos_to_analyze(layout: Layout, settings: AnalysisSettings, named: Sequence[Path] = ()) -> list[Path]:
    """List the videos that a command names, or else those of `videofolder`; see `sequences` for other recordings.

    Parameters
    ----------
    layout : Layout
        The project; `videofolder` is relative to its Analysis-tools.
    settings : AnalysisSettings
        videofolder and videotype.
    named : sequence of Path
        Files and folders; one that holds images and no video is itself a recording.

    Returns
    -------
    list of Path
        See `video.find_videos` and `sequences.recordings_in`.

    Raises
    ------
    ToolboxError
        When there is none.
    """
    folder = layout.analysis_root / Path(settings.videofolder).expanduser()
    return find_videos(
        named or [folder],
        settings.videotype,
        first_step_advice(layout.root),
        within=lambda folder, suffix: recordings_in(folder, suffix, whatever=bool(named)),
    )


def find_network(
    layout: Layout, settings: AnalysisSettings, load_config: Callable[[Path], Any], select_snapshot: Callable[..., Any]
) -> Network:
    """Find the network that `myconfig_analysis.py` names, and check that its own configuration agrees.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : AnalysisSettings
        Task, date, scorer, trainingsFraction, shuffle and resnet name the training; trainingsiterations, or else
        snapshotindex, the snapshot.
    load_config, select_snapshot : callable
        Of the library that trained it: ``load_config(path)`` reads a pose_cfg.yaml,
        ``select_snapshot(folder, index, iteration, prefix)`` finds a snapshot.

    Returns
    -------
    Network
        Ready to be loaded.

    Raises
    ------
    ToolboxError
        When there is no such train folder, or the network's pose_cfg.yaml tells another depth or training set.
    """
    named = Experiment(
        task=settings.Task,
        date=settings.date,
        scorer=settings.scorer,
        percent=percent_of(settings.trainingsFraction),
        shuffle=settings.shuffle,
        resnet=settings.resnet,
    )
    experiment = layout.locate(named, settings.trainingsFraction)
    config_path = layout.train_folder(experiment) / "pose_cfg.yaml"
    config = load_config(config_path)
    own = {"resnet": config.net_type, "training set": PurePosixPath(config.dataset.replace("\\", "/")).stem}
    wanted = {"resnet": f"resnet_{experiment.resnet}", "training set": experiment.split_stem}
    for what, value in wanted.items():
        if own[what] not in ("", value):
            raise ToolboxError(
                f"myconfig_analysis.py names a network with {what} {value} (Task, scorer, trainingsFraction, shuffle, "
                f"resnet), but {config_path} tells {own[what]}: correct the settings, or name another network"
            )
    folder, prefix = config.snapshot_place
    snapshot = select_snapshot(folder, settings.snapshotindex, settings.trainingsiterations, prefix)
    shaping = {key: getattr(config, key) for key in _CONFIG_OF_POSES}
    if precision := settings.engine.partition("-")[2]:  # engines of full precision give the same poses
        shaping["precision"] = precision
    scorer = experiment.video_scorer(snapshot.iteration)
    return Network(scorer, config.all_joints_names, config_path, snapshot, shaping)


def analyze_video(
    video_path: Path,
    predict: Predict,
    network: Network,
    *,
    crop: Crop | None = None,
    window: WindowRule | None = None,
    batch_size: int | None = None,
    batch_pixels: int = BATCH_PIXELS,
    csv: bool = False,
    overwrite: bool = False,
    device: str = "",
    fill: Fill = fill_rows,
) -> Path:
    """Find the poses in every frame of a video and write their table beside it.

    Poses are kept on disk as they are found: a killed analysis goes on where it stopped. A table that is current is
    kept, and a video that another process is analyzing is left to it; the log says so.

    Parameters
    ----------
    video_path : Path
        The video, TIFF file or folder of images.
    predict : callable
        From frames, uint8 (batch_size, H, W, 3), to poses, float32 (batch_size, K, 3): x, y, likelihood. Every call
        gets the same shape, unless there is a `window`; the last batch is filled up with black.
    network : Network
        Whose poses they are.
    crop : (x1, x2, y1, y2), optional
        Analyze only this part of each frame. Poses are in pixels of the full frame all the same.
    window : WindowRule, optional
        Look only at a window that moves with the animal, see `MovingWindow`.
    batch_size : int, optional
        Frames per call; by default as many as together have `batch_pixels`.
    batch_pixels : int, optional
        What the device should be given at once.
    csv : bool
        Whether to write the table as csv too; if not, a csv of an earlier table is deleted with that table.
    overwrite : bool
        Whether to do again what is current.
    device : str
        What `predict` runs on, for the record.
    fill : callable, optional
        ``fill(partial, job, predict)`` finds the missing rows.

    Returns
    -------
    Path
        The table, one row per frame; NaN where a frame is lost. Its record tells frame rate, numbers of frames, lost
        frames, size, crop, times and what it was made from.

    Raises
    ------
    ToolboxError
        When the video cannot be read, the crop does not fit it, the table belongs to another network or video, the
        network's answers are not finite, or the system refuses to write.
    """
    table = pose_table(video_path, network.scorer)
    made_from = describe_poses(video_path, network, crop, window)
    if not overwrite and _is_current(table, made_from, video_path, csv):
        return table
    video = open_frames(video_path, crop)
    batch_size = batch_size or frames_at_once(video.width * video.height, batch_pixels, window is not None)
    job = Job(video, table, made_from, len(network.bodyparts), batch_size, window)
    with open_partial(pose_rows(table), job.header, job.row) as partial:
        if partial is None:
            log.info("%s: another process is analyzing it", video_path.name)
            return table
        if not len(partial):
            check_owner(table, made_from)
        if not overwrite and _is_current(table, made_from, video_path, csv):  # another process has just finished
            return table
        reason = "--overwrite" if overwrite else records.why_stale(pose_record(table), made_from, [table])
        log.info("%s: analyzed, because %s", video_path.name, reason)
        partial.keep(job.batches_start(len(partial)))
        facts = {"resumed_at_frame": len(partial)} | fill(partial, job, predict)
        facts |= {"batch_size": batch_size, "snapshot": network.snapshot.path.name, "device": device}
        _write_poses(partial.read(), job, network, facts, csv=csv)
    return table


def _write_poses(rows: np.ndarray, job: Job, network: Network, facts: Mapping[str, Any], *, csv: bool) -> None:
    """Write the table and its record, and say so."""
    poses = tables.make_table(network.scorer, network.bodyparts, np.arange(len(rows)), rows["pose"])
    with _TABLES:
        tables.write_table(poses, job.table, csv=csv)
    records.write(pose_record(job.table), job.made_from, **_describe_video(job.video, rows), **facts)
    for leftover in pose_rows_of_ranges(job.table):
        leftover.unlink()
    log.info(
        "%s: %d frames (%d in the header), %d lost; wrote %s",
        *(job.video.path.name, len(rows), job.video.header_frames, np.count_nonzero(~rows["decoded"]), job.table),
    )


def describe_poses(
    video: Path, network: Network, crop: Crop | None, window: WindowRule | None = None
) -> dict[str, Any]:
    """Gather what the poses of a video are made from, as `records` compares it."""
    settings = {"scorer": network.scorer, "video": video.name, "crop": crop, **network.config}
    if window:  # without one, records are those of the time before there were windows
        settings["movingwindow"] = asdict(window)
    return records.describe({"video": video, "snapshot": network.snapshot.path}, settings)


def check_owner(table: Path, made_from: Mapping[str, Any]) -> None:
    """Make sure that a pose table, if there is one, belongs to this network and this video.

    Parameters
    ----------
    table : Path
        The pose table.
    made_from : mapping
        As `describe_poses` returns it.

    Raises
    ------
    ToolboxError
        When the record of the table is missing or names another network, snapshot or video.
    """
    if not table.exists():
        return
    record = pose_record(table)
    advice = f"Move {table.name} elsewhere, or delete it if it is of no use; nothing was changed."
    try:
        owner = _owner(records.read(record))
    except (ToolboxError, KeyError, TypeError):
        raise ToolboxError(f"{table} exists, but no {record.name} tells which network made it. {advice}") from None
    for what, name in _owner(made_from).items():
        if owner[what] != name:
            raise ToolboxError(
                f"{table} holds the poses of another {what} ({record.name} tells {owner[what]}, not {name}). {advice}"
            )


def _owner(made_from: Mapping[str, Any]) -> dict[str, str]:
    """Return whose poses a description tells of; a snapshot that was trained again has another hash."""
    settings, inputs = made_from["settings"], made_from["inputs"]
    return {"network": settings["scorer"], "video": settings["video"], "snapshot": inputs["snapshot"]}


def _is_current(table: Path, made_from: Mapping[str, Any], video: Path, csv: bool) -> bool:
    """Tell whether a table can be kept; if so, say it, write a csv that is wanted, and clear what is left over."""
    if records.why_stale(pose_record(table), made_from, [table]) is not None:
        return False
    if csv and not table.with_suffix(".csv").exists():
        with _TABLES:
            tables.write_csv(tables.read_table(table), table.with_suffix(".csv"))
    for leftover in (pose_rows(table), *pose_rows_of_ranges(table)):  # of an interrupted run with --overwrite
        if leftover.exists():
            with open_partial(leftover, {}, np.dtype("u1")):  # removes it, unless another process holds it
                pass
    log.info("%s: skipped, %s is current (--overwrite makes it again)", video.name, table.name)
    return True


def _describe_video(video: Recording, rows: np.ndarray) -> dict[str, Any]:
    """Gather what the record of a pose table tells about the video."""
    steps = np.diff(rows["time"])
    varies = len(steps) > 0 and np.ptp(steps) > 1  # one unit is rounding
    seconds = [round(float(time * video.time_base), 6) for time in rows["time"].tolist()]
    return {
        "fps": video.fps,
        "fps_is_assumed": video.rate_is_assumed,
        "frames": len(rows),
        "frames_in_header": video.header_frames,
        "frames_decoded": int(np.count_nonzero(rows["decoded"])),
        "lost_frames": np.flatnonzero(~rows["decoded"]).tolist(),
        "frame_times_s": seconds if varies else None,
        "width": video.full_width,
        "height": video.full_height,
        "crop": video.crop,
    }
