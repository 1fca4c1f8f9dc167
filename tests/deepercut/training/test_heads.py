"""New heads learn from what the ResNet makes of the images, and the ResNet stays as it is."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from deepercut.config import PoseConfig, load_config
from deepercut.data.dataset import TrainingBatches, load_dataset
from deepercut.training import heads
from deepercut.training.heads import train_heads
from deepercut.training.training import compiled, network_of
from deepercut.weights.checkpoints import fill


def test_heads_begin_with_the_share_of_cells_that_show_a_part():
    first, second = np.zeros((1, 2, 2, 4), "float32"), np.zeros((1, 2, 4, 4), "float32")
    first[..., 2:] = second[..., 2:] = 0.25  # how much cells count does not matter, only whether they do
    second[0, :, 3, 2:] = 0  # padding: 10 cells count
    first[0, 0, 1, 0] = second[0, 1, 1, 0] = 1
    rare = 1e-4  # of a part that no image shows
    np.testing.assert_allclose(heads._logits([first, second]), np.log([0.2 / 0.8, rare / (1 - rare)]))


@pytest.fixture
def config(make_train_folder) -> PoseConfig:
    return load_config(make_train_folder() / "pose_cfg.yaml", {"heads_iters": 100, "max_iters": 100})


@pytest.fixture
def batches(config: PoseConfig) -> TrainingBatches:
    return TrainingBatches(load_dataset(config), config, seed=3, start=0, stop=100)


@pytest.mark.slow
def test_heads_learn_and_all_else_stays(config: PoseConfig, batches: TrainingBatches, random_arrays, caplog):
    caplog.set_level("INFO")
    network = network_of(config)
    fill(network, random_arrays(), None)
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in network.weights}
    train_heads(network, config, batches, quiet=True)
    assert "The heads learn first, alone: 100 updates on 5 images" in caplog.text
    moved = {
        weight.path for weight in network.weights if (keras.ops.convert_to_numpy(weight) != before[weight.path]).any()
    }
    assert moved == {f"{head}/{name}" for head in ("part_pred", "locref_pred") for name in ("kernel", "bias")}
    trainee, pass_over_all = compiled(network, config), [batches[number] for number in range(5)]
    losses = [trainee.evaluate(*batch, verbose=0, return_dict=True)["part_pred_loss"] for batch in pass_over_all]
    shares = np.mean([targets["part_pred"][..., :3].mean(axis=(0, 1, 2)) for _, targets in pass_over_all], axis=0)
    entropy = -(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).mean()
    assert np.mean(losses) < 0.8 * entropy  # which no answer has that does not look at the image


@pytest.mark.slow
@pytest.mark.parametrize("length", [{"max_iters": 2}, {"max_iters": None, "multi_step": ((0.01, 2),)}])
def test_a_training_of_few_iterations_does_not_wait_for_its_heads(make_train_folder, caplog, length):
    caplog.set_level("INFO")
    config = replace(load_config(make_train_folder() / "pose_cfg.yaml"), heads_iters=100, **length)
    batches = TrainingBatches(load_dataset(config), config, seed=3, start=0, stop=2)
    train_heads(network_of(config), config, batches, quiet=True)
    assert "4 updates on 2 images" in caplog.text


@pytest.mark.slow
def test_of_more_images_than_memory_holds_the_first_teach(config, batches, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(heads, "MOST_BYTES", 2 * 8 * 9 * 2048 * 4)  # of two images of 120 x 136 pixels, padded
    train_heads(network_of(config), config, batches, quiet=True)
    assert "100 updates on 2 images" in caplog.text
