"""Which of the labels that were found can be labels here: their images are there, whole, and as they were labeled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dlc_common import UsersError
from dlc_common.images import image_size, read_image
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import Found, LeftOut, safe_name
from dlc_toolbox.labels.calibration import looks_calibrated
from dlc_toolbox.pictures.pictures import folder_and_image


def usable(found: Found) -> Found:
    """Return the rows that can be used here.

    Parameters
    ----------
    found : Found
        Images that are still to be made count as there.

    Raises
    ------
    ToolboxError
        When nothing can be used, or the labels of all images are in no pixels.
    """
    remains = found.without(_unusable(found))
    if not remains.images:
        why = f"; the last one {remains.left_out[-1].why}" if remains.left_out else ""
        are_there = any(path.is_file() or row in found.pending for row, path in found.images.items())
        why += "" if are_there else "; if they are elsewhere, --images names their folder"
        raise ToolboxError(f"{found.source}: none of {len(remains.left_out)} images can be used{why}")
    if not remains.labeled_rows:
        raise ToolboxError(f"{found.source} has no label at all: label there first")
    remains = remains.without(_calibrated(remains))
    if not remains.images:
        raise ToolboxError(f"{found.source}: all labels lie near 0: convert them to pixels there")
    return remains


def _unusable(found: Found) -> Iterator[LeftOut]:
    """Yield the rows that cannot be used, with the reason."""
    labeled = found.labeled_rows
    for row, path in tqdm(found.images.items(), desc="look at the images", unit="image", leave=False):
        why = _why_not(row, path, found)
        if why:
            yield LeftOut(row, why if row in labeled or path.is_file() else "has neither label nor image")


def _why_not(row: str, path: Path, found: Found) -> str | None:
    """Say why an image cannot be used, in words that follow 'because it'; None where it can."""
    for name in folder_and_image(row):
        try:
            safe_name(name)
        except ValueError as error:
            return str(error)
    if not any(character.isdecimal() and character.isascii() for character in Path(row).stem):
        return "has no number in its name, as img7.png has, so its place among the images is uncertain"
    if not path.is_file():
        return None if row in found.pending else f"has no image in {path.parent}"
    try:
        read_image(path)
        size = image_size(path)
    except UsersError as error:
        return f"cannot be read: {error}"
    was = found.sizes.get(row)
    if was is not None and was != size:
        return f"has {size[0]} x {size[1]} pixels, but was labeled with {was[0]} x {was[1]}"
    return None


def _calibrated(found: Found) -> Iterator[LeftOut]:
    """Yield the rows of folders whose labels look as if they were in inches or mm, or shares of the image."""
    for rows in found.folders().values():
        there = [row for row in rows if found.images[row].is_file()]
        if there:
            places = found.only(there).values
            if looks_calibrated(places, np.array([image_size(found.images[row]) for row in there])):
                yield from (LeftOut(row, "has labels near 0, as if they were not in pixels") for row in rows)
