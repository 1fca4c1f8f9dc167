"""The trajectories of a video: plots and a summary of its poses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from dlc_common.files import replacing
from dlc_toolbox.measure.tracks import seen_points, steps_px, summarize_tracks
from dlc_toolbox.pictures import plots
from dlc_toolbox.pictures.drawing import make_look
from dlc_toolbox.poses.clock import Clock
from dlc_toolbox.poses.filter import drawn_filter, find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.radius import drawn_radius, read_confidence
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.sequences import open_frames

log = logging.getLogger(__name__)

_SECONDS = "Time (s)"


def plot_trajectories(video: Path, network: Network, settings: AnalysisSettings, *, overwrite: bool = False) -> Path:
    """Plot the poses of a video into a folder beside it, and summarize each body part, unless that is current.

    Parameters
    ----------
    video : Path
        The video; poses by `network` lie beside it.
    network : Network
        Whose poses are plotted, and no other's.
    settings : AnalysisSettings
        pcutoff, jumpthreshold, colormap, drawradius, and drawfiltered with its filter.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The folder: ``x_y_likelihood.png``, ``paths.png``, ``steps.png`` and ``summary_per_part.csv``, which also goes
        to the log.

    Raises
    ------
    ToolboxError
        As `find_poses`; when the video or table cannot be read, or the system refuses to write.
    """
    table = find_poses(video, network, crop=settings.crop, filtered=drawn_filter(settings), fps=settings.fps)
    folder = layout.trajectories_folder(table)
    pose_record = records.read(layout.pose_record(layout.pose_table(video, network.scorer)))
    reading = Reading.recorded(pose_record)
    shaping = {name: getattr(settings, name) for name in ("pcutoff", "jumpthreshold", "colormap")}
    shaping |= {"fps": reading.fps} if reading.fps else {}
    confidence = drawn_radius(video, network, settings)
    inputs = {"video": video, "poses": table, **({"confidence": confidence} if confidence else {})}
    made_from = records.describe(inputs, shaping)
    courses, paths, steps = (folder / f"{name}.png" for name in ("x_y_likelihood", "paths", "steps"))
    summary = folder / "summary_per_part.csv"
    files = [courses, paths, steps, summary]
    output = records.Output(folder.name, layout.pictures_record(folder), files, made_from)
    if output.is_current(overwrite):
        return folder
    output.start()
    poses = tables.read_poses(table)
    values, bodyparts = tables.points(poses), tables.bodyparts_of(poses)
    points = seen_points(values, settings.pcutoff)
    look = make_look(bodyparts, settings.colormap)
    clock = Clock.recorded(pose_record).seconds(0, len(values))
    times, time_name = (np.arange(len(values)), "Frame") if clock is None else (clock, _SECONDS)
    radius_px = read_confidence(confidence, bodyparts, len(values))[..., 1] if confidence else None
    plots.write_plot(plots.plot_time_courses(values, times, settings.pcutoff, look, time_name, radius_px), courses)
    frame = next(frame for frame in open_frames(video, reading=reading) if frame is not None)
    plots.write_plot(plots.plot_paths(frame, points, look), paths)
    plots.write_plot(plots.plot_steps(steps_px(points), settings.jumpthreshold, look), steps)
    rows = summarize_tracks(values, bodyparts, settings.pcutoff, settings.jumpthreshold)
    with replacing(summary) as temporary:
        rows.to_csv(temporary, index=False, na_rep="NaN")
    output.write_record()
    duration = f", {times[-1]:.1f} s" if time_name == _SECONDS else ""
    log.info("%d frames%s:\n%s", len(values), duration, rows.round(3).to_string(index=False))
    log.info("Wrote %s", folder)
    return folder
