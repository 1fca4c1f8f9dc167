"""From the pose tables of several cameras to a table of points in space."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.trials import Trial, check_clocks, check_gaps, tell_lengths, to_view
from dlc_toolbox.cameras.triangulate import COORDS, Triangulated, triangulate
from dlc_toolbox.measure.metrics import Cutoff, is_confident
from dlc_toolbox.poses.clock import Clock
from dlc_toolbox.poses.filter import drawn_filter, find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.radius import read_confidence, warn_of_outdated
from dlc_toolbox.poses.trust import read_trust
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.cameras import View
from dlc_toolbox.project.settings import AnalysisSettings

log = logging.getLogger(__name__)

_MEDIAN_PER_SIGMA = np.sqrt(2 * np.log(2))  # of a distance whose x and y have normal errors
_MUCH_OF_A_DIAGONAL = 0.005  # of a picture; two views show less than half of the error of poses
_LEAST_LIKELIHOOD = 0.01  # poses that are less likely do not weigh still less


@dataclass(frozen=True)
class Points:
    """The points that are wanted in space.

    Parameters
    ----------
    names : sequence of K str
        What they are called.
    parts : sequence of K sequences of C str
        The body part that each camera's pose table has of each.
    """

    names: Sequence[str]
    parts: Sequence[Sequence[str]]

    @classmethod
    def of(cls, trial: Trial, bodyparts: Sequence[str], views: Sequence[Sequence[str]]) -> Points:
        """Tell which points the cameras of a trial see.

        Parameters
        ----------
        trial : Trial
            Its videos.
        bodyparts : sequence of str
            Of the network.
        views : sequence of sequences of str
            The setting `views`: the body parts that are one point, in the order of the cameras.

        Returns
        -------
        Points
            Each body part, where each camera has a video of its own; those of `views`, where all see parts of one.

        Raises
        ------
        ToolboxError
            When several cameras share one video, and `views` does not tell which parts are whose.
        """
        count = len(trial.videos)
        if len(set(trial.videos.values())) == count:
            return cls(tuple(bodyparts), [[part] * count for part in bodyparts])
        if len(set(trial.videos.values())) > 1 or any(len(point) != count for point in views) or not views:
            raise ToolboxError(
                f"{trial.name}: {count} cameras share a video, as with a mirror: all must then be parts of one video, "
                f"and views in myconfig.py must name for each point its {count} body parts, in the order of cameras"
            )
        if strangers := [part for point in views for part in point if part not in bodyparts]:
            raise ToolboxError(f"views names {', '.join(strangers)}, which the network does not know")
        return cls(_common_names(views), views)

    def pairs(self, skeleton: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
        """Return the lines of a skeleton of body parts as pairs of points."""
        where = {part: k for k, parts in enumerate(self.parts) for part in parts}
        joined = {tuple(sorted((where[a], where[b]))) for a, b in skeleton if a in where and b in where}
        return sorted((a, b) for a, b in joined if a != b)


def _common_names(views: Sequence[Sequence[str]]) -> list[str]:
    """Name each point by what the names of its body parts begin with in common, if that tells them apart.

    >>> _common_names([["paw_top", "paw_side"], ["nose_top", "nose_side"]]), _common_names([["a", "b"], ["c", "d"]])
    (['paw', 'nose'], ['a', 'c'])
    """
    names = []
    for parts in views:
        same = [len(set(letters)) == 1 for letters in zip(*parts, strict=False)]
        names.append(parts[0][: (same + [False]).index(False)].rstrip("_-. "))
    return names if all(names) and len(set(names)) == len(names) else [parts[0] for parts in views]


@dataclass(frozen=True)
class _Track:
    """One camera's poses: where its view shows the points, (N, K, 2), how exactly, (N, K), and what is told of them."""

    seen: np.ndarray
    sigma: np.ndarray
    files: _Files


