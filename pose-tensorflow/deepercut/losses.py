"""What training minimizes: errors of the score maps and of the location refinement."""

from __future__ import annotations

from keras import ops


def _weighted_mean(values, weights):
    """Return the sum of values times weights over the number of non-zero weights; 0 if there is none."""
    weights = ops.broadcast_to(ops.cast(weights, values.dtype), ops.shape(values))
    counted = ops.sum(ops.cast(ops.not_equal(weights, 0), values.dtype))
    return ops.sum(values * weights) / ops.maximum(counted, 1)


def part_loss(logits, targets, weights=1.0):
    """Return the sigmoid cross entropy of the score maps.

    Parameters
    ----------
    logits : tensor of shape (B, R, C, K), float32
        Predicted score maps.
    targets : tensor of shape (B, R, C, K), float32
        1 where a cell is positive for a part, else 0.
    weights : tensor that broadcasts to (B, R, C, K), optional
        0 takes a cell out of the mean.

    Returns
    -------
    tensor of shape ()
        Mean over cells and parts with non-zero weight; 0 if there is none.

    Examples
    --------
    >>> import numpy as np
    >>> float(part_loss(np.zeros((1, 1, 2, 1), "float32"), np.ones((1, 1, 2, 1), "float32")))  # log(2)
    0.6931...

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3.
    """
    # -t log(sigmoid(l)) - (1 - t) log(1 - sigmoid(l)), in the form whose gradient, sigmoid(l) - t, is always finite
    return _weighted_mean(ops.softplus(logits) - ops.multiply(logits, targets), weights)


def locref_loss(pred, target, mask, huber: bool = True):
    """Return the error of the location refinement.

    Parameters
    ----------
    pred, target : tensor of shape (B, R, C, 2K), float32
        dx and dy of each part in turn, in units of locref_stdev.
    mask : tensor that broadcasts to (B, R, C, 2K)
        1 in positive cells, else 0.
    huber : bool, optional
        Huber's loss with k = 1, else the squared error.

    Returns
    -------
    tensor of shape ()
        Mean over masked entries; 0 where nothing is masked in.

    Examples
    --------
    >>> import numpy as np
    >>> pred = np.array([0.5, 3.0], "float32")
    >>> float(locref_loss(pred, np.zeros(2, "float32"), np.ones(2, "float32")))  # (0.5 * 0.5**2 + 3 - 0.5) / 2
    1.3125

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3; Huber 1964, equation 3.3.
    """
    error = ops.abs(pred - target)
    if not huber:
        return _weighted_mean(ops.square(error), mask)
    quadratic = ops.minimum(error, 1)
    return _weighted_mean(0.5 * ops.square(quadratic) + (error - quadratic), mask)
