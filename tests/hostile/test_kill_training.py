"""A training is killed (SIGKILL) at random moments and gone on with: its weights are those of an undisturbed one.

DEEPLABCUT_KILLS=40 python -m pytest tests/hostile/test_kill_training.py -rA      40 kills
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deepercut.weights.checkpoints import read_weights
from deepercut.weights.snapshots import Snapshot, list_snapshots, state_path
from deepercut.weights.state import read_state
from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.layout import Layout
from tests.hostile import tasks
from tests.hostile.test_kill import KILLS, run
from tests.hostile.test_kill import processes as processes
from tests.scripts.test_pipeline import write_backbone

pytestmark = [pytest.mark.campaign, pytest.mark.skipif(os.name == "nt", reason="no SIGKILL, no forkserver")]


def test_training_killed_at_random_moments(processes, tmp_path, toy_project):
    write_backbone(Layout(toy_project).models / "pretrained" / "resnet_v1_50.weights.h5")
    assert [run(processes, step, toy_project) for step in ("step2", "step4")] == [0, 0]
    undisturbed = shutil.copytree(toy_project, tmp_path / "undisturbed")
    begun = time.perf_counter()
    assert train(undisturbed) == 0
    duration = time.perf_counter() - begun
    expected = read_weights(snapshots_of(undisturbed)[-1].path)
    rng, killed = random.Random("training"), 0
    while killed < KILLS:
        project = shutil.copytree(toy_project, tmp_path / f"killed {killed}")
        while (code := train(project, rng.uniform(0.3, 1) * duration if killed < KILLS else None)) != 0:
            assert code == -signal.SIGKILL
            killed += 1
            for snapshot in snapshots_of(project):
                assert read_weights(snapshot.path).keys() == expected.keys()
                assert read_state(state_path(snapshot.path.parent, snapshot.iteration))
        assert [snapshot.iteration for snapshot in snapshots_of(project)] == [1, 2, 3, 4]
        found = read_weights(snapshots_of(project)[-1].path)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)
        shutil.rmtree(project)
    print(f"training: {killed} kills survived, of runs of {duration:.0f} s")


def snapshots_of(project: Path) -> list[Snapshot]:
    """List what a training has left."""
    return list_snapshots(Layout(project).train_folder(tasks.EXPERIMENT))


def train(project: Path, kill_after: float | None = None) -> int:
    """Train, or go on, up to iteration 4 with a snapshot of each; or kill it. Return its exit code."""
    config = Layout(project).train_folder(tasks.EXPERIMENT) / "pose_cfg.yaml"
    command = [sys.executable, CHECKOUT / "pose-tensorflow" / "train.py", "--config", config]
    command += ["--max-iters", "4", "--save-iters", "1", "--seed", "1", *["--resume"] * bool(snapshots_of(project))]
    environment = {**os.environ, "TF_DETERMINISTIC_OPS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode
