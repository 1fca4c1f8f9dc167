"""What is said of a calibration that is not good."""

import numpy as np
import pytest

from dlc_toolbox.cameras.adjust import Adjusted
from dlc_toolbox.cameras.boards import Corners
from dlc_toolbox.cameras.calibrate import Calibration
from dlc_toolbox.project.cameras import View
from dlc_toolbox.steps.cameras import _facts, _tell
from tests.studio import make_cameras

VIEWS = (View("A", "*camA"), View("B", "*camB"))


@pytest.fixture
def make_calibration():
    """``make_calibration(off_px, focal_se, span_px)``: two cameras; what is said is of the second."""

    def make(off_px: float, focal_se: float, span_px: float) -> Calibration:
        spans = [(500, 380), (span_px, 380)]
        seen = np.concatenate([np.array([[0.0, 0], span]) for span in spans])
        corners = Corners(np.array([0, 0, 1, 1]), np.zeros(4, int), np.arange(4), seen)
        away = np.array([[0.3, 0.4], [0.3, -0.4], [off_px, 0], [0, off_px]])
        adjusted = Adjusted(make_cameras(2), {}, np.array([0.5, focal_se]), {(0, 1): (338.1, 0.2)})
        return Calibration(adjusted, corners, away, np.array([0.99, 1.01, 1.03]))

    return make


def test_what_is_good_is_told_without_a_warning(make_calibration, caplog):
    caplog.set_level("INFO")
    _tell(make_calibration(0.2, 0.6, 500), VIEWS)
    assert "Camera A: reprojection error 0.50 px, focal length 619.1 px (standard error 0.5)" in caplog.text
    assert "Distance of A and B: 338.10 (standard error 0.20)" in caplog.text
    assert "held out: 1.00 % too long on average, spread 1.63 %" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ((3.0, 0.6, 500), "camera B: 3.0 px are much. Did the board or the cameras move or blur"),
        ((0.2, 20.0, 500), "camera B: its focal length is not well known; show it the board tilted, near and far"),
        ((0.2, 0.6, 280), "camera B has seen the board in 50 % of its picture's width or height only"),
    ],
)
def test_what_is_not_good_is_a_warning(make_calibration, values, warning, caplog):
    _tell(make_calibration(*values), VIEWS)
    (record,) = caplog.records
    assert record.levelname == "WARNING" and record.getMessage().startswith(warning)


def test_the_record_tells_the_same(make_calibration):
    told = _facts(make_calibration(0.2, 0.6, 500))
    assert told["error_px"] == {"A": 0.5, "B": 0.2}
    assert told["focal_length_px"]["A"] == [619.08, 0.5]
    assert told["distances"] == {"A - B": [338.1, 0.2]}
    assert told["held_out_lengths"] == {"count": 3, "mean": 1.01, "sd": 0.01633}
