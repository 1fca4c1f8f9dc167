"""A video with its poses drawn in: one picture per frame, at the frame's own time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from itertools import repeat
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
from dlc_toolbox.poses.radius import each_radius
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.long_tables import read_long_poses
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
    bodyparts, rows = _tell_shares(table, marks.pcutoff)
    beyond = [number for number in saved_frames if number >= rows]
    if beyond:
        raise ToolboxError(f"{video_path} has no frame {beyond[0]} to save; its frames are 0 to {rows - 1}")
    radii = each_radius(confidence, bodyparts, rows) if confidence else repeat(None)
    shown = zip(_each_place(table, marks.pcutoff), radii, strict=False)
    colors = part_colors(marks.colormap, len(bodyparts))
    frames = prefetch(video.frames(), _WAITING_FRAMES)
    saved = {layout.labeled_frame(out, number) for number in saved_frames}
    saved |= set(layout.labeled_frame(out, 0).parent.glob("*.png"))  # of other poses, or drawn in another way
    with (
        closing(prefetch(_drawn(frames, video, shown, rows, colors, marks), _WAITING_FRAMES)) as pictures,
        writing_video(out, video.width, video.height, video.rate, video.time_base, video.pixel_aspect) as write,
    ):
        for number, (time, picture) in enumerate(tqdm(pictures, out.name, rows, unit=" frames")):
            write(picture, time)
            if (path := layout.labeled_frame(out, number)) in saved:
                write_image(path, picture)


def _tell_shares(table: Path, pcutoff: Cutoff) -> tuple[list[str], int]:
    """Tell in which share of the frames each body part is seen; return the parts and how many frames there are."""
    bodyparts, seen, frames = list[str](), np.zeros(1, int), 0
    for rows in read_long_poses(table):
        bodyparts, frames = tables.bodyparts_of(rows), frames + len(rows)
        seen = seen + is_confident(tables.points(rows)[..., 2], pcutoff).sum(axis=0)
    shares = dict(zip(bodyparts, seen / max(frames, 1), strict=True))
    width = max(map(len, bodyparts))
    lines = [f"  {part:<{width}} {share:7.1%}" for part, share in shares.items()]
    words = cutoff_in_words(pcutoff)
    log.info("Share of the %d frames with likelihood >= %s:\n%s", frames, words, "\n".join(lines))
    never = ", ".join(part for part, share in shares.items() if share == 0)
    if never:
        log.warning(
            "Never drawn, because always below pcutoff: %s. Lower pcutoff, or train longer or with more labels", never
        )
    return bodyparts, frames


def _each_place(table: Path, pcutoff: Cutoff) -> Iterator[np.ndarray]:
    """Yield the places of the body parts that are seen, (K, 2), of one frame after another."""
    for rows in read_long_poses(table):
        yield from seen_points(tables.points(rows), pcutoff)


def _drawn(
    frames: Generator[tuple[int, np.ndarray | None], None, None],
    video: Recording,
    shown: Iterator[tuple[np.ndarray, np.ndarray | None]],
    rows: int,
    colors: np.ndarray,
    marks: Marks,
) -> Generator[tuple[int, np.ndarray], None, None]:
    """Yield times and frames with marks; there must be one for each row of what is `shown`: places and radii."""
    offset = (video.crop[0], video.crop[2]) if video.crop else (0, 0)
    trail = deque[np.ndarray](maxlen=marks.trailpoints + 1)
    count = 0
    with closing(frames):
        for time, frame in frames:
            if count == rows:
                raise _wrong_length(video, rows, "more")
            picture = np.zeros((video.height, video.width, 3), np.uint8) if frame is None else frame
            place, radius_px = next(shown)
            trail.append(place - offset)
            draw_marks(picture, np.array(trail), colors, marks, radius_px)
            yield time, picture
            count += 1
    if count < rows:
        raise _wrong_length(video, rows, f"only {count}")


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
