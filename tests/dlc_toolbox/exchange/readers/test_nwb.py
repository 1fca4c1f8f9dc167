"""Training data that pynwb and ndx-pose wrote (tests/fixtures/foreign/make.py)."""

import h5py
import numpy as np
import pytest

from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.fetching import fetch
from dlc_toolbox.project.tables import scorer_of

from .conftest import PARTS, PLACES

FRAME = "processing/behavior/PoseTraining/training_frames/frame_0"


def test_every_label_and_frame(foreign, read):
    found = fetch(read(foreign / "labels.nwb"))
    assert list(found.images) == [f"mouse/img{frame:06d}.png" for frame in PLACES]
    assert [part for _, part, _ in found.table.columns[::2]] == PARTS
    np.testing.assert_array_equal(found.values, list(PLACES.values()))
    assert scorer_of(found.table) == "Ann"
    assert read_image(found.images["mouse/img000011.png"])[0, 0].tolist() == [220, 0, 35]
    assert found.settings["myconfig_analysis.py"]["skeleton"] == [["nose", "tail base"], ["nose", "ear.left"]]


def test_what_is_not_visible_is_no_label(foreign, read):
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        file[f"{FRAME}/skeleton_instances/animal/node_visibility"][...] = [False, True, True]
    assert np.isnan(read(foreign / "labels.nwb").values[0, 0]).all()


def test_frames_that_cannot_be_used_are_left_out(foreign, read):
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        file.copy(f"{FRAME}/skeleton_instances/animal", f"{FRAME}/skeleton_instances/second")
        del file[FRAME.replace("frame_0", "frame_5")]["source_video"]
    found = read(foreign / "labels.nwb")
    assert list(found.images) == ["mouse/img000011.png"]
    assert found.left_out == (
        ("frame_0", "has several animals; here every image has one"),
        ("frame_5", "names neither a frame of a video nor a picture"),
    )


def test_without_training_frames_or_with_links_to_other_files(foreign, read):
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        file["acquisition/far"] = h5py.ExternalLink("other.nwb", "/")
    with pytest.raises(ToolboxError, match=r"is refused: its 'acquisition/far' leads to another file, other\.nwb"):
        read(foreign / "labels.nwb")
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        del file["acquisition/far"], file["processing"]
    with pytest.raises(ToolboxError, match=r"is an NWB file without training frames of ndx-pose"):
        read(foreign / "labels.nwb")


FILM = "processing/behavior/PoseTraining/source_videos/film"


@pytest.mark.parametrize(
    ("name", "row"), [("inside.nwb", "film/img{:06d}.png"), ("pictures.nwb", "day1/img{:03d}.png")]
)
def test_pictures_in_the_file(foreign, read, name, row):
    """Red tells the frame, green the column; pictures.nwb gives no size, but labels that fit one way only."""
    found = fetch(read(foreign / name))
    assert list(found.images) == [row.format(frame) for frame in PLACES]
    np.testing.assert_array_equal(found.values, list(PLACES.values()))
    for frame in PLACES:
        image = read_image(found.images[row.format(frame)])
        assert image.shape == (48, 64, 3)
        assert image[47, 30].tolist() == [20 * frame, 30, 255 - 20 * frame]


def test_pictures_that_are_stored_by_columns_are_turned(foreign, read):
    """NWB's own words call the first axis x; the size tells, and without one the labels do."""
    with h5py.File(foreign / "inside.nwb", "r+") as file:
        turned = np.swapaxes(file[f"{FILM}/data"][()], 1, 2)
        del file[f"{FILM}/data"]
        file[f"{FILM}/data"] = turned
    for told in ("size", "labels"):
        image = read_image(fetch(read(foreign / "inside.nwb")).images["film/img000005.png"])
        assert image.shape == (48, 64, 3) and image[47, 30].tolist() == [100, 30, 155], told
        with h5py.File(foreign / "inside.nwb", "r+") as file:
            file[f"{FILM}/dimension"][...] = 0


def test_pictures_that_may_be_stored_either_way_are_left_out(foreign, read):
    with h5py.File(foreign / "inside.nwb", "r+") as file:
        del file[f"{FILM}/dimension"], file[FRAME.replace("frame_0", "frame_11")]
    with pytest.raises(ToolboxError, match=r"2 times one has a picture of which nothing tells whether rows or columns"):
        read(foreign / "inside.nwb")


def test_pictures_of_16_bits_or_beyond_the_film_are_left_out(foreign, read):
    with h5py.File(foreign / "inside.nwb", "r+") as file:
        file[FRAME].attrs["source_video_frame_index"] = 12
    found = read(foreign / "inside.nwb")
    assert found.left_out == (("frame_0", "is picture 12 of film, which has 12"),)
    with h5py.File(foreign / "inside.nwb", "r+") as file:
        deep = file[f"{FILM}/data"][()].astype(np.uint16)
        del file[f"{FILM}/data"]
        file[f"{FILM}/data"] = deep
    with pytest.raises(ToolboxError, match=r"2 times one has a picture that is no image of 8 bits"):
        read(foreign / "inside.nwb")


@pytest.mark.parametrize("number", [np.nan, "three", [1, 2]])
def test_a_frame_with_a_strange_number_does_not_stop_the_others(foreign, read, number):
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        file[FRAME].attrs["source_video_frame_index"] = number
    found = read(foreign / "labels.nwb")
    assert list(found.images) == ["mouse/img000005.png", "mouse/img000011.png"]
    ((what, why),) = found.left_out
    assert what == "frame_0"
    assert why.startswith("cannot be read: ")


def test_the_name_of_a_person_in_another_encoding_stops_nothing(foreign, read):
    with h5py.File(foreign / "labels.nwb", "r+") as file:
        file[FRAME].attrs["annotator"] = np.bytes_(b"Ren\xe9")
    assert len(read(foreign / "labels.nwb").images) == 3
