"""Which images trained and tested networks of DeepLabCut: from the .mat, never from the pickle beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from dlc_common import UsersError
from dlc_common.training_set import read_training_set
from dlc_toolbox.exchange.readers.found import Found, LeftOut
from dlc_toolbox.project.tables import points, read_table, scorer_of

_SHUFFLE = re.compile(r"(?P<percent>[0-9]+)shuffle(?P<shuffle>[0-9]+)\Z")


def read_splits(project: Path, found: Found) -> tuple[dict[str, Mapping[str, Sequence[str]]], list[LeftOut]]:
    """Read the splits of all training sets of a project.

    The images in a .mat trained; the other labeled ones of the table copy beside it are the test images. Images that
    nobody labeled any more are in neither.

    Parameters
    ----------
    project : Path
        Its folder.
    found : Found
        Its labels.

    Returns
    -------
    splits : dict of str to mapping
        By ``iteration<n>-<percent>shuffle<s>``: rows `train` and `test`.
    left_out : list of LeftOut
        Training sets that cannot be read, or leave one side without images.
    """
    splits, left_out = dict[str, Mapping[str, Sequence[str]]](), list[LeftOut]()
    labeled = found.labeled_rows
    for path in sorted(project.glob("training-datasets/iteration-*/UnaugmentedDataSet_*/*.mat")):
        shuffle = _SHUFFLE.search(path.stem)
        if shuffle is None:
            continue
        iteration = path.parent.parent.name.removeprefix("iteration-")
        name = f"iteration{iteration}-{shuffle['percent']}shuffle{shuffle['shuffle']}"
        try:
            trained = {_row(image.path) for image in read_training_set(path)}
            present = _labeled_then(path.parent, scorer_of(found.table)) or labeled
        except UsersError as error:
            left_out.append(LeftOut(path.name, f"cannot be read: {error}"))
            continue
        train = [row for row in found.images if row in labeled & trained]
        test = [row for row in found.images if row in labeled & present - trained]
        if not train or not test:
            left_out.append(LeftOut(path.name, f"has {len(train)} train and {len(test)} test images that are here"))
        else:
            splits[name] = {"train": train, "test": test}
    return splits, left_out


def _labeled_then(folder: Path, scorer: str) -> set[str]:
    """Return the images that were labeled when training sets were made, of the copy of the table; none without it."""
    for suffix in (".h5", ".csv"):
        if (path := folder / f"CollectedData_{scorer}{suffix}").is_file():
            table = read_table(path, may_repeat=True)
            inside = np.nan_to_num(points(table)[..., :2]) >= 1  # those in the first column or row never train there
            has = inside.all(axis=2).any(axis=1).tolist()
            return {_row(str(row)) for row, labeled in zip(table.index, has, strict=True) if labeled}
    return set()


def _row(path: str) -> str:
    """Return ``folder/image`` of an image's path."""
    return "/".join(PurePosixPath(path.replace("\\", "/")).parts[-2:])