def pose_sigma(poses: np.ndarray, error_px: np.ndarray | None, pcutoff: Cutoff) -> np.ndarray:
    """Tell how exact poses are.

    Parameters
    ----------
    poses : ndarray of shape (N, K, 3)
        x, y and likelihood.
    error_px : ndarray of shape (N, K), optional
        Their expected errors, where these are known; NaN where not.
    pcutoff : Cutoff
        Less likely poses are not seen at all.

    Returns
    -------
    ndarray of shape (N, K)
        Standard deviation of x and of y, from the expected error, which half of the distances exceed. Where it is not
        known: 1 / likelihood, times the typical one of the others. NaN where nothing is seen.
    """
    likelihood = poses[..., 2]
    known = np.full(likelihood.shape, np.nan) if error_px is None else error_px / _MEDIAN_PER_SIGMA
    typical = float(np.nanmedian(known)) if np.isfinite(known).any() else 1.0
    sigma = np.where(np.isfinite(known), known, typical / np.maximum(likelihood, _LEAST_LIKELIHOOD))
    return np.where(is_confident(likelihood, pcutoff), sigma, np.nan)


def triangulate_trial(
    trial: Trial,
    calibration: Path,
    cameras: Sequence[Camera],
    network: Network,
    settings: AnalysisSettings,
    views: Sequence[Sequence[str]] = (),
    *,
    overwrite: bool = False,
) -> Path:
    """Write where the body parts of a trial are in space, unless that is current.

    Parameters
    ----------
    trial : Trial
        Its videos; poses by `network` lie beside them.
    calibration : Path
        The file of the cameras.
    cameras : sequence of Camera
        Its content.
    network : Network
        Whose poses count.
    settings : AnalysisSettings
        cameras, cameraoffsets, commontrigger, pcutoff (numbers), storedata_as_csv, and drawfiltered with its filter.
    views : sequence of sequences of str, optional
        The setting `views`, for cameras that share a video.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The table, beside the first camera's video: columns (scorer, bodyparts, coords) with `triangulate.COORDS`, one
        row a moment; row 0 is frame 0 of cameras without an offset.

    Raises
    ------
    ToolboxError
        When poses or the calibration of a camera are missing, or do not belong to its videos, videos drift apart, or a
        camera left frames out where another did not.
    """
    chosen = [view for view in settings.cameras if view.name in trial.videos]
    points = Points.of(trial, network.bodyparts, views)
    files = [_find_files(trial.videos[view.name], network, settings) for view in chosen]
    output = _output(trial, calibration, chosen, files, points, network, settings)
    (table,) = output.files
    if output.is_current(overwrite):
        if settings.storedata_as_csv and not table.with_suffix(".csv").exists():
            tables.write_csv(tables.read_table(table, COORDS), table.with_suffix(".csv"))
        return table
    calibrated, tracks = _calibrated(chosen, cameras, calibration), {}
    for number, (view, camera) in enumerate(zip(chosen, calibrated, strict=True)):
        _check_size(trial, view, camera, files[number].record)
        parts = [each[number] for each in points.parts]
        cutoff = _cutoff_of(settings.pcutoff, network.bodyparts, parts)
        tracks[view.name] = _read_track(files[number], parts, cutoff, view)
    seen, sigma, fps = _in_step(trial, tracks, settings)
    found = triangulate(calibrated, seen, sigma)
    values = tables.make_table(network.scorer, points.names, np.arange(seen.shape[1]), found.values, COORDS)
    output.start()
    tables.write_table(values, table, csv=settings.storedata_as_csv)
    output.write_record(fps=fps, frames=seen.shape[1], **_facts(found, points.names, list(tracks), sigma))
    met = int((np.isfinite(sigma + seen[..., 0]).sum(axis=0) >= 2).sum())
    _tell(trial.name, found, points.names, list(tracks), sigma, met)
    _warn_of_contradictions(trial.name, found, calibrated)
    log.info("Wrote %s", table)
    return table


@dataclass(frozen=True)
class _Files:
    """Of one camera: the pose table that counts, how far off poses may be (where known), the raw record, the clock."""

    poses: Path
    trusted: Path | None
    record: Mapping[str, Any]
    clock: Clock


def _find_files(video: Path, network: Network, settings: AnalysisSettings) -> _Files:
    """Find what is known of the poses of a video."""
    raw = layout.pose_table(video, network.scorer)
    poses = find_poses(video, network, crop=settings.crop, filtered=drawn_filter(settings), fps=settings.fps)
    warn_of_outdated(video, network, read_trust(network, settings.crop))
    trusted, record = layout.confidence_table(raw), records.read(layout.pose_record(raw))
    return _Files(poses, trusted if trusted.exists() else None, record, _clock_of(video, record))


