"""Poses as SLEAP's analysis HDF5, in the order of axes that SLEAP itself writes (as MATLAB reads it).

References
----------
SLEAP, "Analysis HDF5": tracks (track, xy, node, frame), track_occupancy (frame, track), point_scores (track, node,
frame), instance_scores and tracking_scores (track, frame), track_names, node_names, edge_names, edge_inds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dlc_common.files import replacing
from dlc_common.hdf5 import writing_hdf5
from dlc_toolbox import SOFTWARE, __version__
from dlc_toolbox.exchange.writers.datasets import Part, fill, make_dataset
from dlc_toolbox.exchange.writers.poses import Poses
from dlc_toolbox.project.layout import SLEAP_ENDING

_TRACK = "track_0"


def files(poses: Poses, folder: Path) -> list[Path]:
    """Name the file: that of the pose table with ``.analysis.h5``."""
    return [folder / f"{poses.table.stem}{SLEAP_ENDING}"]


def shaping(poses: Poses) -> dict[str, Any]:
    """Return what goes along beyond the poses."""
    return {"skeleton": poses.edges}


def write(poses: Poses, files: Sequence[Path]) -> None:
    """Write one track; its score in a frame is the sum over the points, as SLEAP scores the one animal of a frame.

    Parameters
    ----------
    poses : Poses
        Times and errors do not go along: the format has no place for them.
    files : sequence of Path
        As `files` names them.

    Raises
    ------
    UsersError
        When a table is damaged, or the system refuses to write.
    """
    with replacing(files[0]) as temporary:
        with writing_hdf5(temporary) as file:
            _make(poses, file)
        fill(temporary, _parts(poses))


def _make(poses: Poses, file: h5py.File) -> None:
    """Write all but the values along time."""
    frames, parts = poses.frames, len(poses.bodyparts)
    provenance = {"source": poses.source, "software": f"{SOFTWARE} {__version__}", "fps": poses.clock.even_fps}
    make_dataset(file, "tracks", [1, 2, parts, frames], axis=3)
    make_dataset(file, "point_scores", [1, parts, frames], axis=2)
    make_dataset(file, "instance_scores", [1, frames], axis=1)
    make_dataset(file, "tracking_scores", [1, frames], axis=1)
    make_dataset(file, "track_occupancy", [frames, 1], dtype="u1")
    file["track_names"] = _texts([_TRACK])
    file["node_names"] = _texts(poses.bodyparts)
    file["edge_names"] = _texts([name for edge in poses.edges for name in edge]).reshape(-1, 2)
    file["edge_inds"] = np.array(poses.skeleton, dtype=np.int64).reshape(-1, 2)
    file["labels_path"] = ""
    file["video_path"] = poses.video.as_posix()
    file["video_ind"] = 0
    file["provenance"] = json.dumps(provenance, ensure_ascii=False)


def _texts(names: Sequence[str]) -> np.ndarray:
    """Return texts as SLEAP stores them, as bytes of one length."""
    return np.array([name.encode() for name in names], dtype=np.bytes_ if names else "S1")


def _parts(poses: Poses) -> Iterator[tuple[int, list[Part]]]:
    """Yield the values along time; a frame without any place is not occupied."""
    for piece in poses.pieces():
        places, scores = piece.poses[..., :2], piece.poses[..., 2]
        occupied = np.isfinite(places).all(axis=2).any(axis=1)
        yield (
            piece.first,
            [
                Part("tracks", places.transpose(2, 1, 0)[None], 3),
                Part("point_scores", scores.T[None], 2),
                Part("instance_scores", np.where(occupied, np.nansum(scores, axis=1), np.nan)[None], 1),
                Part("track_occupancy", occupied[:, None]),
            ],
        )
