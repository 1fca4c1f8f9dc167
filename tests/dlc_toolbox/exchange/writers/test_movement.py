"""movement's netCDF, as HDF5 holds it."""

from dataclasses import replace

import h5py
import numpy as np

from dlc_toolbox.exchange.writers import movement
from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.project import layout
from tests.dlc_toolbox.exchange.writers.toy import STEM


def written(poses, tmp_path):
    files = movement.files(poses, tmp_path)
    movement.write(poses, files)
    return files[0]


def dimensions(variable):
    return [next(iter(axis.keys())) for axis in variable.dims]


def test_every_value_is_at_its_place(poses, values, trust, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    path = written(poses, tmp_path)
    assert path.name == f"{STEM}.nc"
    with h5py.File(path) as file:
        assert dimensions(file["position"]) == ["time", "space", "keypoints", "individuals"]
        assert dimensions(file["confidence"]) == ["time", "keypoints", "individuals"] == dimensions(file["error_px"])
        assert file["position"].shape == (30, 2, 3, 1)
        assert file["position"][8, 1, 2, 0] == 102  # y of the tail
        assert file["position"][8, 0, 1, 0] == 12  # x of the paw
        np.testing.assert_array_equal(file["position"][:, 0, :, 0], values[..., 0])
        np.testing.assert_array_equal(file["confidence"][..., 0], values[..., 2])
        np.testing.assert_array_equal(file["error_px"][..., 0], trust[..., 0])
        np.testing.assert_array_equal(file["radius90_px"][..., 0], trust[..., 1])
        np.testing.assert_array_equal(file["time"], np.arange(30) / 25)
        assert file["keypoints"].asstr()[:].tolist() == ["nose", "paw", "tail"]
        assert file["space"].asstr()[:].tolist() == ["x", "y"]
        assert {name: file.attrs[name] for name in ("ds_type", "time_unit", "fps")} == {
            "ds_type": "poses",
            "time_unit": "seconds",
            "fps": 25,
        }
        assert "units" not in file["time"].attrs  # of which xarray would make lengths of time


def test_pixels_that_are_not_square_are_told(poses, tmp_path):
    with h5py.File(written(replace(poses, record={**poses.record, "pixel_aspect": 1.0667}), tmp_path)) as file:
        assert file.attrs["comment"].endswith(
            ". Pixels are not square, 1.067 times as wide as high: before you measure, multiply x by that."
        )


def test_frames_at_uneven_times_have_no_rate(poses, tmp_path):
    """Of which frame / rate would be another time."""
    times = np.arange(30) ** 2 / 100
    record = {**poses.record, "frame_times_s": times.tolist()}
    with h5py.File(written(replace(poses, record=record), tmp_path)) as file:
        np.testing.assert_array_equal(file["time"], times)
        assert file.attrs["time_unit"] == "seconds" and "fps" not in file.attrs


def test_without_a_rate_time_counts_frames(poses, tmp_path):
    layout.confidence_table(poses.table).unlink()
    with h5py.File(written(replace(poses, record={**poses.record, "fps_is_assumed": True}), tmp_path)) as file:
        assert file["time"][:].tolist() == list(range(30)) and file["time"].dtype == np.int64
        assert file.attrs["time_unit"] == "frames" and "fps" not in file.attrs
        assert "error_px" not in file
