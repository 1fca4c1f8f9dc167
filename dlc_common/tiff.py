"""TIFF files: which page shows which time point and channel, and what its pixels hold, as they are stored."""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Callable
from contextlib import ExitStack, suppress
from math import inf
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import tifffile

from dlc_common import UsersError

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # whoever reads tells what is damaged

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BETWEEN_BYTES = 64  # that may stand between two files that were joined: the end of a list of pages, and what fills up
_ORIENTATION = 274  # the tag
_OF_PILLOW = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946}  # compressions: none, fax, LZW, JPEG, deflate, PackBits
_PACKED = {10, 14}  # bits
_FEW_PAGES = 64  # in so few, one may be a small copy of another
_UNITS_S = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3}
_UNITS_S |= {"us": 1e-6, "usec": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "hour": 3600.0}
_OME_INCREMENT = re.compile(r'<Pixels\b[^>]*?\sTimeIncrement="([0-9.eE+-]+)"')
_OME_UNIT = re.compile(r'<Pixels\b[^>]*?\sTimeIncrementUnit="([^"]*)"')

_UNTURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda turned: turned[:, ::-1],
    3: lambda turned: turned[::-1, ::-1],
    4: lambda turned: turned[::-1],
    5: lambda turned: turned.swapaxes(0, 1),
    6: np.rot90,
    7: lambda turned: turned[::-1, ::-1].swapaxes(0, 1),
    8: lambda turned: np.rot90(turned, -1),
}
"""How to get back the stored pixels, by the orientation that Pillow has applied."""


def is_tiff(content: bytes) -> bool:
    """Tell a TIFF file by how it begins."""
    return content[:4] in _MAGIC


class TiffPages:
    """The pages of a TIFF file, as time points, slices and channels: those of Fiji's hyperstacks, and of OME.

    Pixels are as they are stored, whatever orientation is noted beside them, as in Fiji.

    Parameters
    ----------
    path : Path
        The file, kept open until `close`, or for a ``with`` block.

    Attributes
    ----------
    time_points : int
        Number of frames. Slices are frames where there is one frame of several slices, as in a plain stack of Fiji.
    channels, slices : int
        How many pictures there are of each time point: in other colours, and in other planes.
    interval_s : float or None
        From one frame to the next, where the file tells.
    elsewhere : int
        How many more frames its description tells of, in other files or not written.
    claimed : int
        Number of pictures that the file says it holds, or 0.
    untold : tuple of int
        Along which numbers its pictures count, when nothing tells which of them counts frames; else empty.
    """

    def __init__(self, path: Path):
        self.path = path
        self._closing = ExitStack()
        self._file = self._closing.enter_context(tifffile.TiffFile(path))
        self._pillow: Any = None
        self._pages = _whole_pages(self._file)
        told = (self._file.imagej_metadata if self._file.is_imagej else None) or {}
        self.claimed = int(told.get("images", 0)) or _planes_on_one_page(self._file)
        self.interval_s = _interval_s(told) or _ome_interval_s(self._file.ome_metadata or "")
        self._axes, self.elsewhere = _axes(self._file, told, len(self._pages))
        self.untold = () if len(self._axes) > 1 else _untold(self._file, len(self._pages))
        slices = self._axes.get("Z", 1)
        self._frame_axis = "Z" if self._axes.get("T", 1) == 1 and slices > 1 else "T"
        self.time_points = self._axes.get(self._frame_axis, 1)
        self.channels = max(self._axes.get("C", 1), _grays(self._file.pages[self._pages[0]]))
        self.slices = slices if self._frame_axis == "T" else 1

    @property
    def is_joined(self) -> bool:
        """Whether another TIFF file stands right behind this one, of which nothing is read."""
        return _is_joined(self._file, {self._pages[0], self._pages[-1]})

    @property
    def is_cut_off(self) -> bool:
        """Whether the last page that is found tells of a next one, which is not there."""
        return _is_cut_off(self._file)

    def __enter__(self) -> TiffPages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._closing.close()

    @property
    def count(self) -> int:
        """Number of pages."""
        return len(self._pages)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first page, in pixels."""
        page = self._file.pages[self._pages[0]]
        return page.imagewidth, page.imagelength

    @property
    def orientation(self) -> int:
        """How the first page is to be turned, as EXIF numbers it; 1: not at all."""
        return _orientation(self._file.pages[self._pages[0]])

    def read(self, time_point: int = 0, channel: int = 0) -> np.ndarray:
        """Read a picture.

        Parameters
        ----------
        time_point, channel : int
            Which, from 0. Of several slices it is the middle one.

        Returns
        -------
        ndarray of shape (H, W, 3) and uint8, or of shape (H, W) or (H, W, 3) and another type
            RGB of 8 bits, or the values of what is stored with more.
        """
        wanted = min(channel, self._axes.get("C", 1) - 1)
        places = {"T": 0, "Z": self.slices // 2, "C": wanted, self._frame_axis: time_point}
        plane = int(np.ravel_multi_index([places[axis] for axis in self._axes], tuple(self._axes.values())))
        number = self._pages[plane]
        page = self._file.pages[number]
        is_deep = page.dtype is not None and page.dtype.itemsize > 1
        is_rare, grays = page.keyframe.compression not in _OF_PILLOW, _grays(page)
        if not is_deep and not is_rare and grays == 1 and not _is_plain(page):
            return self._by_pillow(number, page, "RGB")
        try:
            values = page.asarray()
        except Exception as error:  # damaged, or compressed in a way that tifffile alone does not know
            if is_rare or page.keyframe.bitspersample in _PACKED:
                raise UsersError(f"{self.path} cannot be read: {_how_stored(page)}") from error
            return self._by_pillow(number, page, None if is_deep else "RGB")
        if values.ndim == 3:
            values = np.moveaxis(values, page.axes.index("S"), -1) if "S" in page.axes else values[..., None][0]
            first = min(channel, grays - 1)
            values = values[..., :3] if grays == 1 and values.shape[-1] >= 3 else values[..., first]
        if page.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            values = _inverted(values, page.keyframe.bitspersample)
        return values if is_deep or values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)

    def _by_pillow(self, number: int, page: tifffile.TiffPage, mode: str | None) -> np.ndarray:
        """Read a page by Pillow, which resolves colours of every kind, and undo the turn that it makes."""
        if self._pillow is None:
            self._pillow = self._closing.enter_context(iio.imopen(self.path, "r", plugin="pillow"))
        read = self._pillow.read(index=number, mode=mode, writeable_output=False)
        return _UNTURNED.get(_orientation(page), lambda stored: stored)(read)


def _grays(page: tifffile.TiffPage) -> int:
    """Return how many gray pictures a page holds, as Zeiss's (LSM) do; 1 where it has colours, or transparency."""
    key = page.keyframe
    are_gray = key.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE)
    return 1 + list(key.extrasamples).count(tifffile.EXTRASAMPLE.UNSPECIFIED) if are_gray else 1


