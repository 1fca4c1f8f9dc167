"""Anipose's file of cameras: written, read, and refused where it says what is not known here."""

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.calibration_file import read_cameras, write_cameras
from tests.studio import make_cameras

ANIPOSE = """
[cam_0]
name = "A"
size = [ 1280, 1024,]
matrix = [ [ 912.5, 0.0, 639.5,], [ 0.0, 912.5, 511.5,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.25, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.5, -1.0, 0.25,]
translation = [ 10.0, 20.0, 30.0,]
fisheye = false

[cam_1]
name = "B"
size = [ 1280, 1024,]
matrix = [ [ 900.0, 0.0, 639.5,], [ 0.0, 900.0, 511.5,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.25, 0.125, 0.0, 0.0,]
rotation = [ 0.0, 0.0, 0.0,]
translation = [ 0.0, 0.0, 0.0,]

[metadata]
adjusted = true
error = 0.5
"""
_TRANSPOSED = "[ [ 912.5, 0.0, 0.0,], [ 0.0, 912.5, 0.0,], [ 639.5, 511.5, 1.0,],]"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "calibration.toml"
    path.write_text(ANIPOSE)
    return path


def test_cameras_come_back_as_they_were(tmp_path):
    cameras = make_cameras(3)
    cameras[1] = type(cameras[1])('side "left" \u00e9', *list(vars(cameras[1]).values())[1:6])
    write_cameras(cameras, tmp_path / "calibration.toml", 0.123)
    for found, camera in zip(read_cameras(tmp_path / "calibration.toml"), cameras, strict=True):
        assert (found.name, found.size) == (camera.name, camera.size)
        for what in ("matrix", "distortion", "rotation", "translation"):
            np.testing.assert_array_equal(getattr(found, what), getattr(camera, what))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_of_anipose_is_read(path, encoding):
    path.write_text(ANIPOSE, encoding=encoding)
    first, second = read_cameras(path)
    assert (first.name, first.size, second.name) == ("A", (1280, 1024), "B")
    assert first.matrix.tolist() == [[912.5, 0, 639.5], [0, 912.5, 511.5], [0, 0, 1]]
    assert first.rotation.tolist() == [0.5, -1, 0.25] and first.translation.tolist() == [10, 20, 30]
    assert second.distortion.tolist() == [-0.25, 0.125, 0, 0, 0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fisheye = false", "fisheye = true", "camera A has a fisheye lens, whose model is not known here"),
        ("0.0, 0.0, 0.0,]\nrotation = [ 0.5", "0.0, 0.0, 0.0, 0.1]\nrotation = [ 0.5", "camera A has 6 coefficients"),
        ("rotation = [ 0.5, -1.0,", "rotation = [ 0.5,", "camera A is not described as Anipose does"),
        ("translation = [ 10.0,", "translation = [ nan,", "camera A has numbers that are not finite"),
        ("size = [ 1280", "size = [ inf", "camera A is not described as Anipose does"),
        ("matrix = [ [ 912.5", "matrix = [ [ 1" + 400 * "0", "camera A is not described as Anipose does"),
        ("matrix = [ [ 912.5", "matrix = [ [ 0.0", "camera A has a matrix that no camera has"),
        ("matrix = [ [ 912.5", "matrix = [ [ -912.5", "camera A has a matrix that no camera has"),
        (
            "[ [ 912.5, 0.0, 639.5,], [ 0.0, 912.5, 511.5,], [ 0.0, 0.0, 1.0,],]",
            _TRANSPOSED,
            "camera A has a matrix that",
        ),
        ("matrix = [ [ 912.5", "other = [ [ 912.5", "camera A is not described as Anipose does"),
        ('name = "B"', 'name = "A"', "describes several cameras by the name A"),
        ("error = 0.5", "error = " + 100_000 * "[", "cannot be read as a calibration"),
        ("[cam_1]", "[cam_1", "cannot be read as a calibration"),
        ("[cam_1]\n", "[cam_1]\n[other]\n", ""),
    ],
)
def test_what_is_not_known_is_refused(path, old, new, message):
    assert old in ANIPOSE
    path.write_text(ANIPOSE.replace(old, new))
    if not message:
        assert [camera.name for camera in read_cameras(path)] == ["A", "B"]
        return
    with pytest.raises(ToolboxError, match=message) as caught:
        read_cameras(path)
    assert "make it again, with Calibrate.py" in str(caught.value)


def test_one_camera_is_not_enough_and_none_is_missing(path, tmp_path):
    path.write_text(ANIPOSE.partition("[cam_1]")[0])
    with pytest.raises(ToolboxError, match="describes 1 cameras, but points in space need two"):
        read_cameras(path)
    with pytest.raises(ToolboxError, match=r"does not exist: calibrate the cameras first, with Calibrate\.py"):
        read_cameras(tmp_path / "none.toml")
