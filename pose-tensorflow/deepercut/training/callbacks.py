"""What happens between the iterations of a training: checks, snapshots, the learning curve."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np
from keras import ops

from deepercut import DeepercutError
from deepercut.config import PoseConfig
from deepercut.data.dataset import TrainingBatches
from deepercut.training.learning_stats import append_row, as_stored, begin_rows, draw_learning_curve
from deepercut.training.optimizers import learning_rate
from deepercut.training.validation import Validation
from deepercut.weights.checkpoints import rounded_kernels, save_snapshot
from deepercut.weights.keeping import tidy
from deepercut.weights.snapshots import read_validation_errors, snapshot_path, state_path, statistics_path
from deepercut.weights.state import write_state
from dlc_common.progress import tqdm
from dlc_common.signals import answered, ending

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

log = logging.getLogger(__name__)

Logs = Mapping[str, float]
"""What Keras tells of the iteration: the losses, as means since the last `reset_metrics`."""

Tell = Callable[[int, int], None]
"""Called after each iteration with its number and that of the last one."""

GO_BACK = (
    "Lower the learning rate (multi_step or adam_lr) and go on with --resume (without it where there is no snapshot "
    "yet); where that fails too, the newest snapshot is spoilt: move it away first"
)
"""What to do when a training diverged."""

# During `fit` on JAX, weights and optimizer are elsewhere; using a callback's `self.model` brings them back.


class StopOnInterrupt(keras.callbacks.Callback):
    """While a ``with`` block holds it, let Ctrl-C, SIGTERM or a closed terminal end the training after an iteration.

    In the middle of one, weights and optimizer may belong to different iterations, or to none. A second Ctrl-C raises
    KeyboardInterrupt at once; more of the others change nothing, because a closed terminal sends SIGHUP twice. What is
    ignored stays so (see `signals.ending`). `noted` tells afterwards whether there was one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted = False

    def __enter__(self) -> StopOnInterrupt:
        self.of_ctrl_c = signal.getsignal(signal.SIGINT)
        self.answers = ExitStack()
        self.answers.enter_context(answered(ending(), self._note))
        return self

    def __exit__(self, *_: object) -> None:
        self.answers.close()

    def _note(self, *_: object) -> None:
        """Remember the first signal."""
        if not self.noted:
            self.noted = True
            signal.signal(signal.SIGINT, self.of_ctrl_c)
            log.info("Ending after this iteration, with a snapshot. Ctrl-C from now on: at once, without")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End the training after a signal."""
        if self.noted:
            self.model.stop_training = True


class StopOnNonFinite(keras.callbacks.Callback):
    """End the training when the loss is not a number any more, and name the images of that iteration."""

    def __init__(self, batches: TrainingBatches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Check the loss of one iteration."""
        if np.isfinite(logs["loss"]):
            return
        iteration = self.batches.start + batch
        names = ", ".join(dict.fromkeys(map(str, self.batches.paths(iteration))))
        raise DeepercutError(
            f"the loss is not finite in iteration {iteration + 1} ({names}): check the labels there. {GO_BACK}"
        )


