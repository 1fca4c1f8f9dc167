import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.machine import import_machine_labels, on_images
from dlc_toolbox.exchange.readers.recognise import read_labels
from dlc_toolbox.labels.machine import read_machine_labels
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, frames_record
from dlc_toolbox.project.settings import Settings, load_settings
from dlc_toolbox.project.tables import make_table, write_table

PARTS = ["tail", "nose", "ear"]  # another order, and one that is none here


@pytest.fixture
def settings(toy_project: Path) -> Settings:
    return load_settings(toy_project)


@pytest.fixture
def data_folder(toy_project: Path) -> Path:
    return Layout(toy_project).data_folder("toy")


def poses(frames: int) -> np.ndarray:
    """Frame number in x, part number in y, likelihood a tenth of the frame's."""
    values = np.zeros((frames, 3, 3))
    values[..., 0] = np.arange(frames)[:, None]
    values[..., 1] = [0, 1, 2]
    values[..., 2] = np.arange(frames)[:, None] / 100
    return values


def note_frames(folder: Path, video: Path, crop: list[int] | None) -> None:
    output = records.Output("toy", frames_record(folder), [folder], {"inputs": {}, "settings": {"crop": crop}})
    output.write_record(video=video.as_posix(), frames=[0, 3, 27])


def test_poses_of_a_video_become_machine_labels_of_its_frames(toy_project, data_folder, settings, tmp_path):
    table = tmp_path / "toyDLC_resnet50_reachMay1shuffle1_500.h5"
    write_table(make_table("DLC_net", PARTS, range(20), poses(20)), table, csv=False)
    folder = data_folder / "toy"
    note_frames(folder, toy_project / "videos" / "toy.avi", [2, 100, 1, 90])
    before = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    found = on_images(read_labels(table, tmp_path), data_folder)
    assert list(found.images) == ["toy/img00.png", "toy/img03.png"], "frame 27 has no pose"
    assert import_machine_labels(found, data_folder, settings) == [folder]
    images = [f"img{frame:02d}.png" for frame in range(0, 30, 3)]
    machine = read_machine_labels(folder, images, ["nose", "paw", "tail"])
    assert machine.network == "DLC_net"
    assert machine.of("img03.png") == {"nose": (1.0, 0.0, 0.03), "tail": (1.0, -1.0, 0.03)}, "minus the crop"
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv")} == before


def test_poses_of_a_video_that_no_image_is_from(data_folder, tmp_path):
    write_table(make_table("DLC_net", PARTS, range(20), poses(20)), tmp_path / "otherDLC.h5", csv=False)
    with pytest.raises(
        ToolboxError, match=r"otherDLC\.h5 holds poses, but .*data-toy has no image that is known to be"
    ):
        on_images(read_labels(tmp_path / "otherDLC.h5", tmp_path), data_folder)


@pytest.fixture
def elsewhere(data_folder: Path, tmp_path: Path) -> Path:
    """Machine labels as DeepLabCut writes them, of two images of a folder there."""
    folder = tmp_path / "there" / "labeled-data" / "day9"
    folder.mkdir(parents=True)
    for frame in (3, 12):
        shutil.copyfile(data_folder / "toy" / f"img{frame:02d}.png", folder / f"img{frame:02d}.png")
    rows = ["day9/img03.png", "day9/img12.png"]
    table = make_table("DLC_net", PARTS, rows, poses(2))
    write_table(table, folder / "machinelabels-iter0.h5", csv=False)
    return folder / "machinelabels-iter0.h5"


def test_images_that_are_not_here_are_copied(elsewhere, data_folder, settings, tmp_path, caplog):
    found = read_labels(elsewhere, tmp_path)
    assert import_machine_labels(found, data_folder, settings, dry_run=True) == [data_folder / "day9"]
    assert not (data_folder / "day9").exists()
    import_machine_labels(found, data_folder, settings)
    folder = data_folder / "day9"
    assert sorted(path.name for path in folder.iterdir()) == ["img03.png", "img12.png", "machine-labels"]
    machine = read_machine_labels(folder, ["img03.png", "img12.png"], ["nose", "tail"])
    assert machine.of("img12.png") == {"nose": (1.0, 1.0, 0.01), "tail": (1.0, 0.0, 0.01)}
    assert "left out, not among bodyparts in myconfig.py: ear" in caplog.text


def test_no_body_part_of_here(elsewhere, data_folder, settings, tmp_path):
    with pytest.raises(ToolboxError, match=r"has the body parts tail, nose, ear, but bodyparts .* names none of them"):
        import_machine_labels(read_labels(elsewhere, tmp_path), data_folder, replace(settings, bodyparts=("wing",)))


@pytest.mark.parametrize("name", ["toy1DLC_net.h5", "toy_2DeepCut_net.h5", "to.h5"])
def test_poses_of_a_video_whose_name_only_begins_alike(toy_project, data_folder, tmp_path, name):
    note_frames(data_folder / "toy", toy_project / "videos" / "toy.avi", None)
    write_table(make_table("DLC_net", PARTS, range(20), poses(20)), tmp_path / name, csv=False)
    with pytest.raises(ToolboxError, match="no image that is known to be a frame of their video"):
        on_images(read_labels(tmp_path / name, tmp_path), data_folder)
