"""The network as an OpenVINO model, from frames to poses, made from the weights without another framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov
from openvino import Node, Output, opset1
from openvino import opset13 as ops

from deepercut.network.architecture import FEATURE_STRIDE
from deepercut.network.folded import Arrays, build_features, channels_first
from deepercut.network.targets import LEAST_LIKELIHOOD, LEAST_LOGIT, PEAK_CELLS, STRIDE

LARGEST = 127
"""Of the 8-bit integers, with a sign, that the kernels of products of integers hold."""


def build_openvino(
    arrays: Arrays,
    depth: int,
    mean_pixel: Sequence[float],
    locref_stdev: float,
    *,
    features: bool = False,
    padding: bool = True,
    integers: bool = False,
) -> ov.Model:
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
    features : bool, optional
        Whether to tell about the maps too.
    padding : bool, optional
        Whether to pad frames to multiples of 16 pixels.
    integers : bool, optional
        Whether to lay it out for `precision.quantize`: the first convolution multiplies pixels, which are 8-bit
        integers already, with a kernel rounded to such (0.1 px), and the location refinement is computed in the best
        cells alone (0.00002 px at most).

    Returns
    -------
    openvino.Model
        Takes frames, uint8 (B, H, W, 3), RGB of any size; gives poses, float32 (B, K, 3): x and y in pixels,
        likelihood 0..1; with `features` (B, K, 6), see `targets.ANSWER`. It computes what `posenet.build_posenet` and
        `targets.decode_poses` do.
    """
    frames = ops.parameter([-1, -1, -1, 3], np.uint8, name="frames")
    size = ops.gather(ops.shape_of(frames), _ints(1, 2), np.int64(0))
    graph, x = (_OfPixels(mean_pixel), _pixels(frames)) if integers else (_OpenVINO(), _center(frames, mean_pixel))
    x = build_features(graph, _pad(x, size) if padding else x, arrays, depth)
    cells = _cells(size, padding)
    logits = _head(x, arrays, "part_pred", cells)
    rows, columns = (ops.gather(cells, np.int64(axis), np.int64(0)) for axis in (0, 1))
    best, score = _best_cells(logits) if padding else _most_likely_cells(logits)
    cell = ops.concat([ops.divide(best, columns), ops.mod(best, columns)], axis=2)
    locref = None
    if "locref_pred/bias" in arrays:
        locref = _locref_at(x, arrays, cell) if integers else _pick(_head(x, arrays, "locref_pred", cells), best)
    poses = _decode_poses(cell, score, locref, locref_stdev)
    if features:
        poses = ops.concat([poses, _describe_peaks(logits, best, score, rows, columns)], axis=2)
    frames.output(0).set_names({"frames"})
    poses.output(0).set_names({"poses"})
    return ov.Model([poses], [frames], f"posenet_{depth}")


def _ints(*values: int) -> np.ndarray:
    """Return a constant of the type that OpenVINO's sizes and axes have."""
    return np.array(values, np.int64)


def _center(frames: Node, mean_pixel: Sequence[float]) -> Node:
    """Subtract the mean pixel, and move the channels to the front."""
    x = ops.add(ops.convert(frames, "f32"), -np.array(mean_pixel, np.float32))
    return ops.transpose(x, _ints(0, 3, 1, 2))


def _pixels(frames: Node) -> Node:
    """Move the channels to the front, and add what `_OfPixels` sees too: negatives, a plane of 255 and one of 1."""
    x = ops.transpose(frames, _ints(0, 3, 1, 2))
    x = ops.concat([x, ops.subtract(np.uint8(255), x)], axis=1)
    for value in (255, 1):
        x = opset1.pad(x, _ints(0, 0, 0, 0), _ints(0, 1, 0, 0), "constant", np.uint8(value))
    return x


def _pad(x: Node, size: Node) -> Node:
    """Pad with zero at the bottom and right."""
    ends = ops.concat([_ints(0, 0), ops.floor_mod(ops.negative(size), np.int64(FEATURE_STRIDE))], axis=0)
    return opset1.pad(x, _ints(0, 0, 0, 0), ends, "constant", ops.constant(0, x.get_element_type()))


def _cells(size: Node, padding: bool) -> Node:
    """Return the rows and columns to look at: those that show a pixel, or, without padding, all of the map's."""
    if padding:
        return ops.divide(ops.add(size, np.int64(STRIDE - 1)), np.int64(STRIDE))
    features = ops.divide(ops.add(size, np.int64(FEATURE_STRIDE - 1)), np.int64(FEATURE_STRIDE))
    return ops.multiply(features, np.int64(2))


