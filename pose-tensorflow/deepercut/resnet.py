"""ResNet v1 feature extractor with dilated convolutions.

Layers are named after the variables of TensorFlow-slim's checkpoints: ``block1_unit_2_conv3`` and
``block1_unit_2_conv3_bn`` here are ``block1/unit_2/bottleneck_v1/conv3`` and its ``BatchNorm`` there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import keras
from keras import layers

from deepercut import DeepercutError

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottleneck units in blocks 1 to 4 for each depth."""

STEM_STRIDE = 4
EPSILON = 1e-5


@keras.saving.register_keras_serializable("deepercut")
class StoredBatchNormalization(layers.BatchNormalization):
    """Batch normalization that always uses the stored statistics; scale and offset remain trainable.

    A batch of one image says little about the data set, so the statistics of ImageNet are kept. A plain layer called
    with ``training=False`` does not do it: a functional model passes its own ``training`` argument on.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalize with the stored mean and variance, whatever `training` says."""
        return super().call(inputs, training=False, mask=mask)


def check_depth(depth: int) -> None:
    """Raise unless `depth` is one of ResNet's.

    Parameters
    ----------
    depth : int
        Number of layers.

    Raises
    ------
    DeepercutError
        If there is no such ResNet v1 here.
    """
    if depth not in UNITS:
        raise DeepercutError(f"ResNet depth is {depth!r}; accepted are {', '.join(map(str, UNITS))}")


def depth_of(names: Iterable[str]) -> int | None:
    """Tell the depth of a ResNet by its layers' names.

    Parameters
    ----------
    names : iterable of str
        Names of layers, each once or several times, in any order; others may be among them.

    Returns
    -------
    int or None
        The depth whose block 3 has as many units; None if there is none.

    Examples
    --------
    >>> depth_of(f"block3_unit_{unit}_conv1" for unit in range(1, 24))
    101
    """
    units = {name for name in names if re.fullmatch(r"block3_unit_[0-9]+_conv1", name)}
    return next((depth for depth, blocks in UNITS.items() if blocks[2] == len(units)), None)


def _conv_bn(x, filters: int, size: int, name: str, stride: int = 1, dilation: int = 1, relu: bool = True):
    """Convolve without bias, normalize, and rectify unless `relu` is false."""
    if stride > 1:  # 'same' would pad by an amount that depends on the input's size
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        dilation_rate=dilation,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    x = StoredBatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _bottleneck(x, filters: int, name: str, stride: int, dilation: int):
    """Add a 1x1, 3x3, 1x1 branch to the shortcut; the 3x3 has the stride."""
    outputs = 4 * filters
    if x.shape[-1] != outputs:
        shortcut = _conv_bn(x, outputs, 1, f"{name}_shortcut", stride, relu=False)
    else:
        shortcut = layers.MaxPooling2D(1, stride, name=f"{name}_subsample")(x) if stride > 1 else x
    x = _conv_bn(x, filters, 1, f"{name}_conv1")
    x = _conv_bn(x, filters, 3, f"{name}_conv2", stride, dilation)
    x = _conv_bn(x, outputs, 1, f"{name}_conv3", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([shortcut, x]))


def resnet_v1(images, depth: int, output_stride: int = 16) -> dict:
    """Build the convolutional part of ResNet v1 on `images`.

    A block's down-sampling sits in its last unit. Once `output_stride` is reached, later down-sampling becomes
    dilation of the 3x3 convolutions behind it, so that every kernel still sees the surroundings it was trained on.

    Parameters
    ----------
    images : keras.KerasTensor of shape (B, H, W, 3)
        RGB 0..255 minus the mean pixel.
    depth : {50, 101, 152}
        Number of layers.
    output_stride : {16, 32}, optional
        Input pixels per cell of block 4's output.

    Returns
    -------
    dict of str to keras.KerasTensor
        Output of every unit, from ``block1_unit_1`` to block 4's last, in the order of the data flow.

    Raises
    ------
    DeepercutError
        If `depth` is not one of ResNet's.

    References
    ----------
    He et al. 2015, arXiv 1512.03385, table 1; Insafutdinov et al. 2016, arXiv 1605.03170, section 3 (dilation).
    """
    check_depth(depth)
    x = _conv_bn(images, 64, 7, "conv1", stride=2)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    outputs = {}
    reached, dilation = STEM_STRIDE, 1
    for block, units in enumerate(UNITS[depth], start=1):
        filters = 64 * 2 ** (block - 1)
        block_stride = 2 if block < 4 else 1
        stride = block_stride if reached < output_stride else 1
        for unit in range(1, units + 1):
            name = f"block{block}_unit_{unit}"
            x = _bottleneck(x, filters, name, stride if unit == units else 1, dilation)
            outputs[name] = x
        reached *= stride
        dilation *= block_stride // stride
    return outputs
