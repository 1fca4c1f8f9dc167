"""LabelFrames.py's flags; that it serves is tested with the labeling page's server."""

from pathlib import Path

import pytest

SCRIPT = "Generating_a_Training_Set/LabelFrames.py"


@pytest.mark.parametrize("port", ["-1", "x", "1.5"])
def test_wrong_usage(toy_project: Path, run_here, port: str):
    with pytest.raises(SystemExit) as end:
        run_here(SCRIPT, "--project", toy_project, "--port", port)
    assert end.value.code == 2


def test_problems_of_the_project_are_one_line(toy_project: Path, run_here):
    code, output = run_here(SCRIPT, "--project", toy_project, "--scorer", "Cid", "--no-browser")
    assert code == 1
    assert output.splitlines()[-1].startswith("Error: Cid is none of Scorers in ")


def test_a_part_alone_is_no_place(toy_project: Path, run_here, capsys):
    with pytest.raises(SystemExit) as end:
        run_here(SCRIPT, "--project", toy_project, "--part", "nose")
    assert end.value.code == 2 and "--part needs --image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "part", "message"),
    [
        ("toy/img01.png", "nose", "Error: toy has no image img01.png"),
        ("img00.png", "nose", "Error: "),
        ("toy/img00.png", "ear", "Error: ear is none of the body parts in myconfig.py: nose, paw, tail"),
    ],
)
def test_a_place_that_is_not_there_is_one_line(toy_project: Path, run_here, image: str, part: str, message: str):
    code, output = run_here(SCRIPT, "--project", toy_project, "--image", image, "--part", part, "--no-browser")
    assert code == 1
    assert output.splitlines()[-1].startswith(message)
