"""The state of a training beside the weights: the optimizer's memory, seed, held-out share, versions."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from deepercut import DeepercutError
from deepercut.weights.snapshots import HELD_OUT, TRAINED
from dlc_common.files import replacing
from dlc_common.versions import versions

log = logging.getLogger(__name__)

_MEMORY, _EXACT = "optimizer_", "exact_"
"""How the names of the large arrays begin, which only the newest snapshots keep."""
_SUM = "sum_"


def write_state(
    path: Path,
    optimizer: keras.Optimizer,
    seed: int,
    validation_fraction: float,
    held_out: Sequence[str] = (),
    trained: Sequence[str] = (),
    exact: Mapping[str, np.ndarray] | None = None,
    sums: Sequence[np.ndarray] = (),
) -> None:
    """Write what resuming needs beside the weights, and the versions of what made them.

    Order and augmentation of the images follow from seed and iteration alone, so nothing else is random.

    Parameters
    ----------
    path : Path
        As `snapshots.state_path` names it.
    optimizer : keras.Optimizer
        Its memory and the iteration are kept; the learning rate is the configuration's.
    seed : int
        Of the run.
    validation_fraction : float
        Share of the images that it holds out.
    held_out : sequence of str, optional
        These images, as `snapshots.read_held_out` returns them.
    trained : sequence of str, optional
        Images that trained the network, as `snapshots.read_trained` returns them.
    exact : mapping of str to ndarray, optional
        By ``<layer>/<variable>``: weights that the file of weights holds rounded.
    sums : sequence of ndarray, optional
        What the means of the next row of the learning curve are computed from.

    Raises
    ------
    DeepercutError
        When the system refuses to write.
    """
    state: dict[str, Any] = {"seed": seed, "validation_fraction": validation_fraction}
    state |= {HELD_OUT: np.array(held_out, dtype=str), TRAINED: np.array(trained, dtype=str)}
    state["versions"] = json.dumps(versions())
    state |= {f"{_MEMORY}{i}": ops.convert_to_numpy(v) for i, v in enumerate(_kept(optimizer))}
    state |= {f"{_EXACT}{name}": values for name, values in (exact or {}).items()}
    state |= {f"{_SUM}{i}": value for i, value in enumerate(sums)}
    _save(path, state)


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_state` wrote.

    Parameters
    ----------
    path : Path
        As `snapshots.state_path` names it.

    Returns
    -------
    dict of str to ndarray
        Empty, with a warning, when there is no such file: snapshots of v1 and DeepLabCut 2 have none.

    Raises
    ------
    DeepercutError
        When the file is damaged.
    """
    if not path.exists():
        log.warning(
            "%s is missing (snapshots of DeepLabCut 1 and 2 have none): iteration and weights go on, the optimizer's "
            "memory starts anew, and the result will differ a little from that of a training without interruption",
            path.name,
        )
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except Exception as error:  # zipfile, which compares checksums, and numpy raise many types on damaged files
        raise DeepercutError(
            f"{path} is damaged ({error}): move this file away alone, and --resume goes on from the weights beside it, "
            "with the optimizer's memory anew"
        ) from error


def forget_memory(path: Path) -> None:
    """Take the large arrays out of a state, so that seed, held-out share and versions are left.

    Parameters
    ----------
    path : Path
        As `snapshots.state_path` names it. One that is missing, damaged or small already stays as it is.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            left = [name for name in archive.files if not name.startswith((_MEMORY, _EXACT))]
            if len(left) == len(archive.files):
                return
            state = {name: archive[name] for name in left}
    except Exception as error:  # as in `read_state`
        log.debug("%s stays as it is: %s", path, error)
        return
    _save(path, state)


def exact_weights(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights of a state that the file of weights holds rounded, by ``<layer>/<variable>``."""
    return {name.removeprefix(_EXACT): values for name, values in state.items() if name.startswith(_EXACT)}


def sums_in(state: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the sums of a state, as `write_state` got them; none in those of earlier versions."""
    return [value for name, value in state.items() if name.startswith(_SUM)]


def changed_versions(state: dict[str, np.ndarray]) -> list[str]:
    """Name what trains and has another version than when the snapshot was written; bits may differ then.

    Parameters
    ----------
    state : dict of str to ndarray
        As `read_state` returns it.

    Returns
    -------
    list of str
        Such as ``keras 3.14.0, now 3.15.1``.
    """
    before, now = json.loads(str(state.get("versions", "{}"))), versions()
    training = [name for name in ("python", "keras", keras.backend.backend(), "numpy") if name in before]
    return [f"{name} {before[name]}, now {now[name]}" for name in training if before[name] != now[name]]


def restore(optimizer: keras.Optimizer, state: dict[str, np.ndarray], iteration: int) -> None:
    """Set an optimizer to where it was.

    Parameters
    ----------
    optimizer : keras.Optimizer
        Built for the network's variables.
    state : dict of str to ndarray
        As `read_state` returns it; without the optimizer's memory, or with that of another kind, it starts anew.
    iteration : int
        Completed updates.
    """
    optimizer.iterations.assign(iteration)
    if not state:
        return
    own = _kept(optimizer)
    saved = [value for name, value in state.items() if name.startswith(_MEMORY)]
    if not saved:
        log.warning(
            "Only the newest two snapshots keep all that going on exactly needs, and that of iteration %d is "
            "an older one: its weights go on, the optimizer's memory starts anew, and the result will differ a little. "
            "To go on exactly, put the newest snapshot back (.weights.h5 and .state.npz) and use --resume",
            iteration,
        )
        return
    if len(saved) == len(own) + 1 and saved[1].ndim == 0:  # earlier versions kept a constant learning rate, too
        del saved[1]
    if [value.shape for value in saved] != [tuple(variable.shape) for variable in own]:
        log.warning("The snapshot was trained with another optimizer: its memory starts anew")
        return
    for variable, value in zip(own, saved, strict=True):
        variable.assign(value)


def _save(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state, so that the file exists only when it is whole."""
    with replacing(path) as temporary:
        np.savez(temporary, **state)


def _kept(optimizer: keras.Optimizer) -> list[keras.Variable]:
    """Return the variables that resuming needs: all but the learning rate, which is one where it is constant."""
    return [variable for variable in optimizer.variables if variable.name != "learning_rate"]
