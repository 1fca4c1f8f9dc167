"""What a folder that holds a model made from a snapshot says about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepercut.config import PoseConfig
from deepercut.weights.snapshots import Snapshot
from dlc_common.versions import versions

DESCRIPTION = "model.json"
"""Name of the description in a model's folder."""

OPENVINO_FILE = "model.xml"
"""Name of a model for OpenVINO there."""


def fingerprint(config: PoseConfig, arrays: Mapping[str, np.ndarray]) -> str:
    """Compute a hash of all that decides which poses a network finds.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.

    Returns
    -------
    str
        SHA-256 of the weights, the mean pixel, the unit of the location refinement, and the lack of padding.
    """
    unpadded = () if config.pads() else ("unpadded",)
    digest = hashlib.sha256(repr((config.mean_pixel, config.locref_stdev, *unpadded)).encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def describe(config: PoseConfig, snapshot: Snapshot) -> dict[str, Any]:
    """Gather what a user of a model must know.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    snapshot : Snapshot
        What the model is made from.

    Returns
    -------
    dict
        Ready for json: origin, body parts in the order of the poses, padding, versions.
    """
    return {
        "snapshot": snapshot.path.name,
        "iteration": snapshot.iteration,
        "net_type": config.net_type,
        "bodyparts": list(config.all_joints_names),
        "padding": 16 if config.pads() else "none",
        "versions": versions(),
    }


def describe_function(num_joints: int) -> dict[str, Any]:
    """Describe what a model takes and gives, where it is a function.

    Parameters
    ----------
    num_joints : int
        Number of body parts K.

    Returns
    -------
    dict
        Ready for json: input and output.
    """
    frames = {"name": "frames", "type": "uint8", "shape": ["batch", "height", "width", 3]}
    poses = {"name": "poses", "type": "float32", "shape": ["batch", num_joints, 3]}
    return {
        "input": {**frames, "meaning": "RGB; any number of frames, of any one size"},
        "output": {
            **poses,
            "meaning": "x and y in pixels of the frame, (0, 0) is the centre of the top left one; likelihood 0..1",
        },
    }


def read_description(folder: Path) -> dict[str, Any]:
    """Read the description of a model; it is empty when there is none that can be read.

    Parameters
    ----------
    folder : Path
        Of the model.

    Returns
    -------
    dict
        What `write_description` wrote.
    """
    try:
        content = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_description(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the description of a model into its folder, as json.

    Parameters
    ----------
    folder : Path
        As `files.replacing_folder` gives it.
    content : mapping
        Plain values.
    """
    (folder / DESCRIPTION).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
