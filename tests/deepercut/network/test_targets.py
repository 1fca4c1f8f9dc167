"""Targets and decoding against loops over cells, and against each other."""

import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.network.targets import (
    ANSWER,
    cell_centers,
    covered_cells,
    decode_poses,
    make_targets,
    make_weights,
    map_size,
)

STDEV = 7.2801


def slow_targets(joints, shape, scale, threshold, stdev, num_joints):
    """The definition, cell by cell; of several joints of a part the nearest."""
    rows, cols = (int(np.ceil(size / 16)) * 2 for size in shape)
    scores = np.zeros((rows, cols, num_joints))
    locref, mask = np.zeros((2, rows, cols, 2 * num_joints))
    for row in range(rows):
        for col in range(cols):
            for part in range(num_joints):
                px, py = col * 8 + 4, row * 8 + 4
                offsets = [(x - px, y - py) for j, x, y in joints if j == part]
                near = [(dx, dy) for dx, dy in offsets if np.hypot(dx, dy) <= threshold * scale]
                if near:
                    dx, dy = min(near, key=lambda offset: np.hypot(*offset))
                    scores[row, col, part] = 1
                    locref[row, col, 2 * part : 2 * part + 2] = dx / stdev, dy / stdev
                    mask[row, col, 2 * part : 2 * part + 2] = 1
    return scores, locref, mask


def slow_decode(scores, locref, stdev, image_shape):
    """The best cell of each part, one part at a time."""
    rows, cols = (int(np.ceil(size / 8)) for size in image_shape)
    poses = []
    for part in range(scores.shape[-1]):
        score_map = scores[:rows, :cols, part]
        row, col = np.unravel_index(score_map.argmax(), score_map.shape)
        dx, dy = locref[row, col, 2 * part : 2 * part + 2] * stdev
        poses.append((col * 8 + 4 + dx, row * 8 + 4 + dy, score_map[row, col]))
    return np.array(poses)


def test_map_and_covered_cells_by_hand():
    assert [map_size(n) for n in (1, 16, 17, 32, 33, 480)] == [2, 2, 4, 4, 6, 60]
    assert [covered_cells(n) for n in (1, 8, 9, 16, 17, 480)] == [1, 1, 2, 2, 3, 60]
    assert cell_centers(3).tolist() == [4, 12, 20]


