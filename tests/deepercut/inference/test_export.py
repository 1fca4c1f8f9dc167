"""Exported models, loaded with the programs that they are for, against Keras."""

import json
import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.inference import export
from deepercut.inference.engines import keras_engine, keras_network
from deepercut.inference.export import FORMATS, compare, export_snapshot
from deepercut.inference.predict import load_predictor
from deepercut.weights.checkpoints import save_snapshot
from deepercut.weights.snapshots import Snapshot, list_snapshots, select_snapshot
from dlc_common import UsersError
from tests.limits import files_up_to

pytestmark = pytest.mark.usefixtures("thin")

SIZES = [(40, 56), (33, 49)]


@pytest.fixture
def trained(make_train_folder, random_arrays):
    """pose_cfg.yaml and snapshot of a network, and its poses in frames of two sizes by Keras."""
    config_path = make_train_folder() / "pose_cfg.yaml"
    network = keras_network(load_config(config_path), random_arrays())
    save_snapshot(network, config_path.parent / "snapshot-7.weights.h5")
    (snapshot,) = list_snapshots(config_path.parent)
    return config_path, snapshot


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def run_savedmodel(folder: Path):
    import tensorflow as tf

    model = tf.saved_model.load(str(folder / "model"))
    return lambda frames: model.signatures["serving_default"](frames=frames)["poses"].numpy()


