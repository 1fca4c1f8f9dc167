"""Names inside a train folder: snapshots, their states, the learning curve; and the choice among snapshots."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepercut import DeepercutError
from dlc_common.kinds import wrong_kind

WEIGHTS_SUFFIX = ".weights.h5"
_STATE_SUFFIX = ".state.npz"
HELD_OUT, TRAINED = "held_out", "trained"
"""Names of the held-out images in a state, and of those that trained its network or one that it started from."""

WANTED = "weights of a ResNet"
"""What messages call it."""


@dataclass(frozen=True)
class Snapshot:
    """The weights after some iterations of training.

    Parameters
    ----------
    iteration : int
        Completed updates.
    path : Path
        The file that makes it exist: ``.weights.h5`` (ours) or ``.index`` (TensorFlow 1).
    """

    iteration: int
    path: Path

    def model_folder(self, kind: str) -> Path:
        """Return where a model made from it is stored, of a kind such as ``onnx``."""
        return self.path.parent / "exported-models" / f"{self._stem}-{kind}"

    def answer_file(self, question: str) -> Path:
        """Return where it is stored what was measured about it, such as ``fast``."""
        return self.path.parent / f"{self._stem}-{question}.json"

    @property
    def _stem(self) -> str:
        """Its name without suffixes."""
        return self.path.name.removesuffix(WEIGHTS_SUFFIX).removesuffix(".index")


def snapshot_path(train_folder: Path, iteration: int, prefix: str = "snapshot") -> Path:
    """Return where the weights of an iteration are stored.

    Parameters
    ----------
    train_folder : Path
        Folder of one network's training.
    iteration : int
        Completed updates.
    prefix : str, optional
        First part of the names.

    Returns
    -------
    Path
        ``<train_folder>/<prefix>-<iteration>.weights.h5``.
    """
    return Path(train_folder) / f"{prefix}-{iteration}{WEIGHTS_SUFFIX}"


def state_path(train_folder: Path, iteration: int, prefix: str = "snapshot") -> Path:
    """Return where the state of training at an iteration is stored: what resuming needs beside the weights.

    Parameters
    ----------
    train_folder : Path
        Folder of one network's training.
    iteration : int
        Completed updates.
    prefix : str, optional
        First part of the names.

    Returns
    -------
    Path
        ``<train_folder>/<prefix>-<iteration>.state.npz``.
    """
    return Path(train_folder) / f"{prefix}-{iteration}{_STATE_SUFFIX}"


def statistics_path(train_folder: Path) -> Path:
    """Return where the learning curve of the snapshots in a folder is stored."""
    return Path(train_folder) / "learning_stats.csv"


def list_snapshots(train_folder: Path, prefix: str = "snapshot") -> list[Snapshot]:
    """Find the snapshots of a train folder.

    Parameters
    ----------
    train_folder : Path
        Folder of one network's training; need not exist.
    prefix : str, optional
        First part of the names.

    Returns
    -------
    list of Snapshot
        By iteration; where both kinds exist for one iteration, ours. Half-written files are not among them.
    """
    folder = Path(train_folder)
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    pattern = re.compile(rf"({re.escape(prefix)}-(0|[1-9][0-9]*))({re.escape(WEIGHTS_SUFFIX)}|\.index)")
    found = {}
    for name in sorted(names):  # '.index' sorts before '.weights.h5', which therefore wins
        match = pattern.fullmatch(name)
        if match and (match[3] == WEIGHTS_SUFFIX or f"{match[1]}.data-00000-of-00001" in names):
            found[int(match[2])] = folder / name
    return [Snapshot(iteration, path) for iteration, path in sorted(found.items())]


def select_snapshot(
    train_folder: Path, index: int | str = -1, iteration: int | None = None, prefix: str = "snapshot"
) -> Snapshot:
    """Find one snapshot by its position, its iteration or its error.

    Parameters
    ----------
    train_folder : Path
        Folder of one network's training.
    index : int or 'best', optional
        Position among the snapshots by iteration, as in a list; -1 is the newest. 'best' has the lowest error on
        held-out images (validation_fraction in pose_cfg.yaml) in learning_stats.csv.
    iteration : int, optional
        Completed updates; goes before `index`.
    prefix : str, optional
        First part of the names.

    Returns
    -------
    Snapshot
        The one asked for.

    Raises
    ------
    DeepercutError
        If there is none, or not this one; the message lists those that exist.
    """
    snapshots = list_snapshots(train_folder, prefix)
    if not snapshots:
        for path in sorted(Path(train_folder).glob("*.pt")):
            if other := wrong_kind(path, WANTED):
                raise DeepercutError(other)
        raise DeepercutError(f"{train_folder} holds no snapshot ({prefix}-<iteration>{WEIGHTS_SUFFIX}): train first")
    existing = ", ".join(str(snapshot.iteration) for snapshot in snapshots)
    if iteration is not None:
        for snapshot in snapshots:
            if snapshot.iteration == iteration:
                return snapshot
        raise DeepercutError(f"{train_folder} holds no snapshot of iteration {iteration}; there are: {existing}")
    if isinstance(index, str):  # 'best'
        return _best(snapshots, statistics_path(train_folder))
    if not -len(snapshots) <= index < len(snapshots):
        raise DeepercutError(
            f"snapshot index is {index}, but {train_folder} holds {len(snapshots)}, of iterations {existing}; "
            f"accepted are -1 (the newest) or a position from 0 to {len(snapshots) - 1}"
        )
    return snapshots[index]


def _best(snapshots: Sequence[Snapshot], statistics: Path) -> Snapshot:
    """Return the snapshot with the lowest error on held-out images; of equal ones, the first."""
    errors = read_validation_errors(statistics)
    measured = [snapshot for snapshot in snapshots if snapshot.iteration in errors]
    if not measured:
        raise DeepercutError(
            f"no snapshot is known as the best, because {statistics} tells no error on held-out images at any of them: "
            "train with validation_fraction above 0 in pose_cfg.yaml, or choose by position or iteration"
        )
    return min(measured, key=lambda snapshot: errors[snapshot.iteration])


def read_validation_errors(path: Path) -> dict[int, float]:
    """Read the errors on held-out images.

    Parameters
    ----------
    path : Path
        The csv; need not exist.

    Returns
    -------
    dict of int to float
        Mean error in pixels by iteration, where it was measured.
    """
    errors = {int(row["iteration"]): number_in(row.get("validation_error_px")) for row in read_rows(path)}
    return {iteration: error for iteration, error in errors.items() if np.isfinite(error)}


def read_held_out(train_folder: Path, iteration: int, prefix: str = "snapshot") -> tuple[str, ...]:
    """Read which images of its training set a snapshot was not trained on, because they measured the error.

    Parameters
    ----------
    train_folder, iteration, prefix
        As for `state_path`.

    Returns
    -------
    tuple of str
        ``folder/image``; none where that is not known, as of snapshots without state, or of before it was kept.
    """
    return _read_names(state_path(train_folder, iteration, prefix), HELD_OUT)


def read_trained(weights: Path) -> tuple[str, ...]:
    """Read which images trained the network of a snapshot, or one that it started from.

    Parameters
    ----------
    weights : Path
        Of the snapshot; any other file will do.

    Returns
    -------
    tuple of str
        ``folder/image``; none where that is not known.
    """
    return _read_names(weights.with_name(weights.name.removesuffix(WEIGHTS_SUFFIX) + _STATE_SUFFIX), TRAINED)


def _read_names(state: Path, key: str) -> tuple[str, ...]:
    """Return the images that a state lists under a key; none without state."""
    try:
        with np.load(state, allow_pickle=False) as archive:
            return tuple(archive[key].tolist())
    except Exception:  # zipfile and numpy raise many types on damaged files, which training names
        return ()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows that begin with an iteration, by the names of their columns, also as a spreadsheet saved them."""
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        header = text.partition("\n")[0]
        if mark := next((mark for mark in ";\t" if mark in header), None):  # where commas stand for decimal points
            text = text.replace(",", ".").replace(mark, ",")
        if text.strip() and "iteration" not in header:
            raise csv.Error("it has no column iteration")
        rows = list(csv.DictReader(text.splitlines()))
    except (OSError, csv.Error) as error:
        raise DeepercutError(f"{path} cannot be read: {error}. Move it away; a new one will be begun") from error
    return [row for row in rows if re.fullmatch("[0-9]{1,15}", row.get("iteration") or "")]


def number_in(cell: str | None) -> float:
    """Return what a cell says; NaN where it is empty, was edited, or cut off when a run was killed."""
    try:
        return float(cell or "nan")
    except ValueError:
        return float("nan")
