"""Labels of the toy project go to DeepLabCut and lightning-pose, and come back into projects of their own."""

import json
import shutil
import zipfile
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import yaml

from dlc_common.cli import CHECKOUT
from dlc_common.training_set import LabeledImage, write_training_set
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_analysis_settings
from dlc_toolbox.project.tables import make_table, read_table, write_table

STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"
STEP1 = "Generating_a_Training_Set/Step1_SelectRandomFrames_fromVideos.py"
STEP4 = "Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"
IMPORT = "Generating_a_Training_Set/ImportLabels.py"
EXPORT = "Generating_a_Training_Set/ExportLabels.py"


@pytest.fixture
def fresh(toy_project: Path, tmp_path: Path) -> Path:
    """A project with the same settings and no data."""
    (tmp_path / "fresh").mkdir()
    for name in ("myconfig.py", "myconfig_analysis.py"):
        shutil.copyfile(toy_project / name, tmp_path / "fresh" / name)
    return tmp_path / "fresh"


@pytest.mark.parametrize("flags", [[], ["--to", "lightning-pose"]], ids=["deeplabcut", "lightning-pose"])
def test_export_and_import_give_back_table_and_images(run_here, toy_project, fresh, tmp_path, flags):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    code, output = run_here(EXPORT, tmp_path / "out", "--project", toy_project, *flags)
    assert code == 0 and f"{tmp_path / 'out'}: 10 images in 1 folders" in output.splitlines()[-2:]
    assert flags or output.splitlines()[-1] == (
        f"Next, in DeepLabCut: deeplabcut.create_training_dataset({str(tmp_path / 'out' / 'config.yaml')!r})"
    )
    source = tmp_path / "out" / "CollectedData.csv" if flags else tmp_path / "out"
    code, output = run_here(IMPORT, source, "--project", fresh)
    assert code == 0 and "toy: 10 images, 29 labels" in output and "Step3_CheckLabels.py" in output
    there, here = (Layout(project).data_folder("toy") for project in (toy_project, fresh))
    pd.testing.assert_frame_equal(
        read_table(here / "CollectedData_Ann.h5"), read_table(there / "CollectedData_Ann.h5"), check_exact=True
    )
    assert [path.read_bytes() for path in sorted((here / "toy").glob("*.png"))] == [
        path.read_bytes() for path in sorted((there / "toy").glob("*.png"))
    ]
    code, output = run_here(IMPORT, source, "--project", fresh)
    assert code == 0 and "CollectedData_Ann.h5: skipped, it is current" in output
    code, output = run_here(EXPORT, tmp_path / "out", "--project", toy_project, *flags)
    assert code == 1 and "out exists already and is never overwritten" in output


def test_an_import_that_was_stopped_within_its_folders_still_takes_the_settings(
    run_here, toy_project, fresh, tmp_path, monkeypatch
):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    with (fresh / "myconfig_analysis.py").open("a") as settings:
        settings.write("pcutoff = 0.77\n")
    with monkeypatch.context() as patch:
        patch.setattr("dlc_toolbox.labels.labels.write_table", Mock(side_effect=KeyboardInterrupt))
        assert run_here(IMPORT, tmp_path / "out", "--project", fresh)[0] != 0
    assert [path.name for path in Layout(fresh).data_folder("toy").iterdir() if path.is_dir()] == ["toy"]
    assert run_here(IMPORT, tmp_path / "out", "--project", fresh)[0] == 0
    assert load_analysis_settings(fresh).pcutoff == load_analysis_settings(toy_project).pcutoff


def test_several_labelers_get_folders_of_their_own(run_here, toy_project, fresh, tmp_path):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write("Scorers = ['Bea', 'Ann']\n")
    assert run_here(IMPORT, tmp_path / "out" / "config.yaml", "--project", fresh)[0] == 0
    folder = Layout(fresh).data_folder("toy") / "toy"
    assert sorted(path.name for path in (folder / "Ann").glob("*.csv")) == ["nose.csv", "paw.csv", "tail.csv"]
    assert not list(folder.glob("*.csv"))


def test_settings_that_do_not_fit_are_one_line_and_nothing_is_written(run_here, toy_project, fresh, tmp_path):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write("bodyparts = ['nose', 'tail']\n")
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh)
    line = output.splitlines()[-1]
    assert code == 1 and line.startswith("Error: myconfig.py does not fit the labels of")
    assert line.endswith("set there: bodyparts = ['nose', 'paw', 'tail']")
    assert not Layout(fresh).data_folder("toy").exists()


