"""Check labels by eye (Step 3): pictures of all labeled images, and a page that shows them with their counts."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.images import image_size, natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.images import WAY_OUT
from dlc_toolbox.labels.labels import read_label_table, why_labels_stale
from dlc_toolbox.labels.missing import find_missing, group_missing, missing_in_words, not_visible
from dlc_toolbox.labels.plausible import name_labels, of_other_size, outside_image, warn_of_other_sizes
from dlc_toolbox.labels.provenance import read_notes
from dlc_toolbox.pictures import drawing, pages
from dlc_toolbox.pictures.drawing import Look
from dlc_toolbox.pictures.pictures import draw_pictures, folder_and_image, look_of, picture_name, raise_problems
from dlc_toolbox.project.layout import Layout, contact_sheet, labeled_folder, thumbnail
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points

log = logging.getLogger(__name__)


def check_labels(layout: Layout, settings: Settings, *, overwrite: bool = False) -> list[Path]:
    """Draw the labels of all scorers into their images, so that people see whether they are right (Step 3).

    Labels outside their image, the counts of labels per body part, and which are missing go to the log.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Of that project; one marker shape per entry of `Scorers`.
    overwrite : bool
        Whether to draw again what is current.

    Returns
    -------
    list of Path
        The folders of pictures.

    Raises
    ------
    ToolboxError
        When a label table is missing, older than its csv files or of other body parts, or there is no label at all;
        after all else is drawn, also when images are missing or damaged.
    """
    rows, labels = _read_labels(layout, settings)
    look = look_of(settings, list(zip(itertools.cycle(drawing.PLOT_MARKERS), settings.Scorers, strict=False)))
    data, page = layout.data_folder(settings.Task), layout.labels_page(settings.Task)
    sizes = np.array([_size(data / row) for row in rows])
    _report_outside(rows, labels, settings, sizes)
    missing = _report_missing(rows, labels, layout, settings)
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(folder_and_image(row)[0], []).append(i)
    drawn, problems, sections = [], [], []
    for folder, places in members.items():
        images = {picture_name(folder_and_image(rows[i])[1]): data / rows[i] for i in places}
        warn_of_other_sizes(labels[places], sizes[places], [rows[i] for i in places], data / folder)
        target = labeled_folder(data / folder)
        drawn.append(target)
        problems += draw_pictures(target, images, labels[places], look, thumbnails=True, overwrite=overwrite)
        pictures = [target / name for name in images]
        sections.append(
            {"name": folder, **_section(pictures, labels[places], missing[places], sizes[places], look, page)}
        )
    parts = list(zip(look.bodyparts, look.styles, strict=True))
    pages.write_page(page, "labels.html", task=settings.Task, parts=parts, scorers=look.layers, folders=sections)
    gone = not all((data / row).is_file() for row in rows)
    raise_problems(problems, f". Where images do not exist, {WAY_OUT}" if gone else "")
    return drawn


def _read_labels(layout: Layout, settings: Settings) -> tuple[list[str], np.ndarray]:
    """Return the images with any label, and the labels (N, scorers, K, 2) in the settings' order of body parts."""
    tables = {scorer: _label_table(layout, settings, scorer) for scorer in settings.Scorers}
    rows = sorted({str(row) for table in tables.values() for row in table.index}, key=natural_key)
    labels = np.stack([points(table.reindex(rows), settings.bodyparts) for table in tables.values()], axis=1)
    labeled = np.isfinite(labels).all(axis=-1)
    for scorer, found in zip(tables, np.moveaxis(labeled, 1, 0), strict=True):
        counts = pd.DataFrame({"labeled": found.sum(axis=0), "unlabeled": (~found).sum(axis=0)}, settings.bodyparts)
        log.info("Labels of %s in %d images:\n%s", scorer, len(rows), counts.to_string())
    shown = labeled.any(axis=(1, 2))
    if not shown.any():
        raise ToolboxError(
            f"no body part is labeled in {layout.data_folder(settings.Task)}: label first, then run Step 2"
        )
    return [row for row, keep in zip(rows, shown, strict=True) if keep], labels[shown]


