"""The script that analyzes videos, with a stub in place of the network."""

import json
import re
import shlex
from contextlib import contextmanager

import numpy as np
import pytest

from dlc_toolbox.analysis import scaleout
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import points, read_table
from tests.scripts.conftest import set_analysis

SCRIPT = "Analysis-tools/AnalyzeVideos.py"
STEM = "toyDeepCut_resnet50_toyJan1shuffle1_100"


@pytest.fixture
def loaded(monkeypatch, find_dots):
    """The snapshots that were loaded; every network finds the dots."""
    from deepercut.inference import predict

    loaded = []

    def load_predictor(config_path, snapshot, engine):
        loaded.append((config_path.name, snapshot.iteration, engine))
        return find_dots

    monkeypatch.setattr(predict, "load_predictor", load_predictor)
    return loaded


@pytest.fixture
def run(run_here, trained_project, tmp_path, monkeypatch):
    """Run the script on the toy project, from a foreign directory."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_here(SCRIPT, "--project", trained_project, *arguments)


def test_the_next_step_is_told_for_the_videos_that_were_named(run, trained_project, loaded):
    video = trained_project / "videos" / "toy.avi"
    code, output = run(video)
    assert code == 0
    command = shlex.split(output.splitlines()[-1].removeprefix("Next: "))
    assert command[1].endswith("MakingLabeledVideo.py") and command[2:] == [
        str(video),
        "--project",
        str(trained_project),
    ]


def test_a_wrong_videotype_lists_the_suffixes_there(run, trained_project):
    set_analysis(trained_project, videotype=".mkv")
    code, output = run()
    assert code == 1 and "no video with the suffix .mkv (videotype) there; its files end in .avi (1)" in output


def test_settings_files_that_disagree_are_told(run, trained_project, loaded):
    set_analysis(trained_project, pcutoff=0.7)
    code, output = run()
    assert code == 0 and "pcutoff is 0.1 in myconfig.py, 0.7 in myconfig_analysis.py. What myconfig_anal" in output


def test_poses_csv_and_record_of_the_toy_video(run, trained_project, loaded, toy_points):
    code, output = run()
    assert code == 0
    lines = output[output.index("Device: ") :].splitlines()  # behind the progress
    assert lines[-1].startswith("Next: python3 ") and "MakingLabeledVideo.py" in lines[-1]
    assert loaded == [("pose_cfg.yaml", 100, "auto")]
    videos = trained_project / "videos"
    assert sorted(path.name for path in videos.iterdir()) == [
        "toy.avi",
        *(f"{STEM}{ending}" for ending in (".csv", ".h5", "_meta.json")),
    ]
    assert np.abs(points(read_table(videos / f"{STEM}.h5"))[..., :2] - toy_points).max() < 0.1
    record = json.loads((videos / f"{STEM}_meta.json").read_text())
    assert record["settings"]["scorer"] == STEM.removeprefix("toy")
    assert record["device"] in lines[0]
    code, output = run()
    assert code == 0
    assert f"{STEM}.h5: skipped, it is current" in output


def test_the_crop_of_the_settings_gives_full_frame_coordinates(run, trained_project, loaded, toy_points):
    set_analysis(trained_project, cropping=True, x1=10, x2=150, y1=10, y2=110)
    assert run()[0] == 0
    table = read_table(trained_project / "videos" / f"{STEM}.h5")
    assert np.abs(points(table)[..., :2] - toy_points).max() < 0.1


def test_named_videos_instead_of_the_folder(run, trained_project, loaded, write_video, tmp_path, draw_dots, toy_points):
    other = write_video(tmp_path / "day 1" / "é.mkv", [draw_dots(toy_points[0])])
    assert run(other)[0] == 0
    assert (tmp_path / "day 1" / f"é{STEM.removeprefix('toy')}.h5").is_file()
    assert not (trained_project / "videos" / f"{STEM}.h5").exists()


def test_trainingsiterations_choose_the_snapshot(run, trained_project, loaded):
    set_analysis(trained_project, trainingsiterations=20)
    assert run()[0] == 0
    assert loaded == [("pose_cfg.yaml", 20, "auto")]
    assert (trained_project / "videos" / f"{STEM.replace('_100', '_20')}.h5").is_file()
    set_analysis(trained_project, trainingsiterations=50)
    code, output = run()
    assert code == 1
    assert "no snapshot of iteration 50; there are: 20, 100" in output


def test_the_engine_of_the_settings_computes_and_reduced_precision_makes_poses_anew(run, trained_project, loaded):
    assert run()[0] == 0
    set_analysis(trained_project, engine="keras")
    code, output = run()
    assert code == 0
    assert re.search(r"^Device: .*\(Keras ", output)
    assert loaded[-1][-1] == "keras"
    assert f"{STEM}.h5: skipped, it is current" in output
    set_analysis(trained_project, engine="openvino-int8")
    code, output = run()
    assert code == 0
    assert re.search(r"^Device: CPU \(OpenVINO .*, int8\)$", output, re.MULTILINE)
    assert ".h5: being made, because precision changed" in output
    set_analysis(trained_project, engine="openvino-int4")
    code, output = run()
    assert code == 1
    assert "engine = 'openvino-int4', but it must be one of 'auto', 'fast', 'keras', 'openvino'" in output


def test_fast_is_measured_once_and_told(run, trained_project, precisions, find_dots, toy_points):
    loads = precisions(find_dots, int8=(0, 0))
    set_analysis(trained_project, engine="fast")
    code, output = run()
    assert code == 0
    told = re.search(r"^engine = 'fast': (openvino-int8.*): (\S+) times as fast as openvino; its poses", output, re.M)
    assert told and float(told[2]) > 2
    assert "Measuring on 3 labeled images, once for this snapshot" in output
    assert loads == ["openvino", "openvino-int8", "openvino-int8"]
    record = json.loads((trained_project / "videos" / f"{STEM}_meta.json").read_text())
    assert record["settings"]["precision"] == "int8"
    table = read_table(trained_project / "videos" / f"{STEM}.h5")
    assert np.abs(points(table)[..., :2] - toy_points).max() < 0.3
    loads.clear()
    code, output = run()
    assert code == 0 and f"{STEM}.h5: skipped, it is current" in output
    assert loads == ["openvino-int8"] and "Measuring" not in output and told[0] in output


def test_fast_is_float32_where_nothing_else_is_as_good(run, trained_project, precisions, find_dots):
    precisions(find_dots, int8=(0.4, 0))
    set_analysis(trained_project, engine="fast")
    code, output = run()
    assert code == 0
    assert re.search(r"^engine = 'fast': openvino( at 0\.\d of the size: |, because nothing faster)", output, re.M)
    answer = Layout(trained_project).models / "toyJan1-trainset70shuffle1" / "train" / "snapshot-100-fast.json"
    modes = json.loads(answer.read_text())["modes"]
    assert [mode["keeps_promise"] for mode in modes[:2]] == [True, False]
    record = json.loads((trained_project / "videos" / f"{STEM}_meta.json").read_text())
    assert "precision" not in record["settings"]


def test_without_labeled_images_fast_is_float32(run, trained_project, precisions, find_dots):
    loads = precisions(find_dots, int8=(0, 0))
    Layout(trained_project).dataset_images("toy", "Jan1").joinpath("toy", "img24.png").unlink()
    set_analysis(trained_project, engine="fast")
    code, output = run()
    assert code == 0
    assert "What faster modes cost cannot be measured: 1 of the 3 labeled test images are missing" in output
    assert "engine = 'fast': frames of full size, float32, because there are no labeled images to measure" in output
    assert loads == ["auto"]


def test_a_scale_of_auto_and_what_comes_after_the_analysis(run, run_here, trained_project, precisions, find_dots):
    precisions(find_dots, int8=(0, 0))
    set_analysis(trained_project, analysisscale="auto")
    code, output = run()
    assert code == 0
    told = re.search(r"^analysisscale = 'auto': openvino( at (\S+) of the size)?", output, re.M)
    record = json.loads((trained_project / "videos" / f"{STEM}_meta.json").read_text())
    assert record["settings"].get("analysisscale", 1) == float(told[2] or 1)
    images = Layout(trained_project).dataset_images("toy", "Jan1")
    images.rename(images.with_name("gone"))  # what was measured counts on
    code, output = run_here("Analysis-tools/FilterPredictions.py", "--project", trained_project)
    assert code == 0 and f"{STEM}_filtered.h5" in output
    code, output = run()
    assert code == 0 and f"{STEM}.h5: skipped, it is current" in output


def test_fast_and_a_scale_exclude_each_other(run, trained_project, loaded):
    set_analysis(trained_project, engine="fast", analysisscale=0.5)
    code, output = run()
    assert code == 1
    assert "engine = 'fast' chooses the scale itself: leave out analysisscale = 0.5, or name another" in output


def test_workers_make_the_same_table(run, trained_project, loaded, toy_points, monkeypatch):
    distributed = pytest.importorskip("distributed")
    asked = []

    @contextmanager
    def in_this_process(address, workers):
        asked.append((address, workers))
        with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
            yield client

    monkeypatch.setattr(scaleout, "open_cluster", in_this_process)
    code, output = run("--workers", 3)
    assert code == 0, output
    assert asked == [(None, 3)]
    table = read_table(trained_project / "videos" / f"{STEM}.h5")
    assert np.abs(points(table)[..., :2] - toy_points).max() < 0.1
    assert run("--scheduler", "tcp://far:1", "--overwrite")[0] == 0
    assert asked[-1][0] == "tcp://far:1"


def test_a_moving_window_belongs_to_the_settings(run, trained_project, loaded):
    set_analysis(trained_project, movingwindow=True, windowmargin=10, pcutoff=0.3)
    code, output = run()
    assert code == 0
    assert "of the pixels were analyzed" in output
    record = json.loads((trained_project / "videos" / f"{STEM}_meta.json").read_text())
    assert record["settings"]["movingwindow"] == {"pcutoff": 0.3, "margin": 10}


def test_one_bad_video_is_reported_and_the_rest_goes_on(run, trained_project, loaded):
    videos = trained_project / "videos"
    (videos / "a bad one.avi").write_bytes(b"no video" * 1000)
    code, output = run()
    assert code == 1
    assert "a bad one.avi cannot be read as a video" in output
    assert output.splitlines()[-1].startswith("Error: 1 of 2 videos could not be done")
    assert "Traceback" not in output
    assert (videos / f"{STEM}.h5").is_file()


def test_poses_of_another_network_are_not_touched(run, trained_project, loaded):
    assert run()[0] == 0
    table = trained_project / "videos" / f"{STEM}.h5"
    before = table.read_bytes()
    (snapshot,) = Layout(trained_project).models.glob("*/train/snapshot-100.weights.h5")
    snapshot.write_bytes(b"trained again")
    code, output = run("--overwrite")
    assert code == 1
    assert "the poses of another snapshot" in output
    assert table.read_bytes() == before


def test_a_scorer_that_the_network_does_not_know_is_an_error(run, trained_project, loaded):
    (config,) = Layout(trained_project).models.glob("*/train/pose_cfg.yaml")
    with config.open("a") as file:
        file.write("dataset: ../../UnaugmentedDataSet_toyJan1/toy_Bob70shuffle1.mat\n")
    code, output = run()
    assert code == 1
    assert "toy_Ann70shuffle1" in output and "toy_Bob70shuffle1" in output
    assert loaded == []


def test_no_video_says_what_to_do(run, trained_project, loaded, monkeypatch):
    monkeypatch.setenv("HOME", "/home")
    (trained_project / "videos" / "toy.avi").unlink()
    code, output = run()
    assert code == 1
    assert "no video with the suffix .avi" in output and "myconfig_analysis.py" in output
    code, output = run("nowhere.avi")
    assert code == 1
    assert "nowhere.avi does not exist" in output
    assert "Names in a command count from the folder in which it is given" in output and "myconfig" not in output
    assert "/home/nowhere.avi" in run("~/nowhere.avi")[1]


def test_settings_are_checked_before_a_network_is_loaded(run, trained_project, loaded):
    set_analysis(trained_project, dotsise=3)
    code, output = run()
    assert code == 1
    assert "dotsise is no setting; did you mean dotsize?" in output
    assert "Device" not in output and loaded == []