@pytest.mark.parametrize("seed", range(6))
def test_targets_equal_the_definition(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(20, 90, 2))
    joints = np.column_stack([rng.integers(0, 4, 9), rng.uniform(-10, 100, (9, 2))])  # parts repeat; some are outside
    arguments = joints, shape, rng.uniform(0.4, 1.5), 17, STDEV, 4
    for ours, expected in zip(make_targets(*arguments), slow_targets(*arguments), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_the_threshold_itself_is_positive_and_grows_with_scale():
    joints = np.array([[0, 4.0, 21.0]])  # 17 pixels below cell (0, 0)
    assert make_targets(joints, (32, 32), 1.0, 17, STDEV, 1)[0][0, 0, 0] == 1
    assert make_targets(joints, (32, 32), 0.99, 17, STDEV, 1)[0][0, 0, 0] == 0


def test_the_nearest_of_overlapping_joints_counts_in_any_order():
    joints = np.array([[0, 12.0, 12.0], [0, 14.0, 12.0]])
    for order in (joints, joints[::-1]):
        _, locref, _ = make_targets(order, (32, 48), 1.0, 17, 2.0, 1)
        assert locref[1, 1, 0] == 0  # cell at x = 12
        assert locref[1, 2, 0] == -3  # cell at x = 20: the joint at 14


def test_moving_joints_by_a_cell_moves_the_targets():
    joints = np.array([[0, 40.0, 45.5], [1, 52.3, 41.0]])
    moved = joints + [0, 8, 16]
    for before, after in zip(
        make_targets(joints, (128, 128), 1.0, 17, STDEV, 2),
        make_targets(moved, (128, 128), 1.0, 17, STDEV, 2),
        strict=True,
    ):
        np.testing.assert_allclose(after[2:, 1:], before[:-2, :-1], atol=1e-6)


@pytest.mark.parametrize("joints", [np.empty((0, 3)), np.array([[0, np.nan, np.nan]])])
def test_no_joint_gives_no_positive_cell(joints):
    scores, locref, mask = make_targets(joints, (32, 32), 1.0, 17, STDEV, 1)
    assert not scores.any() and not locref.any() and not mask.any()


@pytest.mark.parametrize("part", [-1, 2, 0.5])
def test_a_part_that_does_not_exist_is_an_error(part):
    with pytest.raises(DeepercutError, match=f"part number {part:g}; with num_joints 2, accepted are 0 to 1"):
        make_targets(np.array([[part, 5.0, 5.0]]), (32, 32), 1.0, 17, STDEV, 2)


def test_weights_are_zero_in_the_padding_only():
    weights = make_weights(np.array([[1, 5.0, 5.0]]), (32, 48), (20, 33), 2)
    assert weights.shape == (4, 6, 2)
    assert (weights[:3, :5] == 1).all()  # rows 0-2 stand for pixels 0-23, columns 0-4 for 0-39
    assert weights.sum() == 3 * 5 * 2


def test_weights_of_present_parts_only():
    joints = np.array([[1, 5.0, 5.0], [2, np.nan, np.nan]])
    weights = make_weights(joints, (16, 16), (16, 16), 3, only_present=True)
    assert weights.sum(axis=(0, 1)).tolist() == [0, 4, 0]


@pytest.mark.parametrize("seed", range(4))
def test_decoding_returns_the_joints(seed):
    rng = np.random.default_rng(seed)
    shape = (75, 101)
    xy = rng.uniform(0, 1, (5, 2)) * (shape[1] - 1, shape[0] - 1)
    joints = np.column_stack([np.arange(5), xy])
    scores, locref, _ = make_targets(joints, shape, 1.0, 17, STDEV, 5)
    poses = np.array(decode_poses({"part_pred": scores[None] * 20 - 10, "locref_pred": locref[None]}, STDEV, shape))
    assert poses.shape == (1, 5, 3) and poses.dtype == np.float32
    np.testing.assert_allclose(poses[0, :, :2], xy, atol=1e-4)
    np.testing.assert_allclose(poses[0, :, 2], 1 / (1 + np.exp(-10)), rtol=1e-6)


@pytest.mark.parametrize("image_shape", [(64, 96), (55, 81), (49, 88)])
def test_decoding_equals_the_definition(image_shape):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 8, 12, 4)).astype("float32")
    locref = rng.normal(size=(3, 8, 12, 8)).astype("float32")
    poses = np.array(decode_poses({"part_pred": logits, "locref_pred": locref}, STDEV, image_shape))
    for image in range(3):
        expected = slow_decode(logits[image], locref[image], STDEV, image_shape)
        expected[:, 2] = 1 / (1 + np.exp(-expected[:, 2]))
        np.testing.assert_allclose(poses[image], expected, rtol=1e-5, atol=1e-4)


def slow_features(logits, image_shape):
    """Of each part the likelihood of the best cell outside the peak, its distance, and the width of the peak."""
    rows, cols = (int(np.ceil(size / 8)) for size in image_shape)
    found = []
    for part in range(logits.shape[-1]):
        likelihoods = 1 / (1 + np.exp(-logits[:rows, :cols, part].astype(float)))
        best_row, best_col = np.unravel_index(likelihoods.argmax(), likelihoods.shape)
        row, col = np.mgrid[:rows, :cols]
        peak = (np.abs(row - best_row) <= 3) & (np.abs(col - best_col) <= 3)
        width = 8 * np.sqrt(likelihoods[peak].sum() / likelihoods.max())
        second = np.where(peak, -1, likelihoods)
        second_row, second_col = np.unravel_index(second.argmax(), second.shape)
        distance = 8 * np.hypot(second_row - best_row, second_col - best_col)
        found.append((max(second.max(), 0), 0 if peak.all() else distance, width))
    return np.array(found)


