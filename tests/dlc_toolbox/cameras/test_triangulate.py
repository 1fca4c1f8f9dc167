"""Points in space, against the truth and the least error that any method can have (Cramér and Rao)."""

import cv2
import numpy as np
import pytest

from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.triangulate import COORDS, LEAST_NOISE_PX, triangulate
from tests.studio import make_cameras, middle_of

NOISE_PX = 0.8


@pytest.fixture(scope="module")
def cameras() -> list[Camera]:
    return make_cameras(3)


@pytest.fixture(scope="module")
def points(cameras) -> np.ndarray:
    return middle_of(cameras) + np.random.default_rng(0).uniform(-60, 60, (1000, 2, 3))


def look(cameras, points) -> np.ndarray:
    """What cameras see of points, by OpenCV: (C, N, K, 2)."""
    flat = points.reshape(-1, 3)
    seen = [
        cv2.projectPoints(flat, each.rotation, each.translation, each.matrix, each.distortion)[0] for each in cameras
    ]
    return np.stack(seen).reshape(len(cameras), *points.shape[:2], 2)


def least_error(cameras, points, sigma) -> float:
    """The root mean square distance of the best unbiased estimate: from Fisher's information, by small steps."""
    step = 1e-4 * np.eye(3)
    slopes = np.stack([(look(cameras, points + s) - look(cameras, points - s)) / 2e-4 for s in step], axis=-1)
    slopes = slopes / np.broadcast_to(sigma, slopes.shape[:3])[..., None, None]
    information = np.einsum("cnkij,cnkil->nkjl", slopes, slopes)
    return float(np.sqrt(np.trace(np.linalg.inv(information), axis1=-2, axis2=-1).mean()))


def distances(found, points) -> np.ndarray:
    return np.linalg.norm(found.points - points, axis=-1)


def rms(values) -> float:
    return float(np.sqrt(np.mean(values**2)))


def throw_off(seen, camera, share, rng) -> np.ndarray:
    """Move a share of a camera's poses by 15 to 80 pixels in any direction, in place; return which."""
    wrong = rng.random(seen.shape[1:3]) < share
    angles, lengths = rng.uniform(0, 2 * np.pi, wrong.sum()), rng.uniform(15, 80, wrong.sum())
    seen[camera][wrong] += lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return wrong


def test_without_noise_points_are_where_they_are(cameras, points):
    found = triangulate(cameras, look(cameras, points))
    np.testing.assert_allclose(found.points, points, atol=1e-6)
    assert found.used.all() and not found.doubtful.any()
    assert found.noise == LEAST_NOISE_PX
    assert found.error_px.max() < 1e-6


def test_a_point_by_hand():
    """Two cameras 10 apart that look ahead see a point, 20 away and 2 to the right, at 50 and -200 pixels."""
    matrix = np.array([[500.0, 0, 0], [0, 500, 0], [0, 0, 1]])
    pair = [
        Camera(name, (9, 9), matrix, np.zeros(5), np.zeros(3), np.array([-x, 0, 0]))
        for name, x in (("A", 0), ("B", 10))
    ]
    found = triangulate(pair, np.array([[[[50.0, 25]]], [[[-200.0, 25]]]]))
    np.testing.assert_allclose(found.points, [[[2, 1, 20]]], atol=1e-9)
    off = triangulate(pair, np.array([[[[50.0, 23]]], [[[-200.0, 27]]]]))  # across what both see: each 2 px off
    np.testing.assert_allclose(off.error_px, 2, atol=1e-9)
    np.testing.assert_allclose(off.points, [[[2, 1, 20]]], atol=0.02)


@pytest.mark.parametrize("count", [2, 3])
def test_the_error_is_as_small_as_it_can_be(cameras, points, count):
    chosen, rng = cameras[:count], np.random.default_rng(1)
    seen = look(chosen, points) + rng.normal(0, NOISE_PX, (count, *points.shape[:2], 2))
    found = triangulate(chosen, seen)
    least = least_error(chosen, points, NOISE_PX)
    assert rms(distances(found, points)) < 1.2 * least  # 1.02 measured
    assert rms(found.sd) == pytest.approx(least, rel=0.1)  # which the table tells without knowing the truth
    assert found.noise == pytest.approx(NOISE_PX, rel=0.1)
    assert found.doubtful.mean() < 0.01


