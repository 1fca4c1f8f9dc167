"""labeling.json: what the csv files of one scorer and folder cannot hold.

Not visible, left out, begun, accepted from which network, when. The csv files alone are the labels; without this file
everything still works.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.files.history import now
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Conflict, Value
from dlc_toolbox.labels.clicks import Point
from dlc_toolbox.labels.provenance import ACCEPTED, PLACED
from dlc_toolbox.project.settings import Settings

_FORMAT = 1


@dataclass(frozen=True)
class PartNote:
    """What is known of one part in one image.

    Parameters
    ----------
    state : str
        `PLACED`, `ACCEPTED` or `NOT_VISIBLE`.
    time : str
        When, UTC.
    at : (float, float), optional
        Where it was placed; counts as the label only while the image is left out or begun.
    network : str, optional
        Whose machine label was accepted.
    """

    state: str
    time: str
    at: tuple[float, float] | None = None
    network: str | None = None

    @property
    def value(self) -> Value:
        """The label."""
        return NOT_VISIBLE if self.state == NOT_VISIBLE else self.at


@dataclass(frozen=True)
class ImageNotes:
    """What is known of one image.

    Parameters
    ----------
    parts : mapping of str to PartNote
        By body part.
    left_out : str, optional
        When the image was left out, UTC.
    begun : bool
        Whether its labels are here and not yet in the file that holds all parts.
    conflicts : mapping of str to Conflict
        Labels that two sides have changed, by body part.
    """

    parts: Mapping[str, PartNote] = field(default_factory=dict)
    left_out: str | None = None
    begun: bool = False
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)

    @property
    def saved_at(self) -> str | None:
        """When the newest of its labels was made, UTC."""
        return max([note.time for note in self.parts.values()] + [self.left_out or ""]) or None

    @property
    def waits(self) -> bool:
        """Whether places of it stand here and in no csv file."""
        return (self.begun or self.left_out is not None) and any(note.at for note in self.parts.values())

    @property
    def alone(self) -> tuple[bool, bool, dict[str, Value]]:
        """What stands in no csv file: whether the image is left out, and begun, and the labels that only stand here."""
        is_left_out = self.left_out is not None
        values = {part: note.value for part, note in self.parts.items()}
        if not (is_left_out or self.begun):
            values = {part: value for part, value in values.items() if value == NOT_VISIBLE}
        return is_left_out, self.begun, values

    def as_json(self) -> dict[str, Any]:
        """Return what stands in the file."""
        parts = {}
        for part, note in self.parts.items():
            entry: dict[str, Any] = {"state": note.state, "time": note.time}
            entry |= {"at": list(note.at)} if note.at else {}
            parts[part] = entry | ({"network": note.network} if note.network else {})
        found: dict[str, Any] = {"parts": parts}
        found |= {"left out": self.left_out} if self.left_out else {}
        found |= {"begun": True} if self.begun else {}
        if self.conflicts:
            found["conflicts"] = {
                part: {"yours": conflict.yours, "theirs": conflict.theirs} for part, conflict in self.conflicts.items()
            }
        return found


class Notes:
    """The content of one labeling.json.

    Parameters
    ----------
    path : Path
        The file; `read` reads it.

    Attributes
    ----------
    images : dict of str to ImageNotes
        By image name; set entries through `set`.
    bodyparts : list of str
        Of the settings when it was last written.
    order : list of str
        The folder's images then: the csv files count their positions.
    """

    def __init__(self, path: Path):
        self.path = path
        self.images: dict[str, ImageNotes] = {}
        self.bodyparts: list[str] = []
        self.order: list[str] = []
        self._lines: dict[str, str] = {}

    def of(self, image: str) -> ImageNotes:
        """Return what is known of an image."""
        return self.images.get(image, _NOTHING)

    def set(self, image: str, notes: ImageNotes) -> None:
        """Replace what is known of an image."""
        self._lines.pop(image, None)
        if notes == _NOTHING:
            self.images.pop(image, None)
        else:
            self.images[image] = notes

    def rename_parts(self, names: Mapping[str, str]) -> None:
        """Give parts other names; all at once, so that two may change theirs."""
        for image, notes in list(self.images.items()):
            parts = {names.get(part, part): note for part, note in notes.parts.items()}
            conflicts = {names.get(part, part): found for part, found in notes.conflicts.items()}
            self.set(image, replace(notes, parts=parts, conflicts=conflicts))

    def write(self) -> None:
        """Write the file, one line for each image.

        Raises
        ------
        UsersError
            When the system refuses to write.
        """
        for image, notes in self.images.items():
            if image not in self._lines:
                self._lines[image] = f"{_dumped(image)}: {_dumped(notes.as_json())}"
        images = ",\n".join(self._lines[image] for image in self.images)
        head = f'"format": {_FORMAT},\n"bodyparts": {_dumped(self.bodyparts)},\n"order": {_dumped(self.order)}'
        text = f'{{{head},\n"images": {{\n{images}\n}}}}\n'
        with replacing(self.path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def read(self) -> Notes:
        """Read the file, if there is one, and return self.

        Raises
        ------
        UsersError
            When it is damaged.
        """
        if not self.path.is_file():
            return self
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content.get("format") != _FORMAT:
                raise ValueError(f"its format is {content.get('format')!r}, known is {_FORMAT}")
            self.bodyparts, self.order = _texts(content["bodyparts"]), _texts(content["order"])
            self.images = {name: _image_notes(found) for name, found in content["images"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ToolboxError(
                f"{self.path} is damaged ({type(error).__name__}: {error}); move it away: the csv files hold the "
                "labels, but it alone knows what is not visible, left out or not finished yet"
            ) from error
        return self


_NOTHING = ImageNotes()


def value_of(point: Point, note: PartNote | None, settings: Settings) -> Value:
    """Return what a click in a csv file says.

    Parameters
    ----------
    point : (float, float)
        Where it is; NaN, NaN where it has no place.
    note : PartNote or None
        What is noted of the part: placed at that very place, it is there, even in the corner; a click at (0, 0) that
        was made here for 'not visible' means that whatever `invisibleboundary` is by now.
    settings : Settings
        Whether all parts are clicked in turn, and `hidden_below`.
    """
    if math.isnan(point[0]):
        return NOT_VISIBLE if settings.multibodypartsfile else None
    if note and note.at == point:
        return point
    is_ours = note is not None and note.state == NOT_VISIBLE and point == (0, 0)
    return NOT_VISIBLE if is_ours or max(point) < settings.hidden_below else point


def without_conflict(notes: ImageNotes, parts: Sequence[str]) -> ImageNotes:
    """Return notes in which the conflicts of these parts are settled."""
    return replace(notes, conflicts={part: found for part, found in notes.conflicts.items() if part not in parts})


def complete(notes: ImageNotes, points: Mapping[str, Value], together: bool) -> ImageNotes:
    """Note all labels of an image that the csv files do not hold.

    Parameters
    ----------
    notes : ImageNotes
        What is known of the image.
    points : mapping of str to Value
        Its labels, by body part, every one.
    together : bool
        Whether one file holds all parts: it takes the image only when none is missing. Until then labels wait here,
        also those of parts that are none of `points`, as they are not in `bodyparts` now.
    """
    is_finished = None not in points.values()
    is_known = any(value is not None for value in points.values()) or not notes.parts.keys() <= points.keys()
    notes = replace(notes, begun=together and is_known and not is_finished)
    if not (notes.begun or notes.left_out):
        return notes
    parts = {part: note for part, note in notes.parts.items() if points.get(part, note) is not None}
    for part, value in points.items():
        if value is not None and (part not in parts or parts[part].value != value):
            parts[part] = PartNote(PLACED, now(), value) if isinstance(value, tuple) else PartNote(NOT_VISIBLE, now())
    return replace(notes, parts=parts)


def until_written(old: ImageNotes, new: ImageNotes) -> ImageNotes:
    """Return notes that lose no label, whether the csv files have been written already or not.

    Parameters
    ----------
    old, new : ImageNotes
        Of one image, before and after a change. It is left out, or begun, as long as either says so; a part that was
        not visible is it until its click is in the file.
    """
    hidden = {part: note for part, note in old.parts.items() if note.state == NOT_VISIBLE and part in new.parts}
    is_begun = old.begun or new.begun
    return replace(new, parts={**new.parts, **hidden}, left_out=new.left_out or old.left_out, begun=is_begun)


def _dumped(value: object) -> str:
    """Return a value as one line of json."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _texts(value: object) -> list[str]:
    """Return a list of texts; raise ValueError for anything else."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{value!r} is no list of names")
    return value


def _image_notes(found: dict[str, Any]) -> ImageNotes:
    """Read one image's entry."""
    parts = {part: _part_note(note) for part, note in found["parts"].items()}
    conflicts = {
        part: Conflict(_value(sides["yours"]), _value(sides["theirs"]))
        for part, sides in found.get("conflicts", {}).items()
    }
    return ImageNotes(parts, found.get("left out"), found.get("begun", False) is True, conflicts)


def _part_note(found: dict[str, Any]) -> PartNote:
    """Read one part's entry."""
    if found["state"] not in (PLACED, ACCEPTED, NOT_VISIBLE):
        raise ValueError(f"{found['state']!r} is no state of a part")
    return PartNote(found["state"], str(found["time"]), _place(found.get("at")), found.get("network"))


def _value(value: object) -> Value:
    """Read a label."""
    return NOT_VISIBLE if value == NOT_VISIBLE else _place(value)


def _place(value: object) -> tuple[float, float] | None:
    """Read a place; None stays."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{value!r} is no place")
    x, y = map(float, value)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"{value!r} is no place")
    return x, y
