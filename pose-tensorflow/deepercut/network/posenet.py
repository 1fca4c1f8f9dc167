"""The DeeperCut network: ResNet features, two deconvolution heads, score maps of stride 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from deepercut import DeepercutError
from deepercut.backend import Tensor
from deepercut.network.architecture import FEATURE_STRIDE, UNITS, check_depth
from deepercut.network.resnet import resnet_v1
from deepercut.network.targets import ANSWER, decode_poses

Shape = tuple[int | None, ...]
"""Of a tensor; None where it is not known yet."""


@keras.saving.register_keras_serializable("deepercut")
class CenterAndPad(layers.Layer):
    """Subtract the mean pixel, then pad at the bottom and right to a multiple of 16 pixels.

    The padding is zero after the subtraction: it looks like the mean pixel. Alignment never depends on the size.

    Parameters
    ----------
    mean_pixel : sequence of 3 float
        RGB, 0..255.
    padding : bool, optional
        Whether to pad; DeepLabCut's networks do not.
    """

    def __init__(self, mean_pixel: Sequence[float], padding: bool = True, **kwargs: Any):
        # Half precision cannot hold interpolated grey values near 255, so the difference is taken in float32.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mean_pixel = [float(value) for value in mean_pixel]
        self.padding = padding

    def call(self, images: Tensor) -> Tensor:
        """Return the centred and padded images."""
        centred = images - ops.convert_to_tensor(self.mean_pixel, dtype=images.dtype)
        if not self.padding:
            return centred
        height, width = ops.shape(images)[1:3]
        return ops.pad(centred, ((0, 0), (0, -height % FEATURE_STRIDE), (0, -width % FEATURE_STRIDE), (0, 0)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the padded shape; None stays None."""
        if not self.padding:
            return input_shape
        batch, *size, channels = input_shape
        return (batch, *(None if n is None else n + -n % FEATURE_STRIDE for n in size), channels)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        return {**super().get_config(), "mean_pixel": self.mean_pixel, "padding": self.padding}


@keras.saving.register_keras_serializable("deepercut")
class DecodePoses(layers.Layer):
    """Turn images and the network's maps of them into poses (`targets.decode_poses`), in float32.

    Parameters
    ----------
    locref_stdev : float
        Unit in pixels of the location refinement.
    features : bool, optional
        Whether to tell about the maps too.
    padding : bool, optional
        Whether the images were padded, so that the last cells may lie in the padding.
    """

    def __init__(self, locref_stdev: float, features: bool = False, padding: bool = True, **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.locref_stdev, self.features, self.padding = locref_stdev, features, padding

    def call(self, images: Tensor, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return the poses, (B, K, 3), or all of `targets.ANSWER`, (B, K, 6)."""
        size = ops.shape(images)[1:3] if self.padding else None
        return decode_poses(outputs, self.locref_stdev, size, features=self.features)

    def compute_output_shape(self, images_shape: Shape, outputs_shape: Mapping[str, Shape]) -> Shape:
        """Return (B, K, 3), or (B, K, 6) with features."""
        return (images_shape[0], outputs_shape["part_pred"][-1], len(ANSWER) if self.features else 3)

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs."""
        told = {"locref_stdev": self.locref_stdev, "features": self.features, "padding": self.padding}
        return {**super().get_config(), **told}


def _head(features: Tensor, channels: int, name: str) -> Tensor:
    """Double the resolution by a 3x3 transposed convolution; in float32, whatever the precision of the rest."""
    # Keras' default is Glorot's uniform distribution and a bias of 0, slim's too: the start of DeepLabCut's heads.
    maps = layers.Conv2DTranspose(channels, 3, strides=2, dtype="float32", name=name)(features)
    # What TensorFlow calls 'same'. Keras' own 'same' crops the other side on PyTorch, up to version 3.14.
    return layers.Cropping2D(((0, 1), (0, 1)), dtype="float32", name=f"{name}_crop")(maps)


def build_posenet(
    depth: int,
    num_joints: int,
    mean_pixel: Sequence[float],
    location_refinement: bool = True,
    intermediate_supervision_layer: int | None = None,
    precision: str = "float32",
    *,
    padding: bool = True,
) -> keras.Model:
    """Build the network from RGB images of any size to score maps.

    Parameters
    ----------
    depth : {50, 101, 152}
        Layers of the ResNet.
    num_joints : int
        Number of body parts K.
    mean_pixel : sequence of 3 float
        RGB, 0..255.
    location_refinement : bool, optional
        Whether there is a location refinement head.
    intermediate_supervision_layer : int, optional
        Unit of block 3, from 1, that gets a part head of its own.
    precision : {'float32', 'mixed_bfloat16'}, optional
        Of the arithmetic between the mean pixel and the heads; weights are float32 at any.
    padding : bool, optional
        Whether to pad images to multiples of 16 pixels; DeepLabCut's networks do not.

    Returns
    -------
    keras.Model
        Takes images of shape (B, H, W, 3), RGB 0..255, float32 or uint8. Gives a dict of float32 maps, with
        R = ceil(H / 16) * 2 and C = ceil(W / 16) * 2: ``part_pred`` (B, R, C, K), logits; ``locref_pred``
        (B, R, C, 2K), dx and dy of each part in turn, in units of locref_stdev; ``part_pred_interm`` (B, R, C, K),
        logits. The heads start random (Glorot uniform, bias 0, as in slim), the ResNet too (He normal).

    Raises
    ------
    DeepercutError
        If `depth` is not one of ResNet's, or its block 3 has no such unit.

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3; Mathis et al. 2018, arXiv 1804.03142, methods.
    """
    check_depth(depth)
    interm = intermediate_supervision_layer
    if interm is not None and not 1 <= interm <= UNITS[depth][2]:
        raise DeepercutError(
            f"intermediate_supervision_layer is {interm}, but block 3 of resnet_{depth} has the units 1 to "
            f"{UNITS[depth][2]}; name one of them or set intermediate_supervision: false"
        )
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        images = keras.Input((None, None, 3), name="images")
        units = resnet_v1(CenterAndPad(mean_pixel, padding, name="center_and_pad")(images), depth)
        features = next(reversed(units.values()))
        outputs = {"part_pred": _head(features, num_joints, "part_pred")}
        if location_refinement:
            outputs["locref_pred"] = _head(features, 2 * num_joints, "locref_pred")
        if interm is not None:
            outputs["part_pred_interm"] = _head(units[f"block3_unit_{interm}"], num_joints, "part_pred_interm")
        return keras.Model(images, outputs, name=f"posenet_{depth}")
    finally:
        keras.config.set_dtype_policy(usual)


def with_poses(network: keras.Model, locref_stdev: float, *, features: bool = False) -> keras.Model:
    """Let a network give poses in place of maps.

    Parameters
    ----------
    network : keras.Model
        From `build_posenet`; its layers are shared.
    locref_stdev : float
        Unit in pixels of the location refinement.
    features : bool, optional
        Whether to tell about the maps too, see `targets.ANSWER`.

    Returns
    -------
    keras.Model
        From images (B, H, W, 3) to poses (B, K, 3), float32: x and y in pixels of the images, likelihood; with
        `features` to (B, K, 6). Its `predict_on_batch` takes and gives NumPy arrays.
    """
    padding = network.get_layer("center_and_pad").padding
    model = keras.Model(network.input, DecodePoses(locref_stdev, features, padding)(network.input, network.output))
    model.compile(jit_compile=False)  # XLA compiles anew for every size of image
    return model
