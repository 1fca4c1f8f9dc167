import logging

import pytest

from deepercut.inference import engines
from dlc_toolbox.steps.device import tell_device


@pytest.mark.parametrize(
    ("device", "value", "told", "level"),
    [
        ("CPU (Keras)", None, [], None),
        ("CPU (Keras)", "3", ["CUDA_VISIBLE_DEVICES is '3', and no such GPU was found"], logging.WARNING),
        ("CPU (Keras)", "-1", ["CUDA_VISIBLE_DEVICES is '-1', which hides every GPU"], logging.INFO),
        ("gpu:0 (Keras)", "0", [], None),
    ],
)
def test_an_environment_that_hides_gpus_is_told(device, value, told, level, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(engines, "device_name", lambda engine: device)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert tell_device("keras", trains=True) == device
    first, *others = caplog.records
    assert first.getMessage().startswith(f"Device: {device}")
    assert ("see docs/train-with-a-gpu.md" in first.getMessage()) == device.startswith("CPU")
    assert [record.getMessage()[: len(text)] for record, text in zip(others, told, strict=True)] == told
    assert all(record.levelno == level for record in others)
