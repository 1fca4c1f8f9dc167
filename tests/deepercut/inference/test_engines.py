"""Both engines, against a literal decoding of the network's maps and against each other."""

import re
import subprocess
import sys
from dataclasses import fields
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.inference import engines
from deepercut.inference.engines import ENGINES, REDUCED, choose_engine, device_name
from deepercut.network.posenet import build_posenet, with_poses
from deepercut.network.targets import covered_cells, decode_poses, map_size
from deepercut.weights.checkpoints import fill
from dlc_toolbox.project.settings import AnalysisSettings

pytestmark = pytest.mark.usefixtures("thin")

PARTS = 3


@pytest.fixture(scope="module")
def arrays(random_arrays):
    return random_arrays()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, make_config, arrays):
    return ENGINES[request.param](make_config(), arrays)


@pytest.fixture(scope="module")
def network(make_config, arrays):
    network = build_posenet(50, PARTS, make_config().mean_pixel)
    fill(network, arrays, "test")
    return network


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def literal_poses(network, frame: np.ndarray, locref_stdev: float = 7.2801, cells=covered_cells) -> np.ndarray:
    """Look at every cell in turn, as many as `cells` tells for each side."""
    outputs = network.predict(frame[None].astype(np.float32), verbose=0)
    logits, locref = outputs["part_pred"][0], outputs["locref_pred"][0]
    poses = []
    for part in range(logits.shape[-1]):
        best = (-np.inf, 0, 0)
        for row in range(cells(frame.shape[0])):
            for column in range(cells(frame.shape[1])):
                if logits[row, column, part] > best[0]:
                    best = (logits[row, column, part], row, column)
        logit, row, column = best
        dx, dy = locref[row, column, 2 * part : 2 * part + 2] * locref_stdev
        poses.append((column * 8 + 4 + dx, row * 8 + 4 + dy, 1 / (1 + np.exp(-logit))))
    return np.array(poses)


