"""The quiet start of the backend, in processes of its own."""

import subprocess
import sys

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
