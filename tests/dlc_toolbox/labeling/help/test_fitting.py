"""The newest network that finds the body parts of the settings, in their order."""

import os

import pytest
import yaml

from deepercut.config import load_config
from deepercut.weights.snapshots import list_snapshots
from dlc_toolbox.labeling.help.fitting import find_helper, find_newest
from dlc_toolbox.labeling.help.helper import Helper, write_helper
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings

PARTS = ["nose", "paw", "tail"]


@pytest.fixture
def layout(toy_project):
    return Layout(toy_project)


@pytest.fixture
def train(layout):
    """``train(experiment, time, parts, trained_on, iteration)``: a train folder with a snapshot of a time."""

    def write(experiment: str, time: int, parts=PARTS, trained_on="toy_Ann70shuffle1", iteration=100) -> None:
        folder = layout.models / experiment / "train"
        write_network(folder, parts, f"../../UnaugmentedDataSet/{trained_on}.mat", iteration, time)

    return write


def write_network(folder, parts, dataset, iteration, time):
    folder.mkdir(parents=True, exist_ok=True)
    joints = {"all_joints": [[k] for k in range(len(parts))], "all_joints_names": list(parts)}
    (folder / "pose_cfg.yaml").write_text(yaml.safe_dump({"num_joints": len(parts), "dataset": dataset, **joints}))
    snapshot = folder / f"snapshot-{iteration}.weights.h5"
    snapshot.write_bytes(b"weights")
    os.utime(snapshot, (time, time))


def newest(layout):
    found = find_newest(layout, load_settings(layout.root), load_config, list_snapshots)
    return found and (found.name, found.shrink)


def write_own_helper(layout, time, bodyparts=PARTS, iteration=250):
    home = layout.helper_folder("toy")
    write_network(home, bodyparts, "helper.mat", iteration, time)
    write_helper(home, Helper(iteration, 20, 55, "Ann", bodyparts, 0.5, "2026-01-01T10:00:00Z"))


def test_without_networks_there_is_none(layout):
    assert newest(layout) is None


def test_the_newest_by_time_is_taken_among_all_experiments_and_the_helper(layout, train):
    train("toyJan1-trainset70shuffle1", 1000)
    assert newest(layout) == ("DeepCut_resnet50_toyJan1shuffle1_100", 1.0)
    train("toyJan1-trainset70shuffle1", 900, iteration=200)  # a later iteration, but older
    assert newest(layout) == ("DeepCut_resnet50_toyJan1shuffle1_100", 1.0)
    train("toyFeb2-trainset95shuffle3", 2000, trained_on="toy_Ann95shuffle3", iteration=50)
    assert newest(layout) == ("DeepCut_resnet50_toyFeb2shuffle3_50", 1.0)
    write_own_helper(layout, 3000)
    assert newest(layout) == ("helper_toy_250", 0.5)
    train("toyJan1-trainset70shuffle1", 4000, iteration=300)
    assert newest(layout) == ("DeepCut_resnet50_toyJan1shuffle1_300", 1.0)


@pytest.mark.parametrize("parts", [["nose", "tail", "paw"], ["nose", "paw"], ["nose", "paw", "tail", "ear"]])
def test_other_body_parts_or_another_order_do_not_fit(layout, train, parts):
    train("toyJan1-trainset70shuffle1", 1000, parts)
    write_own_helper(layout, 2000, parts)
    assert newest(layout) is None


def test_networks_of_other_tasks_do_not_fit(layout, train):
    train("toy2Jan1-trainset70shuffle1", 1000, trained_on="toy2_Ann70shuffle1")
    train("toy_Ann-trainset70shuffle1", 1000, trained_on="toy_Ann_Ann70shuffle1")
    assert newest(layout) is None


def test_what_cannot_be_read_is_passed_over(layout, train):
    train("toyJan1-trainset70shuffle1", 1000)
    train("toyJan1-trainset70shuffle2", 2000)
    (layout.models / "toyJan1-trainset70shuffle2" / "train" / "pose_cfg.yaml").write_text("num_joints: [")
    assert newest(layout) == ("DeepCut_resnet50_toyJan1shuffle1_100", 1.0)


def test_a_helper_whose_snapshot_is_not_that_of_its_record_is_none(layout):
    write_own_helper(layout, 1000)
    settings = load_settings(layout.root)
    found = find_helper(layout, settings, load_config, list_snapshots)
    assert found.snapshot.path == layout.helper_folder("toy") / "snapshot-250.weights.h5"
    found.snapshot.path.rename(found.snapshot.path.with_name("snapshot-99.weights.h5"))
    assert find_helper(layout, settings, load_config, list_snapshots) is None
