"""Labels that a network elsewhere found become machine labels here, which no step takes for labels of people."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common.culprits import in_short
from dlc_common.files import replacing_folder
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.places import new_places
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.frames.recorded import read_frames
from dlc_toolbox.labels.machine import write_machine_labels
from dlc_toolbox.labels.slices import slices_of
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import image_folders, machine_labels, video_stem
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, scorer_of

log = logging.getLogger(__name__)

_NETWORK = re.compile(r"\Z|DLC|DeepCut|\.")  # how a name goes on behind the video's
_FRAME = re.compile(r"img(?:[0-9]+_frame)?([0-9]+)\.\w+\Z")


def on_images(found: Found, data_folder: Path) -> Found:
    """Return the poses of a video's frames that are images here, as labels of these images.

    Parameters
    ----------
    found : Found
        Poses of frames.
    data_folder : Path
        Holds the folders of images; ``frames.json`` in each tells the video, the frames and the crop.

    Returns
    -------
    Found
        Rows are ``<folder>/<image>``, places those of the image.

    Raises
    ------
    ToolboxError
        When no image here is a frame of this video.
    """
    rows, places, likelihoods, images = list[str](), list[np.ndarray](), list[np.ndarray](), dict[str, Path]()
    at = {int(frame): place for place, frame in enumerate(found.table.index)}
    values, sure = found.values, found.likelihoods
    assert sure is not None
    for folder, record in _folders_of(data_folder, found.frames_of):
        for image, frame in _frames(folder, record):
            if frame in at:
                rows.append(f"{folder.name}/{image}")
                places.append(values[at[frame]] - _corner(record, image))
                likelihoods.append(sure[at[frame]])
                images[rows[-1]] = folder / image
    if not rows:
        raise ToolboxError(
            f"{found.source} holds poses, but {data_folder} has no image that is known to be a frame of their video; "
            "the name of the file must be the video's, alone or with DLC or DeepCut behind it, and Step 1, or an "
            "import that found the video, must have brought the images"
        )
    table = make_table(scorer_of(found.table), bodyparts_of(found.table), rows, np.array(places))
    return replace(found, table=table, images=images, likelihoods=np.array(likelihoods), frames_of="")


def _folders_of(data_folder: Path, stem: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return the folders of images whose video the name of a table begins with, the longest such name, and records."""
    known = list[tuple[str, Path, dict[str, Any]]]()
    for folder in image_folders(data_folder) if data_folder.is_dir() else []:
        record = read_frames(folder)
        if isinstance(video := record.get("video"), str) and _is_of(stem, name := video_stem(Path(video))):
            known.append((name, folder, record))
    longest = max((name for name, _, _ in known), key=len, default="")
    return [(folder, record) for name, folder, record in known if name == longest]


def _is_of(stem: str, video: str) -> bool:
    """Tell whether a table is named as a video is, and then at most as networks are: not that of mouse10 for mouse1."""
    return stem.startswith(video) and _NETWORK.match(stem, len(video)) is not None


def _frames(folder: Path, record: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the images of a folder that are frames of its video, with their numbers."""
    named = ((path.name, _FRAME.match(path.name)) for path in sorted(folder.iterdir()) if path.is_file())
    frames = [(name, int(found[1])) for name, found in named if found]
    listed = record.get("frames")
    return [(name, frame) for name, frame in frames if not isinstance(listed, list) or frame in listed]


def _corner(record: Mapping[str, Any], image: str) -> tuple[int, int]:
    """Return x and y in the video's frame of an image's first pixel."""
    picked = record.get("images")
    own = picked.get(image) if isinstance(picked, dict) else None
    crop = own.get("crop") if isinstance(own, dict) else record.get("settings", {}).get("crop")
    return (int(crop[0]), int(crop[2])) if isinstance(crop, list) and len(crop) == 4 else (0, 0)


def import_machine_labels(found: Found, data_folder: Path, settings: Settings, *, dry_run: bool = False) -> list[Path]:
    """Write labels of a network as machine labels of images; images that are not here yet are copied.

    Parameters
    ----------
    found : Found
        All of it usable, with likelihoods.
    data_folder : Path
        Gets a folder of images for each folder there that is not here yet.
    settings : Settings
        Their body parts count, and their type of image.
    dry_run : bool
        Only tell.

    Returns
    -------
    list of Path
        The folders.

    Raises
    ------
    ToolboxError
        When none of the body parts is one here, or the system refuses to write.
    """
    parts = [part for part in settings.bodyparts if part in bodyparts_of(found.table)]
    if not parts:
        raise ToolboxError(
            f"{found.source} has the body parts {', '.join(bodyparts_of(found.table))}, but bodyparts in myconfig.py "
            "names none of them"
        )
    strangers = [part for part in bodyparts_of(found.table) if part not in parts]
    if strangers:
        log.warning("%s: left out, not among bodyparts in myconfig.py: %s", found.source, in_short(strangers))
    placed = found.renamed(new_places(found, data_folder))
    folders = []
    for name, rows in placed.folders().items():
        folder, own = data_folder / name, placed.only(rows)
        count = np.isfinite(points(own.table, parts)).all(axis=2).sum()
        replaced = ", in place of those that are there" if machine_labels(folder).is_dir() else ""
        log.info("%s: %d machine labels in %d images%s", folder, count, len(rows), replaced)
        folders.append(folder)
        if not dry_run:
            _write(own, folder, parts, settings.imagetype)
    return folders


def _write(own: Found, folder: Path, parts: Sequence[str], imagetype: str) -> None:
    """Copy the images of a folder that is not there yet, and write their machine labels."""
    if not folder.exists():
        with replacing_folder(folder) as temporary:
            for row, path in own.images.items():
                shutil.copyfile(path, temporary / folder_and_image(row)[1])
    images = [path.name for path in slices_of(folder, imagetype, sorted(folder.glob("*.csv"))).images]
    places, sure = np.full((len(images), len(parts), 2), np.nan), np.full((len(images), len(parts)), np.nan)
    columns = [bodyparts_of(own.table).index(part) for part in parts]
    values, likelihoods = points(own.table, parts), own.likelihoods
    assert likelihoods is not None
    for place, row in enumerate(own.images):
        image = folder_and_image(row)[1]
        if image in images:
            places[images.index(image)] = values[place]
            sure[images.index(image)] = likelihoods[place, columns]
    write_machine_labels(folder, images, parts, places, sure, scorer_of(own.table))
