"""The poses of a video, piece by piece, with what is known about them."""

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.exchange.writers.poses import gather
from dlc_toolbox.poses.filter import Filter, filter_poses
from dlc_toolbox.poses.trust import CONFIDENCE
from dlc_toolbox.project import layout
from dlc_toolbox.project.tables import make_table, read_table, write_table
from tests.dlc_toolbox.exchange.writers.toy import PARTS, settings


def test_pieces_make_the_whole_table(poses, values, trust, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 8)
    pieces = list(poses.pieces())
    assert [piece.first for piece in pieces] == [0, 8, 16, 24]
    np.testing.assert_array_equal(np.concatenate([piece.poses for piece in pieces]), values)
    np.testing.assert_array_equal(np.concatenate([piece.trust for piece in pieces]), trust)
    np.testing.assert_array_equal(np.concatenate([piece.times_s for piece in pieces]), np.arange(30) / 25)


def test_what_is_known_beside_the_poses(poses, video):
    assert (poses.frames, poses.bodyparts, poses.clock.fps) == (30, PARTS, 25)
    assert (poses.skeleton, poses.edges) == (((0, 2),), [("nose", "tail")])
    assert poses.source == "poses of toy.avi by the network DeepCut_resnet50_toyJan1shuffle1_100"


def test_a_table_that_another_program_saved_anew_is_read(poses, table, values, monkeypatch):
    read_table(table).to_hdf(table, key="poses", mode="w", format="fixed")
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 8)
    np.testing.assert_array_equal(np.concatenate([piece.poses for piece in poses.pieces()]), values)


def test_filtered_poses_go_without_the_errors_of_the_raw_ones(video, network, poses):
    filter_poses(video, network, settings())
    found = gather(video, network, settings(), filtered=Filter(5, 0.1))
    assert found.table == layout.filtered_table(poses.table)
    assert found.confidence is None
    assert all(piece.trust is None for piece in found.pieces())
    assert found.source.endswith("_100, filtered by a running median over 5 frames")


def test_errors_of_an_earlier_evaluation_go_along_and_it_is_said(video, network, poses, know, caplog):
    assert "toy.avi" not in caplog.text
    know()
    assert gather(video, network, settings()).confidence is not None
    told = "toy.avi: how far off its poses may be is missing or outdated: its poses were found before the last"
    assert caplog.text.count(told) == 1
    filter_poses(video, network, settings())
    gather(video, network, settings(), filtered=Filter(5, 0.1))
    assert caplog.text.count(told) == 1


def test_errors_of_other_rows_are_refused(poses):
    path = layout.confidence_table(poses.table)
    write_table(make_table("net", PARTS, range(29), np.zeros((29, 3, 4)), CONFIDENCE), path)
    with pytest.raises(
        ToolboxError, match=r"_confidence\.h5 has other rows than toyDeepCut.*AnalyzeVideos\.py --overwri"
    ):
        list(poses.pieces())


def test_a_recording_that_tells_no_rate_is_told(video, network, table, tell, caplog):
    tell(table, fps_is_assumed=True)
    found = gather(video, network, settings())
    assert found.clock.fps is None
    assert "toy.avi: nothing tells how fast it was recorded, so its poses have no times in seconds" in caplog.text


def test_pixels_that_are_not_square_are_told(video, network, table, tell, caplog):
    tell(table, pixel_aspect=1.0667)
    gather(video, network, settings())
    assert (
        "toy.avi: Pixels are not square, 1.067 times as wide as high: before you measure, multiply x by" in caplog.text
    )


def test_poses_of_another_network_or_none_are_refused(video, network):
    with pytest.raises(ToolboxError, match=r"_100\.h5 does not exist\. Analyze the video first"):
        gather(video, network, settings())
