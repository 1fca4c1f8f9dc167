"""Labels of the toy project go to DeepLabCut and lightning-pose, and come back into projects of their own."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import read_table

STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"
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


@pytest.mark.parametrize("script", [IMPORT, EXPORT])
def test_help_and_wrong_usage(run_script, script):
    assert "--project" in run_script(script, "--help").stdout
    assert run_script(script).returncode == 2
    done = run_script(script, "~nobodyxx/a")
    assert done.returncode == 2 and "'~nobodyxx/a'" in done.stderr and "Traceback" not in done.stderr
