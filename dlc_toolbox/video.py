"""Decoded frames in, encoded frames out, one at a time; memory does not depend on the length of a video."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.files import replacing
from dlc_toolbox.layout import LABELED_VIDEO_ENDING

log = logging.getLogger(__name__)

Crop = tuple[int, int, int, int]


class Video:
    """The frames of a video file, upright and cropped, in presentation order.

    Nothing stays open between iterations, and each iteration starts at the first frame.

    Parameters
    ----------
    path : Path
        The video.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.

    Attributes
    ----------
    width, height : int
        Size of what iteration yields, after rotation and crop.
    full_width, full_height : int
        Size of the upright frame before the crop.
    rate : Fraction
        Frames per second; the average when the rate varies.
    time_base : Fraction
        Unit of the time stamps, in seconds.
    header_frames : int
        Number of frames the header claims; 0 when it does not say.

    Raises
    ------
    ToolboxError
        When no frame can be decoded, or the crop does not lie inside the frame.

    Examples
    --------
    >>> video = Video(Path("mouse 1.avi"))  # doctest: +SKIP
    >>> for row, frame in enumerate(video):  # doctest: +SKIP
    ...     print(row, "lost" if frame is None else frame.shape)
    """

    def __init__(self, path: Path, crop: Crop | None = None):
        self.path = Path(path)
        self.crop = crop
        if not self.path.is_file():
            raise ToolboxError(f"{self.path} does not exist")
        with self._open() as container:
            stream = container.streams.video[0]
            self.rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
            self.time_base = Fraction(stream.time_base or 1 / self.rate)
            self.header_frames = stream.frames
        first = next((frame for _, frame in self._decode() if frame is not None), None)
        if first is None:
            raise ToolboxError(f"{self.path} has no frame that can be decoded; is it a video, and complete?")
        self.full_height, self.full_width = _upright(first, first.to_ndarray(format="gray")).shape
        x1, x2, y1, y2 = crop or (0, self.full_width, 0, self.full_height)
        if not (0 <= x1 < x2 <= self.full_width and 0 <= y1 < y2 <= self.full_height):
            raise ToolboxError(
                f"{self.path}: the crop x1, x2, y1, y2 = {x1}, {x2}, {y1}, {y2} does not lie inside its frames of "
                f"{self.full_width} x {self.full_height} pixels"
            )
        self._window = slice(y1, y2), slice(x1, x2)
        self.width, self.height = x2 - x1, y2 - y1

    @property
    def fps(self) -> float:
        """Frames per second; the average when the rate varies."""
        return float(self.rate)

    def __iter__(self) -> Iterator[np.ndarray | None]:
        """Yield each frame, uint8 RGB of shape (height, width, 3), or None where one cannot be decoded."""
        return (frame for _, frame in self.frames())

    def frames(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield each frame with its time stamp.

        Parameters
        ----------
        start : int
            Number of frames to leave out at the start.

        Yields
        ------
        int
            When the frame is shown, in units of `time_base` from the first frame on; strictly increasing.
        ndarray of shape (height, width, 3) or None
            uint8 RGB; None for a frame in the middle of the video that cannot be decoded.
        """
        for row, (time, frame) in enumerate(self._decode()):
            if row >= start:
                yield time, None if frame is None else self._pixels(frame)

    def count(self) -> int:
        """Count the frames by decoding the whole video: the number of rows that iteration yields."""
        return sum(1 for _ in self._decode())

    def _open(self) -> av.container.InputContainer:
        """Open the file and make sure that it has a video stream."""
        try:
            container = av.open(str(self.path.resolve()), metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            raise ToolboxError(f"{self.path} cannot be read as a video: {error.strerror or error}") from error
        if not container.streams.video:
            container.close()
            raise ToolboxError(f"{self.path} holds no video")
        return container

    def _decode(self) -> Iterator[tuple[int, av.VideoFrame | None]]:
        """Yield a time stamp and a frame, or None for a lost one, in presentation order."""
        with self._open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                for frame in frames:
                    yield frame.pts or 0, frame

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        """Return the upright, cropped frame as RGB."""
        return np.ascontiguousarray(_upright(frame, frame.to_ndarray(format="rgb24"))[self._window])


def _upright(frame: av.VideoFrame, pixels: np.ndarray) -> np.ndarray:
    """Turn pixels as the camera's orientation (the display matrix) asks."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels
    (a, b), (c, d) = np.frombuffer(matrix, np.int32)[[[0, 1], [3, 4]]]
    if abs(b) > abs(a):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


class VideoWriter:
    """An mp4 that plays everywhere (H.264, yuv420p), written frame by frame under a temporary name.

    Parameters
    ----------
    path : Path
        The .mp4; it appears when the block ends without an error.
    width, height : int
        Size of the frames; an odd one is padded by one black column or row, which H.264 needs.
    rate : Fraction
        Frames per second.
    time_base : Fraction, optional
        Unit of the time stamps; default one frame.

    Examples
    --------
    >>> with VideoWriter(Path("out.mp4"), 640, 480, Fraction(30)) as writer:  # doctest: +SKIP
    ...     writer.write(frame)
    """

    def __init__(self, path: Path, width: int, height: int, rate: Fraction, time_base: Fraction | None = None):
        self.path = Path(path)
        self._padding = ((0, height % 2), (0, width % 2), (0, 0))
        self._size = width + width % 2, height + height % 2
        self._rate, self._time_base = Fraction(rate), time_base or 1 / Fraction(rate)
        self._written = 0

    def __enter__(self) -> VideoWriter:
        self._replacing = replacing(self.path)
        self._container = av.open(str(self._replacing.__enter__()), "w", options={"movflags": "faststart"})
        self._stream = self._container.add_stream("libx264", self._rate, {"preset": "veryfast", "crf": "20"})
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._time_base
        return self

    def write(self, frame: np.ndarray, time: int | None = None) -> None:
        """Append one frame.

        Parameters
        ----------
        frame : ndarray of shape (height, width, 3)
            uint8 RGB.
        time : int, optional
            When it is shown, in units of the time base, more than the last; default the number of frames written.
        """
        image = av.VideoFrame.from_ndarray(np.pad(frame, self._padding) if self._padding != _NONE else frame)
        image.pts = self._written if time is None else time
        image.time_base = self._time_base
        self._container.mux(self._stream.encode(image))
        self._written += 1

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> bool | None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
        return self._replacing.__exit__(kind, error, trace)


_NONE = ((0, 0), (0, 0), (0, 0))


def find_videos(paths: Sequence[Path], videotype: str) -> list[Path]:
    """List the videos that files and folders name.

    Parameters
    ----------
    paths : sequence of Path
        A file is taken whatever its suffix; of a folder, its files with the suffix `videotype`, in alphabetical
        order. Labeled videos and hidden files in a folder are left out.
    videotype : str
        Suffix such as ``.avi``, in small or capital letters.

    Returns
    -------
    list of Path
        Each video once.

    Raises
    ------
    ToolboxError
        When a path does not exist, when nothing is found, or when a labeled video is named as input.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise ToolboxError(f"{path.resolve()} does not exist")
        if path.is_file() and path.name.endswith(LABELED_VIDEO_ENDING):
            raise ToolboxError(f"{path} is a labeled video, made by MakingLabeledVideo.py; name the original instead")
        for video in [path] if path.is_file() else _videos_in(path, videotype):
            found.setdefault(video.resolve(), video)
    if not found:
        folders = ", ".join(str(path.resolve()) for path in map(Path, paths))
        raise ToolboxError(f"No video ending in {videotype} in {folders}; check videofolder and videotype")
    return list(found.values())


def _videos_in(folder: Path, videotype: str) -> list[Path]:
    """List the videos of one folder."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix.lower() == videotype.lower()
        and not path.name.startswith(".")
        and not path.name.endswith(LABELED_VIDEO_ENDING)
    )
