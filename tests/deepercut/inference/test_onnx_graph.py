"""The ONNX model against OpenVINO's, which is tested against a literal decoding."""

import numpy as np
import pytest

from deepercut.inference.engines import openvino_engine

pytestmark = pytest.mark.usefixtures("thin")

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def run_onnx(config, arrays):
    """Return a function from frames to poses."""
    from deepercut.inference.onnx_graph import build_onnx

    model = build_onnx(arrays, config.depth, config.mean_pixel, config.locref_stdev, padding=config.pads())
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda frames: session.run(["poses"], {"frames": frames})[0]


@pytest.fixture(scope="module")
def arrays(random_arrays):
    return random_arrays()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("padding", [True, False])
def test_poses_in_frames_of_every_size(make_config, arrays, padding):
    config = make_config(mean_pixel=(100.0, 120.0, 140.0), locref_stdev=5.0, padding=padding)
    onnx_poses, openvino_poses = run_onnx(config, arrays), openvino_engine(config, arrays)
    for size in [(64, 80), (70, 90), (33, 49), (5, 40), (1, 1)]:
        frames = noise(2, *size)
        np.testing.assert_allclose(onnx_poses(frames), openvino_poses(frames), rtol=1e-4, atol=2e-3)


def test_of_equal_cells_the_first_is_taken(make_config, arrays):
    flat = {name: np.zeros_like(array) if "pred" in name else array for name, array in arrays.items()}
    np.testing.assert_array_equal(run_onnx(make_config(), flat)(noise(1, 32, 48))[0], [[4, 4, 0.5]] * 3)


def test_without_padding_the_first_cell_of_full_likelihood_is_taken(make_config, arrays):
    certain = {name: array for name, array in arrays.items() if "locref" not in name}
    certain["part_pred/bias"] = certain["part_pred/bias"] + 100
    poses = run_onnx(make_config(padding=False), certain)(noise(1, 32, 48))
    np.testing.assert_array_equal(poses[0], [[4, 4, 1]] * 3)


def test_without_location_refinement_poses_are_centers_of_cells(make_config, arrays):
    arrays = {name: array for name, array in arrays.items() if "locref" not in name}
    poses = run_onnx(make_config(), arrays)(noise(1, 40, 56))
    np.testing.assert_array_equal(poses[..., :2] % 8, np.full((1, 3, 2), 4))
    np.testing.assert_allclose(poses, openvino_engine(make_config(), arrays)(noise(1, 40, 56)), atol=1e-4)
