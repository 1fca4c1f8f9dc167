"""A window that moves with the animal finds what the whole frame would show, with less arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc_toolbox.analysis.window import BATCHES_PER_REFRESH, MovingWindow, WindowRule, place_window

WIDTH, HEIGHT, BATCH = 320, 240, 4
RULE = WindowRule(pcutoff=0.5, margin=20)
COLORS = np.array([[255, 40, 40], [40, 255, 40], [60, 60, 255]])
PARTS = np.array([[0, 0], [20, 0], [10, 15]])
"""Where the parts of a small animal are, from its place."""


def draw(places) -> np.ndarray:
    """Frames with the animal's parts, squares of 5 x 5 pixels, around each place; None draws no animal."""
    frames = np.full((len(places), HEIGHT, WIDTH, 3), 90, np.uint8)
    for frame, place in zip(frames, places, strict=True):
        for (x, y), color in zip([] if place is None else PARTS + place, COLORS, strict=False):
            frame[y - 2 : y + 3, x - 2 : x + 3] = color
    return frames


class Counted:
    """A predictor that remembers the shapes of what it was given."""

    def __init__(self, predict):
        self.predict, self.shapes = predict, []

    def __call__(self, frames):
        self.shapes.append(frames.shape[:3])
        return self.predict(frames)


@pytest.fixture
def network(find_dots) -> Counted:
    return Counted(find_dots)


def track(window: MovingWindow, frames: np.ndarray) -> np.ndarray:
    return np.concatenate([window(frames[start : start + BATCH]) for start in range(0, len(frames), BATCH)])


def whole_frames(network: Counted) -> int:
    """How many whole frames the network was given."""
    return sum(count for count, height, width in network.shapes if (height, width) == (HEIGHT, WIDTH))


# ---- Placing ----


def test_a_window_by_hand():
    # x: 80 to 121 px needed, 57 with the freedom of the grid, so 64, about its middle 100.5; y: 45 to 111 px, so 128
    points = np.array([[100.0, 65.0], [np.nan, 3.0], [100.0, 90.0]])
    assert place_window(points, 20, WIDTH, HEIGHT) == (64, 128, 16, 144)


def test_a_window_for_a_network_that_does_not_pad_by_hand():
    """The points of above: in 318 px, half of which is odd, 59 px with the freedom of the grid, in 64 - 2."""
    points = np.array([[100.0, 65.0], [np.nan, 3.0], [100.0, 90.0]])
    assert place_window(points, 20, WIDTH, HEIGHT, padded=False) == (64, 128, 16, 144)
    assert place_window(points, 20, WIDTH - 2, HEIGHT - 1, padded=False) == (64, 126, 16, 144)
    assert place_window(points, 20, WIDTH - 2, HEIGHT - 2, padded=False) == (64, 126, 16, 142)


def test_a_window_at_the_edges_of_the_frame_ends_there():
    assert place_window(np.array([[2.0, 3.0]]), 10, WIDTH, HEIGHT) == (0, 64, 0, 64)
    assert place_window(np.array([[317.0, 230.0]]), 10, 327, 237) == (272, 327, 176, 237)
    assert place_window(np.array([[400.0, -50.0]]), 10, WIDTH, HEIGHT) == (256, 320, 0, 64)  # outside: the next inside


def test_the_whole_frame_without_points_and_for_a_large_animal():
    assert place_window(np.full((3, 2), np.nan), 20, WIDTH, HEIGHT) is None
    assert place_window(np.array([[30.0, 30.0], [290.0, 200.0]]), 20, WIDTH, HEIGHT) is None
    assert place_window(np.array([[30.0, 30.0], [290.0, 100.0]]), 20, WIDTH, HEIGHT) == (0, 320, 0, 128)


@given(
    st.tuples(st.integers(20, 2000), st.integers(20, 2000)),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5),
    st.floats(1, 100),
    st.booleans(),
)
def test_a_window_holds_its_points_and_keeps_to_the_grid(size, shares, margin, padded):
    points = np.array(shares) * (np.array(size) - 1)
    window = place_window(points, margin, *size, padded=padded)
    if window is None:
        return
    for axis, (start, stop) in enumerate((window[:2], window[2:])):
        assert 0 <= start < stop <= size[axis]
        assert start % 16 == 0
        assert (stop - start) % 64 in ({0} if padded else {0, 62}) or stop == size[axis]
        # TensorFlow's 'same' max pool over the half size begins one pixel earlier where that is odd.
        assert padded or math.ceil((stop - start) / 2) % 2 == math.ceil(size[axis] / 2) % 2
        assert start == 0 or points[:, axis].min() - margin >= start
        assert stop == size[axis] or points[:, axis].max() + margin <= stop - 1


