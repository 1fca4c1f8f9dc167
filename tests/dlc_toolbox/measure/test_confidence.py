"""Expected errors, by hand and against a truth that is known because it was made."""

import json

import numpy as np
import pytest

from dlc_toolbox.measure.confidence import (
    FEWEST_LABELS,
    Calibration,
    fit_calibration,
    held_out,
    recommended_pcutoff,
)

PARTS_FACTOR = np.array([0.7, 0.9, 1.0, 1.1, 1.3, 1.6])


def make_poses(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Poses of which the likely ones are nearer, some unlikely ones are wrong altogether, and a tenth has no label."""
    rng = np.random.default_rng(seed)
    shape = (images, len(PARTS_FACTOR))
    likelihood = rng.beta(2, 0.7, shape)
    errors = np.exp(1.2 - 2.5 * likelihood) * PARTS_FACTOR * np.abs(rng.standard_t(4, shape))
    is_wrong = rng.random(shape) < 0.5 * (1 - likelihood) ** 2
    errors = np.where(is_wrong, rng.uniform(20, 100, shape), errors)
    errors[rng.random(shape) < 0.1] = np.nan
    second = np.where(is_wrong, 0.8, 0.2) * likelihood
    distance, width = rng.uniform(20, 200, shape), rng.uniform(10, 14, shape)
    return np.stack([likelihood, second, distance, width], axis=-1), errors


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return fit_calibration(*make_poses(400, seed=0))


@pytest.mark.parametrize("features", [1, 4])
def test_nine_of_ten_new_poses_lie_within_the_radius(features):
    known, errors = make_poses(400, seed=0)
    calibration = fit_calibration(known[..., :features], errors)
    new, errors = make_poses(3000, seed=1)
    labeled = np.isfinite(errors)
    inside = (errors <= calibration.radius90_px(new[..., :features]))[labeled]
    likely = (new[..., 0] >= np.median(new[..., 0]))[labeled]
    for covered in (inside, inside[likely], inside[~likely]):
        assert 0.88 <= covered.mean() <= 0.92
    assert 0.47 <= (errors <= calibration.error_px(new[..., :features]))[labeled].mean() <= 0.53


def test_held_out_radii_cover_nine_of_ten():
    features, errors = make_poses(400, seed=2)
    error, radius = held_out(features, errors)
    labeled = np.isfinite(errors)
    assert error.shape == radius.shape == errors.shape
    assert 0.88 <= (errors <= radius)[labeled].mean() <= 0.92


def test_an_image_has_no_say_in_what_is_held_out_for_it():
    features, errors = make_poses(40, seed=3)
    before, _ = held_out(features, errors)
    errors[7] *= 50
    after, _ = held_out(features, errors)
    np.testing.assert_array_equal(after[7], before[7])
    assert (after != before).any()


def test_one_error_for_all_is_what_is_expected_of_all():
    features = np.stack([np.tile(np.linspace(0.1, 0.9, 20)[:, None], (1, 3))], axis=-1)
    calibration = fit_calibration(features, np.full((20, 3), 4.0))
    np.testing.assert_allclose(calibration.error_px(features), 4)
    np.testing.assert_allclose(calibration.radius90_px(features), 4)


def test_errors_below_a_tenth_of_a_pixel_are_as_good_as_none():
    features = np.full((20, 3, 1), 0.5)
    calibration = fit_calibration(features, np.zeros((20, 3)))
    np.testing.assert_allclose(calibration.error_px(features), 0.1)


def test_a_part_that_is_worse_than_others_is_expected_to_be():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.05, 0.95, (400, 2, 1))
    errors = np.array([2.0, 8.0]) * np.exp(rng.normal(0, 0.3, (400, 2)))
    expected = fit_calibration(features, errors).error_px(np.full((1, 2, 1), 0.5))[0]
    np.testing.assert_allclose(expected, [2, 8], rtol=0.1)


def test_a_part_that_is_hardly_known_is_taken_for_any_other():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.05, 0.95, (100, 3, 1))
    errors = np.array([2.0, 8.0, 4.0]) * np.exp(rng.normal(0, 0.3, (100, 3)))
    errors[:, 2] = np.nan
    expected = fit_calibration(features, errors).error_px(np.full((1, 3, 1), 0.5))[0]
    assert expected[0] < expected[2] < expected[1]
    np.testing.assert_allclose(expected[2], 4, rtol=0.15)


def test_a_likelier_pose_is_never_expected_to_be_farther_off(calibration):
    likelihoods = np.linspace(0.01, 0.99, 50)
    features = np.empty((50, len(PARTS_FACTOR), 4))
    features[...] = [0, 0.1, 80, 12]
    features[..., 0] = likelihoods[:, None]
    assert (np.diff(calibration.error_px(features), axis=0) <= 0).all()


def test_where_errors_grow_with_likelihood_nothing_is_learned_from_it():
    rng = np.random.default_rng(0)
    features = rng.uniform(0.05, 0.95, (100, 2, 1))
    calibration = fit_calibration(features, np.exp(3 * features[..., 0]))
    assert calibration.weights == [-1]
    assert len(set(calibration.error_px(features).round(6).ravel())) <= 2  # of the two parts


def test_the_chance_to_be_labeled_by_hand():
    features = np.repeat([0.1, 0.2, 0.9], 30).reshape(90, 1, 1)
    errors = np.repeat([np.nan, 3.0, 3.0], 30).reshape(90, 1)
    errors[30:45] = np.nan  # half of those of likelihood 0.2
    visible = fit_calibration(features, errors).visible(np.array([0.0, 0.1, 0.2, 0.55, 1.0]).reshape(5, 1, 1))
    np.testing.assert_allclose(visible[:, 0], [0, 0, 0.5, 0.75, 1])


def test_what_the_maps_do_not_tell_is_not_made_up(calibration):
    features = np.full((1, len(PARTS_FACTOR), 4), np.nan)
    features[0, 0] = [0.9, 0.1, 50, 12]
    for values in (calibration.error_px(features), calibration.radius90_px(features), calibration.visible(features)):
        assert np.isfinite(values[0]).tolist() == [True] + [False] * (len(PARTS_FACTOR) - 1)


def test_a_posture_tells_of_errors_that_the_maps_do_not():
    """Parts are off by what the posture says; of a new pose it may be unknown, and of all labels, too."""
    rng = np.random.default_rng(0)
    maps, posture = np.full((200, 4, 4), 0.5), np.exp(rng.uniform(0, 4, (200, 4)))
    errors = posture * np.exp(rng.normal(0, 0.1, (200, 4)))
    calibration = fit_calibration(np.concatenate([maps, posture[..., None]], axis=-1), errors)
    new = np.full((1, 4, 5), 0.5)
    new[0, :, 4] = [2, 20, np.nan, 50]
    near, far, unknown, farther = calibration.error_px(new)[0]
    np.testing.assert_allclose([near, far, farther], [2, 20, 50], rtol=0.15)
    assert unknown == pytest.approx(np.exp(2), rel=0.25)
    never = np.concatenate([maps, np.full((200, 4, 1), np.nan)], axis=-1)
    np.testing.assert_allclose(fit_calibration(never, errors).error_px(new)[0], np.median(errors), rtol=0.05)


def test_a_calibration_of_the_maps_alone_is_still_read(calibration):
    evidence = np.concatenate([make_poses(5, seed=1)[0], np.full((5, len(PARTS_FACTOR), 1), 30.0)], axis=-1)
    np.testing.assert_array_equal(calibration.error_px(evidence), calibration.error_px(evidence[..., :4]))


def test_too_few_labels_say_so():
    features, errors = np.full((10, 4, 1), 0.5), np.full((10, 4), 2.0)
    assert isinstance(fit_calibration(features, errors), Calibration)
    errors[0, 0] = np.nan
    assert fit_calibration(features, errors) == (
        f"39 labels were placed by hand on images that it did not train on, and at least {FEWEST_LABELS} are needed: "
        "label more, or lower TrainingFraction, and train and evaluate again"
    )
    assert held_out(features, np.full((10, 4), 2.0)).startswith("32 labels were placed")


def test_json_gives_back_the_same_calibration(calibration):
    again = Calibration.from_json(json.loads(json.dumps(calibration.as_json())))
    assert again == calibration
    with pytest.raises(TypeError, match="unexpected keyword argument 'slope'"):
        Calibration.from_json({**calibration.as_json(), "slope": [1.0]})


def test_the_cutoff_is_the_least_likelihood_with_nine_of_ten_within():
    likelihoods = np.linspace(0.05, 1, 20)[:, None]
    errors = np.where(likelihoods < 0.5 - 1e-9, 30.0, 1.0)  # 11 small errors: one large one may join them, two may not
    np.testing.assert_allclose(recommended_pcutoff(likelihoods, errors, wanted_px=5), [0.425])
    np.testing.assert_allclose(recommended_pcutoff(likelihoods, errors, wanted_px=30), [0.05])


def test_where_all_are_near_enough_lower_likelihoods_than_those_seen_pass():
    likelihoods = np.linspace(0.9993, 0.9999, 20)[:, None]
    np.testing.assert_allclose(recommended_pcutoff(likelihoods, np.ones((20, 1)), wanted_px=5), [0.1])


def test_there_is_no_cutoff_where_none_reaches_it_or_too_few_labels_tell():
    likelihoods = np.tile(np.linspace(0.05, 1, 20)[:, None], (1, 3))
    errors = np.ones((20, 3))
    errors[:, 1] = 9
    errors[7:, 2] = np.nan
    np.testing.assert_allclose(recommended_pcutoff(likelihoods, errors, wanted_px=5), [0.05, np.nan, np.nan])


@pytest.mark.parametrize("order", [1, -1])
def test_a_cutoff_lets_all_poses_of_its_likelihood_pass(order):
    likelihoods, errors = np.ones((20, 1)), np.repeat([1.0, 50.0], 10)[::order, None]
    assert np.isnan(recommended_pcutoff(likelihoods, errors, wanted_px=5)).all()
