"""When a training ends before its last iteration: the error on held-out images has not fallen for a while."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import keras

from deepercut.config import PoseConfig
from deepercut.data.dataset import TrainingImage
from deepercut.training.callbacks import LearningStatistics, Logs
from deepercut.training.learning_stats import best_iteration
from deepercut.weights.snapshots import read_validation_errors, statistics_path

log = logging.getLogger(__name__)


class StopWhenStalled(keras.callbacks.Callback):
    """End the training when the error on held-out images has not fallen for `patience` iterations.

    What it goes by are the errors in learning_stats.csv, so that a resumed run ends where the other would have.

    Parameters
    ----------
    statistics : LearningStatistics
        Knows the errors; called before this.
    patience : int or None
        None: never.
    """

    def __init__(self, statistics: LearningStatistics, patience: int | None):
        super().__init__()
        self.statistics, self.patience, self.noted = statistics, patience, False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End the training when it is time."""
        if has_stalled(self.statistics.errors, self.patience):
            self.noted = True
            self.model.stop_training = True


def has_stalled(errors: Mapping[int, float], patience: int | None) -> bool:
    """Tell whether the error on held-out images has not fallen for a while.

    Parameters
    ----------
    errors : mapping of int to float
        In pixels by iteration, rising.
    patience : int or None
        How many iterations are a while; None: no time is.

    Returns
    -------
    bool
        Whether the last error was measured that long after the first of the lowest ones.

    Examples
    --------
    >>> has_stalled({100: 9.0, 200: 5.0, 300: 5.0, 400: 6.0}, patience=200)
    True
    >>> has_stalled({100: 9.0, 200: 5.0, 300: 4.9, 400: 6.0}, patience=200)
    False
    """
    return patience is not None and bool(errors) and max(errors) - best_iteration(errors) >= patience


def why_finished(config: PoseConfig, start: int) -> str | None:
    """Say why a training does not go on.

    Parameters
    ----------
    config : PoseConfig
        max_iters and patience count, and the errors in learning_stats.csv beside the snapshots.
    start : int
        Completed updates.

    Returns
    -------
    str or None
        None where it does.
    """
    if start >= config.iterations:
        return f"it has {start} iterations; max_iters {config.iterations} asks for no more"
    measured = read_validation_errors(statistics_path(config.snapshot_place[0]))
    errors = {iteration: error for iteration, error in measured.items() if iteration <= start}
    if not has_stalled(errors, config.patience):
        return None
    return f"{'. '.join(in_words(errors, config.patience))}. To go on all the same, raise patience in pose_cfg.yaml"


def in_words(errors: Mapping[int, float], patience: int | None = None) -> list[str]:
    """Tell how the error on held-out images went.

    Parameters
    ----------
    errors, patience
        As for `has_stalled`.

    Returns
    -------
    list of str
        Nothing where no error was measured.

    Examples
    --------
    >>> in_words({})
    []
    """
    if not errors:
        return []
    last, best = max(errors), best_iteration(errors)
    sentences = [
        f"Error on held-out images: {errors[last]:.2f} px after {last} iterations; lowest {errors[best]:.2f} px, after "
        f"{best} (snapshotindex = 'best' takes the snapshot with the lowest)"
    ]
    if has_stalled(errors, patience):
        sentences.append(
            f"It has not fallen for {last - best} iterations, which ends the training (patience {patience})"
        )
    return sentences


def warn_of_patience(config: PoseConfig, held_out: Sequence[TrainingImage]) -> None:
    """Say where patience cannot do what it is for, or gives away what comes at the end.

    Parameters
    ----------
    config : PoseConfig
        Its patience and lr_schedule.
    held_out : sequence of TrainingImage
        What the run measures its error on.
    """
    if config.patience is None:
        return
    if not any(len(image.joints) for image in held_out):
        log.warning(
            "No labeled image is held out, so patience cannot end this training; a new one with more labeled images, "
            "or a larger validation_fraction (at most 0.5), can be ended by it"
        )
    elif config.lr_schedule == "cosine":
        log.info(
            "With lr_schedule cosine the error often falls most near max_iters, when the learning rate is low: a "
            "training that patience ends earlier has not had that (see docs/train.md)"
        )
