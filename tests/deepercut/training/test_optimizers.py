"""Learning rates, and updates against their definition."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from deepercut.training.optimizers import learning_rate, make_optimizer


def rate_after(config, updates: int) -> float:
    rate = learning_rate(config)
    return rate if isinstance(rate, float) else float(keras.ops.convert_to_numpy(rate(updates)))


def test_multi_step_holds_each_rate_up_to_and_including_its_iteration(make_config):
    config = make_config(multi_step=[[0.005, 10], [0.02, 43], [0.002, 73]])
    expected = {0: 0.005, 10: 0.005, 11: 0.02, 43: 0.02, 44: 0.002, 73: 0.002, 1000: 0.002}
    assert {updates: pytest.approx(rate_after(config, updates)) for updates in expected} == expected


def test_adam_is_constant_as_in_v1_unless_a_schedule_is_asked_for(make_config):
    config = make_config(optimizer="adam", adam_lr=0.003, multi_step=((0.005, 10),))
    assert rate_after(config, 0) == rate_after(config, 10**6) == 0.003
    assert rate_after(replace(config, lr_schedule="multi_step"), 5) == pytest.approx(0.005)


def test_cosine_rises_then_falls_to_zero(make_config):
    config = make_config(optimizer="adam", adam_lr=0.001, lr_schedule="cosine", max_iters=200)
    assert rate_after(config, 10) == pytest.approx(0.001)  # 5 % of 200
    assert rate_after(config, 5) < rate_after(config, 9) < 0.001
    assert rate_after(config, 105) == pytest.approx(0.0005)  # half way down
    assert rate_after(config, 200) == pytest.approx(0, abs=1e-9)


def adam(weights, gradients, rates):
    """Kingma and Ba 2014, with the order of operations of section 2's last paragraph."""
    m = v = np.zeros_like(weights)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        weights = weights - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    return weights


def momentum(weights, gradients, rates):
    """The rate counts when its gradient comes, not again while that goes on."""
    velocity = np.zeros_like(weights)
    for gradient, rate in zip(gradients, rates, strict=True):
        velocity = 0.9 * velocity - rate * gradient
        weights = weights + velocity
    return weights


@pytest.mark.parametrize(("name", "definition"), [("adam", adam), ("sgd", momentum)])
def test_updates_equal_the_definition(make_config, name, definition):
    optimizer = make_optimizer(make_config(optimizer=name, lr_schedule="multi_step", multi_step=((0.1, 2), (0.03, 9))))
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in ((3, 4), (5,))]
    gradients = [[rng.standard_normal(each.shape) for each in start] for _ in range(6)]
    variables = [keras.Variable(each, dtype="float32") for each in start]
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(each, "float32") for each in step])
    for variable, weights, its in zip(variables, start, zip(*gradients, strict=True), strict=True):
        expected = definition(weights, its, [0.1, 0.1, 0.1, 0.03, 0.03, 0.03])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), expected, rtol=1e-5, atol=1e-6)
