"""Names inside a train folder, and weights in and out of files.

Every reader gives arrays named as the network's layers are, ``block1_unit_2_conv3/kernel``; one function then compares
them with the network and fills it.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from deepercut import DeepercutError
from deepercut.network.architecture import BATCH_NORM, HEADS, depth_of, refuse_too_large
from deepercut.weights.foreign import Arrays, convert_keras_resnet, read_tf1
from deepercut.weights.snapshots import WANTED, WEIGHTS_SUFFIX
from dlc_common import cli
from dlc_common.files import is_broken, replacing, seal
from dlc_common.hdf5 import writing_hdf5
from dlc_common.kinds import HDF5, KERAS, wrong_kind

if TYPE_CHECKING:
    import keras


_PART_OF_A_CHECKPOINT = re.compile(r"\.(meta|data-\d{5}-of-\d{5})$")
_DESCRIPTION_BYTES = 2**20  # more than a snapshot's names take beside its weights
_VARIABLES = {  # by how many variables a layer has, in the order in which Keras stores them
    1: ("kernel",),
    2: ("kernel", "bias"),
    4: BATCH_NORM,
}


def resolve_weights(prefix: Path) -> Path:
    """Find the file that an ``init_weights`` stands for.

    Parameters
    ----------
    prefix : Path
        A file, or one without ``.weights.h5``, ``.index`` or ``.h5``, or one with ``.ckpt`` in their place (v1's
        pose_cfg.yaml names resnet_v1_50.ckpt). Any file of a TensorFlow checkpoint stands for all.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    DeepercutError
        If there is none; the message lists the paths tried.
    """
    prefix = Path(prefix)
    prefix = prefix.with_name(_PART_OF_A_CHECKPOINT.sub("", prefix.name))
    stems = [prefix, prefix.with_suffix("")] if prefix.suffix == ".ckpt" else [prefix]
    endings = ("",) if prefix.suffix == ".h5" else ("", WEIGHTS_SUFFIX, ".index", ".h5")
    tried = [stem.with_name(stem.name + ending) for stem in stems for ending in endings]
    for path in tried:
        if path.is_file():
            return path
    if (pytorch := prefix.with_name(f"{prefix.name}.pt")).is_file():
        _refuse_other_kinds(pytorch)
    parts = sorted(path.name for path in prefix.parent.glob(f"{glob.escape(prefix.name)}.*"))
    if any(_PART_OF_A_CHECKPOINT.search(name) for name in parts):
        raise DeepercutError(
            f"of the checkpoint {prefix} the .index is missing; there: {', '.join(parts)}. Copy it to the others"
        )
    kind = ", a folder: name the weights in it" if prefix.is_dir() else ""
    names = ", ".join(path.name for path in tried)
    raise DeepercutError(f"no weights found for {prefix}{kind}; tried {names} there{_how_to_get(prefix)}")


def _how_to_get(prefix: Path) -> str:
    """Say how to get ImageNet weights; nothing for any others."""
    if not (depth := re.match(r"resnet_v1_([0-9]+)", prefix.name)):
        return ""
    if not prefix.parent.is_dir():
        return f"; {prefix.parent} does not exist: run Step 4 with --overwrite, which names weights that can be fetched"
    script = Path("pose-tensorflow/models/pretrained/download.py")
    is_of_project = prefix.parent.parts[-3:] == script.parent.parts
    root = prefix.parents[3] if is_of_project else cli.CHECKOUT
    return f"; get the ImageNet weights: {cli.command(root, str(script), '--depth', depth[1])}"


def load_weights(model: keras.Model, path: Path) -> tuple[str, ...]:
    """Fill a network from a file of weights.

    Parameters
    ----------
    model : keras.Model
        From `build_posenet`. Unchanged if an error is raised.
    path : Path
        Any file that `read_weights` can read.

    Returns
    -------
    tuple of str
        Names of the layers that were filled: all with weights, or all but the heads, when the file holds ImageNet
        weights.

    Raises
    ------
    DeepercutError
        If the file cannot be read, or holds another network: another depth, number of body parts, or other heads.
    """
    return fill(model, read_weights(path), path)


def fill(model: keras.Model, arrays: Mapping[str, np.ndarray], source: object) -> tuple[str, ...]:
    """Fill a network with arrays, after comparing all names and shapes.

    Parameters
    ----------
    model : keras.Model
        From `build_posenet`, or its ResNet alone. Unchanged if an error is raised.
    arrays : mapping of str to ndarray
        By ``<layer>/<variable>``.
    source : object
        Where the arrays come from, for messages.

    Returns
    -------
    tuple of str
        Names of the layers that were filled.

    Raises
    ------
    DeepercutError
        If the arrays belong to another network.
    """
    weights = _weights_of(model)
    check_same_network({name: tuple(w.shape) for name, w in weights.items()}, arrays, source)
    filled = [name for name in weights if name in arrays]
    for name in filled:
        weights[name].assign(arrays[name])
    return tuple(dict.fromkeys(name.split("/")[0] for name in filled))


def _weights_of(model: keras.Model) -> dict[str, keras.Variable]:
    """Return a network's variables by ``<layer>/<variable>``."""
    return {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}


