"""A project made by the first landing of the rebuilt toolbox: its files are read and current for ever.

See tests/fixtures/README.md. A test that fails here says that people would have to train, analyze or draw again. A new
setting belongs into `before` of `records.describe`, with the value that says what was done before it came.
"""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.tables import read_table

FIXTURE = CHECKOUT / "tests" / "fixtures" / "first_landing.zip"
RESULTS = "Evaluation-tools/Results"
STEP4 = "Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"
SKIPPED = {
    "Generating_a_Training_Set/Step1_SelectRandomFrames_fromVideos.py": ["data-toy/toy_2"],
    "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py": ["CollectedData_Ann.h5"],
    "Generating_a_Training_Set/Step3_CheckLabels.py": ["data-toy/toylabeled"],
    STEP4: [],  # kept, since it was trained on
    "Evaluation-tools/Step1_EvaluateModelonDataset.py": ["DeepCut_resnet_50_70shuffle1_100forTask_toy.h5"],
    "Evaluation-tools/Step2_AnalysisofResults.py": ["100forTask_toy/Training", "100forTask_toy/Test"],
    "Analysis-tools/AnalyzeVideos.py": ["toyDeepCut_resnet50_toyJan1shuffle1_100.h5"],
    "Analysis-tools/FilterPredictions.py": ["toyDeepCut_resnet50_toyJan1shuffle1_100_filtered.h5"],
    "Analysis-tools/PlotTrajectories.py": ["toyDeepCut_resnet50_toyJan1shuffle1_100_filtered_trajectories"],
    "Analysis-tools/MakingLabeledVideo.py": ["toy_DeepLabCutlabeled.mp4"],
    "Analysis-tools/ExtractOutlierFrames.py": ["data-toy/toy_3"],
}
ALWAYS_WRITTEN = (
    "IsCroppingOK.png",
    "evaluation.csv",
    "evaluation_per_part.csv",
    "evaluation.json",
    "calibration.json",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The project, elsewhere than where it was made, with a network that must not be asked."""
    from deepercut.inference import predict

    monkeypatch.setattr(predict, "load_predictor", lambda *_, **__: lambda frames: pytest.fail("a network was asked"))
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(tmp_path / "moved here")
    return tmp_path / "moved here"


def contents(project):
    return {
        path.relative_to(project).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in project.rglob("*")
        if path.is_file() and path.name not in ALWAYS_WRITTEN
    }


@pytest.mark.parametrize("script", SKIPPED)
def test_nothing_is_made_again(script, project, run_here):
    before = contents(project)
    code, output = run_here(script, "--project", project)
    assert code == 0, output
    assert "being made" not in output
    lines = [line.partition(": skipped, it is current") for line in output.splitlines()]
    skipped = [name for name, said, _ in lines if said]
    assert len(skipped) == len(SKIPPED[script]), output
    assert all(name.endswith(end) for name, end in zip(skipped, SKIPPED[script], strict=True)), skipped
    after = contents(project)
    assert {name: after.get(name) for name in before} == before
    new = [name for name in after if name not in before]
    assert all(name.endswith(".html") or "/Plots_" in name for name in new), new


def test_a_training_set_that_was_trained_on_is_kept(project, run_here):
    output = run_here("Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py", "--project", project)[
        1
    ]
    assert "toyJan1-trainset70shuffle1: kept, it is current and a network was trained on it" in output


def test_the_rows_of_the_evaluation_stay(project, run_here):
    tables = [project / RESULTS / name for name in ("evaluation.csv", "evaluation_per_part.csv")]
    before = [pd.read_csv(path) for path in tables]
    output = run_here("Evaluation-tools/Step2_AnalysisofResults.py", "--project", project)[1]
    assert "left out" not in output
    for path, table in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(path), table)


def test_tables_hold_the_values_that_they_held(project):
    with zipfile.ZipFile(FIXTURE) as archive, np.load(io.BytesIO(archive.read("values.npz"))) as values:
        assert len(values) == 5
        for name, expected in values.items():
            found = read_table(project / name)
            np.testing.assert_array_equal(found.to_numpy(), expected)
            csv = (project / name).with_suffix(".csv")
            np.testing.assert_array_equal(read_table(csv).to_numpy(), expected)


@pytest.mark.parametrize(
    ("script", "setting", "message"),
    [
        ("AnalyzeVideos", "movingwindow = True", "_100.h5: being made, because movingwindow changed"),
        ("MakingLabeledVideo", "trailpoints = 3", "labeled.mp4: being made, because trailpoints changed"),
    ],
)
def test_a_setting_that_is_changed_still_counts(project, run_here, monkeypatch, find_dots, script, setting, message):
    from deepercut.inference import predict

    monkeypatch.setattr(predict, "load_predictor", lambda *_, **__: find_dots)
    with (project / "myconfig_analysis.py").open("a") as settings:
        settings.write(setting + "\n")
    code, output = run_here(f"Analysis-tools/{script}.py", "--project", project)
    assert code == 0
    assert message in output