class _OpenVINO:
    """OpenVINO as a `folded.Graph`.

    Operations are those that OpenVINO runs as they are. Others it first replaces, a subtraction by an addition, and the
    new ones lack the mark that `engines.hold_in_float32` gives.
    """

    add = staticmethod(ops.add)
    relu = staticmethod(ops.relu)

    def convolve(
        self, x: Node, name: str, kernel: np.ndarray | Node, bias: np.ndarray, stride: int, dilation: int
    ) -> Node:
        padding = [dilation * (kernel.shape[-1] // 2)] * 2
        x = ops.convolution(x, kernel, [stride] * 2, padding, padding, [dilation] * 2, name=name)
        return ops.add(x, _per_channel(bias))

    @staticmethod
    def max_pool(x: Node, size: int, stride: int) -> Node:
        none = [0, 0]  # auto_pad goes before it
        return opset1.max_pool(x, [stride] * 2, none, none, [size] * 2, auto_pad="same_upper")


class _OfPixels(_OpenVINO):
    """The same, whose first convolution is one of 8-bit integers and subtracts the mean pixel by itself.

    It sees the 8 planes of `_pixels`, which are all 0 outside the image, where the mean pixel is meant to be. An
    integer w of the kernel becomes w/2 for a pixel p and -w/2 for its negative, 255 - p. What these and the mean pixel
    leave over is the same wherever there is an image, 255 a + b. Halves, at most 64, because CPUs without VNNI add two
    products in 16 bits.
    """

    def __init__(self, mean_pixel: Sequence[float]) -> None:
        self._mean = np.array(mean_pixel).reshape(3, 1, 1)

    def convolve(self, x: Node, name: str, kernel: np.ndarray, bias: np.ndarray, stride: int, dilation: int) -> Node:
        if name != "conv1":
            return super().convolve(x, name, kernel, bias, stride, dilation)
        times_255 = 1.02 * (kernel * (127.5 - self._mean) / 255).sum(axis=1, keepdims=True)  # with room for rounding
        largest = np.abs(np.concatenate([kernel, times_255], axis=1)).max(axis=(1, 2, 3), keepdims=True)
        largest = np.maximum(largest, np.finfo(np.float32).tiny).astype(np.float32)
        step = largest / np.float32(LARGEST)
        black, white = np.float32(0), np.float32(255)
        x = ops.fake_quantize(ops.convert(x, "f32"), black, white, black, white, 256)
        whole = self._of_planes(np.rint(kernel / step)).astype(np.float32) * step
        rounded = ops.fake_quantize(whole, -largest, largest, -largest, largest, 2 * LARGEST + 1)
        return super().convolve(x, name, rounded, bias, stride, dilation)

    def _of_planes(self, kernel: np.ndarray) -> np.ndarray:
        """Return the kernel of integers (outputs, 8, rows, columns) for one of centred pixels, (outputs, 3, ...)."""
        negative = -np.floor(kernel / 2)
        over = -(kernel * self._mean + 255 * negative).sum(axis=1, keepdims=True)
        times_255 = np.rint(over / 255)
        return np.concatenate([kernel + negative, negative, times_255, np.rint(over - 255 * times_255)], axis=1)


def _head(x: Node, arrays: Arrays, name: str, cells: Node) -> Node:
    """Double the resolution by a transposed convolution; keep the cells that do not lie in the padding."""
    kernel, bias = arrays[f"{name}/kernel"], arrays[f"{name}/bias"]
    x = ops.convolution_backprop_data(x, channels_first(kernel), [2, 2], None, [0, 0], [1, 1], [1, 1])
    return ops.slice(ops.add(x, _per_channel(bias)), _ints(0, 0), cells, _ints(1, 1), _ints(2, 3))


def _best_cells(logits: Node) -> tuple[Output, Output]:
    """Return which cell is the best of each part, counted row by row, and its logit; (B, K, 1) both."""
    scores = ops.reshape(logits, _ints(0, 0, -1), special_zero=True)
    top = ops.topk(scores, np.int64(1), axis=2, mode="max", sort="value", index_element_type="i64", stable=True)
    score, best = top.outputs()
    return best, score


def _most_likely_cells(logits: Node) -> tuple[Output, Output]:
    """Return the same, but of cells with one and the same likelihood the first, whatever their logits."""
    best, _ = _best_cells(ops.sigmoid(logits))
    scores = ops.reshape(logits, _ints(0, 0, -1), special_zero=True)
    return best, ops.gather_elements(scores, best, axis=2).output(0)


def _pick(locref: Node, best: Output) -> Node:
    """Return the location refinement of each part in its best cell, (B, K, 2: dx, dy)."""
    parts = best.get_partial_shape()[1].get_length()
    offsets = ops.reshape(locref, _ints(0, parts, 2, -1), special_zero=True)
    both = ops.tile(ops.unsqueeze(best, np.int64(2)), _ints(1, 1, 2, 1))
    return ops.squeeze(ops.gather_elements(offsets, both, axis=3), np.int64(3))


def _locref_at(x: Node, arrays: Arrays, cell: Node) -> Node:
    """Compute the same from the features that each part's cell (B, K, 2: row, column) sees, and no other.

    A transposed convolution of stride 2 sees, from an even row, tap 0 of the row of features at half its number and tap
    2 of the one before; from an odd row, tap 1 of the row at half its number. The same holds for columns.
    """
    kernel, bias = channels_first(arrays["locref_pred/kernel"]), arrays["locref_pred/bias"].astype(np.float32)
    channels, parts = kernel.shape[0], kernel.shape[1] // 2
    half, odd = (ops.unsqueeze(each, _ints(2)) for each in (ops.divide(cell, np.int64(2)), ops.mod(cell, np.int64(2))))
    back = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.int64)  # rows and columns before
    seen_at, tap = ops.maximum(ops.subtract(half, back), np.int64(0)), ops.maximum(odd, 2 * back)  # (B, K, 4, 2)
    is_seen = ops.logical_and(ops.greater_equal(half, back), ops.equal(ops.multiply(odd, back), np.int64(0)))
    columns = ops.gather(ops.shape_of(x), _ints(3), np.int64(0))
    flat = ops.reshape(x, _ints(0, channels, -1), special_zero=True)
    seen = ops.gather(flat, _in_line(seen_at, columns), np.int64(2), batch_dims=1)  # (B, channels, K, 4)
    seen = ops.transpose(seen, _ints(0, 2, 3, 1))
    weight = ops.convert(ops.reduce_logical_and(is_seen, _ints(3), keep_dims=True), "f32")
    by_part = kernel.reshape(channels, parts, 2, 9).transpose(1, 3, 2, 0).reshape(parts * 9, 2, channels)
    first = (9 * np.arange(parts, dtype=np.int64)).reshape(1, parts, 1)
    kernels = ops.gather(np.ascontiguousarray(by_part), ops.add(_in_line(tap, np.int64(3)), first), np.int64(0))
    products = ops.multiply(ops.unsqueeze(ops.multiply(seen, weight), _ints(3)), kernels)  # (B, K, 4, 2, channels)
    return ops.add(ops.reduce_sum(products, _ints(2, 4)), bias.reshape(1, parts, 2))


def _in_line(places: Node, columns: Node | np.int64) -> Node:
    """Return the numbers of places (..., 2: row, column) that are counted row by row."""
    row, column = (ops.gather(places, np.int64(axis), np.int64(3)) for axis in (0, 1))
    return ops.add(ops.multiply(row, columns), column)


def _decode_poses(cell: Node, score: Output, locref: Node | None, locref_stdev: float) -> Node:
    """Return each part's best cell, moved by its refinement, with its likelihood; see `targets.decode_poses`."""
    column_row = ops.gather(cell, _ints(1, 0), np.int64(2))
    xy = ops.add(ops.multiply(ops.convert(column_row, "f32"), np.float32(STRIDE)), np.float32(STRIDE / 2))
    if locref is not None:
        xy = ops.add(xy, ops.multiply(locref, np.float32(locref_stdev)))
    return ops.concat([xy, ops.sigmoid(score)], axis=2)


def _describe_peaks(logits: Node, best: Output, score: Output, rows: Node, columns: Node) -> Node:
    """Return what `targets.ANSWER` has after the pose, (B, K, 3), as `targets.decode_poses` does."""
    row, column = ops.divide(best, columns), ops.mod(best, columns)
    is_peak = ops.logical_and(_is_near(row, rows, 3), _is_near(column, columns, 2))
    second, second_score = _best_cells(ops.select(is_peak, np.float32(LEAST_LOGIT), logits))
    steps = (ops.subtract(ops.divide(second, columns), row), ops.subtract(ops.mod(second, columns), column))
    away = ops.sqrt(ops.convert(ops.add(*(ops.multiply(step, step) for step in steps)), "f32"))
    is_found = ops.greater(second_score, np.float32(LEAST_LOGIT))
    distance = ops.select(is_found, ops.multiply(away, np.float32(STRIDE)), np.float32(0))
    volume = ops.reduce_sum(ops.select(is_peak, ops.sigmoid(logits), np.float32(0)), _ints(2, 3))
    height = ops.maximum(ops.sigmoid(score), np.float32(LEAST_LIKELIHOOD))
    width = ops.multiply(ops.sqrt(ops.divide(ops.unsqueeze(volume, _ints(2)), height)), np.float32(STRIDE))
    return ops.concat([ops.sigmoid(second_score), distance, width], axis=2)


def _is_near(place: Node, count: Node, missing_axis: int) -> Node:
    """Tell which cells along one axis belong to the peak at a place (B, K, 1); (B, K, R, 1) or (B, K, 1, C)."""
    cells = ops.range(np.int64(0), count, np.int64(1), "i64")
    distance = ops.absolute(ops.subtract(cells, place))
    return ops.unsqueeze(ops.less_equal(distance, np.int64(PEAK_CELLS)), _ints(missing_axis))


def _per_channel(values: np.ndarray) -> np.ndarray:
    """Return one number per channel as float32 (1, C, 1, 1)."""
    return values.astype(np.float32).reshape(1, -1, 1, 1)
