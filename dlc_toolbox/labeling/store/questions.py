"""What only a person can decide: whose labels lie there, and what became of a body part that is no longer named."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_toolbox.labeling.files.history import History
from dlc_toolbox.labeling.files.notes import Notes
from dlc_toolbox.labeling.store.contents import Contents
from dlc_toolbox.labeling.store.reshape import cyclic_questions, settle_cyclic
from dlc_toolbox.labels.clicks import ClickTable
from dlc_toolbox.labels.provenance import FILE
from dlc_toolbox.labels.sources import label_file, label_file_names, label_home

log = logging.getLogger(__name__)

IGNORE = "ignore"
_MOVE, _PART, _RENAME = "move-beside:", "part:", "rename:"


@dataclass(frozen=True)
class Question:
    """A question to the person.

    Parameters
    ----------
    id : str
        Its name.
    text : str
        What is asked.
    choices : tuple of (str, str)
        Answers, and what they mean.
    """

    id: str
    text: str
    choices: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        choices = [{"answer": answer, "text": text} for answer, text in self.choices]
        return {"id": self.id, "text": self.text, "choices": choices}


def find_questions(contents: Contents) -> list[Question]:
    """List what a person must decide now; what was put off in this visit is left out.

    Parameters
    ----------
    contents : Contents
        What stands in the project.
    """
    found = _moves(contents)
    if contents.settings.multibodypartsfile:
        found += [Question(*asked) for asked in cyclic_questions(contents)]
    else:
        found += _orphans(contents)
    return [question for question in found if question.id not in contents.ignored]


def settle(contents: Contents, question: str, answer: str) -> None:
    """Do what a person has decided; whoever calls reads everything anew.

    Parameters
    ----------
    contents : Contents
        What stands in the project.
    question, answer : str
        As `find_questions` gives them.

    Raises
    ------
    UsersError
        When the system refuses.
    """
    if answer == IGNORE:
        contents.ignored.add(question)
    elif question.startswith(_MOVE):
        scorer = answer.removeprefix("move:")
        for source, target in _misplaced(contents, scorer):
            _move(source, target, label_file_names(contents.settings))
    elif question.startswith(_PART):
        _rename(contents, question.removeprefix(_PART), answer.removeprefix(_RENAME))
    else:
        settle_cyclic(contents, question, answer)


def _moves(contents: Contents) -> list[Question]:
    """Ask about label files that lie where Step 2 does not look, as Scorers has more names than before, or fewer."""
    scorers = contents.settings.Scorers
    several = len(scorers) > 1
    found = [source for source, _ in _misplaced(contents, contents.scorer)]
    if not found:
        return []
    folders = ", ".join(sorted({(path.parent if several else path.parent.parent).name for path in found}))
    if several:
        text = (
            f"Label files lie beside the images in {folders}. With {len(scorers)} names in Scorers each person's "
            "belong into a folder of their own, so these are not read. Whose are they?"
        )
        choices = tuple((f"move:{scorer}", f"They are {scorer}'s: move them there") for scorer in scorers)
    else:
        text = (
            f"Labels of {contents.scorer} in {folders} lie in folders named {contents.scorer}. With one name in "
            "Scorers they belong beside the images, so these are not read. Move them?"
        )
        choices = ((f"move:{contents.scorer}", "Move them beside the images"),)
    return [Question(f"{_MOVE}{contents.scorer}", text, (*choices, (IGNORE, "Leave them where they are")))]


def _misplaced(contents: Contents, scorer: str) -> list[tuple[Path, Path]]:
    """List label files that lie elsewhere, and where they belong; none that would replace labels there."""
    found = []
    for labels in contents.folders.values():
        home = label_home(labels.folder, contents.settings, scorer)
        elsewhere = labels.folder / scorer if home == labels.folder else labels.folder
        for name in label_file_names(contents.settings):
            source, target = label_file(elsewhere, name), label_file(home, name)
            if source is not None and (target is None or not count_clicks(target)):
                found.append((source, target or home / source.name))
    return found


def _move(source: Path, target: Path, names: Sequence[str]) -> None:
    """Move a label file, and what is noted of its labels once none of these names is left."""
    target.parent.mkdir(exist_ok=True)
    source.replace(target)
    notes = source.parent / FILE
    is_last = not any(label_file(source.parent, name) for name in names)
    if is_last and notes.is_file() and not (target.parent / FILE).exists():
        notes.replace(target.parent / FILE)
    log.info("%s is %s now", source, target)


def _orphans(contents: Contents) -> list[Question]:
    """Ask about label files of body parts that are no longer named."""
    unlabeled = [part for part in contents.settings.bodyparts if not _is_labeled(contents, part)]
    found = []
    for part, folders in sorted(_unnamed(contents).items()):
        clicks = sum(count_clicks(path) for path in folders)
        names = ", ".join(_folder_name(contents, path) for path in folders)
        text = (
            f"There {'is 1 label' if clicks == 1 else f'are {clicks} labels'} of {part} in {names}, but "
            f"bodyparts in myconfig.py has no {part}. What became of it?"
        )
        renamed = [(f"{_RENAME}{other}", f"It is called {other} now: its labels go there") for other in unlabeled]
        ignored = (IGNORE, f"It is no longer wanted: {part}.csv stays and is not read")
        found.append(Question(f"{_PART}{part}", text, (*renamed, ignored)))
    return found


def _unnamed(contents: Contents) -> dict[str, list[Path]]:
    """Find label files, by their stems, that belong to no body part."""
    known = [*label_file_names(contents.settings), contents.settings.multibodypartsfilename]
    names = {name.casefold().rpartition(".")[0] for name in known}
    found: dict[str, list[Path]] = {}
    for labels in contents.folders.values():
        paths = list(labels.home.iterdir()) if labels.home.is_dir() else []
        for path in sorted(path for path in paths if path.suffix.lower() in (".csv", ".xls")):
            if not path.name.startswith(".") and path.stem.casefold() not in names and count_clicks(path):
                found.setdefault(path.stem, []).append(path)
    return found


def _folder_name(contents: Contents, path: Path) -> str:
    """Return the name of the folder of images that a label file belongs to."""
    return path.relative_to(contents.data_folder).parts[0]


def _is_labeled(contents: Contents, part: str) -> bool:
    """Tell whether any image has a label of a part."""
    return any(
        labels.of(image).points.get(part) is not None for labels in contents.folders.values() for image in labels.images
    )


def _rename(contents: Contents, old: str, new: str) -> None:
    """Give the labels of a part that is no longer named to another one, which has none."""
    for path in _unnamed(contents)[old]:
        target = label_file(path.parent, f"{new}.csv") or path.with_name(new + path.suffix)
        history = History(contents.data_folder / _folder_name(contents, path))
        history.keep_once(path)
        history.keep_once(target)
        path.replace(target)
        notes = Notes(path.parent / FILE).read()
        if notes.images:
            notes.rename_parts({old: new})
            notes.bodyparts = [new if part == old else part for part in notes.bodyparts]
            notes.write()
        log.info("%s is %s now", path, target)


def count_clicks(path: Path) -> int:
    """Return the number of clicks in a file; 0 for a file that is no table of clicks.

    Parameters
    ----------
    path : Path
        A csv file.
    """
    try:
        return sum(map(len, ClickTable(path.read_bytes(), path).by_slice().values()))
    except (UsersError, OSError):
        return 0
