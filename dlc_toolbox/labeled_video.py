"""A video with its poses drawn in: one picture per frame, at the frame's own time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from dlc_toolbox import ToolboxError, layout, records, tables
from dlc_toolbox.analysis import Network, check_owner, describe_poses
from dlc_toolbox.drawing import part_colors
from dlc_toolbox.files import replacing
from dlc_toolbox.metrics import is_confident
from dlc_toolbox.video import Crop, Video, prefetch, writing_video

log = logging.getLogger(__name__)

_WAITING_FRAMES = 4
_STEPS_PER_PIXEL = 4  # dots are placed to a quarter of a pixel


@dataclass(frozen=True)
class Dots:
    """How poses are drawn.

    Parameters
    ----------
    pcutoff : float
        Likelihood from which on a body part is drawn, 0 to 1.
    radius : float
        Of the dots, in pixels.
    alpha : float
        Opacity, 0 to 1.
    colormap : str
        Name of a matplotlib colormap; its colours go to the body parts in the order of the table.
    """

    pcutoff: float = 0.1
    radius: float = 7
    alpha: float = 0.6
    colormap: str = "cool"


def draw_dots(frame: np.ndarray, points: np.ndarray, colors: np.ndarray, radius: float, alpha: float = 1.0) -> None:
    """Draw discs with soft edges into a frame, in place.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3)
        uint8 RGB; changed.
    points : ndarray of shape (K, 2)
        x, y of the centres in pixels; (0, 0) is the centre of the top-left pixel. NaN is not drawn; what lies outside
        the frame is cut off.
    colors : ndarray of shape (K, 3)
        uint8 RGB.
    radius : float
        In pixels.
    alpha : float
        Opacity, 0 to 1.

    Examples
    --------
    >>> frame = np.zeros((5, 5, 3), np.uint8)
    >>> draw_dots(frame, np.array([[1.0, 2.0]]), np.array([[255, 0, 0]]), radius=1)
    >>> frame[..., 0].tolist()[2]
    [128, 255, 128, 0, 0]
    """
    stamps = _stamps(float(radius), float(alpha))
    reach = stamps.shape[-1] // 2
    height, width = frame.shape[:2]
    seen = np.isfinite(points).all(axis=-1)
    places = np.round(points[seen] * _STEPS_PER_PIXEL) + _STEPS_PER_PIXEL // 2
    pixels, steps = np.divmod(places, _STEPS_PER_PIXEL)
    for (x, y), (step_x, step_y), color in zip(pixels.tolist(), steps.astype(int), colors[seen], strict=True):
        if not (-reach <= x < width + reach and -reach <= y < height + reach):
            continue
        left, top = int(x) - reach, int(y) - reach
        window = frame[max(top, 0) : top + 2 * reach + 1, max(left, 0) : left + 2 * reach + 1]
        rows, columns = slice(max(-top, 0), None), slice(max(-left, 0), None)
        weight = stamps[step_y, step_x, rows, columns][: window.shape[0], : window.shape[1], None]
        window[:] = (window * (256 - weight) + color * weight + 128) >> 8


@lru_cache(maxsize=8)
def _stamps(radius: float, alpha: float) -> np.ndarray:
    """Return a disc's weights, 0 to 256, by the place of its centre in a pixel: (steps y, steps x, size, size)."""
    reach = int(np.ceil(radius + 1))
    pixels = np.arange(-reach, reach + 1)
    centers = np.arange(_STEPS_PER_PIXEL) / _STEPS_PER_PIXEL - 0.5
    squares = (pixels - centers[:, None]) ** 2  # (steps, size)
    distances = np.sqrt(squares[:, None, :, None] + squares[None, :, None, :])
    return np.round(256 * alpha * np.clip(radius + 0.5 - distances, 0, 1)).astype(np.uint16)


