from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import layout
from dlc_toolbox.project.experiment import Experiment, percent_of
from dlc_toolbox.project.layout import Layout, image_folders

SETTINGS = SimpleNamespace(Task="toy", date="Jan1", scorer="Ann", resnet=50)


@pytest.fixture
def experiment() -> Experiment:
    return Experiment("toy", "Jan1", "Ann", 29, 1, 50)


@pytest.mark.parametrize(("fraction", "percent"), [(0.29, 29), (0.57, 57), (0.58, 58), (0.95, 95), (0.8, 80)])
def test_percent_is_rounded_not_truncated(fraction: float, percent: int):
    assert percent_of(fraction) == percent


def test_names_of_v1(experiment: Experiment):
    place = Layout(Path("p"))
    dataset = Path("p/pose-tensorflow/models/UnaugmentedDataSet_toyJan1")
    assert place.mat_file(experiment) == dataset / "toy_Ann29shuffle1.mat"
    assert place.dataset_images("toy", "Jan1") == dataset / "data-toy"
    assert place.split_documentation(experiment) == dataset / "Documentation_data-toy_29shuffle1.yaml"
    assert place.train_folder(experiment) == Path("p/pose-tensorflow/models/toyJan1-trainset29shuffle1/train")
    assert experiment.video_scorer(500) == "DeepCut_resnet50_toyJan1shuffle1_500"
    assert experiment.evaluation_scorer(500) == "DeepCut_resnet_50_29shuffle1_500forTask_toy"
    assert place.label_table("toy", "Ann") == Path("p/Generating_a_Training_Set/data-toy/CollectedData_Ann.h5")


def test_everything_lies_in_the_project(tmp_path: Path, experiment: Experiment):
    place = Layout(tmp_path)
    of_experiment = ("mat_file", "split_table", "split_record", "split_documentation", "train_folder", "test_folder")
    paths = [getattr(place, name)(experiment) for name in of_experiment]
    paths += [place.crop_preview("toy"), place.label_record("toy", "Ann"), place.results, place.analysis_root]
    assert all(path.is_relative_to(tmp_path) for path in paths)
    assert len(set(paths)) == len(paths)
    assert [field.name for field in fields(place)] == ["root"]


def test_locate_finds_the_exact_shuffle_only(tmp_path: Path):
    place = Layout(tmp_path)
    (place.models / "toyJan1-trainset29shuffle10" / "train").mkdir(parents=True)
    with pytest.raises(
        ToolboxError, match=r"shuffle1/train.* does not exist \(there are: toyJan1-trainset29shuffle10\)"
    ):
        place.locate(SETTINGS, 0.29, 1)


def test_locate_finds_the_truncated_name_of_v1_but_not_our_own(tmp_path: Path, experiment: Experiment):
    place = Layout(tmp_path)
    truncated = Experiment("toy", "Jan1", "Ann", 28, 1, 50)
    place.train_folder(truncated).mkdir(parents=True)
    assert place.locate(SETTINGS, 0.29, 1) == truncated
    place.split_documentation(truncated).parent.mkdir()
    place.split_documentation(truncated).touch()
    assert place.present(experiment, 0.29) is None
    place.train_folder(experiment).mkdir(parents=True)
    assert place.locate(SETTINGS, 0.29, 1) == experiment


def test_advice_is_the_demo_in_the_checkout_alone(tmp_path: Path):
    assert "make demo" in layout.first_step_advice(CHECKOUT)
    with pytest.raises(ToolboxError, match="there is none yet"):
        Layout(tmp_path).locate(SETTINGS, 0.29, 1)
    assert "make demo" not in layout.first_step_advice(tmp_path)


def test_the_stem_is_the_whole_name_without_its_last_suffix():
    first, second = (layout.pose_table(Path(f"v/m.{n}.avi"), "Net") for n in (1, 2))
    assert (first.name, second.name) == ("m.1Net.h5", "m.2Net.h5")
    assert layout.labeled_video(Path("v/m.1.avi")).name == "m.1_DeepLabCutlabeled.mp4"
    assert layout.labeled_folder(Path("d/m.1")) == Path("d/m.1labeled")


def test_drawn_and_hidden_folders_are_no_image_folders(tmp_path: Path):
    for name in ("b", "a", "alabeled", "handlabeled", ".part-a"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert [folder.name for folder in image_folders(tmp_path)] == ["a", "b", "handlabeled"]


@pytest.mark.parametrize("file", ["nose.csv", "nose.xls", "Ann/nose.csv", "frames.json"])
def test_a_video_may_be_named_like_drawn_pictures(tmp_path: Path, file: str):
    for name in ("mouse", "mouselabeled"):
        (tmp_path / name / file).parent.mkdir(parents=True)
        (tmp_path / name / file).touch()
    assert [folder.name for folder in image_folders(tmp_path)] == ["mouse", "mouselabeled"]
    (tmp_path / "mouselabeled" / "pictures.json").touch()
    assert [folder.name for folder in image_folders(tmp_path)] == ["mouse"]


def test_drawn_pictures_are_no_image_folder_also_when_the_images_are_gone(tmp_path: Path):
    for name in ("mouse", "ratlabeled"):
        (tmp_path / name).mkdir()
    (tmp_path / "ratlabeled" / "pictures.json").touch()
    assert [folder.name for folder in image_folders(tmp_path)] == ["mouse"]


def test_the_template_of_a_project_goes_before_that_of_the_checkout(tmp_path: Path):
    place = Layout(tmp_path)
    assert place.pose_cfg_template == CHECKOUT / "Generating_a_Training_Set" / "pose_cfg.yaml"
    place.training_set_root.mkdir()
    (place.training_set_root / "pose_cfg.yaml").touch()
    assert place.pose_cfg_template.is_relative_to(tmp_path)


def test_train_folders_of_one_training_copy(tmp_path: Path):
    place = Layout(tmp_path)
    for name in ("toyJan1-trainset29shuffle1", "toyJan1-trainset95shuffle2", "toyJan11-trainset95shuffle1"):
        (place.models / name / "train").mkdir(parents=True)
    names = [folder.parent.name for folder in place.train_folders("toy", "Jan1")]
    assert names == ["toyJan1-trainset29shuffle1", "toyJan1-trainset95shuffle2"]


def test_pose_tables_of_a_video_are_not_those_of_a_longer_name(tmp_path):
    for name in ("m.1DeepCut_a.h5", "m.1DeepCut_b.h5", "m.10DeepCut_a.h5", "m.1DeepCut_a.csv", "m[1]DeepCut_a.h5"):
        (tmp_path / name).touch()
    assert [path.name for path in layout.pose_tables(tmp_path / "m.1.avi")] == ["m.1DeepCut_a.h5", "m.1DeepCut_b.h5"]
    assert [path.name for path in layout.pose_tables(tmp_path / "m[1].avi")] == ["m[1]DeepCut_a.h5"]


def test_names_beside_a_video():
    table = layout.pose_table(Path("v/m.1.avi"), "Net")
    assert layout.pose_rows(table) == Path("v/m.1Net.partial")
    made = layout.labeled_video(Path("v/m.1.avi"))
    assert layout.labeled_frame(made, 12) == Path("v/m.1_DeepLabCutlabeled/frame000012.png")


def test_a_calibration_is_no_recording(tmp_path):
    """With videotype '.png' its picture would make its folder one."""
    (tmp_path / "calibration.png").touch()
    assert not layout.is_output_folder(tmp_path)
    layout.calibration_file(tmp_path).touch()
    assert layout.is_output_folder(tmp_path)