def test_views_of_parts_that_go_are_named_with_them(run_here, toy_project, fresh, tmp_path):
    """As where the settings are still those of the demo, whose mouse is seen in a mirror."""
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write("bodyparts = ['nose_top', 'nose_bot']\nviews = [['nose_top', 'nose_bot']]\n")
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh, "--dry-run")
    assert code == 0
    assert "must have: bodyparts = ['nose', 'paw', 'tail']" in output and "must have: views = []" in output


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_tells_all_and_writes_nothing(run_here, toy_project, fresh, tmp_path):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    (tmp_path / "out" / "labeled-data" / "toy" / "img03.png").unlink()
    before = contents(fresh)
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh, "--dry-run")
    lines = [line for line in output.splitlines() if line.startswith((str(tmp_path), "Nothing"))]
    assert code == 0 and contents(fresh) == before
    assert lines[0] == f"{tmp_path / 'out'} is a project of DeepLabCut 2 or 3"
    assert f"{Layout(fresh).data_folder('toy') / 'toy'}: 9 images, 26 labels" in lines
    assert "left out: toy/img03.png (1), because it has no image in" in output
    assert lines[-1] == "Nothing was written: run it without --dry-run"
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write("bodyparts = ['nose', 'tail']\n")
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh, "--dry-run")
    assert code == 0 and "myconfig.py does not fit, and must have: bodyparts = ['nose', 'paw', 'tail']" in output


def test_a_project_of_sleap_becomes_one_of_ours(run_here, fresh, tmp_path):
    with zipfile.ZipFile(CHECKOUT / "tests" / "fixtures" / "foreign.zip") as archive:
        archive.extractall(tmp_path / "sleap")
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write("bodyparts = ['nose', 'tail base', 'ear.left']\n")
    for name in ("labels.slp", "opencv.pkg.slp"):
        code, output = run_here(IMPORT, tmp_path / "sleap" / name, "--project", fresh)
        assert code == 0 and f"{tmp_path / 'sleap' / name} is a project of SLEAP" in output
        assert "mouse: 3 images, 6 labels" in output
    table = read_table(Layout(fresh).label_table("toy", "Ann"))
    assert list(table.index) == [f"mouse/img{frame:06d}.png" for frame in (0, 5, 11)]
    assert table.iloc[0].tolist()[:4] == [10.25, 20.5, 30.0, 40.75]
    assert load_analysis_settings(fresh).skeleton == (("nose", "tail base"), ("nose", "ear.left"))


def test_a_project_that_deeplabcut_3_made_becomes_one_of_ours(run_here, fresh, tmp_path):
    """tests/fixtures/foreign/deeplabcut3.py made it; it stands elsewhere now than its settings say."""
    with zipfile.ZipFile(CHECKOUT / "tests" / "fixtures" / "deeplabcut3.zip") as archive:
        archive.extractall(tmp_path / "there")
    there, parts = tmp_path / "there" / "project", ["nose", "tail base", "ear.left"]
    with (fresh / "myconfig.py").open("a") as settings:
        settings.write(f"bodyparts = {parts}\n")
    code, output = run_here(IMPORT, there, "--project", fresh)
    assert code == 0 and f"{there} is a project of DeepLabCut 2 or 3" in output
    layout, settings = Layout(fresh), load_analysis_settings(fresh)
    theirs = read_table(there / "labeled-data" / "mouse" / "CollectedData_Ann.h5")
    ours = read_table(layout.label_table("toy", "Ann"))
    assert list(ours.index) == [
        f"mouse/{path.name}" for path in sorted((there / "labeled-data" / "mouse").glob("*.png"))
    ]
    np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())
    assert np.isnan(ours.to_numpy()).sum() == 2
    assert (settings.skeleton, settings.pcutoff) == ((("nose", "tail base"), ("nose", "ear.left")), 0.4)
    assert Path(settings.videofolder) == there / "videos"
    expected = json.loads((there.parent / "expected.json").read_text())
    split = json.loads((layout.data_folder("toy") / "split-iteration0-50shuffle1.json").read_text())
    assert {name: [list(ours.index).index(image) for image in split[name]] for name in split} == {
        name: expected[name] for name in ("train", "test")
    }


def test_poses_of_a_video_become_machine_labels(run_here, toy_project, tmp_path):
    data = Layout(toy_project).data_folder("toy")
    shutil.rmtree(data)
    assert run_here(STEP1, "--project", toy_project)[0] == 0
    values = np.concatenate([np.full((30, 3, 2), 50.0), np.full((30, 3, 1), 0.5)], axis=2)
    table = tmp_path / "toyDLC_resnet50_reachMay1shuffle1_500.h5"
    write_table(make_table("DLC_resnet50", ["nose", "paw", "tail"], range(30), values), table)
    before = contents(toy_project)
    for flags in (["--dry-run"], []):
        code, output = run_here(IMPORT, table, "--project", toy_project, *flags)
        assert code == 0 and f"{table} is a table of poses in the frames of a video" in output
        assert f"{data / 'toy'}: 15 machine labels in 5 images" in output
        assert contents(toy_project) == before or not flags
    assert "LabelFrames.py" in output.splitlines()[-1]
    assert len((data / "toy" / "machine-labels" / "paw.csv").read_text().splitlines()) == 6


