"""The quiet start of the backend, in processes of its own."""

import platform
import subprocess
import sys

import pytest

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
    code = "import os; from deepercut.engines import device_name; print(device_name('keras')); os.write(2, b'after')"
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's settings")
@pytest.mark.parametrize("keep", [True, False])
def test_memory_that_was_freed_is_not_asked_of_the_system_again(keep):
    code = (
        "import resource, numpy as np; from deepercut.backend import keep_freed_memory;"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt;"
        "use = lambda: len([np.ones(2**17) for _ in range(50)]);"
        f"{'keep_freed_memory();' if keep else ''} use(); before = faults(); use();"
        "print(faults() - before)"
    )
    assert (int(run(code).stdout) < 1000) == keep  # 12,800 pages of 4 KB are used
