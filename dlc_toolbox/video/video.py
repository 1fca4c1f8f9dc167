"""Decoded frames in, encoded frames out, one at a time; memory does not depend on the length of a video."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import numpy as np

from dlc_common import in_words, is_users_error
from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.video.decoding import Decoder
from dlc_toolbox.video.recording import Crop, Frame, Reading, Recording
from dlc_toolbox.video.shades import Shades, orientation
from dlc_toolbox.video.streams import look_at

log = logging.getLogger(__name__)

# Of x264's presets this one alone keeps up with decoding and drawing on two cores; files are a third larger than with
# the next slower ones.
_ENCODING = {"preset": "ultrafast", "crf": "23"}
_FIRST_YEAR = 1990  # before, it is where the counting of a clock that was never set begins: 1904, 1970, 1980
_ROUNDED_FRAMES = 3  # by which a noted duration may exceed the frames

Item = TypeVar("Item")


class Video(Recording):
    """The frames of a video file, in presentation order; see `decoding` for those that are lost.

    Parameters
    ----------
    path : Path
        The video.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.
    reading : Reading, optional
        Which of several videos in the file, and the rate of one that tells none.

    Raises
    ------
    ToolboxError
        When no frame can be decoded, the crop does not lie inside the frame, or there is no such video in the file.

    Examples
    --------
    >>> video = Video(Path("mouse 1.avi"), crop=(0, 320, 0, 240))  # doctest: +SKIP
    >>> for row, frame in enumerate(video):  # doctest: +SKIP
    ...     print(row, "lost" if frame is None else frame.shape)
    """

    def __init__(self, path: Path, crop: Crop | None = None, reading: Reading | None = None):
        path, reading = Path(path), reading or Reading()
        self._stream = stream = look_at(path, reading.videostream)
        self._decoder = Decoder(path, stream.index)
        first = self._decoder.first()
        self._shades = Shades(path, stream.index, first)
        self._coded_size, self._is_interlaced = (first.width, first.height), first.interlaced_frame
        self._left_out_before = 0 if first.pts is None else max(first.pts - stream.start, 0)
        is_turned = orientation(first)[0]
        super().__init__(
            path,
            crop,
            full_size=(first.height, first.width) if is_turned else (first.width, first.height),
            rate=stream.rate,
            likely_rate=stream.likely_rate,
            reading=reading,
            time_base=stream.time_base / stream.finer if stream.has_clock else None,
            header_frames=stream.frames,
            pixel_aspect=1 / stream.pixel_aspect if is_turned else stream.pixel_aspect,
        )
        self.rounding = stream.finer
        self.expected_frames = stream.frames or round((stream.duration_s or stream.size_tells_s) * self.rate)
        self._other_sizes: dict[int, tuple[int, int]] = {}

    def _read(self, start: int) -> Iterator[tuple[int, np.ndarray | None, Frame]]:
        """Yield frames with times; those before `start` are decoded, as no seeking can be trusted."""
        time = -1
        for row, (stamp, frame, state) in enumerate(self._decoder):
            time = max(stamp * self.rounding, time + 1) if self._stream.has_clock else row
            if row < start:
                continue
            if frame is not None and (frame.width, frame.height) != self._coded_size:
                self._other_sizes[row] = frame.width, frame.height
                frame, state = None, state | Frame.OTHER_SIZE
            yield time, None if frame is None else self._pixels(frame), state

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        """Return the upright, cropped frame as RGB."""
        transposed, step_y, step_x = orientation(frame)
        pixels = self._shades.rgb(frame)
        upright = (pixels.swapaxes(0, 1) if transposed else pixels)[::step_y, ::step_x]
        return np.ascontiguousarray(upright[self._window])

    def why_lost(self, row: int) -> str:
        """Tell why a frame is lost, see `Recording.why_lost`."""
        if row not in self._other_sizes:
            return super().why_lost(row)
        width, height = self._other_sizes[row]
        return f"has {width} x {height} pixels"

    def missing_at_end(self, frames: int, end_s: float) -> int:
        """Return how many frames the header counts beyond those in the file, see `Recording.missing_at_end`."""
        if self.header_frames:
            # in an AVI places, of which it leaves some empty; most of them, where its rate is that of a clock
            told, passed = self.header_frames - self._left_out_before, end_s * float(self.rate)
            a_frame = passed / max(frames, 1)
            if frames >= told or told - passed <= _ROUNDED_FRAMES * (a_frame - 1):
                return 0
            return max(min(round((told - passed) / a_frame), self.header_frames - self._decoder.count_packets()), 0)
        missing = round((self._stream.duration_s - end_s) * self.fps)
        return missing if missing > _ROUNDED_FRAMES else 0

    def undecodable(self, frames: int) -> tuple[int, int]:
        """Return how many frames before the first one and behind the last one cannot be decoded."""
        return self._decoder.undecodable(frames < self.header_frames)

    def remarks(self) -> Iterator[str]:
        """Yield what people must know, see `Recording.remarks`."""
        yield from filter(None, (*self._stream.remarks, self._shades.remark))
        if self._is_interlaced:
            yield (
                "is interlaced: each frame shows two moments, in its even and its odd lines, so what moves fast looks "
                "like a comb. If that matters, make one picture of each with ffmpeg (-vf bwdif), and analyze that video"
            )
        yield from super().remarks()


def prefetch(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Run an iterator ahead in a thread of its own.

    Parameters
    ----------
    items : iterable
        Its work is done in the thread.
    depth : int
        Number of items that may wait; the thread pauses when there are as many.

    Yields
    ------
    object
        The items in order. An error in the thread is raised here, after the items before it. When the consumer
        stops early, the thread ends and `items` is closed.

    Examples
    --------
    >>> list(prefetch(range(3), depth=1))
    [0, 1, 2]
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                waiting.put(("item", item))
                if stopped.is_set():
                    break
            waiting.put(("end", None))
        except BaseException as error:  # handed on to the consumer, whatever it is
            waiting.put(("error", error))
        finally:
            getattr(items, "close", lambda: None)()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "error":
                raise item
            if kind == "end":
                return
            yield item
    finally:
        stopped.set()
        while thread.is_alive():
            with suppress(queue.Empty):
                waiting.get(timeout=0.05)


@contextmanager
def writing_video(
    path: Path,
    width: int,
    height: int,
    rate: Fraction,
    time_base: Fraction | None = None,
    pixel_aspect: Fraction = Fraction(1),
) -> Iterator[Callable[..., None]]:
    """Write an mp4 that plays everywhere (H.264, yuv420p), frame by frame; it appears when all went well.

    Parameters
    ----------
    path : Path
        The .mp4.
    width, height : int
        Size of the frames; H.264 needs even ones, so an odd one is padded by repeating the last column or row.
    rate : Fraction
        Frames per second.
    time_base : Fraction, optional
        Unit of the time stamps, in seconds; default one frame.
    pixel_aspect : Fraction
        Width of a pixel divided by its height, for players.

    Yields
    ------
    callable
        ``write(frame, time=None)`` appends one frame, uint8 RGB of shape (height, width, 3), shown at `time`, in
        units of the time base and more than the last; default one unit after the last.

    Raises
    ------
    ToolboxError
        When the system refuses to write; nothing is left behind, and what stood there before is unchanged.

    Examples
    --------
    >>> with writing_video(Path("out.mp4"), 640, 480, Fraction(30)) as write:  # doctest: +SKIP
    ...     write(frame)
    """
    time_base = time_base or 1 / Fraction(rate)
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    times = [-1]
    with replacing(path) as temporary, av.open(str(temporary), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", Fraction(rate), _ENCODING)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.codec_context.time_base = time_base
        if pixel_aspect != 1:
            stream.codec_context.sample_aspect_ratio = pixel_aspect

        def write(frame: np.ndarray, time: int | None = None) -> None:
            even = np.pad(frame, padding, mode="edge") if width % 2 or height % 2 else frame
            planes: np.ndarray = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
            image = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            times[0] = times[0] + 1 if time is None else time
            image.pts, image.time_base = times[0], time_base
            container.mux(stream.encode(image))

        yield write
        container.mux(stream.encode(None))


def recorded_at(video: Path) -> datetime | None:
    """Return when a recording says that it was made.

    Parameters
    ----------
    video : Path
        A file.

    Returns
    -------
    datetime or None
        With its time zone; None where the file tells none, or one that no camera's clock means.
    """
    try:
        with av.open(str(video)) as container:
            told = container.metadata.get("creation_time", "")
        made = datetime.fromisoformat(told.replace("Z", "+00:00"))
    except (av.error.FFmpegError, ValueError):
        return None
    return made if made.tzinfo and made.year >= _FIRST_YEAR else None


def for_each_video(videos: Sequence[Path], work: Callable[[Path], object]) -> None:
    """Work on each video, as `for_each`."""
    for_each("videos", videos, work)


def for_each(
    kind: str, items: Sequence[Item], work: Callable[[Item], object], name: Callable[[Item], str] = str
) -> None:
    """Work on each of several things; one that cannot be done is reported, and the rest goes on.

    Parameters
    ----------
    kind : str
        What they are, such as 'videos'.
    items : sequence
        The things.
    work : callable
        ``work(item)``.
    name : callable, optional
        ``name(item)``, for the message.

    Raises
    ------
    ToolboxError
        In the end, when `work` raised an error of the user's (`is_users_error`) for any; the message lists those.
    """
    failed = []
    for item in items:
        try:
            work(item)
        except Exception as error:
            if not is_users_error(error):
                raise
            log.error("%s", in_words(error))
            failed.append(name(item))
    if failed:
        raise ToolboxError(f"{len(failed)} of {len(items)} {kind} could not be done, see above: {', '.join(failed)}")
