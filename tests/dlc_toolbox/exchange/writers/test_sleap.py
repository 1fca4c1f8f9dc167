"""SLEAP's analysis HDF5: the axes as SLEAP writes them."""

import json
from dataclasses import replace

import h5py
import numpy as np

from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.exchange.writers import sleap
from dlc_toolbox.project import layout
from tests.dlc_toolbox.exchange.writers.toy import STEM


def written(poses, tmp_path):
    files = sleap.files(poses, tmp_path)
    sleap.write(poses, files)
    return files[0]


def test_every_value_is_at_its_place(poses, values, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    path = written(poses, tmp_path)
    assert path.name == f"{STEM}.analysis.h5"
    with h5py.File(path) as file:
        assert file["tracks"].shape == (1, 2, 3, 30)
        assert file["tracks"][0, :, 1, 8].tolist() == [12, 101]
        np.testing.assert_array_equal(file["tracks"][0].transpose(2, 1, 0), values[..., :2])
        np.testing.assert_array_equal(file["point_scores"][0].T, values[..., 2])
        assert file["instance_scores"][0, 8] == 0.75  # three times 8 / 32
        assert np.isnan(file["instance_scores"][0, 5]) and np.isnan(file["tracking_scores"]).all()
        assert file["track_occupancy"].shape == (30, 1)
        assert np.flatnonzero(file["track_occupancy"][:, 0] == 0).tolist() == [5]
        assert file["node_names"][:].tolist() == [b"nose", b"paw", b"tail"]
        assert file["edge_names"][:].tolist() == [[b"nose", b"tail"]]
        assert file["edge_inds"][:].tolist() == [[0, 2]]
        assert file["track_names"][:].tolist() == [b"track_0"]
        assert json.loads(file["provenance"][()])["fps"] == 25


def test_without_a_skeleton_there_are_no_edges(poses, tmp_path):
    with h5py.File(written(replace(poses, skeleton=()), tmp_path)) as file:
        assert file["edge_names"].shape == file["edge_inds"].shape == (0, 2)


def test_it_is_never_taken_for_poses_of_another_network(poses, video):
    sleap.write(poses, sleap.files(poses, video.parent))
    assert layout.pose_tables(video) == [poses.table]
