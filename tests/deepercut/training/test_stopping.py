"""When a training ends before its last iteration."""

from types import SimpleNamespace

import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.training.stopping import StopWhenStalled, has_stalled, in_words, warn_of_patience, why_finished

FALLING = {100: 9.0, 200: 5.0, 300: 4.5}
STALLED = {100: 9.0, 200: 5.0, 300: 5.0, 400: 6.0}


@pytest.mark.parametrize(
    ("errors", "patience", "expected"),
    [
        ({}, 1, False),
        ({100: 9.0}, 1, False),
        (FALLING, 100, False),
        (STALLED, 200, True),  # an equal error is no lower one
        (STALLED, 201, False),
        (STALLED, None, False),
        ({100: 1.0, 250: 2.0}, 100, True),  # measured seldom
    ],
)
def test_stalled_by_hand(errors, patience, expected):
    assert has_stalled(errors, patience) is expected


def test_the_training_ends_when_the_error_has_stalled():
    statistics = SimpleNamespace(errors=dict(FALLING))
    stop, model = StopWhenStalled(statistics, 100), SimpleNamespace(stop_training=False)
    stop.set_model(model)
    stop.on_train_batch_end(0)
    assert not stop.noted and not model.stop_training
    statistics.errors[400] = 4.6
    stop.on_train_batch_end(1)
    assert stop.noted and model.stop_training


@pytest.fixture
def config(make_train_folder):
    folder = make_train_folder(max_iters=1000, validation_fraction=0.2, patience=200)
    rows = "".join(f"{iteration},{error}\n" for iteration, error in {**STALLED, 500: 1.0}.items())
    (folder / "learning_stats.csv").write_text(f"iteration,validation_error_px\n{rows}")
    return load_config(folder / "pose_cfg.yaml")


def test_a_resumed_training_knows_that_it_had_ended(config):
    assert why_finished(config, 300) is None
    assert why_finished(config, 0) is None
    assert why_finished(config, 500) is None  # then the error fell
    reason = why_finished(config, 400)
    assert reason.startswith("Error on held-out images: 6.00 px after 400 iterations; lowest 5.00 px, after 200 (")
    assert "). It has not fallen for 200 iterations, which ends the training (patience 200). To go on" in reason
    assert why_finished(config, 1000) == "it has 1000 iterations; max_iters 1000 asks for no more"


def test_words_without_patience_are_one_sentence():
    (sentence,) = in_words(FALLING)
    assert sentence.startswith("Error on held-out images: 4.50 px after 300 iterations; lowest 4.50 px, after 300 (")


def test_patience_that_cannot_work_is_said(config, make_config, caplog):
    caplog.set_level("INFO")
    labeled = SimpleNamespace(joints=np.zeros((1, 3)))
    warn_of_patience(config, [labeled])
    warn_of_patience(make_config(), [])
    assert caplog.text == ""
    warn_of_patience(config, [SimpleNamespace(joints=np.zeros((0, 3)))])
    assert "No labeled image is held out, so patience cannot end this training" in caplog.text
    assert "a new one with more labeled images, or a larger validation_fraction (at most 0.5)" in caplog.text
    warn_of_patience(make_config(patience=5, lr_schedule="cosine"), [labeled])
    assert "With lr_schedule cosine the error often falls most near max_iters" in caplog.text


def test_patience_needs_held_out_images(make_train_folder):
    folder = make_train_folder(patience=200)
    with pytest.raises(DeepercutError, match=r"patience is 200, but validation_fraction is 0, so that no error"):
        load_config(folder / "pose_cfg.yaml")