def _output(
    trial: Trial,
    calibration: Path,
    views: Sequence[View],
    files: Sequence[_Files],
    points: Points,
    network: Network,
    settings: AnalysisSettings,
) -> records.Output:
    """Return the table of a trial with what it is made from."""
    inputs, rates = {"calibration": calibration}, {}
    for view, each in zip(views, files, strict=True):
        inputs[f"poses of {view.name}"] = each.poses
        inputs |= {f"confidence of {view.name}": each.trusted} if each.trusted else {}
        rates[view.name] = each.clock.fps
    shaping = {
        "scorer": network.scorer,
        "cameras": [asdict(view) for view in views],
        "cameraoffsets": dict(settings.cameraoffsets),
        "commontrigger": settings.commontrigger,
        "pcutoff": settings.pcutoff,
        "points": list(map(list, points.parts)),
        "fps": rates,
    }
    table = layout.space_table(trial.folder, trial.name)
    return records.Output(table.name, layout.pose_record(table), [table], records.describe(inputs, shaping))


def _calibrated(views: Sequence[View], cameras: Sequence[Camera], calibration: Path) -> list[Camera]:
    """Return the calibrated cameras of the views."""
    known = {camera.name: camera for camera in cameras}
    if missing := [view.name for view in views if view.name not in known]:
        raise ToolboxError(
            f"{calibration} does not describe camera {', '.join(missing)}, only {', '.join(known)}: name the cameras "
            "in myconfig_analysis.py as it does, or calibrate again"
        )
    return [known[view.name] for view in views]


def _cutoff_of(pcutoff: Cutoff, bodyparts: Sequence[str], parts: Sequence[str]) -> Cutoff:
    """Return the cutoffs of some of the network's body parts."""
    return tuple(pcutoff[list(bodyparts).index(part)] for part in parts) if isinstance(pcutoff, tuple) else pcutoff


def _read_track(files: _Files, parts: Sequence[str], cutoff: Cutoff, view: View) -> _Track:
    """Read the poses of one camera as places in its view."""
    poses = tables.points(tables.read_poses(files.poses), parts)
    error_px = None
    if files.trusted:
        error_px = read_confidence(files.trusted, parts, len(poses))[..., 0]
    places = to_view(poses[..., :2], view, files.record["width"])
    return _Track(places, pose_sigma(poses, error_px, cutoff), files)


def _check_size(trial: Trial, view: View, camera: Camera, record: Mapping[str, Any]) -> None:
    """Make sure that a camera was calibrated with pictures of the size of its videos."""
    x1, x2, y1, y2 = view.crop or (0, record["width"], 0, record["height"])
    if camera.size != (x2 - x1, y2 - y1):
        raise ToolboxError(
            f"{trial.videos[view.name].name} shows {x2 - x1} x {y2 - y1} pixels, but camera {view.name} was calibrated "
            f"with {camera.size[0]} x {camera.size[1]}: calibrate it as it records"
        )


def _clock_of(video: Path, record: Mapping[str, Any]) -> Clock:
    """Return when the frames of a video are shown, as the record of its poses tells."""
    try:
        return Clock.recorded(record)
    except ToolboxError as error:
        raise ToolboxError(f"{video.name}: {error}") from None


def _in_step(
    trial: Trial, tracks: Mapping[str, _Track], settings: AnalysisSettings
) -> tuple[np.ndarray, np.ndarray, float]:
    """Put the poses of all cameras into rows of the same moments: places, sigmas and frames per second."""
    offsets = dict(settings.cameraoffsets)
    clocks = {name: track.files.clock for name, track in tracks.items()}
    frames = {name: len(track.seen) for name, track in tracks.items()}
    gaps = {name: track.files.record.get("frames_missing_after") for name, track in tracks.items()}
    noted = {name: dict(found) for name, found in gaps.items() if found is not None}
    check_gaps(trial.name, noted, frames, offsets)
    if not settings.commontrigger:
        check_clocks(trial, {name: clock.seconds(0, frames[name]) for name, clock in clocks.items()}, offsets)
    moments = tell_lengths(trial.name, frames, offsets)
    count = next(iter(tracks.values())).seen.shape[1]
    seen = np.full((len(tracks), moments, count, 2), np.nan)
    sigma = np.full((len(tracks), moments, count), np.nan)
    for number, (name, track) in enumerate(tracks.items()):
        offset = offsets.get(name, 0)
        first = max(0, -offset)  # the first moment of which this camera has a frame
        rows = len(track.seen) - (first + offset)
        if rows > 0:
            seen[number, first : first + rows] = track.seen[first + offset :]
            sigma[number, first : first + rows] = track.sigma[first + offset :]
    known = (clock.fps for clock in clocks.values() if clock.fps)
    return seen, sigma, next(known, next(iter(tracks.values())).files.record["fps"])


