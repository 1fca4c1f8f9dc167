import numpy as np

from dlc_toolbox.measure.judging import coverage, doubtful_labels, reliability, steps_to_training


def test_coverage_counts_pairs_with_both():
    errors = np.array([[1.0, 5.0, np.nan], [3.0, 2.0, 9.0]])
    radius = np.array([[1.0, 4.0, 4.0], [np.nan, 4.0, 4.0]])
    assert coverage(errors, radius) == 2 / 4  # on the edge is within
    assert np.isnan(coverage(errors, np.full((2, 3), np.nan)))


def test_reliability_by_hand():
    expected = np.array([1.0, 4.0, 2.0, 3.0, np.nan, 5.0])
    errors = np.array([2.0, 8.0, 2.0, 6.0, 1.0, np.nan])
    np.testing.assert_array_equal(reliability(errors, expected, bins=2), [[1.5, 2.0], [3.5, 7.0]])
    assert reliability(np.array([np.nan]), np.array([1.0])).shape == (0, 2)


def test_far_labels_are_doubted_those_of_a_sure_network_first():
    errors = np.full((10, 2), 2.0)
    errors[:, 1] = 9.0  # a part that is found badly anyway
    errors[3] = [20.0, 20.0]  # less than three times what is usual for the second part
    errors[6, 0] = 30.0
    errors[7, 0] = 40.0
    expected = np.full((10, 2), 2.0)
    expected[3, 0] = 1.0
    expected[7, 0] = 8.0  # not sure
    errors[9, 0] = np.nan
    assert doubtful_labels(errors, expected, wanted_px=5) == [(3, 0), (6, 0), (7, 0)]


def test_a_label_that_fits_the_posture_less_than_the_networks_place_goes_up_and_one_that_fits_more_goes_down():
    errors = np.full((10, 1), 2.0)
    errors[3:6, 0] = [40.0, 20.0, 30.0]
    expected = np.full((10, 1), 2.0)
    contradiction = np.ones((10, 1))
    contradiction[3], contradiction[4] = 0.1, 4.0  # 40/2 * 0.1 = 2, 20/2 * 4 = 40, 30/2 * 1 = 15
    assert doubtful_labels(errors, expected, 5, contradiction) == [(4, 0), (5, 0), (3, 0)]


def test_what_is_small_enough_is_not_doubted_however_small_the_others_are():
    errors = np.full((10, 1), 0.5)
    errors[3] = 4.0
    assert doubtful_labels(errors, np.full((10, 1), 0.5), wanted_px=5) == []
    assert doubtful_labels(np.full((2, 1), np.nan), np.full((2, 1), 1.0), wanted_px=5) == []


def test_nothing_is_doubted_where_nothing_is_expected():
    errors = np.array([[1.0], [1.0], [1.0], [90.0]])
    assert doubtful_labels(errors, np.full((4, 1), np.nan), wanted_px=5) == []


def test_the_nearest_training_image_of_the_folder_counts():
    train = ["day1/img0010.png", "day1/img0100.png", "day2/img0012.png", "day3/nose.png"]
    test = ["day1/img0012.png", "day1/img0090.png", "day3/img1.png", "day2/tail.png", "cam2_day2/img0012.png"]
    np.testing.assert_array_equal(steps_to_training(train, test), [2, 10, np.nan, np.nan, np.nan])
