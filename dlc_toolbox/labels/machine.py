"""What a network found in images to label: no labels until a person accepts them.

``<folder>/machine-labels/`` holds ``<part>.csv`` in Fiji's form, with all digits and the images' names,
``likelihoods.csv`` with one column a part and one row an image by name, and ``network.json``, which tells whose they
are. Step 2 reads none of them.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from dlc_common.files import replacing, replacing_folder
from dlc_toolbox.labels.fiji import write_clicks
from dlc_toolbox.project.layout import machine_labels

LIKELIHOODS, NETWORK = "likelihoods.csv", "network.json"


def write_machine_labels(
    folder: Path,
    images: Sequence[str],
    bodyparts: Sequence[str],
    points: np.ndarray,
    likelihoods: np.ndarray,
    network: str,
    ranks: Mapping[str, float] | None = None,
) -> None:
    """Write what a network found in the images of a folder; earlier machine labels there are replaced as a whole.

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
        By image, how much it is worth to be labeled next: the higher, the sooner.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    with replacing_folder(machine_labels(folder)) as home:
        for part, of_part in zip(bodyparts, np.moveaxis(np.asarray(points, float), 1, 0), strict=True):
            write_clicks(home / f"{part}.csv", of_part, range(1, len(images) + 1), images)
        _write_likelihoods(home / LIKELIHOODS, images, bodyparts, likelihoods)
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = {"network": network, "time": time, "ranks": dict(ranks or {})}
        with replacing(home / NETWORK) as temporary:
            temporary.write_text(json.dumps(made, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_likelihoods(path: Path, images: Sequence[str], bodyparts: Sequence[str], likelihoods: np.ndarray) -> None:
    """Write one row for each image; what is unknown is blank."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", *bodyparts])
        for image, row in zip(images, np.asarray(likelihoods, float).tolist(), strict=True):
            writer.writerow([image, *("" if math.isnan(value) else repr(value) for value in row)])
