"""The network's architecture as plain data: what every engine builds, and what a file of weights must hold.

Layers are named after the variables of TensorFlow-slim's checkpoints: ``block1_unit_2_conv3`` and
``block1_unit_2_conv3_bn`` here are ``block1/unit_2/bottleneck_v1/conv3`` and its ``BatchNorm`` there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from deepercut import DeepercutError

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Bottleneck units in blocks 1 to 4 for each depth."""

STEM_FILTERS = 64
STEM_STRIDE = 4
EPSILON = 1e-5

FEATURE_STRIDE = 16
"""Pixels per cell of the features; inputs are padded to a multiple of it."""

HEADS = ("part_pred", "locref_pred", "part_pred_interm")
_MOST_VALUES = 2**28
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


class Bottleneck(NamedTuple):
    """A unit of a ResNet: 1x1, 3x3 and 1x1 convolutions beside a shortcut.

    Parameters
    ----------
    name : str
        First part of its layers' names.
    inputs : int
        Channels that enter it.
    filters : int
        Channels of its first two convolutions; four times as many leave it.
    stride, dilation : int
        Of its 3x3 convolution; the stride holds for the shortcut too.
    """

    name: str
    inputs: int
    filters: int
    stride: int
    dilation: int

    @property
    def outputs(self) -> int:
        """Channels that leave it."""
        return 4 * self.filters

    @property
    def projects(self) -> bool:
        """Whether the shortcut is a convolution, because the number of channels changes."""
        return self.inputs != self.outputs


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


def bottlenecks(depth: int, output_stride: int = FEATURE_STRIDE) -> Iterator[Bottleneck]:
    """List the units of ResNet v1 in the order of the data flow.

    A block's down-sampling sits in its last unit. Once `output_stride` is reached, later down-sampling becomes
    dilation of the 3x3 convolutions behind it, so that every kernel still sees the surroundings it was trained on.

    Parameters
    ----------
    depth : {50, 101, 152}
        Number of layers.
    output_stride : {16, 32}, optional
        Input pixels per cell of block 4's output.

    Yields
    ------
    Bottleneck
        From ``block1_unit_1`` to block 4's last.

    Raises
    ------
    DeepercutError
        If `depth` is not one of ResNet's.

    Examples
    --------
    >>> next(bottlenecks(50))
    Bottleneck(name='block1_unit_1', inputs=64, filters=64, stride=1, dilation=1)
    >>> [unit.stride for unit in bottlenecks(50)]
    [1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]

    References
    ----------
    He et al. 2015, arXiv 1512.03385, table 1; Insafutdinov et al. 2016, arXiv 1605.03170, section 3 (dilation).
    """
    check_depth(depth)
    inputs, reached, dilation = STEM_FILTERS, STEM_STRIDE, 1
    for block, units in enumerate(UNITS[depth], start=1):
        filters = STEM_FILTERS * 2 ** (block - 1)
        block_stride = 2 if block < 4 else 1
        stride = block_stride if reached < output_stride else 1
        for unit in range(1, units + 1):
            bottleneck = Bottleneck(
                f"block{block}_unit_{unit}", inputs, filters, stride if unit == units else 1, dilation
            )
            yield bottleneck
            inputs = bottleneck.outputs
        reached *= stride
        dilation *= block_stride // stride


def weight_shapes(depth: int, num_joints: int, location_refinement: bool = True) -> dict[str, tuple[int, ...]]:
    """Tell what a file of weights must hold for the network to find poses.

    Parameters
    ----------
    depth : {50, 101, 152}
        Layers of the ResNet.
    num_joints : int
        Number of body parts K.
    location_refinement : bool, optional
        Whether there is a location refinement head.

    Returns
    -------
    dict of str to tuple of int
        Shapes by ``<layer>/<variable>``: kernels (rows, columns, inputs, outputs), those of the heads
        (rows, columns, outputs, inputs). Intermediate supervision serves training only.

    Raises
    ------
    DeepercutError
        If `depth` is not one of ResNet's.

    Examples
    --------
    >>> weight_shapes(50, 4)["locref_pred/kernel"]
    (3, 3, 8, 2048)
    """
    kernels: dict[str, tuple[int, ...]] = {"conv1": (7, 7, 3, STEM_FILTERS)}
    for unit in bottlenecks(depth):
        if unit.projects:
            kernels[f"{unit.name}_shortcut"] = (1, 1, unit.inputs, unit.outputs)
        kernels[f"{unit.name}_conv1"] = (1, 1, unit.inputs, unit.filters)
        kernels[f"{unit.name}_conv2"] = (3, 3, unit.filters, unit.filters)
        kernels[f"{unit.name}_conv3"] = (1, 1, unit.filters, unit.outputs)
    shapes = {f"{layer}/kernel": kernel for layer, kernel in kernels.items()}
    shapes |= {f"{layer}_bn/{name}": kernel[-1:] for layer, kernel in kernels.items() for name in BATCH_NORM}
    heads = {"part_pred": num_joints} | ({"locref_pred": 2 * num_joints} if location_refinement else {})
    for head, channels in heads.items():
        shapes |= {f"{head}/kernel": (3, 3, channels, unit.outputs), f"{head}/bias": (channels,)}
    return shapes


def refuse_too_large(shapes: Mapping[str, tuple[int, ...]], source: object) -> None:
    """Make sure, before anything is read, that arrays can be those of a network.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        What a file claims to hold.
    source : object
        The file, for messages.

    Raises
    ------
    DeepercutError
        When they would take more than 1 GB (a ResNet-152 takes a quarter of it), or a side is negative.
    """
    sizes = {name: math.prod(shape) if min(shape, default=0) >= 0 else math.inf for name, shape in shapes.items()}
    if sum(sizes.values()) > _MOST_VALUES:
        name = max(sizes, key=lambda name: sizes[name])
        raise DeepercutError(
            f"{source} claims arrays of a size that no network has, such as {name} of shape {tuple(shapes[name])}: it "
            "is of another kind, or damaged; choose other weights"
        )


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
