"""Training sets: the split of the labeled images, and the files that training and evaluation read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import yaml
from scipy.io import loadmat

from dlc_toolbox import ToolboxError
from dlc_toolbox.layout import Experiment, Layout
from dlc_toolbox.tables import read_table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Which labeled images trained a network and which test it.

    Parameters
    ----------
    train, test : list of str
        Image names, as in the table's row index (``folder/image``).
    table : DataFrame
        The labels that belong to the split, which stay when the project's labels change later.
    """

    train: list[str]
    test: list[str]
    table: pd.DataFrame


@dataclass(frozen=True)
class LabeledImage:
    """One entry of a training .mat file.

    Parameters
    ----------
    path : str
        Path of the image, relative to the train folder.
    size : (int, int)
        Height and width in pixels.
    joints : ndarray of shape (M, 3)
        float64: 0-based number of the body part, x, y (pixels), for the M parts with a label.
    """

    path: str
    size: tuple[int, int]
    joints: np.ndarray


def read_mat(path: Path) -> list[LabeledImage]:
    """Read a training .mat file, of ours or of v1.

    Parameters
    ----------
    path : Path
        The .mat file.

    Returns
    -------
    list of LabeledImage
        In the file's order.

    Raises
    ------
    ToolboxError
        When the file is missing, damaged, or holds no `dataset` of images, sizes and joints.
    """
    if not path.is_file():
        raise ToolboxError(f"{path} does not exist; Step 4 makes it")
    try:
        entries = loadmat(path)["dataset"].ravel()
        return [
            LabeledImage(
                str(entry["image"].item()),
                (int(entry["size"].ravel()[1]), int(entry["size"].ravel()[2])),
                np.asarray(entry["joints"].item(), dtype=np.float64).reshape(-1, 3),
            )
            for entry in entries
        ]
    except Exception as error:  # scipy raises many types on damaged files
        raise ToolboxError(f"{path} cannot be read as a training set: {error!r}") from error


def read_split(layout: Layout, experiment: Experiment) -> Split:
    """Read which images trained a network, and the labels of that moment.

    For a project of v1 the split is recovered from the .mat file: its images are the training images, the other labeled
    ones the test images.

    Parameters
    ----------
    layout : Layout
        The project.
    experiment : Experiment
        As `Layout.locate` returns it.

    Returns
    -------
    Split
        Never made from the project's live label table.

    Raises
    ------
    ToolboxError
        When a file of the split is missing or damaged, or names images that its table lacks.
    """
    documentation = layout.split_documentation(experiment)
    if documentation.is_file():
        table = read_table(layout.split_table(experiment))
        train, test = _read_documentation(documentation)
    else:
        table = read_table(layout.dataset_images(experiment.task, experiment.date) / _v1_table(experiment))
        train = [_image_name(image.path) for image in read_mat(layout.mat_file(experiment))]
        labeled = table.index[table.notna().any(axis=1)]
        test = [name for name in labeled if name not in set(train)]
    unknown = [name for name in (*train, *test) if name not in table.index]
    if unknown:
        raise ToolboxError(f"the split of {experiment.name} names {unknown[0]}, which its label table lacks")
    return Split(train, test, table)


def _read_documentation(path: Path) -> tuple[list[str], list[str]]:
    """Read the train and test images of a split."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        train, test = content["train"], content["test"]
        if not all(isinstance(name, str) for name in (*train, *test)):
            raise TypeError("train and test must be lists of image names")
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise ToolboxError(f"{path} cannot be read as the documentation of a split: {error!r}") from error
    return train, test


def _v1_table(experiment: Experiment) -> str:
    """Name of the table copy that v1 shares between splits."""
    return f"CollectedData_{experiment.scorer}.h5"


def _image_name(path: str) -> str:
    """Return ``folder/image`` of an image path in a .mat file."""
    return "/".join(PurePosixPath(path.replace("\\", "/")).parts[-2:])