@pytest.mark.parametrize("size", [(64, 80), (70, 90), (33, 49), (5, 40), (1, 1)])
def test_poses_equal_a_literal_decoding(engine, network, size):
    frames = noise(2, *size)
    poses = engine(frames)
    assert (type(poses), poses.dtype, poses.shape) == (np.ndarray, np.float32, (2, PARTS, 3))
    for pose, frame in zip(poses, frames, strict=True):
        np.testing.assert_allclose(pose, literal_poses(network, frame), rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("name", ENGINES)
def test_without_padding_poses_equal_a_literal_decoding_of_all_cells(make_config, arrays, name):
    plain = build_posenet(50, PARTS, make_config().mean_pixel, padding=False)
    fill(plain, arrays, "test")
    engine = ENGINES[name](make_config(padding=False), arrays)
    for size in [(64, 80), (70, 90), (33, 49), (5, 40), (1, 1)]:
        frames = noise(2, *size)
        expected = [literal_poses(plain, frame, cells=map_size) for frame in frames]
        np.testing.assert_allclose(engine(frames), expected, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("name", ENGINES)
def test_without_padding_the_first_cell_of_full_likelihood_is_taken(make_config, arrays, name):
    certain = {**arrays, "part_pred/bias": arrays["part_pred/bias"] + 100}
    assert (ENGINES[name](make_config(), certain)(noise(1, 32, 48))[..., 0] > 8).any()
    config = make_config(padding=False, location_refinement=False)
    first = ENGINES[name](config, {key: array for key, array in certain.items() if "locref" not in key})
    np.testing.assert_array_equal(first(noise(1, 32, 48))[0], [[4, 4, 1]] * PARTS)


@pytest.mark.parametrize("size", [(64, 80), (70, 90), (5, 40)])
def test_what_the_maps_tell_is_the_same_on_both_engines_and_changes_no_pose(engine, network, size):
    frames = noise(2, *size)
    poses, features = engine.with_features(frames)
    np.testing.assert_array_equal(poses, engine(frames))
    assert (features.dtype, features.shape) == (np.float32, (2, PARTS, 4))
    np.testing.assert_array_equal(features[..., 0], poses[..., 2])
    maps = network.predict(frames.astype(np.float32), verbose=0)
    expected = np.array(decode_poses(maps, 7.2801, size, features=True))[..., 3:]
    np.testing.assert_allclose(features[..., 1:], expected, rtol=2e-4, atol=2e-3)


def test_features_do_not_touch_the_poses(make_config, arrays):
    config, frames = make_config(), noise(2, 70, 90)
    plain = engines.run_openvino(engines.openvino_network(config, arrays), PARTS)
    np.testing.assert_array_equal(ENGINES["openvino"](config, arrays)(frames), plain(frames))
    model = with_poses(engines.keras_network(config, arrays), config.locref_stdev)
    np.testing.assert_array_equal(ENGINES["keras"](config, arrays)(frames), model.predict_on_batch(frames))


@pytest.mark.parametrize("padding", [True, False])
def test_the_network_for_integers_is_the_same_where_nothing_is_rounded(make_config, integer_stem, padding):
    config = make_config(padding=padding)
    everywhere, integers = (
        engines.run_openvino(engines.openvino_network(config, integer_stem, integers=of_integers), PARTS)
        for of_integers in (False, True)
    )
    cells = set()
    for size in [(64, 80), (70, 90), (33, 49), (5, 40), (1, 1)]:
        frames = noise(3, *size)
        poses = integers(frames)
        np.testing.assert_allclose(poses, everywhere(frames), rtol=1e-6, atol=1e-3)
        cells |= {(y % 2, x % 2) for x, y in (poses[..., :2].reshape(-1, 2) // 8).astype(int).tolist()}
    assert len(cells) == 4  # of each parity, which see other taps of the kernel


def test_a_model_made_before_there_were_features_tells_the_likelihood_alone(make_config, arrays):
    plain = engines.run_openvino(engines.openvino_network(make_config(), arrays), PARTS)
    poses, features = plain.with_features(noise(1, 40, 48))
    np.testing.assert_array_equal(features[..., 0], poses[..., 2])
    assert features.shape == (1, PARTS, 4) and np.isnan(features[..., 1:]).all()


def test_frames_that_are_not_in_one_piece_and_earlier_poses_are_safe(engine):
    frames = noise(2, 40, 48)
    poses = engine(frames)
    kept = poses.copy()
    mirrored = engine(frames[:, :, ::-1])
    np.testing.assert_array_equal(mirrored, engine(np.ascontiguousarray(frames[:, :, ::-1])))
    np.testing.assert_array_equal(poses, kept)


def test_of_equal_cells_the_first_is_taken(make_config, arrays):
    flat = {name: np.zeros_like(array) if "pred" in name else array for name, array in arrays.items()}
    poses = ENGINES["openvino"](make_config(), flat)(noise(1, 32, 48))
    np.testing.assert_array_equal(poses[0], [[4, 4, 0.5]] * PARTS)


def test_without_location_refinement_poses_are_centers_of_cells(make_config, arrays, network):
    arrays = {name: array for name, array in arrays.items() if "locref" not in name}
    (frame,) = frames = noise(1, 40, 56)
    poses = ENGINES["openvino"](make_config(location_refinement=False), arrays)(frames)
    np.testing.assert_allclose(poses[0], literal_poses(network, frame, locref_stdev=0), atol=1e-4)


def test_a_signal_after_the_engines_are_gone_does_not_crash():
    code = (
        "import signal, numpy as np, openvino.opset13 as ops, openvino;"
        "from deepercut.inference.engines import cpu_runtime, run_openvino;"
        "frames = ops.parameter([-1, -1, -1, 3], np.uint8);"
        "network = openvino.Model([ops.convert(frames, 'f32')], [frames]);"
        "engines = [run_openvino(network, 3) for _ in range(2)];"
        "[engine(np.zeros((1, 1, 3, 3), np.uint8)) for engine in engines];"
        "cpu_runtime();"
        "engines.pop(0); engines.pop();"
        "signal.signal(signal.SIGINT, lambda *_: print('alive'));"
        "signal.raise_signal(signal.SIGINT)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


@pytest.mark.campaign
@pytest.mark.parametrize("depth", [101, 152])
def test_engines_agree_on_deeper_networks(make_config, random_arrays, depth):
    arrays, config = random_arrays(depth), make_config(net_type=f"resnet_{depth}")
    keras_poses, openvino_poses = (ENGINES[name](config, arrays)(noise(1, 48, 48)) for name in ("keras", "openvino"))
    np.testing.assert_allclose(openvino_poses, keras_poses, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize(
    ("installed", "gpus", "engine"), [(True, [], "openvino"), (True, ["gpu:0"], "keras"), (False, [], "keras")]
)
def test_auto_is_openvino_where_there_is_no_gpu(monkeypatch, installed, gpus, engine):
    monkeypatch.setattr(engines, "_accelerators", lambda: gpus)
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: name if installed else None)
    assert choose_engine() == choose_engine("auto") == engine
    assert choose_engine("keras") == "keras"


def test_without_a_driver_the_backend_is_not_asked(monkeypatch):
    monkeypatch.setattr(engines, "GPU_DRIVERS", ("no-such-driver.so",))
    monkeypatch.setattr(engines.sys, "platform", "linux")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "gpu:0"])
    assert engines._accelerators() == []
    monkeypatch.setattr(engines.sys, "platform", "darwin")
    assert engines._accelerators() == ["gpu:0"]
    assert device_name("keras").startswith("gpu:0 (Keras 3.")


@pytest.mark.parametrize(
    ("gpus", "engine", "frames"), [([], "keras", 8), (["gpu:0"], "keras-bf16", 64), (["gpu:0"], "openvino", 8)]
)
def test_only_gpus_are_given_much_at_once(monkeypatch, gpus, engine, frames):
    monkeypatch.setattr(engines, "_accelerators", lambda: gpus)
    assert engines.batch_pixels(engine) == frames * 640 * 480


def test_an_engine_that_is_not_there_is_an_error(monkeypatch):
    with pytest.raises(DeepercutError, match="engine is 'onnx'; accepted are auto, keras, openvino"):
        choose_engine("onnx")
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DeepercutError, match="openvino is not installed: pip install openvino, or use keras"):
        choose_engine("openvino")


@pytest.fixture
def broken_openvino(tmp_path, monkeypatch) -> str:
    """Put an OpenVINO first on the path that cannot be loaded; its file."""
    file = tmp_path / "openvino.py"
    file.write_text("raise ImportError('DLL load failed:\\nthe module could not be found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "openvino")
    monkeypatch.setattr(engines, "_openvino_core", engines._openvino_core.__wrapped__)
    return str(file)


def test_an_openvino_that_does_not_start_is_one_line(make_config, arrays, broken_openvino, monkeypatch):
    monkeypatch.setattr(engines, "_accelerators", list)
    told = (
        f"OpenVINO does not start ({broken_openvino}: DLL load failed: the module could not be found): install it again"
    )
    for engine in ("auto", "openvino", "openvino-bf16", "openvino-int8"):
        with pytest.raises(DeepercutError, match=f"^{re.escape(told)}.* engine = 'keras' in myconfig_analysis.py$"):
            choose_engine(engine)
    with pytest.raises(DeepercutError, match=f"^{re.escape(told)}"):
        ENGINES["openvino"](make_config(), arrays)
    assert device_name("keras").startswith("CPU (Keras 3.")
    monkeypatch.setattr(engines, "_accelerators", lambda: ["gpu:0"])
    assert choose_engine() == "keras"


def test_an_openvino_without_a_cpu_does_not_start(monkeypatch):
    monkeypatch.setattr(engines, "_openvino_core", engines._openvino_core.__wrapped__)

    def refuse(*_):
        raise RuntimeError("Device with CPU name is not registered")

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: SimpleNamespace(get_property=refuse)))
    monkeypatch.setattr(
        engines.importlib.util, "find_spec", lambda name: SimpleNamespace(origin="openvino/__init__.py")
    )
    with pytest.raises(DeepercutError, match=r"does not start \(openvino/__init__.py: Device with CPU name is not reg"):
        choose_engine("openvino")


def test_bfloat16_needs_a_cpu_that_has_it(monkeypatch):
    runtime = {"openvino": "1", "cpu": "an old CPU", "capabilities": ["FP32", "INT8"]}
    monkeypatch.setattr(engines, "cpu_runtime", lambda: runtime)
    with pytest.raises(DeepercutError, match="openvino-bf16 needs a CPU with bfloat16 instructions, which an old CPU"):
        choose_engine("openvino-bf16")
    monkeypatch.setattr(engines, "cpu_runtime", lambda: {**runtime, "capabilities": ["BF16"]})
    assert choose_engine("openvino-bf16") == "openvino-bf16"
    assert device_name("openvino-bf16") == "CPU (OpenVINO 1, bf16)"


def test_what_may_be_faster_is_what_this_machine_can_do(monkeypatch):
    monkeypatch.setattr(engines, "_accelerators", list)
    runtime = {"openvino": "1", "cpu": "an old CPU", "capabilities": []}
    monkeypatch.setattr(engines, "cpu_runtime", lambda: runtime)
    monkeypatch.setattr(engines, "can_quantize", lambda: True)
    assert engines.faster_engines() == ["openvino-int8"]
    runtime["capabilities"] = ["BF16"]
    assert engines.faster_engines() == ["openvino-bf16", "openvino-int8"]
    monkeypatch.setattr(engines, "can_quantize", lambda: False)
    assert engines.faster_engines() == ["openvino-bf16"]
    monkeypatch.setattr(engines, "_accelerators", lambda: ["gpu:0"])
    assert engines.faster_engines() == ["keras-bf16"]
    monkeypatch.setattr(engines, "choose_engine", lambda: "keras")
    monkeypatch.setattr(engines, "_accelerators", list)
    assert engines.faster_engines() == []


def test_the_settings_accept_every_engine():
    (setting,) = (setting for setting in fields(AnalysisSettings) if setting.name == "engine")
    accepted = f"one of {', '.join(map(repr, ['auto', 'fast', *ENGINES, *REDUCED]))}"
    with pytest.raises(ValueError, match=f"^{accepted}$"):
        setting.metadata["check"]("abacus")


def test_names_of_engines():
    assert device_name("openvino").startswith("CPU (OpenVINO 20")
    assert f"(Keras {keras.__version__} on {keras.backend.backend()})" in device_name("keras")
    assert device_name("keras-bf16").endswith(", bf16)")


def test_batches_become_as_small_as_the_memory_asks_for():
    sizes = []

    def compute(frames):
        sizes.append(len(frames))
        if len(frames) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return frames[:, 0, :1]

    fitting = engines.in_batches_that_fit(compute)
    frames = noise(8, 2, 2)
    assert np.array_equal(fitting(frames), frames[:, 0, :1])
    assert sizes == [8, 4, 2, 2, 2, 2]
    fitting(frames[:3])
    assert sizes[6:] == [2, 1]


def test_a_frame_too_large_for_the_memory_is_an_error_and_others_stay_what_they_are():
    def exhausted(frames):
        raise MemoryError

    with pytest.raises(DeepercutError, match=r"out of memory with a single frame of 4x2: .* analyze a crop"):
        engines.in_batches_that_fit(exhausted)(noise(2, 2, 4))

    def broken(frames):
        raise RuntimeError("no kernel image")

    with pytest.raises(RuntimeError, match="no kernel image"):
        engines.in_batches_that_fit(broken)(noise(2, 2, 4))
