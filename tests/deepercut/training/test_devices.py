"""Several devices make the training that one makes; virtual CPUs stand for GPUs, in processes of their own."""

import csv
import importlib.util
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.backend import join_machines, machines
from deepercut.training import devices
from deepercut.training.training import _of_the_run
from deepercut.weights.checkpoints import read_weights
from dlc_common.cli import CHECKOUT

TRAIN = CHECKOUT / "pose-tensorflow" / "train.py"

RUN = """
import os
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    cpu, = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import sys
from pathlib import Path
from deepercut.backend import join_machines
join_machines()
from deepercut.config import load_config
from deepercut.training.training import train

number, iterations = map(int, sys.argv[1:3])
train(load_config(Path("pose_cfg.yaml"), {"devices": number, "max_iters": iterations}), resume="resume" in sys.argv)
"""
KEYS = {"save_iters": 2, "display_iters": 1, "optimizer": "adam", "adam_lr": 1e-5, "batch_size": 2, "rotation": 10}
KEYS |= {"scale_jitter_lo": 0.9, "scale_jitter_up": 1.1, "validation_fraction": 0.2}
ONE_SHAPE = {"crop_size": [96, 96]}  # for JAX, which compiles anew for each


@pytest.fixture(autouse=True)
def no_distribution_is_left():
    yield
    assert keras.distribution.distribution() is None


def see(monkeypatch, *found):
    monkeypatch.setattr(devices, "start_backend", lambda: list(found))


def test_all_gpus_that_can_share_out_a_batch_train(monkeypatch, caplog):
    caplog.set_level("INFO")
    see(monkeypatch, "cpu:0", "gpu:0", "gpu:1", "gpu:2", "gpu:3")
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert devices.choose_devices(None, 8) == ["gpu:0", "gpu:1", "gpu:2", "gpu:3"]
    assert not caplog.text
    assert devices.choose_devices(None, 6) == ["gpu:0", "gpu:1", "gpu:2"]
    assert "3 of 4 GPUs train, because batch_size is 6; a multiple of 4 would use all of them" in caplog.text
    assert devices.choose_devices(None, 1) == ["gpu:0"]
    assert devices.choose_devices(2, 6) == ["gpu:0", "gpu:1"]


def test_cpus_share_only_when_asked(monkeypatch):
    see(monkeypatch, "cpu:0", "cpu:1")
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert devices.choose_devices(None, 2) == ["cpu:0"]
    assert devices.choose_devices(2, 2) == ["cpu:0", "cpu:1"]


@pytest.mark.parametrize(
    ("backend", "wanted", "batch_size", "message"),
    [
        ("tensorflow", 3, 3, r"devices is 3 in pose_cfg\.yaml, but only gpu:0, gpu:1 can be seen"),
        ("tensorflow", 2, 3, "2 devices cannot share out batches of 3 evenly: set batch_size .* multiple of 2"),
        ("torch", 2, 2, "PyTorch trains on one device"),
    ],
)
def test_what_cannot_be_shared_out_is_told(monkeypatch, backend, wanted, batch_size, message):
    see(monkeypatch, "cpu:0", "gpu:0", "gpu:1")
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    with pytest.raises(DeepercutError, match=message):
        devices.choose_devices(wanted, batch_size)


def test_pytorch_takes_one_of_several(monkeypatch):
    see(monkeypatch, "gpu:0", "gpu:1")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert devices.choose_devices(None, 4) == ["gpu:0"]


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def trained(request, tmp_path_factory, write_train_folder, start_weights):
    """Folders of a training on one device, on two, and on two after a first half on one."""
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    # On all cores, as people train: what tests side by side are held to changes the order of sums, and so rounding.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_THREADS")}
    environment |= {"KERAS_BACKEND": backend, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}

    def run(folder, *arguments):
        command = [sys.executable, "-c", RUN, *map(str, arguments)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    keys = {**KEYS, "init_weights": str(start_weights), **(ONE_SHAPE if backend == "jax" else {})}
    folders = {}
    for name, steps in {"one": [(1, 4)], "two": [(2, 4)], "resumed": [(1, 2), (2, 4, "resume")]}.items():
        folder = tmp_path_factory.mktemp(f"{backend}-{name}")
        folders[name] = write_train_folder(folder, count=6, **keys)
        for step in steps:
            run(folder, *step)
    return folders


def curve(folder):
    with (folder / "learning_stats.csv").open() as file:
        rows = list(csv.reader(file))
    return np.array([[*row[1:5], row[6] or "nan"] for row in rows[1:]], float)


@pytest.mark.campaign
def test_two_machines_make_the_training_of_one_device(tmp_path, write_train_folder, start_weights):
    pytest.importorskip("jax")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    keys = {**KEYS, **ONE_SHAPE, "init_weights": str(start_weights)}
    one, many = (write_train_folder(tmp_path / name, count=6, **keys) for name in ("one", "many"))
    command = [sys.executable, TRAIN, "--max-iters", "4"]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    together = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = [
        subprocess.Popen(
            command, cwd=many, env={**environment, **together, "KERAS_DISTRIBUTION_PROCESS_ID": number}, **output
        )
        for number in "01"
    ]
    printed = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    done = subprocess.run(command, cwd=one, env=environment, **output, check=False)
    assert done.returncode == 0, done.stdout
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in many.iterdir())
    assert len(curve(one)) == 4
    np.testing.assert_allclose(curve(many), curve(one), rtol=1e-3)


def test_machines_are_told_what_to_set(monkeypatch, make_config):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    assert machines() == (0, 2)
    with pytest.raises(DeepercutError, match="only JAX trains on several machines: set KERAS_BACKEND=jax"):
        join_machines()
    with pytest.raises(DeepercutError, match=r"set seed in pose_cfg\.yaml"):
        _of_the_run(make_config(), {})
    see(monkeypatch, "gpu:0", "gpu:1", "gpu:2", "gpu:3")
    assert devices.choose_devices(None, 8) == ["gpu:0", "gpu:1", "gpu:2", "gpu:3"]
    with pytest.raises(DeepercutError, match="4 devices cannot share out batches of 6"):
        devices.choose_devices(None, 6)
    with pytest.raises(DeepercutError, match=r"devices is 2 in pose_cfg\.yaml, but all 4 of the machines train"):
        devices.choose_devices(2, 8)
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "2")
    with pytest.raises(DeepercutError, match="are '2' and '2': set the second to the number of machines"):
        machines()


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["two", "resumed"])
def test_two_devices_make_the_learning_curve_of_one(trained, name):
    assert len(curve(trained["one"])) == 4
    np.testing.assert_allclose(curve(trained[name]), curve(trained["one"]), rtol=1e-3)  # Adam amplifies rounding


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["two", "resumed"])
def test_two_devices_make_the_weights_of_one(trained, name, start_weights):
    start, one, two = (
        read_weights(path)
        for path in (start_weights, *(trained[each] / "snapshot-4.weights.h5" for each in ("one", name)))
    )
    for layer in one:
        moved = np.linalg.norm(one[layer] - start[layer])
        assert np.linalg.norm(two[layer] - one[layer]) <= 0.05 * moved, layer  # Adam makes much of tiny gradients
