"""Labels from elsewhere: projects of DeepLabCut 2 and 3, tables of lightning-pose.

Elsewhere is never changed: images are copied. Here labels lie in csv files as Fiji saves them, so that they can be
corrected there, and Step 2 makes the label table of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.images import natural_key
from dlc_common.texts import read_text
from dlc_common.yaml_text import load_yaml
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.corrections import csv_differs
from dlc_toolbox.labels.labels import why_labels_stale
from dlc_toolbox.labels.slices import in_short
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import (
    bodyparts_of,
    make_table,
    points,
    read_table,
    refuse_unnamed_rows,
    scorer_of,
    split_key,
)

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


def read_labels(source: Path) -> Labels:
    """Read labels made elsewhere.

    Parameters
    ----------
    source : Path
        A DeepLabCut 2 or 3 project (its folder or its config.yaml), a folder of lightning-pose with CollectedData.csv,
        or a label table (csv or h5) of either, with the images below its folder.

    Returns
    -------
    Labels
        Rows without any label too. Rows that name no folder get the name of the table's.

    Raises
    ------
    ToolboxError
        When there are no labels, the project has several animals, a table is damaged, or images are missing.
    """
    if source.is_dir():
        tried = [source / "CollectedData.csv", source / "config.yaml"]
        source = next((path for path in tried if path.is_file()), source)
    if source.is_dir():
        raise ToolboxError(f"{source} has neither a config.yaml nor a CollectedData.csv: name the label table itself")
    of_project = source.suffix.lower() in (".yaml", ".yml")
    return _gather(source, _project_tables(source) if of_project else [source])


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
    return _gather(path, [path])


def _project_tables(config_path: Path) -> list[Path]:
    """Return the label tables of a DeepLabCut project, one per folder; h5 where there are both, which must agree."""
    scorer, home = _read_config(config_path)["scorer"], config_path.parent / "labeled-data"
    tables, differ = [], []
    for folder in sorted(path for path in home.glob("*") if path.is_dir()):
        tried = [folder / f"CollectedData_{scorer}{suffix}" for suffix in (".h5", ".csv")]
        found = [path for path in tried if path.is_file()]
        tables += found[:1]
        if len(found) > 1 and (cells := csv_differs(found[0])):
            differ.append(f"{found[0]} and the csv beside it differ: {cells}")
        if not found:
            log.info("%s has no %s or .csv: left out", folder, tried[0].name)
    if differ:
        raise ToolboxError(
            f"{in_short(differ, separator='; ')}. Which is right is not known: move or delete the other (a csv "
            "corrected by hand is newer than its h5)"
        )
    if not tables:
        raise ToolboxError(
            f"{config_path} has scorer {scorer!r}, but no folder in {home} holds a CollectedData_{scorer}.h5 or .csv: "
            "label there first, or correct scorer"
        )
    return tables


def _gather(source: Path, paths: Sequence[Path]) -> Labels:
    """Read label tables and find their images; a row without label and image is left out."""
    tables, images = [], dict[str, Path]()
    for path in paths:
        table = read_table(path)
        refuse_unnamed_rows(table, path)
        file = split_key(path)[0]
        if len(paths) == 1 and (cells := csv_differs(file.with_suffix(".h5"))):
            log.warning("%s is read, but csv and h5 differ: %s", file, cells)
        rows = {_row(row, file): row for row in table.index}
        if len(rows) < len(table) or images.keys() & rows.keys():
            raise ToolboxError(f"{path} names an image twice, once with and once without its folder")
        images |= {row: _image(row, file) for row in rows}
        tables.append(make_table(scorer_of(table), bodyparts_of(table), list(rows), points(table)[..., :2]))
    scorers = sorted({scorer_of(table) for table in tables})
    if len(scorers) > 1:
        raise ToolboxError(f"{source} has tables of the scorers {', '.join(scorers)}: one scorer at a time can be read")
    table = pd.concat(tables)
    _tell_halves(table, source)
    images = _without_gone(table, images, source)
    ordered = sorted(images, key=lambda row: (row.partition("/")[0], natural_key(row)))
    return Labels(source, table.loc[ordered], {row: images[row] for row in ordered})


def _without_gone(table: pd.DataFrame, images: Mapping[str, Path], source: Path) -> dict[str, Path]:
    """Return the images that are there; raise when one with a label is not."""
    labeled = dict(zip(table.index, np.isfinite(points(table)).all(axis=2).any(axis=1), strict=True))
    gone = [row for row, path in images.items() if not path.is_file()]
    missing = [str(images[row]) for row in gone if labeled[row]]
    if missing or not images:
        raise ToolboxError(
            f"{source}: {len(missing)} of {len(images)} labeled images are missing: {', '.join(missing[:3])}"
            f"{' ...' if len(missing) > 3 else ''}"
        )
    if gone:
        log.info("%s: left out, as they have neither label nor image: %s", source, in_short(gone))
    return {row: path for row, path in images.items() if row not in gone}


def _tell_halves(table: pd.DataFrame, source: Path) -> None:
    """Warn of labels with x alone, or y."""
    parts = bodyparts_of(table)
    halves = np.argwhere(np.isfinite(points(table)).sum(axis=2) == 1)
    if len(halves):
        named = in_short([f"{parts[k]} in {table.index[n]}" for n, k in halves])
        log.warning("%s: %d labels have x or y alone and are none: %s", source, len(halves), named)


def _row(row: str, path: Path) -> str:
    """Return ``folder/image`` for a row of a table, whatever stands before it."""
    pieces = row.split("/")[-2:]
    name = "/".join(pieces if len(pieces) > 1 else [path.resolve().parent.name, *pieces])
    folder_and_image(name)
    return name


def _image(row: str, path: Path) -> Path:
    """Return where the image of a row is, as seen from its table; where there is none, in a folder that exists."""
    home, (folder, image) = path.parent, folder_and_image(row)
    tried = [home / "labeled-data" / row, home / row, home.parent / row]
    if folder == home.resolve().name:
        tried += [home / "labeled-data" / image, home / image]
    there = [place for place in tried if place.is_file()] or [place for place in tried if place.parent.is_dir()]
    return [*there, home / row][0]


def _read_config(path: Path) -> dict[str, Any]:
    """Read the config.yaml of a DeepLabCut project with one animal."""
    try:
        config = load_yaml(read_text(path))
    except UsersError:
        raise
    except Exception as error:  # yaml raises many types on damaged values, such as KeyError on `!!bool maybe`
        reason = " ".join(str(error).split())
        raise ToolboxError(f"{path} cannot be read as the config.yaml of a DeepLabCut project: {reason}") from error
    if not isinstance(config, dict) or "scorer" not in config:
        raise ToolboxError(f"{path} has no `scorer: ...`, so it is no config.yaml of a DeepLabCut project")
    if config.get("multianimalproject"):
        raise ToolboxError(
            f"{path} has multianimalproject: true; here every video has one animal, so it cannot be read"
        )
    return config
