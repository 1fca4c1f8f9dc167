"""Images and their labels, collected one by one; what cannot be used is named, and never stops the rest."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import Found, LeftOut, Pending, files_of, found_of, home_name, row_for
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.pictures.pictures import folder_and_image

Places = Mapping[str, tuple[float, float]]

SEVERAL = "has several animals; here every image has one"
NO_LABEL = "has no label"
SHARED = (
    "has a name that another one has, too, and no file that is surely its own: --images names a folder that has both, "
    "in folders as there; else export and import each set by itself"
)
SAME_NAME = (
    "has the very name of another one, and nothing tells whose the picture is: export and import each set by itself"
)
TWICE = "is labeled twice, differently: delete one of the two there"


class _Image(NamedTuple):
    """An image as it came: its name here, the paths under which it may be, its file, and its labels, (K, 2).

    `why` says why it has no labels to use, and `origin` what it is of: entries of equal origin are one image, and one
    with None is like no other.
    """

    row: str
    names: tuple[str, ...]
    file: Path
    labels: np.ndarray
    size: tuple[int, int] | None = None
    pending: Pending | None = None
    origin: Hashable = None
    why: str = ""

    @property
    def is_labeled(self) -> bool:
        """Whether any body part has a label."""
        return bool(np.isfinite(self.labels).any())


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
        self._images = list[_Image]()
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

    def add(
        self,
        name: str,
        places: Places,
        *,
        size: tuple[int, int] | None = None,
        tried: Sequence[str] = (),
        origin: Hashable = None,
    ) -> None:
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
            Other paths under which the image may be; they count first.
        origin : hashable, optional
            What the image has in common with no other one; default: its path, where that names a folder; sets that
            were joined have several images of a name without one.
        """
        try:
            self._put(self._image(name, places, size, tried), origin)
        except ValueError as error:
            self.leave_out(name, str(error))

    def pass_over(self, name: str, why: str, *, tried: Sequence[str] = (), origin: Hashable = None) -> None:
        """Leave out an image that has no labels to use; its file is not that of another one. Else as `add`."""
        try:
            self._put(self._image(name, {}, None, tried), origin, why)
        except ValueError:
            self.leave_out(name, why)

    def add_made(self, row: str, places: Places, pending: Pending, *, size: tuple[int, int] | None = None) -> None:
        """Add an image that is to be made, a png named ``<folder>/<image>``; else as `add`.

        Equal names and `pending` are one image.
        """
        made = self._source.scratch / "made" / row
        self._put(_Image(row, (row,), made, self._labels(places), size, pending), (row, pending))

    def _image(self, name: str, places: Places, size: tuple[int, int] | None, tried: Sequence[str]) -> _Image:
        """Return an image that is a file, under its name here; raises as `row_for`."""
        row, names, homes = row_for(name, home_name(self._source.path)), (*tried, name), self._source.homes
        file = next((file for each in names for file in files_of(each, homes)), homes[0] / name)
        return _Image(row, names, file, self._labels(places), size)

    def _labels(self, places: Places) -> np.ndarray:
        """Return x and y of each body part, of shape (K, 2); NaN where it has no label."""
        labels = np.full((len(self._parts), 2), np.nan)
        for part, (x, y) in places.items():
            if part in self._parts and math.isfinite(x) and math.isfinite(y):
                labels[self._parts.index(part)] = x, y
        return labels

    def _put(self, image: _Image, origin: Hashable, why: str = "") -> None:
        """Take an image; one without any label says so, unless it says another reason."""
        if origin is None and folder_and_image(image.row)[0] != home_name(self._source.path):
            origin = image.names[-1]
        self._images.append(image._replace(origin=origin, why=why or ("" if image.is_labeled else NO_LABEL)))

    def _one_each(self) -> list[_Image]:
        """Return every image once, however often it came; leave out those that have no labels to use."""
        entries = defaultdict[Hashable, list[_Image]](list)
        for image in self._images:
            entries[id(image) if image.origin is None else image.origin].append(image)
        images = [_joined(of_image) for of_image in entries.values()]
        self.left_out[:0] = [LeftOut(image.names[0], image.why) for image in images if image.why]
        return images

    def _told_apart(self) -> dict[str, _Image]:
        """Return the labeled images that have a file and a row of their own, by their rows; leave out the others.

        In a folder in which images share names, each is named by where its file is.
        """
        images, twins = self._one_each(), defaultdict[str, list[_Image]](list)
        for image in images:
            twins[image.row].append(image)
        files = Counter(image.file for image in images)
        crowded = {folder_and_image(row)[0] for row, of_row in twins.items() if len(of_row) > 1}
        own = [image for image in images if files[image.file] == 1 and self._is_own(image, twins[image.row])]
        rows = [self._row_of_file(image) if folder_and_image(image.row)[0] in crowded else image.row for image in own]
        times = Counter(rows)
        found = {row: image for row, image in zip(rows, own, strict=True) if times[row] == 1 and image.is_labeled}
        kept = {image.file for image in found.values()}
        for image in images:
            if image.is_labeled and image.file not in kept:
                has_namesake = [twin.names for twin in twins[image.row]].count(image.names) > 1
                self.leave_out(image.names[0], SAME_NAME if has_namesake else SHARED)
        return found

    def _is_own(self, image: _Image, twins: Sequence[_Image]) -> bool:
        """Tell whether the file of an image is there and no other one's of that name, where any other has that name."""
        others = [name for twin in twins if twin is not image for name in twin.names]
        could_be = (file for name in others for file in files_of(name, self._source.homes))
        return not others or (image.file.is_file() and image.file not in could_be)

    def _row_of_file(self, image: _Image) -> str:
        """Return the row for an image by where its file is; its own where that can be no name here."""
        for home in self._source.homes:
            with suppress(ValueError):
                return row_for(image.file.relative_to(home).as_posix(), home_name(self._source.path))
        return image.row

    def found(self, scorer: str | None = None, **more: Any) -> Found:
        """Return what was collected, as `Found` with other fields of it.

        Raises
        ------
        ToolboxError
            When there is nothing that can be used; with the reasons.
        """
        images = self._told_apart()
        if not images:
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
            {row: image.labels for row, image in images.items()},
            {row: image.file for row, image in images.items()},
            left_out=tuple(self.left_out),
            remarks=tuple(self.remarks),
            pending={row: image.pending for row, image in images.items() if image.pending is not None},
            sizes={row: image.size for row, image in images.items() if image.size is not None},
            **more,
        )


def _joined(entries: Sequence[_Image]) -> _Image:
    """Return the image that several entries are of; one without any label does not count beside others."""
    first, *others = [entry for entry in entries if entry.why != NO_LABEL] or entries
    if all(each.why == first.why and np.array_equal(each.labels, first.labels, equal_nan=True) for each in others):
        return first
    return first._replace(labels=np.full_like(first.labels, np.nan), why=TWICE)


def whole(value: Any) -> int | None:
    """Return a whole number, also one that was written as 64.0; None for anything else."""
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def size_of(width: Any, height: Any) -> tuple[int, int] | None:
    """Return a size in pixels, None where it is none."""
    width, height = whole(width), whole(height)
    return (width, height) if width and height and width > 0 and height > 0 else None
