"""Frames of a video in which a network fails, extracted to be labeled, with the network's own labels as a start."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dlc_common.files import fingerprint, replacing_folder
from dlc_common.images import image_size, list_images
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.choosing import (
    check_imagetype,
    find_current,
    folders_of,
    folders_with_frames,
    frames_in,
    output_of,
    write_frames,
)
from dlc_toolbox.labels.labels import outside_image
from dlc_toolbox.labels.machine import write_machine_labels
from dlc_toolbox.measure.tracks import Criteria, choose_apart, find_failures, surprise
from dlc_toolbox.pictures.pictures import draw_pictures, look_of
from dlc_toolbox.poses.filter import find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project import records, tables
from dlc_toolbox.project.layout import contact_sheet, machine_labels, video_stem
from dlc_toolbox.project.settings import AnalysisSettings, Settings
from dlc_toolbox.video.sequences import open_frames

log = logging.getLogger(__name__)


def check_labeling(labeling: Settings, settings: AnalysisSettings, network: Network) -> None:
    """Make sure that a network's poses can become labels of the project.

    Parameters
    ----------
    labeling : Settings
        Of `myconfig.py`: where images and labels go.
    settings : AnalysisSettings
        Of `myconfig_analysis.py`, which names the network.
    network : Network
        That network.

    Raises
    ------
    ToolboxError
        When the two files are about different tasks or body parts, the images could not be read as `imagetype`, or a
        scorer is named like the folder of machine labels, which would then be read as this scorer's.
    """
    if labeling.Task != settings.Task:
        raise ToolboxError(
            f"myconfig.py is about Task = {labeling.Task!r}, myconfig_analysis.py about {settings.Task!r}: frames are "
            "extracted to be labeled with myconfig.py, so both must be the same"
        )
    if set(labeling.bodyparts) != set(network.bodyparts):
        raise ToolboxError(
            f"myconfig.py has the body parts {', '.join(labeling.bodyparts)}, but the network was trained on "
            f"{', '.join(network.bodyparts)}: its poses cannot become labels of this project"
        )
    check_imagetype(labeling)
    reserved = machine_labels(Path()).name
    if reserved in [scorer.lower() for scorer in labeling.Scorers]:
        raise ToolboxError(f"{reserved} in Scorers is the name of the folders of machine labels: choose another name")


def extract_outliers(
    video: Path,
    network: Network,
    settings: AnalysisSettings,
    labeling: Settings,
    data_folder: Path,
    *,
    overwrite: bool = False,
) -> Path | None:
    """Extract frames in which a network fails into a new folder beside those of Step 1, with machine labels.

    Parameters
    ----------
    video : Path
        The video; poses by `network` lie beside it.
    network : Network
        Whose failures are looked for.
    settings : AnalysisSettings
        numoutlierframes; pcutoff, jumpthreshold, deviationthreshold and windowlength, see `tracks.find_failures`.
    labeling : Settings
        Of `myconfig.py`, see `check_labeling`: body parts, seed, and the crop of the images.
    data_folder : Path
        Folder with one sub-folder of images per video. None of them is changed, and frames that the video's own hold
        are not extracted again.
    overwrite : bool
        Extract further frames although the same settings have been used before.

    Returns
    -------
    Path or None
        The folder: images, ``frames.json``, and ``machine-labels``, which Step 2 does not read, with one csv per body
        part (without what fails there or lies outside the image) and pictures. None when there is no such frame.

    Raises
    ------
    ToolboxError
        As `find_poses`; when the video cannot be read as when it was analyzed, or the crop does not fit.
    """
    table = find_poses(video, network, crop=settings.crop)
    cutoff = settings.pcutoff
    if isinstance(cutoff, tuple):  # in the order of the network's parts
        cutoff = tuple(cutoff[list(network.bodyparts).index(part)] for part in labeling.bodyparts)
    criteria = Criteria(cutoff, settings.jumpthreshold, settings.deviationthreshold, settings.windowlength)
    shaping = {"numoutlierframes": settings.numoutlierframes, "seed": labeling.seed, "crop": labeling.crop}
    made_from = records.describe({video.name: video}, {**shaping, **asdict(criteria), "poses": fingerprint(table)})
    *existing, folder = folders_of(data_folder, video_stem(video))
    if not overwrite and (current := find_current(existing, made_from)):
        return current
    poses = tables.points(tables.read_table(table), labeling.bodyparts)
    failures = find_failures(poses, criteria)
    log.info(
        "%s: the network fails in %d of %d frames (%d times a low likelihood, %d jumps, %d deviations from the track)",
        *(video.name, np.count_nonzero(failures.any(axis=(1, 2))), len(poses), *failures.sum(axis=(0, 1))),
    )
    with_frames = folders_with_frames(data_folder, video_stem(video))
    taken = {frame for earlier in with_frames for frame in frames_in(earlier, made_from["inputs"])}
    chosen = choose_apart(surprise(failures), settings.numoutlierframes, labeling.seed, taken)
    if not chosen:
        log.info("%s: no frame to extract", video.name)
        return None
    with replacing_folder(folder) as temporary:
        _write_images(video, temporary, chosen, len(poses), labeling)
        offset = (labeling.x1, labeling.y1, 0) if labeling.cropping else (0, 0, 0)
        found, fails = poses[chosen] - offset, np.any(failures[chosen], axis=-1)
        _write_machine_labels(temporary, found, fails, network.scorer, labeling)
        origin = {"video": video.resolve().as_posix(), "frame_count": len(poses), "frames": chosen}
        output_of(temporary, made_from).write_record(**origin)
    log.info("%s: %d frames written to %s. %s", video.name, len(chosen), folder, _how_to_go_on(folder, labeling))
    return folder


def _write_images(video: Path, folder: Path, chosen: Sequence[int], total: int, labeling: Settings) -> None:
    """Write the frames, all of which must be there."""
    delivered, lost = write_frames(open_frames(video, labeling.crop), folder, chosen, digits=len(str(total - 1)))
    if delivered != total or lost:
        raise ToolboxError(
            f"{video} delivers {delivered} frames, and {len(lost)} of the chosen ones are lost, but its pose table has "
            f"{total} rows, so they do not belong together; analyze the video again, with AnalyzeVideos.py --overwrite"
        )


def _write_machine_labels(folder: Path, poses: np.ndarray, fails: np.ndarray, scorer: str, labeling: Settings) -> None:
    """Write what a network found in a folder's images, (N, K, 3), as clicks of Fiji, and draw all of it."""
    points, likelihoods = poses[..., :2], poses[..., 2]
    images = list_images(folder, labeling.imagetype)
    doubtful = fails | outside_image(points, np.array([image_size(image) for image in images]))
    labels, others = (np.where(left_out[..., None], np.nan, points) for left_out in (doubtful, ~doubtful))
    home = machine_labels(folder)
    look = look_of(labeling, [(".", f"machine label by {scorer}"), ("x", "doubtful, no label")])
    draw_pictures(home / "pictures", {image.name: image for image in images}, np.stack([labels, others], axis=1), look)
    names = [image.name for image in images]
    write_machine_labels(folder, names, labeling.bodyparts, labels, likelihoods, scorer)


def _how_to_go_on(folder: Path, labeling: Settings) -> str:
    """Say how people make labels out of machine labels."""
    home = folder / labeling.scorer if len(labeling.Scorers) > 1 else folder
    sheet = contact_sheet(machine_labels(folder) / "pictures")
    if labeling.multibodypartsfile:
        todo = f"label them in Fiji, all body parts in turn, and save {labeling.multibodypartsfilename} in {home}"
    else:
        todo = (
            f"copy the csv files of those body parts that are right in every image to {home}, label the others in Fiji "
            "and save theirs there too"
        )
    return (
        f"Machine labels are no labels yet: look at {sheet}, then accept or correct them with LabelFrames.py; or {todo}"
    )
