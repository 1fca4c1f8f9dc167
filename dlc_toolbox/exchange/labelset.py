"""Labels of one scorer with their images: what `readers` find elsewhere, and what `exporting` hands over."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.culprits import in_short
from dlc_common.images import natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.images import without_images
from dlc_toolbox.labels.labels import read_label_table, why_labels_stale
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import points

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labels:
    """Labels of one scorer and where their images are.

    Parameters
    ----------
    source : Path
        Where they were found.
    table : DataFrame
        Label table; its N rows are ``<folder>/<image>``, in natural order.
    images : mapping of str to Path
        Image file of each row.
    """

    source: Path
    table: pd.DataFrame
    images: Mapping[str, Path]

    def folders(self) -> dict[str, list[str]]:
        """Return the rows of each folder, in the order of the table."""
        rows: dict[str, list[str]] = {}
        for row in self.images:
            rows.setdefault(folder_and_image(row)[0], []).append(row)
        return rows


def read_own_labels(layout: Layout, settings: Settings) -> Labels:
    """Return the labels of `settings.scorer` in a project of ours.

    Raises
    ------
    ToolboxError
        When there is no label table, it is older than its csv files, or an image of it is missing.
    """
    path = layout.label_table(settings.Task, settings.scorer)
    if not path.is_file():
        raise ToolboxError(layout.no_label_table(settings.Task, settings.scorer))
    changed = why_labels_stale(layout, settings, settings.scorer)
    if changed:
        raise ToolboxError(f"{path} is older than what it was made from ({changed}): run Step 2 again, then this step")
    table = read_label_table(path)
    images = _without_gone(table, {row: path.parent / row for row in table.index}, path)
    ordered = sorted(images, key=lambda row: (row.partition("/")[0], natural_key(row)))
    return Labels(path, table.loc[ordered], {row: images[row] for row in ordered})


def _without_gone(table: pd.DataFrame, images: Mapping[str, Path], source: Path) -> dict[str, Path]:
    """Return the images that are there; raise when one with a label is not."""
    labeled = np.isfinite(points(table)).all(axis=2).any(axis=1)
    if told := without_images(source, table.index[labeled]):
        raise ToolboxError(told)
    gone = [row for row, path in images.items() if not path.is_file()]
    if gone:
        log.info("%s: left out, as they have neither label nor image: %s", source, in_short(gone))
    return {row: path for row, path in images.items() if row not in gone}
