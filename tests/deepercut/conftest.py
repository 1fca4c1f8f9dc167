"""A tiny training set for the trainer's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import yaml
from PIL import Image

from deepercut.config import PoseConfig
from deepercut.network.architecture import weight_shapes
from tests.thin import few_and_narrow_layers

NAMES = ["nose", "left", "right"]


@pytest.fixture(scope="session")
def write_train_folder(draw_dots: Callable[..., np.ndarray]) -> Callable[..., Path]:
    """``write_train_folder(folder, count=5, size=(120, 136), **keys)``: images, .mat and pose_cfg.yaml.

    Joint k of image i lies at (30 + 9 i + 20 k, 40 + 5 i + 10 k); the last image lacks joint 2.
    """

    def write(folder: Path, count: int = 5, size: tuple[int, int] = (120, 136), **keys: Any) -> Path:
        folder.mkdir(exist_ok=True)
        entries = []
        for number in range(count):
            joints = np.array([[k, 30 + 9 * number + 20 * k, 40 + 5 * number + 10 * k] for k in range(3)], float)
            joints = joints[:2] if number == count - 1 else joints
            Image.fromarray(draw_dots(joints[:, 1:], size=size)).save(folder / f"img{number}.png")
            entries.append({"image": f"img{number}.png", "size": size, "joints": joints})
        _write_mat(folder / "set.mat", entries)
        (folder / "pose_cfg.yaml").write_text(yaml.safe_dump({**MINIMAL, **keys}))
        return folder

    return write


@pytest.fixture
def make_train_folder(tmp_path: Path, write_train_folder: Callable[..., Path]) -> Callable[..., Path]:
    """``make_train_folder(count=5, size=(120, 136), **keys)``: the same in a folder of the test."""
    return partial(write_train_folder, tmp_path / "train")


@pytest.fixture(scope="module")
def thin() -> Iterator[None]:
    """ResNet-50 has few and narrow layers in this module."""
    with few_and_narrow_layers():
        yield


@pytest.fixture(scope="session")
def thin_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a thin network for three parts, as a start; random, but the same for all tests."""
    with few_and_narrow_layers():
        return _write_start(tmp_path_factory.mktemp("thin") / "start.weights.h5")


@pytest.fixture(scope="session")
def start_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a ResNet-50 as it is."""
    return _write_start(tmp_path_factory.mktemp("weights") / "start.weights.h5")


def _write_start(path: Path) -> Path:
    import keras

    from deepercut.network.posenet import build_posenet
    from deepercut.weights.checkpoints import save_snapshot

    keras.utils.set_random_seed(0)
    save_snapshot(build_posenet(50, 3, (123.68, 116.779, 103.939)), path)
    return path


@pytest.fixture(scope="session")
def make_config() -> Callable[..., PoseConfig]:
    """``make_config(**changes)``: a network's configuration, with three body parts."""
    joints = {"num_joints": 3, "all_joints": ((0,), (1,), (2,)), "all_joints_names": tuple(NAMES)}
    return lambda **changes: PoseConfig(**{"folder": Path(), **joints, "location_refinement": True, **changes})


@pytest.fixture(scope="session")
def random_arrays() -> Callable[..., dict[str, np.ndarray]]:
    """``random_arrays(depth=50)``: weights like a training's: statistics away from 0 and 1, likelihoods from 0 to 1."""

    def draw(depth: int = 50) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        arrays = {}
        for name, shape in weight_shapes(depth, len(NAMES)).items():
            if name.endswith("kernel"):
                scale = 0.006 if "pred" in name else np.sqrt(1.5 / np.prod(shape[:3]))
                arrays[name] = scale * rng.standard_normal(shape, "float32")
            elif name.endswith(("gamma", "moving_variance")):
                branch = 0.2 if name.endswith("conv3_bn/gamma") else 1.0  # keeps the sum over units small
                arrays[name] = branch * rng.uniform(0.5, 1.5, shape).astype(np.float32)
            else:
                arrays[name] = rng.normal(scale=0.3, size=shape).astype(np.float32)
        arrays["conv1/kernel"] /= 60  # pixels are that far from the mean
        return arrays

    return draw


@pytest.fixture(scope="session")
def integer_stem(random_arrays) -> dict[str, np.ndarray]:
    """Return weights whose first convolution holds 8-bit integers times a scale: rounding it changes nothing."""
    arrays = random_arrays()
    scale = abs(arrays["conv1/kernel"]).max() / 127
    whole = np.random.default_rng(5).integers(-127, 128, arrays["conv1/kernel"].shape)
    whole[3, 3, 0] = 127
    whole[..., 0] = 0  # a channel that is dead
    return {**arrays, "conv1/kernel": (whole * scale).astype(np.float32)}


@pytest.fixture
def write_mat() -> Callable[..., None]:
    """``write_mat(path, [{"image": name, "size": (height, width), "joints": (M, 3)}, ...])``."""
    return _write_mat


MINIMAL = {
    "dataset": "set.mat",
    "num_joints": 3,
    "all_joints": [[0], [1], [2]],
    "all_joints_names": NAMES,
    "init_weights": "start",
    "location_refinement": True,
    "max_iters": 4,
    "seed": 3,
}


def _write_mat(path: Path, entries: list[Mapping[str, Any]]) -> None:
    """Write a training set as Step 4 of v1 did."""
    dataset = np.zeros((1, len(entries)), dtype=[("image", "O"), ("size", "O"), ("joints", "O")])
    for number, entry in enumerate(entries):
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = np.asarray(entry["joints"], float)
        dataset[0, number] = (entry["image"], np.array([3, *entry["size"]]), cell)
    scipy.io.savemat(path, {"dataset": dataset})
