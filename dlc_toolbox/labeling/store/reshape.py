"""The file that holds all body parts in turn, when `bodyparts` has changed: its clicks have no names, only an order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from dlc_common.files import replacing
from dlc_toolbox.labeling.files.folderlabels import FolderLabels
from dlc_toolbox.labeling.files.history import History, now
from dlc_toolbox.labeling.files.labelfiles import refuse_other_count
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE
from dlc_toolbox.labeling.files.notes import PLACED, ImageNotes, Notes, PartNote, value_of
from dlc_toolbox.labeling.store.contents import Contents
from dlc_toolbox.labels.clicks import ClickTable, Point
from dlc_toolbox.labels.order import are_anew
from dlc_toolbox.labels.provenance import FILE
from dlc_toolbox.labels.sources import label_file

log = logging.getLogger(__name__)

_ORDER = "parts:"
_ADDED, _WERE, _SAME, _ANEW = "added:", "were", "renamed", "anew"

Asked = tuple[str, str, tuple[tuple[str, str], ...]]


def cyclic_questions(contents: Contents) -> list[Asked]:
    """Ask about folders whose clicks may be of other body parts; id, text and choices of each question.

    Parameters
    ----------
    contents : Contents
        What stands in the project; `multibodypartsfile` is set.
    """
    asked = (_question(contents, name, labels) for name, labels in contents.folders.items())
    return [question for question in asked if question is not None]


def settle_cyclic(contents: Contents, question: str, answer: str) -> None:
    """Give the clicks of a folder the names that a person has said they have.

    Parameters
    ----------
    contents : Contents
        What stands in the project.
    question, answer : str
        As `cyclic_questions` gives them.
    """
    labels, now_named = contents.folders[question.removeprefix(_ORDER)], list(contents.settings.bodyparts)
    if answer in (_SAME, _ANEW):
        notes = Notes(labels.home / FILE).read()
        if answer == _SAME:
            notes.rename_parts(dict(zip(notes.bodyparts, now_named, strict=True)))
        notes.bodyparts = now_named
        notes.write()
        return
    before = labels.notes.bodyparts
    if answer != _WERE:
        before = [part for part in now_named if part != answer.removeprefix(_ADDED)]
    _reshape(contents, labels, before)


def _question(contents: Contents, name: str, labels: FolderLabels) -> Asked | None:
    """Ask about one folder, None where all is clear."""
    before, parts = labels.notes.bodyparts, list(contents.settings.bodyparts)
    file = contents.settings.multibodypartsfilename
    count = len(before) if labels.wrong_count is None else labels.wrong_count
    listed = ", ".join(before)
    path = label_file(labels.home, file)
    if path is None:
        return None
    if before and are_anew(path, parts, before):
        text = (
            f"The page last noted {listed}, but every image in {name}/{file} has {len(parts)} clicks, as many as "
            "bodyparts has names now."
        )
        choices = [(_ANEW, "The clicks were made for the new list: take them as they are")]
    elif before and before != parts and count == len(before):
        text = (
            f"For {name}/{file} the page last noted {listed}, in this order; bodyparts is another list now. For which "
            "list were the clicks made?"
        )
        choices = [(_WERE, "For the noted list: each part keeps its labels; those of new parts are to be placed")]
        if len(before) == len(parts):
            choices += [
                (_SAME, "For the noted list, and only names were changed: each label gets the new name in its place"),
                (_ANEW, "For the new list: all parts were clicked after it was changed, in its order"),
            ]
    elif labels.wrong_count == len(parts) - 1:
        text = (
            f"{name}/{file} has {labels.wrong_count} clicks in an image, and bodyparts has {len(parts)} names. "
            "Which one is new?"
        )
        choices = [(f"{_ADDED}{part}", f"{part} is new: it is to be placed in each image") for part in parts]
    else:
        return None
    return f"{_ORDER}{name}", text, (*choices, ("ignore", "Decide later: nothing is labeled there until then"))


def _reshape(contents: Contents, labels: FolderLabels, before: Sequence[str]) -> None:
    """Give the clicks in the file the names of a list of body parts, and take them into labeling.json.

    Reading the folder anew writes those images back that have all parts. Clicks are in the file only as long as
    labeling.json says whose they are: wherever a process is killed, the next one does the rest, or asks again.
    """
    path = label_file(labels.home, contents.settings.multibodypartsfilename)
    notes = Notes(labels.home / FILE).read()
    if path is not None:
        table = ClickTable(path.read_bytes(), path)
        History(labels.folder).keep_once(path)
        for slice, points in table.by_slice().items():
            image = labels.images[slice - 1]
            refuse_other_count(path, slice, image, points, before)
            known = notes.of(image)
            noted = {part: _note(contents, known, part, at) for part, at in zip(before, points, strict=True)}
            notes.set(image, replace(known, parts={**known.parts, **noted}, begun=True))
        notes.bodyparts, notes.order = list(before), labels.images
        notes.write()
        with replacing(path) as temporary:
            temporary.write_bytes(table.edited(dict.fromkeys(table.by_slice(), ()), {}).data)
    notes.bodyparts = list(contents.settings.bodyparts)
    notes.write()


def _note(contents: Contents, known: ImageNotes, part: str, point: Point) -> PartNote:
    """Return the note of a click: the one that is known, if it is about this click."""
    note = known.parts.get(part)
    if note and note.at == point:
        return note
    is_hidden = value_of(point, note, contents.settings) == NOT_VISIBLE
    return PartNote(NOT_VISIBLE, now()) if is_hidden else PartNote(PLACED, now(), point)
