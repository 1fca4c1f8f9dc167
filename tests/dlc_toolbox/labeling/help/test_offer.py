"""Which help can be had, in sentences for a page, and the commands that give it."""

from pathlib import Path

import pytest

from dlc_toolbox.labeling.help import helper
from dlc_toolbox.labeling.help.fitting import Fitting
from dlc_toolbox.labeling.help.helper import Helper, write_helper
from dlc_toolbox.labeling.help.offer import command, describe_helper, why_not_suggest, why_not_train
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings

NETWORK = Fitting("net_5", Path("pose_cfg.yaml"), None)


@pytest.fixture
def project(toy_project, monkeypatch, tmp_path):
    monkeypatch.setattr(helper, "CHECKOUT", tmp_path / "checkout")
    return Layout(toy_project), load_settings(toy_project)


def test_suggesting_needs_a_network_and_open_images():
    assert why_not_suggest(NETWORK, 3) is None
    assert why_not_suggest(NETWORK, 0) == "every image is labeled"
    assert "label 15 images and train a helper" in why_not_suggest(None, 3)


def test_training_needs_labels():
    assert why_not_train(3) == "label 12 more images: a helper learns from 15 on"
    assert why_not_train(15) is None


def test_a_helper_is_described(project):
    layout, _ = project
    assert describe_helper(*project) is None
    home = layout.helper_folder("toy")
    home.mkdir()
    write_helper(home, Helper(250, 20, 55, "Ann", ["nose", "paw", "tail"], 1.0, "2026-01-01T10:00:00Z"))
    assert describe_helper(*project) == {"iteration": 250, "images": 20}


def test_commands_are_those_of_the_script(project):
    _, script, *flags = command(project[0].root, "Ann", trains=True)
    assert Path(script).is_file() and Path(script).name == "SuggestLabels.py"
    assert flags == ["--project", str(project[0].root), "--scorer", "Ann", "--json", "--train"]
    assert "--train" not in command(project[0].root, "Ann", trains=False)