# ---- Following ----


@pytest.fixture
def walk() -> list[np.ndarray]:
    """Places of an animal that walks a loop, 3 to 5 px per frame."""
    angle = np.arange(100) / 25
    return list(np.column_stack([150 + 120 * np.sin(angle), 110 + 85 * np.cos(angle)]).astype(int))


def test_a_small_animal_is_found_at_a_fraction_of_the_pixels(network, find_dots, walk):
    frames = draw(walk)
    window = MovingWindow(network, RULE)
    poses = track(window, frames)
    truth = PARTS + np.array(walk)[:, None]
    assert np.abs(poses[..., :2] - truth).max() < 1e-3
    assert (poses[..., 2] == 1).all()
    assert poses.dtype == np.float32
    assert whole_frames(network) <= 7  # one per 8 batches, and when it turned around
    assert window.analyzed_share < 0.3
    assert window.analyzed_share == sum(np.prod(shape) for shape in network.shapes) / frames[..., 0].size
    assert {shape[0] for shape in network.shapes} == {1, BATCH}
    assert len({shape[1:] for shape in network.shapes}) <= 8


def test_a_network_that_does_not_pad_gets_windows_with_the_grid_of_the_frame(network, find_dots, walk):
    frames = draw(walk)[:, :-2, :-2]  # 238 x 318 px, whose halves are odd
    found = track(MovingWindow(network, WindowRule(pcutoff=0.5, margin=20, padded=False)), frames)
    np.testing.assert_array_equal(found, find_dots(frames))
    sides = {side for _, *sides in network.shapes for side in sides}
    assert {math.ceil(side / 2) % 2 for side in sides} == {1}
    assert min(sides) == 126


@pytest.mark.parametrize("moment", [8, 9, 10, 11])
def test_an_animal_that_jumps_is_found_at_once(network, moment):
    places = [np.array([60, 60])] * moment + [np.array([250, 180])] * (20 - moment)
    poses = track(MovingWindow(network, RULE), draw(places))
    assert np.abs(poses[..., :2] - (PARTS + np.array(places)[:, None])).max() < 1e-3
    assert poses[..., 2].min() == 1
    assert whole_frames(network) <= 1 + BATCH


def test_an_animal_that_comes_back_is_found_at_once(network):
    places = [np.array([60, 60])] * 6 + [None] * 9 + [np.array([250, 180])] * 9
    poses = track(MovingWindow(network, RULE), draw(places))
    assert (poses[:, 0, 2] == [place is not None for place in places]).all()
    assert np.abs(poses[15:, :, :2] - (PARTS + places[-1])).max() < 1e-3


def test_a_part_that_is_lost_amid_the_window_is_not_looked_for(network):
    frames = draw([np.array([60, 60])] * 16)
    frames[5:, 55:65, 75:85] = 90  # hides the second part for good
    poses = track(MovingWindow(network, RULE), frames)
    assert (poses[:, 1, 2] == (np.arange(16) < 5)).all()
    assert whole_frames(network) == 1


def test_a_part_that_leaves_the_window_is_found_at_once(network):
    frames = draw([np.array([60, 60])] * 16)
    for frame in (6, 7):  # the second part goes off by itself, out of the window of 128 px
        frames[frame, 55:65, 75:85] = 90
    frames[6, 58:63, 117:122] = frames[7, 70:75, 131:136] = COLORS[1]
    poses = track(MovingWindow(network, RULE), frames)
    assert poses[6:9, 1, :2].tolist() == [[119, 60], [133, 72], [80, 60]]
    assert whole_frames(network) == 1  # a wider window shows it, and the next ones follow


def test_a_part_that_a_wider_window_does_not_show_either_is_looked_for_in_the_whole_frame(network):
    frames = draw([np.array([60, 60])] * 16)
    for frame in range(5, 16):  # near an edge of the window first, then far away
        frames[frame, 55:65, 75:85] = 90
    frames[5, 58:63, 118:123] = COLORS[1]
    frames[6:, 198:203, 298:303] = COLORS[1]
    poses = track(MovingWindow(network, RULE), frames)
    assert poses[4:8, 1, :2].tolist() == [[80, 60], [120, 60], [300, 200], [300, 200]]


