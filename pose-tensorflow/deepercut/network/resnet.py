"""ResNet v1 feature extractor with dilated convolutions, in Keras."""

from __future__ import annotations

import keras
from keras import layers

from deepercut.backend import Tensor
from deepercut.network.architecture import EPSILON, FEATURE_STRIDE, STEM_FILTERS, Bottleneck, bottlenecks


@keras.saving.register_keras_serializable("deepercut")
class StoredBatchNormalization(layers.BatchNormalization):
    """Batch normalization that always uses the stored statistics; scale and offset remain trainable.

    A batch of one image says little about the data set, so the statistics of ImageNet are kept. A plain layer called
    with ``training=False`` does not do it: a functional model passes its own ``training`` argument on.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalize with the stored mean and variance, whatever `training` says."""
        return super().call(inputs, training=False, mask=mask)


def _conv_bn(
    x: Tensor, filters: int, size: int, name: str, stride: int = 1, dilation: int = 1, relu: bool = True
) -> Tensor:
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


def _bottleneck(x: Tensor, unit: Bottleneck) -> Tensor:
    """Add a 1x1, 3x3, 1x1 branch to the shortcut; the 3x3 has the stride."""
    name, stride = unit.name, unit.stride
    if unit.projects:
        shortcut = _conv_bn(x, unit.outputs, 1, f"{name}_shortcut", stride, relu=False)
    else:
        shortcut = layers.MaxPooling2D(1, stride, name=f"{name}_subsample")(x) if stride > 1 else x
    x = _conv_bn(x, unit.filters, 1, f"{name}_conv1")
    x = _conv_bn(x, unit.filters, 3, f"{name}_conv2", stride, unit.dilation)
    x = _conv_bn(x, unit.outputs, 1, f"{name}_conv3", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([shortcut, x]))


def resnet_v1(images: Tensor, depth: int, output_stride: int = FEATURE_STRIDE) -> dict[str, Tensor]:
    """Build the convolutional part of ResNet v1 on `images`.

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
    He et al. 2015, arXiv 1512.03385, table 1.
    """
    x = _conv_bn(images, STEM_FILTERS, 7, "conv1", stride=2)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    outputs = {}
    for unit in bottlenecks(depth, output_stride):
        x = outputs[unit.name] = _bottleneck(x, unit)
    return outputs
