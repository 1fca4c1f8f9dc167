"""Still images: their names in a folder, reading what they show as 8-bit RGB, and writing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import cv2
import imageio.v3 as iio
import numpy as np

from dlc_common import UsersError
from dlc_common.files import replacing
from dlc_common.kinds import IMAGE, kind_of, wrong_kind
from dlc_common.pixels import UnknownRangeError, as_rgb8, white_of
from dlc_common.tiff import TiffPages, is_tiff

CROP_PREVIEW = "IsCroppingOK.png"
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_SAME_TYPE = {".jpeg": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}
IMAGE_SUFFIXES = TIFF_SUFFIXES | {".bmp", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".webp"}

_PNG_HEADER_BYTES, _PNG_BITS, _PNG_COLORS = 26, 24, 25
_SAMPLED_IMAGES = 16  # that tell how many bits a folder's images use


def images_in(folder: Path) -> list[Path]:
    """List the images of a folder, whatever their names, in no order; hidden files are left out."""
    images = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()
    ]
    refuse_undecodable(images)
    return images


def type_of(image: Path) -> str:
    """Return the suffix of an image in small letters, one for all that mean the same."""
    suffix = image.suffix.lower()
    return _SAME_TYPE.get(suffix, suffix)


def refuse_undecodable(paths: Iterable[Path]) -> None:
    """Raise UsersError for a path that is not in UTF-8, as old archives make them; tables cannot hold it."""
    for path in map(str, paths):
        shown = path.encode(errors="backslashreplace").decode()
        if shown != path:
            raise UsersError(f"{shown} is a name not in UTF-8: rename it")


def natural_key(name: str) -> tuple[str, str, str]:
    """Return a sorting key that compares the numbers in a name, of any length, as numbers: the order of Fiji.

    Parameters
    ----------
    name : str
        A file name.

    Returns
    -------
    str
        The name in small letters, with a number's length before each number, which has no zeros in front.
    str
        The same in the letters of the name. Older versions of Fiji sort by this.
    str
        The name itself, which orders names that differ in leading zeros only.

    Examples
    --------
    >>> sorted(["img10.png", "IMG9.png", "img2.png"], key=natural_key)
    ['img2.png', 'IMG9.png', 'img10.png']
    """
    padded = re.sub(r"[0-9]+", _with_length, name)
    return padded.lower(), padded, name


def _with_length(number: re.Match) -> str:
    """Write a number so that texts of it sort as numbers do."""
    digits = number[0].lstrip("0")
    return f"{len(digits):04d}{digits}"


def list_images(folder: Path, imagetype: str) -> list[Path]:
    """List the images of a folder in the order in which Fiji numbers them (its slices).

    Parameters
    ----------
    folder : Path
        Folder of one video's images.
    imagetype : str
        Their whole suffix, such as '.png'; upper and lower case are alike.

    Returns
    -------
    list of Path
        In numeric order, without hidden files and without the preview of the crop.

    Raises
    ------
    UsersError
        When the folder is missing, or an image has a name that is not in UTF-8, or without a number, so that its place
        is uncertain.
    """
    if not folder.is_dir():
        raise UsersError(f"{folder} is no folder")
    images = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() == imagetype.lower()
        and not path.name.startswith(".")
        and path.name != CROP_PREVIEW
        and not path.is_dir()
    ]
    refuse_undecodable(images)
    refuse_unnumbered(images)
    return sorted(images, key=lambda path: natural_key(path.name))


def refuse_unnumbered(images: Iterable[Path]) -> None:
    """Raise UsersError for an image without a number in its name, so that its place is uncertain."""
    for path in images:
        if not re.search(r"[0-9]", path.stem):
            raise UsersError(
                f"{path} has no number in its name, as img7{path.suffix} has: rename it, or move it elsewhere"
            )


def read_image(path: Path, channel: int = 0) -> np.ndarray:
    """Read an image as 8-bit RGB, whatever its file holds.

    Gray values are repeated in three channels, palettes resolved, transparency ignored. Values of more than 8 bits are
    scaled by what is white in the images of the same type beside it, see `pixels.white_of`: those of 16 bits are
    divided by 256. Pixels are those that are stored, as Fiji shows them: EXIF does not turn them.

    Parameters
    ----------
    path : Path
        A file with one of `IMAGE_SUFFIXES`.
    channel : int
        Which picture, from 0, when a TIFF file holds several.

    Returns
    -------
    ndarray of shape (H, W, 3)
        uint8 RGB.

    Raises
    ------
    UsersError
        When the file is missing, damaged, incomplete, or holds values of which nobody knows the range.
    """
    with _naming(path):
        values = _stored(path, channel)
        if values.dtype == np.uint8 and values.ndim == 3:
            return values
        return as_rgb8(values, _white_beside(path, values, channel), path.parent)


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of the stored image in pixels, from its first bytes; raises as `read_image`."""
    with _naming(path):
        if is_tiff(_head(path)):
            with TiffPages(path) as pages:
                return pages.size
        height, width = iio.improps(path, plugin="pillow", index=0).shape[:2]
        return width, height