def check_same_network(wanted: Mapping[str, tuple], arrays: Mapping[str, np.ndarray], source: object) -> None:
    """Raise unless the arrays fill the ResNet and either no head or all.

    Parameters
    ----------
    wanted : mapping of str to tuple of int
        Shapes by ``<layer>/<variable>``; see `architecture.weight_shapes`.
    arrays : mapping of str to ndarray
        Likewise, as `read_weights` gives them. A surplus of intermediate supervision is allowed.
    source : object
        Where the arrays come from, for messages.

    Raises
    ------
    DeepercutError
        If the arrays belong to another network, or hold values that are not finite.
    """
    depth, depth_found = (depth_of(name.split("/")[0] for name in names) for names in (wanted, arrays))
    if depth_found != depth:
        found = f"resnet_{depth_found}" if depth_found else "no ResNet v1"
        raise DeepercutError(
            f"{source} holds {found}, but the network is resnet_{depth}: name other weights, or another net_type"
        )
    has_heads = any(f"{head}/bias" in arrays for head in HEADS)
    if has_heads and "part_pred/bias" in wanted:
        _check_same_heads(wanted, arrays, source)
    for name, shape in wanted.items():
        if name.split("/")[0] in HEADS and not has_heads:
            continue
        if name not in arrays or arrays[name].shape != shape:
            found = f"has shape {arrays[name].shape}" if name in arrays else "is missing"
            raise DeepercutError(f"{source} is of another network, or damaged: {name} {found}, expected shape {shape}")
        if not np.isfinite(arrays[name]).all():
            raise DeepercutError(f"{source} holds values that are not finite in {name}: use an earlier snapshot")


def _check_same_heads(wanted: Mapping[str, tuple], arrays: Mapping[str, np.ndarray], source: object) -> None:
    """Raise unless the heads are the same, for as many body parts; a surplus of intermediate supervision is allowed."""
    heads, heads_found = ([h for h in HEADS if f"{h}/bias" in names] for names in (wanted, arrays))
    surplus = set(heads_found) - set(heads) - {"part_pred_interm"}
    if surplus or set(heads) - set(heads_found):
        raise DeepercutError(
            f"{source} has the heads {', '.join(heads_found)}, but the network has {', '.join(heads)}: "
            "location_refinement or intermediate_supervision was set otherwise when it was trained"
        )
    parts, (parts_wanted,) = arrays["part_pred/bias"].size, wanted["part_pred/bias"]
    if parts != parts_wanted:
        raise DeepercutError(
            f"{source} was trained for {parts} body parts, but the network has {parts_wanted} (num_joints): "
            "it is a snapshot of another network"
        )


def read_weights(path: Path) -> Arrays:
    """Read a file of weights, whoever wrote it.

    Parameters
    ----------
    path : Path
        Ours (``.weights.h5``); a Keras ResNet ``.h5``, with or without classifier; a TensorFlow 1 checkpoint
        (``.index``, or slim's single ``.ckpt``) of slim's ResNet v1 or of DeepLabCut 1.x / 2.x.

    Returns
    -------
    dict of str to ndarray
        By ``<layer>/<variable>``, for an input in RGB and a batch normalization with epsilon 1e-5. What is not part
        of a pose network (classifier, optimizer) is left out.

    Raises
    ------
    DeepercutError
        If the file is missing, damaged, of another kind, or claims arrays that no network has.
    """
    path = Path(path)
    if not path.is_file():
        raise DeepercutError(f"weights {path} do not exist")
    if is_broken(path):
        raise DeepercutError(
            f"weights {path} are damaged: they are not what was written there, their checksum disagrees. Copy the file "
            "again from where it is whole, or choose another snapshot"
        )
    if not h5py.is_hdf5(path):
        _refuse_other_kinds(path)
        if path.suffix != ".h5":
            return read_tf1(path)
    try:
        arrays = _read_h5(path)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:  # which, depends on the damage
        _refuse_other_kinds(path)
        raise DeepercutError(
            f"weights {path} cannot be read: {error}. Copy the file again from where it is whole, or choose another "
            "snapshot"
        ) from error
    if not arrays:
        _refuse_other_kinds(path)
    return arrays if any(name.startswith("block") for name in arrays) else convert_keras_resnet(arrays)


