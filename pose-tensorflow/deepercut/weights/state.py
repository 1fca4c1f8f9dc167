"""The state of a training beside the weights: optimizer, iteration, seed, versions."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from deepercut import DeepercutError
from dlc_common.files import replacing
from dlc_common.versions import versions

log = logging.getLogger(__name__)


def write_state(path: Path, optimizer: keras.Optimizer, seed: int, validation_fraction: float) -> None:
    """Write what resuming needs beside the weights, and the versions of what made them.

    Order and augmentation of the images follow from seed and iteration alone, so nothing else is random.

    Parameters
    ----------
    path : Path
        As `checkpoints.state_path` names it.
    optimizer : keras.Optimizer
        Its memory and the iteration are kept; the learning rate is the configuration's.
    seed : int
        Of the run.
    validation_fraction : float
        Share of the images that it holds out.

    Raises
    ------
    DeepercutError
        When the system refuses to write.
    """
    state: dict[str, Any] = {"seed": seed, "validation_fraction": validation_fraction}
    state["versions"] = json.dumps(versions())
    state |= {f"optimizer_{i}": ops.convert_to_numpy(v) for i, v in enumerate(_kept(optimizer))}
    with replacing(path) as temporary:
        np.savez(temporary, **state)


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_state` wrote.

    Parameters
    ----------
    path : Path
        As `checkpoints.state_path` names it.

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
        log.warning("%s is missing: iteration and weights go on, the optimizer's memory starts anew", path.name)
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except Exception as error:  # zipfile and numpy raise many types on damaged files
        raise DeepercutError(f"{path} is damaged ({error}): move this snapshot away and go on with --resume") from error


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
        As `read_state` returns it; of another kind of optimizer, or empty, it leaves the memory as new.
    iteration : int
        Completed updates.
    """
    optimizer.iterations.assign(iteration)
    if not state:
        return
    own = _kept(optimizer)
    saved = [value for name, value in state.items() if name.startswith("optimizer_")]
    if len(saved) == len(own) + 1 and saved[1].ndim == 0:  # earlier versions kept a constant learning rate, too
        del saved[1]
    if [value.shape for value in saved] != [tuple(variable.shape) for variable in own]:
        log.warning("The snapshot was trained with another optimizer: its memory starts anew")
        return
    for variable, value in zip(own, saved, strict=True):
        variable.assign(value)


def _kept(optimizer: keras.Optimizer) -> list[keras.Variable]:
    """Return the variables that resuming needs: all but the learning rate, which is one where it is constant."""
    return [variable for variable in optimizer.variables if variable.name != "learning_rate"]
