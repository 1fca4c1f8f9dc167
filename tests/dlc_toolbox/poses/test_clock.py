"""Times of frames are those of the recording, or none."""

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.poses.clock import Clock


def test_even_times_follow_from_the_rate():
    clock = Clock.recorded({"fps": 4.0, "fps_is_assumed": False, "frame_times_s": None})
    assert clock.is_even
    assert clock.seconds(6, 3).tolist() == [1.5, 1.75, 2.0]


def test_uneven_times_are_each_frame_s_own():
    clock = Clock.recorded({"fps": 5.0, "frame_times_s": [0.0, 0.1, 0.6, 0.7]})
    assert not clock.is_even
    assert clock.seconds(1, 2).tolist() == [0.1, 0.6]


@pytest.mark.parametrize("record", [{"fps": 25.0, "fps_is_assumed": True}, {"fps": None}, {}])
def test_what_nobody_told_is_not_made_up(record):
    assert Clock.recorded(record).fps is None
    assert Clock.recorded(record).seconds(0, 3) is None


def test_an_assumed_rate_has_no_times_even_where_the_record_lists_some():
    assert Clock.recorded({"fps": 25.0, "fps_is_assumed": True, "frame_times_s": [0, 1]}).seconds(0, 2) is None


@pytest.mark.parametrize(
    ("times", "told"),
    [({"x": []}, "fps or frame_times_s"), (["soon"], "fps or frame_times_s"), ([0, 1], "not one time for each frame")],
)
def test_a_damaged_record_is_told(times, told):
    with pytest.raises(ToolboxError, match=rf"is damaged \(.*{told}.*AnalyzeVideos\.py --overwrite"):
        Clock.recorded({"fps": 25.0, "frames": 3, "frame_times_s": times})


def test_pieces_make_the_whole():
    clock = Clock(30.0)
    pieces = [clock.seconds(first, 10) for first in (0, 10, 20)]
    np.testing.assert_array_equal(np.concatenate(pieces), clock.seconds(0, 30))
