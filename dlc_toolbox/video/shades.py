"""From a decoded frame to 8-bit RGB: the bits that a recording uses, palettes that are missing, and turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer

from dlc_common.pixels import UnknownRangeError, as_rgb8, warn_of_brighter, white_of
from dlc_toolbox.video.streams import open_video

_SAMPLES = 8  # frames that tell how many bits a recording uses
_UPRIGHT = (False, 1, 1)
_TURNS = {90: (True, -1, 1), 180: (False, -1, -1), 270: (True, 1, -1)}  # counterclockwise, degrees


class Shades:
    """How the frames of one video become 8-bit RGB.

    What the container says of the values counts, with two exceptions: values that need fewer bits than it says (a
    camera's 12 in 16) are spread over the whole range, and colours of a palette that is not there are grays.

    Parameters
    ----------
    path : Path
        The video.
    index : int
        Number of the stream in its container.
    first : av.VideoFrame
        Its first frame.

    Attributes
    ----------
    remark : str or None
        What was decided, where it is not what the container says.
    """

    def __init__(self, path: Path, index: int, first: av.VideoFrame):
        self.remark: str | None = None
        self._show: Callable[[av.VideoFrame], np.ndarray] = _as_told
        if first.format.name == "pal8":
            if len(np.unique(first.to_ndarray(format="pal8")[1], axis=0)) == 1:
                self._show = partial(_of_values, read=_indices, white=255)
                self.remark = "says that its colours are those of a palette, but holds none: it is read as gray"
            return
        bits, read = _deep(first)
        if read is None:
            return
        try:
            white = white_of(map(read, _sample(path, index, first)))
        except UnknownRangeError:
            return
        used = int(white).bit_length()
        if used >= bits:
            return
        is_yuv = read is _luma_and_chroma
        show = partial(_spread, bits=bits) if is_yuv else partial(_of_values, read=read)
        self._show = partial(show, white=white, source=path)
        self.remark = f"uses {used} of the {bits} bits of each value: these are spread over the range of brightness"

    def rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """Return a frame as it is stored, uint8 RGB of shape (H, W, 3)."""
        return self._show(frame)


def _as_told(frame: av.VideoFrame) -> np.ndarray:
    """Show a frame as its container says."""
    return frame.to_ndarray(format="rgb24")


def _of_values(
    frame: av.VideoFrame, read: Callable[[av.VideoFrame], np.ndarray], white: float, source: Path | None = None
) -> np.ndarray:
    """Show the values of a frame, of which one is white."""
    return as_rgb8(read(frame), white, source)


def _spread(frame: av.VideoFrame, bits: int, white: float, source: Path) -> np.ndarray:
    """Show a frame of luma and chroma in which the upper of some bits are never used, and one value is white."""
    warn_of_brighter(_values(frame.planes[0], frame), white, source)
    missing = bits - int(white).bit_length()
    whole = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for stored, plane in zip(frame.planes, whole.planes, strict=True):
        values = _values(stored, frame)
        rows = np.zeros((plane.height, plane.line_size // 2), values.dtype)
        rows[:, : plane.width] = np.minimum(values, int(white)) << missing
        plane.update(rows.tobytes())
    whole.colorspace, whole.color_range = frame.colorspace, frame.color_range
    return _as_told(whole)


def _indices(frame: av.VideoFrame) -> np.ndarray:
    """Return the values of a picture with a palette, (H, W)."""
    return frame.to_ndarray(format="pal8")[0]


def _deep(frame: av.VideoFrame) -> tuple[int, Callable[[av.VideoFrame], np.ndarray] | None]:
    """Return how many bits the container gives each value, and how to read them where they may be fewer."""
    components = frame.format.components
    bits = components[0].bits
    is_float = "f32" in frame.format.name or "f16" in frame.format.name
    if bits <= 8 or is_float:
        return bits, None
    if len(components) == 1 and not frame.format.name.startswith("bayer"):
        return bits, _gray
    if frame.format.name.startswith("yuv"):
        return bits, _luma_and_chroma
    return bits, _colors_of_16_bits if frame.format.is_rgb and bits == 16 else None


def _values(plane: av.video.plane.VideoPlane, frame: av.VideoFrame) -> np.ndarray:
    """Return the values of more than 8 bits of a plane of a frame, (H, W)."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, abs(plane.line_size))
    rows = np.ascontiguousarray(lines[: plane.height, : 2 * plane.width])
    values = rows.view(">u2" if frame.format.name.endswith("be") else "<u2")
    return values[::-1] if plane.line_size < 0 else values


def _gray(frame: av.VideoFrame) -> np.ndarray:
    """Return the values of a gray picture of more than 8 bits, (H, W)."""
    return _values(frame.planes[0], frame)


def _luma_and_chroma(frame: av.VideoFrame) -> np.ndarray:
    """Return the values of luma and chroma; where there is no colour, chroma is half of white, also in the dark."""
    return np.concatenate([_values(plane, frame).ravel() for plane in frame.planes[:3]])


def _colors_of_16_bits(frame: av.VideoFrame) -> np.ndarray:
    """Return the values of a picture of three colours, (H, W, 3)."""
    return frame.to_ndarray(format="rgb48le")


def _sample(path: Path, index: int, first: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """Yield the first frame and some others, from all over the video; which ones exactly does not matter."""
    yield first
    with suppress(av.FFmpegError), open_video(path) as container:
        stream = container.streams[index]
        for part in range(1, _SAMPLES if container.duration else 1):
            container.seek(container.duration * part // _SAMPLES)
            yield from islice(container.decode(stream), 1)  # none, where the rest is damaged


def orientation(frame: av.VideoFrame) -> tuple[bool, int, int]:
    """Tell how to turn a frame upright, by its display matrix: transpose first?, then steps along y and x."""
    side_data: Any = SideDataContainer  # frame.side_data would keep each frame in memory until garbage is collected
    try:
        matrix = side_data(frame).get("DISPLAYMATRIX")
    except ValueError:  # a frame with side data that PyAV has no name for, such as EXIF; it loses its flips
        return _TURNS.get(frame.rotation % 360, _UPRIGHT)
    if matrix is None:
        return _UPRIGHT
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5]  # x' = a x + c y, y' = b x + d y
    transposed = abs(b) > abs(a)
    if transposed:
        a, d = c, b
    return transposed, -1 if d < 0 else 1, -1 if a < 0 else 1
