"""One scorer's labels of one folder of images, in memory and on disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.files.folderimages import FolderImages
from dlc_toolbox.labeling.files.history import History, now
from dlc_toolbox.labeling.files.imagelabels import Change, ImageLabels
from dlc_toolbox.labeling.files.labelfiles import LabelFiles, Signature, WrongCountError, signature
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Value, merge_image
from dlc_toolbox.labeling.files.notes import (
    ACCEPTED,
    PLACED,
    ImageNotes,
    Notes,
    PartNote,
    complete,
    until_written,
    value_of,
    without_conflict,
)
from dlc_toolbox.labeling.files.tablerows import TableRows
from dlc_toolbox.labels.images import WAY_OUT
from dlc_toolbox.labels.provenance import FILE
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)


class FolderLabels:
    """One scorer's labels of one folder of images.

    Parameters
    ----------
    folder : Path
        The folder.
    settings : Settings
        Body parts, scorers and the form of the files.
    scorer : str
        One of `settings.Scorers`.
    table : TableRows
        The label table, whose csv files may never have been or are lost; asked only where there is no csv file.
    writable : bool
        Whether this process may write.

    Attributes
    ----------
    images : list of str
        Names in numeric order.
    problem : str or None
        Why nothing can be labeled here.
    wrong_count : int or None
        Number of clicks of an image, where it is not that of the body parts.
    writable : bool
        As given; may be changed.
    """

    _files: LabelFiles
    _notes: Notes

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        scorer: str,
        table: TableRows,
        *,
        writable: bool,
    ):
        self.folder, self.writable = folder, writable
        self._settings, self._scorer, self._table = settings, scorer, table
        self.images: list[str] = []
        self.problem: str | None = None
        self.wrong_count: int | None = None
        self._images = FolderImages(folder, settings.imagetype)
        self._history = History(folder)
        self._load()

    @property
    def home(self) -> Path:
        """Where the csv files lie, or will."""
        return self._files.home

    @property
    def notes(self) -> Notes:
        """What labeling.json tells."""
        return self._notes

    def of(self, image: str) -> ImageLabels:
        """Return the labels of an image.

        Raises
        ------
        KeyError
            When there is no such image.
        """
        points, notes = self._points[image], self._notes.of(image)
        accepted = [
            part
            for part, note in notes.parts.items()
            if note.state == ACCEPTED and note.at is not None and points.get(part) == note.at
        ]
        return ImageLabels(points, tuple(sorted(accepted)), notes.left_out is not None, notes)

    @property
    def paths(self) -> list[Path]:
        """The files of the images."""
        return list(self._images.paths.values())

    def path(self, image: str) -> Path:
        """Return the file of an image."""
        return self._images.paths[image]

    def refresh(self) -> set[str]:
        """Take in what others have changed on disk.

        Returns
        -------
        set of str
            Images whose labels changed, or all when the folder's images did.

        Raises
        ------
        UsersError
            When a merge cannot be written.
        """
        if self._images.is_replaced() or signature(self._notes.path) != self._notes_signature:
            self._history = History(self.folder)
            return self._reload()
        if self._images.are_others(self._files.paths()) or self._is_table_other():
            return self._reload()
        found = self._files.changed()
        if found == self._unreadable:  # nothing, or what could not be read before
            return set()
        return self._merge(found) if self.writable and self._is_loaded else self._reload()

    def _is_table_other(self) -> bool:
        """Tell whether the label table has changed where it holds the labels; if they were refused, also an image."""
        if self._files.exist:
            return False
        are_refused = self.problem is not None
        return self._table.signature != self._table_signature or (are_refused and self._images.have_changed())

    def apply(self, changes: Mapping[str, Change]) -> None:
        """Change labels; all is on disk when this returns.

        Parameters
        ----------
        changes : mapping of str to Change
            By image.

        Raises
        ------
        UsersError
            When the folder has a problem, or the system refuses to write. What was on disk is then still there.
        """
        if self.problem:
            raise ToolboxError(self.problem)
        time, before = now(), {}
        for image, change in changes.items():
            before[image] = self._notes.of(image)
            self._change(image, change, time)
        try:
            self._write(before)
        except UsersError:
            self._reload()
            raise

    def _change(self, image: str, change: Change, time: str) -> None:
        """Change one image in memory."""
        points, notes = self._points[image] | dict(change.points), self._notes.of(image)
        parts = dict(notes.parts)
        for part, value in change.points.items():
            if value is None:
                parts.pop(part, None)
            elif isinstance(value, tuple):
                state = ACCEPTED if part in change.accepted else PLACED
                parts[part] = PartNote(state, time, value, change.accepted.get(part))
            else:
                parts[part] = PartNote(NOT_VISIBLE, time)
        left_out = notes.left_out
        if change.left_out is not None:
            left_out = (left_out or time) if change.left_out else None
        notes = replace(without_conflict(notes, list(change.points)), parts=parts, left_out=left_out)
        self._points[image] = points
        self._notes.set(image, self._complete(notes, points))

    def _complete(self, notes: ImageNotes, points: Mapping[str, Value]) -> ImageNotes:
        """Note all labels of an image that the csv files do not hold."""
        return complete(notes, points, self._settings.multibodypartsfile)

    def _write(self, before: Mapping[str, ImageNotes]) -> None:
        """Write what changed in memory, so that whoever is killed in between leaves every label somewhere.

        What leaves the csv files stands in labeling.json before, and what enters them leaves it only afterwards.
        """
        after = {image: self._notes.of(image) for image in before}
        self._history.keep_once(self._notes.path)
        self._notes.bodyparts, self._notes.order = list(self._settings.bodyparts), self.images
        between = {image: until_written(before[image], new) for image, new in after.items()}
        is_noted_first = any(before[image].alone != new.alone for image, new in after.items())
        if is_noted_first:
            self._write_notes(between)
        for image, new in after.items():
            self._notes.set(image, new)
        images = before if self._files.exist else self.images  # all, where they come from a label table
        self._files.write({image: self._wanted(image) for image in images}, self.paths)
        if not self._settings.multibodypartsfile:
            back = [image for image, new in after.items() if before[image].left_out and not new.left_out]
            self._files.add({image: self._placed_elsewhere(image) for image in back}, self.paths)
        if not is_noted_first or between != after:
            self._write_notes(after)

    def _write_notes(self, notes: Mapping[str, ImageNotes]) -> None:
        """Write labeling.json with these notes."""
        for image, of_image in notes.items():
            self._notes.set(image, of_image)
        self._notes.write()
        self._notes_signature = signature(self._notes.path)

    def _placed_elsewhere(self, image: str) -> dict[str, tuple[float, float]]:
        """Return the noted places of parts that are not in `bodyparts` now."""
        notes = self._notes.of(image).parts
        return {part: note.at for part, note in notes.items() if note.at and part not in self._settings.bodyparts}

    def _wanted(self, image: str) -> Mapping[str, Value]:
        """Return what the csv files are to say of an image."""
        return {} if self._notes.of(image).left_out else self._points[image]

    def _reload(self) -> set[str]:
        """Read everything anew; return all images."""
        self._load()
        return set(self.images)

    def _load(self) -> None:
        """Read everything; what is wrong becomes the folder's problem."""
        self.problem, self.wrong_count, self._is_loaded = None, None, False
        self.images, self._points, self._base = [], {}, {}
        self._files = LabelFiles(self.folder, self._settings, self._scorer, self._history)
        self._notes = Notes(self._files.home / FILE)
        self._notes_signature, self._table_signature = signature(self._notes.path), self._table.signature
        self._unreadable = self._files.changed()
        try:
            self.images = self._images.read(self._files.paths())
            self._points = {image: dict.fromkeys(self._settings.bodyparts) for image in self.images}
            self._notes.read()
            self._files.read(list(self._unreadable), self.paths)
            self._refuse_other_parts()
            clicked = self._clicked()
            self._images.refuse_moved(self._notes, clicked)
            noted = {image: self._notes.of(image) for image in self.images}
            unfinished = [image for image in self.images if self._interpret(image, clicked.get(image, {}))]
            self._base, self._is_loaded, self._unreadable = self._labels(), True, {}
            if unfinished and self.writable:
                self._write({image: noted[image] for image in unfinished})
        except UsersError as error:
            unread = self._files.changed()
            self._unreadable = {name: found for name, found in self._unreadable.items() if name in unread}
            self.problem = str(error)
            self.wrong_count = error.count if isinstance(error, WrongCountError) else None

    def _clicked(self) -> Mapping[str, Mapping[str, Value]]:
        """Return the labels in the csv files, or, where there is none, in the label table."""
        if self._files.exist:
            return self._values(self._files.values(self.paths))
        clicked = self._table.of(self.folder)
        unknown = sorted(set(clicked) - set(self.images))
        if unknown:
            raise ToolboxError(
                f"{self.folder}: the label table has labels of images that are not there: {in_short(unknown)}; "
                f"{WAY_OUT}"
            )
        if self._settings.multibodypartsfile:  # such files hold finished images
            unseen: dict[str, Value] = dict.fromkeys(self._settings.bodyparts, NOT_VISIBLE)
            return {image: unseen | dict(labels) for image, labels in clicked.items()}
        return clicked

    def _interpret(self, image: str, clicked: Mapping[str, Value]) -> bool:
        """Work out one image's labels from the csv files' and labeling.json; tell whether the files must be mended.

        A process may have been killed after it noted that an image is left out, and before its clicks had gone. An
        image that was begun is finished where the parts that it lacks are no longer in `bodyparts`.
        """
        notes, together = self._notes.of(image), self._settings.multibodypartsfile
        noted = {part: note.value for part, note in notes.parts.items() if part in self._settings.bodyparts}
        left_out = notes.left_out
        if left_out:
            found = noted | dict(clicked)
            known = [part for part in clicked if part in self._notes.bodyparts]  # others came back with their csv file
            if any(noted.get(part) != clicked[part] for part in known):  # somebody has labeled it in Fiji
                left_out = None
        elif together:
            found = dict(clicked) if clicked or not notes.begun else noted
        else:
            hidden: dict[str, Value] = {part: value for part, value in noted.items() if value == NOT_VISIBLE}
            found = hidden | dict(clicked)
        points = self._points[image] | found
        self._points[image] = points
        is_finished = together and notes.begun and None not in points.values()
        if is_finished or (notes.left_out and clicked):
            self._notes.set(image, self._complete(replace(notes, left_out=left_out), points))
            return True
        return False

    def _values(self, clicked: Mapping[str, Mapping[str, tuple[float, float]]]) -> dict[str, dict[str, Value]]:
        """Turn clicks into labels."""
        found: dict[str, dict[str, Value]] = {}
        for image, of_image in clicked.items():
            parts = self._notes.of(image).parts
            for part, point in of_image.items():
                value = value_of(point, parts.get(part), self._settings)
                if value is not None:
                    found.setdefault(image, {})[part] = value
        return found

    def _labels(self) -> dict[str, dict[str, Value]]:
        """Return what stands for labels now; nothing for images left out."""
        return {image: dict(self._wanted(image)) for image in self.images}

    def _refuse_other_parts(self) -> None:
        """Raise when clicks on all parts in turn may have been made for other parts, or in another order."""
        before = self._notes.bodyparts
        in_turn = self._settings.multibodypartsfile and self._files.exist
        if in_turn and before and before != list(self._settings.bodyparts):
            raise ToolboxError(
                f"{self.folder}: for the clicks on all parts in turn {', '.join(before)} was noted, in this order; "
                "bodyparts in myconfig.py is another list now. Answer the question about it, or put the old list back"
            )

    def _merge(self, found: Mapping[str, Signature]) -> set[str]:
        """Merge files that another program has saved, as they were found."""
        changed = list(found)
        before, parts = self._labels(), self._files.parts_of(changed)
        try:
            ours = self._files.read(changed, self.paths)
        except UsersError as error:  # what is in memory stays, to be merged when another state of the file is found
            self.problem, self._unreadable = str(error), dict(found)
            return set(self.images)
        self.problem, self._unreadable = None, {}
        for name, data in ours.items():
            self._files.keep(name, data, "before another program saved")
        saved = self._values(self._files.values(self.paths))
        touched, notes = set(), {}
        for image in self.images:
            base = {part: self._base[image].get(part) for part in parts}
            theirs = {part: saved.get(image, {}).get(part) or _hidden(base[part]) for part in parts}
            merged, conflicts = merge_image(base, {part: before[image].get(part) for part in parts}, theirs)
            self._base[image].update(theirs)
            if merged != {part: before[image].get(part) for part in parts} or conflicts:
                notes[image] = self._notes.of(image)
                self._take(image, merged, conflicts)
                touched.add(image)
            elif merged != theirs:
                notes[image] = self._notes.of(image)
        if notes:
            self._files.keep_present(changed, "as another program saved")
            self._write(notes)
        log.info("%s: %s changed on disk, %d images with other labels", self.folder, ", ".join(changed), len(touched))
        return touched

    def _take(self, image: str, merged: Mapping[str, Value], conflicts: Mapping) -> None:
        """Take merged labels of an image over; one that was left out is so no more."""
        notes = self._notes.of(image)
        if notes.left_out and not any(merged.values()):
            return
        self._points[image].update({part: value for part, value in merged.items() if value or not notes.left_out})
        known = {**notes.conflicts, **conflicts}
        self._notes.set(image, self._complete(replace(notes, left_out=None, conflicts=known), self._points[image]))


def _hidden(base: Value) -> Value:
    """Return what a file without a click says: nothing new about a part that was not visible before."""
    return NOT_VISIBLE if base == NOT_VISIBLE else None
