"""Training frames whose pictures are in the NWB file itself: in an image series, or one by one.

NWB calls the axes of a picture x and y, and most programs store rows, then columns, all the same. So which is which is
told by the size that a series gives, else by the labels, which lie in the picture one way only; else it is not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import Collection, Places
from dlc_toolbox.exchange.readers.found import safe_name
from dlc_toolbox.exchange.readers.source import refuse_huge, rows_of

_COLOURS = (3, 4)
_NO_PICTURE = "has a picture that is no image of 8 bits, gray or in colours"
_UNKNOWN = (
    "has a picture of which nothing tells whether rows or columns come first (no dimension, and the labels fit both): "
    "keep the video, or the pictures, as files beside it"
)


class Stored(NamedTuple):
    """A picture in the file.

    Parameters
    ----------
    dataset : str
        Where it is.
    place : int or None
        Which one of a series; None where the dataset is one picture.
    sides : (int, int)
        Lengths of its first two axes.
    size : (int, int) or None
        Width and height, where the file tells.
    home : str
        The series or container, whose pictures are stored one way.
    """

    dataset: str
    place: int | None
    sides: tuple[int, int]
    size: tuple[int, int] | None
    home: str


class Inside(NamedTuple):
    """A training frame with its picture: its name there, the image here, and the labels."""

    name: str
    row: str
    places: Places
    stored: Stored


def picture_of(frame: h5py.Group) -> tuple[str, Stored] | None:
    """Return the picture of a training frame that is in the file, and the name of its image here; None if not there.

    Raises
    ------
    ToolboxError
        When it is no picture that can be read; in words that follow 'because it'.
    """
    series, number = frame.get("source_video"), frame.attrs.get("source_video_frame_index")
    if isinstance(series, h5py.Group) and number is not None and "data" in series and "external_file" not in series:
        return _of_series(series, _path(frame, "source_video"), int(number))
    picture = frame.get("source_frame")
    if isinstance(picture, h5py.Dataset):
        path = _path(frame, "source_frame")
        home, _, name = path.rpartition("/")
        return _row(_name(home), name), Stored(path, None, _sides(picture, picture.shape), None, home)
    return None


def _of_series(series: h5py.Group, path: str, number: int) -> tuple[str, Stored]:
    """Return a picture of a series."""
    data = series["data"]
    if data.ndim < 3 or not 0 <= number < len(data):
        raise ToolboxError(f"is picture {number} of {_name(path)}, which has {len(data) if data.ndim else 0}")
    told = rows_of(series, "dimension").tolist()[:2] if "dimension" in series else []
    size = (int(told[0]), int(told[1])) if len(told) == 2 else None
    row = _row(_name(path), f"img{number:06d}")
    return row, Stored(f"{path}/data", number, _sides(data, data.shape[1:]), size, path)


def _path(frame: h5py.Group, name: str) -> str:
    """Return where what a frame links to is: the link has a name of its own."""
    link = frame.get(name, getlink=True)
    return link.path if isinstance(link, h5py.SoftLink) else f"{frame.name}/{name}"


def _name(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition("/")[2]


def _row(folder: str, name: str) -> str:
    """Return the name of an image here."""
    try:
        return f"{safe_name(folder)}/{safe_name(name)}.png"
    except ValueError as error:
        raise ToolboxError(str(error)) from None


def _sides(data: h5py.Dataset, shape: Sequence[int]) -> tuple[int, int]:
    """Return the first two sides of a picture, gray or in colours, that the file really holds."""
    if data.dtype != np.uint8 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in _COLOURS)):
        raise ToolboxError(_NO_PICTURE)
    refuse_huge(data, int(np.prod(shape)))
    return shape[0], shape[1]


def add_pictures(collection: Collection, path: Path, inside: Iterable[Inside]) -> None:
    """Add frames with their pictures; those of which nobody knows rows from columns are left out."""
    homes = defaultdict[tuple[str, tuple[int, int]], list[Inside]](list)
    for each in inside:
        homes[each.stored.home, each.stored.sides].append(each)
    for of_home in homes.values():
        ways = _ways(of_home)
        for name, row, places, stored in of_home:
            if len(ways) == 1:
                size = stored.sides if ways[0] else stored.sides[::-1]
                collection.add_made(row, places, _Picture(path, stored, ways[0]), size=size)
            else:
                collection.leave_out(name, _UNKNOWN)


def _ways(inside: Sequence[Inside]) -> list[bool]:
    """Return in which ways pictures of a size can be stored: False, rows first; True, columns first."""
    first, second = inside[0].stored.sides
    sizes = {False: (second, first), True: (first, second)}
    told = inside[0].stored.size
    if told and first != second and told in sizes.values():
        return [way for way, size in sizes.items() if size == told]
    most = np.nanmax([place for each in inside for place in each.places.values()] or [(0.0, 0.0)], axis=0)
    return [way for way, (width, height) in sizes.items() if most[0] < width and most[1] < height]


@dataclass(frozen=True)
class _Picture:
    """A picture in a file, and whether columns come first in it."""

    path: Path
    stored: Stored
    is_turned: bool

    def __call__(self) -> np.ndarray:
        """Return it, uint8 RGB (H, W, 3)."""
        with h5py.File(self.path, "r") as file:
            data = file[self.stored.dataset]
            values = np.asarray(data[()] if self.stored.place is None else data[self.stored.place])
        values = np.swapaxes(values, 0, 1) if self.is_turned else values
        return np.ascontiguousarray(np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values[..., :3])
