"""The two directions between pixels and score map cells: training targets, and poses from predictions.

The convention, here and nowhere else: cell (row j, column i) of a score map stands for the 8x8 pixels that begin at
pixel (8 i, 8 j), and looks at pixel (8 i + 4, 8 j + 4).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepercut import DeepercutError
from deepercut.backend import Tensor

STRIDE = 8
"""Pixels per score map cell."""

PEAK_CELLS = 3
"""Cells to each side of the best one that belong to its peak; targets are positive within two."""

LEAST_LOGIT, LEAST_LIKELIHOOD = -1e4, 1e-30
"""What stands for cells that are not looked at, and keeps a division by the likelihood finite."""

ANSWER = ("x", "y", "likelihood", "second_likelihood", "second_distance_px", "peak_width_px")
"""Of a network that tells about its maps: the pose, then of the best cell outside its peak the likelihood and how far
it is, then the side of a square as large as the peak's volume over its height. The last four are 'the features'."""


def cell_centers(cells: int) -> np.ndarray:
    """Return the pixel that each of a row's cells looks at.

    Parameters
    ----------
    cells : int
        Length of the score map along one axis.

    Returns
    -------
    ndarray of shape (cells,), float64
        Pixel coordinates along this axis.

    Examples
    --------
    >>> cell_centers(3)
    array([ 4., 12., 20.])
    """
    return np.arange(cells) * float(STRIDE) + STRIDE / 2


