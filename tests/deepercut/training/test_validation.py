"""Held-out images: which, their error, their pictures."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from deepercut import DeepercutError
from deepercut.data.dataset import TrainingImage
from deepercut.network.posenet import build_posenet
from deepercut.training.validation import Validation, draw_pose, errors_px, hold_out

pytestmark = pytest.mark.usefixtures("thin")


def make_images(count: int) -> list[TrainingImage]:
    return [TrainingImage(Path(f"{number}.png"), (100, 100), np.empty((0, 3))) for number in range(count)]


def names(images) -> list[str]:
    return [image.path.stem for image in images]


@pytest.mark.parametrize(
    ("count", "fraction", "held"), [(72, 0.1, 7), (6, 0.1, 1), (4, 0.1, 0), (2, 0.5, 1), (1, 0.5, 0), (3, 0, 0)]
)
def test_a_share_is_held_out_and_nothing_is_lost(count, fraction, held):
    images = make_images(count)
    training, held_out = hold_out(images, fraction, seed=1)
    assert len(held_out) == held
    assert sorted(names(training) + names(held_out), key=int) == names(images)
    assert names(training) == sorted(names(training), key=int)


def test_the_seed_alone_chooses():
    images = make_images(40)
    chosen = [names(hold_out(images, 0.2, seed)[1]) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_a_resumed_run_holds_out_the_images_that_it_has_held_out():
    images = make_images(10)
    held_out = hold_out(images, 0.3, seed=1)[1]
    kept = [image.name for image in held_out]
    for left in (images, images[:5]):
        again = hold_out(left, 0.3, 1, kept)
        assert again == ([i for i in left if i.name not in kept], [i for i in left if i.name in kept])
    assert hold_out(images, 0.3, 1, kept=[]) == (images, [])


def test_errors_by_hand():
    pose = np.array([[0, 0, 1], [3, 4, 0.1], [10, 10, 1]])
    joints = np.array([[1, 0, 0], [2, 10, 10.5], [1, 3, 4]])
    assert errors_px(pose, joints).tolist() == [5, 0.5, 0]
    assert errors_px(pose, np.empty((0, 3))).size == 0


@pytest.fixture
def labeled(tmp_path, draw_dots) -> list[TrainingImage]:
    """Three images of different sizes; the first has no label."""
    images = []
    for number, size in enumerate([(40, 56), (56, 40), (33, 70)]):
        joints = np.array([[0, 10.0 + number, 12.0], [1, 20.0, 30.0]])
        path = tmp_path / f"{number}.png"
        Image.fromarray(draw_dots(joints[:, 1:], size=size)).save(path)
        images.append(TrainingImage(path, size, joints if number else np.empty((0, 3))))
    return images


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_posenet(50, 2, (123.68, 116.779, 103.939))


def test_the_error_is_pooled_over_the_labeled_pairs_of_whole_frames(network, labeled):
    validation = Validation(network, 7.2801, [], labeled)
    positions = {image.size: image.joints[:, 1:] for image in labeled[1:]}

    def predict(frames):
        xy = positions.get(frames.shape[1:3], np.zeros((2, 2))) + [[3, 4], [0, 1]]
        return np.column_stack([xy, np.ones(2)])[None]

    validation.predict = predict
    error_px, pictures = validation.measure()
    assert error_px == (5 + 1 + 5 + 1) / 4
    assert [picture.shape[:2] for picture in pictures] == [image.size for image in labeled]


def test_without_held_out_images_training_images_are_drawn_and_nothing_is_measured(network, labeled):
    error_px, pictures = Validation(network, 7.2801, labeled * 3, []).measure()
    assert np.isnan(error_px)
    assert len(pictures) == 4


def test_the_network_is_seen_as_it_is_now(network, labeled):
    validation = Validation(network, 7.2801, [], labeled)
    before, _ = validation.measure()
    head = network.get_layer("locref_pred")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + 10])
    after, _ = validation.measure()
    head.set_weights([kernel, bias])
    assert after != before
    assert validation.measure()[0] == before


def test_a_changed_image_is_named(network, labeled):
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(labeled[1].path)
    with pytest.raises(DeepercutError, match=r"1\.png is 9 x 9 pixels, but was 40 x 56"):
        Validation(network, 7.2801, [], labeled).measure()


def test_a_picture_shows_label_and_prediction_in_the_colour_of_the_part():
    frame = np.zeros((80, 100, 3), np.uint8)
    pose = np.array([[60.0, 20.0, 0.9], [30.0, 60.0, 0.05]])
    picture = draw_pose(frame, np.array([[0, 20.0, 30.0]]), pose)
    assert not frame.any()
    red, cyan = [255, 0, 0], [0, 255, 255]
    assert picture[30, 14].tolist() == picture[24, 20].tolist() == red  # arms of the label's +
    assert picture[20, 60].tolist() == picture[20, 62].tolist() == red  # a dot
    assert picture[58, 28].tolist() == picture[62, 28].tolist() == cyan  # an unsure one's x
    assert not picture[60, 28].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30, 80.0, -0.1])
def test_what_lies_outside_or_nowhere_is_not_drawn(value):
    assert not draw_pose(np.zeros((80, 80, 3), np.uint8), np.empty((0, 3)), np.array([[40.0, value, 0.9]])).any()


def test_a_large_picture_is_made_smaller_with_its_marks():
    picture = draw_pose(np.zeros((1280, 640, 3), np.uint8), np.array([[0, 199.5, 999.5]]), np.array([[0, 0, 1.0]]))
    assert picture.shape == (640, 320, 3)
    assert picture[500, 100].tolist() == [255, 0, 0]
