"""Planes of views, against cameras that are known because they were made."""

import re

import numpy as np
import pytest

from dlc_toolbox.measure.views import FEWEST_POINTS, Plane, disagreement, fit_planes


def look(points: np.ndarray, *angles: float) -> np.ndarray:
    """Project points in space, (N, 3), by parallel cameras that are turned about the x axis: (N, 1, views, 2)."""
    x, y, z = points.T
    return np.stack([np.stack([x, y * np.cos(a) + z * np.sin(a)], -1) for a in angles], axis=1)[:, None]


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 200, (80, 3))


def test_two_views_that_share_x_disagree_by_what_x_differs(points):
    views = look(points, 0, np.pi / 2)
    ((plane,), unknown) = fit_planes(views)
    assert unknown == []
    np.testing.assert_allclose(np.abs(plane.normal), [np.sqrt(0.5), 0, np.sqrt(0.5), 0], atol=1e-9)
    views[3, 0, 1] += [6, 50]  # along x it shows, along y it does not
    found = disagreement(views, [plane])
    np.testing.assert_allclose(found[3, 0], [6, 6])
    np.testing.assert_allclose(np.delete(found, 3, axis=0), 0, atol=1e-9)
    for view in (0, 1):
        np.testing.assert_allclose(np.abs(plane.seen_direction(view)), [1, 0], atol=1e-9)


def test_wrong_labels_do_not_move_the_plane(points):
    views = look(points, 0, np.pi / 2)
    views[::6, 0, 0, 0] += np.random.default_rng(1).uniform(30, 90, len(views[::6]))
    views += np.random.default_rng(2).normal(0, 1, views.shape)
    ((plane,), _) = fit_planes(views)
    np.testing.assert_allclose(np.abs(plane.normal), [np.sqrt(0.5), 0, np.sqrt(0.5), 0], atol=0.02)
    assert 0.5 < plane.spread_px < 2  # of a difference of two labels with a standard deviation of 1 px each


def test_of_three_views_the_one_that_is_wrong_stands_out(points):
    views = look(points, 0, np.pi / 2, np.pi / 4)
    planes, unknown = fit_planes(views)
    assert (len(planes), unknown) == (3, [])
    views[3, 0, 1, 0] += 20
    assert (disagreement(views, planes)[3, 0] > 10).tolist() == [False, True, False]


def test_what_one_view_does_not_show_is_not_known(points):
    views = look(points, 0, np.pi / 2)
    ((plane,), _) = fit_planes(views)
    views[0, 0, 1] = np.nan
    found = disagreement(views, [plane])
    assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()
    assert np.isnan(disagreement(views, [])).all()


def test_disagreement_by_hand():
    plane = Plane((0, 2), np.array([0.6, 0.0, 0.0, 0.8]), 10.0, 0.0)
    views = np.array([[[[10.0, 1.0], [5.0, 5.0], [2.0, 20.0]]]])
    off = np.sqrt(2) * abs(0.6 * 10 + 0.8 * 20 - 10)
    np.testing.assert_allclose(disagreement(views, [plane])[0, 0], [off, np.nan, off])
    np.testing.assert_allclose(plane.seen_direction(2), [0, 1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p[: FEWEST_POINTS - 1], "views 1 and 2: only 29 points are labeled in both, at least 30 are needed"),
        (lambda p: p * [1, 1, 0.01], r"views 1 and 2: the points hardly move \(by 0.\d px in one direction\)"),
    ],
)
def test_why_a_plane_is_not_known(points, change, reason):
    planes, (said,) = fit_planes(look(change(points), 0, np.pi / 2))
    assert planes == []
    assert re.fullmatch(reason, said), said


def test_views_that_have_nothing_in_common_have_no_plane():
    planes, (said,) = fit_planes(np.random.default_rng(0).uniform(0, 100, (80, 1, 2, 2)))
    assert planes == []
    assert said.startswith("views 1 and 2: the labels lie near no plane (")
