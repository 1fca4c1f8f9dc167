"""Any frame of a recording by its number, as quickly as its codec allows and no less exactly."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import av
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.video.recording import Crop, Reading
from dlc_toolbox.video.sequences import is_stack, open_frames
from dlc_toolbox.video.streams import open_video
from dlc_toolbox.video.video import Video

log = logging.getLogger(__name__)

# Of these every packet shows one frame, so that the n-th time stamp is the n-th frame's; where frames are stored in
# another order than they are shown in, the container must tell when, as AVI does not.
_IN_ORDER = {"mjpeg", "ffv1", "huffyuv", "ffvhuff", "prores", "dnxhd", "png", "rawvideo", "v210"}
_REORDERED = {"h264", "hevc", "av1", "vp9"}
_TELLING_FORMATS = {"mov", "mp4", "matroska", "webm"}
_KEYFRAMES_BACK = 2  # the last one may be a mere recovery point, where decoders need some frames


def is_sequence(path: Path) -> bool:
    """Tell recordings that are no video files, whose frames are found without decoding others."""
    return path.is_dir() or is_stack(path)


@dataclass(frozen=True)
class _Index:
    """Time stamps of all frames and of the keyframes, ascending."""

    stamps: list[int]
    keys: list[int]


class FrameReader:
    """Frames of one recording by number; several threads may ask.

    Parameters
    ----------
    path : Path
        Video file, TIFF file or folder of images.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.
    reading : Reading, optional
        How it is read where it leaves a choice.

    Raises
    ------
    UsersError
        When it cannot be read, or the crop does not lie inside the frame.
    """

    def __init__(self, path: Path, crop: Crop | None = None, reading: Reading | None = None):
        self.path, self._crop, self._reading = path, crop, reading
        self._lock = threading.Lock()
        self._video = None if is_sequence(path) else _Seekable(path, crop, reading)

    def frame(self, number: int) -> np.ndarray:
        """Return one frame.

        Parameters
        ----------
        number : int
            From 0, in presentation order, as Step 1 counts.

        Returns
        -------
        ndarray of shape (height, width, 3)
            uint8 RGB.

        Raises
        ------
        UsersError
            When there is no such frame, or it cannot be decoded.
        """
        with self._lock:
            if number < 0:
                frame = None
            elif self._video is None:
                found = next(open_frames(self.path, self._crop, self._reading).frames(number), None)
                frame = None if found is None else found[1]
            else:
                frame = self._video.frame(number)
        if frame is None:
            raise ToolboxError(f"{self.path.name} has no frame {number} that can be decoded")
        return frame

    @property
    def fps(self) -> float | None:
        """Frames per second; None where nothing tells."""
        return None if self._video is None or self._video.rate_is_assumed else self._video.fps

    def count(self) -> int:
        """Return the number of frames, as far as the file tells."""
        with self._lock:
            if self._video is None:
                return open_frames(self.path, self._crop, self._reading).expected_frames
            return self._video.count()


class _Seekable(Video):
    """A video whose frames are sought by the time stamps of its packets, and found by decoding from the start else."""

    def __init__(self, path: Path, crop: Crop | None = None, reading: Reading | None = None):
        super().__init__(path, crop, reading)
        self._rows: Iterator[tuple[int, np.ndarray | None]] | None = None
        self._next_row = 0
        self._is_trusted = True

    def count(self) -> int:
        """Return the number of frames; what the header claims, before any frame was asked for."""
        index = self.__dict__.get("_index")  # it takes a while, and is not made for this
        return self.expected_frames if index is None else len(index.stamps)

    def frame(self, number: int) -> np.ndarray | None:
        """Return one frame, None when there is none."""
        if self._is_trusted and self._index is not None:
            if number >= len(self._index.stamps):
                return None
            found = self._sought(self._index, number)
            if found is not None:
                return found
            log.info("%s: frames are counted from the start, as frame %d is not where it should be", self.path, number)
            self._is_trusted = False
        return self._counted(number)

    @cached_property
    def _index(self) -> _Index | None:
        """Time stamps of the packets, None where they do not tell which frame is which."""
        with open_video(self.path) as container:
            stream = cast(av.VideoStream, container.streams[self._stream.index])
            tells = bool(_TELLING_FORMATS & set(container.format.name.split(",")))
            if stream.codec_context.name not in (_IN_ORDER | _REORDERED if tells else _IN_ORDER):
                return None
            try:
                packets = [
                    (packet.pts, packet.is_keyframe)
                    for packet in container.demux(stream)
                    if packet.size and not packet.is_discard
                ]
            except av.FFmpegError:
                return None
        stamps = {stamp for stamp, _ in packets if stamp is not None}
        if len(stamps) != len(packets):
            return None
        return _Index(sorted(stamps), sorted(stamp for stamp, is_key in packets if is_key and stamp is not None))

    def _sought(self, index: _Index, number: int) -> np.ndarray | None:
        """Decode from a keyframe on; None when the frame is not found so."""
        target = index.stamps[number]
        place = bisect_right(index.keys, target) - _KEYFRAMES_BACK
        if place < -1:
            return None
        with open_video(self.path) as container:
            stream = cast(av.VideoStream, container.streams[self._stream.index])
            stream.thread_type = "AUTO"
            try:
                container.seek(index.keys[max(place, 0)], stream=stream, backward=True)
                for frame in cast("Iterator[av.VideoFrame]", container.decode(stream)):
                    if frame.interlaced_frame or frame.pts is None or frame.pts > target:
                        return None
                    if frame.pts == target:
                        is_whole = (frame.width, frame.height) == self._coded_size
                        return self._pixels(frame) if is_whole else None
            except av.FFmpegError as error:
                log.debug("%s: frame %d is not found by seeking (%s)", self.path, number, error)
        return None

    def _counted(self, number: int) -> np.ndarray | None:
        """Decode from where the last call stopped, or from the start."""
        if self._rows is None or number < self._next_row:
            self._rows, self._next_row = self.frames(), 0
        for _, frame in self._rows:
            self._next_row += 1
            if self._next_row > number:
                return frame
        self._rows = None
        return None
