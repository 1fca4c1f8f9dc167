"""Weights of other programs in our names: Keras' ResNet, and checkpoints of TensorFlow 1 (slim, DeepLabCut 1.x, 2.x).

TensorFlow and Keras are imported only when a checkpoint is read or written.
"""

from __future__ import annotations

import glob
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepercut import DeepercutError
from deepercut.network.architecture import EPSILON, depth_of, refuse_too_large
from deepercut.weights.tf_index import claimed_shapes

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

Arrays = dict[str, np.ndarray]
"""Weights by ``<layer>/<variable>``."""

KERAS_EPSILON = 1.001e-5

_HEADS = {"part_pred": "part_pred", "locref_pred": "locref_pred", "part_pred_interm": "intermediate_supervision"}
_HEADS_BACK = {theirs: ours for ours, theirs in _HEADS.items()}


def convert_keras_resnet(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Turn the weights of Keras' ResNet into those of ours, which compute the same.

    Theirs take BGR (the first kernel is reversed), add a bias (which the batch norm's mean takes in) and use epsilon
    1.001e-5 (the difference goes to the variance).

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By ``<layer>/<variable>``, layers named ``res2a_branch2a``, ``bn2a_branch2a``, ``conv1``, ``bn_conv1`` (Keras 1
        and 2), or ``conv2_block1_1_conv``, ``conv2_block1_1_bn``, ``conv1_conv``, ``conv1_bn`` (later).

    Returns
    -------
    dict of str to ndarray
        By our names. Layers of other names are left out.

    Examples
    --------
    >>> mean, bias = np.array([5.0]), np.array([2.0])
    >>> convert_keras_resnet({"bn2a_branch1/moving_mean": mean, "res2a_branch1/bias": bias})
    {'block1_unit_1_shortcut_bn/moving_mean': array([3.])}
    """
    named = {}
    for name, array in arrays.items():
        layer, variable = name.rsplit("/", 1)
        if (ours := _from_keras_name(layer)) is not None:
            named[f"{ours}/{variable}"] = array
    converted = {}
    for name, array in named.items():
        layer, variable = name.split("/")
        if name == "conv1/kernel":
            array = array[:, :, ::-1]
        elif variable == "moving_mean":
            array = array - named.get(f"{layer.removesuffix('_bn')}/bias", 0)
        elif variable == "moving_variance":
            array = array + np.float32(KERAS_EPSILON - EPSILON)
        if variable != "bias":
            converted[name] = array
    return converted


def _from_keras_name(layer: str) -> str | None:
    """Return our name of a layer of Keras' ResNet; None if it is no convolution or batch norm of it."""
    if layer in {"conv1", "conv1_conv"}:
        return "conv1"
    if layer in {"bn_conv1", "conv1_bn"}:
        return "conv1_bn"
    if match := re.fullmatch(r"(res|bn)([2-5])([a-z])_branch(1|2[abc])", layer):
        unit, part = ord(match[3]) - ord("a") + 1, ("1", "2a", "2b", "2c").index(match[4])
        block, is_bn = int(match[2]) - 1, match[1] == "bn"
    elif match := re.fullmatch(r"conv([2-5])_block(\d+)_([0-3])_(conv|bn)", layer):
        unit, part = int(match[2]), int(match[3])
        block, is_bn = int(match[1]) - 1, match[4] == "bn"
    else:
        return None
    return f"block{block}_unit_{unit}_{f'conv{part}' if part else 'shortcut'}{'_bn' * is_bn}"


def tf1_name(name: str, depth: int) -> str:
    """Return the name of a variable in a TensorFlow 1 checkpoint.

    Parameters
    ----------
    name : str
        ``<layer>/<variable>`` here.
    depth : {50, 101, 152}
        Layers of the ResNet.

    Returns
    -------
    str
        Name there.

    Examples
    --------
    >>> tf1_name("block1_unit_2_conv3_bn/gamma", 50)
    'resnet_v1_50/block1/unit_2/bottleneck_v1/conv3/BatchNorm/gamma'
    >>> tf1_name("part_pred/bias", 50)
    'pose/part_pred/block4/biases'
    """
    layer, variable = name.split("/")
    variable = {"kernel": "weights", "bias": "biases"}.get(variable, variable)
    if layer in _HEADS:
        return f"pose/{_HEADS[layer]}/block4/{variable}"
    scope = layer.removesuffix("_bn")
    scope = re.sub(r"^(block\d)_(unit_\d+)_", r"\1/\2/bottleneck_v1/", scope)
    return f"resnet_v1_{depth}/{scope}/{'BatchNorm/' if layer.endswith('_bn') else ''}{variable}"


def _our_name(name: str) -> str | None:
    """Return our name of a TensorFlow 1 variable; None if it is not part of a pose network."""
    variables = {"weights": "kernel", "biases": "bias"}
    if match := re.fullmatch(r"pose/(\w+)/block4/(weights|biases)", name):
        return f"{_HEADS_BACK[match[1]]}/{variables[match[2]]}" if match[1] in _HEADS_BACK else None
    pattern = r"resnet_v1_\d+/(conv1|block\d/unit_\d+/bottleneck_v1/\w+)/(?:(weights)|BatchNorm/(\w+))"
    if match := re.fullmatch(pattern, name):
        layer = match[1].replace("/bottleneck_v1/", "_").replace("/", "_")
        return f"{layer}/kernel" if match[2] else f"{layer}_bn/{match[3]}"
    return None


def read_tf1(path: Path) -> Arrays:
    """Read a TensorFlow 1 checkpoint.

    Parameters
    ----------
    path : Path
        The ``.index`` of a checkpoint, or slim's single ``.ckpt``.

    Returns
    -------
    dict of str to ndarray
        By our names; the variables of a pose network only.

    Raises
    ------
    DeepercutError
        If the file is damaged or no checkpoint, or claims arrays that no network has.
    """
    prefix = str(path).removesuffix(".index")
    if path.suffix == ".index" and not any(path.parent.glob(f"{glob.escape(path.stem)}.data-*")):
        raise DeepercutError(
            f"weights {path} cannot be read: it tells the names and shapes of a checkpoint, whose values are missing "
            f"beside it. Copy {path.stem}.data-00000-of-00001 there, too"
        )
    _refuse_claims(path)
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
        names = {name: _our_name(name) for name in shapes}
        refuse_too_large({name: shapes[name] for name, ours in names.items() if ours is not None}, path)
        return {ours: reader.get_tensor(name) for name, ours in names.items() if ours is not None}
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        if "sstable" in reason:  # TensorFlow's word for what it did not find
            whole = "it holds neither weights in HDF5 nor a whole checkpoint of TensorFlow"
            raise DeepercutError(f"weights {path} cannot be read: {whole}") from error
        raise DeepercutError(f"weights {path} cannot be read as a checkpoint of TensorFlow: {reason}") from error


def _refuse_claims(path: Path) -> None:
    """Raise when a checkpoint claims arrays of a size that no network has: TensorFlow would end the process."""
    try:
        claimed = claimed_shapes(path)
    except ValueError as error:
        log.debug("%s is left to TensorFlow: %s", path, error)  # which says what is wrong, and reads slim's single file
        return
    names = {_our_name(name) or name: shape for name, shape in claimed.items()}
    for name, shape in names.items():
        refuse_too_large({name: shape}, path)


def is_pose_checkpoint(path: Path) -> bool:
    """Tell whether a file is a TensorFlow checkpoint with a head for body parts: a network of DeepLabCut 1 or 2.

    Parameters
    ----------
    path : Path
        A file of weights.

    Returns
    -------
    bool
        False for weights of any other kind, those of ImageNet among them, and for a damaged file.
    """
    if path.suffix != ".index":
        return False
    try:
        return any(_our_name(name) == "part_pred/bias" for name in claimed_shapes(path))
    except ValueError as error:
        log.debug("%s: %s", path, error)
        return False


def export_tf1(model: keras.Model, prefix: Path) -> None:
    """Write a network as a TensorFlow 1 checkpoint, which DeepLabCut 1.x and 2.x can load.

    Parameters
    ----------
    model : keras.Model
        From `build_posenet`, or its ResNet alone.
    prefix : Path
        The names become ``<prefix>.index`` and ``<prefix>.data-00000-of-00001``.

    Raises
    ------
    OSError
        If the system refuses to write (disk full, folder not writable).
    """
    import keras
    import tensorflow as tf

    depth = depth_of(layer.name for layer in model.layers)
    assert depth is not None
    prefix = Path(prefix)
    unfinished = prefix.with_name(prefix.name + ".part")
    weights = {tf1_name(f"{layer.name}/{w.name}", depth): w for layer in model.layers for w in layer.weights}
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with refused_by_the_system():
            tf.raw_ops.SaveV2(
                prefix=str(unfinished),
                tensor_names=list(weights),
                shape_and_slices=[""] * len(weights),
                tensors=[keras.ops.convert_to_numpy(weight) for weight in weights.values()],
            )
        for suffix in (".data-00000-of-00001", ".index"):  # the index last: it makes the checkpoint exist
            Path(f"{unfinished}{suffix}").replace(f"{prefix}{suffix}")
    finally:
        for leftover in prefix.parent.glob(f"{glob.escape(unfinished.name)}.*"):
            leftover.unlink()


@contextmanager
def refused_by_the_system() -> Iterator[None]:
    """Raise OSError, in the system's words, where TensorFlow could not write."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        words = re.search(r"; ([^;]+) \[Op:", error.message)  # <file>; <words of the system> [Op:<operation>]
        raise OSError(words[1] if words else error.message) from error
