"""Joints move exactly as pixels do."""

from dataclasses import replace

import numpy as np
import pytest

from deepercut.config import PoseConfig
from deepercut.data.augment import flip, mirror_partners, place, recolor, rescale, turn, turned_size


@pytest.fixture
def config(tmp_path) -> PoseConfig:
    return PoseConfig(
        folder=tmp_path, num_joints=3, all_joints=((0,), (1, 2)), all_joints_names=("nose", "left", "right")
    )


def blob(x: float, y: float, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    """Draw a bright Gaussian centred at (x, y) on black."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    light = 250 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return np.repeat(light[..., None], 3, axis=-1).round().astype(np.uint8)


def centroid(image: np.ndarray) -> tuple[float, float]:
    """Return the centre of light above a grey background's."""
    light = image[..., 0].astype(float)
    light[light < 20] = 0
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    return (columns * light).sum() / light.sum(), (rows * light).sum() / light.sum()


@pytest.mark.parametrize("scale", [0.5, 0.73, 1.0, 1.41])
def test_rescale_moves_joints_with_pixels(scale):
    image, joints = rescale(blob(70.25, 31.5), np.array([[1, 70.25, 31.5]]), scale)
    assert image.shape == (round(90 * scale), round(120 * scale), 3)
    np.testing.assert_allclose(joints[0, 1:], centroid(image), atol=0.05)


def test_rescale_by_hand():
    _, joints = rescale(np.zeros((10, 20, 3), np.uint8), np.array([[0, -0.5, 9.5]]), 1.5)
    np.testing.assert_allclose(joints, [[0, -0.5, 14.5]])  # the image's corners stay corners


def test_flip_moves_joints_with_pixels_and_swaps_pairs(config):
    image, joints = flip(blob(20, 30), np.array([[0, 20.0, 30.0], [1, 0, 0], [2, 119, 5]]), mirror_partners(config))
    np.testing.assert_allclose(joints, [[0, 99, 30], [2, 119, 0], [1, 0, 5]])
    np.testing.assert_allclose(centroid(image), (99, 30), atol=0.05)


def test_flipping_twice_changes_nothing(config):
    image, joints = blob(20, 30), np.array([[1, 20.0, 30.0]])
    again = flip(*flip(image, joints, mirror_partners(config)), mirror_partners(config))
    np.testing.assert_array_equal(again[0], image)
    np.testing.assert_array_equal(again[1], joints)


@pytest.mark.parametrize("seed", range(5))
def test_place_moves_joints_with_pixels(config, seed):
    config = replace(config, rotation=40.0, mean_pixel=(0, 0, 0))
    rng = np.random.default_rng(seed)
    image, joints = place(blob(60, 45), np.array([[0, 60.0, 45.0], [1, 64.0, 45.0]]), config, (112, 160), rng)
    assert image.shape == (112, 160, 3)
    np.testing.assert_allclose(joints[0, 1:], centroid(image), atol=0.1)
    assert np.linalg.norm(joints[0, 1:] - joints[1, 1:]) == pytest.approx(4)


def test_place_drops_joints_that_are_cropped_away(config):
    joints = np.array([[0, 0.0, 0.0], [1, 119.0, 89.0]])
    for seed in range(20):
        _, kept = place(blob(1, 1), joints, config, (48, 48), np.random.default_rng(seed))
        assert ((kept[:, 1:] > -0.5) & (kept[:, 1:] < 47.5)).all()
        assert len(kept) < 2


def test_place_without_room_changes_nothing(config):
    image, joints = blob(30, 20), np.array([[2, 30.0, 20.0]])
    placed, moved = place(image, joints, config, (90, 120), np.random.default_rng(0))
    np.testing.assert_array_equal(placed, image)
    np.testing.assert_array_equal(moved, joints)


def test_place_fills_with_the_mean_pixel(config):
    image, _ = place(np.zeros((20, 20, 3), np.uint8), np.empty((0, 3)), config, (64, 64), np.random.default_rng(0))
    assert sorted(map(tuple, np.unique(image.reshape(-1, 3), axis=0).tolist())) == [(0, 0, 0), (124, 117, 104)]


@pytest.mark.parametrize(
    ("angle", "quarters", "there"),
    [(90, 1, [[0, 30, 99], [2, 0, 119]]), (180, 2, [[0, 99, 59], [2, 119, 89]]), (-90, 3, [[0, 59, 20], [2, 89, 0]])],
)
def test_quarters_of_a_turn_lose_nothing(angle, quarters, there):
    image, joints = turn(blob(20, 30), np.array([[0, 20.0, 30.0], [2, 0.0, 0.0]]), angle, (0, 0, 0))
    np.testing.assert_array_equal(image, np.rot90(blob(20, 30), quarters))  # of 120 x 90 pixels
    np.testing.assert_allclose(joints, there, atol=1e-9)


@pytest.mark.parametrize("angle", [-153.0, -41.5, 12.0, 77.7, 180.0])
def test_turn_moves_joints_with_pixels(angle):
    image, joints = turn(blob(66, 40), np.array([[0, 66.0, 40.0], [1, 62.0, 40.0]]), angle, (0, 0, 0))
    assert image.shape == (*turned_size((90, 120), angle), 3)
    np.testing.assert_allclose(joints[0, 1:], centroid(image), atol=0.1)
    assert np.linalg.norm(joints[0, 1:] - joints[1, 1:]) == pytest.approx(4)


def test_turn_by_half_a_right_angle_by_hand():
    joints = np.array([[0, 69.5, 39.5], [1, 119.0, 89.0]])  # 10 right of the middle and 5 above it; a corner
    image, turned = turn(np.zeros((90, 120, 3), np.uint8), joints, 45, (123.68, 116.779, 103.939))
    assert image.shape == (105, 105, 3)  # both sides half way
    np.testing.assert_allclose(turned, [[0, 52 + (10 - 5) / np.sqrt(2), 52 - (10 + 5) / np.sqrt(2)]])
    assert image[0, 0].tolist() == [124, 117, 104]
    assert image[52, 52].tolist() == [0, 0, 0]


def test_recolor_off_changes_nothing(config):
    image = blob(30, 20)
    np.testing.assert_array_equal(recolor(image, config, np.random.default_rng(0)), image)


@pytest.mark.parametrize("key", ["brightness", "contrast", "blur", "noise", "occlusion"])
def test_each_recoloring_changes_looks_within_range(config, key):
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    changed = recolor(image, replace(config, **{key: 2.0 if key == "blur" else 0.3}), np.random.default_rng(1))
    assert changed.dtype == np.float32
    assert 0 <= changed.min() < changed.max() <= 255
    assert np.abs(changed - image).mean() > 0.1


def test_brightness_by_hand(config):
    image = np.full((4, 4, 3), 100, np.uint8)
    rng = np.random.default_rng(7)
    expected = 100 + 255 * np.random.default_rng(7).uniform(-0.1, 0.1)
    np.testing.assert_allclose(recolor(image, replace(config, brightness=0.1), rng), expected, rtol=1e-6)
