"""Images of a video's folder: reading them in numeric order, choosing frames and numbering them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from dlc_toolbox import ToolboxError

PREVIEW = "IsCroppingOK.png"


def natural_key(name: str) -> list[str | int]:
    """Return a sorting key that compares the numbers in a name as numbers.

    Parameters
    ----------
    name : str
        A file name.

    Returns
    -------
    list of str and int
        Texts and numbers in turn, then the name itself, which orders names that differ in leading zeros only.

    Examples
    --------
    >>> sorted(["img10.png", "img9.png", "img2.png"], key=natural_key)
    ['img2.png', 'img9.png', 'img10.png']
    """
    pieces = re.split(r"([0-9]+)", name)
    return [int(piece) if position % 2 else piece for position, piece in enumerate(pieces)] + [name]


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
    ToolboxError
        When the folder is missing, or an image has no number in its name, so that its place is uncertain.
    """
    if not folder.is_dir():
        raise ToolboxError(f"{folder} is no folder")
    images = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() == imagetype.lower() and not path.name.startswith(".") and path.name != PREVIEW
    ]
    for path in images:
        if not re.search(r"[0-9]", path.stem):
            raise ToolboxError(f"{path} has no number in its name, as img7{imagetype} has; move it out of the folder")
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
    ToolboxError
        When the file is missing, damaged, incomplete, or holds more than 16 bits per channel.
    """
    if not path.is_file():
        raise ToolboxError(f"image {path} does not exist")
    try:
        with Image.open(path) as image:
            deep = np.asarray(image) if image.mode[0] in "IF" else None
            pixels = np.asarray(image.convert("RGB")) if deep is None else None
    except Exception as error:  # Pillow raises many types on damaged files
        raise ToolboxError(f"image {path} is damaged or no image ({error}); replace it or delete it") from error
    return pixels if deep is None else _gray16_as_rgb8(deep, path)


def _gray16_as_rgb8(values: np.ndarray, path: Path) -> np.ndarray:
    """Scale 16-bit gray values to 8 bits and repeat them in three channels."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ToolboxError(f"image {path} has 32 bits per pixel, whose range is unknown; save it with 8 or 16 bits")
    return np.repeat((values // 256).astype(np.uint8)[..., None], 3, axis=2)