def test_each_view_counts_by_how_exact_it_is(cameras, points):
    rng = np.random.default_rng(2)
    sigma = rng.uniform(0.3, 4, (3, *points.shape[:2]))
    seen = look(cameras, points) + rng.normal(0, 1, (3, *points.shape[:2], 2)) * sigma[..., None]
    least = least_error(cameras, points, sigma)
    assert rms(distances(triangulate(cameras, seen, sigma), points)) < 1.2 * least
    assert rms(distances(triangulate(cameras, seen, 7 * sigma), points)) < 1.2 * least  # known up to a factor
    assert rms(distances(triangulate(cameras, seen), points)) > 1.15 * least


def test_of_three_views_the_wrong_one_is_left_out(cameras, points):
    rng = np.random.default_rng(3)
    seen = look(cameras, points) + rng.normal(0, NOISE_PX, (3, *points.shape[:2], 2))
    wrong = throw_off(seen, 1, 0.2, rng)
    found = triangulate(cameras, seen)
    away, sure = distances(found, points), ~found.doubtful
    pair = least_error([cameras[0], cameras[2]], points, NOISE_PX)
    assert rms(away[wrong & sure]) < 1.2 * pair  # as exact as the two right views allow
    assert rms(away[~wrong]) < 1.2 * least_error(cameras, points, NOISE_PX)
    assert (~found.used[1][wrong & sure]).mean() > 0.98
    assert found.used[[0, 2]][:, wrong & sure].mean() > 0.98
    assert found.doubtful[wrong].mean() < 0.25  # moved along the line on which another view may see it
    assert found.doubtful[~wrong].mean() < 0.01
    np.testing.assert_array_equal(found.values[..., COORDS.index("views")], found.used.sum(axis=0))


def test_of_four_views_the_wrong_one_is_left_out_without_doubt(points):
    cameras, rng = make_cameras(4, step=35), np.random.default_rng(4)
    seen = look(cameras, points) + rng.normal(0, NOISE_PX, (4, *points.shape[:2], 2))
    wrong = throw_off(seen, 3, 0.2, rng)
    found = triangulate(cameras, seen)
    assert found.doubtful[wrong].mean() < 0.05
    assert rms(distances(found, points)[wrong & ~found.doubtful]) < 1.2 * least_error(cameras[:3], points, NOISE_PX)


def test_of_two_views_a_wrong_one_is_flagged(cameras, points):
    pair, rng = cameras[:2], np.random.default_rng(5)
    seen = look(pair, points) + rng.normal(0, NOISE_PX, (2, *points.shape[:2], 2))
    wrong = throw_off(seen, 1, 0.2, rng)
    found = triangulate(pair, seen)
    assert found.used.all()
    assert found.doubtful[wrong].mean() > 0.85  # along the line on which the other sees it, nothing shows
    assert found.doubtful[~wrong].mean() < 0.01
    assert np.median(found.error_px[wrong]) > 10 * np.median(found.error_px[~wrong])


def test_what_is_not_seen_by_two_is_missing(cameras, points):
    seen = look(cameras, points)
    seen[:, 0] = np.nan
    seen[1:, 1] = np.nan
    seen[0, 2] = np.nan
    sigma = np.ones(seen.shape[:3])
    sigma[2, 3] = np.nan
    found = triangulate(cameras, seen, sigma)
    assert np.isnan(found.values[:2]).all()
    assert not found.used[:, :2].any()
    np.testing.assert_allclose(found.points[2:], points[2:], atol=1e-6)
    assert found.used[:, 2:4].sum(axis=0).tolist() == [[2, 2], [2, 2]]
    nothing = triangulate(cameras, np.full((3, 0, 2, 2), np.nan))
    assert nothing.values.shape == (0, 2, 7)


def test_parallel_rays_and_points_behind_a_camera_are_missing():
    matrix = np.diag([500.0, 500, 1])
    pair = [
        Camera(name, (9, 9), matrix, np.zeros(5), np.zeros(3), np.array([-x, 0, 0]))
        for name, x in (("A", 0), ("B", 10))
    ]
    seen = np.array([[[[50.0, 25]], [[-200.0, 25]]], [[[50.0, 25]], [[50.0, 25]]]])  # parallel; crossing behind
    found = triangulate(pair, seen)
    assert np.isnan(found.points).all() and np.isnan(found.values).all()
    assert not found.doubtful.any()


def test_a_shift_of_the_world_shifts_the_points(cameras, points):
    rng, move = np.random.default_rng(6), np.array([30.0, -20, 50])
    seen = look(cameras, points) + rng.normal(0, NOISE_PX, (3, *points.shape[:2], 2))
    moved = [
        Camera(each.name, each.size, each.matrix, each.distortion, each.rotation, each.translation - each.turn @ move)
        for each in cameras
    ]
    np.testing.assert_allclose(triangulate(moved, seen).points, triangulate(cameras, seen).points + move, atol=1e-6)