def _label_table(layout: Layout, settings: Settings, scorer: str) -> pd.DataFrame:
    """Read the label table of one scorer and compare its body parts with the settings."""
    path = layout.label_table(settings.Task, scorer)
    if not path.is_file():
        raise ToolboxError(layout.no_label_table(settings.Task, scorer))
    changed = why_labels_stale(layout, settings, scorer)
    if changed:
        raise ToolboxError(f"{path} is older than what it was made from ({changed}): run Step 2 again, then this step")
    table = read_label_table(path)
    if set(bodyparts_of(table)) != set(settings.bodyparts):
        raise ToolboxError(
            f"{path} has the body parts {', '.join(bodyparts_of(table))}, but myconfig.py has "
            f"{', '.join(settings.bodyparts)}: correct bodyparts, or run Step 2 again"
        )
    return table


def _section(
    pictures: Sequence[Path], labels: np.ndarray, missing: np.ndarray, sizes: np.ndarray, look: Look, page: Path
) -> dict[str, Any]:
    """Return what the page of labels shows of one folder: its counts of labels, (N, scorers, K, 2), and pictures.

    `missing`, (N, scorers, K), tells which are missing of those that are expected.
    """
    labeled = np.isfinite(labels).all(axis=-1)
    shown = [
        {
            "name": picture.name,
            "link": pages.link(picture, page),
            "thumbnail": pages.link(thumbnail(picture), page),
            "width": int(width),
            "height": int(height),
            "is_other_size": bool(is_other),
            "missing": int(gaps.sum()),
            "missing_parts": [part for part, gap in zip(look.bodyparts, gaps.any(axis=0), strict=True) if gap],
        }
        for picture, (width, height), is_other, gaps in zip(pictures, sizes, of_other_size(sizes), missing, strict=True)
        if picture.is_file()
    ]
    counts = zip(labeled.sum(axis=0).T.tolist(), missing.sum(axis=0).T.tolist(), strict=True)
    return {
        "images": len(pictures),
        "labeled": labeled.sum(),
        "expected": labeled.sum() + missing.sum(),
        "counts": [
            (part, list(zip(*of_part, strict=True)))
            for part, of_part in zip(zip(look.bodyparts, look.styles, strict=True), counts, strict=True)
        ],
        "gaps": _gaps(pictures, missing, look, page),
        "sheet": pages.link(contact_sheet(pictures[0].parent), page),
        "pictures": shown,
    }


def _gaps(pictures: Sequence[Path], missing: np.ndarray, look: Look, page: Path) -> list[dict[str, Any]]:
    """Return the images of one folder in which the same labels of a scorer are missing, (N, scorers, K), by groups."""
    return [
        {
            "scorer": scorer,
            "parts": group.parts,
            "images": [
                (pictures[image].name, pages.link(pictures[image], page) if pictures[image].is_file() else None)
                for image in group.images
            ],
        }
        for (_, scorer), of_scorer in zip(look.layers, np.moveaxis(missing, 1, 0), strict=True)
        for group in group_missing(of_scorer, look.bodyparts)
    ]


def _report_missing(rows: Sequence[str], labels: np.ndarray, layout: Layout, settings: Settings) -> np.ndarray:
    """Log which labels, of (N, scorers, K, 2), are missing, and return that, (N, scorers, K)."""
    missing = np.zeros(labels.shape[:3], dtype=bool)
    for place, scorer in enumerate(settings.Scorers):
        labeled = np.isfinite(labels[:, place]).all(axis=-1)
        hidden = not_visible(read_notes(layout, settings, scorer), rows, settings.bodyparts) & ~labeled
        missing[:, place] = find_missing(labeled, hidden)
        began = labeled.any(axis=1)
        hidden, gaps = hidden[began], missing[began, place]
        named = [row for row, is_labeled in zip(rows, began, strict=True) if is_labeled]
        log.info("%s: %s", scorer, missing_in_words(gaps, hidden, named, settings.bodyparts))
    return missing


def _report_outside(rows: Sequence[str], labels: np.ndarray, settings: Settings, sizes: np.ndarray) -> None:
    """Name the labels, (N, scorers, K, 2), that lie outside their image, of which `sizes` has width and height."""
    for scorer, of_scorer in zip(settings.Scorers, np.moveaxis(labels, 1, 0), strict=True):
        outside = outside_image(of_scorer, sizes)
        if outside.any():
            named = name_labels(outside, of_scorer, rows, settings.bodyparts)
            log.warning("%d labels of %s lie outside their image: %s", outside.sum(), scorer, named)


def _size(path: Path) -> tuple[float, float]:
    """Return width and height of an image; infinite where it cannot be read, which drawing it will tell."""
    try:
        return image_size(path)
    except UsersError:
        return np.inf, np.inf
