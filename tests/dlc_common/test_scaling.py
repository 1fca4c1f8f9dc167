"""Images scaled down, and where their pixels lie."""

import numpy as np
import pytest

from dlc_common.scaling import full_size_points, ratios, scaled_size, shrink


@pytest.mark.parametrize(
    ("size", "scale", "scaled"),
    [((480, 640), 0.6, (288, 384)), ((406, 396), 0.5, (203, 198)), ((5, 9), 1.0, (5, 9)), ((3, 200), 0.1, (1, 20))],
)
def test_sizes_are_whole_and_never_empty(size, scale, scaled):
    assert scaled_size(size, scale) == scaled


def test_a_pixel_is_the_mean_of_the_area_that_it_covers():
    frame = np.zeros((1, 3, 3, 3), np.uint8)
    frame[0, :, :, 0] = [[90, 0, 0], [0, 180, 0], [0, 0, 0]]
    (small,) = shrink(frame, 0.67)  # 3 to 2: the centre belongs to all four by a quarter; 4 of 9 quarter-pixels each
    assert small.shape == (2, 2, 3)
    assert small[..., 0].tolist() == [[60, 20], [20, 20]]  # (90 + 180 / 4) / 2.25 and (180 / 4) / 2.25
    assert not small[..., 1:].any()


def test_each_frame_is_scaled_by_itself_and_full_size_is_left_as_it_is():
    frames = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    assert shrink(frames, 1.0) is frames
    assert shrink(frames, 0.9).shape == (2, 4, 5, 3)
    both = shrink(frames, 0.5)
    for number in range(2):
        np.testing.assert_array_equal(both[number], shrink(frames[number : number + 1], 0.5)[0])
        np.testing.assert_allclose(both[number], frames[number].reshape(2, 2, 3, 2, 3).mean(axis=(1, 3)), atol=0.51)


def test_points_by_hand():
    """640 to 416 pixels (0.65): the centre of pixel 0 is at 0.5 * 640 / 416 - 0.5."""
    points = np.array([[0.0, 0.0], [415.0, 0.0], [207.5, 1.0]], np.float32)
    found = full_size_points(points, small=(2, 416), full=(5, 640))
    np.testing.assert_allclose(found, [[0.269231, 0.75], [638.730769, 0.75], [319.5, 3.25]], atol=1e-4)
    assert ratios((2, 416), (5, 640)).tolist() == [np.float32(640 / 416), 2.5]


@pytest.mark.parametrize("scale", [0.9, 0.65, 0.5, 0.31])
def test_what_is_seen_in_a_scaled_image_is_where_it_was(scale):
    rows, columns = np.mgrid[:61, :97]
    blob = 240 * np.exp(-((columns - 40.3) ** 2 + (rows - 22.8) ** 2) / 60)
    small = shrink(np.repeat(blob[None, ..., None], 3, axis=3).round().astype(np.uint8), scale)[0, ..., 0].astype(float)
    places = [(small.sum(axis=axis) * np.arange(small.shape[1 - axis])).sum() / small.sum() for axis in (0, 1)]
    found = full_size_points(np.array(places), small.shape, (61, 97))
    np.testing.assert_allclose(found, [40.3, 22.8], atol=0.05)
