"""Folding of batch normalization, by hand."""

import numpy as np

from deepercut.network.architecture import EPSILON
from deepercut.network.folded import channels_first, fold_batch_norm


def test_a_convolution_takes_in_the_normalization_behind_it():
    arrays = {
        "conv1/kernel": np.array([2.0, 3.0], np.float32).reshape(1, 1, 1, 2),
        "conv1_bn/gamma": np.array([6.0, 1.0]),
        "conv1_bn/beta": np.array([1.0, 0.0]),
        "conv1_bn/moving_mean": np.array([0.5, 4.0]),
        "conv1_bn/moving_variance": np.array([4.0, 0.25]) - EPSILON,
    }
    kernel, bias = fold_batch_norm(arrays, "conv1")
    np.testing.assert_allclose(kernel.ravel(), [2 * 6 / 2, 3 * 1 / 0.5])
    np.testing.assert_allclose(bias, [1 - 0.5 * 6 / 2, 0 - 4 * 1 / 0.5])
    assert (kernel.shape, kernel.dtype, bias.dtype) == ((2, 1, 1, 1), np.float32, np.float32)


def test_channels_come_first():
    kernel = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    turned = channels_first(kernel)
    assert turned.shape == (5, 4, 2, 3)
    assert turned[4, 3, 1, 2] == kernel[1, 2, 3, 4]
