"""Where labels come from: placed by a person, or machine labels that a person accepted as they were.

The labeling page notes it in ``labeling.json`` beside a scorer's csv files. These alone are the labels: without the
notes everything works, and every label counts as placed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc_toolbox.labels.slices import NOTES
from dlc_toolbox.labels.sources import label_home
from dlc_toolbox.project.layout import Layout, image_folders
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)

FILE = NOTES
PLACED, ACCEPTED, NOT_VISIBLE = "placed", "accepted", "not visible"

Point = tuple[float, float]


@dataclass(frozen=True)
class ImageNotes:
    """What was noted of one image.

    Parameters
    ----------
    states : mapping of str to str
        By body part: ``placed``, ``accepted`` or ``not visible``.
    places : mapping of str to (float, float)
        Where a part was placed or accepted, in pixels, as far as that was noted.
    left_out : bool
        Whether a person left the image out.
    """

    states: Mapping[str, str]
    places: Mapping[str, Point]
    left_out: bool = False


def read_notes(layout: Layout, settings: Settings, scorer: str) -> dict[str, ImageNotes]:
    """Read what the labeling page noted of a scorer's labels.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Where the csv files lie.
    scorer : str
        One of `settings.Scorers`.

    Returns
    -------
    dict of str to ImageNotes
        By row of the label table, ``<folder>/<image>``. A damaged file is passed over with a warning.
    """
    found = {}
    for folder in image_folders(layout.data_folder(settings.Task)):
        notes = read_folder_notes(label_home(folder, settings, scorer))
        found.update({f"{folder.name}/{name}": of_image for name, of_image in notes.items()})
    return found


def images_left_out(home: Path) -> list[str]:
    """List the images that a person left out on the labeling page.

    Parameters
    ----------
    home : Path
        Where the csv files of a scorer and a folder of images lie.

    Returns
    -------
    list of str
        Names, sorted; none where the notes are damaged, which is logged.
    """
    return sorted(name for name, notes in read_folder_notes(home).items() if notes.left_out)


def read_folder_notes(home: Path) -> dict[str, ImageNotes]:
    """Read the notes of one folder of images.

    Parameters
    ----------
    home : Path
        Where the csv files of a scorer and the folder lie.

    Returns
    -------
    dict of str to ImageNotes
        By name of the image. A damaged file is passed over with a warning.
    """
    path = home / FILE
    if not path.is_file():
        return {}
    try:
        images = json.loads(path.read_text(encoding="utf-8"))["images"]
        return {name: _image_notes(notes) for name, notes in images.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning(
            "%s cannot be read (%s: %s), so all labels there count as placed by hand, and no image as left out",
            *(path, type(error).__name__, error),
        )
        return {}


def accepted_labels(
    notes: Mapping[str, ImageNotes], rows: Sequence[str], bodyparts: Sequence[str], labels: np.ndarray
) -> np.ndarray:
    """Tell which labels are machine labels that a person accepted and nobody has moved since.

    Parameters
    ----------
    notes : mapping of str to ImageNotes
        As `read_notes` returns them.
    rows : sequence of str
        N rows of a label table, ``<folder>/<image>``.
    bodyparts : sequence of str
        K names.
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where there is no label.

    Returns
    -------
    ndarray of shape (N, K)
        bool.

    Examples
    --------
    >>> notes = {"a/img1.png": ImageNotes({"nose": "accepted", "tail": "accepted"}, {"nose": (1, 2), "tail": (5, 6)})}
    >>> accepted_labels(notes, ["a/img1.png"], ["nose", "tail"], np.array([[[1.0, 2.0], [5.0, 7.0]]])).tolist()
    [[True, False]]
    """
    accepted = np.zeros(labels.shape[:2], dtype=bool)
    for n, row in enumerate(rows):
        if (of_image := notes.get(row)) is None:
            continue
        for k, part in enumerate(bodyparts):
            is_accepted = of_image.states.get(part) == ACCEPTED
            accepted[n, k] = is_accepted and of_image.places.get(part) == tuple(labels[n, k].tolist())
    return accepted


def _image_notes(found: Mapping) -> ImageNotes:
    """Read one image's entry."""
    states, places = {}, {}
    for part, note in found["parts"].items():
        states[part] = str(note["state"])
        if note.get("at") is not None:
            x, y = map(float, note["at"])
            places[part] = x, y
    return ImageNotes(states, places, bool(found.get("left out")))
