"""Machine labels on disk: in Fiji's form, with all digits, replaced as a whole."""

import json

import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox.labels import machine
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.machine import write_machine_labels

NAN = float("nan")
IMAGES = ["img1.png", "img2, left.png", "img10.png"]
POINTS = np.array([[[0.1 + 0.2, 7], [NAN, NAN]], [[NAN, NAN], [1 / 3, 2]], [[5, 6], [7, 8]]])
LIKELIHOODS = np.array([[0.1 + 0.2, 0.25], [NAN, NAN], [1, 0]])


def test_clicks_have_all_digits_and_name_their_images(tmp_path):
    write_machine_labels(tmp_path, IMAGES, ["nose", "tail"], POINTS, LIKELIHOODS, "net_7")
    nose, tail = (read_clicks(tmp_path / "machine-labels" / f"{part}.csv") for part in ("nose", "tail"))
    assert nose[["x", "y", "slice", "label"]].to_numpy().tolist() == [
        [0.30000000000000004, 7.0, 1, "img1.png"],
        [5.0, 6.0, 3, "img10.png"],
    ]
    assert tail[["x", "slice", "label"]].to_numpy().tolist() == [[1 / 3, 2, "img2, left.png"], [7.0, 3, "img10.png"]]


def test_likelihoods_are_by_image_and_blank_where_unknown(tmp_path):
    write_machine_labels(tmp_path, IMAGES, ["nose", "tail"], POINTS, LIKELIHOODS, "net_7", {"img1.png": 0.5})
    home = tmp_path / "machine-labels"
    assert (home / "likelihoods.csv").read_text().splitlines() == [
        "image,nose,tail",
        "img1.png,0.30000000000000004,0.25",
        '"img2, left.png",,',
        "img10.png,1.0,0.0",
    ]
    made = json.loads((home / "network.json").read_text())
    assert (made["network"], made["ranks"]) == ("net_7", {"img1.png": 0.5})
    assert made["time"].endswith("Z")


def test_earlier_ones_are_replaced_as_a_whole(tmp_path, monkeypatch):
    write_machine_labels(tmp_path, IMAGES, ["nose", "tail"], POINTS, LIKELIHOODS, "net_7")
    home = tmp_path / "machine-labels"
    before = {path.name: path.read_bytes() for path in home.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(UsersError, match="machine-labels could not be written"):
        patch.setattr(machine, "_write_likelihoods", full)
        write_machine_labels(tmp_path, IMAGES, ["nose"], POINTS[:, :1], LIKELIHOODS[:, :1], "net_8")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    write_machine_labels(tmp_path, IMAGES, ["nose"], POINTS[:, :1], LIKELIHOODS[:, :1], "net_8")
    assert sorted(path.name for path in home.iterdir()) == ["likelihoods.csv", "network.json", "nose.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["machine-labels"]
