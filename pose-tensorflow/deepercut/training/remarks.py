"""What a person should know of a configuration before it trains for hours."""

from __future__ import annotations

import logging

from deepercut.config import PoseConfig

log = logging.getLogger(__name__)

_FAR_ABOVE = 10  # times adam_lr, from which on Adam unlearns what the network has learned


def remark(config: PoseConfig) -> None:
    """Warn of learning rates that are made for another optimizer, and say what a mirror exchanges.

    Parameters
    ----------
    config : PoseConfig
        Its optimizer and rates, and its pairs of body parts.
    """
    highest = max(rate for rate, _ in config.multi_step)
    is_multi_step = config.optimizer == "adam" and config.lr_schedule == "multi_step"
    if is_multi_step and highest > _FAR_ABOVE * config.adam_lr:
        log.warning(
            "optimizer: adam with lr_schedule: multi_step trains at the rates of multi_step, up to %g, which is %.0f "
            "times adam_lr: made for sgd, they can ruin a network. Delete the line lr_schedule (Adam then trains at "
            "adam_lr), or lower multi_step",
            *(highest, highest / config.adam_lr),
        )
    if config.mirror:
        names = config.all_joints_names
        pairs = [f"{names[pair[0]]} and {names[pair[1]]}" for pair in config.all_joints if len(pair) == 2]
        if pairs:
            log.info("In mirrored images these change places: %s", "; ".join(pairs))
        else:
            log.warning(
                "mirror: true, but all_joints pairs no body parts, so each keeps its name in mirrored images: that is "
                "right only where none is of the left or right side. [[0, 1], [2]] pairs the first two"
            )
