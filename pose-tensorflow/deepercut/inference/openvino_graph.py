"""The network as an OpenVINO model, from frames to poses, made from the weights without another framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import Node, Output
from openvino import opset13 as ops

from deepercut.network.architecture import FEATURE_STRIDE
from deepercut.network.folded import Arrays, build_features, channels_first
from deepercut.network.targets import STRIDE


def build_openvino(arrays: Arrays, depth: int, mean_pixel: Sequence[float], locref_stdev: float) -> ov.Model:
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

    Returns
    -------
    openvino.Model
        Takes frames, uint8 (B, H, W, 3), RGB of any size; gives poses, float32 (B, K, 3): x and y in pixels,
        likelihood 0..1. It computes what `posenet.build_posenet` and `targets.decode_poses` do.
    """
    frames = ops.parameter([-1, -1, -1, 3], np.uint8, name="frames")
    size = ops.gather(ops.shape_of(frames), _ints(1, 2), np.int64(0))
    x = build_features(_OpenVINO, _center_and_pad(frames, size, mean_pixel), arrays, depth)
    cells = ops.divide(ops.add(size, np.int64(STRIDE - 1)), np.int64(STRIDE))
    logits = _head(x, arrays, "part_pred", cells)
    locref = _head(x, arrays, "locref_pred", cells) if "locref_pred/bias" in arrays else None
    poses = _decode_poses(logits, locref, ops.gather(cells, np.int64(1), np.int64(0)), locref_stdev)
    frames.output(0).set_names({"frames"})
    poses.output(0).set_names({"poses"})
    return ov.Model([poses], [frames], f"posenet_{depth}")


def _ints(*values: int) -> np.ndarray:
    """Return a constant of the type that OpenVINO's sizes and axes have."""
    return np.array(values, np.int64)


def _center_and_pad(frames: Node, size: Node, mean_pixel: Sequence[float]) -> Node:
    """Subtract the mean pixel, move the channels to the front, and pad with zero at the bottom and right."""
    x = ops.subtract(ops.convert(frames, "f32"), np.array(mean_pixel, np.float32))
    padding = ops.concat([_ints(0, 0), ops.floor_mod(ops.negative(size), np.int64(FEATURE_STRIDE))], axis=0)
    return ops.pad(ops.transpose(x, _ints(0, 3, 1, 2)), _ints(0, 0, 0, 0), padding, "constant", np.float32(0))


class _OpenVINO:
    """OpenVINO as a `folded.Graph`."""

    add = staticmethod(ops.add)
    relu = staticmethod(ops.relu)

    @staticmethod
    def convolve(x: Node, name: str, kernel: np.ndarray, bias: np.ndarray, stride: int, dilation: int) -> Node:
        padding = [dilation * (kernel.shape[-1] // 2)] * 2
        x = ops.convolution(x, kernel, [stride] * 2, padding, padding, [dilation] * 2, name=name)
        return ops.add(x, _per_channel(bias))

    @staticmethod
    def max_pool(x: Node, size: int, stride: int, end_padding: int) -> Output:
        return ops.max_pool(x, [stride] * 2, [1, 1], [0, 0], [end_padding] * 2, [size] * 2).output(0)


def _head(x: Node, arrays: Arrays, name: str, cells: Node) -> Node:
    """Double the resolution by a transposed convolution; keep the cells that do not lie in the padding."""
    kernel, bias = arrays[f"{name}/kernel"], arrays[f"{name}/bias"]
    x = ops.convolution_backprop_data(x, channels_first(kernel), [2, 2], None, [0, 0], [1, 1], [1, 1])
    return ops.slice(ops.add(x, _per_channel(bias)), _ints(0, 0), cells, _ints(1, 1), _ints(2, 3))


def _decode_poses(logits: Node, locref: Node | None, columns: Node, locref_stdev: float) -> Node:
    """Return each part's best cell, moved by its refinement, with its likelihood; see `targets.decode_poses`."""
    parts = logits.get_output_partial_shape(0)[1].get_length()
    scores = ops.reshape(logits, _ints(0, parts, -1), special_zero=True)
    top = ops.topk(scores, np.int64(1), axis=2, mode="max", sort="value", index_element_type="i64", stable=True)
    score, best = top.outputs()
    cell = ops.concat([ops.mod(best, columns), ops.divide(best, columns)], axis=2)
    xy = ops.add(ops.multiply(ops.convert(cell, "f32"), np.float32(STRIDE)), np.float32(STRIDE / 2))
    if locref is not None:
        offsets = ops.reshape(locref, _ints(0, parts, 2, -1), special_zero=True)
        both = ops.tile(ops.unsqueeze(best, np.int64(2)), _ints(1, 1, 2, 1))
        offset = ops.squeeze(ops.gather_elements(offsets, both, axis=3), np.int64(3))
        xy = ops.add(xy, ops.multiply(offset, np.float32(locref_stdev)))
    return ops.concat([xy, ops.sigmoid(score)], axis=2)


def _per_channel(values: np.ndarray) -> np.ndarray:
    """Return one number per channel as float32 (1, C, 1, 1)."""
    return values.astype(np.float32).reshape(1, -1, 1, 1)
