"""What would make a network better, in words."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dlc_toolbox.evaluation.outlook import outlook_in_words
from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, write_table

PARTS = ("nose", "paw", "tail")


@pytest.fixture
def settings(trained_project):
    return replace(load_settings(trained_project), wantederror=5.0)


@pytest.fixture
def errors_of(trained_project):
    """``errors_of(train, test)``: an evaluation whose poses lie so many pixels to the right of the labels, by image."""

    def make(train, test):
        apart = np.array([*train, *test], float)
        labels = np.full((len(apart), 3, 2), 50.0)
        poses = np.ones((len(apart), 3, 3))
        poses[..., :2] = labels + [1, 0] * apart[:, None, None]
        images = [f"toy/img{number:03d}.png" for number in range(len(apart))]
        network = SimpleNamespace(layout=Layout(trained_project))
        return Evaluation(network, PARTS, images, np.arange(len(apart)) < len(train), labels, poses)

    return make


def test_more_labels(errors_of, settings):
    assert outlook_in_words(errors_of([2] * 12, [8] * 10), settings) == (
        "Mean error 8.0 px on 10 test images, 2.0 px on the 12 images that trained the network; the gap of 6.0 px is "
        "75% of the test error (95 % interval 75% to 75%): more labels help, longer training hardly"
    )


def test_longer_training(errors_of, settings):
    said = outlook_in_words(errors_of([7] * 12, [8] * 10), settings)
    assert "the gap of 1.0 px is 12% of the test error" in said
    assert said.endswith(
        ": longer training helps, more labels hardly, unless the labels themselves are no more precise than that"
    )


def test_no_gap_at_all(errors_of, settings):
    said = outlook_in_words(errors_of([9] * 12, [8] * 10), settings)
    assert (
        "9.0 px on the 12 images that trained the network, so there is no gap (95 % interval -12% to -12%): longer"
        in said
    )


def test_few_images_cannot_tell(errors_of, settings):
    said = outlook_in_words(errors_of([2] * 12, [2] * 9 + [40]), settings)
    assert said.endswith(": whether longer training or more labels help more cannot be told from so few images")
    assert outlook_in_words(errors_of([2] * 12, [2] * 9), settings) == (
        "Whether longer training or more labels help more cannot be told: 12 training and 9 test images have labels, "
        "and 10 of each are needed"
    )


def test_an_error_as_small_as_wanted_is_said(errors_of, settings):
    said = outlook_in_words(errors_of([1] * 12, [4] * 10), settings)
    assert said.endswith("more labels help, longer training hardly. The test error is within wantederror (5 px)")


def test_held_out_images_are_on_neither_side(errors_of, settings):
    """With the two held-out images the training error would be 3 px, and the gap just over half."""
    evaluation = errors_of([2] * 10 + [8, 8], [8] * 10)
    assert "3.0 px on the 12 images" in outlook_in_words(evaluation, settings)
    held_out = ["toy/img010.png", "toy/img011.png", "other/img000.png"]
    said = outlook_in_words(replace(evaluation, held_out=held_out), settings)
    assert "2.0 px on the 10 images that trained the network; the gap of 6.0 px is 75%" in said


@pytest.mark.parametrize(
    ("apart", "end"), [(9.0, "9.0 px apart from yours, so neither will help much"), (7.0, "hardly")]
)
def test_no_network_is_better_than_people_agree(errors_of, settings, apart, end):
    evaluation = errors_of([2] * 12, [8] * 10)
    labels = evaluation.labels[12:15] + [0, apart]
    table = make_table("Bob", PARTS, evaluation.images[12:15], labels)
    write_table(table, evaluation.network.layout.label_table(settings.Task, "Bob"))
    said = outlook_in_words(evaluation, replace(settings, Scorers=("Ann", "Bob")))
    assert said.endswith(end)
    assert ("the labels of Bob lie" in said) == (apart == 9)
