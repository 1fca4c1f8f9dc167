"""What a step computes on, told in its first line."""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_ADVICE = "; training is many times faster on a GPU, see docs/train-with-a-gpu.md"


def tell_device(engine: str = "auto", *, trains: bool = False) -> str:
    """Log what an engine computes on, and where the environment hides GPUs.

    Parameters
    ----------
    engine : str
        Of `deepercut.inference.engines`.
    trains : bool
        Whether a training begins, which takes long without a GPU.

    Returns
    -------
    str
        The device.
    """
    from deepercut.inference.engines import device_name  # takes seconds

    device = device_name(engine)
    on_cpu = device.startswith("CPU")
    log.info("Device: %s%s", device, _ADVICE if on_cpu and trains else "")
    if on_cpu and (value := os.environ.get(_VISIBLE)) is not None:
        hides = value.strip() in ("", "-1")
        told = "which hides every GPU" if hides else "and no such GPU was found: correct or unset it, or ask doctor.py"
        log.log(logging.INFO if hides else logging.WARNING, "%s is %r, %s", _VISIBLE, value, told)
    return device
