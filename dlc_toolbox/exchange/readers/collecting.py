"""Images and their labels, collected one by one; what cannot be used is named, and never stops the rest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import Found, LeftOut, Pending, find_file, found_of, home_name, row_for
from dlc_toolbox.exchange.readers.source import Source

Places = Mapping[str, tuple[float, float]]

SEVERAL = "has several animals; here every image has one"
NO_LABEL = "has no label"


class Collection:
    """Labeled images of one source.

    Parameters
    ----------
    source : Source
        Where they are from.
    kind : str
        What the source is.
    parts : sequence of str
        K body parts, in their order.
    """

    def __init__(self, source: Source, kind: str, parts: Sequence[str]):
        repeated = [part for part, times in Counter(parts).items() if times > 1]
        if repeated:
            raise ToolboxError(f"{source.path} has the body part {repeated[0]!r} twice: rename one there")
        self._source, self._kind, self._parts = source, kind, list(parts)
        self._labels, self._images = dict[str, np.ndarray](), dict[str, Path]()
        self._sizes, self._pending = dict[str, tuple[int, int]](), dict[str, Pending]()
        self.left_out = list[LeftOut]()
        self.remarks = list[str]()

    def leave_out(self, what: object, why: str) -> None:
        """Note what cannot be used, and why, in words that follow 'because it'."""
        self.left_out.append(LeftOut(str(what), why))

    @contextmanager
    def leaving_out(self, what: object) -> Iterator[None]:
        """Leave out what the block reads, when that is wrong in a way that nobody foresaw, and go on behind it."""
        try:
            yield
        except Exception as error:  # what others write can be wrong in more ways than anybody lists
            kind = "" if isinstance(error, UsersError) else f"{type(error).__name__}: "
            self.leave_out(what, f"cannot be read: {kind}{' '.join(str(error).split())}")

    def add(self, name: str, places: Places, *, size: tuple[int, int] | None = None, tried: Sequence[str] = ()) -> None:
        """Add an image that is a file.

        Parameters
        ----------
        name : str
            Path of the image, as the program wrote it.
        places : mapping of str to (float, float)
            x and y of each body part that has a label.
        size : (int, int), optional
            Width and height of the image that was labeled.
        tried : sequence of str
            Other paths under which the image may be.
        """
        try:
            row = row_for(name, home_name(self._source.path))
        except ValueError as error:
            self.leave_out(name, str(error))
            return
        homes = self._source.homes
        found = next(filter(None, (find_file(each, homes) for each in (*tried, name))), None)
        self._put(row, places, found or homes[0] / name, size)

    def add_made(self, row: str, places: Places, pending: Pending, *, size: tuple[int, int] | None = None) -> None:
        """Add an image that is to be made, a png named ``<folder>/<image>``; else as `add`."""
        if self._put(row, places, self._source.scratch / "made" / row, size):
            self._pending[row] = pending

    def _put(self, row: str, places: Places, image: Path, size: tuple[int, int] | None) -> bool:
        """Add an image under its name here, once."""
        if row in self._labels:
            self.leave_out(row, "names an image that another one names, too")
            return False
        labels = np.full((len(self._parts), 2), np.nan)
        for part, (x, y) in places.items():
            if part in self._parts and math.isfinite(x) and math.isfinite(y):
                labels[self._parts.index(part)] = x, y
        if not np.isfinite(labels).any():
            self.leave_out(row, NO_LABEL)
            return False
        self._labels[row], self._images[row] = labels, image
        if size is not None:
            self._sizes[row] = size
        return True

    def _leave_out_shared(self) -> None:
        """Leave out images that are found in one file, of which nothing tells whose it is."""
        times = Counter(self._images.values())
        for row in [row for row, image in self._images.items() if times[image] > 1]:
            self.leave_out(row, f"is {self._images[row]}, and so is another one")
            del self._labels[row], self._images[row]

    def found(self, scorer: str | None = None, **more: Any) -> Found:
        """Return what was collected, as `Found` with other fields of it.

        Raises
        ------
        ToolboxError
            When there is nothing that can be used; with the reasons.
        """
        self._leave_out_shared()
        if not self._labels:
            reasons = Counter(why for _, why in self.left_out)
            told = "; ".join(f"{number} times one {why}" for why, number in reasons.most_common(3))
            raise ToolboxError(
                f"{self._source.path} is {self._kind}, but no label in it can be used{f' ({told})' if told else ''}"
            )
        return found_of(
            self._source.path,
            self._kind,
            scorer or self._source.scorer,
            self._parts,
            self._labels,
            self._images,
            left_out=tuple(self.left_out),
            remarks=tuple(self.remarks),
            pending=self._pending,
            sizes=self._sizes,
            **more,
        )


def whole(value: Any) -> int | None:
    """Return a whole number, also one that was written as 64.0; None for anything else."""
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def size_of(width: Any, height: Any) -> tuple[int, int] | None:
    """Return a size in pixels, None where it is none."""
    width, height = whole(width), whole(height)
    return (width, height) if width and height and width > 0 and height > 0 else None