def run_onnx(folder: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return lambda frames: session.run(None, {"frames": frames})[0]


def run_openvino(folder: Path):
    import openvino

    model = openvino.compile_model(folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda frames: model({"frames": frames})["poses"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run"),
    [
        pytest.param("savedmodel", run_savedmodel, marks=pytest.mark.campaign),
        pytest.param("onnx", run_onnx, marks=pytest.mark.campaign),
        ("openvino", run_openvino),
    ],
)
def test_a_model_gives_the_poses_of_keras_elsewhere(trained, random_arrays, name, run):
    config_path, snapshot = trained
    if name == "onnx":
        pytest.importorskip("onnx")
    (folder,) = export_snapshot(config_path, snapshot, [name])
    assert folder == config_path.parent / "exported-models" / f"snapshot-7-{name}"
    exact, poses = keras_engine(load_config(config_path), random_arrays()), run(folder)
    for size in SIZES:
        np.testing.assert_allclose(poses(noise(2, *size)), exact(noise(2, *size)), rtol=1e-4, atol=2e-3)
    description = json.loads((folder / "model.json").read_text())
    assert description["bodyparts"] == ["nose", "left", "right"]
    assert description["input"]["shape"] == ["batch", "height", "width", 3]
    assert description["output"]["shape"] == ["batch", 3, 3]
    assert description["iteration"] == 7
    assert description["padding"] == 16
    assert description["compared_with_keras"]["frames"] == 6  # five images, and one cropped
    assert description["compared_with_keras"]["largest_median_difference_px"] < 0.01


@pytest.mark.campaign
def test_a_checkpoint_holds_the_weights_for_tensorflow_1(trained, random_arrays):
    import tensorflow as tf

    config_path, snapshot = trained
    (folder,) = export_snapshot(config_path, snapshot, ["tf1"])
    reader = tf.train.load_checkpoint(str(folder / "snapshot-7"))
    np.testing.assert_array_equal(reader.get_tensor("pose/part_pred/block4/biases"), random_arrays()["part_pred/bias"])
    assert list_snapshots(folder) == [Snapshot(7, folder / "snapshot-7.index")]
    assert "input" not in json.loads((folder / "model.json").read_text())


@pytest.mark.slow
def test_a_model_that_deviates_is_not_kept_and_does_not_replace_an_earlier_one(trained, monkeypatch):
    config_path, snapshot = trained
    (folder,) = export_snapshot(config_path, snapshot, ["openvino"])
    before = (folder / "model.json").read_bytes()

    def write_another_network(config, arrays, path):
        arrays = {**arrays, "locref_pred/bias": arrays["locref_pred/bias"] + 0.1}
        FORMATS["openvino"].write(config, arrays, path)

    deviating = FORMATS["openvino"]._replace(write=write_another_network)
    monkeypatch.setitem(export.FORMATS, "onnx", deviating._replace(packages=()))
    with pytest.raises(DeepercutError, match=r"onnx gives other poses than Keras .* difference px 1\.03 \(accepted is"):
        export_snapshot(config_path, snapshot, ["onnx"])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (folder / "model.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_model_that_the_system_does_not_take_is_one_error_and_leaves_nothing(trained, name):
    for package in FORMATS[name].packages:
        pytest.importorskip(package)
    refused = rf"exported-models/snapshot-7-{name} could not be written: .*\. Free disk space or allow"
    with files_up_to(2000), pytest.raises(UsersError, match=refused) as caught:
        export_snapshot(*trained, [name])
    assert ".part-" not in str(caught.value)
    assert not [*(trained[0].parent / "exported-models").iterdir()]


@pytest.mark.campaign
def test_what_a_killed_export_left_half_written_goes_with_the_next_one(trained, random_arrays, monkeypatch):
    config_path, snapshot = trained
    leftover = config_path.parent / "exported-models" / ".part-killed"
    (leftover / "new").mkdir(parents=True)
    os.utime(leftover, (0, 0))  # long ago: another export could be writing a fresh one
    exact = FORMATS["openvino"]._replace(
        write=lambda config, arrays, path: path.write_bytes(b"model"),
        load=lambda config, path: keras_engine(config, random_arrays()),
    )
    monkeypatch.setitem(export.FORMATS, "openvino", exact)
    (folder,) = export_snapshot(config_path, snapshot, ["openvino"])
    assert list(folder.parent.iterdir()) == [folder]


def test_comparison_by_hand():
    reference = [np.zeros((1, 3, 3)), np.zeros((1, 3, 3))]
    exported = [np.array([[[3, 4, 0], [0, 0, 0], [0, 1, -0.5]]]), np.zeros((1, 3, 3))]
    assert compare(reference, exported) == {
        "frames": 2,
        "median_difference_px": 0,
        "largest_difference_px": 5,
        "largest_median_difference_px": 1,
        "largest_likelihood_difference": 0.5,
    }


def test_what_is_not_installed_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None if "onnx" in name else name)
    with pytest.raises(DeepercutError, match="not installed, but needed: pip install onnx onnxruntime"):
        export_snapshot(tmp_path / "nowhere.yaml", Snapshot(7, tmp_path / "nothing"), ["openvino", "onnx"])


def test_savedmodel_needs_tensorflow_below_keras(make_config, random_arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(DeepercutError, match="savedmodel needs Keras on TensorFlow, not on jax: unset KERAS_BACKEND"):
        FORMATS["savedmodel"].write(make_config(), random_arrays(), tmp_path / "model")


@pytest.mark.slow
def test_an_openvino_model_says_that_it_wants_float32_and_gets_it_without_being_told(trained, random_arrays):
    """With the defaults a CPU with bfloat16 instructions would use them; without, this shows the file alone."""
    import openvino

    config_path, snapshot = trained
    (folder,) = export_snapshot(config_path, snapshot, ["openvino"])
    assert json.loads((folder / "model.json").read_text())["compile_with"]["INFERENCE_PRECISION_HINT"] == "f32"
    model = openvino.Core().read_model(folder / "model.xml")
    assert model.get_rt_info(["runtime_options", "INFERENCE_PRECISION_HINT"]).astype(str) == "f32"
    exact = keras_engine(load_config(config_path), random_arrays())
    poses = openvino.compile_model(folder / "model.xml", "CPU")
    for size in SIZES:
        np.testing.assert_allclose(poses(noise(2, *size))["poses"], exact(noise(2, *size)), rtol=1e-4, atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("padding", [pytest.param(16, marks=pytest.mark.campaign), "none"])
def test_a_checkpoint_computes_as_deeplabcut_does_and_says_so(trained, random_arrays, padding, caplog):
    config_path, snapshot = trained
    config_path.write_text(config_path.read_text() + f"padding: {padding}\n")
    (folder,) = export_snapshot(config_path, snapshot, ["tf1"])
    description = json.loads((folder / "model.json").read_text())
    assert description["padding"] == padding
    assert description["compared_with_keras"]["largest_difference_px"] == 0
    there = description["in_deeplabcut"]
    assert there["padding"] == "none"
    assert (there["compared_with_keras"]["largest_difference_px"] > 0) == (padding == 16)
    assert ("train with padding: none" in caplog.text) == (padding == 16)
    found = load_predictor(without_padding_key(config_path), select_snapshot(folder), "openvino")
    exact = keras_engine(replace(load_config(config_path), padding=False), random_arrays())
    np.testing.assert_allclose(found(noise(1, 33, 49)), exact(noise(1, 33, 49)), rtol=1e-4, atol=2e-3)


def without_padding_key(config_path: Path) -> Path:
    """Write the configuration as DeepLabCut would."""
    lines = config_path.read_text().splitlines()
    path = config_path.with_name("deeplabcuts.yaml")
    path.write_text("\n".join(line for line in lines if not line.startswith("padding")))
    return path
