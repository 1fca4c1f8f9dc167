"""Pictures to look at in Step 1: the crop, before frames are picked, and the frames that were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlc_common.culprits import for_all
from dlc_common.files import replacing
from dlc_common.images import read_image
from dlc_toolbox.pictures import drawing
from dlc_toolbox.pictures.fonts import readable
from dlc_toolbox.video.recording import Crop, Reading, Recording
from dlc_toolbox.video.sequences import open_frames

_FAR = 10**6  # pixels; beyond every frame, and as much as can be drawn


def write_crop_preview(
    videos: Sequence[Path], window: Crop, cropping: bool, path: Path, reading: Reading | None = None
) -> None:
    """Draw the crop on the first frame of each video.

    Parameters
    ----------
    videos : sequence of Path
        The videos.
    window : (x1, x2, y1, y2)
        The crop, in pixels; it may reach beyond the frame.
    cropping : bool
        Whether it is in use; if so, what it cuts off is darkened.
    path : Path
        The picture to write.
    reading : Reading, optional
        How recordings are read where they leave a choice.

    Raises
    ------
    ToolboxError
        When a video cannot be read or the picture not be written.
    """
    frames = for_all(lambda video: _first_frame(open_frames(video, reading=reading)), videos)
    columns = min(3, len(videos))
    rows = -(-len(videos) // columns)
    figure = Figure(figsize=(7 * columns, 6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, video, frame in zip(panels, videos, frames, strict=False):
        _draw_crop(axes, frame, window, cropping)
        axes.set_title(video.name, parse_math=False)
    for axes in panels[len(videos) :]:
        axes.remove()
    x1, x2, y1, y2 = window
    crop = f"{x1} <= x < {x2}, {y1} <= y < {y2}"
    figure.suptitle(f"cropping = True keeps {crop}" if cropping else f"cropping = False (True would keep {crop})")
    with replacing(path) as temporary, readable(figure):
        figure.savefig(temporary, dpi=80)


def _first_frame(recording: Recording) -> np.ndarray:
    """Return the first frame that can be read."""
    return next(frame for frame in recording if frame is not None)


def write_choice_sheet(images: Mapping[Path, float], path: Path) -> None:
    """Show images on one page, each small, with its name and time.

    Parameters
    ----------
    images : mapping of Path to float
        When each image was recorded, in seconds after the first frame.
    path : Path
        The picture to write.

    Raises
    ------
    UsersError
        When an image cannot be read or the page not be written.
    """
    tiles = [drawing.make_tile(read_image(image), len(images)) for image in images]
    names = [f"{image.stem}, {time_s:.2f} s" for image, time_s in images.items()]
    drawing.write_picture(drawing.draw_contact_sheet(tiles, names), path)


def _draw_crop(axes: Axes, frame: np.ndarray, window: Crop, cropping: bool) -> None:
    """Show a frame with the crop as a rectangle, and darkened outside of it when it is in use."""
    x1, x2, y1, y2 = (min(edge, _FAR) for edge in window)
    inside = np.zeros((*frame.shape[:2], 1), dtype=bool)
    inside[y1:y2, x1:x2] = True
    axes.imshow(np.where(inside | (not cropping), frame, frame // 3))
    axes.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor="red", linewidth=2))
    axes.set_xlabel("x (pixels)")
    axes.set_ylabel("y (pixels)")
