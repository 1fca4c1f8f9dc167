"""The csv files of one scorer in one folder of images: which there are, what they say, when they change."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.files.history import History
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Value
from dlc_toolbox.labeling.files.notes import value_of
from dlc_toolbox.labels.clicks import EMPTY, ClickTable, Point
from dlc_toolbox.labels.slices import image_positions
from dlc_toolbox.labels.sources import label_file, label_file_names, label_home
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)

_SETTLED_S = 0.25  # a file that was written to more recently may not be complete
_PATIENCE_S = 2.0

Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """Return what changes when a file is written anew; None when it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass
class _File:
    """One csv file as it was last read or written; without a table there is none yet."""

    path: Path
    parts: Sequence[str]
    table: ClickTable | None = None
    signature: Signature | None = None


class LabelFiles:
    """The csv files of one scorer in one folder of images, in either form.

    Parameters
    ----------
    folder : Path
        Folder of images.
    settings : Settings
        Body parts, scorers and the form of the files.
    scorer : str
        One of `settings.Scorers`.
    history : History
        Where the bytes are kept that are replaced.

    Attributes
    ----------
    home : Path
        Where the files lie, or will.
    """

    def __init__(self, folder: Path, settings: Settings, scorer: str, history: History):
        self.home = label_home(folder, settings, scorer)
        self._together = settings.multibodypartsfile
        self._settings = settings
        self._history = history
        self._files = {}
        for place, name in enumerate(label_file_names(settings)):
            parts = settings.bodyparts if self._together else [settings.bodyparts[place]]
            self._files[name] = _File(label_file(self.home, name) or self.home / name, parts)

    @property
    def exist(self) -> bool:
        """Whether there is any."""
        return any(file.table is not None for file in self._files.values())

    def paths(self) -> list[Path]:
        """List the files that are there."""
        return [file.path for file in self._files.values() if file.path.is_file()]

    def changed(self) -> dict[str, Signature]:
        """Find the files that somebody else has written since they were last read or written here.

        One that has vanished is none of them: it may be in the middle of being replaced, and is written again with the
        next label.
        """
        found = {}
        for name, file in self._files.items():
            if file.table is None and not file.path.is_file():
                file.path = label_file(self.home, name) or file.path
            now = signature(file.path)
            if now is not None and now != file.signature:
                found[name] = now
        return found

    def parts_of(self, names: Sequence[str]) -> list[str]:
        """List the body parts that these files are about."""
        return [part for name in names for part in self._files[name].parts]

    def read(self, names: Sequence[str], images: Sequence[Path]) -> dict[str, bytes]:
        """Read files; all of them are read before any takes effect.

        Parameters
        ----------
        names : sequence of str
            As `changed` lists them.
        images : sequence of Path
            The images of the folder, in numeric order.

        Returns
        -------
        dict of str to bytes
            What the files held before, as far as is known here.

        Raises
        ------
        UsersError
            When one is no table of clicks, or contradicts the images.
        """
        tables, before = {}, {}
        for name in names:
            path = self._files[name].path
            _wait_until_settled(path)
            found = signature(path)
            tables[name] = _read_table(path, self._files[name].parts, images), found
        for name, (table, found) in tables.items():
            file = self._files[name]
            if file.table is not None:
                before[name] = file.table.data
            file.table, file.signature = table, found
        return before

    def values(self, images: Sequence[Path]) -> dict[str, dict[str, Point]]:
        """Return the clicks by image and body part; NaN, NaN is a click without a place."""
        found: dict[str, dict[str, Point]] = {}
        for file in self._files.values():
            for slice, points in (file.table.by_slice() if file.table else {}).items():
                of_image = found.setdefault(images[slice - 1].name, {})
                of_image.update(zip(file.parts, points, strict=True))
        return found

    def write(self, wanted: Mapping[str, Mapping[str, Value]], images: Sequence[Path]) -> None:
        """Make the files say what is wanted; those that are missing are made, so that Step 2 misses none.

        Parameters
        ----------
        wanted : mapping of str to mapping of str to Value
            Labels of the images that may change, by body part; an image without any has no click.
        images : sequence of Path
            The images of the folder, in numeric order.

        Raises
        ------
        UsersError
            When the system refuses to write; each file is then whole, the old one or the new one.
        """
        names = _slices_of(wanted, images)
        for file in self._files.values():
            table = file.table or ClickTable(EMPTY.encode(), file.path)
            present = table.by_slice()
            changes = {}
            for slice, name in names.items():
                old = present.get(slice, [])
                clicks = self._clicks(wanted[name], file.parts, old)
                if clicks != old and (clicks or self._together or _any_place(old)):
                    changes[slice] = clicks
            if changes or not file.path.is_file():
                self._replace(file, table.edited(changes, names) if changes else table)

    def add(self, found: Mapping[str, Mapping[str, Point]], images: Sequence[Path]) -> None:
        """Add clicks of parts that are none of `bodyparts` now, so that they are there when the part comes back.

        Parameters
        ----------
        found : mapping of str to mapping of str to (float, float)
            By image and body part. Where the part's file has a click, or is gone, nothing is added.
        images : sequence of Path
            The images of the folder, in numeric order.

        Raises
        ------
        UsersError
            When a file is damaged or contradicts the images, or the system refuses to write.
        """
        names = _slices_of(found, images)
        for part in sorted({part for of_image in found.values() for part in of_image}):
            path = label_file(self.home, f"{part}.csv")
            if path is not None:
                table = _read_table(path, [part], images)
                free = [slice for slice in names if not _any_place(table.by_slice().get(slice, ()))]
                added = {slice: [found[names[slice]][part]] for slice in free if part in found[names[slice]]}
                if added:
                    self._replace(_File(path, [part]), table.edited(added, names))

    def keep(self, name: str, data: bytes, why: str) -> None:
        """Keep bytes of a file in the folder's history, see `History.keep`."""
        self._history.keep(self._files[name].path, data, why)

    def keep_present(self, names: Sequence[str], why: str) -> None:
        """Keep what files hold now in the folder's history."""
        for name in names:
            table = self._files[name].table
            if table is not None:
                self.keep(name, table.data, why)

    def _replace(self, file: _File, table: ClickTable) -> None:
        """Write one file."""
        self._history.keep_once(file.path)
        with replacing(file.path) as temporary:
            temporary.write_bytes(table.data)
            written = signature(temporary)  # before others can write to it
        file.table, file.signature = table, written

    def _clicks(self, wanted: Mapping[str, Value], parts: Sequence[str], present: Sequence[Point]) -> list[Point]:
        """Return the clicks of one image in a file; those that mean 'not visible' stay as they are."""
        values = [wanted.get(part) for part in parts]
        if self._together and None in values:
            return []
        clicks = []
        for place, value in enumerate(values):
            old = present[place] if place < len(present) else None
            if isinstance(value, tuple):
                clicks.append(value)
            elif value == NOT_VISIBLE and old is not None and value_of(old, None, self._settings) == NOT_VISIBLE:
                clicks.append(old)
            elif value == NOT_VISIBLE and self._together:
                clicks.append((0.0, 0.0) if self._settings.hidden_below > 0 else (math.nan, math.nan))
        return clicks