class Snapshots(keras.callbacks.Callback):
    """Write a snapshot every `save_iters` iterations and at the end, and let go what is not needed of earlier ones.

    Parameters
    ----------
    network : keras.Model
        Whose weights to write.
    config : PoseConfig
        Where, how often, how precisely and how many; its seed and validation_fraction are kept with the state.
    start : int
        Iteration that the run begins with, which is on disk already.
    held_out, trained : sequence of str, optional
        The images that do not train, ``folder/image``, and those that do or did; they are kept with the state, too.
    """

    def __init__(
        self,
        network: keras.Model,
        config: PoseConfig,
        start: int,
        held_out: Sequence[str] = (),
        trained: Sequence[str] = (),
    ):
        super().__init__()
        self.held_out, self.trained = held_out, trained
        self.network, self.config, self.start, self.saved = network, config, start, start

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save when it is time."""
        if _is_due(self.start + batch + 1, self.config.save_iters, self.config.iterations):
            self.save()

    def save(self) -> None:
        """Write state and weights, if these are finite; they come last, because they make the snapshot exist."""
        optimizer = self.model.optimizer
        iteration = int(ops.convert_to_numpy(optimizer.iterations))
        if iteration == self.saved:
            return
        if not all(np.isfinite(ops.convert_to_numpy(weight)).all() for weight in self.network.weights):
            raise DeepercutError(
                f"the weights are not finite after iteration {iteration} and were not saved. {GO_BACK}"
            )
        assert self.config.seed is not None  # a run has one
        (folder, prefix), precision = self.config.snapshot_place, self.config.snapshot_precision
        state = state_path(folder, iteration, prefix)
        exact = rounded_kernels(self.network) if precision == "float16" else {}
        fraction = self.config.validation_fraction
        sums = [ops.convert_to_numpy(variable) for variable in self.model.metrics_variables]
        write_state(state, optimizer, self.config.seed, fraction, self.held_out, self.trained, exact, sums)
        save_snapshot(self.network, snapshot_path(folder, iteration, prefix), precision)
        self.saved = iteration
        tidy(folder, prefix, self.config.max_snapshots)


class LearningStatistics(keras.callbacks.Callback):
    """Show progress and write the learning curve to learning_stats.csv and TensorBoard while a ``with`` block holds it.

    There is a row every `display_iters`, and whenever the error on held-out images is measured: every
    `validation_iters` (by default with every snapshot). Then TensorBoard gets pictures of predictions, too.

    `errors` holds these errors by iteration, those of before a resumed run too.

    Parameters
    ----------
    config : PoseConfig
        Where and how often, and the learning rate to tell.
    start, stop : int
        First and last iteration; rows after `start`, of a run that went further, are dropped.
    validation : Validation
        The network on whole images.
    tell : callable, optional
        ``tell(iteration, stop)`` is called after each iteration, and no progress bar shown.
    sums : sequence of ndarray, optional
        Of the iterations up to `start` that have no row yet, as `Snapshots` wrote them.
    """

    def __init__(
        self,
        config: PoseConfig,
        start: int,
        stop: int,
        validation: Validation,
        tell: Tell | None = None,
        sums: Sequence[np.ndarray] = (),
    ):
        super().__init__()
        self.sums = sums
        self.config, self.start, self.stop, self.validation, self.tell = config, start, stop, validation, tell
        self.rate = learning_rate(config)
        self.path = statistics_path(config.snapshot_place[0])

    def __enter__(self) -> LearningStatistics:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        begin_rows(self.path, self.start)
        self.errors = read_validation_errors(self.path)
        self.board = EventFileWriter(str(self.config.resolve(self.config.log_dir)))
        total, is_hidden = self.stop, self.tell is not None
        self.bar = tqdm(
            total=total, initial=self.start, unit="it", dynamic_ncols=True, desc="Training", disable=is_hidden
        )
        self.since, self.since_time = self.start, time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()  # whatever ended the training is told on a line of its own

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Let the means go on where they were, unless the losses are others; Keras has just set them to 0."""
        variables = self.model.metrics_variables
        if [value.shape for value in self.sums] == [tuple(variable.shape) for variable in variables]:
            for variable, value in zip(variables, self.sums, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Show the loss; when it is time, validate and write a row."""
        iteration = self.start + batch + 1
        rate = self.bar.format_dict["rate"]  # not known at first
        speed = f", {rate * self.config.batch_size:.2f} images/s" if rate else ""
        self.bar.set_postfix_str(f"loss {logs['loss']:.4f}{speed}", refresh=False)
        self.bar.update()
        if self.tell:
            self.tell(iteration, self.stop)
        error_px = float("nan")
        if _is_due(iteration, self.config.validation_iters or self.config.save_iters, self.stop):
            error_px = self._validate(iteration)
        if _is_due(iteration, self.config.display_iters, self.stop) or not np.isnan(error_px):
            self._write(iteration, logs, error_px)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Draw the curve."""
        draw_learning_curve(self.path)
        self.board.close()

    def _validate(self, iteration: int) -> float:
        """Show pictures and return the error; the time it takes is not the training's."""
        begin = time.perf_counter()
        _ = self.model  # for JAX
        error_px, pictures = self.validation.measure()
        write_summary(self.board, iteration, pictures={f"predictions/{i}": p for i, p in enumerate(pictures)})
        self.since_time += time.perf_counter() - begin
        return error_px

    def _write(self, iteration: int, logs: Logs, error_px: float) -> None:
        """Append one row: means since the last one."""
        images = (iteration - self.since) * self.config.batch_size
        rate = self.rate(iteration - 1) if callable(self.rate) else self.rate  # that this update used
        values = {
            "loss": logs["loss"],
            "part_loss": logs.get("part_pred_loss", logs["loss"]),
            "locref_loss": logs.get("locref_pred_loss", 0.0),
            "learning_rate": float(ops.convert_to_numpy(rate)),
            "images_per_s": images / (time.perf_counter() - self.since_time),
        }
        if not np.isnan(error_px):
            values["validation_error_px"] = error_px
            self.errors[iteration] = float(as_stored(error_px))
        append_row(self.path, iteration, values)
        write_summary(self.board, iteration, values)
        self.model.reset_metrics()
        self.since, self.since_time = iteration, time.perf_counter()


def write_summary(
    board: EventFileWriter,
    iteration: int,
    values: Mapping[str, float] | None = None,
    pictures: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Show numbers and pictures of one iteration in TensorBoard.

    Parameters
    ----------
    board : EventFileWriter
        Of the run.
    iteration : int
        Completed updates.
    values : mapping of str to float, optional
        By name.
    pictures : mapping of str to ndarray of shape (H, W, 3), uint8, optional
        RGB, by name.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    entries = [Summary.Value(tag=name, simple_value=value) for name, value in (values or {}).items()]
    for name, picture in (pictures or {}).items():
        height, width = picture.shape[:2]
        png = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        entries.append(Summary.Value(tag=name, image=image))
    board.add_event(Event(wall_time=time.time(), step=iteration, summary=Summary(value=entries)))
    board.flush()


def _is_due(iteration: int, every: int, stop: int) -> bool:
    """Tell whether something that happens every so often, and at the end, happens now."""
    return iteration % every == 0 or iteration == stop
