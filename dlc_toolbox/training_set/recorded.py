"""Which images trained a network and which test it, as Step 4 or v1 wrote it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from dlc_common.training_set import read_training_set
from dlc_common.yaml_text import load_yaml
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import bodyparts_of, points, read_table
from dlc_toolbox.training_set.split import check_split

_ROUNDED_PX = 1.5  # v1 kept whole pixels
_MOST = 0.5  # of a part's labels; later ones may have been corrected


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
        of_split = layout.split_table(experiment)
        if not of_split.is_file():
            raise ToolboxError(
                f"{of_split} does not exist: bring it back, or, if another scorer's labels trained the network in "
                f"{layout.train_folder(experiment)}, set scorer to that name"
            )
        table = read_table(of_split)
        train, test, accepted = _read_documentation(documentation)
    else:
        of_v1 = layout.dataset_images(experiment.task, experiment.date) / _v1_table(experiment)
        if not of_v1.is_file():
            raise ToolboxError(
                f"nothing tells which images trained the network in {layout.train_folder(experiment)}: {documentation} "
                f"is missing. Bring it back with all of {documentation.parent.name}, or train anew, with a free number "
                "in Shuffles"
            )
        table = read_table(of_v1)
        train = [_image_name(image.path) for image in read_training_set(layout.mat_file(experiment))]
        labeled = table.index[table.notna().any(axis=1)]
        test, accepted = [name for name in labeled if name not in set(train)], {}
    mat = layout.mat_file(experiment)
    trained = {_image_name(image.path) for image in read_training_set(mat)} if mat.is_file() else None
    check_split(train, test, table.index, mat, trained)
    return Split(train, test, table, accepted)


def check_names(config_path: Path, names: Sequence[str], mat: Path, table: pd.DataFrame | None = None) -> None:
    """Compare the names in a pose_cfg.yaml with the labels that its numbers stand for in the training set.

    A .mat knows body parts by numbers alone, so names that somebody exchanged in the yaml would go to other parts.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml, for messages.
    names : sequence of str
        Its all_joints_names: by number, what the network's outputs are called.
    mat : Path
        Its training set; where it is missing, nothing is compared.
    table : DataFrame, optional
        The label table of the split; default the one beside the .mat, if there.

    Raises
    ------
    ToolboxError
        When the labels of a number are those of another name.
    """
    beside = mat.with_suffix(".h5")
    if not mat.is_file() or (table is None and not beside.is_file()):
        return
    table = read_table(beside) if table is None else table
    known, places = bodyparts_of(table), points(table)[..., :2]
    rows = {name: number for number, name in enumerate(table.index)}
    apart: dict[int, list[np.ndarray]] = {}
    for image in read_training_set(mat):
        if (row := rows.get(_image_name(image.path))) is not None:
            for number, x, y in image.joints:
                apart.setdefault(int(number), []).append(np.hypot(*(places[row] - (x, y)).T))
    exchanged = []
    for number, found in sorted(apart.items()):
        own = known.index(names[number]) if number < len(names) and names[number] in known else None
        are_same = (np.array(found) <= _ROUNDED_PX).mean(axis=0)
        best = int(np.argmax(are_same))
        if own is not None and are_same[own] < _MOST < are_same[best]:
            exchanged.append(f"{number} is {names[number]!r}, but was labeled as {known[best]!r}")
    if exchanged:
        raise ToolboxError(
            f"{config_path} names other body parts in all_joints_names than its training set {mat.name} numbers: "
            f"{'; '.join(exchanged)}. Put the names back into that order; the labels would go to the wrong parts"
        )


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
