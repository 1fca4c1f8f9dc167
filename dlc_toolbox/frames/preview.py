"""The picture of the crop, to look at before frames are picked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlc_common.files import replacing
from dlc_toolbox.pictures.fonts import readable
from dlc_toolbox.video.recording import Crop, Reading
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
    columns = min(3, len(videos))
    rows = -(-len(videos) // columns)
    figure = Figure(figsize=(7 * columns, 6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, video in zip(panels, videos, strict=False):
        frame = next(frame for frame in open_frames(video, reading=reading) if frame is not None)
        _draw_crop(axes, frame, window, cropping)
        axes.set_title(video.name, parse_math=False)
    for axes in panels[len(videos) :]:
        axes.remove()
    x1, x2, y1, y2 = window
    crop = f"{x1} <= x < {x2}, {y1} <= y < {y2}"
    figure.suptitle(f"cropping = True keeps {crop}" if cropping else f"cropping = False (True would keep {crop})")
    with replacing(path) as temporary, readable(figure):
        figure.savefig(temporary, dpi=80)


def _draw_crop(axes: Axes, frame: np.ndarray, window: Crop, cropping: bool) -> None:
    """Show a frame with the crop as a rectangle, and darkened outside of it when it is in use."""
    x1, x2, y1, y2 = (min(edge, _FAR) for edge in window)
    inside = np.zeros((*frame.shape[:2], 1), dtype=bool)
    inside[y1:y2, x1:x2] = True
    axes.imshow(np.where(inside | (not cropping), frame, frame // 3))
    axes.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor="red", linewidth=2))
    axes.set_xlabel("x (pixels)")
    axes.set_ylabel("y (pixels)")
