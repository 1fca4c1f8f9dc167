import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox.labels import machine
from dlc_toolbox.labels.machine import MachineLabels, read_machine_labels, write_machine_labels

IMAGES, PARTS = ["img1.png", "img2.png", "img10.png"], ["nose", "paw"]
NAN = np.nan


@pytest.fixture
def folder(tmp_path):
    points = np.array([[[1.1, 2], [NAN, NAN]], [[0.1 + 0.2, 4], [5, 6]], [[NAN, NAN], [NAN, NAN]]])
    likelihoods = np.array([[0.9, 0.1], [NAN, 0.5], [0.2, NAN]])
    write_machine_labels(tmp_path, IMAGES, PARTS, points, likelihoods, "network-7")
    return tmp_path


def test_there_and_back_with_all_digits(folder):
    found = read_machine_labels(folder, IMAGES, PARTS)
    assert found.points == {
        "img1.png": {"nose": (1.1, 2, 0.9)},
        "img2.png": {"nose": (0.1 + 0.2, 4, None), "paw": (5, 6, 0.5)},
    }
    assert found.network == "network-7"
    assert found.of("img10.png") == {}


def test_the_less_certain_the_more_worth_labeling_unless_the_network_says_otherwise(folder):
    assert read_machine_labels(folder, IMAGES, PARTS).ranks == {"img1.png": 0.5, "img2.png": 0.5, "img10.png": 0.8}
    points, likelihoods = np.ones((3, 2, 2)), np.ones((3, 2))
    write_machine_labels(folder, IMAGES, PARTS, points, likelihoods, "n", {"img2.png": 7.5})
    assert read_machine_labels(folder, IMAGES, PARTS).ranks == {"img1.png": 0, "img2.png": 7.5, "img10.png": 0}


def test_the_files(folder):
    home = folder / "machine-labels"
    assert (home / "nose.csv").read_text().splitlines()[:2] == [" ,Label,X,Y,Slice", "1,img1.png,1.1,2.0,1"]
    assert (home / "likelihoods.csv").read_text() == "image,nose,paw\nimg1.png,0.9,0.1\nimg2.png,,0.5\nimg10.png,0.2,\n"


def test_earlier_ones_are_replaced_as_a_whole_or_not_at_all(folder, monkeypatch):
    home, ones = folder / "machine-labels", np.ones((3, 1, 2))
    before = {path.name: path.read_bytes() for path in home.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(UsersError, match="machine-labels could not be written"):
        patch.setattr(machine, "_write_likelihoods", full)
        write_machine_labels(folder, IMAGES, ["nose"], ones, ones[..., 0], "n")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    write_machine_labels(folder, IMAGES, ["nose"], ones, ones[..., 0], "n")
    assert sorted(path.name for path in home.iterdir()) == ["likelihoods.csv", "network.json", "nose.csv"]
    assert [path.name for path in folder.iterdir()] == ["machine-labels"]


def test_parts_that_a_network_does_not_know_and_old_folders_without_likelihoods(folder):
    (folder / "machine-labels" / "likelihoods.csv").unlink()
    (folder / "machine-labels" / "network.json").unlink()
    found = read_machine_labels(folder, IMAGES, ["paw", "hip"])
    assert found == MachineLabels({"img2.png": {"paw": (5, 6, None)}})
    assert read_machine_labels(folder / "elsewhere", IMAGES, PARTS) == MachineLabels()


def test_an_image_that_came_or_went_moves_no_label_to_its_neighbour(folder):
    before = read_machine_labels(folder, IMAGES, PARTS)
    assert read_machine_labels(folder, ["img0.png", *IMAGES, "img11.png"], PARTS) == before
    left = read_machine_labels(folder, IMAGES[1:], PARTS)
    assert left.points == {image: found for image, found in before.points.items() if image != IMAGES[0]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nose.csv", "X,Y,Slice\n1,2,4\n", r"nose.csv: Slice is 4, but .* has 3 images"),
        ("likelihoods.csv", "image,nose\nimg1.png,high\n", r"likelihoods.csv is no table of likelihoods"),
        ("likelihoods.csv", "image,nose\nimg1.png,0.5,0.5\n", r"likelihoods.csv is no table of likelihoods"),
        ("likelihoods.csv", "", r"likelihoods.csv is no table of likelihoods"),
        ("network.json", "[]", r"network.json does not tell whose the machine labels are"),
    ],
)
def test_damaged_files_are_named(folder, name, content, message):
    (folder / "machine-labels" / name).write_text(content)
    with pytest.raises(UsersError, match=message):
        read_machine_labels(folder, IMAGES, PARTS)
