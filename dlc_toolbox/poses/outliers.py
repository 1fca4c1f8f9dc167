"""Frames of a video in which a network fails, extracted to be labeled, with the network's own labels as a start."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common.culprits import in_short
from dlc_common.files import replacing_folder
from dlc_common.fingerprints import fingerprint
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
from dlc_toolbox.frames.wanted import Wanted, look_for_frames
from dlc_toolbox.labels.machine import write_machine_labels
from dlc_toolbox.labels.plausible import outside_image
from dlc_toolbox.measure.confidence import Calibration
from dlc_toolbox.measure.metrics import Cutoff
from dlc_toolbox.measure.tracks import Criteria, choose_apart, find_failures, seen_points, surprise
from dlc_toolbox.pictures.pictures import draw_pictures, look_of
from dlc_toolbox.poses.filter import find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.radius import read_confidence, warn_of_outdated
from dlc_toolbox.poses.trust import Trust, read_trust
from dlc_toolbox.project import records, tables
from dlc_toolbox.project.layout import (
    confidence_table,
    contact_sheet,
    machine_labels,
    pose_record,
    pose_table,
    video_stem,
)
from dlc_toolbox.project.settings import AnalysisSettings, Settings
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.sequences import open_frames

log = logging.getLogger(__name__)

CRITERIA = (
    "times a low likelihood",
    "jumps",
    "deviations from the track",
    "places where views disagree",
    "places that the posture contradicts",
    "large expected errors",
)
_NEARLY_ALL, _FEWEST_FRAMES = 0.95, 20


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
    refuse_scorer_named_as_machine_labels(labeling)


def refuse_scorer_named_as_machine_labels(labeling: Settings) -> None:
    """Raise ToolboxError for a scorer whose folder would be that of machine labels."""
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
    table = find_poses(video, network, crop=settings.crop, fps=settings.fps)
    cutoff = settings.pcutoff
    if isinstance(cutoff, tuple):  # in the order of the network's parts
        cutoff = tuple(cutoff[list(network.bodyparts).index(part)] for part in labeling.bodyparts)
    criteria = Criteria(cutoff, settings.jumpthreshold, settings.deviationthreshold, settings.windowlength)
    shaping: dict[str, Any] = {"seed": labeling.seed, "crop": labeling.crop}
    shaping["numoutlierframes"] = settings.numoutlierframes
    trust, confidence = read_trust(network, settings.crop), confidence_table(table)
    shaping |= {**asdict(criteria), "poses": fingerprint(table)}
    shaping["calibration"] = trust.fingerprint if trust.tells_of_errors else None
    shaping["confidence"] = fingerprint(confidence) if confidence.exists() else None
    made_from = records.describe({video.name: video}, shaping, before={"calibration": None, "confidence": None})
    reading = Reading.recorded(records.read(pose_record(pose_table(video, network.scorer))))
    *existing, folder = folders_of(data_folder, video_stem(video))
    if not overwrite and (current := find_current(existing, made_from)):
        return current
    poses = tables.points(tables.read_poses(table), labeling.bodyparts)
    if isinstance(trust.calibration, Calibration):
        warn_of_outdated(video, network, trust)
    expected_px = _expected_errors(confidence, labeling.bodyparts, len(poses))
    doubts = find_doubtful_poses(poses, expected_px, trust.of_parts(labeling.bodyparts), cutoff)
    failures = np.concatenate([find_failures(poses, criteria), doubts], axis=2)
    _tell(video, failures, labeling.bodyparts)
    with_frames = folders_with_frames(data_folder, video_stem(video), made_from["inputs"])
    taken = {frame for earlier in with_frames for frame in frames_in(earlier, made_from["inputs"])}
    chosen = _choose(video, poses, failures, cutoff, settings, labeling.seed, taken, reading)
    if not chosen:
        failing = np.flatnonzero(failures.any(axis=(1, 2))).tolist()
        known = [str(frame) for frame in failing if frame in taken]
        advice = "once they are labeled, train with them, and analyze the video again"
        why = f"frames {in_short(known)} of those are images already: {advice}" if known else "none is left"
        log.info("%s: no frame to extract, %s", video.name, why if failing else "the network fails in none")
        return None
    with replacing_folder(folder) as temporary:
        _write_images(video, temporary, chosen, len(poses), labeling, reading)
        offset = (labeling.x1, labeling.y1, 0) if labeling.cropping else (0, 0, 0)
        found, fails = poses[chosen] - offset, np.any(failures[chosen], axis=-1)
        _write_machine_labels(temporary, found, fails, network.scorer, labeling)
        origin = {"video": video.resolve().as_posix(), "frame_count": len(poses), "frames": chosen}
        output_of(temporary, made_from).write_record(**origin)
    log.info("%s: %d frames written to %s. %s", video.name, len(chosen), folder, _how_to_go_on(folder, labeling))
    return folder


def _choose(
    video: Path,
    poses: np.ndarray,
    failures: np.ndarray,
    cutoff: Cutoff,
    settings: AnalysisSettings,
    seed: int,
    taken: set[int],
    reading: Reading,
) -> list[int]:
    """Choose the frames with most to learn from; of a video that the network does not know, those that differ most."""
    decoded = np.isfinite(poses).any(axis=(1, 2))
    if not _is_unknown(failures[decoded], cutoff):
        return choose_apart(surprise(failures), settings.numoutlierframes, seed, taken)
    log.info(
        "%s: the network does not know this video yet, it fails in nearly every frame: chosen are frames that differ "
        "from each other in looks and motion, as for the first labels",
        video.name,
    )
    wanted = Wanted(settings.numoutlierframes, 1, seed, settings.crop, reading, framechoice="kmeans")
    return look_for_frames(open_frames(video, wanted.crop, reading), wanted, taken)[0]


def _is_unknown(failures: np.ndarray, cutoff: Cutoff) -> bool:
    """Tell whether most body parts fail in nearly every frame, or the others together do.

    A few parts that always fail are hidden. Those whose cutoff no network reaches say nothing, unless all are so.
    """
    if len(failures) < _FEWEST_FRAMES:
        return False
    judged = np.broadcast_to(cutoff, failures.shape[1]) < 1
    fails = np.asarray(failures[:, judged if judged.any() else ~judged].any(axis=2))
    always = fails.mean(axis=0) >= _NEARLY_ALL
    return 2 * always.sum() > len(always) or fails[:, ~always].any(axis=1).mean() >= _NEARLY_ALL


def find_doubtful_poses(poses: np.ndarray, expected_px: np.ndarray, trust: Trust, pcutoff: Cutoff) -> np.ndarray:
    """Tell where seen body parts are doubtful by what an evaluation learned.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y in pixels of the full frame, likelihood.
    expected_px : ndarray of shape (N, K)
        Expected errors; NaN where they are not known.
    trust : Trust
        What was learned, in the order of the body parts.
    pcutoff : Cutoff
        The least likelihood of a body part that is seen; parts that are not are no matter of doubt.

    Returns
    -------
    ndarray of shape (N, K, 3)
        bool; views that disagree by more than three standard deviations of the labels, places farther than four from
        where the rest of the posture says, and expected errors; each only beyond `wantederror`.
    """
    seen = seen_points(poses, pcutoff)
    is_seen = np.isfinite(seen).all(axis=2)
    views_limit = 3 * 1.4826 * max((plane.spread_px for plane in trust.planes), default=np.inf)
    posture_limit = np.inf if isinstance(trust.postures, str) else 4 * trust.postures.noise_px
    doubts = [
        trust.views_px(seen) > max(views_limit, trust.wanted_px),
        trust.posture_px(seen) > max(posture_limit, trust.wanted_px),
        expected_px > trust.wanted_px,
    ]
    return np.stack(doubts, axis=-1) & is_seen[..., None]


def _expected_errors(path: Path, bodyparts: Sequence[str], frames: int) -> np.ndarray:
    """Return the expected errors of a table of confidence, (N, K); NaN without the table."""
    if not path.exists():
        return np.full((frames, len(bodyparts)), np.nan)
    return read_confidence(path, bodyparts, frames)[..., 0]


def _tell(video: Path, failures: np.ndarray, bodyparts: Sequence[str]) -> None:
    """Log how many frames fail, by which criterion, and in which parts."""
    counts = failures.sum(axis=0)
    found = ", ".join(f"{count} {name}" for name, count in zip(CRITERIA, counts.sum(axis=0), strict=True))
    frames = np.count_nonzero(failures.any(axis=(1, 2)))
    log.info("%s: the network fails in %d of %d frames (%s)", video.name, frames, len(failures), found)
    for name, of_parts in zip(CRITERIA, counts.T, strict=True):
        parts = [f"{part} {count}" for part, count in zip(bodyparts, of_parts, strict=True) if count]
        if parts:
            log.info("%s: %s: %s", video.name, name, ", ".join(parts))


def _write_images(
    video: Path, folder: Path, chosen: Sequence[int], total: int, labeling: Settings, reading: Reading
) -> None:
    """Write the frames, all of which must be there."""
    frames = open_frames(video, labeling.crop, reading)
    condition = write_frames(frames, folder, chosen, digits=len(str(total - 1)))
    delivered, lost = len(condition.states), {*chosen}.intersection(condition.lost)
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
    names = [image.name for image in images]
    write_machine_labels(folder, names, labeling.bodyparts, labels, likelihoods, scorer)
    draw_pictures(home / "pictures", dict(zip(names, images, strict=True)), np.stack([labels, others], axis=1), look)


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
