"""The network with every batch normalization folded into the convolution before it, in any language of graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from deepercut.network.architecture import EPSILON, Bottleneck, bottlenecks

Arrays = Mapping[str, np.ndarray]
"""Weights by ``<layer>/<variable>``."""


class Graph(Protocol):
    """What a language of graphs must offer; maps are (B, C, rows, columns), kernels (outputs, inputs, ...)."""

    def convolve(self, x: Any, name: str, kernel: np.ndarray, bias: np.ndarray, stride: int, dilation: int) -> Any:
        """Convolve, with half a (dilated) kernel of zeros on each side, and add the bias; the node gets the name."""

    def max_pool(self, x: Any, size: int, stride: int) -> Any:
        """Take the maximum of windows, padded as TensorFlow's 'same' is: so much that as many windows as begin fit.

        Half of it lies on each side, and what is odd at the bottom and right. Padding never wins.
        """

    def add(self, a: Any, b: Any) -> Any:
        """Add two maps."""

    def relu(self, x: Any) -> Any:
        """Rectify."""


def build_features(graph: Graph, x: Any, arrays: Arrays, depth: int) -> Any:
    """Build the ResNet from centred and padded images to block 4's output.

    Parameters
    ----------
    graph : Graph
        The language.
    x : object
        Images in it, (B, 3, H, W), float32.
    arrays : mapping of str to ndarray
        All that `architecture.weight_shapes` names.
    depth : {50, 101, 152}
        Layers of the ResNet.

    Returns
    -------
    object
        The features, (B, 2048, H / 16, W / 16).
    """
    x = graph.relu(graph.convolve(x, "conv1", *fold_batch_norm(arrays, "conv1"), stride=2, dilation=1))
    x = graph.max_pool(x, 3, 2)
    for unit in bottlenecks(depth):
        x = _bottleneck(graph, x, arrays, unit)
    return x


def _bottleneck(graph: Graph, x: Any, arrays: Arrays, unit: Bottleneck) -> Any:
    """Add a 1x1, 3x3, 1x1 branch to the shortcut."""

    def convolve(x: Any, layer: str, stride: int = 1, dilation: int = 1) -> Any:
        name = f"{unit.name}_{layer}"
        return graph.convolve(x, name, *fold_batch_norm(arrays, name), stride, dilation)

    if unit.projects:
        shortcut = convolve(x, "shortcut", unit.stride)
    else:
        shortcut = x if unit.stride == 1 else graph.max_pool(x, 1, unit.stride)
    x = graph.relu(convolve(x, "conv1"))
    x = graph.relu(convolve(x, "conv2", unit.stride, unit.dilation))
    return graph.relu(graph.add(convolve(x, "conv3"), shortcut))


def fold_batch_norm(arrays: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Make one convolution of a convolution and the batch normalization behind it.

    Both are linear: gamma * (k * x - mean) / sqrt(variance + epsilon) + beta.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``<name>/kernel`` and ``<name>_bn/...``.
    name : str
        Of the convolution.

    Returns
    -------
    kernel : ndarray of shape (outputs, inputs, rows, columns), float32
        The kernel times the batch norm's factor.
    bias : ndarray of shape (outputs,), float32
        The rest of it.

    Examples
    --------
    >>> norm = {"gamma": 6.0, "beta": 1.0, "moving_mean": 0.5, "moving_variance": 4.0 - EPSILON}
    >>> arrays = {f"conv1_bn/{key}": np.array([value]) for key, value in norm.items()}
    >>> kernel, bias = fold_batch_norm({**arrays, "conv1/kernel": np.ones((1, 1, 1, 1), np.float32)}, "conv1")
    >>> kernel.item(), bias.item()
    (3.0, -0.5)
    """
    gamma, beta, mean, variance = (
        arrays[f"{name}_bn/{variable}"].astype(float)
        for variable in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    factor = gamma / np.sqrt(variance + EPSILON)
    kernel = arrays[f"{name}/kernel"] * factor.astype(np.float32)
    return channels_first(kernel), (beta - mean * factor).astype(np.float32)


def channels_first(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel (rows, columns, a, b) as float32 (b, a, rows, columns)."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), np.float32)
