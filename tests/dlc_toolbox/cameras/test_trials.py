"""Which videos belong together, and what is said where they do not."""

from pathlib import Path

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.trials import Trial, check_clocks, check_gaps, find_trials, tell_lengths, to_view
from dlc_toolbox.project.cameras import View

PAIR = (View("A", "*camA*"), View("B", "*camB*"))


def paths(*names: str) -> list[Path]:
    return [Path("videos") / name for name in names]


def test_the_stars_tell_what_belongs_together(caplog):
    videos = paths("d1_camA_x.mp4", "d1_camB_x.mp4", "d1_camB_y.mp4", "d1_camA_y.mp4", "d2_camA_x.mp4", "notes.mp4")
    trials = find_trials(videos, PAIR)
    assert [(trial.name, list(trial.videos)) for trial in trials] == [("d1_x", ["A", "B"]), ("d1_y", ["A", "B"])]
    assert trials[1].videos["B"].name == "d1_camB_y.mp4"
    assert trials[0].folder == Path("videos")
    assert "notes.mp4: fit the pattern of no camera, and are left out" in caplog.text
    assert "d2_x has no video of camera B; it is left out" in caplog.text


def test_two_of_three_cameras_are_enough(caplog):
    trials = find_trials(paths("1camA.avi", "1camC.avi"), (*PAIR, View("C", "*camC*")))
    assert [(trial.name, list(trial.videos)) for trial in trials] == [("1", ["A", "C"])]
    assert "1 has no video of camera B" in caplog.text and "left out" not in caplog.text


def test_videos_without_more_in_their_names_are_one_recording():
    (trial,) = find_trials(paths("top.avi", "side.avi"), (View("top", "top"), View("side", "side.avi")))
    assert (trial.name, trial.videos["side"].name) == ("recording", "side.avi")


def test_each_camera_may_have_a_folder():
    videos = [Path(f"rig/{day}/cam{name}/{run}.avi") for day in ("mon", "tue") for name in "AB" for run in (1, 2)]
    trials = find_trials(videos, (View("A", "camA/*.avi"), View("B", "camB/*")))
    assert [(trial.name, str(trial.folder)) for trial in trials] == [
        (run, f"rig/{day}/camA") for day in ("mon", "tue") for run in ("1", "2")
    ]
    assert {video.parent.name for video in trials[3].videos.values()} == {"camA", "camB"}


def test_parts_of_one_video_are_cameras():
    views = (View("top", "*", (0, 100, 0, 50), True), View("side", "*", (0, 100, 50, 100)))
    trials = find_trials(paths("a.avi", "b.avi"), views)
    assert [trial.name for trial in trials] == ["a", "b"]
    assert set(trials[0].videos.values()) == {Path("videos/a.avi")}


@pytest.mark.parametrize(
    ("names", "views", "message"),
    [
        (["x_camA.avi"], (), "names no cameras: set cameras = "),
        (["x_camA_camB.avi"], PAIR, r"x_camA_camB.avi fits the patterns of the cameras A \(\*camA\*\) and B"),
        (["x_camA.avi", "x_camA.mp4"], PAIR, "x_camA.avi and x_camA.mp4 both seem to be camera A of one trial"),
        (
            ["d_camA_1.avi", "d_camB_1.avi", "d-camA-1.avi", "d-camB-1.avi"],
            PAIR,
            r"d-camA-1.avi and d_camA_1.avi would both be called d_1: rename the videos of one",
        ),
        (["x_camA.avi", "y_camB.avi"], PAIR, r"none of 2 videos belong together by the patterns of cameras \(A: "),
    ],
)
def test_what_is_not_clear_is_asked(names, views, message):
    with pytest.raises(ToolboxError, match=message):
        find_trials(paths(*names), views)


DAY = Trial("day1", {name: Path(f"day1_cam{name}.avi") for name in "ABC"})
ROWS = np.arange(2000)


def check(a, b, **offsets: int) -> None:
    check_clocks(DAY, {"A": np.asarray(a), "B": np.asarray(b)}, offsets)


def test_rates_that_drift_apart_by_half_a_frame_are_refused():
    check(ROWS[:400] / 29.97, ROWS[:400] / 30)
    told = r"day1: day1_camA\.avi and day1_camB\.avi drift apart by their times \(on average 29.97 and 30 frames/s\).*"
    with pytest.raises(ToolboxError, match=told + r"from frame 505 of day1_camA\.avi on, and by 2\.0 frames"):
        check(ROWS / 29.97, ROWS / 30)
    with pytest.raises(ToolboxError, match=r"25 and 50 frames/s.*set commontrigger = True in myconfig_analysis"):
        check(ROWS[:12] / 25, ROWS[:12] / 50)
    times = {"A": ROWS / 30, "B": ROWS / 30.009, "C": ROWS / 29.991}  # 0.4 frames from A are 0.8 from each other
    with pytest.raises(ToolboxError, match=r"day1_camA\.avi and day1_camB"):
        check_clocks(DAY, times, {})
    short = {name: each[:1000] for name, each in times.items()}
    with pytest.raises(ToolboxError, match=r"day1_camB\.avi and day1_camC"):
        check_clocks(DAY, short, {})


