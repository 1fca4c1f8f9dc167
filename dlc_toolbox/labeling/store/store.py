"""All that the labeling page shows and changes. It knows no HTTP: names, plain values and errors only."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from dlc_toolbox.labeling.errors import RefusedError, StaleError, UnknownError
from dlc_toolbox.labeling.events import Events
from dlc_toolbox.labeling.files.folderlabels import Change, FolderLabels
from dlc_toolbox.labeling.frames.videos import Videos
from dlc_toolbox.labeling.store.contents import Contents
from dlc_toolbox.labeling.store.overview import describe_project
from dlc_toolbox.labeling.store.questions import Question, find_questions, settle
from dlc_toolbox.labeling.store.sent import acceptable, read_change
from dlc_toolbox.labeling.store.state import describe_image
from dlc_toolbox.project.layout import Layout

_AHEAD = (0, 1, 2, 3, -1)  # images that are prepared, counted from the one that is asked for


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
    contents : Contents
        What was read from disk.
    events : Events
        ``labels`` and ``project``, when somebody else changed something.

    Raises
    ------
    UsersError
        When the settings have a problem, the scorer is none of them, or there is nothing to label.
    """

    def __init__(self, layout: Layout, scorer: str | None = None):
        self.contents, self.events = Contents(layout, scorer), Events()
        self._lock = threading.RLock()

    @property
    def why_not_writable(self) -> str | None:
        """Why nothing can be saved, if so."""
        return self.contents.writer.why_not

    def close(self) -> None:
        """Let another process write."""
        self.contents.close()

    def project(self) -> dict[str, Any]:
        """Return all that the page shows before an image is opened, without ``help``."""
        with self._lock:
            return describe_project(self.contents)

    def count_images(self) -> tuple[int, int]:
        """Return how many images have a label that Step 2 would read, and how many have an open body part."""
        with self._lock:
            found = [labels.of(image) for labels in self.contents.folders.values() for image in labels.images]
        labeled = sum(bool(of.placed) and not (of.left_out or of.notes.begun) for of in found)
        return labeled, sum(of.state in ("open", "begun") for of in found)

    def check_place(self, image: str, part: str | None) -> None:
        """Raise UnknownError unless there is such an image, ``<folder>/<name>``, and the body part, if one is named."""
        folder, _, name = image.partition("/")
        with self._lock:
            self.contents.with_image(folder, name)
            bodyparts = self.contents.settings.bodyparts
        if part is not None and part not in bodyparts:
            raise UnknownError(f"{part} is none of the body parts in myconfig.py: {', '.join(bodyparts)}")

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
            self._refresh_folder(folder)
            self._prepare(self.contents.with_image(folder, name), name)
            return describe_image(self.contents, folder, name)

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
            labels, machine = self.contents.writable(folder), self.contents.machine[folder]
            change = read_change(sent, self.contents.settings.bodyparts, machine.of(name), machine.network)
            if sent.get("version") != state["version"]:
                raise StaleError(state)
            labels.apply({name: change})
            self._tell(folder, [name])
            return describe_image(self.contents, folder, name)

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
            self._refresh_folder(folder)
            labels, machine = self.contents.writable(folder), self.contents.machine[folder]
            if name is not None:
                self.contents.with_image(folder, name)
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
        return find_questions(self.contents)

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
            settle(self.contents, question, answer)
            self.contents.load()
        self.events.publish("project", {})

    def image(self, folder: str, name: str) -> tuple[str, bytes]:
        """Return hash and png of an image, and prepare those that a person will want next."""
        with self._lock:
            labels = self.contents.with_image(folder, name)
        found = self.contents.images.png(labels.path(name))
        self._prepare(labels, name)
        return found

    def neighbour(self, folder: str, name: str, offset: int) -> bytes:
        """Return the png of the video's frame `offset` frames after an image's."""
        with self._lock:
            labels, videos = self.contents.with_image(folder, name), self.contents.videos
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
            self.contents.load_folders()
            self._refresh_folder(folder)  # one that was there before has one image more
        self.events.publish("project", {})
        return {"folder": folder, "name": name}

    def refresh(self) -> None:
        """Take in what others have changed on disk, and tell it."""
        contents = self.contents
        with self._lock:
            is_new_writer = self.why_not_writable is not None and contents.writer.try_again()
            if is_new_writer:
                contents.load()
            if contents.refresh_settings() | contents.load_folders() or is_new_writer:
                self.events.publish("project", {})
            for folder in list(contents.folders):
                self._refresh_folder(folder)
                self._refresh_machine(folder)
            exchanged = contents.images.exchanged()
            for folder, labels in contents.folders.items():
                self._tell(folder, [path.name for path in exchanged if path in labels.paths])

    def probe_videos(self) -> None:
        """Find out how many frames the videos have; takes a while."""
        contents = self.contents
        for name in list(contents.videos.paths):
            if name not in contents.video_facts:
                contents.video_facts[name] = contents.videos.facts(name)
                self.events.publish("project", {})

    def _refresh_folder(self, folder: str) -> None:
        """Take in what others have changed in a folder, and tell it."""
        changed, is_other = self.contents.refresh_folder(folder)
        if is_other:
            self.events.publish("project", {})
        self._tell(folder, changed)

    def _refresh_machine(self, folder: str) -> None:
        """Read machine labels that are new, and tell it."""
        if self.contents.refresh_machine(folder):
            self._tell(folder, self.contents.folders[folder].images)
            self.events.publish("project", {})

    def _tell(self, folder: str, images: Sequence[str]) -> None:
        """Tell that images, or their labels, have changed."""
        for image in images:
            data = {"folder": folder, "name": image, "version": self.contents.folders[folder].of(image).version}
            self.events.publish("labels", data)

    def _video(self, name: str) -> Videos:
        """Return the videos, among which there is one of this name."""
        if name not in self.contents.videos.paths:
            raise UnknownError(f"the project has no video {name}")
        return self.contents.videos

    def _prepare(self, labels: FolderLabels, name: str) -> None:
        """Encode the images around one."""
        place = labels.images.index(name)
        around = [place + step for step in _AHEAD if 0 <= place + step < len(labels.images)]
        self.contents.images.prepare([labels.path(labels.images[other]) for other in around])
