"""Clips of labeled videos: the right frames, as long and as fast as wanted, and current ones kept."""

from __future__ import annotations

import json
import math
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.poses import clips
from dlc_toolbox.poses.clips import Clip, clip_of, cut_clip
from dlc_toolbox.project.layout import labeled_video, pose_record
from dlc_toolbox.video.finding import find_videos
from dlc_toolbox.video.video import Video, writing_video

SIDE = 8
"""Frames tell their number in two digits to the base of 8: the gray values of their upper and lower half."""


def numbered(number: int, width: int, height: int) -> np.ndarray:
    frame = np.empty((height, width, 3), np.uint8)
    frame[: height // 2], frame[height // 2 :] = 16 + 32 * (number // SIDE), 16 + 32 * (number % SIDE)
    return frame


def number_of(frame: np.ndarray) -> int:
    height = len(frame)
    high, low = (round((frame[row].mean() - 16) / 32) for row in (height // 4, 3 * height // 4))
    return SIDE * high + low


def write_numbered(path: Path, times: list[int], rate: Fraction, time_base: Fraction, size=(64, 48)) -> Path:
    with writing_video(path, *size, rate, time_base) as write:
        for number, time in enumerate(times):
            write(numbered(number, *size), time)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A video of 50 frames at 25 frames/s, and its labeled one, whose frames have the same numbers."""
    video = tmp_path / "mouse.avi"
    for path in (video, labeled_video(video)):
        write_numbered(path, list(range(50)), Fraction(25), Fraction(1, 25))
    return video, labeled_video(video)


def shown(path: Path) -> list[int]:
    return [number_of(frame) for frame in Video(path)]


@pytest.mark.parametrize(
    ("clip", "frames", "rate"),
    [
        (Clip(1, 1.4), range(25, 35), 25),
        (Clip(1, 1.4, 0.1), range(25, 35), Fraction(5, 2)),
        (Clip(1.01, 1.41), range(25, 35), 25),  # frame 25 is shown at 1.01 s
        (Clip(1.6, 9), range(40, 50), 25),
        (Clip(speed=0.5), range(50), Fraction(25, 2)),
        (Clip(0, 2, 4), [round(25 / 60 * 4 * place + 25 / 60 * 2 - 0.5) for place in range(30)], 60),
        (Clip(0, 0.2, 0.02), [number for number in range(5) for _ in range(2)], 1),
    ],
)
def test_a_clip_has_each_frame_once_at_its_time(pair, clip, frames, rate):
    out = cut_clip(*pair, clip)
    made = Video(out)
    assert made.rate == rate
    found = shown(out)
    assert len(found) == len(frames)
    differences = np.abs(np.array(found) - list(frames))
    assert differences.max() <= (1 if clip.speed > 1 else 0)
    assert (made.width, made.height) == (64, 48)


def test_a_fast_clip_begins_with_the_first_of_its_frames(pair):
    assert shown(cut_clip(*pair, Clip(1, 1.04, 8))) == [25]


def test_frames_of_an_uneven_clock_are_shown_as_long_as_they_were(tmp_path):
    """Frame 1 stands from 40 to 440 ms: ten of the clip's frames."""
    video = tmp_path / "uneven.avi"
    times = [0, 40, 440, 480, 520, 560, 600, 640]
    for path in (video, labeled_video(video)):
        write_numbered(path, times, Fraction(25), Fraction(1, 1000))
    out = cut_clip(video, labeled_video(video), Clip(0, 0.6))
    rate = float(Video(out).rate)
    expected = [
        np.searchsorted(times, 1000 * (place + 0.5) / rate, side="right") - 1 for place in range(len(shown(out)))
    ]
    assert shown(out) == expected
    assert shown(out).count(1) == pytest.approx(0.4 * rate, abs=1)
    assert len(shown(out)) / rate == pytest.approx(0.6, abs=1 / rate)


def test_the_original_stands_to_the_left_with_the_same_frames(tmp_path):
    video = tmp_path / "mouse.avi"
    write_numbered(video, list(range(50)), Fraction(25), Fraction(1, 25), size=(71, 53))
    write_numbered(labeled_video(video), list(range(50)), Fraction(25), Fraction(1, 25), size=(33, 23))
    crop = (10, 43, 20, 43)
    out = cut_clip(video, labeled_video(video), Clip(0.4, 0.8, 0.5, beside=True), crop=crop)
    assert out.name == "mouse_0.4-0.8s_speed0.5_beside_DeepLabCutlabeled.mp4"
    frames = list(Video(out))
    assert {frame.shape for frame in frames} == {(24, 68, 3)}
    assert [number_of(frame[:, 36:66]) for frame in frames] == list(range(10, 20))
    low = [round((frame[20, 2:30].mean() - 16) / 32) for frame in frames]
    assert low == [number % SIDE for number in range(10, 20)], "the crop shows the lower half from row 6 on"


def test_a_lost_frame_of_the_original_is_black_beside_its_labeled_one(pair, monkeypatch):
    class WithLost(Video):
        def frames(self, start=0):
            for row, (time, frame) in enumerate(super().frames(start), start):
                yield time, None if row == 11 else frame

    monkeypatch.setattr(clips, "open_frames", WithLost)
    frames = list(Video(cut_clip(*pair, Clip(0.4, 0.8, beside=True))))
    assert [number_of(frame[:, 70:120]) for frame in frames] == list(range(10, 20))
    assert [frame[:, 5:60].max() < 12 for frame in frames] == [False, True] + [False] * 8


def test_a_gif_shows_the_same_frames_as_long(pair):
    out = cut_clip(*pair, Clip(0.4, 0.8, 0.5), gif=True)
    assert out.name == "mouse_0.4-0.8s_speed0.5_DeepLabCutlabeled.mp4"
    with Image.open(out.with_suffix(".gif")) as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (10, (64, 48), 0)
        found = []
        for number in range(10):
            gif.seek(number)
            assert gif.info["duration"] == 80
            found.append(number_of(np.asarray(gif.convert("RGB"))))
    assert found == list(range(10, 20))


def test_the_times_of_a_gif_are_true_whatever_the_rate(tmp_path):
    """30 frames/s would be 3.33 hundredths of a second, which a GIF cannot say: 4, so 25 frames/s."""
    video = tmp_path / "mouse.avi"
    for path in (video, labeled_video(video)):
        write_numbered(path, list(range(60)), Fraction(30), Fraction(1, 30))
    out = cut_clip(video, labeled_video(video), Clip(), gif=True)
    with Image.open(out.with_suffix(".gif")) as gif:
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
    assert sum(durations) == 2000


def test_a_gif_is_shrunk_and_one_that_memory_could_not_hold_is_refused(tmp_path, pair, monkeypatch):
    video = tmp_path / "wide.avi"
    for path in (video, labeled_video(video)):
        write_numbered(path, [0, 1], Fraction(25), Fraction(1, 25), size=(1280, 320))
    out = cut_clip(video, labeled_video(video), Clip(), gif=True)
    with Image.open(out.with_suffix(".gif")) as gif:
        assert gif.size == (640, 160)
    monkeypatch.setattr(clips, "_GIF_BYTES", 64 * 48 * 3 * 9)
    with pytest.raises(ToolboxError, match=r"would have 10 frames; a GIF of 64 x 48 pixels can have 9: choose fewer"):
        cut_clip(*pair, Clip(0.4, 0.8), gif=True)
    assert not list(tmp_path.glob("mouse*.gif")) and not list(tmp_path.glob(".part*"))


# ---- Current, and errors ----


def test_what_is_current_is_kept_and_what_is_stale_is_made_again(pair, caplog):
    caplog.set_level("INFO")
    clip = Clip(0.4, 0.8, 0.5)
    out = cut_clip(*pair, clip)
    assert json.loads(pose_record(out).read_text())["settings"]["speed"] == 0.5
    first = out.stat().st_mtime_ns
    cut_clip(*pair, clip)
    assert "mouse_0.4-0.8s_speed0.5_DeepLabCutlabeled.mp4: skipped, it is current" in caplog.text
    assert out.stat().st_mtime_ns == first
    cut_clip(*pair, clip, gif=True)
    assert "being made, because mouse_0.4-0.8s_speed0.5_DeepLabCutlabeled.gif is missing" in caplog.text
    gif = out.with_suffix(".gif")
    before = gif.read_bytes()
    write_other = [number % 7 for number in range(50)]
    with writing_video(pair[1], 64, 48, Fraction(25)) as write:
        for number in write_other:
            write(numbered(number, 64, 48))
    cut_clip(*pair, clip)
    assert "being made, because labeled changed" in caplog.text
    assert shown(out) == write_other[10:20]
    assert gif.read_bytes() != before, "a GIF that is there never outlives its clip"
    cut_clip(*pair, clip, overwrite=True)
    assert "because --overwrite asks for it" in caplog.text


def test_only_a_clip_beside_its_original_depends_on_it(pair, caplog):
    caplog.set_level("INFO")
    for clip in (Clip(0.4, 0.8), Clip(0.4, 0.8, beside=True)):
        cut_clip(*pair, clip)
    pair[0].write_bytes(pair[0].read_bytes() + b"0")
    caplog.clear()
    cut_clip(*pair, Clip(0.4, 0.8))
    assert "skipped" in caplog.text
    cut_clip(*pair, Clip(0.4, 0.8, beside=True))
    assert "because video changed" in caplog.text


def test_a_clip_is_never_taken_for_a_recording(pair, tmp_path):
    out = cut_clip(*pair, Clip(0.4, 0.8))
    with pytest.raises(UsersError, match=r"no video with the suffix \.mp4"):
        find_videos([tmp_path], ".mp4")
    with pytest.raises(UsersError, match="is a labeled video"):
        find_videos([out], ".mp4")


def test_a_clip_after_the_end_is_an_error_and_nothing_is_left(pair, tmp_path):
    with pytest.raises(ToolboxError, match=r"ends after 2\.00 s, before the clip begins \(3 s\)"):
        cut_clip(*pair, Clip(3, 4))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mouse.avi", "mouse_DeepLabCutlabeled.mp4"]


def test_a_failure_leaves_the_old_clip(pair, monkeypatch):
    out = cut_clip(*pair, Clip(0.4, 0.8))
    before = out.read_bytes()

    def fails(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    from moviepy import VideoClip

    monkeypatch.setattr(VideoClip, "write_videofile", fails)
    with pytest.raises(UsersError, match="No space left"):
        cut_clip(*pair, Clip(0.4, 0.8), overwrite=True)
    assert out.read_bytes() == before
    assert not list(out.parent.glob(".part*"))


def test_without_moviepy_it_is_said_what_to_install(pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "moviepy", None)
    with pytest.raises(ToolboxError, match=r"made by moviepy, which cannot start: .*Install it: pip install -r"):
        cut_clip(*pair, Clip(0.4, 0.8))


def write_many(path: Path) -> None:
    with writing_video(path, 320, 240, Fraction(25)) as write:
        for number in range(240):
            write(numbered(number % SIDE**2, 320, 240))


def test_memory_does_not_grow_with_the_clip(tmp_path):
    video = tmp_path / "long.avi"
    for path in (video, labeled_video(video)):
        write_many(path)
    cut_clip(video, labeled_video(video), Clip(0, 0.2, beside=True))  # moviepy itself is in memory now
    peaks = []
    for end in (2, 9):
        tracemalloc.start()
        cut_clip(video, labeled_video(video), Clip(0, end, beside=True))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    frame = 320 * 240 * 3
    assert peaks[1] < peaks[0] + 10 * frame, "175 more frames, of two videos"


# ---- What is wanted ----


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ((None, None, None, False, False), None),
        ((None, 1, None, False, False), None),
        ((None, 1, 0.1, False, False), None),  # --speed 1 goes before slowmotion
        ((None, None, 0.1, False, False), "speed0.1"),
        ((None, 0.2, 0.1, False, False), "speed0.2"),
        (((1, 2.5), None, None, False, False), "1-2.5s"),
        (((1, 2.5), None, 0.1, False, True), "1-2.5s_speed0.1"),
        (((0, 2), 0.5, None, True, False), "0-2s_speed0.5_beside"),
        ((None, None, None, False, True), "whole"),
        ((None, None, None, True, False), "beside"),
    ],
)
def test_which_clip_flags_and_settings_want(flags, name):
    span, speed, slowmotion, beside, gif = flags
    clip = clip_of(span, speed, slowmotion, beside=beside, gif=gif)
    assert (clip.name if clip else None) == name


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((2, 1), r"--clip 2 1: give the seconds .* the smaller first"),
        ((1, 1), "--clip 1 1"),
        ((-1, 1), "--clip -1 1"),
        ((0, math.inf, -1), "speed -1: give a positive number"),
    ],
)
def test_impossible_clips_are_refused(numbers, message):
    with pytest.raises(ToolboxError, match=message):
        Clip(*numbers)


def test_a_speed_of_zero_is_refused_and_not_taken_for_none():
    with pytest.raises(ToolboxError, match="speed 0: give a positive number"):
        clip_of(None, 0, 0.1, beside=False, gif=False)
