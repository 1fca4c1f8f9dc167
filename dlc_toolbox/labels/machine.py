"""What a network found in images to label: no labels until a person accepts them.

``<folder>/machine-labels/<part>.csv`` in Fiji's form, with all digits, ``likelihoods.csv`` with one column a part and
one row an image by name, and ``network.json``, which tells whose they are. Step 2 reads none of them.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dlc_common.files import replacing_folder
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.clicks import EMPTY, ClickTable
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project.layout import machine_labels

LIKELIHOODS, NETWORK = "likelihoods.csv", "network.json"


@dataclass(frozen=True)
class MachineLabels:
    """What a network found in the images of a folder.

    Parameters
    ----------
    points : mapping of str to mapping of str to (float, float, float or None)
        By image and body part: x, y in pixels, and likelihood where it is known.
    ranks : mapping of str to float
        By image: how much it is worth to be labeled next.
    network : str, optional
        Its name.
    """

    points: Mapping[str, Mapping[str, tuple[float, float, float | None]]] = field(default_factory=dict)
    ranks: Mapping[str, float] = field(default_factory=dict)
    network: str | None = None

    def of(self, image: str) -> Mapping[str, tuple[float, float, float | None]]:
        """Return what was found in an image, by body part."""
        return self.points.get(image, {})


def write_machine_labels(
    folder: Path,
    images: Sequence[str],
    bodyparts: Sequence[str],
    points: np.ndarray,
    likelihoods: np.ndarray,
    network: str,
    ranks: Mapping[str, float] | None = None,
) -> None:
    """Write what a network found in the images of a folder.

    Earlier machine labels there, and pictures of them, are replaced as a whole.

    Parameters
    ----------
    folder : Path
        Folder of images.
    images : sequence of str
        Names of all N images there, in numeric order.
    bodyparts : sequence of str
        K names.
    points : ndarray of shape (N, K, 2)
        x, y in pixels; NaN: no machine label.
    likelihoods : ndarray of shape (N, K)
        Between 0 and 1; NaN: unknown. May be there without a label.
    network : str
        Whose they are.
    ranks : mapping of str to float, optional
        How much each image is worth to be labeled next; default by the likelihoods.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    slices = dict(enumerate(images, 1))
    with replacing_folder(machine_labels(folder)) as home:
        for part, of_part in zip(bodyparts, np.moveaxis(np.asarray(points, float), 1, 0), strict=True):
            placed = {place: [(x, y)] for place, (x, y) in enumerate(of_part.tolist(), 1) if math.isfinite(x + y)}
            table = ClickTable(EMPTY.encode(), machine_labels(folder) / f"{part}.csv").edited(placed, slices)
            (home / f"{part}.csv").write_bytes(table.data)
        _write_likelihoods(home / LIKELIHOODS, images, bodyparts, likelihoods)
        made = {"network": network, "ranks": dict(ranks or {})}
        (home / NETWORK).write_text(json.dumps(made, ensure_ascii=False) + "\n", encoding="utf-8")


def read_machine_labels(folder: Path, images: Sequence[str], bodyparts: Sequence[str]) -> MachineLabels:
    """Read the machine labels of a folder.

    Images go by name, so that one that was added or deleted since moves no label to its neighbour.

    Parameters
    ----------
    folder : Path
        Folder of images.
    images : sequence of str
        Names of the images there, in numeric order.
    bodyparts : sequence of str
        Which are wanted; not all need be there.

    Returns
    -------
    MachineLabels
        Empty where there are none.

    Raises
    ------
    UsersError
        When a file is damaged or counts images that are not there.
    """
    home = machine_labels(folder)
    likelihoods, present = _read_likelihoods(home / LIKELIHOODS), set(images)
    points: dict[str, dict[str, tuple[float, float, float | None]]] = {}
    for part in bodyparts:
        path = home / f"{part}.csv"
        if not path.is_file():
            continue
        clicks = read_clicks(path)
        for x, y, slice, label in zip(clicks["x"], clicks["y"], clicks["slice"], clicks["label"], strict=True):
            if not label and slice > len(images):
                raise ToolboxError(f"{path}: Slice is {slice}, but {folder} has {len(images)} images")
            image = label or images[slice - 1]
            if image in present and math.isfinite(x + y):
                points.setdefault(image, {})[part] = (x, y, likelihoods.get(image, {}).get(part))
    network, ranks = _read_network(home / NETWORK)
    doubts = {image: 1 - sum(found.values()) / len(found) for image, found in likelihoods.items() if found}
    return MachineLabels(points, {**doubts, **ranks}, network)


def machine_files(folder: Path) -> list[Path]:
    """List the files that change when machine labels are written anew."""
    home = machine_labels(folder)
    return [home, home / LIKELIHOODS, home / NETWORK]


def _write_likelihoods(path: Path, images: Sequence[str], bodyparts: Sequence[str], likelihoods: np.ndarray) -> None:
    """Write one row for each image; what is unknown is blank."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", *bodyparts])
        for image, row in zip(images, np.asarray(likelihoods, float).tolist(), strict=True):
            writer.writerow([image, *("" if math.isnan(value) else repr(value) for value in row)])


def _read_likelihoods(path: Path) -> dict[str, dict[str, float]]:
    """Return likelihoods by image and body part; none when there is no such file."""
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        return {
            row[0]: {part: float(cell) for part, cell in zip(header[1:], row[1:], strict=True) if cell} for row in rows
        }
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise ToolboxError(f"{path} is no table of likelihoods ({error}); delete it or make it again") from error


def _read_network(path: Path) -> tuple[str | None, dict[str, float]]:
    """Return name of the network and ranks of the images; nothing when nobody wrote them down."""
    if not path.is_file():
        return None, {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        ranks = {str(image): float(rank) for image, rank in found.get("ranks", {}).items()}
        return str(found["network"]), ranks
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ToolboxError(f"{path} does not tell whose the machine labels are ({error}); delete it") from error
