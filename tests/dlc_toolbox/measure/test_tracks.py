"""Tracks: filtered by hand, jumps and gaps counted by hand, and the frames in which a network fails."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import medfilt

from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.tracks import (
    Criteria,
    choose_apart,
    find_failures,
    longest_gaps,
    median_filter,
    seen_points,
    steps_px,
    summarize_tracks,
    surprise,
)

CRITERIA = Criteria(pcutoff=0.5, jumpthreshold=20, deviationthreshold=10, windowlength=5)


def track(x, likelihood=1.0) -> np.ndarray:
    """One part that moves along x, at y = 7; lost where x is NaN."""
    x = np.array(x, dtype=float)
    likelihood = np.where(np.isnan(x), np.nan, np.broadcast_to(likelihood, x.shape))
    return np.stack([x, np.where(np.isnan(x), np.nan, 7.0), likelihood], axis=-1)[:, None]


@pytest.fixture
def walk() -> np.ndarray:
    """(200, 3, 3): parts that wander about, a third of them unsure, some frames lost."""
    rng = np.random.default_rng(1)
    places = rng.normal(0, 3, (200, 3, 2)).cumsum(axis=0) + 300
    poses = np.concatenate([places, rng.uniform(0.25, 1, (200, 3, 1))], axis=-1)
    poses[rng.choice(200, 9, replace=False)] = np.nan
    return poses


# Median filter


def test_a_lone_jump_is_removed_and_the_rest_stays():
    x = [1, 2, 3, 90, 5, 6, 7]
    assert median_filter(track(x), 3, 0.5)[1:-1, 0, 0].tolist() == [2, 3, 5, 6, 6]
    assert median_filter(track(x), 3, 0.5)[:, 0, 1:].tolist() == [[7, 1]] * 7


def test_steady_motion_is_left_alone_also_at_ends_and_gaps():
    x = np.arange(0.0, 200, 10)
    poses = track(x, np.where(np.isin(x, [50, 60, 120]), 0.1, 1))
    np.testing.assert_array_equal(median_filter(poses, 7, 0.5), poses)


def test_a_window_shrinks_on_both_sides():
    assert median_filter(track([1, 2, 9, 4, 5, 6]), 5, 0.5)[:, 0, 0].tolist() == [1, 2, 4, 5, 5, 6]
    gap_after_third = track([1, 9, 3, 4, 5], [1, 1, 1, 0.1, 1])
    assert median_filter(gap_after_third, 5, 0.5)[:, 0, 0].tolist() == [1, 3, 3, 4, 5]


def test_a_window_far_longer_than_the_track_takes_no_longer_than_one_as_long(walk):
    np.testing.assert_array_equal(median_filter(walk, 10**9 + 1, 0.5), median_filter(walk, 199, 0.5))


def test_an_unsure_pose_is_neither_filtered_nor_counted():
    poses = track([1, 500, 3, 3, 5], [1, 0.4, 1, 1, 1])
    filtered = median_filter(poses, 3, 0.5)
    assert filtered[:, 0, 0].tolist() == [1, 500, 3, 3, 5]
    np.testing.assert_array_equal(filtered[..., 2], poses[..., 2])


def test_lost_frames_stay_lost_and_do_not_spread(walk):
    filtered = median_filter(walk, 7, 0.5)
    np.testing.assert_array_equal(np.isnan(filtered), np.isnan(walk))
    np.testing.assert_array_equal(filtered[..., 2], walk[..., 2])


def test_inside_a_whole_track_it_is_the_median_filter_of_scipy(walk):
    places = np.nan_to_num(walk[..., :2], nan=300.0)
    poses = np.concatenate([places, np.ones((200, 3, 1))], axis=-1)
    for part in range(3):
        for axis in range(2):
            expected = medfilt(places[:, part, axis], 7)
            np.testing.assert_array_equal(median_filter(poses, 7, 0.5)[3:-3, part, axis], expected[3:-3])


@settings(max_examples=50)
@given(st.sampled_from([1, 3, 5, 9]), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_the_filter_moves_with_the_picture_and_runs_backwards_alike(window, dx, dy):
    rng = np.random.default_rng(2)
    poses = np.concatenate([rng.normal(0, 50, (40, 2, 2)), rng.uniform(0, 1, (40, 2, 1))], axis=-1)
    filtered = median_filter(poses, window, 0.5)
    np.testing.assert_allclose(median_filter(poses + [dx, dy, 0], window, 0.5), filtered + [dx, dy, 0], atol=1e-9)
    np.testing.assert_array_equal(median_filter(poses[::-1], window, 0.5), filtered[::-1])
    if window == 1:
        np.testing.assert_array_equal(filtered, poses)


def test_the_raw_poses_are_not_changed(walk):
    before = walk.copy()
    median_filter(walk, 5, 0.5)
    np.testing.assert_array_equal(walk, before)


def test_an_even_window_is_refused(walk):
    with pytest.raises(ToolboxError, match="windowlength is 4; it must be odd"):
        median_filter(walk, 4, 0.5)


# Steps, gaps, summary


def test_steps_by_hand():
    points = np.array([[[0, 0], [1, 1]], [[3, 4], [np.nan, 1]], [[3, 4], [2, 2]], [[0, 4], [2, 3]]], dtype=float)
    assert steps_px(points)[:, 0].tolist()[1:] == [5, 0, 3]
    assert np.isnan(steps_px(points)[:3]).tolist() == [[True, True], [False, True], [False, True]]
    assert steps_px(points)[3, 1] == 1


def test_pcutoff_is_included_as_float32():
    poses = track([1, 2], [float(np.float32(0.9)), 0.89])
    assert np.isnan(seen_points(poses, 0.9))[:, 0, 0].tolist() == [False, True]


@pytest.mark.parametrize(("seen", "longest"), [("1011", 1), ("0001", 3), ("1000", 3), ("00", 2), ("111", 0), ("", 0)])
def test_the_longest_gap_at_start_middle_and_end(seen, longest):
    assert longest_gaps(np.array([mark == "1" for mark in seen], dtype=bool)[:, None]).tolist() == [longest]


def test_the_summary_by_hand():
    poses = np.concatenate(
        [track([0, 1, 40, 42, np.nan, 42, 43], [1, 1, 1, 1, 1, 0.2, 1]), track([5] * 7, 0.1)], axis=1
    )
    nose, tail = summarize_tracks(poses, ["nose", "tail"], 0.5, 20).to_dict("records")
    assert nose == {
        **{"bodypart": "nose", "share_above_pcutoff": 5 / 7, "jumps": 1},
        **{"median_step_px": 2.0, "longest_gap_frames": 2},
    }
    assert (tail["share_above_pcutoff"], tail["jumps"], tail["longest_gap_frames"]) == (0, 0, 7)
    assert np.isnan(tail["median_step_px"])


# Failures


def test_each_criterion_by_hand():
    x = [0, 0, 0, 15, 0, 0, 0, 25, 26, 27, 28, 29, np.nan, 30]
    likelihood = [1, 0.4] + [1] * 12
    low, jump, deviation = np.moveaxis(find_failures(track(x, likelihood), CRITERIA)[:, 0], -1, 0)
    assert np.flatnonzero(low).tolist() == [1]
    assert np.flatnonzero(jump).tolist() == [7]  # a true change of place is a jump, but deviates from no median
    assert np.flatnonzero(deviation).tolist() == [3]


def test_limits_are_not_beyond_themselves():
    assert not find_failures(track([0, 20, 40, 60, 80]), CRITERIA).any()
    assert find_failures(track([0, 20, 40, 60, 80.1]), CRITERIA)[:, 0, 1].tolist() == [False] * 4 + [True]


def test_nothing_fails_in_a_lost_frame(walk):
    lost = np.isnan(walk[:, 0, 2])
    failures = find_failures(walk, CRITERIA)
    assert not failures[lost].any()
    assert failures[~lost].any()


def test_rare_failures_weigh_more_and_constant_ones_still_count():
    failures = np.zeros((100, 3, 1), dtype=bool)
    failures[:, 0] = True
    failures[:50, 1] = True
    failures[7, 2] = True
    scores = surprise(failures)
    assert scores[99] == pytest.approx(1)
    assert scores[0] == pytest.approx(2 + np.log(2))
    assert scores[7] == pytest.approx(3 + np.log(2) + np.log(100))
    assert surprise(np.zeros((4, 2, 3), dtype=bool)).tolist() == [0, 0, 0, 0]


# Choosing frames


def test_the_worst_frames_come_first():
    scores = np.zeros(1000)
    scores[[100, 400, 401, 800, 900]] = [1, 5, 4, 3, 2]
    assert choose_apart(scores, 1, seed=0) == [400]
    assert choose_apart(scores, 2, seed=0) == [400, 800]
    assert choose_apart(scores, 3, seed=0) == [100, 400, 800]  # 900 is worse than 100, but near 800
    assert choose_apart(scores, 9, seed=0) == [100, 400, 800, 900]


def test_equal_frames_are_spread_over_the_whole_video():
    chosen = choose_apart(np.ones(1000), 10, seed=3)
    assert len(chosen) == 10
    assert np.diff(chosen).min() >= 50
    assert chosen != choose_apart(np.ones(1000), 10, seed=4)
    assert chosen == choose_apart(np.ones(1000), 10, seed=3)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0, 0, 1, 2.5]), max_size=60), st.integers(1, 12), st.integers(0, 99), st.data())
def test_never_neighbours_nor_taken_ones_and_as_many_as_there_are(scores, count, seed, data):
    taken = data.draw(st.sets(st.integers(0, max(len(scores) - 1, 0)), max_size=3)) if scores else set()
    scores = np.array(scores, dtype=float)
    chosen = choose_apart(scores, count, seed, taken)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= count
    assert all(scores[frame] > 0 for frame in chosen)
    assert not taken & set(chosen)
    assert all(later - earlier > 1 for earlier, later in pairwise(chosen))
    if len(chosen) < count:  # then no further frame fits
        others = set(np.flatnonzero(scores > 0).tolist()) - taken
        assert all(min(abs(frame - other) for other in chosen) < 2 for frame in others)


def test_frames_near_taken_ones_come_last():
    chosen = choose_apart(np.ones(100), 5, seed=0, taken=[50])
    assert min(abs(frame - 50) for frame in chosen) >= 5
    assert choose_apart(np.ones(3), 1, seed=0, taken=[0, 2]) == [1]


def test_no_video_no_frames():
    assert choose_apart(np.zeros(0), 5, seed=0) == []
    assert choose_apart(np.zeros(50), 5, seed=0) == []


def test_each_part_may_have_a_cutoff_of_its_own():
    poses = np.array([[[1.0, 2, 0.5], [3, 4, 0.5]]])
    np.testing.assert_array_equal(seen_points(poses, (0.4, 0.6)), [[[1, 2], [np.nan, np.nan]]])
    failures = find_failures(poses, Criteria((0.4, 0.6), 20, 20, 3))
    assert failures[0, :, 0].tolist() == [False, True]
