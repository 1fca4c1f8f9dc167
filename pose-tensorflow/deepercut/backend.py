"""The start of Keras' backend, without the notes that its native libraries write about themselves."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deepercut import DeepercutError

Tensor = Any
"""What the functions of `keras.ops` take and give: an array of the backend, or Keras' symbol of one."""


def start_backend() -> list[str]:
    """Import Keras, start its backend and list the devices; takes seconds the first time.

    TensorFlow's start writes lines such as 'failed call to cuInit' on machines without a GPU, which no setting
    silences and which look like errors. They are shown only if the start fails.

    Returns
    -------
    list of str
        Such as ``cpu:0`` and ``gpu:0``.
    """
    with _stderr_held_back():
        import keras

        if keras.backend.backend() != "torch":
            return keras.distribution.list_devices()
        import torch  # Keras lists no devices of it

        return [f"gpu:{number}" for number in range(torch.cuda.device_count())] or ["cpu:0"]


def machines() -> tuple[int, int]:
    """Return this process' number, from 0, among those that train together, and how many they are.

    Keras' own environment variables tell: KERAS_DISTRIBUTION_PROCESS_ID and KERAS_DISTRIBUTION_NUM_PROCESSES.

    Raises
    ------
    DeepercutError
        When these are no such numbers.
    """
    names = ("KERAS_DISTRIBUTION_PROCESS_ID", "KERAS_DISTRIBUTION_NUM_PROCESSES")
    texts = [os.environ.get(name, default) for name, default in zip(names, "01", strict=True)]
    if not all(map(str.isdecimal, texts)) or int(texts[0]) >= int(texts[1]):
        raise DeepercutError(
            f"the environment variables {names[0]} and {names[1]} are {texts[0]!r} and {texts[1]!r}: set the second to "
            "the number of machines, and the first to another number on each, from 0 to one less"
        )
    return int(texts[0]), int(texts[1])


def join_machines() -> None:
    """Wait for the other machines that train together with this one (see `machines`); before the backend starts.

    Raises
    ------
    DeepercutError
        When the backend is not JAX, or they cannot be reached at KERAS_DISTRIBUTION_JOB_ADDRESSES.
    """
    number, count = machines()
    if count == 1:
        return
    with _stderr_held_back():
        import keras

        if keras.backend.backend() != "jax":
            raise DeepercutError("only JAX trains on several machines: set KERAS_BACKEND=jax on each of them")
        try:
            keras.distribution.initialize()
        except Exception as error:  # JAX raises many types
            address = os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES")
            raise DeepercutError(
                f"machine {number} of {count} did not find the others: KERAS_DISTRIBUTION_JOB_ADDRESSES is {address}; "
                f"it must be the address and a free port of machine 0, such as 10.0.0.1:1234 ({error})"
            ) from error


def quick_precision() -> str:
    """Return the precision in which training is quickest.

    Returns
    -------
    {'mixed_bfloat16', 'float32'}
        bfloat16 where TensorFlow has instructions for it: on NVIDIA's GPUs since 2020, and on CPUs where OpenVINO, if
        it is installed and starts, tells of them.
    """
    devices = start_backend()
    import keras

    if keras.backend.backend() != "tensorflow":
        return "float32"
    is_native = _gpu_has_bfloat16() if any(device.startswith("gpu") for device in devices) else _cpu_has_bfloat16()
    return "mixed_bfloat16" if is_native else "float32"


def _cpu_has_bfloat16() -> bool:
    """Ask OpenVINO; TensorFlow does not tell."""
    try:
        import openvino

        return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception:  # a broken installation raises anything
        return False


def _gpu_has_bfloat16() -> bool:
    """Ask TensorFlow for the generation of the first GPU; number 8 came in 2020."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return details.get("compute_capability", (0, 0)) >= (8, 0)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether a backend or OpenCV failed because there is too little memory; each says so in another way."""
    exhausted = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return exhausted or any(sign in str(error).lower() for sign in ("out of memory", "insufficient memory"))


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Keep what native code writes to stderr, and let it out only when an exception comes through."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:  # not KeyboardInterrupt
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