def test_times_that_drift_apart_are_refused_whatever_their_mean():
    uneven = np.cumsum([0, *[0.05] * 14, 0.04, *[0.03] * 14])
    for pair in ((ROWS[:30] / 25, uneven), (uneven, ROWS[:30] / 25)):
        with pytest.raises(ToolboxError, match=r"average 25 and 25 .* by 2\.6 frames \(0\.11 s\) at its frame 12"):
            check(*pair)
    check(ROWS[:5] / 25, ROWS[:5] / 50)  # too few moments to tell


def test_moments_are_compared_by_their_offsets():
    slow_at_first = np.cumsum([0, *[0.08] * 10, *[0.04] * 90])
    check(slow_at_first, ROWS[:100] / 25, A=10)
    check(ROWS[:100] / 25, slow_at_first, A=-10)
    check(slow_at_first, slow_at_first[8:], B=-8)
    with pytest.raises(ToolboxError, match=r"from frame 8 of day1_camA\.avi on, and by 5\.5 frames .* at its frame 10"):
        check(slow_at_first, ROWS[:100] / 25, A=2)


@pytest.mark.parametrize("fps", [25, 30, 59.94, 240, 900])
@pytest.mark.parametrize("unit_s", [1 / 1000, 1 / 90_000])
def test_coarse_and_uneven_stamps_are_no_drift(fps, unit_s):
    rng = np.random.default_rng(0)
    true = ROWS / fps
    check(np.round(true / unit_s) * unit_s, 3600 + np.round((true + 0.3 / fps) / unit_s) * unit_s)
    check(*(true + rng.uniform(-0.5, 0.5, len(true)) / fps for _ in range(2)))
    late = true + np.where(ROWS % 100 < 5, (4.5 - ROWS % 100) / fps, 0)
    check(late, true)


def test_what_passes_in_a_pause_of_both_is_no_drift():
    def paused(pause_s):
        return ROWS[:100] / 25 + np.where(ROWS[:100] > 50, pause_s, 0)

    check(paused(10), paused(10.05))
    for longer_s in (0.05, 10.1):
        with pytest.raises(ToolboxError, match=r"from frame 51 of day1_camA\.avi on"):
            check(paused(longer_s), paused(10 if longer_s > 1 else 0))


def test_a_video_without_a_rate_is_told(caplog):
    check_clocks(DAY, {"A": ROWS / 25, "B": None}, {})
    assert "day1: nothing tells the frame rate of B; it is taken to be that of the others" in caplog.text


def test_a_camera_that_lost_frames_where_another_did_not_is_refused():
    lengths, offsets = {"A": 100, "B": 103}, {"B": 3}
    check_gaps("day1", {"A": {59: 2, 80: 250}, "B": {62: 2, 83: 251}}, lengths, offsets)  # both paused
    check_gaps("day1", {"A": {59: 1, 80: 1}}, lengths, offsets)  # of B nothing is known
    check_gaps("day1", {"A": {}, "B": {0: 1, 1: 1, 102: 1}}, lengths, offsets)  # A shows nothing there
    told = "day1: by its time stamps camera {} lost {} frames after its frame {}, where camera {} lost {}: later frames"
    with pytest.raises(ToolboxError, match=told.format("B", 1, 62, "A", "none")):
        check_gaps("day1", {"A": {}, "B": {62: 1}}, lengths, offsets)
    with pytest.raises(ToolboxError, match=told.format("A", 1, 59, "B", "none")):
        check_gaps("day1", {"A": {59: 1}, "B": {59: 1}}, lengths, offsets)
    with pytest.raises(ToolboxError, match=told.format("A", 1, 59, "B", 3)):
        check_gaps("day1", {"A": {59: 1}, "B": {62: 3}}, lengths, offsets)


def test_different_lengths_are_said(caplog):
    assert tell_lengths("day1", {"A": 100, "B": 103}, {"B": 3}) == 100
    assert not caplog.text
    assert tell_lengths("day1", {"A": 100, "B": 103}, {"B": -2}) == 105
    assert "different numbers of frames from the first moment on (A 100, B 105); if a camera lost frames" in caplog.text


def test_an_offset_beyond_the_last_frame_is_refused():
    with pytest.raises(ToolboxError, match="day1: by cameraoffsets frame 53 of camera B shows the first moment"):
        tell_lengths("day1", {"A": 60, "B": 53}, {"B": 53})
    assert tell_lengths("day1", {"A": 1, "B": 53}, {"B": 52}) == 1
    assert tell_lengths("day1", {"A": 60, "B": 0}, {}) == 60, "a video without frames is told elsewhere"


def test_a_mirrored_view_is_flipped():
    view = View("top", "*", (100, 200, 30, 80), mirrored=True)
    found = to_view(np.array([[100.0, 30], [199, 79], [np.nan, np.nan]]), view, 640)
    np.testing.assert_array_equal(found, [[99, 0], [0, 49], [np.nan, np.nan]])
    whole = View("A", "*", mirrored=True)
    assert to_view(np.array([0.0, 5]), whole, 640).tolist() == [639, 5]
    assert to_view(np.array([7.0, 5]), View("A", "*"), 640).tolist() == [7, 5]
