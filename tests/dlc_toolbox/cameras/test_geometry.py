"""Cameras against OpenCV, and against points worked out by hand."""

import cv2
import numpy as np
import pytest

from dlc_toolbox.cameras.geometry import Camera, chain, distort, undistort, undo
from tests.studio import make_cameras, middle_of

BEND = np.array([-0.2, 0.08, 0.002, -0.001, 0.01])


@pytest.fixture
def camera() -> Camera:
    matrix = np.array([[600.0, 0, 310], [0, 620, 250], [0, 0, 1]])
    return Camera("A", (640, 480), matrix, BEND, np.array([0.1, -0.3, 0.2]), np.array([5.0, -8, 300]))


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-80, 80, (50, 3))


def test_a_point_ahead_by_hand():
    """At x / z = 0.1 and y / z = 0.2, r2 = 0.05: 1 + 0.4 * 0.05 = 1.02 times as far out."""
    matrix = np.array([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]])
    camera = Camera("A", (640, 480), matrix, np.array([0.4, 0, 0, 0, 0]), np.zeros(3), np.array([0.0, 0, 10]))
    np.testing.assert_allclose(camera.project(np.array([4.0, 8, 30])), [320 + 500 * 0.102, 240 + 400 * 0.204])


def test_projection_is_that_of_opencv(camera, points):
    theirs, _ = cv2.projectPoints(points, camera.rotation, camera.translation, camera.matrix, camera.distortion)
    np.testing.assert_allclose(camera.project(points), theirs[:, 0], atol=1e-9)


def test_slopes_are_those_of_small_steps(camera, points):
    _, slopes = camera.project_with_slopes(points)
    for axis in range(3):
        step = 1e-5 * np.eye(3)[axis]
        steps = (camera.project(points + step) - camera.project(points - step)) / 2e-5
        np.testing.assert_allclose(slopes[..., axis], steps, rtol=1e-6, atol=1e-6)


def test_what_is_seen_lies_in_the_direction_it_came_from(camera, points):
    own = camera.seen_from(points)
    np.testing.assert_allclose(camera.straighten(camera.project(points)), own[:, :2] / own[:, 2:], atol=1e-10)


def test_a_lens_bends_and_unbends():
    flat = np.random.default_rng(1).uniform(-0.6, 0.6, (4, 7, 2))
    np.testing.assert_allclose(undistort(distort(flat, BEND)[0], BEND), flat, atol=1e-10)


def test_where_no_direction_is_seen_there_is_none():
    """Barrel distortion of -0.5: x - 0.5 x^3 is at most 0.544, at x = 0.816."""
    strong = np.array([-0.5, 0, 0, 0, 0])
    found = undistort(np.array([[0.5, 0], [0.56, 0], [np.nan, 0]]), strong)
    np.testing.assert_allclose(found[0], [0.618034, 0], atol=1e-5)  # (sqrt(5) - 1) / 2
    assert np.isnan(found[1:]).all()


def test_a_camera_stands_where_its_axes_begin(camera):
    np.testing.assert_allclose(camera.seen_from(camera.place), 0, atol=1e-12)


def test_motions_follow_and_undo_each_other(points):
    first, second = (
        (np.array([0.3, 0.1, -0.4]), np.array([1.0, 2, 3])),
        (np.array([-1.0, 0.5, 0.2]), np.array([0.0, 5, 1])),
    )

    def move(motion, where):
        return where @ cv2.Rodrigues(motion[0])[0].T + motion[1]

    np.testing.assert_allclose(move(chain(first, second), points), move(second, move(first, points)), atol=1e-12)
    np.testing.assert_allclose(move(undo(first), move(first, points)), points, atol=1e-12)


def test_the_studio_looks_at_its_middle():
    cameras = make_cameras(3)
    np.testing.assert_allclose(cameras[0].place, 0, atol=1e-12)
    for camera in cameras:
        x, y, depth = camera.seen_from(middle_of(cameras))
        np.testing.assert_allclose([x, y], 0, atol=40)
        assert 350 < depth < 450
