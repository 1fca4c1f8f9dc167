"""Labels for DeepLabCut: real videos, one folder each, and what its config.yaml says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from dlc_toolbox.exchange.exporting import Origin, deeplabcut_config, export_deeplabcut, origins_of
from dlc_toolbox.exchange.labelset import Labels
from dlc_toolbox.exchange.readers.recognise import read_labels
from dlc_toolbox.measure.metrics import AUTO
from dlc_toolbox.project.layout import Layout, frames_record
from dlc_toolbox.project.settings import load_analysis_settings, load_settings
from dlc_toolbox.project.tables import make_table

PARTS = ["nose", "tail"]


@pytest.fixture
def labels(tmp_path):
    """``labels(*rows)``: images of 16 x 12 pixels, all of one gray of their own, with labels at (n, n + k)."""

    def make(*rows: str) -> Labels:
        images = {row: tmp_path / "data" / row for row in rows}
        for n, path in enumerate(images.values()):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((12, 16, 3), n, np.uint8)).save(path)
        n, k = np.mgrid[: len(rows), :2]
        return Labels(tmp_path, make_table("Ann", PARTS, rows, np.stack([n, n + k], axis=2).astype(float)), images)

    return make


@pytest.fixture
def video(tmp_path):
    """``video(name)``: a file of that name."""

    def make(name: str) -> Path:
        path = tmp_path / "videos" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"video")
        return path

    return make


def config_of(project: Path) -> dict:
    return yaml.safe_load((project / "config.yaml").read_text())


def test_the_folders_of_one_video_become_one_with_its_name(labels, video, tmp_path):
    mouse = video("mouse.mp4")
    rows = ["mouse/img1.png", "mouse/img2.png", "mouse_2/img2.png", "mouse_2/img9.png", "other/img1.png"]
    origins = {"mouse": Origin(mouse, [2, 18, 3, 15]), "mouse_2": Origin(mouse)}
    gone = export_deeplabcut(labels(*rows), tmp_path / "out", "reach", "Jan1", origins=origins)
    other = tmp_path / "out" / "videos" / "other.avi"
    assert gone == [other]
    assert config_of(tmp_path / "out")["video_sets"] == {
        str(mouse): {"crop": "2, 18, 3, 15"},
        str(other): {"crop": "0, 16, 0, 12"},
    }
    folder = tmp_path / "out" / "labeled-data" / "mouse"
    table = pd.read_hdf(folder / "CollectedData_Ann.h5")
    names = ["img1.png", "img2.png", "img2_mouse_2.png", "img9.png"]
    assert table.index.tolist() == [("labeled-data", "mouse", name) for name in names]
    assert table["Ann"]["tail"]["y"].tolist() == [1, 2, 3, 4]
    assert [np.asarray(Image.open(folder / name))[0, 0, 0] for name in names] == [0, 1, 2, 3]
    assert len(read_labels(tmp_path / "out", tmp_path / "scratch").table) == 5


def test_a_video_that_is_gone_keeps_its_name(labels, tmp_path):
    gone = export_deeplabcut(
        labels("mouse/img1.png"), tmp_path / "out", "t", "d", origins={"mouse": Origin(tmp_path / "mouse.mp4")}
    )
    assert gone == [tmp_path / "out" / "videos" / "mouse.mp4"]


def test_two_videos_of_one_name_keep_folders_of_their_own(labels, video, tmp_path):
    """DeepLabCut tells videos apart by their names alone."""
    first, second = video("mouse.avi"), video("mouse.mp4")
    origins = {"mouse": Origin(first), "mouse_2": Origin(second)}
    export_deeplabcut(labels("mouse/img1.png", "mouse_2/img1.png"), tmp_path / "out", "t", "d", origins=origins)
    videos = tmp_path / "out" / "videos"
    assert list(config_of(tmp_path / "out")["video_sets"]) == [str(first), str(videos / "mouse_2.avi")]
    origins = {"a": Origin(first)}
    export_deeplabcut(labels("a/img1.png", "mouse/img1.png"), tmp_path / "out 2", "t", "d", origins=origins)
    videos = tmp_path / "out 2" / "videos"
    assert list(config_of(tmp_path / "out 2")["video_sets"]) == [str(first), str(videos / "mouse_2.avi")]


def test_a_folder_of_images_is_no_video_for_deeplabcut(labels, tmp_path):
    (tmp_path / "recording").mkdir()
    origins = {"recording": Origin(tmp_path / "recording")}
    gone = export_deeplabcut(labels("recording/img1.png"), tmp_path / "out", "t", "d", origins=origins)
    assert gone == [tmp_path / "out" / "videos" / "recording.avi"]


def test_the_videos_are_those_that_step_1_noted_or_the_settings_name(toy_project):
    layout, settings = Layout(toy_project), load_settings(toy_project)
    toy = toy_project / "videos" / "toy.avi"
    data = layout.data_folder("toy")
    for folder, video, crop in (("toy_2", "/gone/toy.avi", [1, 9, 2, 8]), ("lost", "/gone/lost.avi", None)):
        (data / folder).mkdir()
        content = {"video": video, "frames": [1], "settings": {"crop": crop}, "inputs": {}}
        frames_record(data / folder).write_text(json.dumps(content))
    (data / "stranger").mkdir()
    found = origins_of(layout, settings, ["toy", "toy_2", "lost", "stranger"])
    assert found.keys() == {"toy", "toy_2", "lost"}
    assert found["toy"].video.samefile(toy) and found["toy"].crop is None
    assert found["toy_2"].video.samefile(toy) and found["toy_2"].crop == [1, 9, 2, 8]
    assert found["lost"] == Origin(Path("/gone/lost.avi"), None)
    cropped = replace(settings, cropping=True, x1=1, x2=9, y1=2, y2=8)
    assert origins_of(layout, cropped, ["toy"])["toy"].crop == (1, 9, 2, 8)


def test_the_config_says_what_the_settings_say(toy_project, caplog):
    settings = replace(load_settings(toy_project), resnet=101, pcutoff=0.4, numframes2pick=0)
    skeleton = (("nose", "tail"), ("nose", "wing"))
    analysis = replace(load_analysis_settings(toy_project), skeleton=skeleton)
    config = deeplabcut_config(settings, analysis)
    assert config["skeleton"] == [["nose", "tail"]]
    assert "the skeleton goes without its lines to wing, which bodyparts does not name" in caplog.text
    assert (config["TrainingFraction"], config["default_net_type"]) == ([0.7], "resnet_101")
    assert (config["pcutoff"], config["numframes2pick"], config["cropping"]) == (0.4, 20, False)
    auto = deeplabcut_config(replace(settings, pcutoff=AUTO), None)
    assert "pcutoff" not in auto and auto["skeleton"] == []


def test_what_the_config_says_goes_before_deeplabcut_s_defaults(labels, tmp_path):
    export_deeplabcut(labels("a/img1.png"), tmp_path / "out", "t", "d", config={"TrainingFraction": [0.8]})
    config = config_of(tmp_path / "out")
    assert (config["TrainingFraction"], config["dotsize"]) == ([0.8], 12)
