"""Poses under DeepLabCut's names."""

import pickle

import numpy as np
import pandas as pd
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers import deeplabcut
from dlc_toolbox.exchange.writers.formats import export_poses
from dlc_toolbox.exchange.writers.poses import gather
from dlc_toolbox.poses.filter import Filter, filter_poses
from tests.dlc_toolbox.exchange.writers.toy import settings

NAME = "toyDLC_resnet50_toyJan1shuffle1_100"


def test_the_table_is_the_same_under_the_other_name(poses, values, video):
    table, _ = export_poses(poses, "deeplabcut")
    assert table == video.parent / "deeplabcut-poses" / f"{NAME}.h5"
    read = pd.read_hdf(table)
    assert read.columns.names == ["scorer", "bodyparts", "coords"]
    assert read.columns.levels[0].tolist() == ["DLC_resnet50_toyJan1shuffle1_100"]
    np.testing.assert_array_equal(read.to_numpy().reshape(30, 3, 3), values)


def test_the_metadata_tells_of_no_crop_because_places_are_those_of_the_full_frame(
    video, network, table, tell, tmp_path
):
    tell(table, crop=[0, 150, 0, 100])
    _, metadata = export_poses(gather(video, network, settings(cropping=True, x2=150, y2=100)), "deeplabcut", tmp_path)
    assert metadata.name == f"{NAME}_meta.pickle"
    data = pickle.loads(metadata.read_bytes())["data"]
    assert data["cropping"] is False and data["cropping_parameters"] == [0, 160, 0, 120]
    assert (data["nframes"], data["fps"], data["fps_is_assumed"]) == (30, 25, False)
    assert data["Scorer"] == "DLC_resnet50_toyJan1shuffle1_100" and data["frame_dimensions"] == (120, 160)


def test_filtered_poses_have_deeplabcut_s_ending(video, network, poses, tmp_path):
    filter_poses(video, network, settings())
    files = export_poses(gather(video, network, settings(), filtered=Filter(5, 0.1)), "deeplabcut", tmp_path)
    assert [file.name for file in files] == [f"{NAME}_filtered.h5", f"{NAME}_meta.pickle"]


def test_they_are_not_written_where_deeplabcut_would_find_ours_too(poses, video):
    with pytest.raises(ToolboxError, match=r"videos holds toyDeepCut.*\.h5 .* name another folder with --into"):
        deeplabcut.check(poses, video.parent)