def make_labeled_video(
    video_path: Path,
    table: Path,
    out: Path,
    dots: Dots,
    *,
    crop: Crop | None = None,
    saved_frames: Collection[int] = (),
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
    dots : Dots
        What is drawn, and how.
    crop : (x1, x2, y1, y2), optional
        Show only this part of each frame.
    saved_frames : collection of int
        Frames to write as png too, see `layout.labeled_frame`.

    Raises
    ------
    ToolboxError
        When the video or table cannot be read, their numbers of frames differ, a frame to save is not among them,
        or the system refuses to write.
    """
    video = Video(video_path, crop)
    poses = tables.read_table(table)
    points, likelihood = np.split(tables.points(poses), [2], axis=-1)
    beyond = [number for number in saved_frames if number >= len(points)]
    if beyond:
        raise ToolboxError(f"{video_path} has no frame {beyond[0]} to save; its frames are 0 to {len(points) - 1}")
    log_shares(tables.bodyparts_of(poses), likelihood[..., 0], dots.pcutoff)
    points = np.where(is_confident(likelihood, dots.pcutoff), points, np.nan) - ((crop[0], crop[2]) if crop else (0, 0))
    frames = prefetch(video.frames(), _WAITING_FRAMES)
    with (
        closing(prefetch(_drawn(frames, video, points, dots), _WAITING_FRAMES)) as pictures,
        writing_video(out, video.width, video.height, video.rate, video.time_base) as write,
    ):
        for number, (time, picture) in enumerate(tqdm(pictures, out.name, len(points), unit=" frames")):
            write(picture, time)
            if number in saved_frames:
                with replacing(layout.labeled_frame(out, number)) as temporary:
                    Image.fromarray(picture).save(temporary)


def log_shares(bodyparts: Sequence[str], likelihood: np.ndarray, pcutoff: float) -> None:
    """Tell for each body part in which share of the frames it is seen.

    Parameters
    ----------
    bodyparts : sequence of str
        K names.
    likelihood : ndarray of shape (N, K)
        NaN where a frame is lost, which counts as not seen.
    pcutoff : float
        Likelihood from which on a body part is seen.
    """
    shares = dict(zip(bodyparts, is_confident(likelihood, pcutoff).mean(axis=0), strict=True))
    width = max(map(len, bodyparts))
    lines = [f"  {part:<{width}} {share:7.1%}" for part, share in shares.items()]
    log.info("Share of the %d frames with likelihood >= %g:\n%s", len(likelihood), pcutoff, "\n".join(lines))
    never = ", ".join(part for part, share in shares.items() if share == 0)
    if never:
        log.warning(
            "Never drawn, because always below pcutoff: %s. Lower pcutoff, or train longer or with more labels", never
        )


def _drawn(
    frames: Iterator[tuple[int, np.ndarray | None]], video: Video, points: np.ndarray, dots: Dots
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield times and frames with dots; there must be one for each row of points."""
    colors = part_colors(dots.colormap, points.shape[1])
    row = -1
    with closing(frames):
        for row, (time, frame) in enumerate(frames):
            if row == len(points):
                raise _wrong_length(video, row, "more")
            picture = np.zeros((video.height, video.width, 3), np.uint8) if frame is None else frame
            draw_dots(picture, points[row], colors, dots.radius, dots.alpha)
            yield time, picture
    if row + 1 < len(points):
        raise _wrong_length(video, len(points), f"only {row + 1}")


def _wrong_length(video: Video, rows: int, frames: str) -> ToolboxError:
    """Say that table and video differ in length."""
    return ToolboxError(
        f"{video.path} has {frames} frames, but its pose table has {rows} rows, so they do not belong together; "
        "analyze the video again"
    )


def label_video(
    video: Path,
    network: Network,
    dots: Dots,
    *,
    crop: Crop | None = None,
    saved_frames: Collection[int] = (),
    overwrite: bool = False,
) -> Path:
    """Make the labeled video beside a video, unless it is current.

    Parameters
    ----------
    video : Path
        The video; a pose table by `network` lies beside it.
    network : Network
        Whose poses are drawn, and no other's.
    dots, crop, saved_frames
        As for `make_labeled_video`.
    overwrite : bool
        Whether to make again what is current.

    Returns
    -------
    Path
        The labeled video.

    Raises
    ------
    ToolboxError
        When this network has not analyzed this video as it is now; and as `make_labeled_video` does.
    """
    table = layout.pose_table(video, network.scorer)
    if not table.exists():
        others = ", ".join(path.name for path in layout.pose_tables(video))
        existing = f"There are poses by other networks: {others}. " if others else ""
        raise ToolboxError(f"{table} does not exist. {existing}Analyze the video first, with AnalyzeVideos.py.")
    wanted = describe_poses(video, network, crop)
    check_owner(table, wanted)
    if records.read(layout.pose_record(table))["inputs"].get("video") != wanted["inputs"]["video"]:
        raise ToolboxError(f"{video} has changed since it was analyzed: analyze it again, with AnalyzeVideos.py")
    out = layout.labeled_video(video)
    record = layout.pose_record(out)
    made_from = records.describe({"video": video, "poses": table}, {**asdict(dots), "crop": crop})
    outputs = [out, *(layout.labeled_frame(out, number) for number in saved_frames)]
    reason = "--overwrite" if overwrite else records.why_stale(record, made_from, outputs)
    if reason is None:
        log.info("%s: skipped, %s is current (--overwrite makes it again)", video.name, out.name)
        return out
    log.info("%s: drawn, because %s", video.name, reason)
    make_labeled_video(video, table, out, dots, crop=crop, saved_frames=saved_frames)
    records.write(record, made_from)
    log.info("Wrote %s", out)
    return out
