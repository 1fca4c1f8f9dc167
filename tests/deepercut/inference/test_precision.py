"""Reduced precision: the comparison by hand, the guard, and what is kept beside a snapshot."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.inference import precision
from deepercut.inference.engines import ENGINES, cpu_runtime, openvino_engine
from deepercut.inference.models import fingerprint
from deepercut.inference.openvino_graph import build_openvino
from deepercut.inference.precision import compare, reduced_engine
from deepercut.weights.snapshots import Snapshot

pytestmark = pytest.mark.usefixtures("thin")

LABELS = [np.array([[0, 10.0, 7.0], [1, 20.0, 20.0]]), np.array([[0, 30.0, 30.0]])]
GOOD = {
    "median_difference_px": 0.1,
    "mean_error_px": 3.0,
    "float32_mean_error_px": 3.0,
    "increase_standard_error_px": 0.1,
}
FLOAT32 = np.array([[[10, 10, 0.9], [20, 25, 0.8]], [[30, 31, 0.1], [70, 70, 0.09]]])


@pytest.fixture
def labeled(make_train_folder):
    """A configuration with five labeled images, and a snapshot of it that need not exist."""
    config = load_config(make_train_folder() / "pose_cfg.yaml")
    return config, Snapshot(7, config.folder / "snapshot-7.weights.h5")


@pytest.fixture(scope="module")
def arrays(random_arrays):
    return random_arrays()


@pytest.fixture
def quantized(monkeypatch):
    """How many images calibrated each quantization, which changes nothing."""
    counts = []

    def quantize(network, images):
        counts.append(len(images))
        return network

    monkeypatch.setattr(precision, "quantize", quantize)
    return counts


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_comparison_by_hand():
    reduced = FLOAT32 + np.array([[[0, 2, 0], [0, 1, 0]], [[3, -1, 0], [500, 0, 0]]])
    assert compare(FLOAT32, reduced, LABELS) == {
        "median_difference_px": 2.0,  # of 2, 1 and 3.16; the least likely part is left out
        "mean_error_px": pytest.approx((5 + 6 + 3) / 3),
        "float32_mean_error_px": pytest.approx((3 + 5 + 1) / 3),
        "increase_standard_error_px": pytest.approx(np.std([3 / 2, 5 / 3, 5 / 3, 2]), rel=0.05),
    }


def test_where_no_part_is_likely_nothing_is_compared():
    assert np.isnan(compare(FLOAT32 * [1, 1, 0.1], FLOAT32, LABELS)["median_difference_px"])


@pytest.mark.parametrize(
    ("difference", "error", "chance", "accepted"),
    [
        (0.3, 4.08, 0, True),
        (0.31, 3.0, 0, False),
        (0.1, 4.09, 0, False),
        (0.1, 4.28, 0.2, True),
        (0.1, 4.29, 0.2, False),
        (float("nan"), 4.0, 0, False),
    ],
)
def test_bounds_of_the_guard(difference, error, chance, accepted):
    errors = {"mean_error_px": error, "float32_mean_error_px": 4.0, "increase_standard_error_px": chance + 1e-9}
    problem = precision._problem({"images": 3, "median_difference_px": difference, **errors})
    assert (problem is None) == accepted
    assert accepted or f"{difference:.2f} px (at most 0.3), the mean error {error:.2f} px instead of 4.00" in problem


def test_a_network_that_fails_is_remembered_but_not_its_model(labeled, arrays, quantized, monkeypatch):
    def shift(network, images):
        quantized.append(len(images))
        return build_openvino(arrays, 50, (0, 0, 0), 7.0)

    monkeypatch.setattr(precision, "quantize", shift)
    config, snapshot = labeled
    for _ in range(2):
        with pytest.raises(DeepercutError, match=r"openvino-int8 changes the poses of snapshot-7"):
            reduced_engine("openvino-int8", config, arrays, snapshot)
    assert quantized == [2]
    (description,) = snapshot.model_folder("openvino-int8").iterdir()
    assert json.loads(description.read_text())["accuracy"]["images"] == 3


@pytest.mark.campaign
def test_the_model_is_made_again_when_the_weights_change(labeled, integer_stem, quantized):
    (config, snapshot), arrays = labeled, integer_stem
    frames = noise(1, 40, 56)
    for _ in range(2):
        poses = reduced_engine("openvino-int8", config, arrays, snapshot)(frames)
        np.testing.assert_allclose(poses, openvino_engine(config, arrays)(frames), atol=1e-3)
    assert quantized == [2]
    arrays = {**arrays, "part_pred/bias": arrays["part_pred/bias"] + 1}
    poses = reduced_engine("openvino-int8", config, arrays, snapshot)(frames)
    assert quantized == [2, 2]
    np.testing.assert_allclose(poses, openvino_engine(config, arrays)(frames), atol=1e-3)
    (folder,) = (config.folder / "exported-models").iterdir()
    assert folder.name == "snapshot-7-openvino-int8"
    (folder / "model.bin").write_bytes(b"")
    with pytest.raises(DeepercutError, match="snapshot-7-openvino-int8 is damaged: delete it, and the model"):
        reduced_engine("openvino-int8", config, arrays, snapshot)


def test_without_nncf_the_message_says_what_to_install(labeled, arrays, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    config, snapshot = labeled
    with pytest.raises(DeepercutError, match="needs nncf once for each snapshot: pip install nncf"):
        reduced_engine("openvino-int8", config, arrays, snapshot)
    assert not snapshot.model_folder("openvino-int8").exists()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino-bf16", pytest.param("keras-bf16", marks=pytest.mark.campaign)])
def test_bfloat16_gives_nearly_the_same_poses(labeled, arrays, engine, monkeypatch):
    if engine == "openvino-bf16" and "BF16" not in cpu_runtime()["capabilities"]:
        pytest.skip("this CPU has no bfloat16")
    compared = []
    monkeypatch.setattr(precision, "compare", lambda *poses: compared.append(poses) or GOOD)
    config, snapshot = labeled
    frames = noise(1, 40, 56)
    exact = ENGINES[engine.split("-")[0]](config, arrays)(frames)
    for _ in range(2):
        poses = reduced_engine(engine, config, arrays, snapshot)(frames)
        assert 0 < np.abs(poses[..., 2] - exact[..., 2]).max() < 0.1
    ((reference, reduced, _),) = compared  # once for this snapshot
    assert 0 < np.abs(reference[..., 2] - reduced[..., 2]).max() < 0.1


@pytest.mark.campaign
def test_integers_give_nearly_the_same_poses_unless_channels_differ_a_lot(labeled, arrays):
    pytest.importorskip("nncf")
    config, snapshot = labeled
    frames = [noise(120, 136)] * 2
    exact = openvino_engine(config, arrays)(frames[0][None])
    ruined = dict(arrays)  # the same network for floating point numbers
    factors = np.where(np.arange(len(arrays["conv1_bn/gamma"])) == 0, 1e5, 1)
    for name in ("gamma", "beta"):
        ruined[f"conv1_bn/{name}"] = arrays[f"conv1_bn/{name}"] * factors
    for name in ("block1_unit_1_shortcut/kernel", "block1_unit_1_conv1/kernel"):
        ruined[name] = arrays[name] / factors[:, None]
    np.testing.assert_allclose(openvino_engine(config, ruined)(frames[0][None]), exact, rtol=1e-3, atol=0.01)
    changes = []
    for weights in (arrays, ruined):
        network = precision.quantize(precision.openvino_network(config, weights, features=True, integers=True), frames)
        rounded = [each for each in network.get_ops() if each.get_type_name() == "FakeQuantize"]
        assert rounded
        assert all(len(each.get_output_partial_shape(0)) == 4 for each in rounded), "places in 8 bits are pixels off"
        poses, features = precision.run_openvino(network, 3).with_features(frames[0][None])
        np.testing.assert_array_equal(features[..., 0], poses[..., 2])
        assert np.isfinite(features).all()
        changes.append(np.abs(poses[..., 2] - exact[..., 2]).max())
    assert 0 < changes[0] < 0.1 < changes[1]
    with pytest.raises(DeepercutError, match="openvino-int8 changes the poses of snapshot-7"):
        reduced_engine("openvino-int8", config, ruined, snapshot)


@pytest.mark.campaign
def test_the_check_starts_the_backend_quietly(make_train_folder):
    folder = make_train_folder()
    code = (
        "import sys, numpy as np; from pathlib import Path; from deepercut.inference import precision;"
        "from deepercut.config import load_config;"
        "precision.openvino_network = lambda *_, **__: None;"
        "precision.run_openvino = lambda *_: lambda frames: np.zeros((1, 3, 3), np.float32);"
        "precision.ENGINES['openvino'] = lambda *_: lambda frames: np.ones((1, 3, 3), np.float32);"
        "config = load_config(Path(sys.argv[1]) / 'pose_cfg.yaml');"
        "precision.tqdm = lambda frames, *_, **__: frames;"
        "precision._prepare('openvino-bf16', config, {}, Path(sys.argv[1]) / 'new', {})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_made_for_a_network_that_pads_does_not_serve_one_that_does_not(make_config):
    arrays = {"part_pred/bias": np.zeros(3, np.float32)}
    padded = fingerprint(make_config(), arrays)
    assert padded == fingerprint(make_config(padding=True), arrays)
    assert padded != fingerprint(make_config(padding=False), arrays)
    digest = hashlib.sha256(b"((123.68, 116.779, 103.939), 7.2801)part_pred/bias" + bytes(12))  # as before padding
    assert padded == digest.hexdigest()
