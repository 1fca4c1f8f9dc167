"""Names of body parts in a pose_cfg.yaml against the numbers in the training set."""

from pathlib import Path

import numpy as np
import pytest

from dlc_common.training_set import LabeledImage, write_training_set
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.tables import make_table, write_table
from dlc_toolbox.training_set.recorded import check_names

NAMES = ["nose", "paw", "tail"]
ROWS = [f"day1/img{number}.png" for number in range(6)]


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(3).uniform(10, 100, (6, 3, 2))


@pytest.fixture
def mat(tmp_path: Path, labels: np.ndarray) -> Path:
    """A training set of four of the images, with whole pixels as v1 kept them; the table lies beside it."""
    write_table(make_table("Ann", NAMES, ROWS, labels), tmp_path / "set.h5")
    images = [
        LabeledImage(f"../../data/{row}", (120, 160), np.column_stack([range(3), np.round(labels[number])]))
        for number, row in enumerate(ROWS[:4])
    ]
    write_training_set(tmp_path / "set.mat", images)
    return tmp_path / "set.mat"


def test_names_in_the_order_of_the_labels_are_right(mat: Path):
    check_names(Path("pose_cfg.yaml"), NAMES, mat)


def test_exchanged_names_are_told(mat: Path):
    told = r"0 is 'paw', but was labeled as 'nose'; 1 is 'nose', but was labeled as 'paw'\. Put the names back"
    with pytest.raises(ToolboxError, match=told):
        check_names(Path("pose_cfg.yaml"), ["paw", "nose", "tail"], mat)


def test_a_new_name_is_no_exchange_and_some_corrected_labels_are_none(mat: Path, labels: np.ndarray):
    check_names(Path("pose_cfg.yaml"), ["snout", "paw", "tail"], mat)
    labels[0] += 30
    check_names(Path("pose_cfg.yaml"), NAMES, mat, make_table("Ann", NAMES, ROWS, labels))


def test_without_training_set_or_table_nothing_is_compared(mat: Path):
    mat.with_suffix(".h5").unlink()
    check_names(Path("pose_cfg.yaml"), ["paw", "nose", "tail"], mat)
    check_names(Path("pose_cfg.yaml"), ["paw", "nose", "tail"], mat.with_name("gone.mat"))
