"""All that the labeling page shows and changes. It knows no HTTP: names, plain values and errors only."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.doubts import find_doubts
from dlc_toolbox.labeling.events import Events
from dlc_toolbox.labeling.folderlabels import Change, FolderLabels, ImageLabels
from dlc_toolbox.labeling.images import ImageStore
from dlc_toolbox.labeling.labelfiles import signature
from dlc_toolbox.labeling.machine import MachineLabels, machine_signature, read_machine_labels
from dlc_toolbox.labeling.merge import NOT_VISIBLE, Value
from dlc_toolbox.labeling.overview import describe_project
from dlc_toolbox.labeling.questions import Question, find_questions, settle
from dlc_toolbox.labeling.tablerows import TableRows
from dlc_toolbox.labeling.videos import Videos
from dlc_toolbox.labeling.writer import Writer
from dlc_toolbox.project.layout import Layout, first_step_advice, image_folders
from dlc_toolbox.project.settings import load_settings

log = logging.getLogger(__name__)

_FARTHEST_PX = 1e6
_NEAR_IMAGES = 200  # that usual distances are taken from
_AHEAD = (1, 2, 3, -1)  # images that are prepared, counted from the one shown


class UnknownError(ToolboxError):
    """There is no such folder, image, video or question."""


class RefusedError(ToolboxError):
    """Nothing can be written here now."""


class WrongInputError(ToolboxError):
    """What was sent makes no sense."""


class StaleError(ToolboxError):
    """The image was changed since the sender saw it.

    Parameters
    ----------
    state : dict
        The present state.
    """

    def __init__(self, state: dict[str, Any]):
        super().__init__("the labels of this image have changed")
        self.state = state


class LabelStore:
    """The labels of one scorer, images and videos of one project; several threads may ask.

    Parameters
    ----------
    layout : Layout
        The project.
    scorer : str, optional
        Who labels, one of `Scorers`; default `scorer` of the settings.

    Attributes
    ----------
    layout : Layout
        As given.
    settings : Settings
        As they are now; read again when the file changes.
    scorer : str
        Who labels.
    events : Events
        ``labels`` and ``project``, when somebody else changed something.

    Raises
    ------
    ToolboxError
        When the settings have a problem, the scorer is none of them, or there is nothing to label.
    """

    def __init__(self, layout: Layout, scorer: str | None = None):
        self.layout, self.settings = layout, load_settings(layout.root)
        self.scorer = scorer or self.settings.scorer
        if self.scorer not in self.settings.Scorers:
            known = ", ".join(self.settings.Scorers)
            raise ToolboxError(f"{self.scorer} is none of Scorers in {layout.root / 'myconfig.py'}: {known}")
        if not self.data_folder.is_dir():
            raise ToolboxError(
                f"{self.data_folder} does not exist: pick frames first, with Step 1. {first_step_advice(layout.root)}"
            )
        self.events, self.images = Events(), ImageStore()
        self._lock = threading.RLock()
        self._writer = Writer(self.data_folder, self.scorer)
        self.ignored: set[str] = set()  # questions put off for this visit
        self._trouble: str | None = None
        self._settings_signature = signature(layout.root / "myconfig.py")
        self._load()

    @property
    def data_folder(self) -> Path:
        """Folder with one sub-folder per video."""
        return self.layout.data_folder(self.settings.Task)

    @property
    def why_not_writable(self) -> str | None:
        """Why nothing can be saved, if so."""
        return self._writer.why_not

    def close(self) -> None:
        """Let another process write."""
        self.images.close()
        self._writer.close()

    def project(self) -> dict[str, Any]:
        """Return all that the page shows before an image is opened, without ``help``."""
        with self._lock:
            return describe_project(self)

    def labels(self, folder: str, name: str) -> dict[str, Any]:
        """Return the state of an image's labels.

        Raises
        ------
        UnknownError
            When there is no such image.
        ToolboxError
            When the image is damaged.
        """
        with self._lock:
            labels = self._folder(folder)
            self._refresh_folder(folder)
            if name not in labels.images:
                raise UnknownError(f"{folder} has no image {name}")
            self._prepare(labels, name)
            return self._state(folder, name)

    def save(self, folder: str, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Change the labels of an image; all is on disk when this returns the new state.

        Parameters
        ----------
        folder, name : str
            The image.
        sent : mapping
            ``version`` that the sender saw, ``points`` that change, and, optionally, ``accepted`` and ``left_out``.

        Raises
        ------
        UnknownError, RefusedError, WrongInputError
            As named.
        StaleError
            When the labels are no longer those of the version.
        ToolboxError
            When the disk refuses.
        """
        with self._lock:
            state = self.labels(folder, name)
            labels = self._writable(folder)
            points, left_out = self._points(sent), sent.get("left_out")
            if sent.get("version") != state["version"]:
                raise StaleError(state)
            if left_out is not None and not isinstance(left_out, bool):
                raise WrongInputError("left_out must be true or false")
            accepted = self._accepted(folder, name, points, sent.get("accepted") or [])
            labels.apply({name: Change(points, accepted, left_out)})
            self._tell(folder, [name])
            return self._state(folder, name)

    def accept(
        self, folder: str, name: str | None, parts: Sequence[str] | None, likelihood: float | None
    ) -> dict[str, Any]:
        """Take machine labels over where nobody has said anything yet.

        Parameters
        ----------
        folder : str
            The folder.
        name : str or None
            One image; None: all of the folder.
        parts : sequence of str or None
            Body parts; None: all.
        likelihood : float or None
            Only machine labels that are at least so likely.

        Returns
        -------
        dict
            ``accepted``, how many; ``changes``, a list of folder, name, parts and version.
        """
        with self._lock:
            self._folder(folder)
            self._refresh_folder(folder)
            labels, machine = self._writable(folder), self.machine[folder]
            if name is not None and name not in labels.images:
                raise UnknownError(f"{folder} has no image {name}")
            changes = {}
            for image in labels.images if name is None else [name]:
                chosen = self._acceptable(labels.of(image), machine.of(image), parts, likelihood)
                if chosen:
                    changes[image] = Change(chosen, dict.fromkeys(chosen, machine.network))
            if changes:
                labels.apply(changes)
                self._tell(folder, list(changes))
            told = [
                {"folder": folder, "name": image, "parts": list(change.points), "version": labels.of(image).version}
                for image, change in changes.items()
            ]
            return {"accepted": sum(len(change.points) for change in changes.values()), "changes": told}

    def questions(self) -> list[Question]:
        """List what a person must decide, such as whose labels lie beside the images."""
        return find_questions(self)

    def answer(self, question: str, answer: str) -> None:
        """Do what a person has decided.

        Raises
        ------
        UnknownError
            When there is no such question, or no such answer.
        """
        with self._lock:
            if self.why_not_writable and answer != "ignore":
                raise RefusedError(self.why_not_writable)
            asked = next((asked for asked in self.questions() if asked.id == question), None)
            if asked is None or answer not in dict(asked.choices):
                raise UnknownError(f"nobody asked {question!r} with the answer {answer!r}")
            settle(self, question, answer)
            self._load()
        self.events.publish("project", {})

    def image(self, folder: str, name: str) -> tuple[str, bytes]:
        """Return hash and png of an image, and prepare those that a person will want next."""
        with self._lock:
            labels = self._folder(folder)
            if name not in labels.images:
                raise UnknownError(f"{folder} has no image {name}")
            path = labels.path(name)
        found = self.images.png(path)
        self._prepare(labels, name)
        return found

    def neighbour(self, folder: str, name: str, offset: int) -> bytes:
        """Return the png of the video's frame `offset` frames after an image's."""
        with self._lock:
            labels, videos = self._folder(folder), self.videos
            if name not in labels.images:
                raise UnknownError(f"{folder} has no image {name}")
        return videos.neighbour_png(labels.folder, name, offset)

    def video_frame(self, video: str, frame: int) -> bytes:
        """Return the png of a frame of a video of the project."""
        return self._video(video).frame_png(video, frame)

    def pick(self, video: str, frame: int) -> dict[str, str]:
        """Take a frame of a video into the images to label; return folder and name of the image."""
        if self.why_not_writable:
            raise RefusedError(self.why_not_writable)
        folder, name = self._video(video).pick(video, frame)
        with self._lock:
            self._load_folders()
        self.events.publish("project", {})
        return {"folder": folder, "name": name}

    def refresh(self) -> None:
        """Take in what others have changed on disk, and tell it."""
        with self._lock:
            could_write = self.why_not_writable is None
            if not could_write and self._writer.try_again():
                self._load()
                self.events.publish("project", {})
            if signature(self.layout.root / "myconfig.py") != self._settings_signature:
                self._read_settings()
            if self._load_folders():
                self.events.publish("project", {})
            for folder in list(self.folders):
                self._refresh_folder(folder)
                self._refresh_machine(folder)

    def probe_videos(self) -> None:
        """Find out how many frames the videos have; takes a while."""
        for name in list(self.videos.paths):
            if name not in self.video_facts:
                self.video_facts[name] = self.videos.facts(name)
                self.events.publish("project", {})

    def _load(self) -> None:
        """Read everything anew."""
        self.videos = Videos(self.layout, self.settings)
        self.video_facts: dict[str, dict[str, Any]] = {}
        self._table = TableRows(self.layout, self.settings, self.scorer)
        self.folders: dict[str, FolderLabels] = {}
        self.others: dict[str, dict[str, FolderLabels]] = {}
        self.machine: dict[str, MachineLabels] = {}
        self._machine_signatures: dict[str, object] = {}
        self.machine_problems: dict[str, str] = {}
        self._load_folders()

    def _load_folders(self) -> bool:
        """Read the folders that are new, forget those that are gone; tell whether there were any."""
        found = {folder.name: folder for folder in image_folders(self.data_folder)}
        gone = set(self.folders) - set(found)
        for name in gone:
            del self.folders[name], self.others[name], self.machine[name], self._machine_signatures[name]
        new = [name for name in found if name not in self.folders]
        for name in new:
            self.folders[name] = self._open_folder(found[name], self.scorer, writable=self.why_not_writable is None)
            others = [scorer for scorer in self.settings.Scorers if scorer != self.scorer]
            self.others[name] = {scorer: self._open_folder(found[name], scorer, writable=False) for scorer in others}
            self._refresh_machine(name)
        self.folders = {name: self.folders[name] for name in found}
        return bool(gone or new)

    def _open_folder(self, folder: Path, scorer: str, *, writable: bool) -> FolderLabels:
        """Read one scorer's labels of a folder."""
        table = self._table if scorer == self.scorer else TableRows(self.layout, self.settings, scorer)
        return FolderLabels(folder, self.settings, scorer, table.of, writable=writable)

    def _read_settings(self) -> None:
        """Read settings that have changed; where they have a problem, the old ones stay in force."""
        self._settings_signature = signature(self.layout.root / "myconfig.py")
        try:
            settings = load_settings(self.layout.root)
            if settings.Task != self.settings.Task or self.scorer not in settings.Scorers:
                raise ToolboxError(
                    f"{self.layout.root / 'myconfig.py'} is about Task = {settings.Task!r} and Scorers = "
                    f"{list(settings.Scorers)} now: end LabelFrames.py and start it again"
                )
            self._trouble = None
            if settings != self.settings:
                self.settings = settings
                self._load()
        except ToolboxError as error:
            self._trouble = f"the settings before the last change are still used: {error}"
        self.events.publish("project", {})

    @property
    def trouble(self) -> str | None:
        """Why changed settings are not used yet, if so."""
        return self._trouble

    @property
    def has_locks(self) -> bool:
        """Whether the system keeps other processes from writing."""
        return self._writer.has_locks

    def _refresh_folder(self, folder: str) -> None:
        """Take in what others have changed in a folder, and tell it."""
        labels = self.folders[folder]
        problem, images = labels.problem, labels.images
        changed = labels.refresh()
        for other in self.others[folder].values():
            changed = changed | other.refresh()
        if labels.problem != problem or labels.images != images or len(changed) > len(images) / 2:
            self.events.publish("project", {})
        self._tell(folder, [image for image in labels.images if image in changed])

    def _refresh_machine(self, folder: str) -> None:
        """Read machine labels that are new, and tell it."""
        labels = self.folders[folder]
        now = machine_signature(labels.folder), tuple(labels.images), self.settings.bodyparts
        if self._machine_signatures.get(folder) == now:
            return
        is_first = folder not in self._machine_signatures
        self._machine_signatures[folder] = now
        self.machine_problems.pop(folder, None)
        try:
            self.machine[folder] = read_machine_labels(labels.folder, labels.images, self.settings.bodyparts)
        except ToolboxError as error:
            self.machine[folder], self.machine_problems[folder] = MachineLabels(), str(error)
        if not is_first:
            self._tell(folder, labels.images)
            self.events.publish("project", {})

    def _tell(self, folder: str, images: Sequence[str]) -> None:
        """Tell that labels of images have changed."""
        for image in images:
            data = {"folder": folder, "name": image, "version": self.folders[folder].of(image).version}
            self.events.publish("labels", data)

    def _folder(self, folder: str) -> FolderLabels:
        """Return the labels of a folder."""
        if folder not in self.folders:
            raise UnknownError(f"there is no folder {folder}")
        return self.folders[folder]

    def _writable(self, folder: str) -> FolderLabels:
        """Return the labels of a folder that can be written."""
        labels = self._folder(folder)
        if self.why_not_writable or labels.problem:
            raise RefusedError(self.why_not_writable or labels.problem)
        return labels

    def _video(self, name: str) -> Videos:
        """Return the videos, among which there is one of this name."""
        if name not in self.videos.paths:
            raise UnknownError(f"the project has no video {name}")
        return self.videos

    def _prepare(self, labels: FolderLabels, name: str) -> None:
        """Encode the images around one."""
        place = labels.images.index(name)
        around = [place + step for step in _AHEAD if 0 <= place + step < len(labels.images)]
        self.images.prepare([labels.path(labels.images[other]) for other in around])

    def _points(self, sent: Mapping[str, Any]) -> dict[str, Value]:
        """Check the points that were sent."""
        points = sent.get("points", {})
        if not isinstance(points, dict):
            raise WrongInputError("points must name body parts and places")
        unknown = [part for part in points if part not in self.settings.bodyparts]
        if unknown:
            raise WrongInputError(f"{', '.join(unknown)} is none of bodyparts in myconfig.py: reload the page")
        return {part: _checked(part, value) for part, value in points.items()}

    def _accepted(self, folder: str, name: str, points: Mapping[str, Value], parts: object) -> dict[str, str | None]:
        """Return those parts that are machine labels indeed, and whose."""
        if not isinstance(parts, list) or any(part not in points for part in parts):
            raise WrongInputError("accepted must list parts that are among points")
        machine = self.machine[folder]
        return {part: machine.network for part in parts if machine.of(name).get(part, ())[:2] == points[part]}

    def _acceptable(
        self,
        labels: ImageLabels,
        machine: Mapping[str, tuple[float, float, float | None]],
        parts: Sequence[str] | None,
        likelihood: float | None,
    ) -> dict[str, Value]:
        """Return the machine labels of an image that are taken over."""
        if labels.left_out:
            return {}
        least = -math.inf if likelihood is None else likelihood
        return {
            part: (x, y)
            for part, (x, y, certain) in machine.items()
            if labels.points.get(part, "") is None
            and (parts is None or part in parts)
            and (likelihood is None or (certain is not None and certain >= least))
        }

    def _placed(self, labels: FolderLabels, images: Sequence[str]) -> list[dict[str, tuple[float, float]]]:
        """Return the labels of those images that have any and are not left out."""
        found = [labels.of(image) for image in images]
        return [of_image.placed for of_image in found if of_image.placed and not of_image.left_out]

    def _state(self, folder: str, name: str) -> dict[str, Any]:
        """Return what the page shows of an image's labels."""
        labels = self.folders[folder]
        found, facts = labels.of(name), self.images.facts(labels.path(name))
        place, parts = labels.images.index(name), self.settings.bodyparts
        before = self._placed(labels, labels.images[:place][-_NEAR_IMAGES:])
        after = self._placed(labels, labels.images[place + 1 :][:_NEAR_IMAGES])
        size = facts.width, facts.height
        doubts = find_doubts(found.placed, size, self.settings.invisibleboundary, [*before, *after], parts)
        others = {
            scorer: of_scorer.of(name).placed
            for scorer, of_scorer in self.others[folder].items()
            if name in of_scorer.images and of_scorer.of(name).placed
        }
        return {
            "folder": folder,
            "name": name,
            "version": found.version,
            "image": {"hash": facts.hash, "width": facts.width, "height": facts.height},
            "state": found.state,
            "points": found.points,
            "accepted": list(found.accepted),
            "machine": dict(self.machine[folder].of(name)),
            "others": others,
            "previous": before[-1] if before else None,
            "warnings": [{"part": doubt.part, "text": doubt.text} for doubt in doubts],
            "conflicts": {
                part: {"yours": conflict.yours, "theirs": conflict.theirs}
                for part, conflict in found.notes.conflicts.items()
                if part in parts
            },
            "saved_at": found.notes.saved_at,
        }


def _checked(part: str, value: object) -> Value:
    """Return a point that was sent; raise WrongInputError when it is none."""
    if value is None or value == NOT_VISIBLE:
        return NOT_VISIBLE if value else None
    is_pair = isinstance(value, list) and len(value) == 2
    if is_pair and all(type(number) in (int, float) and abs(number) <= _FARTHEST_PX for number in value):
        x, y = map(float, value)
        return x, y
    raise WrongInputError(f"{part} must be [x, y] in pixels, {NOT_VISIBLE!r} or null, not {value!r:.80}")
