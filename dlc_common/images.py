"""Still images: their names in a folder, and what they show as 8-bit RGB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from dlc_common import UsersError

CROP_PREVIEW = "IsCroppingOK.png"
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
IMAGE_SUFFIXES = TIFF_SUFFIXES | {".bmp", ".jpeg", ".jpg", ".png"}


def images_in(folder: Path) -> list[Path]:
    """List the images of a folder, whatever their names, in no order; hidden files are left out."""
    images = [
        path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    ]
    refuse_undecodable(images)
    return images


def refuse_undecodable(paths: Iterable[Path]) -> None:
    """Raise UsersError for a path that is not in UTF-8, as old archives make them; tables cannot hold it."""
    for path in map(str, paths):
        shown = path.encode(errors="backslashreplace").decode()
        if shown != path:
            raise UsersError(f"{shown} is a name not in UTF-8: rename it")


def natural_key(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """Return a sorting key that compares the numbers in a name, of any length, as numbers.

    Parameters
    ----------
    name : str
        A file name.

    Returns
    -------
    list
        Texts and numbers in turn; a number is its length and its digits, without leading zeros.
    str
        The name itself, which orders names that differ in leading zeros only.

    Examples
    --------
    >>> sorted(["img10.png", "img9.png", "img2.png"], key=natural_key)
    ['img2.png', 'img9.png', 'img10.png']
    """
    pieces = re.split(r"([0-9]+)", name)
    digits = [piece.lstrip("0") for piece in pieces[1::2]]
    pieces[1::2] = [(len(number), number) for number in digits]
    return pieces, name


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
        if path.suffix.lower() == imagetype.lower() and not path.name.startswith(".") and path.name != CROP_PREVIEW
    ]
    refuse_undecodable(images)
    for path in images:
        if not re.search(r"[0-9]", path.stem):
            raise UsersError(f"{path} has no number in its name, as img7{imagetype} has; move it out of the folder")
    return sorted(images, key=lambda path: natural_key(path.name))


def read_image(path: Path) -> np.ndarray:
    """Read an image as 8-bit RGB, whatever its file holds.

    Gray values are repeated in three channels, palettes resolved, 16-bit values divided by 256, transparency ignored.

    Parameters
    ----------
    path : Path
        A png, jpg, tiff or bmp file.

    Returns
    -------
    ndarray of shape (H, W, 3)
        uint8 RGB.

    Raises
    ------
    UsersError
        When the file is missing, damaged, incomplete, or holds more than 16 bits per channel.
    """
    with _opened(path) as image:
        return as_rgb8(image, path)


def as_rgb8(image: Image.Image, path: Path) -> np.ndarray:
    """Return what an open image shows, see `read_image`; `path` is its file, for messages."""
    return _gray16_as_rgb8(np.asarray(image), path) if image.mode[0] in "IF" else np.asarray(image.convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image in pixels, from its first bytes; raises as `read_image`."""
    with _opened(path) as image:
        return image.size


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image and name its file in whatever goes wrong while it is read."""
    if not path.is_file():
        raise UsersError(f"image {path} does not exist")
    try:
        with Image.open(path) as image:
            yield image
    except UsersError:
        raise
    except Exception as error:  # Pillow raises many types on damaged files
        raise UsersError(f"image {path} is damaged or no image ({error}); replace it or delete it") from error


def _gray16_as_rgb8(values: np.ndarray, path: Path) -> np.ndarray:
    """Scale 16-bit gray values to 8 bits and repeat them in three channels."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise UsersError(f"image {path} has 32 bits per pixel, whose range is unknown; save it with 8 or 16 bits")
    return np.repeat((values // 256).astype(np.uint8)[..., None], 3, axis=2)
