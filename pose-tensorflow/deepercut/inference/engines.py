"""What computes poses: Keras on its backend, or OpenVINO on a CPU, behind one kind of function."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepercut import DeepercutError
from deepercut.backend import is_out_of_memory, start_backend
from deepercut.config import PoseConfig
from deepercut.network.targets import ANSWER

if TYPE_CHECKING:
    import keras
    import openvino

log = logging.getLogger(__name__)

Compute = Callable[[np.ndarray], np.ndarray]
"""From frames, uint8 (B, H, W, 3), to poses, float32 (B, K, 3): x and y in pixels, likelihood."""


@dataclass(frozen=True)
class Engine:
    """A network that finds poses and tells what its maps look like there.

    Parameters
    ----------
    answer : callable
        From frames, uint8 (B, H, W, 3), to float32 (B, K, 6), see `targets.ANSWER`; of a model that was made before
        there were features, (B, K, 3).
    """

    answer: Compute

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Find the poses; a `Compute`."""
        return self.answer(frames)[..., :3]

    def with_features(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the poses, (B, K, 3), and their features, (B, K, 4), see `targets.ANSWER`; NaN of a model without."""
        answers = self.answer(frames)
        unknown = np.full((*answers.shape[:2], len(ANSWER) - answers.shape[2]), np.nan, np.float32)
        return answers[..., :3], np.concatenate([answers[..., 2:], unknown], axis=2)


CPU_BATCH_PIXELS, GPU_BATCH_PIXELS = 8 * 640 * 480, 64 * 640 * 480
"""Area of the frames of one batch: what keeps all processors busy, in memory that small machines have."""

FLOAT32_HINT = {"INFERENCE_PRECISION_HINT": "f32"}
"""What OpenVINO must be told on a CPU with bfloat16 instructions, which would use them unasked."""

_PRECISE = "precise_0"  # name and version of OpenVINO's attribute

GPU_DRIVERS = ("libcuda.so.1", "nvcuda.dll", "libamdhip64.so")


def choose_engine(engine: str = "auto") -> str:
    """Decide what shall compute.

    Parameters
    ----------
    engine : {'auto', 'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}
        'auto' is Keras where its backend finds a GPU or OpenVINO is not installed, and OpenVINO otherwise; both
        compute in float32. Reduced precision is never chosen unasked.

    Returns
    -------
    {'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}
        The engine.

    Raises
    ------
    DeepercutError
        For another name, when OpenVINO is asked for and not installed, or is to compute and does not start, or
        bfloat16 is asked for and the CPU does not have it.
    """
    if engine not in ("auto", *ENGINES, *REDUCED):
        raise DeepercutError(f"engine is {engine!r}; accepted are auto, {', '.join([*ENGINES, *REDUCED])}")
    installed = importlib.util.find_spec("openvino") is not None
    if engine == "auto":
        engine = "openvino" if installed and not _accelerators() else "keras"
    if engine.startswith("keras"):
        return engine
    if not installed:
        raise DeepercutError(f"the engine {engine} is not installed: pip install openvino, or use keras")
    runtime = cpu_runtime()
    if engine == "openvino-bf16" and "BF16" not in runtime["capabilities"]:
        raise DeepercutError(
            f"the engine {engine} needs a CPU with bfloat16 instructions, which {runtime['cpu']} lacks: use "
            "openvino-int8, or auto"
        )
    return engine


def faster_engines() -> list[str]:
    """List what may be faster here, in reduced precision, than the engine that 'auto' is.

    Returns
    -------
    list of str
        Engines that this machine has all that is needed for. Which of them is faster, and how good, is to be measured.
    """
    if choose_engine() == "keras":
        return ["keras-bf16"] if _accelerators() else []
    is_known = {"openvino-bf16": "BF16" in cpu_runtime()["capabilities"], "openvino-int8": can_quantize()}
    return [engine for engine, is_there in is_known.items() if is_there]


def can_quantize() -> bool:
    """Tell whether nncf is installed, which openvino-int8 needs once for each snapshot."""
    return importlib.util.find_spec("nncf") is not None


def device_name(engine: str = "auto") -> str:
    """Name what an engine computes on, and with what.

    Parameters
    ----------
    engine : {'auto', 'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}
        See `choose_engine`.

    Returns
    -------
    str
        Such as 'CPU (OpenVINO 2026.4.1, int8)' or 'gpu:0 (Keras 3.15.1 on tensorflow)'.
    """
    engine = choose_engine(engine)
    precision = engine.split("-")[1:]
    if engine.startswith("openvino"):
        return f"CPU (OpenVINO {', '.join([cpu_runtime()['openvino'], *precision])})"
    start_backend()
    import keras

    program = f"Keras {keras.__version__} on {keras.backend.backend()}"
    return f"{', '.join(_accelerators()) or 'CPU'} ({', '.join([program, *precision])})"


def computer_name(engine: str = "auto") -> str:
    """Name the very processor and program that an engine computes with, which decide its speed and its rounding.

    Parameters
    ----------
    engine : {'auto', 'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}
        See `choose_engine`.

    Returns
    -------
    str
        Such as 'AMD EPYC 7B13 (OpenVINO 2026.4.1)'; as `device_name` for Keras.
    """
    name = device_name(engine)
    return name.replace("CPU", cpu_runtime()["cpu"], 1) if "OpenVINO" in name else name


def batch_pixels(engine: str = "auto") -> int:
    """Return the area of frames that an engine should be given at once; on a GPU it is halved if it does not fit."""
    on_gpu = choose_engine(engine).startswith("keras") and _accelerators()
    return GPU_BATCH_PIXELS if on_gpu else CPU_BATCH_PIXELS


def cpu_runtime() -> dict[str, Any]:
    """Tell what decides how OpenVINO computes: its version, the CPU and what that is capable of."""
    core = _openvino_core()
    import openvino

    return {
        "openvino": openvino.__version__.split("-")[0],
        "cpu": core.get_property("CPU", "FULL_DEVICE_NAME"),
        "capabilities": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
    }


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


def keras_engine(config: PoseConfig, arrays: Mapping[str, np.ndarray], precision: str = "float32") -> Engine:
    """Make the poses of Keras' network.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.
    precision : {'float32', 'mixed_bfloat16'}, optional
        Of the arithmetic.

    Returns
    -------
    Engine
        Frames to poses, on the backend's device: only the frames as uint8 go there, only the poses and what the maps
        tell about them come back.
    """
    from deepercut.network.posenet import with_poses

    network = keras_network(config, arrays, precision)
    return Engine(in_batches_that_fit(with_poses(network, config.locref_stdev, features=True).predict_on_batch))


def keras_network(config: PoseConfig, arrays: Mapping[str, np.ndarray], precision: str = "float32") -> keras.Model:
    """Build Keras' network with its weights; parameters as in `keras_engine`, and see `posenet.build_posenet`."""
    from deepercut.network.posenet import build_posenet
    from deepercut.weights.checkpoints import fill

    network = build_posenet(
        *(config.depth, config.num_joints, config.mean_pixel, config.location_refinement),
        precision=precision,
        padding=config.pads(),
    )
    fill(network, arrays, "the snapshot")
    return network


def in_batches_that_fit(compute: Compute) -> Compute:
    """Split batches that are too large for the device's memory, this one and all after it.

    Parameters
    ----------
    compute : callable
        Frames to poses.

    Returns
    -------
    callable
        The same poses. It raises DeepercutError when not even a single frame fits.
    """
    most = sys.maxsize

    def compute_pieces(frames: np.ndarray) -> np.ndarray:
        nonlocal most
        while True:
            try:
                return np.concatenate([compute(frames[at : at + most]) for at in range(0, len(frames), most)])
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                tried = min(most, len(frames))
                if tried == 1:
                    height, width = frames.shape[1:3]
                    raise DeepercutError(
                        f"the device is out of memory with a single frame of {width}x{height}: close other programs "
                        "that use it, analyze a crop, or choose the engine openvino, which needs no GPU"
                    ) from error
            most = tried // 2
            log.info("%d frames at once are too much for the device's memory: trying %d", tried, most)

    return compute_pieces


def openvino_engine(config: PoseConfig, arrays: Mapping[str, np.ndarray]) -> Engine:
    """Make the poses of OpenVINO's network, in float32 on all cores.

    Parameters
    ----------
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.

    Returns
    -------
    Engine
        Frames to poses.
    """
    return run_openvino(openvino_network(config, arrays, features=True), config.num_joints)


def openvino_network(
    config: PoseConfig, arrays: Mapping[str, np.ndarray], *, features: bool = False, integers: bool = False
) -> openvino.Model:
    """Build OpenVINO's network with its weights; parameters as in `openvino_engine`, and see `build_openvino`."""
    _openvino_core()  # says why OpenVINO does not start, where the import would end in a traceback
    from deepercut.inference.openvino_graph import build_openvino

    how = config.depth, config.mean_pixel, config.locref_stdev
    return build_openvino(arrays, *how, features=features, padding=config.pads(), integers=integers)


def save_openvino(network: openvino.Model, path: Path) -> None:
    """Write a network as ``.xml`` and, beside it, ``.bin``, with its weights as they are; raise OSError if refused."""
    import openvino

    try:
        openvino.save_model(network, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise OSError(f"OpenVINO says: {error}") from error


def hold_in_float32(network: openvino.Model) -> None:
    """Mark a network so that its file says that it is to be computed in float32.

    OpenVINO 2026.4 obeys the mark on each operation, even where a hint asks for less; 2025.0 passes it over. The hint
    among the file's runtime options is for people and programs that look there: OpenVINO itself takes it from whoever
    compiles the network.

    Parameters
    ----------
    network : openvino.Model
        Is changed.
    """
    for operation in network.get_ops():
        operation.get_rt_info()[_PRECISE] = ""
    for name, value in FLOAT32_HINT.items():
        network.set_rt_info(value, ["runtime_options", name])


def read_openvino(path: Path) -> openvino.Model:
    """Read what `save_openvino` wrote."""
    return _openvino_core().read_model(path)


def run_openvino(network: openvino.Model, num_joints: int, precision: str = "f32") -> Engine:
    """Make the poses of a network for OpenVINO, on all cores.

    Parameters
    ----------
    network : openvino.Model
        From frames to poses.
    num_joints : int
        Number of body parts K.
    precision : {'f32', 'bf16'}, optional
        Of the arithmetic; products of integers stay what they are.

    Returns
    -------
    Engine
        Frames to poses. Each frame is a request of its own: cores that work on different frames need not wait for one
        another. What is compiled serves frames of every size, as fast as if it were made for one. Requests call nothing
        back: OpenVINO's threads would wait for Python's lock, and abort a process that ends at that moment.
    """
    columns = network.output(0).get_partial_shape()[-1].get_length()

    @lru_cache(maxsize=2)
    def requests(count: int) -> list[openvino.InferRequest]:
        hints = {
            "INFERENCE_PRECISION_HINT": precision,  # see FLOAT32_HINT
            "PERFORMANCE_HINT": "THROUGHPUT",
            "PERFORMANCE_HINT_NUM_REQUESTS": count,  # so that a single frame gets all cores
        }
        compiled = _openvino_core().compile_model(network, "CPU", hints)
        at_once = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        return [compiled.create_infer_request() for _ in range(min(2 * at_once, count))]

    def compute(frames: np.ndarray) -> np.ndarray:
        poses = np.empty((len(frames), num_joints, columns), np.float32)
        turns = requests(len(frames))
        for place in range(len(frames) + len(turns)):
            request = turns[place % len(turns)]
            if place >= len(turns):  # it has answered what it was given a turn ago
                request.wait()
                poses[place - len(turns)] = request.get_output_tensor().data[0]
            if place < len(frames):
                request.start_async([np.ascontiguousarray(frames[place : place + 1])])
        return poses

    return Engine(compute)


@cache
def _openvino_core() -> openvino.Core:
    """Return the one core that serves as long as the process lives.

    A core gives its thread another stack for signals, and takes it away again when it ends. Of two, the second to end
    puts back the stack of the first, which is gone: the next signal, such as Ctrl-C, would crash Python.

    Raises
    ------
    DeepercutError
        When OpenVINO is installed, but cannot be loaded, or finds no CPU.
    """
    try:
        import openvino

        core = openvino.Core()
        core.get_property("CPU", "FULL_DEVICE_NAME")  # loads what computes
    except Exception as error:  # a broken installation raises anything
        spec = importlib.util.find_spec("openvino")
        raise DeepercutError(
            f"OpenVINO does not start ({spec and spec.origin}: {' '.join(str(error).split())}): install it again, "
            "pip install --force-reinstall openvino, or analyze videos with engine = 'keras' in myconfig_analysis.py"
        ) from error
    return core


ENGINES = {"keras": keras_engine, "openvino": openvino_engine}
"""In float32: the same poses."""

REDUCED = ("keras-bf16", "openvino-bf16", "openvino-int8")
"""In reduced precision: poses differ a little; see `precision.reduced_engine`."""
