"""Whether longer training or more labels help."""

import numpy as np
import pytest

from dlc_toolbox.measure.gap import FEWEST_IMAGES, LABELS, TRAINING, UNKNOWN, measure_gap


def gap_of(train, test):
    return measure_gap(np.array(train, float), np.array(test, float), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("train", "test", "share", "helps"),
    [
        (1, 4, 0.75, LABELS),
        (3, 4, 0.25, TRAINING),
        (4, 4, 0.0, TRAINING),
        (5, 4, -0.25, TRAINING),
        (2, 4, 0.5, UNKNOWN),
    ],
)
def test_equal_errors_leave_no_doubt(train, test, share, helps):
    gap = gap_of(np.full((12, 2), train), np.full((10, 2), test))
    assert (gap.share, gap.low, gap.high, gap.helps) == (share, share, share, helps)
    assert (gap.train_px, gap.test_px, gap.train_images, gap.test_images) == (train, test, 12, 10)


def test_errors_are_pooled_over_labels_and_images_without_any_do_not_count():
    nan = np.nan
    train = [[1, 3], [2, nan], [nan, nan], *[[2, 2]] * 8]
    gap = gap_of(train, [[8, 8]] * 10)
    assert gap.train_images == 10
    assert gap.train_px == pytest.approx((1 + 3 + 2 + 32) / 19)
    assert gap.share == pytest.approx(1 - 2 / 8)


def test_one_lost_image_of_ten_decides_nothing():
    """The test error is 5.5 px, 1 without that image: resampled, it is there 0 to 3 times."""
    gap = gap_of(np.full((50, 1), 1.0), [*[[1.0]] * 9, [46.0]])
    assert gap.share == pytest.approx(1 - 1 / 5.5)
    assert (gap.low, gap.high) == (0, pytest.approx(1 - 1 / 14.5))  # 98.7 % of the draws have it 3 times or less
    assert gap.helps == UNKNOWN


def test_many_images_tell_what_few_cannot():
    rng = np.random.default_rng(1)

    def errors(images, mean):
        return mean * rng.exponential(size=(images, 4))

    few, many = (gap_of(errors(4 * n, 2.0), errors(n, 6.0)) for n in (10, 400))
    assert many.helps == LABELS
    assert many.low < 2 / 3 < many.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(2)
    train, test = rng.random((20, 3)), rng.random((20, 3))
    assert gap_of(train, test) == gap_of(train, test)


@pytest.mark.parametrize(("train", "test"), [(FEWEST_IMAGES - 1, 30), (30, FEWEST_IMAGES - 1), (30, 0)])
def test_too_few_images_are_said(train, test):
    found = gap_of(np.ones((train, 2)), np.ones((test, 2)))
    assert found == f"{train} training and {test} test images have labels, and 10 of each are needed"


def test_without_error_there_is_no_share():
    assert gap_of(np.ones((10, 1)), np.zeros((10, 1))) == "the test error is 0 px"
