"""What computes poses: Keras on its backend, or OpenVINO on a CPU, behind one kind of function."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from deepercut import DeepercutError
from deepercut.backend import start_backend
from deepercut.config import PoseConfig

Compute = Callable[[np.ndarray], np.ndarray]
"""From frames, uint8 (B, H, W, 3), to poses, float32 (B, K, 3): x and y in pixels, likelihood."""

GPU_DRIVERS = ("libcuda.so.1", "nvcuda.dll", "libamdhip64.so")


def choose_engine(engine: str = "auto") -> str:
    """Decide what shall compute.

    Parameters
    ----------
    engine : {'auto', 'keras', 'openvino'}
        'auto' is Keras where its backend finds a GPU or OpenVINO is not installed, and OpenVINO otherwise.

    Returns
    -------
    {'keras', 'openvino'}
        The engine.

    Raises
    ------
    DeepercutError
        For another name, or when OpenVINO is asked for and not installed.
    """
    if engine not in ("auto", *ENGINES):
        raise DeepercutError(f"engine is {engine!r}; accepted are auto, {', '.join(ENGINES)}")
    installed = importlib.util.find_spec("openvino") is not None
    if engine == "openvino" and not installed:
        raise DeepercutError("the engine openvino is not installed: pip install openvino, or use keras")
    if engine != "auto":
        return engine
    return "openvino" if installed and not _accelerators() else "keras"


def device_name(engine: str = "auto") -> str:
    """Name what an engine computes on, and with what.

    Parameters
    ----------
    engine : {'auto', 'keras', 'openvino'}
        See `choose_engine`.

    Returns
    -------
    str
        Such as 'CPU (OpenVINO 2026.4.1)' or 'gpu:0 (Keras 3.15.1 on tensorflow)'.
    """
    if choose_engine(engine) == "openvino":
        import openvino

        return f"CPU (OpenVINO {openvino.__version__.split('-')[0]})"
    start_backend()
    import keras

    return f"{', '.join(_accelerators()) or 'CPU'} (Keras {keras.__version__} on {keras.backend.backend()})"


def _accelerators() -> list[str]:
    """List the GPUs and TPUs of Keras' backend, which takes seconds to start and is left alone without any driver."""
    if sys.platform != "darwin" and not any(map(_loads, GPU_DRIVERS)):
        return []
    return [device for device in start_backend() if not device.startswith("cpu")]


def _loads(library: str) -> bool:
    """Tell whether the system has a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def keras_engine(config: PoseConfig, arrays: Mapping[str, np.ndarray]) -> Compute:
    """Make the poses of Keras' network.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.

    Returns
    -------
    callable
        Frames to poses, on the backend's device: only the frames as uint8 go there, only the poses come back.
    """
    import keras
    from keras import ops

    from deepercut.checkpoints import fill
    from deepercut.posenet import build_posenet
    from deepercut.targets import decode_poses

    class DecodePoses(keras.layers.Layer):
        def call(self, images, outputs):
            return decode_poses(outputs, config.locref_stdev, ops.shape(images)[1:3])

        def compute_output_shape(self, images_shape, outputs_shape):
            return (images_shape[0], config.num_joints, 3)

    network = build_posenet(config.depth, config.num_joints, config.mean_pixel, config.location_refinement)
    fill(network, arrays, "the snapshot")
    model = keras.Model(network.input, DecodePoses()(network.input, network.output))
    model.compile(jit_compile=False)  # XLA compiles anew for every size of image
    return model.predict_on_batch


def openvino_engine(config: PoseConfig, arrays: Mapping[str, np.ndarray]) -> Compute:
    """Make the poses of OpenVINO's network, in float32 on all cores.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.

    Returns
    -------
    callable
        Frames to poses. Each frame is a request of its own: cores that work on different frames need not wait for one
        another. What is compiled serves frames of every size, as fast as if it were made for one.
    """
    import openvino

    from deepercut.openvino_graph import build_openvino

    model = build_openvino(arrays, config.depth, config.mean_pixel, config.locref_stdev)

    @lru_cache(maxsize=2)
    def requests(count: int) -> openvino.AsyncInferQueue:
        hints = {
            "INFERENCE_PRECISION_HINT": "f32",  # a CPU with bfloat16 instructions would use them unasked
            "PERFORMANCE_HINT": "THROUGHPUT",
            "PERFORMANCE_HINT_NUM_REQUESTS": count,  # so that a single frame gets all cores
        }
        queue = openvino.AsyncInferQueue(openvino.Core().compile_model(model, "CPU", hints))
        queue.set_callback(lambda request, pose: np.copyto(pose, request.get_output_tensor().data))
        return queue

    def compute(frames: np.ndarray) -> np.ndarray:
        poses = np.empty((len(frames), config.num_joints, 3), np.float32)
        queue = requests(len(frames))
        for frame, pose in zip(np.ascontiguousarray(frames)[:, None], poses[:, None], strict=True):
            queue.start_async([frame], pose, share_inputs=True)
        queue.wait_all()
        return poses

    return compute


ENGINES = {"keras": keras_engine, "openvino": openvino_engine}