def map_size(size_px: int) -> int:
    """Return the cells along one axis of the network's output, those of the padding included.

    Parameters
    ----------
    size_px : int
        Height or width of the network's input.

    Returns
    -------
    int
        ceil(size_px / 16) * 2.

    Examples
    --------
    >>> map_size(16), map_size(17), map_size(406)
    (2, 4, 52)
    """
    return -(-size_px // (2 * STRIDE)) * 2


def covered_cells(size_px: int) -> int:
    """Return the cells along one axis that stand for at least one pixel of an image that is padded.

    Parameters
    ----------
    size_px : int or integer tensor of shape ()
        Height or width of the image, without padding.

    Returns
    -------
    int or tensor
        ceil(size_px / 8); cells from this number on lie in the padding.

    Examples
    --------
    >>> covered_cells(16), covered_cells(17), covered_cells(406)
    (2, 3, 51)
    """
    return -(-size_px // STRIDE)


def make_targets(
    joints: np.ndarray,
    shape: tuple[int, int],
    scale: float,
    pos_dist_thresh: float,
    locref_stdev: float,
    num_joints: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the network shall answer for one image.

    A cell is positive for a part if the pixel it looks at is at most ``pos_dist_thresh * scale`` from a joint of it.

    Parameters
    ----------
    joints : ndarray of shape (M, 3)
        Part number from 0, x and y in pixels of the scaled image. A part may occur several times or not at all; NaN is
        no joint.
    shape : (height, width)
        Size in pixels of what enters the network.
    scale : float
        Size of the scaled image relative to the original.
    pos_dist_thresh : float
        Radius in pixels of the original image.
    locref_stdev : float
        Unit in pixels of the location refinement.
    num_joints : int
        Number of parts K.

    Returns
    -------
    scores : ndarray of shape (R, C, K), float32
        1 in positive cells, else 0.
    locref : ndarray of shape (R, C, 2K), float32
        dx and dy of each part in turn from a positive cell's pixel to the nearest joint, over `locref_stdev`; else 0.
    mask : ndarray of shape (R, C, 2K), float32
        1 where `locref` counts, else 0.

    Raises
    ------
    DeepercutError
        If a part number is not one of 0 .. K - 1.

    Notes
    -----
    Differs from v1: where two joints of one part overlap, the nearest counts; there, the last.

    Examples
    --------
    >>> joints = np.array([[0, 13.0, 4.0]])
    >>> scores, locref, _ = make_targets(joints, (16, 32), 1.0, 5.0, 2.0, num_joints=1)
    >>> scores[..., 0]
    array([[0., 1., 0., 0.],
           [0., 0., 0., 0.]], dtype=float32)
    >>> locref[0, 1]  # joint (13, 4), pixel (12, 4)
    array([0.5, 0. ], dtype=float32)

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3.
    """
    joints = np.asarray(joints, dtype=float).reshape(-1, 3)
    rows, cols = map(map_size, shape)
    center_x, center_y = cell_centers(cols), cell_centers(rows)[:, np.newaxis]
    nearest = np.full((rows, cols, num_joints), (pos_dist_thresh * scale) ** 2)
    scores = np.zeros((rows, cols, num_joints), np.float32)
    locref = np.zeros((rows, cols, num_joints, 2), np.float32)
    for part, x, y in zip(_part_numbers(joints, num_joints), joints[:, 1], joints[:, 2], strict=True):
        dx, dy = np.broadcast_arrays(x - center_x, y - center_y)
        distance = dx**2 + dy**2
        hit = distance <= nearest[..., part]
        nearest[hit, part] = distance[hit]
        scores[hit, part] = 1
        locref[hit, part] = np.stack([dx[hit], dy[hit]], axis=-1) / locref_stdev
    return scores, locref.reshape(rows, cols, -1), np.repeat(scores, 2, axis=-1)


def make_weights(
    joints: np.ndarray,
    shape: tuple[int, int],
    image_shape: tuple[int, int],
    num_joints: int,
    only_present: bool = False,
) -> np.ndarray:
    """Return how much each cell and part counts in the part loss of one image.

    Parameters
    ----------
    joints : ndarray of shape (M, 3)
        Part number from 0, x and y; NaN is no joint.
    shape : (height, width)
        Size in pixels of what enters the network.
    image_shape : (height, width)
        Size in pixels of the image in its top left corner; the rest is padding and gets weight 0.
    num_joints : int
        Number of parts K.
    only_present : bool, optional
        Whether parts without a joint get weight 0: both weigh_part_predictions and weigh_only_present_joints are on.

    Returns
    -------
    ndarray of shape (R, C, K), float32
        0 or 1.

    Raises
    ------
    DeepercutError
        If a part number is not one of 0 .. K - 1.

    Examples
    --------
    >>> make_weights(np.empty((0, 3)), (16, 32), (16, 20), num_joints=1)[..., 0]
    array([[1., 1., 1., 0.],
           [1., 1., 1., 0.]], dtype=float32)
    """
    joints = np.asarray(joints, dtype=float).reshape(-1, 3)
    present = np.full(num_joints, not only_present)
    present[_part_numbers(joints[np.isfinite(joints).all(axis=1)], num_joints)] = True
    weights = np.zeros((*map(map_size, shape), num_joints), np.float32)
    rows, cols = map(covered_cells, image_shape)
    weights[:rows, :cols, present] = 1
    return weights


def decode_poses(
    outputs: Mapping[str, Tensor],
    locref_stdev: float,
    image_shape: tuple[int, int] | None,
    *,
    features: bool = False,
) -> Tensor:
    """Return the most likely position of each part.

    Runs on the device, inside a compiled function too, so that only the poses leave it.

    Parameters
    ----------
    outputs : mapping of str to tensor
        Of the network: ``part_pred`` (B, R, C, K), logits; with location refinement ``locref_pred`` (B, R, C, 2K).
    locref_stdev : float
        Unit in pixels of the location refinement.
    image_shape : (height, width) or None
        Size in pixels of the images, without padding. Cells in the padding are not looked at. None: the images were
        not padded, and the best cell is looked for as DeepLabCut does, in the whole map and by its likelihood: where
        several have the same, such as 1, it is the first.
    features : bool, optional
        Whether to tell about the maps too.

    Returns
    -------
    tensor of shape (B, K, 3) or, with `features`, (B, K, 6), float32
        x and y in pixels of the images given to the network, likelihood 0..1; then the rest of `ANSWER`, in pixels
        of the images too. Where the map has no cell outside the peak, second likelihood and distance are 0.

    References
    ----------
    Mathis et al. 2018, arXiv 1804.03142, methods.
    """
    from keras import ops  # here, because all else in this module serves engines without Keras too

    rows, cols = map(covered_cells, image_shape) if image_shape else (None, None)
    logits = ops.cast(outputs["part_pred"], "float32")[:, :rows, :cols]
    batch, rows, cols, parts = ops.shape(logits)
    logits = ops.reshape(logits, (batch, rows * cols, parts))
    best = ops.argmax(logits if image_shape else ops.sigmoid(logits), axis=1)
    xy = ops.cast(ops.stack([best % cols, best // cols], axis=-1), "float32") * STRIDE + STRIDE / 2
    if "locref_pred" in outputs:
        locref = ops.cast(outputs["locref_pred"], "float32")[:, :rows, :cols]
        locref = ops.reshape(locref, (batch * rows * cols * parts, 2))
        first = ops.arange(batch, dtype="int32")[:, None] * rows * cols  # int64 has no quick kernels on all CPUs
        place = (first + ops.cast(best, "int32")) * parts + ops.arange(parts, dtype="int32")
        xy += ops.take(locref, place, axis=0) * locref_stdev
    likelihood = ops.sigmoid(ops.max(logits, axis=1))
    poses = ops.concatenate([xy, likelihood[..., None]], axis=-1)
    return ops.concatenate([poses, _describe_peaks(logits, best, rows, cols)], axis=-1) if features else poses


def _describe_peaks(logits: Tensor, best: Tensor, rows: int | Tensor, cols: int | Tensor) -> Tensor:
    """Return what `ANSWER` has after the pose, (B, K, 3), of flat logits (B, R C, K) and their best cells (B, K)."""
    from keras import ops

    batch, cells, parts = ops.shape(logits)
    best = ops.cast(best, "int32")
    near_row = ops.abs(ops.arange(rows, dtype="int32")[:, None] - best[:, None] // cols) <= PEAK_CELLS
    near_col = ops.abs(ops.arange(cols, dtype="int32")[:, None] - best[:, None] % cols) <= PEAK_CELLS
    is_peak = ops.reshape(near_row[:, :, None] & near_col[:, None], (batch, cells, parts))
    outside = ops.where(is_peak, LEAST_LOGIT, logits)
    second, second_logit = ops.cast(ops.argmax(outside, axis=1), "int32"), ops.max(outside, axis=1)
    away = ops.cast(ops.square(second // cols - best // cols) + ops.square(second % cols - best % cols), "float32")
    distance = ops.where(second_logit > LEAST_LOGIT, STRIDE * ops.sqrt(away), 0.0)
    volume = ops.sum(ops.where(is_peak, ops.sigmoid(logits), 0.0), axis=1)
    height = ops.maximum(ops.sigmoid(ops.max(logits, axis=1)), LEAST_LIKELIHOOD)
    return ops.stack([ops.sigmoid(second_logit), distance, STRIDE * ops.sqrt(volume / height)], axis=-1)


def _part_numbers(joints: np.ndarray, num_joints: int) -> np.ndarray:
    """Return the joints' part numbers as int, or raise for one that does not exist."""
    ids = joints[:, 0]
    wrong = ~np.isin(ids, np.arange(num_joints))
    if wrong.any():
        raise DeepercutError(
            f"a joint has the part number {ids[wrong][0]:g}; with num_joints {num_joints}, accepted are 0 to "
            f"{num_joints - 1}"
        )
    return ids.astype(int)
