"""Poses as movement's own netCDF file, which xarray opens as one of its data sets.

References
----------
movement, "The movement datasets": dimensions time, space, keypoints and individuals; data variables position and
confidence; attributes ds_type, fps, time_unit and source_software.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dlc_common.files import replacing
from dlc_common.hdf5 import writing_hdf5
from dlc_toolbox import SOFTWARE, __version__
from dlc_toolbox.exchange.writers.datasets import Part, fill, make_dataset
from dlc_toolbox.exchange.writers.poses import LIKELIHOOD, MEANINGS, ORIGIN, TRUSTED, Poses

_INDIVIDUAL = "individual_0"  # as movement names the one animal of a pose table
_DIMENSIONS = ("time", "space", "keypoints", "individuals")
_OF_POSES = ("time", "keypoints", "individuals")


def files(poses: Poses, folder: Path) -> list[Path]:
    """Name the file: that of the pose table with ``.nc``."""
    return [folder / f"{poses.table.stem}.nc"]


def write(poses: Poses, files: Sequence[Path]) -> None:
    """Write position and confidence, and how far off poses may be where that is known.

    Parameters
    ----------
    poses : Poses
        Where nothing tells when frames are shown, time counts frames, as movement does without a rate.
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
    knows_times = poses.clock.fps is not None
    coordinates = {"space": ["x", "y"], "keypoints": list(poses.bodyparts), "individuals": [_INDIVIDUAL]}
    file.attrs.update(_attributes(poses))
    make_dataset(file, "time", [poses.frames], dtype="f8" if knows_times else "i8")
    for name, values in coordinates.items():
        file.create_dataset(name, data=values, dtype=h5py.string_dtype())
    for name in _DIMENSIONS:
        file[name].make_scale(name)
    _make_variable(file, "position", _DIMENSIONS, units="pixels", long_name=f"places of the keypoints; {ORIGIN}")
    _make_variable(file, "confidence", _OF_POSES, long_name=LIKELIHOOD)
    for name in TRUSTED if poses.confidence else ():
        _make_variable(file, name, _OF_POSES, units="pixels", long_name=MEANINGS[name])


def _attributes(poses: Poses) -> dict[str, Any]:
    """Return what movement, and whoever finds the file, must know of it."""
    found = {
        "source_software": SOFTWARE,
        "ds_type": "poses",
        "time_unit": "frames" if poses.clock.fps is None else "seconds",
        "source_file": poses.table.name,
        "comment": f"{poses.source}, written by {SOFTWARE} {__version__}. {poses.remark}".rstrip(),
    }
    rate = poses.clock.even_fps  # movement takes frame / fps for the time
    return found if rate is None else {**found, "fps": rate}


def _make_variable(file: h5py.File, name: str, dimensions: Sequence[str], **attributes: str) -> None:
    """Make a data variable with its dimensions, as netCDF-4 stores them in HDF5."""
    variable = make_dataset(file, name, [len(file[dimension]) for dimension in dimensions])
    variable.attrs.update(attributes)
    for axis, dimension in enumerate(dimensions):
        variable.dims[axis].attach_scale(file[dimension])


def _parts(poses: Poses) -> Iterator[tuple[int, list[Part]]]:
    """Yield the values along time."""
    for piece in poses.pieces():
        count = len(piece.poses)
        times = np.arange(piece.first, piece.first + count) if piece.times_s is None else piece.times_s
        parts = [
            Part("time", times),
            Part("position", piece.poses[..., :2].swapaxes(1, 2)[..., None]),
            Part("confidence", piece.poses[..., 2, None]),
        ]
        if piece.trust is not None:
            parts += [Part(name, piece.trust[..., place, None]) for place, name in enumerate(TRUSTED)]
        yield piece.first, parts
