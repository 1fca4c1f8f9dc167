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
    assert found.settings == {"myconfig_analysis.py": {"skeleton": [["nose", "tail base"], ["nose", "ear.left"]]}}


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
        ("frame_5", "names no frame of a video file; images within NWB are not read"),
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
