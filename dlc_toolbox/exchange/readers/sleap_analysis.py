"""Analysis files of SLEAP (.h5): poses of one animal in the frames of a video."""

from __future__ import annotations

import json
from pathlib import Path, PureWindowsPath

import h5py
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import Found, skeleton_setting
from dlc_toolbox.exchange.readers.source import Source, rows_of, texts_of
from dlc_toolbox.project.layout import video_stem
from dlc_toolbox.project.tables import make_table

KIND = "an analysis file of SLEAP"

_NETWORK = "SLEAP"
_AXES = ("track", "xy", "node", "frame")  # as SLEAP itself writes them, where nothing tells


def is_analysis(source: Source) -> bool:
    """Tell an HDF5 file with what every analysis file has."""
    return {"tracks", "node_names", "track_occupancy"} <= source.groups


def read_analysis(source: Source) -> Found:
    """Read the poses of the one animal that the file has.

    Raises
    ------
    ToolboxError
        When it has several, or none, or the file is damaged.
    """
    with source.hdf5(KIND) as file:
        tracks = _in_order(file, "tracks", _AXES)
        scores = _in_order(file, "point_scores", ("track", "node", "frame")) if "point_scores" in file else None
        parts = texts_of(rows_of(file, "node_names"))
        edges = rows_of(file, "edge_inds").tolist() if "edge_inds" in file else []
        video = texts_of(file["video_path"][()])[0] if "video_path" in file else ""
    if len(set(parts)) != len(parts) or len(parts) != tracks.shape[2]:
        raise ToolboxError(f"{source.path} is damaged: it names {', '.join(parts)} for {tracks.shape[2]} body parts")
    used = np.isfinite(tracks).any(axis=(1, 2, 3))
    if used.sum() != 1:
        raise ToolboxError(f"{source.path} has {used.sum()} animals with poses; here every video has one")
    places = np.moveaxis(tracks[used][0], (0, 1, 2), (2, 1, 0))
    sure = np.full(places.shape[:2], np.nan) if scores is None else scores[used][0].T
    known = set(range(len(parts)))
    stem = video_stem(Path(PureWindowsPath(video).name)) if video else source.path.stem
    return Found(
        source.path,
        make_table(_NETWORK, parts, range(len(places)), places),
        {},
        kind=KIND,
        likelihoods=np.where(np.isfinite(places).all(axis=2), sure, np.nan),
        frames_of=stem,
        settings=skeleton_setting([(parts[int(a)], parts[int(b)]) for a, b in edges if {a, b} <= known], parts),
    )


def _in_order(file: h5py.File, name: str, axes: tuple[str, ...]) -> np.ndarray:
    """Read a dataset with its axes in this order; the file may tell of another one."""
    values = rows_of(file, name)
    told = json.loads(texts_of(file[name].attrs["dims"])[0]) if "dims" in file[name].attrs else axes
    found = [next((place for place, each in enumerate(told) if str(each).startswith(axis)), None) for axis in axes]
    if values.ndim != len(axes) or None in found:
        raise ToolboxError(f"{file.filename} has {name!r} with the axes {list(told)}, not {', '.join(axes)}")
    return np.transpose(np.asarray(values, float), [place for place in found if place is not None])
