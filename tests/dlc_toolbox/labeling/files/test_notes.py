import json

import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Conflict
from dlc_toolbox.labeling.files.notes import ACCEPTED, PLACED, ImageNotes, Notes, PartNote
from dlc_toolbox.labels.provenance import accepted_labels, read_notes
from dlc_toolbox.project.settings import load_settings

NOTES = ImageNotes(
    {
        "nose": PartNote(ACCEPTED, "2026-01-01T10:00:00Z", (0.1 + 0.2, 4.0), "network-7"),
        "paw": PartNote(NOT_VISIBLE, "2026-01-01T10:00:01Z"),
        "tail": PartNote(PLACED, "2026-01-01T09:00:00Z", (1.0, 2.0)),
    },
    left_out="2026-01-01T11:00:00Z",
    begun=True,
    conflicts={"tail": Conflict((1.0, 2.0), None), "paw": Conflict(NOT_VISIBLE, (3.0, 4.0))},
)


def test_there_and_back(tmp_path):
    notes = Notes(tmp_path / "labeling.json")
    notes.bodyparts, notes.order = ["nose", "paw", "tail"], ["img 1 ü.png", "img2.png"]
    notes.set("img 1 ü.png", NOTES)
    notes.write()
    again = Notes(notes.path).read()
    assert (again.images, again.bodyparts, again.order) == (notes.images, notes.bodyparts, notes.order)
    assert again.of("img2.png") == ImageNotes()
    assert NOTES.saved_at == "2026-01-01T11:00:00Z"
    before = notes.path.read_bytes()
    again.write()
    assert notes.path.read_bytes() == before


def test_what_is_forgotten_leaves_no_trace(tmp_path):
    notes = Notes(tmp_path / "labeling.json")
    notes.set("img1.png", NOTES)
    notes.write()
    notes.set("img1.png", ImageNotes())
    notes.write()
    assert json.loads(notes.path.read_text())["images"] == {}


def test_two_parts_that_change_their_names(tmp_path):
    notes = Notes(tmp_path / "labeling.json")
    notes.set("img1.png", NOTES)
    notes.rename_parts({"nose": "tail", "tail": "nose"})
    parts = notes.of("img1.png").parts
    assert (parts["tail"].network, parts["nose"].at) == ("network-7", (1.0, 2.0))
    assert set(notes.of("img1.png").conflicts) == {"nose", "paw"}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"[]",
        b'{"format": 2}',
        b'{"format": 1, "bodyparts": "nose", "order": [], "images": {}}',
        b'{"format": 1, "bodyparts": [], "order": [], "images": {"a": {"parts": {"n": {"state": "?", "time": ""}}}}}',
        b'{"format": 1, "bodyparts": [], "order": [], "images": {"a": {"parts": {"n": {"state": "placed", "time": "", '
        b'"at": [1, NaN]}}}}}',
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "labeling.json").write_bytes(content)
    with pytest.raises(UsersError, match=r"labeling.json is damaged .* move it away"):
        Notes(tmp_path / "labeling.json").read()


def test_what_the_page_writes_is_what_the_evaluation_reads(make_project, save):
    project = make_project(Scorers=["Ann", "Bob"])
    save(project.open(), "img1.png", nose=[1, 2])
    notes = Notes(project.folder / "Ann" / "labeling.json").read()
    accepted = PartNote(ACCEPTED, "2026-01-01T10:00:00Z", (1.0, 2.0), "network-7")
    hidden = PartNote("not visible", "2026-01-01T10:00:00Z")
    notes.set("img2.png", ImageNotes({"nose": accepted, "paw": hidden}))
    notes.set("img3.png", ImageNotes({"nose": accepted}, left_out="2026-01-01T10:00:00Z"))
    notes.write()
    settings = load_settings(project.root)
    found = read_notes(project.layout, settings, "Ann")
    assert found["day1/img2.png"].states == {"nose": "accepted", "paw": "not visible"}
    assert [found[f"day1/img{number}.png"].left_out for number in (1, 2, 3)] == [False, False, True]
    labels = np.array([[[1.0, 2.0]], [[1.0, 2.0]], [[np.nan, np.nan]]])
    rows = [f"day1/img{number}.png" for number in (1, 2, 3)]
    assert accepted_labels(found, rows, ["nose"], labels).tolist() == [[False], [True], [False]]
    assert read_notes(project.layout, settings, "Bob") == {}
