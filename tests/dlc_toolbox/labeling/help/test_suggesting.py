"""Which images are open, what is written for them, and in which order they are to be labeled."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.help.suggesting import find_open_images, rank_images, suggest_labels, thumbnail
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.labels import read_labels
from dlc_toolbox.labels.provenance import ImageNotes
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings

PARTS = ("nose", "paw", "tail")


@pytest.fixture
def data(toy_project, toy_points, draw_dots):
    """The toy's labeled folder and one of two images without labels."""
    folder = Layout(toy_project).data_folder("toy")
    (folder / "new").mkdir()
    for frame in (1, 11):
        Image.fromarray(draw_dots(toy_points[frame])).save(folder / "new" / f"img{frame}.png")
    return folder


@pytest.fixture
def open_images(toy_project, data):
    settings = load_settings(toy_project)

    def find(notes: dict | None = None, *, labeled: bool = True):
        table = read_labels(Layout(toy_project), settings, "Ann") if labeled else None
        return find_open_images(data, settings, table, notes or {})

    return find


def quiet(done, total):
    assert 0 < done <= total


def test_open_are_images_without_labels_and_those_without_some(open_images):
    new, toy = open_images()
    assert (new.folder.name, [path.name for path in new.paths]) == ("new", ["img1.png", "img11.png"])
    assert new.is_open.all() and new.wanted.tolist() == [0, 1]
    assert toy.wanted.tolist() == [3]  # frame 9 has no tail
    assert toy.is_open[3].tolist() == [False, False, True]


def test_not_visible_and_left_out_are_not_open(open_images):
    hidden = ImageNotes({"tail": "not visible", "nose": "placed"}, {})
    new, toy = open_images({"toy/img09.png": hidden, "new/img11.png": ImageNotes({}, {}, left_out=True)})
    assert toy.wanted.size == 0
    assert new.wanted.tolist() == [0]


def test_without_any_labels_all_images_are_open(open_images):
    assert [len(of_folder.wanted) for of_folder in open_images(labeled=False)] == [2, 10]


def test_machine_labels_are_written_for_open_images_and_no_other(open_images, data, find_dots, toy_points):
    people = {path: path.read_bytes() for path in data.rglob("*.csv")}
    assert suggest_labels(open_images(), PARTS, "net_5", find_dots, quiet) == 3
    for part, name in enumerate(PARTS):
        clicks = read_clicks(data / "new" / "machine-labels" / f"{name}.csv")
        assert clicks["label"].tolist() == ["img1.png", "img11.png"]
        np.testing.assert_allclose(clicks[["x", "y"]], toy_points[[1, 11], part], atol=0.2)
    tail = read_clicks(data / "toy" / "machine-labels" / "tail.csv")
    assert tail[["slice", "label"]].to_numpy().tolist() == [[4, "img09.png"]]
    with (data / "toy" / "machine-labels" / "likelihoods.csv").open() as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[1:] if any(row[1:])] == ["img09.png"] and len(rows) == 11
    assert {path: path.read_bytes() for path in people} == people


def test_a_folder_without_open_images_keeps_what_it_has(open_images, data, find_dots):
    kept = data / "toy" / "machine-labels" / "nose.csv"
    kept.parent.mkdir()
    kept.write_text("kept")
    hidden = {"toy/img09.png": ImageNotes({"tail": "not visible"}, {})}
    assert suggest_labels(open_images(hidden), PARTS, "net_5", find_dots, quiet) == 2
    assert kept.read_text() == "kept"


def test_what_lies_outside_the_image_is_no_label_but_has_its_likelihood(open_images, data):
    pose = np.array([[[159.4, 119.4, 0.9], [159.6, 5, 0.7], [5, -0.6, 0.25]]])
    suggest_labels(open_images()[:1], PARTS, "net_5", lambda frames: pose, quiet)
    home = data / "new" / "machine-labels"
    assert [len(read_clicks(home / f"{part}.csv")) for part in PARTS] == [2, 0, 0]
    assert (home / "likelihoods.csv").read_text().splitlines()[1] == "img1.png,0.9,0.7,0.25"


def test_ranks_are_over_all_folders_and_stored_with_the_labels(open_images, data):
    likelihoods = iter([0.9, 0.1, 0.5])

    def predict(frames):
        return np.array([[[5, 5, likelihood := next(likelihoods)], [5, 5, likelihood], [5, 5, likelihood]]])

    suggest_labels(open_images(), PARTS, "net_5", predict, quiet)
    ranks = {}
    for folder in ("new", "toy"):
        made = json.loads((data / folder / "machine-labels" / "network.json").read_text())
        assert made["network"] == "net_5"
        ranks |= made["ranks"]
    assert sorted(ranks) == ["img09.png", "img1.png", "img11.png"]
    assert ranks["img11.png"] > ranks["img1.png"]  # far less sure
    assert sorted(ranks.values()) == pytest.approx([1 / 3, 2 / 3, 1])


def test_an_answer_that_is_no_number_writes_nothing(open_images, data):
    pose = np.array([[[np.nan, 1, 0.9]] * 3])
    with pytest.raises(ToolboxError, match=r"network net_5 finds no finite position in .*img1\.png"):
        suggest_labels(open_images(), PARTS, "net_5", lambda frames: pose, quiet)
    assert not list(data.rglob("machine-labels"))


def test_ranks_prefer_what_differs_from_labeled_images_and_from_those_before():
    looks = np.array([[0.0, 0], [10, 0], [10.1, 0], [0, 4]])
    ranks = rank_images(np.full(4, 0.5), looks, np.zeros((1, 2)))
    assert ranks.tolist() == [0.25, 0.5, 1.0, 0.75]  # the twin of the first to be labeled can wait
    doubtful = rank_images(np.array([0.5, 0.5, 0.5, 1e-9]), looks, np.zeros((1, 2)))
    assert doubtful.tolist()[2] == 1.0 and doubtful.tolist()[3] > doubtful.tolist()[0]


def test_without_labeled_images_the_most_doubtful_comes_first():
    assert rank_images(np.array([0.1, 0.9]), np.zeros((2, 1)), np.zeros((0, 1))).tolist() == [0.5, 1.0]
    assert rank_images(np.zeros(0), np.zeros((0, 256)), np.zeros((0, 256))).tolist() == []


def test_thumbnails_do_not_depend_on_brightness_alone(draw_dots):
    image = draw_dots(np.array([[100.0, 60]]), radius=20) // 2
    np.testing.assert_allclose(thumbnail(image), thumbnail(image + 51), atol=5e-3)
    assert np.abs(thumbnail(image) - thumbnail(image[:, ::-1])).max() > 0.01
