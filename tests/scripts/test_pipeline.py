"""A project outside the checkout passes every step, from frames to a labeled video, started in a foreign directory."""

import runpy
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from deepercut.network.resnet import resnet_v1
from deepercut.weights.checkpoints import save_snapshot
from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.tables import read_table
from dlc_toolbox.video.video import Video

STEPS = "Generating_a_Training_Set"
TRAIN_FOLDER = "pose-tensorflow/models/toyJan1-trainset70shuffle1/train"


def write_backbone(path) -> None:
    """Write a ResNet-50 with random weights where the ImageNet ones belong."""
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3))
    path.parent.mkdir(parents=True)
    save_snapshot(keras.Model(images, list(resnet_v1(images, 50).values())[-1]), path)


@pytest.mark.slow
def test_from_frames_to_a_labeled_video(
    toy_project, toy_points, tmp_path, monkeypatch, own_handlers, capsys, run_script
):
    """The first step and the analysis start as people start them; the others run here, where TensorFlow is loaded."""
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")

    def run(script: str, *arguments: object) -> str:
        capsys.readouterr()
        code = cli.run(runpy.run_path(str(CHECKOUT / script))["main"], [*map(str, arguments)])
        said = capsys.readouterr()
        assert code == 0, said.out + said.err
        assert list(Path().iterdir()) == [], "a script wrote into the working directory"
        return said.out

    def start(script: str, *arguments: object) -> str:
        done = run_script(script, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    project = ("--project", toy_project)
    write_backbone(toy_project / "pose-tensorflow/models/pretrained/resnet_v1_50.weights.h5")
    start(f"{STEPS}/Step1_SelectRandomFrames_fromVideos.py", *project)
    assert len(list((toy_project / STEPS / "data-toy/toy_2").glob("img*.png"))) == 5  # the labeled folder is left alone
    for leftover in (toy_project / STEPS / "data-toy/toy_2").iterdir():
        leftover.unlink()
    (toy_project / STEPS / "data-toy/toy_2").rmdir()

    run(f"{STEPS}/Step2_ConvertingLabels2DataFrame.py", *project)
    labels = read_table(toy_project / STEPS / "data-toy/CollectedData_Ann.h5")
    np.testing.assert_allclose(labels.loc["toy/img03.png"], toy_points[3].ravel())
    run(f"{STEPS}/Step3_CheckLabels.py", *project)
    run(f"{STEPS}/Step4_GenerateTrainingFileFromLabelledData.py", *project)

    config = toy_project / TRAIN_FOLDER / "pose_cfg.yaml"
    first_line, *_, last_line = run(
        "pose-tensorflow/train.py", "--config", config, "--max-iters", 2, "--seed", 1
    ).splitlines()
    assert first_line.startswith("Device: ")
    told = cli.command(toy_project, "Evaluation-tools/Step1_EvaluateModelonDataset.py")
    assert last_line == f"Next: {told}", "of the project whose train folder this is"
    assert (config.parent / "snapshot-2.weights.h5").exists()

    assert run("Evaluation-tools/Step1_EvaluateModelonDataset.py", *project).startswith("Device: ")
    assert "test error" in run("Evaluation-tools/Step2_AnalysisofResults.py", *project)
    (row,) = pd.read_csv(toy_project / "Evaluation-tools/Results/evaluation.csv").to_dict("records")
    assert (row["train_fraction"], row["shuffle"], row["iteration"]) == (0.7, 1, 2)
    assert row["train_rmse_px"] >= row["train_mean_error_px"] > 0

    assert start("Analysis-tools/AnalyzeVideos.py", *project).startswith("Device: ")
    poses = read_table(toy_project / "videos/toyDeepCut_resnet50_toyJan1shuffle1_2.h5")
    assert poses.shape == (30, 9)
    assert np.isfinite(poses.to_numpy()).all()
    run("Analysis-tools/MakingLabeledVideo.py", *project)
    assert len(list(Video(toy_project / "videos/toy_DeepLabCutlabeled.mp4"))) == 30

    before = {path: path.stat().st_mtime_ns for path in toy_project.rglob("*") if path.is_file()}
    run(f"{STEPS}/Step2_ConvertingLabels2DataFrame.py", *project)
    run("Analysis-tools/AnalyzeVideos.py", *project)
    assert {path: path.stat().st_mtime_ns for path in before} == before  # what is current is left alone
