"""The losses against their definitions, written out cell by cell."""

import keras
import numpy as np
import pytest

from deepercut.network.losses import locref_loss, losses_of, mean_weights, part_loss

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def slow_part_loss(logits, targets, weights):
    """Sum over cells in float64, by the textbook formula."""
    total, count = 0.0, 0
    for logit, target, weight in zip(logits.ravel(), targets.ravel(), weights.ravel(), strict=True):
        p = 1 / (1 + np.exp(-float(logit)))
        total += weight * -(target * np.log(p) + (1 - target) * np.log(1 - p))
        count += weight != 0
    return total / max(count, 1)


def slow_locref_loss(pred, target, mask, huber):
    """Sum over entries in float64."""
    total, count = 0.0, 0
    for a, b, weight in zip(pred.ravel(), target.ravel(), mask.ravel(), strict=True):
        d = abs(float(a) - float(b))
        if not huber:
            error = d**2
        else:
            error = 0.5 * d**2 if d <= 1 else d - 0.5
        total += weight * error
        count += weight != 0
    return total / max(count, 1)


@pytest.mark.parametrize("seed", range(5))
def test_part_loss_equals_the_definition(seed):
    rng = np.random.default_rng(seed)
    shape = (2, 3, 4, 5)
    logits = rng.normal(scale=4, size=shape).astype("float32")
    targets = (rng.random(shape) < 0.3).astype("float32")
    weights = (rng.random(shape) < 0.7).astype("float32")
    expected = slow_part_loss(logits, targets, weights)
    found = part_loss(logits, targets, mean_weights(weights))
    np.testing.assert_allclose(np.mean(found), expected, rtol=1e-5)


def test_part_loss_by_hand():
    logits = np.log(np.array([1.0, 3.0], "float32")).reshape(1, 1, 2, 1)  # sigmoid 1/2, 3/4
    targets = np.array([1.0, 0.0], "float32").reshape(1, 1, 2, 1)
    weights = np.array([1.0, 0.5], "float32").reshape(1, 1, 2, 1)
    np.testing.assert_allclose(part_loss(logits, targets, weights), [np.log(2) + np.log(4) / 2], rtol=1e-6)


def test_part_loss_is_the_mean_over_cells_that_count_whatever_the_padding():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, 4, 4, 2)).astype("float32")
    targets = (rng.random(logits.shape) < 0.5).astype("float32")
    weights = np.ones_like(logits)
    padded = [np.pad(a, ((0, 0), (0, 2), (0, 6), (0, 0)), constant_values=v) for a, v in ((logits, 7), (targets, 0))]
    padded_weights = np.pad(weights, ((0, 0), (0, 2), (0, 6), (0, 0)))
    found = part_loss(*padded, mean_weights(padded_weights))
    np.testing.assert_allclose(found, part_loss(logits, targets, mean_weights(weights)), rtol=1e-6)


def test_the_mean_over_images_is_the_mean_over_cells_however_a_batch_is_shared_out():
    rng = np.random.default_rng(1)
    logits, targets = rng.normal(size=(2, 4, 3, 3, 2)).astype("float32")
    weights = np.zeros_like(logits)
    weights[0], weights[1, 0], weights[2, 0, 0, 0] = 1, 1, 1  # 18, 6, 1 and 0 cells count
    losses = np.asarray(part_loss(logits, targets, mean_weights(weights)))
    np.testing.assert_allclose(losses.mean(), slow_part_loss(logits, targets, weights), rtol=1e-5)
    replicas = [part_loss(*(a[half] for a in (logits, targets, mean_weights(weights)))) for half in ([0, 1], [2, 3])]
    np.testing.assert_allclose(np.mean([np.mean(replica) for replica in replicas]), losses.mean(), rtol=1e-6)


def test_part_loss_without_any_cell_is_zero():
    ones = np.ones((1, 2, 2, 1), "float32")
    assert np.array_equal(part_loss(ones, ones, mean_weights(0 * ones)), [0])


@pytest.mark.parametrize("huber", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_locref_loss_equals_the_definition(seed, huber):
    rng = np.random.default_rng(seed)
    shape = (2, 3, 4, 6)
    pred, target = rng.normal(scale=2, size=(2, *shape)).astype("float32")
    mask = (rng.random(shape) < 0.2).astype("float32")
    expected = slow_locref_loss(pred, target, mask, huber)
    found = locref_loss(pred, target, mean_weights(mask), huber)
    np.testing.assert_allclose(np.mean(found), expected, rtol=1e-5)


def test_locref_loss_by_hand():
    pred, target = np.array([[0.5, 3.0, 100.0]], "float32"), np.zeros((1, 3), "float32")
    weights = np.array([[0.5, 0.5, 0.0]], "float32")
    assert np.array_equal(locref_loss(pred, target, weights), [(0.125 + 2.5) / 2])
    assert np.array_equal(locref_loss(pred, target, weights, huber=False), [(0.25 + 9) / 2])


def test_locref_loss_where_nothing_is_masked_in_is_zero():
    ones = np.ones((1, 2, 2, 2), "float32")
    assert np.array_equal(locref_loss(5 * ones, ones, mean_weights(0 * ones)), [0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by TensorFlow's tape")
def test_gradients_are_exact_at_extreme_and_zero_logits():
    logits = tf.constant([[-1e4, -30.0, 0.0, 30.0, 1e4] * 2])
    targets = tf.constant([[0.0] * 5 + [1.0] * 5])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = part_loss(logits, targets, tf.fill((1, 10), 0.1))
    expected = (np.array([[0, 0, 0.5, 1, 1] * 2]) - targets.numpy()) / 10  # sigmoid - target
    assert np.isfinite(loss)
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-7)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by TensorFlow's tape")
def test_huber_gradient_is_clipped_and_finite():
    pred = tf.constant([[-1e6, -0.5, 0.0, 0.5, 1e6]])
    with tf.GradientTape() as tape:
        tape.watch(pred)
        loss = locref_loss(pred, tf.zeros((1, 5)), tf.fill((1, 5), 0.2))
    np.testing.assert_allclose(tape.gradient(loss, pred), np.array([[-1, -0.5, 0, 0.5, 1]]) / 5, rtol=1e-6)


def test_losses_of_outputs_take_weights_behind_the_targets():
    losses, weights = losses_of(["part_pred", "locref_pred", "part_pred_interm"], 0.05, locref_huber=False)
    assert weights == {"part_pred": 1.0, "locref_pred": 0.05, "part_pred_interm": 1.0}
    logits = np.log(np.array([1.0, 3.0], "float32")).reshape(1, 1, 2, 1)
    behind = np.array([[1.0, 1.0], [0.0, 0.5]], "float32").reshape(1, 1, 2, 2)  # wanted, and how much it counts
    for name in ("part_pred", "part_pred_interm"):
        np.testing.assert_allclose(losses[name](behind, logits), [np.log(2) + np.log(4) / 2], rtol=1e-6)
    squares = (1 - np.log(1)) ** 2 + 0.5 * np.log(3) ** 2
    np.testing.assert_allclose(losses["locref_pred"](behind, logits), [squares], rtol=1e-6)