def _how_stored(page: tifffile.TiffPage) -> str:
    """Say how pixels are stored that nobody can read here, and what to do."""
    key = page.keyframe
    is_packed = key.compression == tifffile.COMPRESSION.NONE
    how = f"packed, {key.bitspersample} bits each" if is_packed else f"compressed by {_name_of(key.compression)}"
    return f"its pixels are {how}; save it without compression where it was made, or run `pip install imagecodecs`"


def _name_of(compression: int) -> str:
    """Name a compression, by its number where it has no name."""
    try:
        return tifffile.COMPRESSION(compression).name
    except ValueError:
        return f"method {compression}"


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Tell values of 8 bits that are what is to be seen: gray or RGB, in no compression but the simplest."""
    key = page.keyframe
    is_seen = key.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
    is_simple = key.compression in (tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.ADOBE_DEFLATE)
    return is_seen and is_simple and key.dtype == np.uint8 and key.bitspersample == 8


def _inverted(values: np.ndarray, bits: int) -> np.ndarray:
    """Return values of which 0 is white as those of which 0 is black."""
    return 1 - values if values.dtype.kind == "f" else values.dtype.type(2**bits - 1) - values


def _is_cut_off(file: tifffile.TiffFile) -> bool:
    """Tell whether the last page names a place for the next one behind the end of the file, or ends before it does."""
    form, content, last = file.tiff, file.filehandle, file.pages[-1].offset
    content.seek(last)
    (tags,) = struct.unpack(form.tagnoformat, content.read(form.tagnosize))
    content.seek(last + form.tagnosize + tags * form.tagsize)
    told = content.read(form.offsetsize)
    return len(told) < form.offsetsize or struct.unpack(form.offsetformat, told)[0] >= content.size


def _is_joined(file: tifffile.TiffFile, looked_at: set[int]) -> bool:
    """Tell whether a TIFF file begins right behind this one, whose last byte belongs to one of the pages looked at."""
    ends = [0]
    with suppress(Exception):  # a damaged page, which whoever reads it tells
        for number in looked_at:
            page = file.pages[number]
            ends += map(sum, zip(page.dataoffsets, page.databytecounts, strict=False))
            if isinstance(page, tifffile.TiffPage):
                ends += [page.offset, *(tag.valueoffset + tag.valuebytecount for tag in page.tags.values())]
    if max(ends) == 0:
        return False
    file.filehandle.seek(max(ends))
    behind = file.filehandle.read(_BETWEEN_BYTES)
    return any(behind[place:].startswith(_MAGIC) for place in range(len(behind)))


def _planes_on_one_page(file: tifffile.TiffFile) -> int:
    """Return how many pictures a single page stands for, as in MetaMorph's stacks; 0 where it is just one."""
    if len(file.pages) != 1:
        return 0
    with suppress(Exception):  # a damaged description; whoever reads the page tells what is wrong
        series = file.series[0]
        return int(np.prod([size for axis, size in zip(series.axes, series.shape, strict=True) if axis not in "YXS"]))
    return 0


