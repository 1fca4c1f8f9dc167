import errno
import runpy
import subprocess
import sys
import tempfile

import pytest

from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.layout import Layout

SCRIPT = CHECKOUT / "Generating_a_Training_Set" / "Step3_CheckLabels.py"


@pytest.fixture
def main():
    return runpy.run_path(str(SCRIPT))["main"]


def test_it_runs_from_a_foreign_directory_and_names_the_next_step(trained_project, tmp_path):
    command = [sys.executable, SCRIPT, "--project", trained_project]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toylabeled/contact_sheet.png" in done.stdout.replace("\\", "/")
    assert "Step4_GenerateTrainingFileFromLabelledData.py" in done.stdout
    assert len(list((Layout(trained_project).data_folder("toy") / "toylabeled").glob("img*.png"))) == 10


def test_a_missing_table_is_one_clear_line_and_exit_code_1(trained_project, main, capsys):
    Layout(trained_project).label_table("toy", "Ann").unlink()
    assert cli.run(main, ["--project", str(trained_project)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: ") and "Step 2" in lines[0]


def test_again_nothing_is_written_so_that_the_project_may_be_read_only(trained_project, main, monkeypatch):
    def refuse(**wanted):
        raise PermissionError(errno.EACCES, "Permission denied", wanted["dir"])

    assert cli.run(main, ["--project", str(trained_project)]) == 0
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert cli.run(main, ["--project", str(trained_project)]) == 0


def test_overwrite_draws_again(trained_project, main):
    picture = Layout(trained_project).data_folder("toy") / "toylabeled" / "img00.png"
    stamps = []
    for flags in ([], [], ["--overwrite"]):
        assert cli.run(main, ["--project", str(trained_project), *flags]) == 0
        stamps.append(picture.stat().st_mtime_ns)
    assert stamps[0] == stamps[1] < stamps[2]
