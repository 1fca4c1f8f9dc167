"""The script that makes labeled videos, after AnalyzeVideos.py with a stub in place of the network."""

import numpy as np
import pytest

from dlc_toolbox.pictures.palette import part_colors
from dlc_toolbox.video.video import Video
from tests.scripts.conftest import set_analysis

ANALYZE = "Analysis-tools/AnalyzeVideos.py"
SCRIPT = "Analysis-tools/MakingLabeledVideo.py"


@pytest.fixture
def run(run_here, trained_project, tmp_path, monkeypatch, find_dots):
    """Run one of the scripts on the toy project, from a foreign directory."""
    from deepercut.inference import predict

    monkeypatch.setattr(predict, "load_predictor", lambda config_path, snapshot, engine: find_dots)
    monkeypatch.chdir(tmp_path)
    return lambda script, *arguments: run_here(script, "--project", trained_project, *arguments)


def test_the_labeled_toy_video(run, trained_project, toy_points):
    set_analysis(trained_project, dotsize=4, alphavalue=1, colormap="hsv")
    assert run(ANALYZE)[0] == 0
    code, output = run(SCRIPT)
    assert code == 0
    assert "Share of the 30 frames with likelihood >= 0.1:" in output
    assert "  nose  100.0%" in output
    video = Video(trained_project / "videos" / "toy_DeepLabCutlabeled.mp4")
    assert (len(list(video)), video.rate, video.width, video.height) == (30, 25, 160, 120)
    colors = part_colors("hsv", 3).astype(int)
    for frame, places in zip(video, toy_points.round().astype(int), strict=True):
        for color, (x, y) in zip(colors, places, strict=True):
            assert abs(frame[y, x] - color).max() < 40
    code, output = run(SCRIPT)
    assert code == 0
    assert "toy_DeepLabCutlabeled.mp4: skipped, it is current" in output
    set_analysis(trained_project, pcutoff=0.5)
    assert "toy_DeepLabCutlabeled.mp4: being made, because pcutoff changed" in run(SCRIPT)[1]


def test_a_labeled_video_is_never_an_input(run, trained_project):
    set_analysis(trained_project, videotype=".mp4", videofolder="../elsewhere")
    folder = trained_project / "elsewhere"
    folder.mkdir()
    (folder / "toy_DeepLabCutlabeled.mp4").touch()
    for script in (ANALYZE, SCRIPT):
        code, output = run(script)
        assert code == 1
        assert "no video with the suffix .mp4" in output


def test_frames_on_request(run, trained_project):
    video = trained_project / "videos" / "toy.avi"
    assert run(ANALYZE)[0] == 0
    assert run(SCRIPT, video, "--save-frames", "0,29")[0] == 0
    saved = sorted(path.name for path in (trained_project / "videos" / "toy_DeepLabCutlabeled").iterdir())
    assert saved == ["frame000000.png", "frame000029.png"]
    code, output = run(SCRIPT, "--save-frames", "30")
    assert code == 1
    assert "has no frame 30 to save; its frames are 0 to 29" in output


def test_a_slow_clip_and_its_gif(run, trained_project):
    assert run(ANALYZE)[0] == 0
    code, output = run(SCRIPT, "--clip", "0.4", "0.8", "--speed", "0.2", "--gif")
    assert code == 0
    folder = trained_project / "videos"
    clip = folder / "toy_0.4-0.8s_speed0.2_DeepLabCutlabeled.mp4"
    assert f"Wrote {clip}" in output and clip.with_suffix(".gif").is_file()
    made, labeled = Video(clip), list(Video(folder / "toy_DeepLabCutlabeled.mp4"))
    assert made.rate == 5
    assert len(labeled) == 30, "the labeled video stays whole"
    for frame, source in zip(made, labeled[10:20], strict=True):
        assert np.abs(frame.astype(int) - source).mean() < 5
    assert (
        "toy_0.4-0.8s_speed0.2_DeepLabCutlabeled.mp4: skipped, it is current"
        in run(SCRIPT, "--clip", "0.4", "0.8", "--speed", "0.2", "--gif")[1]
    )


def test_the_setting_slowmotion_writes_a_slow_copy_of_the_whole_video(run, trained_project):
    set_analysis(trained_project, slowmotion=0.5)
    assert run(ANALYZE)[0] == 0
    assert run(SCRIPT)[0] == 0
    slow = Video(trained_project / "videos" / "toy_speed0.5_DeepLabCutlabeled.mp4")
    assert (len(list(slow)), slow.rate) == (30, 12.5)


def test_an_impossible_clip_stops_before_any_work(run, trained_project):
    code, output = run(SCRIPT, "--clip", "2", "1")
    assert code == 1
    assert "--clip 2 1: give the seconds" in output
    assert not (trained_project / "videos" / "toy_DeepLabCutlabeled.mp4").exists()


def test_an_unanalyzed_video_lists_the_poses_that_exist_and_draws_none(run, trained_project):
    set_analysis(trained_project, trainingsiterations=20)
    assert run(ANALYZE)[0] == 0
    set_analysis(trained_project, trainingsiterations=100)
    code, output = run(SCRIPT)
    assert code == 1
    assert "toyDeepCut_resnet50_toyJan1shuffle1_100.h5 does not exist" in output
    assert "other networks: toyDeepCut_resnet50_toyJan1shuffle1_20.h5" in output
    assert "AnalyzeVideos.py" in output
    assert not (trained_project / "videos" / "toy_DeepLabCutlabeled.mp4").exists()


def test_wrong_usage(refuse):
    assert "'late' is no number of at least 0" in refuse(SCRIPT, "--clip", "1", "late")
    assert "'one' is no whole number" in refuse(SCRIPT, "--save-frames", "one")
