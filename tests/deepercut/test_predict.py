"""Poses from frames, against a literal decoding of the network's own maps."""

import keras
import numpy as np
import pytest

from deepercut.config import load_config
from deepercut.predict import Predictor
from deepercut.targets import covered_cells
from deepercut.training import network_of


@pytest.fixture
def predictor_and_network(make_train_folder):
    """A network with random heads, which answers something else everywhere."""
    keras.utils.set_random_seed(1)
    config = load_config(make_train_folder() / "pose_cfg.yaml")
    network = network_of(config)
    return Predictor(network, config), network


def literal_poses(network, frame: np.ndarray, locref_stdev: float = 7.2801) -> np.ndarray:
    """Look at every cell in turn."""
    outputs = network.predict(frame[None].astype(np.float32), verbose=0)
    logits, locref = outputs["part_pred"][0], outputs["locref_pred"][0]
    poses = []
    for part in range(logits.shape[-1]):
        best = (-np.inf, 0, 0)
        for row in range(covered_cells(frame.shape[0])):
            for column in range(covered_cells(frame.shape[1])):
                if logits[row, column, part] > best[0]:
                    best = (logits[row, column, part], row, column)
        logit, row, column = best
        dx, dy = locref[row, column, 2 * part : 2 * part + 2] * locref_stdev
        poses.append((column * 8 + 4 + dx, row * 8 + 4 + dy, 1 / (1 + np.exp(-logit))))
    return np.array(poses)


@pytest.mark.parametrize("size", [(64, 80), (70, 90), (33, 49)])
def test_poses_equal_a_literal_decoding(predictor_and_network, size):
    predictor, network = predictor_and_network
    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3)).astype(np.uint8)
    poses = predictor(frames)
    assert poses.dtype == np.float32
    for pose, frame in zip(poses, frames, strict=True):
        np.testing.assert_allclose(pose, literal_poses(network, frame), rtol=1e-3, atol=1e-3)


def test_predictor_names_its_parts(predictor_and_network):
    assert predictor_and_network[0].bodyparts == ("nose", "left", "right")