def _facts(found: Triangulated, names: Sequence[str], cameras: Sequence[str], sigma: np.ndarray) -> dict[str, Any]:
    """Gather what the record tells of the points."""
    return {
        "noise": round(found.noise, 4),
        "views_left_out": {name: round(share, 4) for name, share in zip(cameras, _left_out(found, sigma), strict=True)},
        "parts": {
            name: {
                "found": round(float(np.isfinite(found.points[:, k, 0]).mean()), 4),
                "doubtful": round(_share(found.doubtful[:, k], np.isfinite(found.points[:, k, 0])), 4),
                "median_error_px": _rounded(found.error_px[:, k][np.isfinite(found.points[:, k, 0])]),
                "median_sd": _rounded(found.sd[:, k][np.isfinite(found.points[:, k, 0])]),
            }
            for k, name in enumerate(names)
        },
    }


def _left_out(found: Triangulated, sigma: np.ndarray) -> list[float]:
    """Return for each camera the share of its poses of points that it was left out of."""
    lies = np.isfinite(found.points[..., 0])
    return [_share(~used, np.isfinite(each) & lies) for used, each in zip(found.used, sigma, strict=True)]


def _share(which: np.ndarray, of: np.ndarray) -> float:
    """Return the share of those that count; 0 of none."""
    return float(which[of].mean()) if of.any() else 0.0


def _rounded(values: np.ndarray) -> float | None:
    """Return the median as a record holds it; None without any."""
    return round(float(np.median(values)), 4) if values.size else None


def _tell(
    trial: str, found: Triangulated, names: Sequence[str], cameras: Sequence[str], sigma: np.ndarray, met: int
) -> None:
    """Log how good the points are; two cameras see `met` of them."""
    lies = np.isfinite(found.points[..., 0])
    if met and not lies.any():
        log.warning(
            "%s: two cameras see a body part at the same moment %d times, but never where one point in space would be "
            "seen: is the calibration of these cameras, under these names, and were they not moved since? Are "
            "cameraoffsets right?",
            *(trial, met),
        )
        return
    if not lies.any():
        log.warning(
            "%s: no body part is seen by two cameras at any moment (from pcutoff on): look at the labeled videos, and "
            "check cameraoffsets",
            trial,
        )
        return
    doubtful = [_share(found.doubtful[:, k], lies[:, k]) for k in range(len(names))]
    left_out = ", ".join(f"{name} {share:.1%}" for name, share in zip(cameras, _left_out(found, sigma), strict=True))
    log.info(
        "%s: %d moments; %.0f %% of the points are found in space, with a median reprojection error of %.2f px; of "
        "these %.1f %% are doubtful, most of %s (%.1f %%); poses that were left out because others contradict them: %s",
        *(trial, len(lies), 100 * lies.mean(), np.median(found.error_px[lies]), 100 * found.doubtful[lies].mean()),
        *(names[int(np.argmax(doubtful))], 100 * max(doubtful), left_out),
    )


def _warn_of_contradictions(trial: str, found: Triangulated, cameras: Sequence[Camera]) -> None:
    """Say that most points contradict the cameras: measured by the others, none of them is doubtful then."""
    errors_px = found.error_px[np.isfinite(found.points[..., 0])]
    diagonal_px = min(float(np.hypot(*camera.size)) for camera in cameras)
    if errors_px.size and (error_px := np.median(errors_px)) > _MUCH_OF_A_DIAGONAL * diagonal_px:
        log.warning(
            "%s: a reprojection error of %.1f px is much, so none of the points can be trusted: are the cameras those "
            "of the calibration, under these names, and were they not moved since? Are cameraoffsets right? If so, the "
            "poses are poor: look at the labeled videos",
            *(trial, error_px),
        )
