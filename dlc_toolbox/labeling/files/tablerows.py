"""Labels that stand in a label table alone: v1's, or imported ones, whose csv files are elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.files.labelfiles import Signature, signature
from dlc_toolbox.labeling.files.merge import Value
from dlc_toolbox.labels.images import refuse_other_images
from dlc_toolbox.labels.labels import read_label_table
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points

log = logging.getLogger(__name__)


class TableRows:
    """The rows of one scorer's label table, by folder; read again when the table has changed.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Body parts.
    scorer : str
        Whose labels.
    """

    def __init__(self, layout: Layout, settings: Settings, scorer: str):
        self._path, self._bodyparts = layout.label_table(settings.Task, scorer), settings.bodyparts
        self._rows: dict[str, dict[str, dict[str, Value]]] = {}
        self._read_as: Signature | None = None

    @property
    def signature(self) -> tuple[Signature | None, Signature | None]:
        """What changes when the table, or what is recorded of its images, is written anew."""
        return signature(self._path), signature(self._path.with_suffix(".json"))

    def of(self, folder: Path) -> Mapping[str, Mapping[str, Value]]:
        """Return a folder's labels by image and body part.

        Raises
        ------
        UsersError
            When the table is damaged, has labels of a part that is none of the settings, which would be lost, or of
            images that have changed.
        """
        now, _ = self.signature
        if now != self._read_as:
            self._rows, self._read_as = self._read() if now else {}, now
        found = self._rows.get(folder.name, {})
        lost = {part for labels in found.values() for part in labels} - set(self._bodyparts)
        if lost:
            raise ToolboxError(
                f"{self._path} has labels of {', '.join(sorted(lost))} in {folder.name}, which is none of bodyparts in "
                "myconfig.py: add it there, or these labels would be lost"
            )
        refuse_other_images(self._path, [f"{folder.name}/{image}" for image in found])
        return found

    def _read(self) -> dict[str, dict[str, dict[str, Value]]]:
        """Read the table."""
        table = read_label_table(self._path)
        parts, values = bodyparts_of(table), points(table)[..., :2]
        found: dict[str, dict[str, dict[str, Value]]] = {}
        for row, of_row in zip(table.index, values, strict=True):
            folder, _, image = row.rpartition("/")
            placed: dict[str, Value] = {
                part: (float(x), float(y)) for part, (x, y) in zip(parts, of_row, strict=True) if np.isfinite(x + y)
            }
            if placed:
                found.setdefault(folder, {})[image] = placed
        return found
