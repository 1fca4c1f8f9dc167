"""The file of a training set (.mat)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

from dlc_common import UsersError
from dlc_common.files import replacing
from dlc_common.kinds import MATLAB, wrong_kind

_FIELDS = ("image", "size", "joints")


@dataclass(frozen=True)
class LabeledImage:
    """One entry of a training set.

    Parameters
    ----------
    path : str
        Path of the image, relative to the train folder, with forward slashes.
    size : (int, int)
        Height and width in pixels.
    joints : ndarray of shape (M, 3)
        float64: 0-based number of the body part, x, y (pixels), for the M parts with a label.
    """

    path: str
    size: tuple[int, int]
    joints: np.ndarray


def read_training_set(path: Path) -> list[LabeledImage]:
    """Read a training .mat file, of ours or of v1.

    Parameters
    ----------
    path : Path
        The .mat file.

    Returns
    -------
    list of LabeledImage
        In the file's order; joints that are not finite are left out.

    Raises
    ------
    UsersError
        When the file is missing, damaged, or holds no `dataset` of images, sizes and joints.
    """
    if not path.is_file():
        raise UsersError(f"{path} does not exist: run Step 4, or correct `dataset` in pose_cfg.yaml")
    try:
        entries = scipy.io.loadmat(path, variable_names=["dataset"])["dataset"].ravel()
        if not len(entries) or not set(_FIELDS) <= set(entries.dtype.names or ()):
            raise KeyError("image, size and joints")
        return [_labeled_image(entry) for entry in entries]
    except Exception as error:  # scipy raises many types on damaged files
        other = wrong_kind(path, "a training set made by Step 4", MATLAB)
        raise UsersError(other or f"{path} is no training set made by Step 4: {error}") from error


def _labeled_image(entry: np.void) -> LabeledImage:
    """Check one element of the struct array."""
    path = "/".join(str(part).strip() for part in np.ravel(entry["image"]))
    _, height, width = (int(number) for number in entry["size"].ravel())
    joints = np.asarray(entry["joints"].ravel()[0], dtype=float) if entry["joints"].size else np.empty((0, 3))
    joints = joints.reshape(-1, 3)
    return LabeledImage(path, (height, width), joints[np.isfinite(joints).all(axis=1)])


def write_training_set(path: Path, images: Sequence[LabeledImage]) -> None:
    """Write a training .mat file in the form that v1's reader takes.

    Parameters
    ----------
    path : Path
        The .mat file.
    images : sequence of LabeledImage
        What trains; joints keep their sub-pixel places.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    dataset = np.array([[_mat_entry(image) for image in images]], dtype=[(key, object) for key in _FIELDS])
    with replacing(path) as temporary:
        # Compressed, it has a checksum; scipy crashes on some damage that it cannot see.
        scipy.io.savemat(temporary, {"dataset": dataset}, do_compression=True)


def _mat_entry(image: LabeledImage) -> tuple[str, np.ndarray, np.ndarray]:
    """Return image, size [channels, height, width] and joints [part, x, y]."""
    joints = np.empty((1, 1), dtype=object)
    joints[0, 0] = image.joints
    return image.path, np.array([[3, *image.size]]), joints