class WrongCountError(ToolboxError):
    """An image has another number of clicks than there are body parts.

    Parameters
    ----------
    message : str
        As of every error.
    count : int
        Number of clicks.
    """

    def __init__(self, message: str, count: int):
        super().__init__(message)
        self.count = count


def _read_table(path: Path, parts: Sequence[str], images: Sequence[Path]) -> ClickTable:
    """Read a file about some body parts; raise UsersError unless it fits the images."""
    table = ClickTable(path.read_bytes(), path)
    assert table.clicks is not None
    if len(table.clicks):
        image_positions(table.clicks, images, path)
    for slice, points in table.by_slice().items():
        refuse_other_count(path, slice, images[slice - 1].name, points, parts)
    return table


def _slices_of(names: Iterable[str], images: Sequence[Path]) -> dict[int, str]:
    """Return the names of images by their positions."""
    places = {image.name: place for place, image in enumerate(images, 1)}
    return {places[name]: name for name in names}


def refuse_other_count(path: Path, slice: int, image: str, points: Sequence[Point], parts: Sequence[str]) -> None:
    """Raise when an image has more clicks, or fewer, than its file is about body parts.

    Parameters
    ----------
    path : Path
        The file.
    slice, image : int, str
        Position and name of the image.
    points : sequence of (float, float)
        Its clicks.
    parts : sequence of str
        The parts that the file is about.

    Raises
    ------
    WrongCountError
        With how many there are.
    """
    if len(points) != len(parts):
        listed = ": " + ", ".join(parts) if len(parts) > 1 else ""
        raise WrongCountError(
            f"{path}: slice {slice} ({image}) has {len(points)} clicks, expected {len(parts)}{listed}", len(points)
        )


def _any_place(points: Sequence[Point]) -> bool:
    """Tell whether any click has a place."""
    return any(not math.isnan(x) for x, _ in points)


def _wait_until_settled(path: Path) -> None:
    """Wait while a file is being written, for a while."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            age = time.time() - path.stat().st_mtime
        except OSError:
            return
        if not 0 <= age < _SETTLED_S:
            return
        time.sleep(0.05)
