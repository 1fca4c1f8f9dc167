"""What stays of the snapshots of a training, and from which of them it goes on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from deepercut import DeepercutError
from deepercut.weights.checkpoints import read_weights
from deepercut.weights.snapshots import (
    WEIGHTS_SUFFIX,
    Snapshot,
    list_snapshots,
    read_validation_errors,
    state_path,
    statistics_path,
)
from deepercut.weights.state import forget_memory, read_state

log = logging.getLogger(__name__)

RESUMABLE = 2
"""How many snapshots, the newest, keep what going on exactly needs: of these one may be damaged."""

DAMAGED_SUFFIX = ".damaged"


def tidy(train_folder: Path, prefix: str = "snapshot", most: int | None = None) -> None:
    """Free the space of what no training goes on from any more.

    All but the newest two snapshots lose the optimizer's memory. Their weights stay, unless there are more than `most`.

    Parameters
    ----------
    train_folder : Path
        Folder of one network's training.
    prefix : str, optional
        First part of the names.
    most : int, optional
        How many snapshots are to be left, see `surplus`; default all.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    own = [each for each in list_snapshots(train_folder, prefix) if each.path.name.endswith(WEIGHTS_SUFFIX)]
    iterations = [snapshot.iteration for snapshot in own]
    if most is not None and len(own) > most:
        errors = read_validation_errors(statistics_path(train_folder))
        best = min((each for each in iterations if each in errors), key=lambda each: errors[each], default=None)
        gone = surplus(iterations, most, () if best is None else (best,))
        for snapshot in own:
            if snapshot.iteration in gone:
                snapshot.path.unlink(missing_ok=True)  # first, because it makes the snapshot exist
                state_path(train_folder, snapshot.iteration, prefix).unlink(missing_ok=True)
        if gone:
            names = ", ".join(map(str, gone))
            log.info("Deleted, because max_snapshots is %d: the snapshots of %s", most, names)
    for snapshot in own[:-RESUMABLE]:
        forget_memory(state_path(train_folder, snapshot.iteration, prefix))


def surplus(iterations: Sequence[int], most: int, wanted: Collection[int] = ()) -> list[int]:
    """Choose which snapshots to delete, so that the others are spread over the training.

    Parameters
    ----------
    iterations : sequence of int
        Of the snapshots, rising.
    most : int
        How many may be left, at least 2.
    wanted : collection of int, optional
        These stay, as the newest two do.

    Returns
    -------
    list of int
        Rising: those whose number 2 divides the fewest times, of equals the oldest. So every second one goes, then
        every second of the others.

    Examples
    --------
    >>> surplus([1000, 2000, 3000, 4000, 5000, 6000], most=4)
    [1000, 3000]
    >>> surplus([2000, 4000, 5000, 6000, 7000, 8000], most=4)
    [2000, 5000]
    >>> surplus([2000, 4000, 5000, 6000, 7000, 8000], most=4, wanted=[5000])
    [2000, 6000]
    """
    free = [iteration for iteration in iterations[:-RESUMABLE] if iteration not in wanted]
    free.sort(key=lambda iteration: (iteration & -iteration, iteration))  # the largest power of 2 that divides it
    return sorted(free[: max(len(iterations) - most, 0)])


def newest_sound(snapshots: Sequence[Snapshot], last: int, prefix: str) -> tuple[Snapshot | None, dict[Snapshot, str]]:
    """Find the newest snapshot that a training can go on from.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        By iteration.
    last : int
        Iteration with which the training is complete, so that the weights alone count.
    prefix : str
        First part of the names.

    Returns
    -------
    Snapshot or None
        None where all are damaged.
    dict of Snapshot to str
        Why each later one is not sound.
    """
    damaged = {}
    for snapshot in reversed(snapshots):
        try:
            read_weights(snapshot.path)
            state = state_path(snapshot.path.parent, snapshot.iteration, prefix)
            if snapshot.iteration < last and state.exists():
                read_state(state)
        except DeepercutError as error:
            damaged[snapshot] = str(error)
            continue
        return snapshot, damaged
    return None, damaged


def set_aside(snapshot: Snapshot, prefix: str) -> Path:
    """Rename a damaged snapshot, so that nothing takes it for one.

    Parameters
    ----------
    snapshot : Snapshot
        Its state, where there is one, gets the same ending.
    prefix : str
        First part of the names.

    Returns
    -------
    Path
        The new name of its weights.

    Raises
    ------
    DeepercutError
        When the system refuses.
    """
    state = state_path(snapshot.path.parent, snapshot.iteration, prefix)
    aside = snapshot.path.with_name(snapshot.path.name + DAMAGED_SUFFIX)
    try:
        snapshot.path.replace(aside)  # first, because it makes the snapshot exist
        if state.is_file():
            state.replace(state.with_name(state.name + DAMAGED_SUFFIX))
    except OSError as error:
        raise DeepercutError(
            f"{snapshot.path} is damaged and could not be renamed ({error.strerror}): move it away, or allow writing "
            "to that folder"
        ) from error
    return aside