def _axes(file: tifffile.TiffFile, told: dict[str, Any], count: int) -> tuple[dict[str, int], int]:
    """Return the sizes of the axes along which pages follow each other, the slowest first; `told` is ImageJ's note.

    Also how many time points are told of that are not in this file.
    """
    if told:
        axes = {"T": told.get("frames", 1), "Z": told.get("slices", 1), "C": told.get("channels", 1)}
    elif file.is_ome or file.is_micromanager or file.is_shaped:
        series = file.series[0]
        axes = {axis: size for axis, size in zip(series.axes, series.shape, strict=True) if axis in "TZC"}
    else:
        axes = {}
    together = int(np.prod(list(axes.values()))) if axes else 0
    if together == count:
        return axes, 0
    of_each = together // axes.get("T", 1)
    is_part = next(iter(axes), "") == "T" and of_each <= count < together  # cut off, or the others are in other files
    here = count // of_each if of_each else 0
    return (axes | {"T": here}, axes["T"] - here) if is_part else ({"T": count}, 0)


def _untold(file: tifffile.TiffFile, count: int) -> tuple[int, ...]:
    """Return the shape in which tifffile wrote pages, where it has several numbers without the names of their axes."""
    if not file.is_shaped:
        return ()
    series = file.series[0]
    sizes = tuple(size for axis, size in zip(series.axes, series.shape, strict=True) if axis in "QI")
    return sizes if len(sizes) > 1 and np.prod(sizes) == count else ()


def _whole_pages(file: tifffile.TiffFile) -> list[int]:
    """List the pages that are no small copies of others."""
    count = len(file.pages)
    if 1 < count <= _FEW_PAGES:
        reduced = [_is_reduced(file, number) for number in range(count)]
        if not all(reduced):
            return [number for number in range(count) if not reduced[number]]
    return list(range(count))


def _is_reduced(file: tifffile.TiffFile, number: int) -> bool:
    """Tell whether a page says of itself that it is a small copy of another."""
    try:
        page = file.pages[number]
        return isinstance(page, tifffile.TiffPage) and bool(page.is_reduced)
    except Exception:  # a damaged page; those behind it may be fine
        return False


def _orientation(page: tifffile.TiffPage) -> int:
    """Return how a page is to be turned, as EXIF numbers it."""
    tag = page.keyframe.tags.get(_ORIENTATION)
    return int(tag.value) if tag is not None else 1


def _interval_s(told: dict[str, Any]) -> float | None:
    """Return the time between two frames that ImageJ notes, if it does, in seconds."""
    interval, unit_s = told.get("finterval"), _UNITS_S.get(str(told.get("tunit", "")).strip())
    return float(interval) * unit_s if isinstance(interval, int | float) and interval > 0 and unit_s else None


def _ome_interval_s(xml: str) -> float | None:
    """Return the time between two frames that OME's description tells, if it does, in seconds, its usual unit."""
    increment, unit = _OME_INCREMENT.search(xml), _OME_UNIT.search(xml)
    unit_s = _UNITS_S.get(unit[1] if unit else "s")
    with suppress(ValueError):
        interval_s = float(increment[1]) * unit_s if increment and unit_s else 0.0
        return interval_s if 0 < interval_s < inf else None
    return None
