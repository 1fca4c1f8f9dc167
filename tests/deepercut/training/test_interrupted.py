"""A training that is killed or asked to end, as a process of its own."""

import os
import shlex
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


LONG = {"max_iters": 10000, "display_iters": 1, "optimizer": "adam", "adam_lr": 1e-6}


def has_trained(folder: Path) -> bool:
    """Tell whether two iterations are complete."""
    path = folder / "learning_stats.csv"
    return path.exists() and path.read_text().count("\n") >= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_the_last_completed_iteration(make_train_folder, start_weights, number):
    folder = make_train_folder(init_weights=str(start_weights), **LONG)
    process = run_train(folder, wait=False)
    while not has_trained(folder):
        assert process.poll() is None, process.stdout.read().decode()
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output.decode()
    (snapshot,) = list_snapshots(folder)
    assert snapshot.iteration >= 2
    advice = f"interrupted. The newest snapshot is {snapshot.path.name}: go on from it with --resume."
    assert advice in output.decode()


def test_sigterm_before_the_first_iteration_ends_with_130_and_a_word(make_train_folder, start_weights):
    folder = make_train_folder(init_weights=str(start_weights), **LONG)
    process = run_train(folder, wait=False)
    for line in process.stdout:  # the first line names the device; the network is built after it
        if b"Device: " in line:
            break
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output.decode()
    assert "interrupted. " in output.decode() and not list_snapshots(folder)


def test_a_closed_terminal_saves_the_last_completed_iteration(make_train_folder, start_weights):
    """Although the progress bar has nowhere to go then."""
    pty = pytest.importorskip("pty", reason="Windows has no terminals of this kind")
    folder = make_train_folder(init_weights=str(start_weights), **LONG)
    process, terminal = pty.fork()
    if not process:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, where it runs the tests, has processes ignore it
        os.chdir(folder)
        os.execv("/bin/sh", ["sh", "-c", f"stty rows 24 cols 80; exec {shlex.join([sys.executable, str(TRAIN)])}"])
    while not has_trained(folder):
        os.read(terminal, 10000)
    os.close(terminal)
    os.waitpid(process, 0)
    (snapshot,) = list_snapshots(folder)
    assert snapshot.iteration >= 2
