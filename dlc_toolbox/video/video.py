"""Decoded frames in, encoded frames out, one at a time; memory does not depend on the length of a video."""

from __future__ import annotations

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import numpy as np

from dlc_common import is_users_error
from dlc_common.files import replacing
from dlc_common.images import refuse_undecodable
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import LABELED_VIDEO_ENDING
from dlc_toolbox.video.decoding import Decoder, open_video

log = logging.getLogger(__name__)

Crop = tuple[int, int, int, int]

# Of x264's presets this one alone keeps up with decoding and drawing on two cores; files are a third larger than with
# the next slower ones.
_ENCODING = {"preset": "ultrafast", "crf": "23"}
_ASSUMED_RATE = 25
_UPRIGHT = (False, 1, 1)
_TURNS = {90: (True, -1, 1), 180: (False, -1, -1), 270: (True, 1, -1)}  # counterclockwise, degrees

Item = TypeVar("Item")


class Recording(ABC):
    """Frames of one size, upright and cropped, each at its time; what all sources of frames have in common.

    Nothing stays open between iterations, and each iteration starts at the first frame. A frame that cannot be read
    keeps its place as None, so that numbers of frames stay right.

    Parameters
    ----------
    path : Path
        Where the frames are.
    crop : (x1, x2, y1, y2) or None
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.
    full_size : (int, int)
        Width and height of the upright frame before the crop.
    rate : Fraction or None
        Frames per second, the average when it varies; 25 is assumed when it is None.
    time_base : Fraction or None
        Unit of the time stamps, in seconds; default one frame.
    header_frames : int
        Number of frames the recording claims to have; 0 when it does not say.

    Attributes
    ----------
    path, crop, rate, time_base, header_frames
        As given.
    rate_is_assumed : bool
        Whether nothing told the rate.
    expected_frames : int
        The claimed number, or else an estimate; 0 when there is none. For progress only.
    width, height : int
        Size of what iteration yields, after rotation and crop.
    full_width, full_height : int
        Size of the upright frame before the crop.

    Raises
    ------
    ToolboxError
        When the crop does not lie inside the frame.
    """

    def __init__(
        self,
        path: Path,
        crop: Crop | None,
        *,
        full_size: tuple[int, int],
        rate: Fraction | None = None,
        time_base: Fraction | None = None,
        header_frames: int = 0,
    ):
        self.path, self.crop = path, crop
        self.rate, self.rate_is_assumed = Fraction(rate or _ASSUMED_RATE), not rate
        self.time_base = Fraction(time_base or 1 / self.rate)
        self.header_frames = self.expected_frames = header_frames
        self.full_width, self.full_height = full_size
        x1, x2, y1, y2 = crop or (0, self.full_width, 0, self.full_height)
        if not (0 <= x1 < x2 <= self.full_width and 0 <= y1 < y2 <= self.full_height):
            raise ToolboxError(
                f"{path}: the crop x1, x2, y1, y2 = {x1}, {x2}, {y1}, {y2} does not lie inside its frames of "
                f"{self.full_width} x {self.full_height} pixels; correct it, or set cropping = False"
            )
        self._window = slice(y1, y2), slice(x1, x2)
        self.width, self.height = x2 - x1, y2 - y1

    @property
    def fps(self) -> float:
        """Frames per second; the average when the rate varies."""
        return float(self.rate)

    def __iter__(self) -> Iterator[np.ndarray | None]:
        """Yield each frame, uint8 RGB of shape (height, width, 3), or None where one is lost."""
        return (frame for _, frame in self.frames())

    @abstractmethod
    def frames(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield each frame with its time stamp.

        Parameters
        ----------
        start : int
            Number of frames to pass over.

        Yields
        ------
        int
            When the frame is shown, in units of `time_base` after the first frame; strictly increasing.
        ndarray of shape (height, width, 3) or None
            uint8 RGB, contiguous and yours to change; None for a lost frame, or one of another size than the first.
        """


class Video(Recording):
    """The frames of a video file, in presentation order; see `decoding` for those that are lost.

    Parameters
    ----------
    path : Path
        The video.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.

    Raises
    ------
    ToolboxError
        When no frame can be decoded, or the crop does not lie inside the frame.

    Examples
    --------
    >>> video = Video(Path("mouse 1.avi"), crop=(0, 320, 0, 240))  # doctest: +SKIP
    >>> for row, frame in enumerate(video):  # doctest: +SKIP
    ...     print(row, "lost" if frame is None else frame.shape)
    """

    def __init__(self, path: Path, crop: Crop | None = None):
        path = Path(path)
        self._decoder = Decoder(path)
        with open_video(path) as container:
            stream = container.streams.best("video")
            rate, time_base = stream.average_rate or stream.guessed_rate, stream.time_base
            header_frames, duration = stream.frames, container.duration or 0
        first = self._decoder.first()
        self._coded_size = first.width, first.height
        width, height = self._coded_size
        full_size = (height, width) if _orientation(first)[0] else (width, height)
        facts = {"rate": rate, "time_base": time_base, "header_frames": header_frames}
        super().__init__(path, crop, full_size=full_size, **facts)
        self.expected_frames = header_frames or round(duration / av.time_base * self.rate)

    def frames(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield each frame with its time stamp; those before `start` are decoded, as no seeking can be trusted."""
        time = -1
        for row, (stamp, frame) in enumerate(self._decoder):
            time = max(stamp, time + 1)
            if row >= start:
                yield time, self._pixels(frame)

    def _pixels(self, frame: av.VideoFrame | None) -> np.ndarray | None:
        """Return the upright, cropped frame as RGB; None for a lost one, or one of another size than the first."""
        if frame is None or (frame.width, frame.height) != self._coded_size:
            return None
        transposed, step_y, step_x = _orientation(frame)
        pixels = frame.to_ndarray(format="rgb24")
        upright = (pixels.swapaxes(0, 1) if transposed else pixels)[::step_y, ::step_x]
        return np.ascontiguousarray(upright[self._window])


def _orientation(frame: av.VideoFrame) -> tuple[bool, int, int]:
    """Tell how to turn a frame upright, by its display matrix: transpose first?, then steps along y and x."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # a frame with side data that PyAV has no name for, such as EXIF; it loses its flips
        return _TURNS.get(frame.rotation % 360, _UPRIGHT)
    if matrix is None:
        return _UPRIGHT
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5]  # x' = a x + c y, y' = b x + d y
    transposed = abs(b) > abs(a)
    if transposed:
        a, d = c, b
    return transposed, -1 if d < 0 else 1, -1 if a < 0 else 1


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
    path: Path, width: int, height: int, rate: Fraction, time_base: Fraction | None = None
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

        def write(frame: np.ndarray, time: int | None = None) -> None:
            even = np.pad(frame, padding, mode="edge") if width % 2 or height % 2 else frame
            planes: np.ndarray = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
            image = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            times[0] = times[0] + 1 if time is None else time
            image.pts, image.time_base = times[0], time_base
            container.mux(stream.encode(image))

        yield write
        container.mux(stream.encode(None))


def find_videos(
    paths: Sequence[Path],
    videotype: str,
    advice: str = "",
    *,
    within: Callable[[Path, str], list[Path]] | None = None,
) -> list[Path]:
    """List the videos that files and folders name.

    Parameters
    ----------
    paths : sequence of Path
        A file is taken whatever its suffix; of a folder, its files with the suffix `videotype`, in alphabetical
        order. Labeled videos and hidden files in a folder are left out.
    videotype : str
        Suffix such as ``.avi``, in small or capital letters.
    advice : str
        What to do when nothing is found; ends the message.
    within : callable, optional
        ``within(folder, videotype)`` lists the videos of a folder; default `videos_in`.

    Returns
    -------
    list of Path
        Each video once, as absolute paths.

    Raises
    ------
    ToolboxError
        When a path does not exist, a name is not in UTF-8, nothing is found, or a labeled video is named as input.
    """
    refuse_undecodable(paths)
    found: dict[Path, Path] = {}
    for path in (Path(path).parent.resolve() / Path(path).name for path in paths):  # a link keeps its own name
        if not path.exists():
            raise ToolboxError(f"{path} does not exist. {advice}".rstrip())
        if path.is_file() and path.name.endswith(LABELED_VIDEO_ENDING):
            raise ToolboxError(f"{path} is a labeled video, made by MakingLabeledVideo.py; name the original instead")
        for video in [path] if path.is_file() else (within or videos_in)(path, videotype):
            refuse_undecodable([video, video.resolve()])
            found.setdefault(video.resolve(), video)
    if not found:
        places = ", ".join(str(Path(path).resolve()) for path in paths)
        raise ToolboxError(f"{places}: no video with the suffix {videotype} (videotype) there. {advice}".rstrip())
    return list(found.values())


def videos_in(folder: Path, videotype: str) -> list[Path]:
    """List the files of one folder with the suffix `videotype`, without labeled videos and hidden files."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix.lower() == videotype.lower()
        and not path.name.startswith(".")
        and not path.name.endswith(LABELED_VIDEO_ENDING)
    )


def for_each_video(videos: Sequence[Path], work: Callable[[Path], object]) -> None:
    """Work on each video; one that cannot be done is reported, and the rest goes on.

    Parameters
    ----------
    videos : sequence of Path
        The videos.
    work : callable
        ``work(video)``.

    Raises
    ------
    ToolboxError
        In the end, when `work` raised an error of the user's (`is_users_error`) for any; the message lists those.
    """
    failed = []
    for video in videos:
        try:
            work(video)
        except Exception as error:
            if not is_users_error(error):
                raise
            log.error("%s", error)
            failed.append(str(video))
    if failed:
        raise ToolboxError(f"{len(failed)} of {len(videos)} videos could not be done, see above: {', '.join(failed)}")
