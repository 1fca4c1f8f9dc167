"""What is done with several cameras: calibration, and points in space."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import cli
from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.boards import corner_places
from dlc_toolbox.cameras.calibrate import Calibration, calibrate
from dlc_toolbox.cameras.calibration_file import read_cameras, write_cameras
from dlc_toolbox.cameras.showing import show_trial
from dlc_toolbox.cameras.space import triangulate_trial
from dlc_toolbox.cameras.trials import Trial, find_trials
from dlc_toolbox.cameras.watching import watch_boards
from dlc_toolbox.pictures.marks import marks_of
from dlc_toolbox.pictures.plots import write_plot
from dlc_toolbox.pictures.space import plot_calibration
from dlc_toolbox.project import layout, records
from dlc_toolbox.project.cameras import Board, View, make_board
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import AnalysisSettings, load_analysis_settings, load_settings
from dlc_toolbox.steps.videos import find_work
from dlc_toolbox.video.finding import find_videos
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.sequences import recordings_in
from dlc_toolbox.video.video import for_each

log = logging.getLogger(__name__)

_MUCH_PX = 1.0
_MUCH_OF_A_LENGTH = 0.01
_LEAST_REACH = 0.6
_MADE = "calibration"  # what a record calls the fingerprint of the file


def calibrate_cameras(
    project: Path, named: Sequence[Path] = (), *, board: Mapping[str, Any] | None = None, overwrite: bool = False
) -> None:
    """Calibrate the cameras of the settings from videos of a board.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `calibrationfolder`.
    board : mapping, optional
        What a command says of the board, instead of `calibrationboard`.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When cameras or board are not described, videos are missing, or the board was not seen often enough.
    """
    settings = load_analysis_settings(project)
    wanted = _board(settings, board or {})
    folder = _calibration_folder(project, settings)
    advice = "Put the videos of the board there, or set calibrationfolder in myconfig_analysis.py."
    videos = find_videos(
        named or [folder], settings.videotype, advice, within=partial(recordings_in, whatever=bool(named))
    )
    trials = find_trials(videos, settings.cameras)
    home = named[0] if named and named[0].is_dir() else videos[0].parent
    path = layout.calibration_file(home.resolve())
    output = _calibration_output(path, trials, settings, wanted)
    if path.exists() and not overwrite and _own_record(path) is None:
        raise ToolboxError(
            f"{path} was not made here, or changed since. To use it, go on with Triangulate.py; to replace it, give "
            "--overwrite"
        )
    if not output.is_current(overwrite):
        _calibrate(path, trials, settings, wanted, output)
    log.info("Next, when the videos are analyzed: %s", cli.command(project, "Analysis-tools/Triangulate.py"))


def _board(settings: AnalysisSettings, said: Mapping[str, Any]) -> Board:
    """Return the board of the settings, with what a command says instead."""
    given = {name: value for name, value in said.items() if value is not None}
    known = asdict(settings.calibrationboard) if settings.calibrationboard else {}
    if not known and not {"columns", "rows", "squarelength"} <= given.keys():
        raise ToolboxError(
            "what board was used? Describe it in myconfig_analysis.py, such as calibrationboard = {'columns': 7, "
            "'rows': 5, 'squarelength': 25, 'markerlength': 18, 'dictionary': 'DICT_4X4_50'}, or with --squares, "
            "--square and so on"
        )
    try:
        return make_board(**{**known, **given})
    except ValueError as error:
        raise ToolboxError(f"the board (calibrationboard, or the flags of the command): {error}") from None


def _calibration_output(
    path: Path, trials: Sequence[Trial], settings: AnalysisSettings, board: Board
) -> records.Output:
    """Return a calibration with what it is made from."""
    inputs = {f"{video.parent.name}/{video.name}": video for trial in trials for video in trial.videos.values()}
    shaping = {
        "cameras": [asdict(view) for view in settings.cameras],
        "cameraoffsets": dict(settings.cameraoffsets),
        "commontrigger": settings.commontrigger,
        "board": asdict(board),
        **asdict(Reading.of(settings)),
    }
    made_from = records.describe(inputs, shaping, before=asdict(Reading()))
    files = [path, layout.calibration_picture(path)]
    return records.Output(path.name, layout.pose_record(path), files, made_from)


def _calibrate(
    path: Path, trials: Sequence[Trial], settings: AnalysisSettings, board: Board, output: records.Output
) -> None:
    """Look for the board, find the cameras, and write and tell them."""
    views = settings.cameras
    offsets, reading = dict(settings.cameraoffsets), Reading.of(settings)
    corners, sizes = watch_boards(trials, views, offsets, board, reading, commontrigger=settings.commontrigger)
    for number, view in enumerate(views):
        seen = len(np.unique(corners.moment[corners.camera == number]))
        log.info("Camera %s saw the board at %d moments", view.name, seen)
    places = corner_places(board)
    found = calibrate([view.name for view in views], sizes, corners, places)
    every = float(np.sqrt((found.away**2).sum(axis=1).mean()))
    output.start()
    write_cameras(found.cameras, path, every)
    write_plot(_plot(found, places), layout.calibration_picture(path))
    output.write_record(**{_MADE: fingerprint(path)}, **_facts(found))
    _tell(found, views)
    log.info("Wrote %s and %s: look at the picture", path, layout.calibration_picture(path).name)


def _plot(found: Calibration, places: np.ndarray) -> Any:
    """Draw a calibration."""
    cameras, corners = found.cameras, found.corners
    mine = [corners.camera == number for number in range(len(cameras))]
    middle = places.mean(axis=0)
    return plot_calibration(
        [camera.name for camera in cameras],
        [camera.size for camera in cameras],
        [corners.seen[each] for each in mine],
        [found.away[each] for each in mine],
        np.array([camera.place for camera in cameras]),
        np.array([camera.turn[2] for camera in cameras]),
        np.array([found.adjusted.board_point(moment, middle) for moment in found.adjusted.boards]),
    )


def _facts(found: Calibration) -> dict[str, Any]:
    """Gather what the record of a calibration tells."""
    names = [camera.name for camera in found.cameras]
    return {
        "error_px": {name: round(found.error_px(number), 4) for number, name in enumerate(names)},
        "focal_length_px": {
            camera.name: [round(float(camera.matrix[[0, 1], [0, 1]].mean()), 3), round(float(se), 3)]
            for camera, se in zip(found.cameras, found.adjusted.focal_se, strict=True)
        },
        "distances": {
            f"{names[a]} - {names[b]}": [round(value, 5) for value in pair]
            for (a, b), pair in found.adjusted.baselines.items()
        },
        "moments": len(found.adjusted.boards),
        "held_out_lengths": {
            "count": len(found.lengths),
            "mean": round(float(found.lengths.mean()), 6) if len(found.lengths) else None,
            "sd": round(float(found.lengths.std()), 6) if len(found.lengths) else None,
        },
    }


def _tell(found: Calibration, views: Sequence[View]) -> None:
    """Log how good a calibration is, and warn where it is not."""
    for number, (camera, se) in enumerate(zip(found.cameras, found.adjusted.focal_se, strict=True)):
        focal, error = float(camera.matrix[[0, 1], [0, 1]].mean()), found.error_px(number)
        log.info(
            "Camera %s: reprojection error %.2f px, focal length %.1f px (standard error %.1f)",
            *(camera.name, error, focal, se),
        )
        if error > _MUCH_PX:
            log.warning(
                "camera %s: %.1f px are much. Did the board or the cameras move or blur, are all frames of the same "
                "moments (cameraoffsets), is the board flat, and described as it is?",
                *(camera.name, error),
            )
        if (share := found.reach(number)) < _LEAST_REACH:
            log.warning(
                "camera %s has seen the board in %.0f %% of its picture's width or height only: farther out its lens "
                "is not known; show the board near the edges, too",
                *(camera.name, 100 * share),
            )
        if se > _MUCH_OF_A_LENGTH * focal:
            log.warning(
                "camera %s: its focal length is not well known; show it the board tilted, near and far", camera.name
            )
    for (a, b), (distance, se) in found.adjusted.baselines.items():
        log.info("Distance of %s and %s: %.2f (standard error %.2f)", views[a].name, views[b].name, distance, se)
    if len(found.lengths):
        mean, sd = found.lengths.mean(), found.lengths.std()
        log.info(
            "Squares of the board at moments that were held out: %.2f %% too %s on average, spread %.2f %%",
            *(100 * abs(mean - 1), "long" if mean >= 1 else "short", 100 * sd),
        )


def triangulate_videos(
    project: Path,
    named: Sequence[Path] = (),
    *,
    calibration: Path | None = None,
    span_s: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> None:
    """Find the body parts in space, from the poses of several cameras.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `videofolder`.
    calibration : Path, optional
        The file of the cameras; default the one in `calibrationfolder`.
    span_s : (float, float), optional
        Seconds of a clip to make.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When cameras are not named or calibrated; in the end, when a trial could not be done.
    """
    settings = load_analysis_settings(project)
    folder = _calibration_folder(project, settings)
    path = (calibration or layout.calibration_file(folder)).resolve()
    cameras = read_cameras(path)
    _check_views(path, settings)
    work = find_work(project, named, settings)
    marks_of(work.settings, work.network.bodyparts)  # refuses a skeleton of parts that are not known
    trials = find_trials(work.videos, work.settings.cameras)
    views = load_settings(project).views if any(view.crop for view in settings.cameras) else ()

    def find_points(trial: Trial) -> None:
        table = triangulate_trial(trial, path, cameras, work.network, work.settings, views, overwrite=overwrite)
        show_trial(trial, table, work.network, work.settings, views, span_s=span_s, overwrite=overwrite)

    for_each("trials", trials, find_points, name=lambda trial: trial.name)
    log.info("Done: open the pages (_3d.html) in a browser, and turn the points")


def _calibration_folder(project: Path, settings: AnalysisSettings) -> Path:
    """Return the folder of the board's videos and of the calibration."""
    return Layout(project).analysis_root / Path(settings.calibrationfolder).expanduser()


def _check_views(path: Path, settings: AnalysisSettings) -> None:
    """Make sure that the cameras see what they were calibrated with, where the calibration was made here."""
    record = _own_record(path)
    if record is None:
        return
    told = {view["name"]: view for view in record["settings"].get("cameras", [])}
    for view in settings.cameras:
        then = told.get(view.name, {})
        crop = tuple(then["crop"]) if then.get("crop") else None
        if then and (crop, then["mirrored"]) != (view.crop, view.mirrored):
            raise ToolboxError(
                f"camera {view.name} was calibrated with crop {crop} and mirrored {then['mirrored']}, but the settings "
                f"now say crop {view.crop} and mirrored {view.mirrored}: run Calibrate.py again"
            )


def _own_record(path: Path) -> dict[str, Any] | None:
    """Return the record of a calibration; None where the file is another than the one that it tells of."""
    record = layout.pose_record(path)
    if not record.is_file():
        return None
    made, told = fingerprint(path), records.read(record)
    return told if told.get(_MADE, made) == made else None
