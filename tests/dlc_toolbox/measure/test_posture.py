"""Plausible postures, of a stick animal that stands, turns and bends."""

import numpy as np
import pytest

from dlc_toolbox.measure.posture import Postures, fit_postures, implausibility

PARTS = 6


def make_postures(images: int, seed: int = 0, noise_px: float = 1.0) -> np.ndarray:
    """Six parts moved by three numbers: place along x, place along y, and length."""
    rng = np.random.default_rng(seed)
    x, y, length = rng.uniform(0, 200, images), rng.uniform(0, 200, images), rng.uniform(10, 30, images)
    along = np.arange(PARTS)
    points = np.stack([x[:, None] + length[:, None] * along, y[:, None] + 0.5 * length[:, None] * along], axis=-1)
    return points + rng.normal(0, noise_px, points.shape)


@pytest.fixture(scope="module")
def postures() -> Postures:
    return fit_postures(make_postures(150), np.random.default_rng(0))


def test_the_subspace_has_the_dimensions_that_the_postures_were_made_with(postures):
    assert postures.dimensions == 3
    assert postures.noise_px == pytest.approx(1, rel=0.15)
    found = implausibility(make_postures(200, seed=1), postures)
    assert np.median(found) < 3


@pytest.mark.parametrize("part", range(PARTS))
def test_a_part_that_was_moved_stands_out_by_about_as_much(postures, part):
    points = make_postures(40, seed=2)
    points[:, part] += [24, -32]  # 40 px
    found = implausibility(points, postures)
    assert np.median(found[:, part]) == pytest.approx(40, rel=0.1)
    assert (found.argmax(axis=1) == part).mean() > 0.95


def test_exchanged_parts_stand_out(postures):
    points = make_postures(40, seed=3)
    points[:, [1, 4]] = points[:, [4, 1]]
    assert np.quantile(implausibility(points, postures)[:, [1, 4]], 0.05) > 10


def test_missing_parts_are_unknown_not_zero(postures):
    points = make_postures(40, seed=4)
    whole = implausibility(points, postures)
    points[:, 2] = np.nan
    found = implausibility(points, postures)
    assert np.isnan(found[:, 2]).all()
    assert np.median(np.abs(found - whole)[:, [0, 1, 3, 4, 5]]) < 1
    points[:, 1:] = np.nan
    assert np.isnan(implausibility(points, postures)).all()  # nothing tells where a part alone should be


def test_labels_may_be_missing_where_postures_are_learned():
    labels = make_postures(150)
    labels[np.random.default_rng(1).random(labels.shape[:2]) < 0.25] = np.nan
    postures = fit_postures(labels, np.random.default_rng(0))
    assert postures.dimensions == 3
    assert np.median(implausibility(make_postures(100, seed=5), postures)) < 3


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (make_postures(19), "only 19 images have two labels or more, at least 20 are needed"),
        (np.where(np.arange(PARTS)[:, None] == 2, np.nan, make_postures(40)), "a body part is never labeled"),
        (make_postures(40)[:, :1], "only 0 images have two labels or more, at least 20 are needed"),
        (
            np.random.default_rng(0).uniform(0, 100, (60, 4, 2)),
            "the places of the parts do not tell each other's: they span every posture",
        ),
    ],
)
def test_why_postures_are_not_known(labels, reason):
    assert fit_postures(labels, np.random.default_rng(0)) == reason
