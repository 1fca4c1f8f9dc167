"""TensorFlow, JAX and PyTorch make the same training of the same files; each runs in a process of its own."""

import csv
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from deepercut.weights.checkpoints import read_weights

pytestmark = pytest.mark.campaign

RATE = 1e3
"""Of the one step; so large that the new weights are the gradients, to float32 rounding."""

RUN = f"""
from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np

from deepercut.backend import start_backend
start_backend()
from deepercut.config import load_config
from deepercut.data.dataset import TrainingBatches, load_dataset
from deepercut.network.posenet import with_poses
from deepercut.training.training import compiled, network_of, train
from deepercut.weights.checkpoints import load_weights, save_snapshot
from dlc_common.images import read_image

config = load_config(Path("pose_cfg.yaml"))
images = load_dataset(config)
network = network_of(config)
load_weights(network, Path(config.init_weights))
poses = with_poses(network, config.locref_stdev).predict_on_batch(read_image(images[0].path)[None])
trainee = compiled(network, replace(config, optimizer="sgd", multi_step=(({RATE}, 1),)))
losses = trainee.train_on_batch(*TrainingBatches(images, config, 3, 0, 1)[0], return_dict=True)
save_snapshot(network, Path("step.weights.h5"))
np.savez("step.npz", poses=poses, **losses)

train(config)
Path("snapshot-4.weights.h5").rename("undisturbed.weights.h5")
copy("learning_stats.csv", "undisturbed.csv")
train(config, resume=True)
"""


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory, write_train_folder, start_weights):
    """``folder_of(backend)``: where it made one step, a whole training, and the second half of this once more."""
    made = {}

    def run(backend: str):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed")
        if backend not in made:
            keys = {"init_weights": str(start_weights), "save_iters": 2, "display_iters": 1, "optimizer": "adam"}
            keys |= {"crop_size": [64, 64], "rotation": 10, "validation_fraction": 0.2, "adam_lr": 1e-5}
            folder = made[backend] = write_train_folder(tmp_path_factory.mktemp(backend), **keys)
            environment = {**os.environ, "KERAS_BACKEND": backend, "TF_DETERMINISTIC_OPS": "1"}
            done = subprocess.run(
                [sys.executable, "-c", RUN], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        return made[backend]

    return run


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def folder(request, folder_of):
    return folder_of(request.param)


@pytest.fixture(scope="module")
def reference(folder_of):
    return folder_of("tensorflow")


def test_losses_and_poses_agree(folder, reference):
    ours, expected = np.load(folder / "step.npz"), np.load(reference / "step.npz")
    for name in expected:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-4, err_msg=name)


def test_gradients_agree(folder, reference, start_weights):
    start = read_weights(start_weights)
    ours, expected = (read_weights(each / "step.weights.h5") for each in (folder, reference))
    for name in start:
        gradient, wanted = ((arrays[name] - start[name]) / -RATE for arrays in (ours, expected))
        trained = not name.endswith(("moving_mean", "moving_variance"))
        assert wanted.any() == trained
        assert np.linalg.norm(gradient - wanted) <= 1e-4 * np.linalg.norm(wanted), name


def read_curve(path):
    """Return what the images and weights decide: losses, rate, error."""
    with path.open() as file:
        rows = list(csv.reader(file))
    return np.array([[*row[1:5], row[6] or "nan"] for row in rows[1:]], float)


def test_the_learning_curve_is_the_same(folder, reference):
    np.testing.assert_allclose(
        read_curve(folder / "undisturbed.csv"), read_curve(reference / "undisturbed.csv"), rtol=1e-3
    )


def test_a_resumed_training_is_the_one_that_would_have_been(folder):
    undisturbed, resumed = (read_weights(folder / f"{name}.weights.h5") for name in ("undisturbed", "snapshot-4"))
    for name in undisturbed:
        np.testing.assert_array_equal(undisturbed[name], resumed[name], err_msg=name)
    np.testing.assert_array_equal(read_curve(folder / "undisturbed.csv"), read_curve(folder / "learning_stats.csv"))