def test_a_split_of_deeplabcut_trains_here(run_here, toy_project, fresh, tmp_path):
    """Labels, settings and split of a project there, and Step 4 with the split's file."""
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    names = [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)]
    folder = tmp_path / "out" / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_toyJan1"
    joints = np.array([[0, 50.0, 50.0]])
    entries = [LabeledImage(f"labeled-data/{name}", (120, 160), joints) for name in names[:6]]
    write_training_set(folder / "toy_Ann60shuffle1.mat", entries)
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh)
    assert code == 0, output
    split = Layout(fresh).data_folder("toy") / "split-iteration0-60shuffle1.json"
    assert json.loads(split.read_text()) == {"train": names[:6], "test": names[6:]}
    assert "pcutoff is 0.1 now, and was None" in output and "--split" in output
    code, output = run_here(STEP4, "--project", fresh, "--split", split)
    assert code == 0, output
    (documentation,) = fresh.rglob("Documentation_data-toy_*.yaml")
    assert yaml.safe_load(documentation.read_text())["train"] == names[:6]


def test_the_project_for_deeplabcut_names_videos_skeleton_and_fractions(run_here, toy_project, tmp_path):
    with (toy_project / "myconfig_analysis.py").open("a") as settings:
        settings.write("skeleton = [['nose', 'tail']]\n")
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert config["video_sets"] == {str(toy_project / "videos" / "toy.avi"): {"crop": "0, 160, 0, 120"}}
    assert (config["skeleton"], config["TrainingFraction"]) == ([["nose", "tail"]], [0.7])
    (toy_project / "videos" / "toy.avi").unlink()
    (toy_project / "myconfig_analysis.py").write_text("Task = 3\n")
    code, output = run_here(EXPORT, tmp_path / "out 2", "--project", toy_project)
    assert code == 0 and "Warning: the labels go without a skeleton: " in output
    assert output.splitlines()[-1].startswith(f"Next: put toy.avi into {tmp_path / 'out 2' / 'videos'}, or correct")


def test_the_settings_name_the_videos_and_the_network_that_the_labels_will_train(
    run_here, toy_project, fresh, tmp_path
):
    """Into a copy of the template of the analysis, whose comments stay; the dry run said the same."""
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    shutil.copyfile(CHECKOUT / "myconfig_analysis.py", fresh / "myconfig_analysis.py")
    code, would = run_here(IMPORT, tmp_path / "out", "--project", fresh, "--dry-run")
    assert code == 0
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh)
    assert code == 0, output
    ours, text = load_analysis_settings(fresh), (fresh / "myconfig_analysis.py").read_text()
    assert (ours.videofolder, ours.videotype) == ((toy_project / "videos").as_posix(), ".avi")
    assert (ours.Task, ours.scorer, ours.date, ours.trainingsFraction, ours.shuffle) == ("toy", "Ann", "Jan1", 0.7, 1)
    for name, was in {"Task": "mouse", "scorer": "rick", "videotype": ".mp4"}.items():
        now = getattr(ours, name)
        assert f"{name} = {now!r}" in would and f"{name} is {now!r} now, and was {was!r}" in output
    assert f"videofolder = {ours.videofolder!r}  # folder of the videos, relative to Analysis-tools/\n" in text
    assert f"will write poses beside the videos, in {ours.videofolder}, unless you copy them\n" in output
    assert "scorer = 'Ann'  # as in myconfig.py when the network was trained\n" in text
    (fresh / "myconfig_analysis.py").write_text(text.replace("shuffle = 1", "shuffle = 3").replace(".avi", ".mp4"))
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh)
    assert code == 0 and "stay here: videotype = '.mp4' in myconfig_analysis.py, '.avi' there\n" in output
    assert load_analysis_settings(fresh).shuffle == 3


def test_a_project_without_settings_of_the_analysis_takes_the_others(run_here, toy_project, fresh, tmp_path):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(EXPORT, tmp_path / "out", "--project", toy_project)[0] == 0
    (fresh / "myconfig_analysis.py").unlink()
    code, output = run_here(IMPORT, tmp_path / "out", "--project", fresh)
    assert code == 0, output
    assert f"because {fresh / 'myconfig_analysis.py'} does not exist" in output
    assert "myconfig.py: pcutoff is 0.1 now, and was None" in output


@pytest.mark.parametrize("script", [IMPORT, EXPORT])
def test_wrong_usage(refuse, script):
    assert "required: " in refuse(script)
    assert "'~nobodyxx/a'" in refuse(script, "~nobodyxx/a")
