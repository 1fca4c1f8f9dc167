"""The scripts that work on poses, after AnalyzeVideos.py with a stub in place of the network."""

from dataclasses import replace

import pandas as pd
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_toolbox.poses.trust import Looked, Trust, calibration_file, write_calibration
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import read_table, write_table
from dlc_toolbox.video.video import Video
from tests.scripts.conftest import set_analysis

ANALYZE, LABEL, FILTER, PLOT, EXTRACT = (
    f"Analysis-tools/{name}.py"
    for name in (
        *("AnalyzeVideos", "MakingLabeledVideo"),
        *("FilterPredictions", "PlotTrajectories", "ExtractOutlierFrames"),
    )
)
EACH = pytest.mark.parametrize("script", [FILTER, PLOT, EXTRACT])
STEM = "toyDeepCut_resnet50_toyJan1shuffle1_100"


def test_from_poses_to_everything_people_look_at(run, trained_project):
    videos = trained_project / "videos"
    set_analysis(trained_project, drawfiltered=True, skeleton=[["nose", "tail"]], trailpoints=5, jumpthreshold=5)
    assert run(ANALYZE)[0] == 0
    code, output = run(LABEL)
    assert code == 1
    assert "FilterPredictions.py" in output

    code, output = run(FILTER)
    assert code == 0
    assert "PlotTrajectories.py" in output.splitlines()[-1]
    assert len(read_table(videos / f"{STEM}_filtered.csv")) == 30

    code, output = run(PLOT)
    assert code == 0
    assert "ExtractOutlierFrames.py" in output.splitlines()[-1]
    summary = pd.read_csv(videos / f"{STEM}_filtered_trajectories" / "summary_per_part.csv")
    assert summary["bodypart"].tolist() == ["nose", "paw", "tail"]

    assert run(LABEL)[0] == 0
    assert len(list(Video(videos / "toy_DeepLabCutlabeled.mp4"))) == 30

    code, output = run(EXTRACT)
    assert code == 0
    assert "Step2_ConvertingLabels2DataFrame.py" in output.splitlines()[-1]
    folder = trained_project / "Generating_a_Training_Set" / "data-toy" / "toy_2"
    assert len(list(folder.glob("img*.png"))) >= 5
    assert (folder / "machine-labels" / "paw.csv").is_file()

    for script in (FILTER, PLOT, LABEL, EXTRACT):
        code, output = run(script)
        assert code == 0
        assert ": skipped, it is current" in output


def test_a_skeleton_of_unknown_parts_is_one_error_before_any_video(run, trained_project):
    assert run(ANALYZE)[0] == 0
    set_analysis(trained_project, skeleton=[["nose", "tial"]])
    code, output = run(LABEL)
    assert code == 1
    assert output.splitlines()[-1].startswith("Error: myconfig_analysis.py: skeleton names tial")
    assert "did you mean tail?" in output


def test_two_tasks_are_not_mixed(run, trained_project):
    assert run(ANALYZE)[0] == 0
    settings = trained_project / "myconfig.py"
    settings.write_text(settings.read_text().replace("Task = 'toy'", "Task = 'reach'"))
    code, output = run(EXTRACT)
    assert code == 1
    assert "Task = 'reach', myconfig_analysis.py about 'toy'" in output


@EACH
def test_without_poses_each_asks_for_the_analysis(run, trained_project, script):
    code, output = run(script)
    assert code == 1
    assert f"{STEM}.h5 does not exist. Analyze the video first, with AnalyzeVideos.py." in output


def test_auto_is_what_the_evaluation_recommends(run, trained_project):
    set_analysis(trained_project, pcutoff="auto")
    assert run(ANALYZE)[0] == 0  # which needs it for a moving window alone
    code, output = run(PLOT)
    assert code == 1
    assert "pcutoff is 'auto', but none was recommended for this network yet: run Evaluation-tools/Step1" in output
    train = Layout(trained_project).models / "toyJan1-trainset70shuffle1" / "train"
    looked = Looked(fingerprint(train / "snapshot-100.weights.h5"))
    trust = Trust(("nose", "paw", "tail"), "only three labels", pcutoffs={"nose": None, "paw": None, "tail": None})
    write_calibration(calibration_file(train), trust, 100, looked, images=3, labels=9)
    code, output = run(PLOT)
    assert code == 1
    assert "pcutoff is 'auto', but the evaluation found for no body part a likelihood that is enough: set a" in output
    trust = replace(trust, pcutoffs={"nose": 0.5, "paw": None, "tail": 0.9})
    write_calibration(calibration_file(train), trust, 100, looked, images=3, labels=9)
    table = trained_project / "videos" / f"{STEM}.h5"
    poses = read_table(table)
    poses.iloc[:, 2::3] = [0.8, 1.0, 0.8]
    write_table(poses, table)
    code, output = run(PLOT)
    assert code == 0
    assert "pcutoff 'auto': no likelihood is enough for paw: never seen" in output
    summary = pd.read_csv(trained_project / "videos" / f"{STEM}_trajectories" / "summary_per_part.csv")
    assert summary["share_above_pcutoff"].tolist() == [1, 0, 0]
    assert run(FILTER)[0] == 0
    code, output = run(LABEL)
    assert code == 0
    assert "Share of the 30 frames with likelihood >= the one recommended for the part" in output
    code, output = run(EXTRACT)
    assert code == 0
    assert "(60 times a low likelihood" in output