def orientation(path: Path) -> int:
    """Return how viewers turn an image, as EXIF numbers it; 1: as it is stored, which is also how it is read here."""
    with _naming(path):
        if is_tiff(_head(path)):
            with TiffPages(path) as pages:
                return pages.orientation
        return int(iio.immeta(path, plugin="pillow", exclude_applied=False).get("Orientation", 1))


def as_png(picture: np.ndarray, compression: int = 6) -> bytes:
    """Encode a picture without loss.

    Parameters
    ----------
    picture : ndarray of shape (H, W, 3)
        uint8 RGB.
    compression : int
        From 0, the fastest, to 9.

    Returns
    -------
    bytes
        A png without colour profile, gamma or orientation, so that every program shows these very values.
    """
    return iio.imwrite("<bytes>", picture, plugin="pillow", extension=".png", compress_level=compression)


def write_image(path: Path, picture: np.ndarray) -> None:
    """Write a picture, uint8 RGB of shape (H, W, 3), as png; raises UsersError when the system refuses."""
    with replacing(path) as temporary:
        temporary.write_bytes(as_png(picture))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file of an image in whatever goes wrong while it is read."""
    if not path.is_file():
        raise UsersError(f"image {path} " + ("is a folder" if path.is_dir() else "does not exist"))
    try:
        yield
    except UsersError:
        raise
    except UnknownRangeError as error:
        raise UsersError(f"image {path} cannot be shown: {error}; save it with 8 bits, or 16") from error
    except Exception as error:  # the readers raise many types on damaged files
        if other := wrong_kind(path, "an image", IMAGE):
            raise UsersError(other) from error
        unsure = "" if kind_of(path) == IMAGE else " or no image"
        reason = error.__cause__ or error  # imageio's own words may say nothing
        raise UsersError(f"image {path} is damaged{unsure} ({reason}); replace it or delete it") from error


def _head(path: Path) -> bytes:
    """Return how a file begins."""
    with path.open("rb") as file:
        return file.read(_PNG_HEADER_BYTES)


def _stored(path: Path, channel: int) -> np.ndarray:
    """Return RGB of 8 bits, uint8 of shape (H, W, 3), or the values of an image of more bits, (H, W) or (H, W, 3)."""
    head = _head(path)
    if is_tiff(head):
        with TiffPages(path) as pages:
            return pages.read(0, channel)
    if head.startswith(b"\x89PNG") and head[_PNG_BITS] == 16 and head[_PNG_COLORS] != 0:  # Pillow keeps 8 of its bits
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise ValueError("its pixels cannot be decoded")
        return values[..., 2::-1] if values.ndim == 3 else values
    with cast(Any, iio.imopen(path, "r", plugin="pillow")) as file:
        is_deep = file.properties(index=0).dtype.itemsize > 1
        return file.read(index=0, mode=None if is_deep else "RGB", writeable_output=False)


def _white_beside(path: Path, values: np.ndarray, channel: int) -> float:
    """Return what is white in an image of more than 8 bits: one value for all such images of its folder."""
    white = _white_in(path.parent, type_of(path), channel, path.parent.stat().st_mtime_ns)
    return white if white is not None else white_of([values])


@lru_cache(maxsize=256)
def _white_in(folder: Path, suffix: str, channel: int, _: int) -> float | None:
    """Return what is white in images of a folder at some time, or None where they do not tell; a sample is read."""
    images = sorted((path for path in images_in(folder) if type_of(path) == suffix), key=lambda path: path.name)
    sample = images[:: -(-len(images) // _SAMPLED_IMAGES) or 1]
    values = []
    for path in sample:
        with suppress(Exception):  # damaged ones are told when they are read
            values.append(_stored(path, channel))
    deep = [stored for stored in values if stored.dtype != np.uint8]
    try:
        return white_of(deep) if deep else None
    except UnknownRangeError:
        return None