@pytest.mark.parametrize("image_shape", [(64, 96), (55, 81), (20, 31)])
def test_features_equal_the_definition_and_leave_the_poses_as_they_are(image_shape):
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=3, size=(3, 8, 12, 4)).astype("float32")
    outputs = {"part_pred": logits, "locref_pred": rng.normal(size=(3, 8, 12, 8)).astype("float32")}
    answers = np.array(decode_poses(outputs, STDEV, image_shape, features=True))
    assert answers.shape == (3, 4, len(ANSWER)) and answers.dtype == np.float32
    np.testing.assert_array_equal(answers[..., :3], np.array(decode_poses(outputs, STDEV, image_shape)))
    for image in range(3):
        expected = slow_features(logits[image], image_shape)
        np.testing.assert_allclose(answers[image, :, 3:], expected, rtol=1e-5, atol=1e-4)


def test_features_by_hand():
    logits = np.full((1, 6, 12, 1), -50, "float32")
    logits[0, 1, 1:3] = [[0], [-np.log(3)]]  # a peak of likelihoods 0.5 and 0.25
    logits[0, 4, 9] = -np.log(4)  # 0.2, three rows and eight columns away
    features = np.array(decode_poses({"part_pred": logits}, STDEV, (48, 96), features=True))[0, 0, 2:]
    np.testing.assert_allclose(features, [0.5, 0.2, 8 * np.sqrt(9 + 64), 8 * np.sqrt(0.75 / 0.5)], rtol=1e-6)


def test_features_of_a_part_that_is_nowhere_are_finite():
    logits = np.full((1, 4, 4, 1), -300, "float32")
    features = np.array(decode_poses({"part_pred": logits}, STDEV, (32, 32), features=True))[0, 0, 2:]
    assert features.tolist() == [0, 0, 0, 0]


def test_decoding_without_location_refinement_gives_the_cell():
    logits = np.full((1, 4, 4, 1), -3, "float32")
    logits[0, 2, 3, 0] = 0
    assert np.array(decode_poses({"part_pred": logits}, STDEV, (32, 32))).tolist() == [[[28, 20, 0.5]]]


def test_a_cell_in_the_padding_never_wins():
    logits = np.zeros((1, 4, 4, 1), "float32")
    logits[0, 3, :] = logits[0, :, 3] = 9  # rows 24-31 and columns 24-31
    logits[0, 1, 2] = 1
    assert np.array(decode_poses({"part_pred": logits}, STDEV, (24, 24)))[0, 0, :2].tolist() == [20, 12]
    assert np.array(decode_poses({"part_pred": logits}, STDEV, (25, 24)))[0, 0, :2].tolist() == [4, 28]


def test_every_pixel_of_an_image_is_positive_in_a_cell_that_counts():
    """At the smallest usual scale, 0.4, the border must not lose its joints to the padding."""
    shape = (21, 29)
    weights = make_weights(np.empty((0, 3)), shape, shape, 1)
    for x in range(shape[1]):
        for y in range(shape[0]):
            scores, _, _ = make_targets(np.array([[0, x, y]]), shape, 0.4, 17, STDEV, 1)
            assert (scores * weights).any()


def test_without_padding_all_cells_are_looked_at():
    logits = np.zeros((1, 4, 4, 1), "float32")
    logits[0, 3, 3] = 9
    assert np.array(decode_poses({"part_pred": logits}, STDEV, (24, 24)))[0, 0, :2].tolist() == [4, 4]
    assert np.array(decode_poses({"part_pred": logits}, STDEV, None))[0, 0, :2].tolist() == [28, 28]


def test_without_padding_the_first_cell_of_full_likelihood_is_taken():
    """In float32 the likelihoods of 20 and 30 are both 1, and DeepLabCut looks at likelihoods."""
    logits = np.zeros((1, 4, 4, 1), "float32")
    logits[0, 1, 2], logits[0, 2, 0] = 20, 30
    assert np.array(decode_poses({"part_pred": logits}, STDEV, (32, 32))).tolist() == [[[4, 20, 1]]]
    assert np.array(decode_poses({"part_pred": logits}, STDEV, None)).tolist() == [[[20, 12, 1]]]
