"""Labels that were made on images as viewers turn them (EXIF), brought onto the images as they are stored."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.images import image_size, orientation
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.project.tables import bodyparts_of, make_table, scorer_of


class _Turn(NamedTuple):
    """How viewers turn an image, as EXIF numbers it, and the size of the stored one, (width, height)."""

    number: int
    stored: tuple[int, int]

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as viewers show it."""
        return self.stored[::-1] if self.number >= 5 else self.stored


def as_stored(found: Found) -> Found:
    """Return labels with x and y of the stored images, where they were made on turned ones.

    The size that was labeled tells that, or else the program: see `Found.as_shown`.

    Parameters
    ----------
    found : Found
        Places counted from the centre of the first pixel.
    """
    turns = {row: turn for row in found.images if (turn := _turn_of(row, found)) is not None}
    if not turns:
        return found
    told = {row: found.sizes.get(row) == turn.shown for row, turn in turns.items() if turn.shown != turn.stored}
    turned = [row for row in turns if told.get(row, found.as_shown)]
    doubtful = [row for row in turns if row not in told and not found.as_shown]
    values = found.values.copy()
    for row in turned:
        place = found.table.index.get_loc(row)
        values[place] = _stored_places(values[place], turns[row])
    return replace(
        found,
        table=make_table(scorer_of(found.table), bodyparts_of(found.table), found.table.index, values),
        sizes={**found.sizes, **{row: turns[row].stored for row in turned}},
        remarks=(*found.remarks, *_remarks(turned, doubtful)),
    )


def _turn_of(row: str, found: Found) -> _Turn | None:
    """Return how viewers turn an image of which the source tells the size; None where they do not."""
    with suppress(UsersError):  # damaged ones are told when they are read
        if row in found.sizes and (number := orientation(found.images[row])) != 1:
            return _Turn(number, image_size(found.images[row]))
    return None


def _stored_places(places: np.ndarray, turn: _Turn) -> np.ndarray:
    """Return where places, (K, 2), of an image as viewers show it are in the stored one.

    >>> _stored_places(np.array([[0.0, 0.0]]), _Turn(6, (40, 30))).tolist()
    [[0.0, 29.0]]
    """
    x, y = places.T[::-1] if turn.number >= 5 else places.T
    width, height = turn.stored
    x = width - 1 - x if turn.number in (2, 3, 7, 8) else x
    y = height - 1 - y if turn.number in (3, 4, 6, 7) else y
    return np.stack([x, y], axis=1)


def _remarks(turned: list[str], doubtful: list[str]) -> list[str]:
    """Say what was turned, and what may have to be."""
    remarks = []
    if turned:
        remarks.append(
            f"{len(turned)} images are marked to be turned (EXIF), and were labeled as viewers show them: x and y are "
            f"now those of the stored image, which is how it is read here: {in_short(turned)}"
        )
    if doubtful:
        remarks.append(
            f"{len(doubtful)} images are marked to be turned (EXIF), and nothing tells whether they were labeled so. x "
            f"and y are taken as those of the stored image; see in Step 3 whether they are: {in_short(doubtful)}"
        )
    return remarks
