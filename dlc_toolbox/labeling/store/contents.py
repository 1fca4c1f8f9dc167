"""What stands in a project for one who labels: settings, images, labels of people and machines, videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.errors import RefusedError, UnknownError
from dlc_toolbox.labeling.files.folderlabels import FolderLabels
from dlc_toolbox.labeling.files.labelfiles import signature
from dlc_toolbox.labeling.files.tablerows import TableRows
from dlc_toolbox.labeling.files.writer import Writer
from dlc_toolbox.labeling.frames.images import ImageStore
from dlc_toolbox.labeling.frames.videos import Videos
from dlc_toolbox.labels.machine import MachineLabels, machine_files, read_machine_labels
from dlc_toolbox.project.layout import Layout, image_folders
from dlc_toolbox.project.settings import load_settings


class Contents:
    """All that is read from disk, as it was at the last look; one thread at a time.

    Parameters
    ----------
    layout : Layout
        The project.
    scorer : str, optional
        Who labels, one of `Scorers`; default `scorer` of the settings.

    Attributes
    ----------
    settings : Settings
        The newest that have no problem.
    trouble : str or None
        Why changed settings are not used yet.
    folders, others : dict
        Labels of each folder: the scorer's, and those of each other one.
    machine, machine_problems : dict
        Machine labels of each folder, and why some cannot be read.
    videos, video_facts : Videos, dict
        The videos behind the images, and what is known of them.
    ignored : set of str
        Questions put off for this visit.

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
            raise ToolboxError(f"{self.scorer} is none of Scorers in {self._settings_file}: {known}")
        if not self.data_folder.is_dir():
            raise ToolboxError(layout.no_data(self.settings.Task))
        self.images, self.writer = ImageStore(), Writer(self.data_folder, self.scorer)
        self.trouble: str | None = None
        self.ignored: set[str] = set()
        self._settings_signature = signature(self._settings_file)
        self.load()

    @property
    def data_folder(self) -> Path:
        """Folder with one sub-folder per video."""
        return self.layout.data_folder(self.settings.Task)

    @property
    def _settings_file(self) -> Path:
        return self.layout.root / "myconfig.py"

    def close(self) -> None:
        """Let another process write."""
        self.images.close()
        self.writer.close()

    def folder(self, name: str) -> FolderLabels:
        """Return the labels of a folder; raise UnknownError where there is none."""
        if name not in self.folders:
            raise UnknownError(f"there is no folder {name}")
        return self.folders[name]

    def writable(self, name: str) -> FolderLabels:
        """Return the labels of a folder; raise RefusedError where they cannot be written."""
        labels = self.folder(name)
        if self.writer.why_not or labels.problem:
            raise RefusedError(self.writer.why_not or labels.problem)
        return labels

    def with_image(self, name: str, image: str) -> FolderLabels:
        """Return the labels of a folder; raise UnknownError where it has no such image."""
        labels = self.folder(name)
        if labels.problem and not labels.images:
            raise RefusedError(labels.problem)
        if image not in labels.images:
            raise UnknownError(f"{name} has no image {image}")
        return labels

    def load(self) -> None:
        """Read everything anew."""
        self.videos = Videos(self.layout, self.settings)
        self.video_facts: dict[str, dict[str, Any]] = {}
        self._table = TableRows(self.layout, self.settings, self.scorer)
        self.folders: dict[str, FolderLabels] = {}
        self.others: dict[str, dict[str, FolderLabels]] = {}
        self.machine: dict[str, MachineLabels] = {}
        self._machine_signatures: dict[str, object] = {}
        self.machine_problems: dict[str, str] = {}
        self.load_folders()

    def load_folders(self) -> bool:
        """Read the folders that are new, forget those that are gone; tell whether there were any."""
        found = {folder.name: folder for folder in image_folders(self.data_folder)}
        gone = set(self.folders) - set(found)
        for name in gone:
            del self.folders[name], self.others[name], self.machine[name], self._machine_signatures[name]
        new = [name for name in found if name not in self.folders]
        for name in new:
            self.folders[name] = self._open_folder(found[name], self.scorer, writable=self.writer.why_not is None)
            others = [scorer for scorer in self.settings.Scorers if scorer != self.scorer]
            self.others[name] = {scorer: self._open_folder(found[name], scorer, writable=False) for scorer in others}
            self.refresh_machine(name)
        self.folders = {name: self.folders[name] for name in found}
        return bool(gone or new)

    def _open_folder(self, folder: Path, scorer: str, *, writable: bool) -> FolderLabels:
        """Read one scorer's labels of a folder."""
        table = self._table if scorer == self.scorer else TableRows(self.layout, self.settings, scorer)
        return FolderLabels(folder, self.settings, scorer, table, writable=writable)

    def refresh_settings(self) -> bool:
        """Read settings that have changed, and everything with them; tell whether they have.

        Where they have a problem, the old ones stay in force, and `trouble` says why.
        """
        now = signature(self._settings_file)
        if now == self._settings_signature:
            return False
        self._settings_signature = now
        try:
            settings = load_settings(self.layout.root)
            if settings.Task != self.settings.Task or self.scorer not in settings.Scorers:
                raise ToolboxError(
                    f"{self._settings_file} is about Task = {settings.Task!r} and Scorers = "
                    f"{list(settings.Scorers)} now: end LabelFrames.py and start it again"
                )
            self.trouble = None
            if settings != self.settings:
                self.settings = settings
                self.load()
        except UsersError as error:
            self.trouble = f"the settings before the last change are still used: {error}"
        return True

    def refresh_folder(self, name: str) -> tuple[list[str], bool]:
        """Take in what others have changed in a folder; return the images, and whether the page must ask for all."""
        labels = self.folder(name)
        problem, images = labels.problem, labels.images
        changed = labels.refresh()
        for other in self.others[name].values():
            changed = changed | other.refresh()
        disputed = any(labels.notes.of(image).conflicts for image in changed)
        is_other = labels.problem != problem or labels.images != images or len(changed) > len(images) / 2 or disputed
        return [image for image in labels.images if image in changed], is_other

    def refresh_machine(self, name: str) -> bool:
        """Read machine labels that are new; tell whether there were others before."""
        labels = self.folders[name]
        now = tuple(map(signature, machine_files(labels.folder))), tuple(labels.images), self.settings.bodyparts
        before = self._machine_signatures.get(name)
        if before == now:
            return False
        self._machine_signatures[name] = now
        self.machine_problems.pop(name, None)
        try:
            self.machine[name] = read_machine_labels(labels.folder, labels.images, self.settings.bodyparts)
        except UsersError as error:
            self.machine[name], self.machine_problems[name] = MachineLabels(), str(error)
        return before is not None
