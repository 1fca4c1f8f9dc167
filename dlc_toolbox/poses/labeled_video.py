"""A video with its poses drawn in: one picture per frame, at the frame's own time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dlc_common.images import write_image
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import Cutoff, cutoff_in_words, is_confident
from dlc_toolbox.measure.tracks import seen_points
from dlc_toolbox.pictures.marks import Marks, draw_marks
from dlc_toolbox.pictures.palette import part_colors
from dlc_toolbox.poses.filter import Filter, find_poses
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.radius import read_confidence
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.video.recording import Crop, Reading, Recording
from dlc_toolbox.video.sequences import open_frames
from dlc_toolbox.video.video import prefetch, writing_video

log = logging.getLogger(__name__)

_WAITING_FRAMES = 4


def make_labeled_video(
    video_path: Path,
    table: Path,
    out: Path,
    marks: Marks,
    *,
    crop: Crop | None = None,
    saved_frames: Collection[int] = (),
    reading: Reading | None = None,
    confidence: Path | None = None,
) -> None:
    """Draw the poses of a video into it.

    Parameters
    ----------
    video_path : Path
        The video.
    table : Path
        Its pose table, in pixels of the full frame.
    out : Path
        The .mp4 to write: one picture per frame, at the frame's own time; a lost frame is black.
    marks : Marks
        What is drawn, and how.
    crop : (x1, x2, y1, y2), optional
        Show only this part of each frame.
    saved_frames : collection of int
        Frames to write as png too, see `layout.labeled_frame`; those that have been written before are written again.
    reading : Reading, optional
        How the video was read when it was analyzed.
    confidence : Path, optional
        Table of how far off the poses may be: its radius of 90 % is drawn around those that are seen.

    Raises
    ------
    ToolboxError
        When the video or table cannot be read, their numbers of frames differ, a frame to save is not among them,
        or the system refuses to write.
    """
    video = open_frames(video_path, crop, reading)
    poses = tables.read_poses(table)
    values = tables.points(poses)
    points = seen_points(values, marks.pcutoff) - ((crop[0], crop[2]) if crop else (0, 0))
    beyond = [number for number in saved_frames if number >= len(points)]
    if beyond:
        raise ToolboxError(f"{video_path} has no frame {beyond[0]} to save; its frames are 0 to {len(points) - 1}")
    radius_px = np.full(points.shape[:2], np.nan)
    if confidence is not None:
        radius_px = read_confidence(confidence, tables.bodyparts_of(poses), len(points))[..., 1]
    log_shares(tables.bodyparts_of(poses), values[..., 2], marks.pcutoff)
    frames = prefetch(video.frames(), _WAITING_FRAMES)
    saved = {layout.labeled_frame(out, number) for number in saved_frames}
    saved |= set(layout.labeled_frame(out, 0).parent.glob("*.png"))  # of other poses, or drawn in another way
    with (
        closing(prefetch(_drawn(frames, video, points, radius_px, marks), _WAITING_FRAMES)) as pictures,
        writing_video(out, video.width, video.height, video.rate, video.time_base, video.pixel_aspect) as write,
    ):
        for number, (time, picture) in enumerate(tqdm(pictures, out.name, len(points), unit=" frames")):
            write(picture, time)
            if (path := layout.labeled_frame(out, number)) in saved:
                write_image(path, picture)


def log_shares(bodyparts: Sequence[str], likelihood: np.ndarray, pcutoff: Cutoff) -> None:
    """Tell for each body part in which share of the frames it is seen.

    Parameters
    ----------
    bodyparts : sequence of str
        K names.
    likelihood : ndarray of shape (N, K)
        NaN where a frame is lost, which counts as not seen.
    pcutoff : Cutoff
        Likelihood from which on a body part is seen.
    """
    shares = dict(zip(bodyparts, is_confident(likelihood, pcutoff).mean(axis=0), strict=True))
    width = max(map(len, bodyparts))
    lines = [f"  {part:<{width}} {share:7.1%}" for part, share in shares.items()]
    words = cutoff_in_words(pcutoff)
    log.info("Share of the %d frames with likelihood >= %s:\n%s", len(likelihood), words, "\n".join(lines))
    never = ", ".join(part for part, share in shares.items() if share == 0)
    if never:
        log.warning(
            "Never drawn, because always below pcutoff: %s. Lower pcutoff, or train longer or with more labels", never
        )


def _drawn(
    frames: Generator[tuple[int, np.ndarray | None], None, None],
    video: Recording,
    points: np.ndarray,
    radius_px: np.ndarray,
    marks: Marks,
) -> Generator[tuple[int, np.ndarray], None, None]:
    """Yield times and frames with marks; there must be one for each row of points."""
    colors = part_colors(marks.colormap, points.shape[1])
    row = -1
    with closing(frames):
        for row, (time, frame) in enumerate(frames):
            if row == len(points):
                raise _wrong_length(video, row, "more")
            picture = np.zeros((video.height, video.width, 3), np.uint8) if frame is None else frame
            circles = radius_px[row] if np.isfinite(radius_px[row]).any() else None
            draw_marks(picture, points[max(row - marks.trailpoints, 0) : row + 1], colors, marks, circles)
            yield time, picture
    if row + 1 < len(points):
        raise _wrong_length(video, len(points), f"only {row + 1}")


def _wrong_length(video: Recording, rows: int, frames: str) -> ToolboxError:
    """Say that table and video differ in length."""
    return ToolboxError(
        f"{video.path} has {frames} frames, but its pose table has {rows} rows, so they do not belong together; "
        "analyze the video again, with AnalyzeVideos.py --overwrite"
    )


def label_video(
    video: Path,
    network: Network,
    marks: Marks,
    *,
    crop: Crop | None = None,
    filtered: Filter | None = None,
    saved_frames: Collection[int] = (),
    confidence: Path | None = None,
    fps: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Make the labeled video beside a video, unless it is current.

    Parameters
    ----------
    video : Path
        The video; a pose table by `network` lies beside it.
    network : Network
        Whose poses are drawn, and no other's.
    marks, crop, saved_frames, confidence
        As for `make_labeled_video`.
    filtered : Filter, optional
        Draw the poses as this filter has left them.
    fps : float, optional
        As for `find_poses`.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The labeled video.

    Raises
    ------
    ToolboxError
        As `find_poses` and `make_labeled_video`.
    """
    table = find_poses(video, network, crop=crop, filtered=filtered, fps=fps)
    out = layout.labeled_video(video)
    reading = Reading.recorded(records.read(layout.pose_record(layout.pose_table(video, network.scorer))))
    shaping = {**asdict(marks), "crop": crop, **asdict(reading)}
    inputs = {"video": video, "poses": table, **({"confidence": confidence} if confidence else {})}
    made_from = records.describe(inputs, shaping, before=asdict(Reading()))
    files = [out, *(layout.labeled_frame(out, number) for number in saved_frames)]
    output = records.Output(out.name, layout.pose_record(out), files, made_from)
    if output.is_current(overwrite):
        return out
    output.start()
    make_labeled_video(
        *(video, table, out, marks), crop=crop, saved_frames=saved_frames, reading=reading, confidence=confidence
    )
    output.write_record()
    log.info("Wrote %s", out)
    return out
