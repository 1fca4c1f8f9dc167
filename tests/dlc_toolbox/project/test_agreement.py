from pathlib import Path

import pytest

from dlc_toolbox.project.agreement import disagreements, warn_of_disagreements
from dlc_toolbox.project.settings import load_analysis_settings


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Task = 'reach'", "Task is 'toy' in myconfig.py, 'reach' in myconfig_analysis.py"),
        ("date = 'Jan2'", "date is 'Jan1' in myconfig.py, 'Jan2' in myconfig_analysis.py"),
        ("scorer = 'Bob'", "scorer is 'Ann' in myconfig.py, 'Bob' in myconfig_analysis.py"),
        ("resnet = 101", "resnet is 50 in myconfig.py, 101 in myconfig_analysis.py"),
        ("videostream = 1", "videostream is None in myconfig.py, 1 in myconfig_analysis.py"),
        ("channel = 2", "channel is None in myconfig.py, 2 in myconfig_analysis.py"),
        ("pcutoff = 0.6", "pcutoff is 0.1 in myconfig.py, 0.6 in myconfig_analysis.py"),
    ],
)
def test_what_both_files_say_is_compared(toy_project: Path, line: str, told: str, caplog):
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write(f"{line}\n")
    settings = load_analysis_settings(toy_project)
    assert disagreements(toy_project, settings) == [told]
    warn_of_disagreements(toy_project, settings)
    assert f"The settings files differ: {told}. What myconfig_analysis.py says counts here" in caplog.text


def test_files_that_agree_and_a_missing_one_are_silent(toy_project: Path, caplog):
    settings = load_analysis_settings(toy_project)
    warn_of_disagreements(toy_project, settings)
    (toy_project / "myconfig.py").unlink()
    warn_of_disagreements(toy_project, settings)
    assert not caplog.records


def test_a_cutoff_that_is_chosen_contradicts_no_number(toy_project: Path):
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write("pcutoff = 'auto'\n")
    assert not disagreements(toy_project, load_analysis_settings(toy_project))
