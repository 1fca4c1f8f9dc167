"""Where images from elsewhere are here: those that came before stay where they are."""

from __future__ import annotations

import filecmp
import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from dlc_common.culprits import in_short
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.frames.choosing import folders_of
from dlc_toolbox.labels.clicks import Point
from dlc_toolbox.pictures.pictures import folder_and_image

log = logging.getLogger(__name__)

RECORD = "imported.json"
"""Beside the csv files: the labels as they came, by body part and image, and the images that came."""

Placed = dict[str, Point]  # labels of a body part by the name of the image


def new_places(found: Found, data_folder: Path, home: str = "") -> dict[str, str]:
    """Return names for rows here: images that are here stay where they are, others of such a folder get a new one."""
    places = {name: folders_of(data_folder, name) for name in found.folders()}
    names = dict[str, str]()
    for name, rows in found.folders().items():
        known = {folder: {*files_in(folder), *came(folder, home)} for folder in places[name][:-1]}
        for row in rows:
            image = folder_and_image(row)[1]
            folder = next((folder for folder in known if image in known[folder]), None)
            if folder is not None:
                names[row] = f"{folder.name}/{image}"
    names |= _renamed_there(found, names, data_folder, home)
    for name, rows in found.folders().items():
        *present, free = places[name]
        new = {row: folder_and_image(row)[1] for row in rows if row not in names}
        names |= {row: f"{free.name}/{image}" for row, image in new.items()}
        if new and present:
            told = in_short(list(new.values()))
            log.info("%s is there: new images go to %s, because clicks count positions: %s", name, free, told)
    return names


def _renamed_there(found: Found, names: Mapping[str, str], data_folder: Path, home: str) -> dict[str, str]:
    """Return the names here of rows without one, whose images, byte for byte, came before under other names."""
    taken, before = set(names.values()), defaultdict[int, list[Path]](list)
    for folder in data_folder.iterdir() if data_folder.is_dir() else ():
        for name in sorted(came(folder, home) & files_in(folder)):
            if f"{folder.name}/{name}" not in taken:
                before[(folder / name).stat().st_size].append(folder / name)
    ours = dict[str, str]()
    for row, image in found.images.items():
        if row not in names and image.is_file():
            alike = before[image.stat().st_size]
            same = next((path for path in alike if filecmp.cmp(path, image, shallow=False)), None)
            if same is not None:
                alike.remove(same)
                ours[row] = f"{same.parent.name}/{same.name}"
    if ours:
        told = in_short([f"{name} ({row} there)" for row, name in ours.items()])
        log.info("images that came before under other names keep the names that they have here: %s", told)
    return ours


def came(folder: Path, home: str) -> set[str]:
    """Return the names of the images in a folder that were imported before."""
    return read_record(folder / home / RECORD)[1]


def files_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def read_record(path: Path) -> tuple[dict[str, Placed], set[str]]:
    """Return the labels as they were imported before, and the images; none where they were not, or nobody knows."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        labels = {
            part: {image: (float(x), float(y)) for image, (x, y) in of.items()}
            for part, of in content["labels"].items()
        }
        images = {str(image) for image in content.get("images", [])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, set()
    return labels, images | {image for of_part in labels.values() for image in of_part}
