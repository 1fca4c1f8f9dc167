"""Poses under the names, and with the metadata, that DeepLabCut 2 looks for."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers.poses import Poses
from dlc_toolbox.project.layout import deeplabcut_files
from dlc_toolbox.project.long_tables import write_long_table
from dlc_toolbox.project.tables import make_table


def deeplabcut_scorer(poses: Poses) -> str:
    """Return the network's name as DeepLabCut 2 builds it: 'DLC_' in the place of v1's 'DeepCut_'."""
    return f"DLC{poses.scorer.removeprefix('DeepCut')}"


def files(poses: Poses, folder: Path) -> list[Path]:
    """Name table and metadata, which carry the name of DeepLabCut's network."""
    return deeplabcut_files(folder, poses.video, deeplabcut_scorer(poses), poses.filtered is not None)


def check(poses: Poses, folder: Path) -> None:
    """Raise ToolboxError where DeepLabCut would find other tables than these under the same name."""
    if (folder / poses.table.name).exists():
        raise ToolboxError(
            f"{folder} holds {poses.table.name} and its companions, which DeepLabCut would also take for poses: name "
            "another folder with --into, or none"
        )


def write(poses: Poses, files: Sequence[Path]) -> None:
    """Write the table in DeepLabCut's name, and the metadata without which its functions refuse the table.

    Parameters
    ----------
    poses : Poses
        Errors do not go along: the format has no place for them.
    files : sequence of Path
        As `files` names them.

    Raises
    ------
    UsersError
        When a table is damaged, or the system refuses to write.
    """
    table, metadata = files
    write_long_table(_renamed(poses), table, csv=False)
    with replacing(metadata) as temporary:
        temporary.write_bytes(pickle.dumps({"data": _metadata(poses)}, protocol=4))


def _renamed(poses: Poses) -> Iterator[pd.DataFrame]:
    """Yield the rows under the other name."""
    for piece in poses.pieces():
        index = np.arange(piece.first, piece.first + len(piece.poses))
        yield make_table(deeplabcut_scorer(poses), poses.bodyparts, index, piece.poses)


def _metadata(poses: Poses) -> dict[str, Any]:
    """Return what DeepLabCut 2's analysis writes down, plain values all; places are always those of the full frame.

    DeepLabCut adds the corner of the crop to places of a cropped video, hence no crop here.
    """
    record = poses.record
    width, height = int(record["width"]), int(record["height"])
    return {
        "Scorer": deeplabcut_scorer(poses),
        "DLC-model-config file": {
            "net_type": record["settings"].get("net_type"),
            "all_joints_names": list(poses.bodyparts),
        },
        "fps": record["fps"],
        "fps_is_assumed": poses.clock.fps is None,
        "frame_dimensions": (height, width),
        "nframes": poses.frames,
        "cropping": False,
        "cropping_parameters": [0, width, 0, height],
    }