def test_a_window_that_lost_the_animal_is_placed_anew_within_the_batch(network):
    places = [np.array([60, 60])] * 5 + [np.array([110, 60])] * 3
    poses = track(MovingWindow(network, RULE), draw(places))
    assert np.abs(poses[..., :2] - [PARTS + place for place in places]).max() < 1e-3
    assert whole_frames(network) == 1  # a wider window shows the jump


def test_a_pose_near_a_cut_edge_is_not_trusted(find_dots):
    """A network errs where its context is cut off: here within 8 px of the edges of what it is given."""

    def err_at_edges(frames):
        poses = find_dots(frames)
        size = np.array(frames.shape[2:0:-1])
        near = ((poses[..., :2] < 8) | (poses[..., :2] > size - 9)).any(axis=-1)
        return poses + np.where(near, 6, 0)[..., None] * np.array([1, 0, 0], np.float32)

    places = [np.array([100 + 2 * max(0, frame - 4) ** 2 // 3, 100]) for frame in range(16)]  # ever faster
    window = MovingWindow(err_at_edges, RULE)
    poses = track(window, draw(places))
    assert np.abs(poses[..., :2] - (PARTS + np.array(places)[:, None])).max() < 1e-3
    assert window.analyzed_share < 1


def test_an_animal_that_fills_the_frame_costs_one_more_look_per_refresh(network):
    frames = draw([np.array([60, 60])] * (BATCH * BATCHES_PER_REFRESH))
    window = MovingWindow(network, WindowRule(0.5, margin=150))
    track(window, frames)
    assert network.shapes == [(1, HEIGHT, WIDTH)] + [(BATCH, HEIGHT, WIDTH)] * BATCHES_PER_REFRESH
    assert window.analyzed_share == 1 + 1 / len(frames)


def test_black_frames_change_nothing(network, walk):
    frames = draw(walk[:24])
    expected = track(MovingWindow(network, RULE), frames)
    network.shapes.clear()
    frames[[6, 12, 13, 14, 15, 22, 23]] = 0
    poses = track(MovingWindow(network, RULE), frames)
    shown = np.flatnonzero(frames.any(axis=(1, 2, 3)))
    assert np.abs(poses[shown] - expected[shown]).max() < 1e-3
    assert whole_frames(network) <= 2
    black = MovingWindow(network, RULE)(np.zeros_like(frames[:BATCH]))
    assert black.shape == (BATCH, 3, 3)


def test_nothing_is_remembered_beyond_a_refresh(find_dots, walk):
    """So an analysis may go on at any refresh as if it had never been interrupted."""
    frames = draw((walk * 2)[: BATCH * (BATCHES_PER_REFRESH + 4)])
    size = BATCH * BATCHES_PER_REFRESH

    def doubting(frames):  # depends on what is around, as a network does
        return find_dots(frames) + np.float32(frames.mean())

    undisturbed = track(MovingWindow(doubting, RULE), frames)
    assert np.array_equal(undisturbed[size:], track(MovingWindow(doubting, RULE), frames[size:]))


def test_nothing_analyzed_yet():
    assert MovingWindow(None, RULE).analyzed_share == 1


# ---- What the maps tell ----


class Telling(Counted):
    """A predictor that tells, as features, the size of what it was given."""

    def with_features(self, frames):
        poses = self(frames)
        features = np.zeros((*poses.shape[:2], 4), np.float32)
        features[..., 0], features[..., 1:3] = poses[..., 2], frames.shape[1:3]
        return poses, features


def test_what_the_maps_tell_is_that_of_the_look_that_counts(find_dots):
    places = [[40 + 2 * i, 60] for i in range(12)]
    places[9] = [250, 200]  # outside the window, so looked for in the whole frame
    frames = draw(places)
    window, plain = MovingWindow(Telling(find_dots), RULE), MovingWindow(find_dots, RULE)
    for start in range(0, len(frames), BATCH):
        poses, features = window.with_features(frames[start : start + BATCH])
        np.testing.assert_array_equal(poses, plain(frames[start : start + BATCH]))
        np.testing.assert_array_equal(features[..., 0], poses[..., 2])
    is_whole = (features[..., 1:3] == [HEIGHT, WIDTH]).all(axis=(1, 2))
    assert is_whole.tolist()[:2] == [False, True]


def test_a_plain_function_tells_its_likelihoods(find_dots):
    poses, features = MovingWindow(find_dots, RULE).with_features(draw([[40, 60]]))
    np.testing.assert_array_equal(features[..., 0], poses[..., 2])
    assert np.isnan(features[..., 1:]).all()
