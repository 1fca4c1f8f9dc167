"""Checkpoints of TensorFlow 1: those of slim's ResNet v1 and of DeepLabCut 1.x and 2.x.

TensorFlow itself is imported only when such a file is read or written.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path

import keras
import numpy as np

from deepercut import DeepercutError
from deepercut.resnet import depth_of

_HEADS = {"part_pred": "part_pred", "locref_pred": "locref_pred", "part_pred_interm": "intermediate_supervision"}
_HEADS_BACK = {theirs: ours for ours, theirs in _HEADS.items()}


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


def read_tf1(path: Path) -> dict[str, np.ndarray]:
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
        If the file is damaged or no checkpoint.
    """
    import tensorflow as tf

    prefix = str(path).removesuffix(".index")
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = {name: _our_name(name) for name in reader.get_variable_to_shape_map()}
        return {ours: reader.get_tensor(name) for name, ours in names.items() if ours is not None}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DeepercutError(f"weights {path} cannot be read, they are damaged or no checkpoint: {reason}") from error


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
    DeepercutError
        If the system refuses to write (disk full, folder not writable).
    """
    import tensorflow as tf

    depth = depth_of(layer.name for layer in model.layers)
    prefix = Path(prefix)
    unfinished = prefix.with_name(prefix.name + ".part")
    weights = {tf1_name(f"{layer.name}/{w.name}", depth): w for layer in model.layers for w in layer.weights}
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        tf.raw_ops.SaveV2(
            prefix=str(unfinished),
            tensor_names=list(weights),
            shape_and_slices=[""] * len(weights),
            tensors=[keras.ops.convert_to_numpy(weight) for weight in weights.values()],
        )
        for suffix in (".data-00000-of-00001", ".index"):  # the index last: it makes the checkpoint exist
            Path(f"{unfinished}{suffix}").replace(f"{prefix}{suffix}")
    except (OSError, tf.errors.OpError) as error:
        raise DeepercutError(f"{prefix} cannot be written: {error}. Free disk space or allow writing there") from error
    finally:
        for leftover in prefix.parent.glob(f"{glob.escape(unfinished.name)}.*"):
            leftover.unlink()
