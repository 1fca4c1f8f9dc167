"""The videos of a project of SLEAP, and where the image of a labeled frame is: in a file, the project, or a video."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import h5py
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import Collection, Places, size_of
from dlc_toolbox.exchange.readers.found import FrameOf, find_file, not_there, row_for, safe_name
from dlc_toolbox.exchange.readers.source import Source, refuse_huge, rows_of, texts_of
from dlc_toolbox.project.layout import video_stem

_ORDER_SINCE = 1.4  # version of the format that tells the order of colours
_DIGITS = 6
_CROPPED = "is of a video that sleap-io crops as it reads it: write the crop there as a video (sio transform)"


@dataclass(frozen=True)
class SleapVideo:
    """One video of a project.

    Parameters
    ----------
    name : str
        Path of the recording, as it was on the machine where frames were labeled; empty where nothing tells.
    images : sequence of str
        Paths of its frames, where it is a list of images.
    dataset : str
        Where its labeled frames are in the file; empty where they are not.
    order : str
        Order of the colours there, 'RGB' or 'BGR'.
    places : mapping of int to int, optional
        Where each frame is in the dataset.
    trouble : str
        Why its frames cannot be had; empty where they can.
    folder : str
        Name of the folder for its frames here.
    size : (int, int), optional
        Width and height of its frames, as far as the project tells.
    """

    name: str = ""
    images: Sequence[str] = ()
    dataset: str = ""
    order: str = "RGB"
    places: Mapping[int, int] | None = None
    trouble: str = ""
    folder: str = ""
    size: tuple[int, int] | None = None

    def add_frame(self, collection: Collection, source: Source, index: int, places: Places) -> None:
        """Add the image of a labeled frame to a collection, or why it cannot be had."""
        name, row = f"{self.folder}, frame {index}", f"{self.folder}/img{index:0{_DIGITS}d}.png"
        try:
            safe_name(self.folder)
        except ValueError as error:
            collection.leave_out(name, str(error))
            return
        if self.trouble:
            collection.leave_out(name, self.trouble)
        elif self.dataset:
            self._add_embedded(collection, source, index, row, places)
        elif self.images:
            if index < len(self.images):
                collection.add(self.images[index], places)
            else:
                collection.leave_out(name, f"is beyond the {len(self.images)} images of its list")
        elif (path := self.find(source)) is not None:
            collection.add_made(row, places, FrameOf(path, index), size=self.size)
        else:
            collection.leave_out(name, not_there(self.name))

    def find(self, source: Source) -> Path | None:
        """Return where the video is now; None where it is not there, or no video."""
        if not self.name or self.images or self.trouble:
            return None
        path = Path(self.name)
        with suppress(OSError):  # a name that is too long
            if path.is_file():
                return path
        return find_file(self.name, [*source.homes, source.homes[-1] / "videos"])

    def _add_embedded(self, collection: Collection, source: Source, index: int, row: str, places: Places) -> None:
        """Add an image that is in the project, under the name that it had before it came there."""
        place = (self.places or {}).get(index)
        if place is None:
            collection.leave_out(f"{self.folder}, frame {index}", "is labeled, but its image is not in the file")
            return
        if index < len(self.images):
            row = _named_as(self.images[index], row)
        collection.add_made(row, places, _Embedded(source.path, self.dataset, place, self.order))


def read_videos(file: h5py.File, own_name: str) -> list[SleapVideo]:
    """Read the videos of a project, in its order.

    Parameters
    ----------
    file : h5py.File
        The project.
    own_name : str
        Begins the names of folders for frames of videos that have none.
    """
    videos = [_described(file, text) for text in texts_of(rows_of(file, "videos_json"))]
    for number in _cropped(file):
        if 0 <= number < len(videos):
            videos[number] = replace(videos[number], trouble=_CROPPED)
    folders = _folders([video.name for video in videos], own_name)
    return [replace(video, folder=folder) for video, folder in zip(videos, folders, strict=True)]


def _cropped(file: h5py.File) -> set[int]:
    """Return the numbers of the videos of which people saw and labeled a part (version 2.3 of the format)."""
    if "video_crops" not in file:
        return set()
    return {int(each["video"]) for text in texts_of(rows_of(file, "video_crops")) for each in json.loads(text)}


def video_of(number: int, videos: Sequence[SleapVideo]) -> SleapVideo | None:
    """Return the video that a frame names: by the number in its dataset where there is one, else by position."""
    named = [video for video in videos if video.dataset == f"video{number}/video"]
    return named[0] if named else videos[number] if 0 <= number < len(videos) else None


def _described(file: h5py.File, text: str) -> SleapVideo:
    """Return the video that a text in json describes; one that nobody understands does not stop the others."""
    try:
        return _video(file, json.loads(text))
    except Exception as error:  # what others write can be wrong in more ways than anybody lists
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return SleapVideo(trouble=f"is of a video whose description in the project cannot be read ({reason})")


def _video(file: h5py.File, content: Mapping[str, Any]) -> SleapVideo:
    """Return one video."""
    backend = content.get("backend", content)
    filename = backend.get("filename", content.get("filename", ""))
    images = backend.get("filenames") or (filename if isinstance(filename, list) else [])
    if images:
        return SleapVideo(images=[str(path) for path in images])
    if filename == ".":
        return _embedded(file, str(backend.get("dataset", "")))
    if backend.get("dataset"):
        return SleapVideo(str(filename), trouble="is a frame of a video in an HDF5 file, which is not read here")
    shape = backend.get("shape")
    size = size_of(shape[2], shape[1]) if isinstance(shape, list) and len(shape) == 4 else None
    return SleapVideo(str(filename), size=size)


def _embedded(file: h5py.File, dataset: str) -> SleapVideo:
    """Return a video of which the labeled frames are in the file."""
    group = dataset.removesuffix("/video")
    try:
        numbers = rows_of(file, f"{group}/frame_numbers").astype(int).tolist()
        stored = file[f"{group}/video"]
        refuse_huge(stored)
    except (ToolboxError, KeyError, AttributeError) as error:
        return SleapVideo(trouble=f"is not in the file: {error}")
    is_old = float(file["metadata"].attrs.get("format_id", 1.0)) < _ORDER_SINCE
    order = texts_of(stored.attrs.get("channel_order", "BGR" if is_old else "RGB"))[0]
    known = _before(file, group)
    places = {number: place for place, number in enumerate(numbers)}
    return SleapVideo(known.name, known.images, f"{group}/video", order, places)


def _before(file: h5py.File, group: str) -> SleapVideo:
    """Return the video that the images of a dataset were taken from, as far as the file tells."""
    original = file.get(f"{group}/source_video")
    if original is None:
        return SleapVideo()
    text = rows_of(original, "json") if "json" in original else original.attrs.get("json")
    return SleapVideo() if text is None else _described(file, texts_of(text)[0])


def _folders(names: Sequence[str], own_name: str) -> list[str]:
    """Return a name for the folder of each video's frames: its stem, with its folder where others have the same.

    >>> _folders(["a/mouse.mp4", "C:/b/mouse.mp4", "rat.avi", ""], "labels")
    ['a_mouse', 'b_mouse', 'rat', 'labels_video3']
    """
    paths = [PureWindowsPath(name) for name in names]
    stems = [video_stem(Path(path.name)) if path.name else f"{own_name}_video{n}" for n, path in enumerate(paths)]
    times = Counter(stems)
    longer = [
        stem if times[stem] == 1 else f"{path.parent.name}_{stem}" for stem, path in zip(stems, paths, strict=True)
    ]
    again = Counter(longer)
    return [name if again[name] == 1 else f"{name}_video{n}" for n, name in enumerate(longer)]


def _named_as(image: str, otherwise: str) -> str:
    """Return the row for an image that had a name of its own before it came into the file, now as png."""
    try:
        return f"{row_for(image, otherwise.partition('/')[0]).rpartition('.')[0]}.png"
    except ValueError:
        return otherwise


@dataclass(frozen=True)
class _Embedded:
    """An image in a project: its file, the dataset, the place in that, and the order of its colours."""

    path: Path
    dataset: str
    place: int
    order: str

    def __call__(self) -> np.ndarray:
        """Return it, uint8 RGB (H, W, 3)."""
        with h5py.File(self.path, "r") as file:
            stored = file[self.dataset]
            is_array = texts_of(stored.attrs.get("format", "hdf5"))[0] == "hdf5"
            values = np.asarray(stored[self.place])
        image = values if is_array else _unpacked(values, self.order)
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[..., 0]
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] < 3):
            raise ToolboxError("is no image of 8 bits")
        return np.ascontiguousarray(np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3])


def _unpacked(values: np.ndarray, order: str) -> np.ndarray:
    """Decode the bytes of a png or jpg; OpenCV turns the order of colours around, in reading as in writing."""
    image = cv2.imdecode(values.astype(np.int8).view(np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ToolboxError("is damaged")
    return image[..., 2::-1] if image.ndim == 3 and order == "RGB" else image
