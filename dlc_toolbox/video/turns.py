"""Images that viewers turn, by a note of the camera (EXIF), and that are read here as they are stored."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dlc_common import UsersError
from dlc_common.images import orientation

log = logging.getLogger(__name__)

_LOOKED_AT = 2000  # images


def remarks_on_turns(images: Sequence[Path]) -> Iterator[str]:
    """Say that viewers turn images, or some of them.

    Parameters
    ----------
    images : sequence of Path
        Of one folder; a damaged one is passed over.

    Yields
    ------
    str
        What follows the name of the folder.
    """
    turns = Counter[int]()
    for image in images[:: -(-len(images) // _LOOKED_AT) or 1]:
        with suppress(UsersError):
            turns[orientation(image)] += 1
    turned = turns.total() - turns[1]
    if not turned:
        return
    many = "all images are" if len(turns) == 1 else f"{turned} of {turns.total()} images are"
    yield (
        f"{many} marked to be turned (EXIF): they are read as they are stored, which is how Fiji shows them, and "
        "not as viewers do; x and y are those of the stored image"
    )
    if len(turns) > 1:
        yield "its images are marked to be turned in different ways (EXIF): the camera was turned while it recorded"


def warn_of_turns(folder: Path, images: Sequence[Path]) -> None:
    """Say in the log that viewers turn images of a folder, see `remarks_on_turns`."""
    for remark in remarks_on_turns(images):
        log.warning("%s: %s", folder, remark)
