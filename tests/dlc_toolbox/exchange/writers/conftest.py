"""Poses of the toy video with values that a reader can check by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlc_toolbox.exchange.writers.poses import Poses, gather
from dlc_toolbox.poses.trust import CONFIDENCE
from dlc_toolbox.project import layout
from dlc_toolbox.project.tables import make_table, write_table
from tests.dlc_toolbox.exchange.writers.toy import PARTS, STEM, settings


@pytest.fixture
def values() -> np.ndarray:
    """Poses (30, 3, 3): in frame n part k is at x = 10 k + n / 4, y = 100 + k, with a likelihood of n / 32.

    Frame 5 is lost.
    """
    n, k = np.mgrid[:30, :3]
    poses = np.stack([10 * k + n / 4, 100.0 + k, n / 32], axis=2)
    poses[5] = np.nan
    return poses


@pytest.fixture
def table(video: Path, analyzed: Callable[..., Path], values: np.ndarray) -> Path:
    """The pose table of the toy video."""
    path = analyzed(video, np.nan_to_num(values))
    write_table(make_table("DeepCut_resnet50_toyJan1shuffle1_100", PARTS, range(30), values), path)
    return path


@pytest.fixture
def trust(table: Path) -> np.ndarray:
    """How far off the poses may be, (30, 3, 2), in its table: n + k / 8, and twice as much; of the tail nothing."""
    n, k = np.mgrid[:30, :3]
    errors = n + k / 8
    found = np.stack([errors, 2 * errors, np.full((30, 3), 7.0), np.full((30, 3), 8.0)], axis=2)
    found[:, 2] = np.nan
    write_table(make_table(STEM[3:], PARTS, range(30), found, CONFIDENCE), layout.confidence_table(table))
    return found[..., :2]


@pytest.fixture
def poses(video: Path, network, table: Path, trust: np.ndarray) -> Poses:
    """All of it, ready to be written; the video has 25 frames per second."""
    return gather(video, network, settings())


@pytest.fixture
def tell() -> Callable[..., None]:
    """``tell(table, **facts)``: write other facts into the record of a pose table."""

    def write(table: Path, **facts) -> None:
        record = layout.pose_record(table)
        record.write_text(json.dumps(json.loads(record.read_text()) | facts))

    return write
