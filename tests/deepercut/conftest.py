"""A tiny training set for the trainer's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import yaml
from PIL import Image

NAMES = ["nose", "left", "right"]


@pytest.fixture
def make_train_folder(tmp_path: Path, draw_dots: Callable[..., np.ndarray]) -> Callable[..., Path]:
    """``make_train_folder(count=5, size=(120, 136), **keys)``: a folder with images, .mat and pose_cfg.yaml.

    Joint k of image i lies at (30 + 9 i + 20 k, 40 + 5 i + 10 k); the last image lacks joint 2.
    """

    def make(count: int = 5, size: tuple[int, int] = (120, 136), **keys: Any) -> Path:
        folder = tmp_path / "train"
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

    return make


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
