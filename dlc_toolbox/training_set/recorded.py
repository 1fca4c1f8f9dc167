"""Which images trained a network and which test it, as Step 4 or v1 wrote it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from dlc_common.training_set import read_training_set
from dlc_common.yaml_text import load_yaml
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import read_table
from dlc_toolbox.training_set.split import check_split


@dataclass(frozen=True)
class Split:
    """Which labeled images trained a network and which test it.

    Parameters
    ----------
    train, test : list of str
        Image names, as in the table's row index (``folder/image``).
    table : DataFrame
        The labels that belong to the split, which stay when the project's labels change later.
    accepted : mapping of str to list of str
        By image, the body parts whose labels are machine labels that a person accepted as they were.
    """

    train: list[str]
    test: list[str]
    table: pd.DataFrame
    accepted: Mapping[str, Sequence[str]] = field(default_factory=dict)


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
        train, test, accepted = _read_documentation(documentation)
    else:
        table = read_table(layout.dataset_images(experiment.task, experiment.date) / _v1_table(experiment))
        train = [_image_name(image.path) for image in read_training_set(layout.mat_file(experiment))]
        labeled = table.index[table.notna().any(axis=1)]
        test, accepted = [name for name in labeled if name not in set(train)], {}
    mat = layout.mat_file(experiment)
    trained = {_image_name(image.path) for image in read_training_set(mat)} if mat.is_file() else None
    check_split(train, test, table.index, mat, trained)
    return Split(train, test, table, accepted)


def _read_documentation(path: Path) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Read the train and test images of a split, and which of their labels are accepted machine labels."""
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
        train, test = content["train"], content["test"]
        if not all(isinstance(name, str) for name in (*train, *test)):
            raise TypeError("train and test must be lists of image names")
        accepted = {str(name): [str(part) for part in parts] for name, parts in content.get("accepted", {}).items()}
    except Exception as error:  # yaml raises many types on damaged values
        raise ToolboxError(f"{path} cannot be read as the documentation of a split: {error!r}") from error
    return train, test, accepted


def _v1_table(experiment: Experiment) -> str:
    """Name of the table copy that v1 shares between splits."""
    return f"CollectedData_{experiment.scorer}.h5"


def _image_name(path: str) -> str:
    """Return ``folder/image`` of an image path in a .mat file."""
    return "/".join(PurePosixPath(path.replace("\\", "/")).parts[-2:])
