"""A network and pictures that DeepLabCut's program and ours make alike: random, but the same in every version of NumPy.

Needs NumPy alone, since both environments run it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

PARTS = ("nose", "left", "right", "tail")
SIZES = {"396x406": (406, 396), "640x480": (480, 640), "333x250": (250, 333)}
"""Rows and columns by width x height. Of the first, one side halves to an even number of pixels and one to an odd one;
of the second both to even, of the third both to odd ones."""

CERTAIN = PARTS.index("tail")
"""The part that is seen with a likelihood of exactly 1 in many places."""


def draw_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Draw the variables of a DeepLabCut network, by their names in a checkpoint of TensorFlow 1.

    Statistics are away from 0 and 1, likelihoods spread from 0 to 1, and refinements are some pixels.
    """
    arrays = {}
    for name, shape in shapes.items():
        rng = np.random.RandomState(zlib.crc32(name.encode()))
        if name.endswith("/weights"):
            scale = 0.006 if name.startswith("pose/") else np.sqrt(1.5 / np.prod(shape[:3]))
            values = scale * rng.standard_normal(shape)
        elif name.endswith(("/gamma", "/moving_variance")):
            branch = 0.2 if name.endswith("/conv3/BatchNorm/gamma") else 1.0  # keeps the sum over units small
            values = branch * rng.uniform(0.5, 1.5, shape)
        else:
            values = 0.3 * rng.standard_normal(shape)
        arrays[name] = values.astype(np.float32)
    arrays["resnet_v1_50/conv1/weights"] /= 60  # pixels are that far from the mean
    # The part is certain in a few cells, and hardly a cell is near the logit from which float32 says 1.
    arrays["pose/part_pred/block4/weights"][:, :, CERTAIN] *= 2000
    arrays["pose/part_pred/block4/biases"][CERTAIN] = -2400
    return arrays


def draw_picture(rows: int, columns: int) -> np.ndarray:
    """Draw patches of all sizes; uint8 of shape (rows, columns, 3)."""
    rng = np.random.RandomState(rows * columns)
    picture = np.zeros((rows, columns, 3), np.int64)
    for side in (64, 16, 4, 1):
        patches = rng.randint(0, 64, (-(-rows // side), -(-columns // side), 3))
        picture += np.repeat(np.repeat(patches, side, axis=0), side, axis=1)[:rows, :columns]
    return picture.astype(np.uint8)
