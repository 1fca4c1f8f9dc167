"""A training that is killed or stopped by Ctrl-C, as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepercut.weights.checkpoints import read_weights
from deepercut.weights.snapshots import list_snapshots, read_validation_errors
from dlc_common.cli import CHECKOUT

pytestmark = pytest.mark.campaign

TRAIN = CHECKOUT / "pose-tensorflow" / "train.py"


def run_train(folder: Path, *flags: str, wait: bool = True) -> subprocess.Popen:
    """Run train.py in the train folder, with deterministic kernels."""
    environment = {**os.environ, "TF_DETERMINISTIC_OPS": "1"}
    process = subprocess.Popen(
        [sys.executable, TRAIN, *flags], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if wait:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output.decode()
    return process


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_killed_and_resumed_run_is_the_run_that_would_have_been(make_train_folder, start_weights, precision):
    keys = {"save_iters": 3, "scale_jitter_lo": 0.9, "scale_jitter_up": 1.4, "optimizer": "adam", "max_iters": 6}
    keys |= {"validation_fraction": 0.2, "validation_iters": 2, "snapshot_precision": precision}
    folder = make_train_folder(init_weights=str(start_weights), **keys)
    run_train(folder)
    undisturbed = read_weights(folder / "snapshot-6.weights.h5")
    errors = read_validation_errors(folder / "learning_stats.csv")
    assert list(errors) == [2, 4, 6]
    for path in folder.glob("snapshot-*"):
        path.unlink()
    process = run_train(folder, wait=False)
    while not (folder / "snapshot-3.weights.h5").exists():
        assert process.poll() is None, process.stdout.read().decode()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (folder / "snapshot-6.weights.h5").unlink(missing_ok=True)
    run_train(folder, "--resume")
    resumed = read_weights(folder / "snapshot-6.weights.h5")
    assert undisturbed.keys() == resumed.keys()
    for name in undisturbed:
        np.testing.assert_array_equal(undisturbed[name], resumed[name], err_msg=name)
    assert read_validation_errors(folder / "learning_stats.csv") == errors


def test_ctrl_c_saves_the_last_completed_iteration(make_train_folder, start_weights):
    keys = {"max_iters": 10000, "display_iters": 1, "optimizer": "adam", "adam_lr": 1e-6}
    folder = make_train_folder(init_weights=str(start_weights), **keys)
    process = run_train(folder, wait=False)
    while not (folder / "learning_stats.csv").exists() or (folder / "learning_stats.csv").read_text().count("\n") < 3:
        assert process.poll() is None, process.stdout.read().decode()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output.decode()
    assert "If a snapshot was written, go on from it with --resume" in output.decode()
    (snapshot,) = list_snapshots(folder)
    assert snapshot.iteration >= 2
