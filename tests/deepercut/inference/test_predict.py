"""Predictors from the files of a training."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import deepercut
from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.data.dataset import load_dataset
from deepercut.inference import predict
from deepercut.inference.predict import load_predictor
from deepercut.network.architecture import weight_shapes
from deepercut.training.training import network_of
from deepercut.weights.checkpoints import save_snapshot
from deepercut.weights.snapshots import Snapshot, list_snapshots
from dlc_common.images import read_image

MODELS = Path(deepercut.__file__).parents[1] / "models"


def test_every_engine_computes_what_the_snapshot_holds(make_train_folder):
    keys = {"intermediate_supervision": True, "intermediate_supervision_layer": 6}  # serves training only
    config_path = make_train_folder(**keys) / "pose_cfg.yaml"
    keras.utils.set_random_seed(1)
    network = network_of(load_config(config_path))
    snapshot = Snapshot(7, config_path.parent / "snapshot-7.weights.h5")
    save_snapshot(network, snapshot.path)
    frames = np.random.default_rng(0).integers(0, 256, (2, 40, 56, 3), dtype=np.uint8)
    logits = keras.ops.convert_to_numpy(network(frames)["part_pred"])[:, :5, :7].max(axis=(1, 2))
    for engine in ("keras", "openvino"):
        predictor = load_predictor(config_path, snapshot, engine)
        np.testing.assert_allclose(predictor(frames)[..., 2], 1 / (1 + np.exp(-logits)), atol=1e-5)


@pytest.mark.parametrize("engine", ["auto", "keras", "openvino"])
@pytest.mark.parametrize(
    ("parts", "kept", "message"),
    [
        (4, "", "snapshot-7.weights.h5 was trained for 4 body parts, but the network has 3"),
        (3, "block", "snapshot-7.weights.h5 is of another network, or damaged: conv1/kernel is missing"),
        (3, "bn/", "snapshot-7.weights.h5 holds no ResNet v1, but the network is resnet_50"),
    ],
)
def test_a_snapshot_of_another_network_is_refused(make_train_folder, monkeypatch, engine, parts, kept, message):
    arrays = {name: np.zeros(shape, "float32") for name, shape in weight_shapes(50, parts).items() if kept in name}
    monkeypatch.setattr(predict, "read_weights", lambda path: arrays)
    config_path = make_train_folder() / "pose_cfg.yaml"
    with pytest.raises(DeepercutError, match=message):
        load_predictor(config_path, Snapshot(7, config_path.parent / "snapshot-7.weights.h5"), engine)


def test_a_snapshot_without_heads_is_refused(make_train_folder, monkeypatch):
    arrays = {name: np.zeros(shape, "float32") for name, shape in weight_shapes(50, 3).items() if "pred" not in name}
    monkeypatch.setattr(predict, "read_weights", lambda path: arrays)
    config_path = make_train_folder() / "pose_cfg.yaml"
    with pytest.raises(DeepercutError, match="holds the ResNet alone, which finds no body parts: train first"):
        load_predictor(config_path, Snapshot(7, config_path.parent / "snapshot-7.weights.h5"))


def test_the_kind_of_weights_decides_about_padding_where_the_file_does_not(make_train_folder, monkeypatch):
    arrays = {name: np.zeros(shape, "float32") for name, shape in weight_shapes(50, 3).items()}
    monkeypatch.setattr(predict, "read_weights", lambda path: arrays)
    config_path = make_train_folder() / "pose_cfg.yaml"
    for name, pads in [("snapshot-7.weights.h5", True), ("snapshot-7.index", False)]:
        config, _ = predict.read_network(config_path, Snapshot(7, config_path.parent / name))
        assert config.padding is pads


def test_openvino_needs_no_keras(random_arrays, tmp_path):
    np.savez(tmp_path / "arrays.npz", **random_arrays())
    code = (
        "import sys, numpy as np; from pathlib import Path; from deepercut.inference import engines, predict; "
        "from deepercut.config import PoseConfig; "
        "config = PoseConfig(folder=Path(), num_joints=3, all_joints=(), all_joints_names=()); "
        "arrays = dict(np.load(sys.argv[1])); "
        "engines.ENGINES['openvino'](config, arrays)(np.zeros((1, 16, 16, 3), np.uint8)); "
        "print(sorted({'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "arrays.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.campaign
def test_both_engines_agree_on_trained_networks():
    trained = [(path, list_snapshots(path.parent)) for path in MODELS.glob("*/train/pose_cfg.yaml")]
    trained = [(path, snapshots[-1]) for path, snapshots in trained if snapshots]
    if not trained:
        pytest.skip("no trained network in pose-tensorflow/models; `make demo` trains one")
    for config_path, snapshot in trained:
        images = [read_image(image.path)[None] for image in load_dataset(load_config(config_path))[:10]]
        poses = [
            np.concatenate([predictor(image) for image in images])
            for predictor in (load_predictor(config_path, snapshot, engine) for engine in ("keras", "openvino"))
        ]
        assert np.median(np.linalg.norm(poses[0][..., :2] - poses[1][..., :2], axis=-1)) <= 0.1
        np.testing.assert_allclose(poses[0][..., 2], poses[1][..., 2], atol=1e-3)
