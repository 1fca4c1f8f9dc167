import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc_toolbox.measure.metrics import AUTO, euclidean_errors, is_confident, summarize, summarize_parts

NAMES = ["mean_error_px", "median_error_px", "rmse_px", "mean_error_pcutoff_px", "share_above_pcutoff"]


def test_errors_are_distances_and_nan_without_label():
    labels = np.array([[[10, 20], [0, 0]], [[5, 5], [np.nan, np.nan]]])
    poses = np.array([[[13, 24, 0.9], [-1, 0, 0.9]], [[5, 5, 0.1], [7, 7, 0.9]]], dtype=np.float32)
    np.testing.assert_array_equal(euclidean_errors(labels, poses), [[5, 1], [0, np.nan]])


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_errors_do_not_depend_on_where_the_origin_is(dx, dy):
    rng = np.random.default_rng(0)
    labels, poses = rng.uniform(0, 500, (4, 3, 2)), rng.uniform(0, 500, (4, 3, 3))
    moved = poses + [dx, dy, 0]
    np.testing.assert_allclose(euclidean_errors(labels + [dx, dy], moved), euclidean_errors(labels, poses), atol=1e-9)


def test_summary_by_hand():
    errors = np.array([[1.0, 2.0], [6.0, np.nan], [np.nan, 3.0]])
    likelihoods = np.array([[0.9, 0.2], [0.1, 1.0], [1.0, 0.4]])
    summary = summarize(errors, likelihoods, pcutoff=0.3)
    assert list(summary) == NAMES
    assert summary["mean_error_px"] == pytest.approx((1 + 2 + 6 + 3) / 4)
    assert summary["median_error_px"] == pytest.approx(2.5)
    assert summary["rmse_px"] == pytest.approx(np.sqrt((1 + 4 + 36 + 9) / 4))
    assert summary["mean_error_pcutoff_px"] == pytest.approx((1 + 3) / 2)
    assert summary["share_above_pcutoff"] == pytest.approx(2 / 4)


def test_pairs_are_pooled_not_averaged_per_image():
    errors = np.array([[1.0, 1.0, 1.0], [9.0, np.nan, np.nan]])
    assert summarize(errors, np.ones((2, 3)), 0.1)["mean_error_px"] == pytest.approx(3)


def test_a_likelihood_of_exactly_pcutoff_is_confident():
    float32_likelihoods = np.array([0.1, 0.6, 0.9], dtype=np.float32).astype(np.float64)
    for place, pcutoff in enumerate((0.1, 0.6, 0.9)):
        np.testing.assert_array_equal(is_confident(float32_likelihoods, pcutoff), np.arange(3) >= place)
    assert summarize(np.array([7.0]), float32_likelihoods[2:], 0.9)["share_above_pcutoff"] == 1


@pytest.mark.parametrize("errors", [np.empty((0, 3)), np.full((2, 3), np.nan)])
def test_nothing_labeled_is_nan_without_a_warning(errors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = summarize(errors, np.ones(errors.shape), 0.1)
    assert np.isnan([summary[name] for name in NAMES]).all()


def test_no_confident_pair_leaves_only_that_mean_open():
    summary = summarize(np.array([3.0, 4.0]), np.array([0.2, 0.2]), 0.5)
    assert np.isnan(summary["mean_error_pcutoff_px"])
    assert summary["share_above_pcutoff"] == 0
    assert summary["mean_error_px"] == 3.5


def test_parts_by_hand():
    errors = np.array([[1.0, 10.0], [3.0, np.nan]])
    parts = summarize_parts(errors, np.array([[0.9, 0.0], [0.0, 0.9]]), ["nose", "tail"], 0.5)
    assert parts.columns.tolist() == ["bodypart", "labeled_pairs", *NAMES]
    nose, tail = parts.to_dict("records")
    assert (nose["bodypart"], nose["labeled_pairs"], nose["mean_error_px"]) == ("nose", 2, 2)
    assert (nose["mean_error_pcutoff_px"], nose["share_above_pcutoff"]) == (1, 0.5)
    assert (tail["bodypart"], tail["labeled_pairs"], tail["mean_error_px"], tail["rmse_px"]) == ("tail", 1, 10, 10)


def test_each_part_may_have_a_cutoff_of_its_own():
    errors, likelihoods = np.array([[1.0, 2.0], [3.0, np.nan]]), np.array([[0.5, 0.5], [0.2, 0.9]])
    assert is_confident(likelihoods, (0.3, 0.6)).tolist() == [[True, False], [False, True]]
    assert summarize(errors, likelihoods, (0.3, 0.6))["mean_error_pcutoff_px"] == 1
    parts = summarize_parts(errors, likelihoods, ["nose", "tail"], (0.3, 0.6))
    assert parts["share_above_pcutoff"].tolist() == [0.5, 0]
    with pytest.raises(ValueError, match="broadcast"):
        summarize(errors, likelihoods, AUTO)
