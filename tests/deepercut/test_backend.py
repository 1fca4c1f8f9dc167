"""The quiet start of the backend, in processes of its own."""

import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

from deepercut import backend

FAILING = """
import os
from deepercut import backend
with backend._stderr_held_back():
    os.write(2, b"native reason")
    raise {error}
"""


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_start_is_silent_and_stderr_works_afterwards():
    code = (
        "import os; from deepercut.inference import engines; print(engines.device_name('keras')); os.write(2, b'after')"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "after")
    assert "(Keras 3." in done.stdout


def test_what_a_failing_start_said_is_shown():
    done = run(FAILING.format(error="RuntimeError('no device')"))
    assert done.returncode == 1
    assert 0 <= done.stderr.find("native reason") < done.stderr.find("RuntimeError: no device")


def test_what_an_interrupted_start_said_is_not_shown():
    done = run(FAILING.format(error="KeyboardInterrupt"))
    assert "native reason" not in done.stderr
    assert done.stderr.endswith("KeyboardInterrupt\n")


@pytest.fixture
def machine(monkeypatch):
    """``machine(devices, cpu_can=(), compute_capability=None)``: what TensorFlow and OpenVINO tell of one."""

    def stand_in(devices, cpu_can=(), compute_capability=None):
        monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
        monkeypatch.setattr(backend, "start_backend", lambda: devices)
        core = SimpleNamespace(get_property=lambda device, name: list(cpu_can))
        monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=lambda: core))
        details = {} if compute_capability is None else {"compute_capability": compute_capability}
        config = SimpleNamespace(
            list_physical_devices=lambda kind: [kind],
            experimental=SimpleNamespace(get_device_details=lambda device: details),
        )
        monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))

    return stand_in


def test_a_cpu_trains_in_bfloat16_where_it_has_instructions_for_it(machine):
    machine(["cpu:0"], cpu_can=("FP32", "INT8", "BF16"))
    assert backend.quick_precision() == "mixed_bfloat16"
    machine(["cpu:0"], cpu_can=("FP32", "INT8"))
    assert backend.quick_precision() == "float32"


def test_without_openvino_nobody_knows_what_a_cpu_has(machine, monkeypatch):
    machine(["cpu:0"], cpu_can=("BF16",))
    monkeypatch.setitem(sys.modules, "openvino", None)  # what makes its import fail
    assert backend.quick_precision() == "float32"
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace())  # broken
    assert backend.quick_precision() == "float32"


@pytest.mark.parametrize(
    ("generation", "precision"),
    [((8, 0), "mixed_bfloat16"), ((9, 0), "mixed_bfloat16"), ((7, 5), "float32"), (None, "float32")],
)
def test_a_gpu_trains_in_bfloat16_from_its_eighth_generation_on(machine, generation, precision):
    machine(["cpu:0", "gpu:0"], cpu_can=("BF16",), compute_capability=generation)
    assert backend.quick_precision() == precision


def test_other_backends_train_in_float32(machine, monkeypatch):
    machine(["cpu:0"], cpu_can=("BF16",))
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert backend.quick_precision() == "float32"
