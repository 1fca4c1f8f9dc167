"""Which labels are missing, and how hundreds of gaps are told."""

import json
import logging

import numpy as np

from dlc_toolbox.labels.check import check_labels
from dlc_toolbox.labels.missing import Group, find_missing, group_missing, missing_in_words, not_visible
from dlc_toolbox.labels.provenance import ImageNotes
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings

PARTS = ["nose", "paw", "tail"]
ROWS = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
LABELED = np.array([[1, 1, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0]], dtype=bool)
NONE = np.zeros_like(LABELED)


def test_a_part_is_missing_where_others_are_labeled_and_nobody_said_it_is_hidden():
    notes = {
        "a/2.png": ImageNotes({"paw": "not visible", "tail": "placed"}, {}),
        "b/2.png": ImageNotes({"nose": "not visible"}, {}),
    }
    hidden = not_visible(notes, ROWS, PARTS)
    assert np.argwhere(hidden).tolist() == [[1, 1], [3, 0]]
    assert np.argwhere(find_missing(LABELED, hidden)).tolist() == [[1, 2], [2, 1]]
    assert not_visible({}, [], PARTS).shape == (0, 3)


def test_images_with_the_same_gaps_stand_together_the_largest_group_first():
    missing = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    assert group_missing(missing, PARTS) == [
        Group(("nose",), (1, 3)),
        Group(("paw", "tail"), (0,)),
        Group(("paw",), (4,)),
    ]
    assert group_missing(NONE, PARTS) == []


def test_gaps_in_words():
    missing = find_missing(LABELED, NONE)
    assert missing_in_words(missing, NONE, ROWS, PARTS).splitlines() == [
        "3 labels are missing in 2 of the 4 images:",
        "  all but nose: a/2.png",
        "  paw: b/1.png",
    ]
    hidden = NONE.copy()
    hidden[1, 1:] = True
    assert missing_in_words(find_missing(LABELED, hidden), hidden, ROWS, PARTS).splitlines() == [
        "1 labels are missing in 1 of the 4 images (2 more are marked as not visible):",
        "  paw: b/1.png",
    ]
    assert missing_in_words(NONE, NONE, ROWS, PARTS) == "no label is missing"


def test_two_hundred_images_of_seventeen_parts_take_a_dozen_lines():
    rng = np.random.default_rng(0)
    missing = rng.random((200, 17)) < 0.3
    missing[:40] = False
    missing[:40, 5] = True
    missing[:, 0] = False
    rows = [f"day/img{number:03d}.png" for number in range(200)]
    parts = [f"part{number}" for number in range(17)]
    lines = missing_in_words(missing, np.zeros_like(missing), rows, parts).splitlines()
    assert lines[0] == f"{missing.sum()} labels are missing in {missing.any(axis=1).sum()} of the 200 images:"
    assert lines[1].startswith("  part5: day/img000.png, day/img001.png, ")
    assert lines[1].endswith(", day/img005.png and 34 more")
    assert len(lines) == 12 and lines[-1].startswith("  other parts: ") and lines[-1].endswith("which the page lists")
    rest = sum(len(group.images) for group in group_missing(missing, parts)[10:])
    assert str(rest) in lines[-1]


def test_step_3_tells_them_and_believes_the_labeling_page(trained_project, caplog):
    caplog.set_level(logging.INFO)
    layout = Layout(trained_project)
    settings = load_settings(trained_project)
    check_labels(layout, settings)
    assert "Ann: 1 labels are missing in 1 of the 10 images:\n  tail: toy/img09.png" in caplog.text
    page = layout.labels_page("toy").read_text(encoding="utf-8")
    assert "1 missing: tail" in page and "10 images, 29 of 30 labels" in page
    note = {"parts": {"tail": {"state": "not visible", "time": "2026-01-01T10:00:00.000Z"}}}
    notes = layout.data_folder("toy") / "toy" / "labeling.json"
    notes.write_text(json.dumps({"format": 1, "bodyparts": PARTS, "order": [], "images": {"img09.png": note}}))
    caplog.clear()
    check_labels(layout, settings)
    assert "Ann: no label is missing (1 more are marked as not visible)" in caplog.text
    page = layout.labels_page("toy").read_text(encoding="utf-8")
    assert "1 missing" not in page and "10 images, 29 of 29 labels" in page
