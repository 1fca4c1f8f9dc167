"""Tell whether a file, or a folder of images, holds what it held."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dlc_common.images import images_in

_WHOLE_FILE_BYTES = 64 * 2**20
_SAMPLE_BYTES = 2**20
_SAMPLES = 64


def fingerprint(path: Path) -> str:
    """Hash what a file, or a folder of images, holds.

    Files above 64 MB (videos) are hashed by their size and 64 pieces of 1 MB spread evenly, so that hours of
    video take a moment. Folders are hashed by names and sizes of their images and what 64 of them, spread evenly, hold.

    Parameters
    ----------
    path : Path
        An existing file or folder.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b).
    """
    if path.is_dir():
        return _fingerprint_of_images(path)
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= _WHOLE_FILE_BYTES:
            digest.update(file.read())
        else:
            for sample in range(_SAMPLES):
                file.seek(sample * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _fingerprint_of_images(folder: Path) -> str:
    """Hash the images of a folder; other files there do not matter."""
    images = sorted(images_in(folder))
    digest = hashlib.blake2b(digest_size=16)
    for image in images:
        digest.update(f"{image.name}/{image.stat().st_size}/".encode())
    for image in images[:: -(-len(images) // _SAMPLES) or 1]:
        digest.update(fingerprint(image).encode())
    return digest.hexdigest()
