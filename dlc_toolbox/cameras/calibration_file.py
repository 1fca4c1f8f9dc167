"""Calibrated cameras as a file, in the form of Anipose: `calibration.toml`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.geometry import Camera

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_COEFFICIENTS = 5  # of OpenCV's distortion that are known here
_TOLD = ("size", "matrix", "distortions", "rotation", "translation")
_AGAIN = "correct it, or make it again, with Calibrate.py"


def write_cameras(cameras: Sequence[Camera], path: Path, error_px: float) -> None:
    """Write cameras, for this project, Anipose and whatever reads its files.

    Parameters
    ----------
    cameras : sequence of Camera
        All in one world.
    path : Path
        The .toml file.
    error_px : float
        Of the reprojection, as Anipose notes it.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    digits = len(str(len(cameras) - 1))
    lines = []
    for number, camera in enumerate(cameras):
        lines += [
            f"[cam_{number:0{digits}}]",
            f"name = {json.dumps(camera.name, ensure_ascii=False)}",
            *(f"{key} = {json.dumps(value)}" for key, value in _plain(camera).items()),
            "",
        ]
    lines += ["[metadata]", "adjusted = false", f"error = {float(error_px)!r}", ""]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _plain(camera: Camera) -> dict[str, list]:
    """Return the numbers of a camera under the names of Anipose."""
    return {
        "size": list(camera.size),
        "matrix": camera.matrix.tolist(),
        "distortions": camera.distortion.tolist(),
        "rotation": camera.rotation.tolist(),
        "translation": camera.translation.tolist(),
    }


def read_cameras(path: Path) -> list[Camera]:
    """Read cameras, written here or by Anipose.

    Parameters
    ----------
    path : Path
        The .toml file.

    Returns
    -------
    list of Camera
        In the order of the file.

    Raises
    ------
    ToolboxError
        When it is missing, no such file, or describes a lens in another way.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ToolboxError(f"{path} does not exist: calibrate the cameras first, with Calibrate.py") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ToolboxError(f"{path} cannot be read as a calibration ({error}): {_AGAIN}") from None
    entries = {
        key: entry for key, entry in content.items() if isinstance(entry, dict) and not entry.keys().isdisjoint(_TOLD)
    }
    if len(entries) < 2:
        raise ToolboxError(f"{path} describes {len(entries)} cameras, but points in space need two: {_AGAIN}")
    cameras = [_camera(path, key, entry) for key, entry in entries.items()]
    if twice := [name for name, times in Counter(camera.name for camera in cameras).items() if times > 1]:
        raise ToolboxError(f"{path} describes several cameras by the name {', '.join(twice)}: {_AGAIN}")
    return cameras


def _camera(path: Path, key: str, entry: Mapping[str, Any]) -> Camera:
    """Take one camera from the file."""
    name = str(entry.get("name", key))
    if entry.get("fisheye"):
        raise ToolboxError(f"{path}: camera {name} has a fisheye lens, whose model is not known here: {_AGAIN}")
    try:
        width, height = (int(side) for side in entry["size"])
        matrix, rotation, translation = (
            np.array(entry[name], dtype=float).reshape(shape)
            for name, shape in (("matrix", (3, 3)), ("rotation", 3), ("translation", 3))
        )
        told = np.array(entry["distortions"], dtype=float).ravel()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ToolboxError(f"{path}: camera {name} is not described as Anipose does ({error!r}): {_AGAIN}") from None
    if told[_COEFFICIENTS:].any():
        raise ToolboxError(
            f"{path}: camera {name} has {len(told)} coefficients of distortion; {_COEFFICIENTS} are known "
            f"here: {_AGAIN}"
        )
    if not all(np.isfinite(values).all() for values in (matrix, rotation, translation, told)):
        raise ToolboxError(f"{path}: camera {name} has numbers that are not finite: {_AGAIN}")
    if (np.diag(matrix) <= 0).any() or matrix[2].tolist() != [0, 0, 1]:
        raise ToolboxError(
            f"{path}: camera {name} has a matrix that no camera has (focal lengths above 0, last row 0, 0, 1): {_AGAIN}"
        )
    distortion = np.zeros(_COEFFICIENTS)
    distortion[: len(told)] = told[:_COEFFICIENTS]
    return Camera(name, (width, height), matrix, distortion, rotation, translation)
