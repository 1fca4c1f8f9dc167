"""The network as an ONNX model, from frames to poses, made from the weights without another framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from deepercut.network.architecture import FEATURE_STRIDE
from deepercut.network.folded import Arrays, build_features, channels_first
from deepercut.network.targets import STRIDE

OPSET, IR_VERSION = 17, 8
"""Of 2022: runtimes of the years since can load them, and nothing newer is needed."""


def build_onnx(
    arrays: Arrays, depth: int, mean_pixel: Sequence[float], locref_stdev: float, *, padding: bool = True
) -> onnx.ModelProto:
    """Build the network.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        All that `architecture.weight_shapes` names; without ``locref_pred``, poses are the centres of cells.
    depth : {50, 101, 152}
        Layers of the ResNet.
    mean_pixel : sequence of 3 float
        RGB, 0..255.
    locref_stdev : float
        Unit in pixels of the location refinement.
    padding : bool, optional
        Whether to pad frames to multiples of 16 pixels.

    Returns
    -------
    onnx.ModelProto
        Takes ``frames``, uint8 (B, H, W, 3), RGB of any size; gives ``poses``, float32 (B, K, 3): x and y in pixels,
        likelihood 0..1. It computes what `posenet.build_posenet` and `targets.decode_poses` do.
    """
    graph = _Onnx()
    size = graph("Gather", graph("Shape", "frames"), _ints(1, 2))
    x = _center(graph, mean_pixel)
    features = build_features(graph, _pad(graph, x, size) if padding else x, arrays, depth)
    cells = _cells(graph, size, padding)
    logits = _head(graph, features, arrays, "part_pred", cells)
    locref = _head(graph, features, arrays, "locref_pred", cells) if "locref_pred/bias" in arrays else None
    parts = arrays["part_pred/bias"].size
    scores = graph("Reshape", logits, _ints(0, parts, -1))
    if not padding:  # of cells with one and the same likelihood the first, whatever their logits
        scores = graph("Sigmoid", scores)
    likelihood = graph("ReduceMax", scores, axes=[2])
    likelihood = graph("Sigmoid", likelihood) if padding else likelihood
    best = graph("ArgMax", scores, axis=2)
    _decode_poses(graph, best, likelihood, locref, graph("Gather", cells, _ints(1)), parts, locref_stdev)
    graph.nodes[-1].output[0] = "poses"
    inputs = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["batch", "height", "width", 3])
    outputs = helper.make_tensor_value_info("poses", TensorProto.FLOAT, ["batch", parts, 3])
    made = helper.make_graph(graph.nodes, f"posenet_{depth}", [inputs], [outputs], graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION, producer_name="deepercut")


class _Onnx:
    """ONNX as a `folded.Graph`; called, it appends a node and returns the name of what the node gives."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: str | np.ndarray, **attributes: Any) -> str:
        names = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], name=output, **attributes))
        return output

    def _constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def convolve(self, x: str, name: str, kernel: np.ndarray, bias: np.ndarray, stride: int, dilation: int) -> str:
        padding = dilation * (kernel.shape[-1] // 2)
        x = self("Conv", x, kernel, bias, strides=[stride] * 2, pads=[padding] * 4, dilations=[dilation] * 2)
        self.nodes[-1].name = name
        return x

    def max_pool(self, x: str, size: int, stride: int) -> str:
        return self("MaxPool", x, kernel_shape=[size] * 2, strides=[stride] * 2, auto_pad="SAME_UPPER")

    def add(self, a: str, b: str) -> str:
        return self("Add", a, b)

    def relu(self, x: str) -> str:
        return self("Relu", x)


def _ints(*values: int) -> np.ndarray:
    """Return a constant of the type that ONNX's sizes and axes have."""
    return np.array(values, np.int64)


def _floats(*values: float) -> np.ndarray:
    """Return a constant of the type that maps have."""
    return np.array(values, np.float32)


def _center(graph: _Onnx, mean_pixel: Sequence[float]) -> str:
    """Subtract the mean pixel, and move the channels to the front."""
    x = graph("Sub", graph("Cast", "frames", to=TensorProto.FLOAT), _floats(*mean_pixel))
    return graph("Transpose", x, perm=[0, 3, 1, 2])


def _pad(graph: _Onnx, x: str, size: str) -> str:
    """Pad with zero at the bottom and right."""
    ends = graph("Mod", graph("Neg", size), _ints(FEATURE_STRIDE))
    return graph("Pad", x, graph("Concat", _ints(0, 0, 0, 0, 0, 0), ends, axis=0))


def _cells(graph: _Onnx, size: str, padding: bool) -> str:
    """Return the rows and columns to look at: those that show a pixel, or, without padding, all of the map's."""
    if padding:
        return graph("Div", graph("Add", size, _ints(STRIDE - 1)), _ints(STRIDE))
    features = graph("Div", graph("Add", size, _ints(FEATURE_STRIDE - 1)), _ints(FEATURE_STRIDE))
    return graph("Mul", features, _ints(2))


def _head(graph: _Onnx, x: str, arrays: Arrays, name: str, cells: str) -> str:
    """Double the resolution by a transposed convolution; keep the cells that do not lie in the padding."""
    kernel, bias = channels_first(arrays[f"{name}/kernel"]), arrays[f"{name}/bias"].astype(np.float32)
    x = graph("ConvTranspose", x, kernel, bias, strides=[2, 2], pads=[0, 0, 1, 1])
    return graph("Slice", x, _ints(0, 0), cells, _ints(2, 3))


def _decode_poses(
    graph: _Onnx, best: str, likelihood: str, locref: str | None, columns: str, parts: int, locref_stdev: float
) -> str:
    """Return each part's best cell, moved by its refinement, with its likelihood; see `targets.decode_poses`."""
    cell = graph("Concat", graph("Mod", best, columns), graph("Div", best, columns), axis=2)
    xy = graph("Mul", graph("Cast", cell, to=TensorProto.FLOAT), _floats(STRIDE))
    xy = graph("Add", xy, _floats(STRIDE / 2))
    if locref is not None:
        offsets = graph("Reshape", locref, _ints(0, parts, 2, -1))
        best = graph("Unsqueeze", best, _ints(2))
        offset = graph("GatherElements", offsets, graph("Concat", best, best, axis=2), axis=3)
        xy = graph("Add", xy, graph("Mul", graph("Squeeze", offset, _ints(3)), _floats(locref_stdev)))
    return graph("Concat", xy, likelihood, axis=2)
