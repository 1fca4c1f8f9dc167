"""A checkpoint of TensorFlow gives the poses that DeepLabCut 2.3.11 itself gave, at sizes of every kind.

`deeplabcut_poses.py` made the reference with that program.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from deepercut.inference.engines import keras_network
from deepercut.inference.predict import load_predictor, read_network
from deepercut.network.architecture import weight_shapes
from deepercut.weights.foreign import export_tf1, tf1_name
from deepercut.weights.snapshots import select_snapshot

from .deeplabcut_network import CERTAIN, PARTS, SIZES, draw_picture, draw_weights

pytest.importorskip("tensorflow", reason="reads the checkpoint")

REFERENCE = np.load(Path(__file__).with_name("deeplabcut_poses.npz"))
LARGEST_PX, LARGEST_LIKELIHOOD = 1e-2, 1e-4
OTHERS = [number for number in range(len(PARTS)) if number != CERTAIN]
KEYS = {
    "num_joints": len(PARTS),
    "all_joints": [[number] for number in range(len(PARTS))],
    "all_joints_names": list(PARTS),
    "location_refinement": True,
}


@pytest.fixture(scope="module")
def arrays():
    """The weights by our names."""
    theirs = {name: tf1_name(name, 50) for name in weight_shapes(50, len(PARTS))}
    drawn = draw_weights({theirs[name]: shape for name, shape in weight_shapes(50, len(PARTS)).items()})
    return {name: drawn[their] for name, their in theirs.items()}


@pytest.fixture(scope="module")
def config_path(tmp_path_factory, make_network, arrays):
    """A train folder as DeepLabCut leaves it: pose_cfg.yaml, which says nothing of padding, and a checkpoint."""
    path = tmp_path_factory.mktemp("train") / "pose_cfg.yaml"
    path.write_text(yaml.safe_dump(KEYS))
    export_tf1(make_network(arrays), path.with_name("snapshot-1"))
    return path


@pytest.fixture(scope="module")
def make_network():
    """``make_network(arrays)``: Keras' network."""
    from deepercut.config import PoseConfig

    keys = {**KEYS, "all_joints": (), "all_joints_names": PARTS}
    return lambda arrays: keras_network(PoseConfig(folder=Path(), **keys), arrays)


def assert_poses_are_deeplabcuts(found, size):
    difference = found.astype(float) - REFERENCE[size]
    assert np.abs(difference[..., :2]).max() <= LARGEST_PX
    assert np.abs(difference[..., 2]).max() <= LARGEST_LIKELIHOOD


def test_the_reference_tests_what_it_should():
    for size in SIZES:
        likelihoods = REFERENCE[size][:, 2]
        assert likelihoods[CERTAIN] == 1
        assert (likelihoods[OTHERS] < 0.99).all()
        assert (likelihoods[OTHERS] > 0.05).all()
    assert REFERENCE["scores"].shape == (32, 42, len(PARTS))  # of 250 x 333 pixels; ceil(size / 16) * 2
    assert (REFERENCE["scores"][..., CERTAIN] == 1).sum() > 1


@pytest.mark.campaign
@pytest.mark.parametrize("engine", ["keras", "openvino"])
def test_a_checkpoint_gives_the_poses_of_deeplabcut(config_path, engine):
    predictor = load_predictor(config_path, select_snapshot(config_path.parent), engine)
    for size, shape in SIZES.items():
        picture = draw_picture(*shape)
        alone, batch = predictor(picture[None]), predictor(np.stack([picture[::-1], picture, picture[:, ::-1]]))
        assert_poses_are_deeplabcuts(alone[0], size)
        assert_poses_are_deeplabcuts(batch[1], size)


@pytest.mark.campaign
def test_an_onnx_model_gives_them_too(config_path, arrays):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from deepercut.inference.onnx_graph import build_onnx

    config, _ = read_network(config_path, select_snapshot(config_path.parent))
    model = build_onnx(arrays, 50, config.mean_pixel, config.locref_stdev, padding=config.pads())
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for size, shape in SIZES.items():
        (poses,) = session.run(["poses"], {"frames": draw_picture(*shape)[None]})
        assert_poses_are_deeplabcuts(poses[0], size)


@pytest.mark.slow
def test_score_maps_are_deeplabcuts(config_path, arrays):
    import keras

    config, _ = read_network(config_path, select_snapshot(config_path.parent))
    logits = keras_network(config, arrays)(draw_picture(*SIZES["333x250"])[None])["part_pred"]
    scores = keras.ops.convert_to_numpy(keras.ops.sigmoid(logits))[0]
    np.testing.assert_allclose(scores[..., OTHERS], REFERENCE["scores"][..., OTHERS], atol=LARGEST_LIKELIHOOD)


@pytest.mark.campaign
def test_padding_moves_poses_except_where_sides_are_multiples_of_16(config_path):
    """So that the tests above can fail; and a network of ours, or one whose file says so, is padded."""
    padded = config_path.with_name("padded.yaml")
    padded.write_text(yaml.safe_dump({**KEYS, "padding": 16}))
    snapshot = select_snapshot(config_path.parent)
    assert read_network(config_path, snapshot)[0].padding is False
    predictor = load_predictor(padded, snapshot, "openvino")
    moved = {size: predictor(draw_picture(*shape)[None])[0] - REFERENCE[size] for size, shape in SIZES.items()}
    assert np.abs(moved["640x480"][OTHERS, :2]).max() <= LARGEST_PX
    for size in ("396x406", "333x250"):
        assert np.abs(moved[size][..., :2]).max() > 1


@pytest.mark.campaign
def test_bfloat16_is_not_padded_either(config_path, arrays):
    """Reduced precision rounds, but does not move the grid, as padding would."""
    from deepercut.inference.engines import keras_engine, openvino_network, run_openvino

    config, _ = read_network(config_path, select_snapshot(config_path.parent))
    frames = draw_picture(*SIZES["333x250"])[None]
    for rounded in (
        keras_engine(config, arrays, "mixed_bfloat16")(frames),
        run_openvino(openvino_network(config, arrays), len(PARTS), "bf16")(frames),
    ):
        difference = rounded[0, OTHERS] - REFERENCE["333x250"][OTHERS]
        assert np.linalg.norm(difference[:, :2], axis=1).min() < 0.3
        assert np.abs(difference[:, 2]).max() < 0.02


@pytest.mark.campaign
def test_jax_gives_the_poses_of_deeplabcut(config_path, tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    np.savez(tmp_path / "pictures.npz", **{size: draw_picture(*shape) for size, shape in SIZES.items()})
    code = (
        "import sys, json, numpy as np; from pathlib import Path; "
        "from deepercut.inference.predict import load_predictor; "
        "from deepercut.weights.snapshots import select_snapshot; "
        "config = Path(sys.argv[1]); find = load_predictor(config, select_snapshot(config.parent), 'keras'); "
        "print(json.dumps({size: find(picture[None])[0].tolist() for size, picture in np.load(sys.argv[2]).items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config_path), str(tmp_path / "pictures.npz")],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for size, poses in json.loads(done.stdout.splitlines()[-1]).items():
        assert_poses_are_deeplabcuts(np.array(poses), size)
