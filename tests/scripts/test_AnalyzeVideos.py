"""The script that analyzes videos, with a stub in place of the network."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox.analysis import scaleout
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import points, read_table

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


def set_analysis(project, **changes):
    with (project / "myconfig_analysis.py").open("a") as file:
        file.writelines(f"{name} = {value!r}\n" for name, value in changes.items())


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
    assert "engine = 'openvino-int4', but it must be one of 'auto', 'keras', 'openvino'" in output


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


def test_no_video_says_what_to_do(run, trained_project, loaded):
    (trained_project / "videos" / "toy.avi").unlink()
    code, output = run()
    assert code == 1
    assert "no video with the suffix .avi" in output and "myconfig_analysis.py" in output
    code, output = run("nowhere.avi")
    assert code == 1
    assert "nowhere.avi does not exist" in output


def test_help_and_import_are_quick_and_do_nothing(tmp_path):
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "sys.exit('loads a network library' if {'keras', 'tensorflow'} & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(CHECKOUT / SCRIPT)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_help_names_the_flags(run_script):
    done = run_script(SCRIPT, "--help")
    assert done.returncode == 0
    assert all(flag in done.stdout for flag in ("videos", "--project", "--overwrite", "--verbose"))


def test_settings_are_checked_before_a_network_is_loaded(run_script, trained_project):
    set_analysis(trained_project, dotsise=3)
    done = run_script(SCRIPT, "--project", trained_project)
    assert done.returncode == 1
    assert "dotsise is no setting; did you mean dotsize?" in done.stdout
    assert "Device" not in done.stdout