def _refuse_other_kinds(path: Path) -> None:
    """Raise where a file is known to be of another kind; done late, because to look into HDF5 is to check it again."""
    if other := wrong_kind(path, WANTED, KERAS, HDF5):
        raise DeepercutError(other)


def _read_h5(path: Path) -> Arrays:
    """Return a Keras file's arrays: Keras 3 stores a layer's name beside its variables, Keras 1 and 2 in the group."""
    stored: dict[str, h5py.Dataset] = {}

    def collect(group_name: str, item: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(item, h5py.Group):
            return
        if "weight_names" in item.attrs:
            layer, values = group_name.split("/")[-1], [item[name] for name in item.attrs["weight_names"]]
        elif group_name.endswith("/vars") and "name" in item.attrs:
            layer, values = item.attrs["name"], [item[str(i)] for i in range(len(item))]
        else:
            return
        if len(values) in _VARIABLES:
            names = [f"{layer}/{variable}" for variable in _VARIABLES[len(values)]]
            stored.update(zip(names, values, strict=True))

    with h5py.File(path, "r") as file:
        file.visititems(collect)
        refuse_too_large({name: values.shape for name, values in stored.items()}, path)
        return {name: _in_full(values[()]) for name, values in stored.items()}


def _in_full(values: np.ndarray) -> np.ndarray:
    """Return float16, the form of storage, as float32; all else as it is."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


def save_snapshot(model: keras.Model, path: Path, precision: str = "float32") -> None:
    """Write a network's weights, so that the file exists only when it is whole.

    Parameters
    ----------
    model : keras.Model
        From `build_posenet`, or its ResNet alone.
    path : Path
        Ends in ``.weights.h5``.
    precision : {'float32', 'float16'}, optional
        float16 rounds the kernels, which are nearly all of a network, to 11 bits.

    Raises
    ------
    DeepercutError
        If the system refuses to write (disk full, folder not writable).
    """
    path = Path(path)
    with replacing(path) as temporary:
        room = 4 * model.count_params() + _DESCRIPTION_BYTES
        temporary.write_bytes(bytes(room))  # what Keras is refused, HDF5 keeps, and ends the process some files later
        model.save_weights(temporary)
        if precision == "float16":
            _round_kernels(temporary)
        seal(temporary)


def rounded_kernels(model: keras.Model) -> Arrays:
    """Return the weights that `save_snapshot` rounds in float16, as they are.

    Parameters
    ----------
    model : keras.Model
        From `build_posenet`.

    Returns
    -------
    dict of str to ndarray
        By ``<layer>/<variable>``: the kernels.
    """
    from keras import ops

    weights = _weights_of(model)
    return {name: ops.convert_to_numpy(weight) for name, weight in weights.items() if len(weight.shape) > 1}


def _round_kernels(path: Path) -> None:
    """Write a file of weights anew, the same but for the kernels' float16: HDF5 gives no space back in a file."""
    items: list[tuple[str, dict, np.ndarray | None]] = []

    def collect(name: str, item: h5py.Group | h5py.Dataset) -> None:
        items.append((name, dict(item.attrs), None if isinstance(item, h5py.Group) else _rounded(item[()])))

    with h5py.File(path) as file:
        collect("/", file)
        file.visititems(collect)
    with writing_hdf5(path) as file:
        for name, attributes, values in items:
            item = file.require_group(name) if values is None else file.create_dataset(name, data=values)
            item.attrs.update(attributes)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return a kernel in float16; vectors (batch norms, biases), and what float16 cannot hold, as they are."""
    if values.ndim < 2 or np.abs(values).max() > np.finfo(np.float16).max:
        return values
    return values.astype(np.float16)
