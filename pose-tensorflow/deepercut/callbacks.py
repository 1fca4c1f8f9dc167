"""What happens between the iterations of a training: checks, snapshots, the learning curve."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from deepercut import DeepercutError
from deepercut.checkpoints import save_snapshot, snapshot_path, state_path
from deepercut.config import PoseConfig
from deepercut.dataset import TrainingBatches
from deepercut.state import write_state

STATISTICS = ("iteration", "loss", "part_loss", "locref_loss", "learning_rate", "images_per_s")


class StopOnNonFinite(keras.callbacks.Callback):
    """End the training when the loss is not a number any more, and name the images of that iteration."""

    def __init__(self, batches: TrainingBatches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        """Check the loss of one iteration."""
        if np.isfinite(logs["loss"]):
            return
        iteration = self.batches.start + batch
        names = ", ".join(str(path) for path in self.batches.paths(iteration))
        raise DeepercutError(
            f"the loss is not finite in iteration {iteration + 1} ({names}). The snapshots so far are good; lower the "
            "learning rate (multi_step or adam_lr), or check the labels of this image, and go on with --resume"
        )


class Snapshots(keras.callbacks.Callback):
    """Write a snapshot every `save_iters` iterations and at the end; all are kept.

    Parameters
    ----------
    network : keras.Model
        Whose weights to write.
    config : PoseConfig
        Where and how often.
    seed : int
        Of the run, kept with the state.
    start : int
        Iteration that the run begins with, which is on disk already.
    """

    def __init__(self, network: keras.Model, config: PoseConfig, seed: int, start: int):
        super().__init__()
        self.network, self.config, self.seed, self.saved = network, config, seed, start

    def on_train_batch_end(self, batch, logs=None):
        """Save when it is time."""
        iteration = _iteration(self.model)
        if iteration % self.config.save_iters == 0 or iteration == self.config.iterations:
            self.save()

    def save(self) -> None:
        """Write state and weights; the weights come last, because they make the snapshot exist."""
        iteration = _iteration(self.model)
        if iteration == self.saved:
            return
        folder, prefix = self.config.snapshot_place
        write_state(state_path(folder, iteration, prefix), self.model.optimizer, self.seed)
        save_snapshot(self.network, snapshot_path(folder, iteration, prefix))
        self.saved = iteration


class LearningStatistics(keras.callbacks.Callback):
    """Show progress and write the learning curve to learning_stats.csv and TensorBoard every `display_iters`.

    Parameters
    ----------
    config : PoseConfig
        Where and how often.
    start, stop : int
        First and last iteration; rows after `start`, of a run that went further, are dropped.
    """

    def __init__(self, config: PoseConfig, start: int, stop: int):
        super().__init__()
        self.config, self.start, self.stop = config, start, stop
        self.path = config.folder / "learning_stats.csv"

    def on_train_begin(self, logs=None):
        """Open the outputs."""
        from tensorboard.summary import Writer

        _keep_rows(self.path, self.start)
        self.board = Writer(str(self.config.resolve(self.config.log_dir)))
        self.bar = tqdm(total=self.stop, initial=self.start, unit="it", dynamic_ncols=True, desc="Training")
        self.since, self.since_time = self.start, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Show the loss; every `display_iters` write a row."""
        iteration = self.start + batch + 1
        images_per_s = (self.bar.format_dict["rate"] or 0) * self.config.batch_size
        self.bar.set_postfix_str(f"loss {logs['loss']:.4f}, {images_per_s:.2f} images/s", refresh=False)
        self.bar.update()
        if iteration % self.config.display_iters == 0 or iteration == self.stop:
            self._write(iteration, logs)
            self.model.reset_metrics()
            self.since, self.since_time = iteration, time.perf_counter()

    def on_train_end(self, logs=None):
        """Close the outputs and draw the curve."""
        self.bar.close()
        draw_learning_curve(self.path)
        self.board.close()

    def _write(self, iteration: int, logs: dict) -> None:
        """Append one row: means since the last one."""
        images = (iteration - self.since) * self.config.batch_size
        values = {
            "loss": logs["loss"],
            "part_loss": logs.get("part_pred_loss", logs["loss"]),
            "locref_loss": logs.get("locref_pred_loss", 0.0),
            "learning_rate": float(ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "images_per_s": images / (time.perf_counter() - self.since_time),
        }
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([iteration, *(f"{value:.6g}" for value in values.values())])
        for name, value in values.items():
            self.board.add_scalar(name, value, iteration)
        self.board.flush()


def draw_learning_curve(path: Path) -> None:
    """Draw a learning_stats.csv into learning_curve.png beside it.

    Parameters
    ----------
    path : Path
        The csv, with a row for every `display_iters` iterations.
    """
    from matplotlib.figure import Figure

    curve = np.genfromtxt(path, delimiter=",", names=True, ndmin=1)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="iteration", ylabel="loss", yscale="log")
    for name in ("loss", "part_loss", "locref_loss"):
        axes.plot(curve["iteration"], curve[name], marker=".", label=name.replace("_", " "))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path.with_name("learning_curve.png"), dpi=150)


def _keep_rows(path: Path, start: int) -> None:
    """Begin the learning curve, or cut one of an earlier run after `start`."""
    rows = []
    if start and path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row and row[0].isdecimal() and int(row[0]) <= start]
    temporary = path.with_name(f".part-{path.name}")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([STATISTICS, *rows])
    temporary.replace(path)


def _iteration(network: keras.Model) -> int:
    """Return the completed updates."""
    return int(ops.convert_to_numpy(network.optimizer.iterations))
