"""What training minimizes: errors of the score maps and of the location refinement, for each image of a batch.

The mean over the images, which Keras takes, is the mean over all cells that count in the batch if their weights come
from `mean_weights`. So it does not matter which device computes which images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from keras import ops

from deepercut.backend import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""``loss(targets, predictions)``, one number for each image."""


def mean_weights(weights: np.ndarray) -> np.ndarray:
    """Scale weights so that weighted sums, averaged over the images of a batch, are means over all that counts in it.

    Parameters
    ----------
    weights : ndarray of shape (B, ...), float32
        0 takes an entry out of the mean.

    Returns
    -------
    ndarray of shape (B, ...), float32
        The weights, times B, over the number of those that are not 0.

    Examples
    --------
    >>> mean_weights(np.array([[1, 1, 1], [1, 0, 0]], "float32")).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.0, 0.0]]
    """
    return weights * np.float32(len(weights) / max(int(np.count_nonzero(weights)), 1))


def _weighted_sum(values: Tensor, weights: Tensor) -> Tensor:
    """Return the sum of values times weights of each image."""
    return ops.sum(values * weights, axis=tuple(range(1, len(values.shape))))


def part_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the sigmoid cross entropy of the score maps.

    Parameters
    ----------
    logits : tensor of shape (B, R, C, K), float32
        Predicted score maps.
    targets : tensor of shape (B, R, C, K), float32
        1 where a cell is positive for a part, else 0.
    weights : tensor of shape (B, R, C, K), float32
        How much each cell counts, see `mean_weights`.

    Returns
    -------
    tensor of shape (B,)
        Weighted sum over cells and parts.

    Examples
    --------
    >>> logits, ones = np.zeros((1, 1, 2, 1), "float32"), np.ones((1, 1, 2, 1), "float32")
    >>> float(part_loss(logits, ones, mean_weights(ones))[0])  # log(2)
    0.6931...

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3.
    """
    # -t log(sigmoid(l)) - (1 - t) log(1 - sigmoid(l)), in the form whose gradient, sigmoid(l) - t, is always finite
    return _weighted_sum(ops.softplus(logits) - ops.multiply(logits, targets), weights)


def locref_loss(pred: Tensor, target: Tensor, weights: Tensor, huber: bool = True) -> Tensor:
    """Return the error of the location refinement.

    Parameters
    ----------
    pred, target : tensor of shape (B, R, C, 2K), float32
        dx and dy of each part in turn, in units of locref_stdev.
    weights : tensor of shape (B, R, C, 2K), float32
        How much each entry counts, see `mean_weights`; 0 but in positive cells.
    huber : bool, optional
        Huber's loss with k = 1, else the squared error.

    Returns
    -------
    tensor of shape (B,)
        Weighted sum over entries.

    Examples
    --------
    >>> pred, weights = np.array([[0.5, 3.0]], "float32"), mean_weights(np.ones((1, 2), "float32"))
    >>> float(locref_loss(pred, np.zeros_like(pred), weights)[0])  # (0.5 * 0.5**2 + 3 - 0.5) / 2
    1.3125

    References
    ----------
    Insafutdinov et al. 2016, arXiv 1605.03170, section 3; Huber 1964, equation 3.3.
    """
    error = ops.abs(pred - target)
    if not huber:
        return _weighted_sum(ops.square(error), weights)
    quadratic = ops.minimum(error, 1)
    return _weighted_sum(0.5 * ops.square(quadratic) + (error - quadratic), weights)


def losses_of(
    names: Iterable[str], locref_loss_weight: float, locref_huber: bool
) -> tuple[dict[str, Loss], dict[str, float]]:
    """Return what Keras compiles into a model: the losses of outputs and how much each counts.

    Parameters
    ----------
    names : iterable of str
        Of the network's outputs; all but ``locref_pred`` are score maps.
    locref_loss_weight : float
        Of the location refinement's loss, relative to the others'.
    locref_huber : bool
        See `locref_loss`.

    Returns
    -------
    losses : dict of str to callable
        ``loss(targets, predictions)``, where the targets carry their weights behind them along the last axis.
    weights : dict of str to float
        By the same names.
    """

    def part(targets: Tensor, logits: Tensor) -> Tensor:
        wanted, counts = ops.split(targets, 2, axis=-1)
        return part_loss(logits, wanted, counts)

    def locref(targets: Tensor, predictions: Tensor) -> Tensor:
        wanted, counts = ops.split(targets, 2, axis=-1)
        return locref_loss(predictions, wanted, counts, locref_huber)

    kinds = {name: name == "locref_pred" for name in names}
    losses: dict[str, Loss] = {name: locref if is_locref else part for name, is_locref in kinds.items()}
    return losses, {name: locref_loss_weight if is_locref else 1.0 for name, is_locref in kinds.items()}
