"""The images of one folder, in the order in which clicks count them, and whether they are still the same."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.files.labelfiles import Signature, signature
from dlc_toolbox.labeling.files.notes import Notes
from dlc_toolbox.labels.slices import IN_ITS_PLACE, slices_of

log = logging.getLogger(__name__)

_MOVED = (
    "{folder}: images were added to or deleted from it since it was labeled ({new} stands where {old} stood), but the "
    f"csv files count positions. No label is lost: put the images back ({IN_ITS_PLACE}); new ones belong into a folder "
    "of their own"
)
_GONE = (
    "{folder} lacks images that were labeled: {images}. Their labels wait in labeling.json, as they are not finished "
    f"or left out. No label is lost: give renamed images their old names, or put them back ({IN_ITS_PLACE})"
)


class FolderImages:
    """The images of one folder.

    Parameters
    ----------
    folder : Path
        The folder.
    imagetype : str
        Their whole suffix, such as '.png'.

    Attributes
    ----------
    paths : dict of str to Path
        By name, in numeric order, as they were read last.
    """

    def __init__(self, folder: Path, imagetype: str):
        self._folder, self._imagetype = folder, imagetype
        self.paths: dict[str, Path] = {}
        self._listed: Signature | None = None
        self._signatures: list[Signature | None] = []
        self._present: frozenset[str] = frozenset()
        self._told: list[Path] = []

    def read(self, files: Iterable[Path]) -> list[str]:
        """List the names of the images anew, see `slices_of`; images that do not count are told once.

        Parameters
        ----------
        files : iterable of Path
            The csv files of the clicks.

        Raises
        ------
        UsersError
            When their order is uncertain; there is no image then.
        """
        self.paths, self._signatures = {}, []
        self._listed, self._present = signature(self._folder), _names_in(self._folder)
        slices = slices_of(self._folder, self._imagetype, files)
        if slices.others and self._told != slices.others:
            log.warning("%s: not counted among the images to label: %s", self._folder, slices.not_counted())
        self._told = slices.others
        self.paths = {path.name: path for path in slices.images}
        self._signatures = [signature(path) for path in slices.images]
        return list(self.paths)

    def is_replaced(self) -> bool:
        """Tell whether another folder stands in the place of the one that was read."""
        now = signature(self._folder)
        return now is not None and self._listed is not None and now[2] != self._listed[2]

    def are_others(self, files: Iterable[Path]) -> bool:
        """Tell whether images came or went since they were read; also when that cannot be told.

        Parameters
        ----------
        files : iterable of Path
            The csv files of the clicks.
        """
        now = signature(self._folder)
        if now == self._listed:
            return False
        if _names_in(self._folder) == self._present:  # as after each file that is written here
            self._listed = now
            return False
        before = list(self.paths)
        try:
            return self.read(files) != before
        except UsersError:
            return True

    def have_changed(self) -> bool:
        """Tell whether an image is another file than when they were read; no file is opened."""
        return [signature(path) for path in self.paths.values()] != self._signatures

    def refuse_moved(self, notes: Notes, clicked: Collection[str]) -> None:
        """Raise when images were added or deleted before labeled ones, or those are gone whose labels wait.

        Parameters
        ----------
        notes : Notes
            The images when they were labeled, and which labels are in no csv file.
        clicked : collection of str
            Those of now that have clicks at their positions.

        Raises
        ------
        UsersError
            With these images.
        """
        images = list(self.paths)
        for place, (old, new) in enumerate(zip(notes.order, images, strict=False)):
            if old != new and any(image in clicked for image in images[place:]):
                raise ToolboxError(_MOVED.format(folder=self._folder, old=old, new=new))
        gone = [image for image in notes.order if image not in self.paths and notes.of(image).waits]
        if gone:
            raise ToolboxError(_GONE.format(folder=self._folder, images=in_short(gone)))


def _names_in(folder: Path) -> frozenset[str]:
    """Return the names of all that is in a folder; none where it is gone."""
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except OSError:
        return frozenset()
