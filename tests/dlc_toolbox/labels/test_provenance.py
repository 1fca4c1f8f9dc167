"""Which labels a person has placed, and which are machine labels accepted as they were."""

import json

import numpy as np
import pytest

from dlc_toolbox.labels.provenance import accepted_labels, read_notes
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings

NAN = float("nan")
TIME = "2026-01-01T10:00:00.000Z"


@pytest.fixture
def write_notes(toy_project):
    """Write what the page noted of images in the toy's folder."""

    def write(images: object, scorer: str = "") -> None:
        home = Layout(toy_project).data_folder("toy") / "toy" / scorer
        home.mkdir(exist_ok=True)
        content = {"format": 1, "bodyparts": ["nose", "paw", "tail"], "order": [], "images": images}
        (home / "labeling.json").write_text(json.dumps(content))

    return write


def part(state: str, at: list | None = None) -> dict:
    return {"state": state, "time": TIME, **({"at": at} if at else {})}


def read(project):
    settings = load_settings(project)
    return read_notes(Layout(project), settings, settings.scorer)


def test_notes_of_every_image(toy_project, write_notes):
    assert read(toy_project) == {}
    parts = {"nose": part("accepted", [1.5, 2]), "paw": part("not visible"), "tail": part("placed", [3, 4])}
    write_notes({"img00.png": {"parts": parts}, "img03.png": {"parts": {}, "left out": TIME}})
    notes = read(toy_project)
    assert list(notes) == ["toy/img00.png", "toy/img03.png"]
    assert notes["toy/img00.png"].states == {"nose": "accepted", "paw": "not visible", "tail": "placed"}
    assert notes["toy/img00.png"].places == {"nose": (1.5, 2.0), "tail": (3.0, 4.0)}
    assert [found.left_out for found in notes.values()] == [False, True]


def test_with_several_scorers_each_has_notes_of_its_own(toy_project, write_notes):
    path = toy_project / "myconfig.py"
    path.write_text(path.read_text().replace("Scorers = ['Ann']", "Scorers = ['Ann', 'Bob']"))
    write_notes({"img00.png": {"parts": {"nose": part("placed", [1, 2])}}}, "Bob")
    assert read(toy_project) == {}
    write_notes({"img00.png": {"parts": {"nose": part("accepted", [1, 2])}}}, "Ann")
    assert read(toy_project)["toy/img00.png"].states == {"nose": "accepted"}


@pytest.mark.parametrize(
    "images", ["[]", '{"img00.png": {}}', '{"img00.png": {"parts": {"nose": {"at": [1, 2]}}}}', "{"]
)
def test_damaged_notes_are_passed_over_because_the_csv_files_are_the_labels(toy_project, images, caplog):
    path = Layout(toy_project).data_folder("toy") / "toy" / "labeling.json"
    path.write_text(f'{{"images": {images}}}')
    assert read(toy_project) == {}
    assert f"{path} cannot be read" in caplog.text and "by hand, and no image as left out" in caplog.text


def test_a_label_is_accepted_while_it_is_where_it_was_accepted(toy_project, write_notes):
    moved = {"nose": part("accepted", [1, 2]), "paw": part("placed", [3, 4]), "tail": part("accepted", [0.1 + 0.2, 6])}
    write_notes({"img00.png": {"parts": moved}, "img03.png": {"parts": {"tail": part("accepted", [5, 6])}}})
    labels = np.array(
        [[[1, 2.001], [3, 4], [0.30000000000000004, 6]], [[1, 1], [NAN, NAN], [NAN, NAN]], [[1, 2], [3, 4], [5, 6]]]
    )
    rows = ["toy/img00.png", "toy/img03.png", "toy/img06.png"]
    accepted = accepted_labels(read(toy_project), rows, ["nose", "paw", "tail"], labels)
    assert accepted.tolist() == [[False, False, True], [False] * 3, [False] * 3]
