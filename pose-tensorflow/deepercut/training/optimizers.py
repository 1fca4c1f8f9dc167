"""What updates the weights: the optimizer of a configuration and its learning rate.

Keras composes the update of a variable of up to a dozen operations, each a pass over the memory. TensorFlow has a
kernel that makes all of it in one; with the other backends the update is Keras'.
"""

from __future__ import annotations

import keras
from keras import ops

from deepercut.backend import Tensor
from deepercut.config import PoseConfig

MOMENTUM = 0.9
WARMUP_SHARE = 0.05
"""Share of a cosine schedule in which the rate rises from 0, while the new heads find their scale."""


class Adam(keras.optimizers.Adam):
    """Keras' Adam, with TensorFlow's kernel where there is one.

    References
    ----------
    Kingma and Ba 2014, arXiv 1412.6980, section 2, last paragraph.
    """

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> Tensor:
        """Update one variable."""
        if keras.backend.backend() != "tensorflow":
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, variable.dtype)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=ops.power(self.beta_1, step),
            beta2_power=ops.power(self.beta_2, step),
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class SGD(keras.optimizers.SGD):
    """Keras' gradient descent with momentum, with TensorFlow's kernel where there is one."""

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> Tensor:
        """Update one variable."""
        if keras.backend.backend() != "tensorflow":
            return super().update_step(gradient, variable, learning_rate)
        import tensorflow as tf

        return tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=ops.cast(learning_rate, variable.dtype),
            grad=gradient,
            momentum=self.momentum,
        )


def make_optimizer(config: PoseConfig) -> keras.Optimizer:
    """Return the optimizer of a configuration, with its learning rate."""
    rate = learning_rate(config)
    return Adam(rate) if config.optimizer == "adam" else SGD(rate, momentum=MOMENTUM)


def learning_rate(config: PoseConfig) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate as a function of the completed updates.

    Parameters
    ----------
    config : PoseConfig
        `lr_schedule`: multi_step holds each rate up to and including its iteration; cosine rises to the first rate
        and falls to 0 at the last iteration. Without it, sgd takes multi_step and adam the constant adam_lr, as in v1.

    Returns
    -------
    float or LearningRateSchedule
        For a Keras optimizer.

    References
    ----------
    Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5 (cosine).
    """
    if config.lr_schedule == "cosine":
        peak = config.adam_lr if config.optimizer == "adam" else config.multi_step[0][0]
        warmup = int(WARMUP_SHARE * config.iterations)
        return keras.optimizers.schedules.CosineDecay(
            peak / max(warmup, 1), config.iterations - warmup, warmup_target=peak, warmup_steps=warmup
        )
    if config.optimizer == "adam" and config.lr_schedule is None:
        return config.adam_lr
    rates, ends = zip(*config.multi_step, strict=True)
    return keras.optimizers.schedules.PiecewiseConstantDecay(list(ends[:-1]), list(rates)) if ends[1:] else rates[0]
