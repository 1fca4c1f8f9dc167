"""All that the labeling page shows and changes. It knows no HTTP: names, plain values and errors only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.errors import RefusedError, StaleError, UnknownError
from dlc_toolbox.labeling.events import Events
from dlc_toolbox.labeling.folderlabels import Change, FolderLabels
from dlc_toolbox.labeling.images import ImageStore
from dlc_toolbox.labeling.labelfiles import signature
from dlc_toolbox.labeling.overview import describe_project
from dlc_toolbox.labeling.questions import Question, find_questions, settle
from dlc_toolbox.labeling.sent import acceptable, read_change
from dlc_toolbox.labeling.state import describe_image
from dlc_toolbox.labeling.tablerows import TableRows
from dlc_toolbox.labeling.videos import Videos
from dlc_toolbox.labeling.writer import Writer
from dlc_toolbox.labels.machine import MachineLabels, machine_files, read_machine_labels
from dlc_toolbox.project.layout import Layout, first_step_advice, image_folders
from dlc_toolbox.project.settings import load_settings

log = logging.getLogger(__name__)

_AHEAD = (1, 2, 3, -1)  # images that are prepared, counted from the one shown


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
    UsersError
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

    def count_images(self) -> tuple[int, int]:
        """Return how many images have a label that Step 2 would read, and how many have an open body part."""
        with self._lock:
            found = [labels.of(image) for labels in self.folders.values() for image in labels.images]
        labeled = sum(bool(of.placed) and not (of.left_out or of.notes.begun) for of in found)
        return labeled, sum(of.state in ("open", "begun") for of in found)

    def labels(self, folder: str, name: str) -> dict[str, Any]:
        """Return the state of an image's labels.

        Raises
        ------
        UnknownError
            When there is no such image.
        UsersError
            When the image is damaged.
        """
        with self._lock:
            labels = self._folder(folder)
            self._refresh_folder(folder)
            if name not in labels.images:
                raise UnknownError(f"{folder} has no image {name}")
            self._prepare(labels, name)
            return describe_image(self, folder, name)

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
        UsersError
            When the disk refuses.
        """
        with self._lock:
            state = self.labels(folder, name)
            labels = self._writable(folder)
            change = read_change(
                sent, self.settings.bodyparts, self.machine[folder].of(name), self.machine[folder].network
            )
            if sent.get("version") != state["version"]:
                raise StaleError(state)
            labels.apply({name: change})
            self._tell(folder, [name])
            return describe_image(self, folder, name)

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
                chosen = acceptable(labels.of(image), machine.of(image), parts, likelihood)
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
        self._machine_filess: dict[str, object] = {}
        self.machine_problems: dict[str, str] = {}
        self._load_folders()

    def _load_folders(self) -> bool:
        """Read the folders that are new, forget those that are gone; tell whether there were any."""
        found = {folder.name: folder for folder in image_folders(self.data_folder)}
        gone = set(self.folders) - set(found)
        for name in gone:
            del self.folders[name], self.others[name], self.machine[name], self._machine_filess[name]
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
        except UsersError as error:
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
        now = tuple(map(signature, machine_files(labels.folder))), tuple(labels.images), self.settings.bodyparts
        if self._machine_filess.get(folder) == now:
            return
        is_first = folder not in self._machine_filess
        self._machine_filess[folder] = now
        self.machine_problems.pop(folder, None)
        try:
            self.machine[folder] = read_machine_labels(labels.folder, labels.images, self.settings.bodyparts)
        except UsersError as error:
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
