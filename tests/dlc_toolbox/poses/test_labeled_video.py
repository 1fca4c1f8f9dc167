"""Poses drawn into videos: the right dots, on the right frames, and only one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.marks import Marks
from dlc_toolbox.pictures.palette import part_colors
from dlc_toolbox.poses import labeled_video, radius
from dlc_toolbox.poses.filter import Filter, filter_poses
from dlc_toolbox.poses.labeled_video import label_video, make_labeled_video
from dlc_toolbox.poses.radius import drawn_radius, read_confidence
from dlc_toolbox.poses.trust import CONFIDENCE, read_trust
from dlc_toolbox.project.layout import labeled_frame, pose_record, pose_table
from dlc_toolbox.project.long_tables import read_long_poses, read_long_table
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.project.tables import make_table, points, read_table, write_table
from dlc_toolbox.video.video import Video
from tests.analyze import analyze

PARTS = ("nose", "paw", "tail")


def write_poses(path: Path, places: np.ndarray, likelihood: np.ndarray | float) -> Path:
    poses = np.concatenate([places, np.broadcast_to(likelihood, places.shape[:2])[..., None]], axis=-1)
    write_table(make_table("network", PARTS, range(len(places)), poses), path, csv=False)
    return path


def is_close(pixel: np.ndarray, color: np.ndarray) -> bool:
    return np.abs(pixel.astype(int) - color).max() < 30


def test_every_frame_has_its_own_dots_in_the_order_of_the_parts(tmp_path, video, toy_points):
    places = toy_points[:, [1, 2, 0]].round()  # not where the video's own dots are
    likelihood = np.ones((30, 3))
    likelihood[5, 1], likelihood[6, 1] = 0.39, 0.4
    table = write_poses(tmp_path / "poses.h5", places, likelihood)
    out = tmp_path / "out.mp4"
    make_labeled_video(video, table, out, Marks(pcutoff=0.4, radius=5, alpha=1, colormap="cool"))
    made = Video(out)
    assert (made.width, made.height, made.rate) == (160, 120, 25)
    frames = list(made)
    assert len(frames) == 30
    for row, frame in enumerate(frames):
        for part, (color, (x, y)) in enumerate(zip(part_colors("cool", 3), places[row].astype(int), strict=True)):
            assert is_close(frame[y, x], color) == ((row, part) != (5, 1))


def test_a_long_table_is_drawn_piece_by_piece(tmp_path, video, toy_points, monkeypatch, caplog):
    caplog.set_level("INFO")
    places = toy_points.round()
    table = write_poses(tmp_path / "poses.h5", places, np.linspace(0, 1, 90).reshape(30, 3))
    confidence = np.full((30, 3, 4), 6.0)
    confidence[12] = np.nan
    write_table(make_table("network", PARTS, range(30), confidence, CONFIDENCE), tmp_path / "trust.h5", csv=False)
    marks = Marks(pcutoff=0.4, radius=3, alpha=1, trailpoints=9)
    films, told = [], []
    for rows in (4096, 7):
        monkeypatch.setattr(labeled_video, "read_long_poses", partial(read_long_poses, rows=rows))
        monkeypatch.setattr(radius, "read_long_table", partial(read_long_table, rows=rows))
        caplog.clear()
        out = tmp_path / f"{rows}.mp4"
        make_labeled_video(video, table, out, marks, confidence=tmp_path / "trust.h5")
        films.append(np.array(list(Video(out))))
        told.append(caplog.messages)
    np.testing.assert_array_equal(*films)
    assert told[0] == told[1]


def test_a_likelihood_of_exactly_pcutoff_in_float32_is_drawn_and_counted(tmp_path, video, toy_points, caplog):
    caplog.set_level("INFO")
    places = toy_points[:, [1, 2, 0]].round()
    table = write_poses(tmp_path / "poses.h5", places, float(np.float32(0.9)))  # less than 0.9
    make_labeled_video(video, table, tmp_path / "out.mp4", Marks(pcutoff=0.9, radius=5, alpha=1, colormap="cool"))
    x, y = places[0, 0].astype(int)
    assert is_close(next(iter(Video(tmp_path / "out.mp4")))[y, x], part_colors("cool", 3)[0])
    assert caplog.text.count("100.0%") == 3


def test_with_a_crop_only_that_part_is_shown_and_dots_stay_on_their_places(tmp_path, video, toy_points):
    table = write_poses(tmp_path / "poses.h5", toy_points.round(), 1.0)
    out = tmp_path / "out.mp4"
    make_labeled_video(video, table, out, Marks(radius=5, alpha=1), crop=(20, 140, 10, 110))
    frames = list(Video(out))
    assert {frame.shape for frame in frames} == {(100, 120, 3)}
    for frame, places in zip(frames, toy_points.round().astype(int), strict=True):
        for color, (x, y) in zip(part_colors("cool", 3), places, strict=True):
            assert is_close(frame[y - 10, x - 20], color)


def test_times_are_those_of_the_video(tmp_path, draw_dots, toy_points):
    times = [0, 40, 80, 200, 1000]
    path = tmp_path / "varies.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        stream.codec_context.time_base = Fraction(1, 1000)
        for moment, place in zip(times, toy_points, strict=False):
            frame = av.VideoFrame.from_ndarray(draw_dots(place)).reformat(format="bgr0")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    make_labeled_video(path, write_poses(tmp_path / "poses.h5", toy_points[:5], 1.0), tmp_path / "out.mp4", Marks())
    made = Video(tmp_path / "out.mp4")
    assert [round(time * made.time_base * 1000) for time, _ in made.frames()] == times


@pytest.mark.parametrize(
    ("rows", "message"), [(29, "has more frames, but .* has 29 rows.* --overwrite"), (31, "has only 30 frames")]
)
def test_a_table_of_another_length_is_an_error_and_nothing_is_written(tmp_path, video, toy_points, rows, message):
    table = write_poses(tmp_path / "poses.h5", np.resize(toy_points, (rows, 3, 2)), 1.0)
    (tmp_path / "out").mkdir()
    with pytest.raises(ToolboxError, match=message):
        make_labeled_video(video, table, tmp_path / "out" / "out.mp4", Marks())
    assert list((tmp_path / "out").iterdir()) == []


def test_a_lost_frame_is_black_without_dots(tmp_path, video, toy_points, monkeypatch):
    class WithLost(Video):
        def frames(self, start=0):
            for row, (time, frame) in enumerate(super().frames(start)):
                yield time, None if row == 4 else frame

    monkeypatch.setattr(labeled_video, "open_frames", WithLost)
    places = toy_points.copy()
    places[4] = np.nan
    make_labeled_video(video, write_poses(tmp_path / "poses.h5", places, 1.0), tmp_path / "out.mp4", Marks())
    frames = list(Video(tmp_path / "out.mp4"))
    assert len(frames) == 30
    assert frames[4].max() < 20
    assert frames[5].mean() > 60


def test_shares_above_pcutoff_are_told_and_a_part_never_seen_is_a_warning(tmp_path, video, toy_points, caplog):
    caplog.set_level("INFO")
    likelihood = np.full((30, 3), 0.9)
    likelihood[:, 1] = 0.05
    likelihood[:12, 2] = np.nan
    make_labeled_video(video, write_poses(tmp_path / "p.h5", toy_points, likelihood), tmp_path / "out.mp4", Marks())
    text = caplog.text
    assert "30 frames with likelihood >= 0.1" in text
    for line in ("nose  100.0%", "paw     0.0%", "tail   60.0%"):
        assert line in text
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "below pcutoff: paw." in warnings[0]


def test_trails_lead_through_the_past_of_the_same_video(tmp_path, video, toy_points):
    places = toy_points.round()
    table = write_poses(tmp_path / "poses.h5", places, 1.0)
    out, saved = tmp_path / "out.mp4", [0, 3, 29]
    marks = Marks(radius=2, alpha=1, colormap="hsv", trailpoints=6, skeleton=((0, 1),))
    make_labeled_video(video, table, out, marks, saved_frames=saved)  # without the loss of the video's coding
    colors = part_colors("hsv", 3).astype(int)
    for row in saved:
        picture = np.asarray(Image.open(labeled_frame(out, row)))
        for color, past in zip(colors, places[max(row - 7, 0) : row].swapaxes(0, 1).astype(int), strict=True):
            near = [picture[y - 1 : y + 2, x - 1 : x + 2] for x, y in past]
            on_trail = [np.abs(pixels - color).max(axis=-1).min() < 60 for pixels in near]
            assert on_trail == ([False] + [True] * 6 if row == 29 else [True] * row)
        x, y = places[row, :2].mean(axis=0)
        assert np.abs(picture[int(y) : int(y) + 2, int(x) : int(x) + 2] - colors[0]).max(axis=-1).min() < 60


# ---- Whose poses ----


def test_filtered_poses_are_drawn_when_they_are_wanted(video, network, analyzed, toy_poses):
    toy_poses[10, 0, :2] = 5, 5
    analyzed(video, toy_poses)
    settings = AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", windowlength=3)
    with pytest.raises(ToolboxError, match=r"_filtered\.h5 are wanted .* FilterPredictions\.py"):
        label_video(video, network, Marks(), filtered=Filter(3, 0.1))
    filter_poses(video, network, settings)
    marks = Marks(radius=4, alpha=1)
    for filtered, is_in_corner in ((None, True), (Filter(3, 0.1), False)):
        frame = list(Video(label_video(video, network, marks, filtered=filtered)))[10]
        assert is_close(frame[5, 5], part_colors("cool", 3)[0]) == is_in_corner


def must_not_run(*args, **kwargs):
    raise AssertionError("drawn again although nothing changed")


def test_frames_are_saved_on_request_only(video, network, find_dots):
    analyze(video, find_dots, network)
    out = label_video(video, network, Marks())
    assert not out.with_suffix("").exists()
    label_video(video, network, Marks(), saved_frames=[3, 29])
    folder = video.parent / "toy_DeepLabCutlabeled"
    assert sorted(path.name for path in folder.iterdir()) == ["frame000003.png", "frame000029.png"]
    saved = np.asarray(Image.open(folder / "frame000029.png"))
    assert np.abs(saved.astype(int) - list(Video(out))[29]).mean() < 5
    with pytest.raises(ToolboxError, match=r"toy\.avi has no frame 30 to save; its frames are 0 to 29"):
        label_video(video, network, Marks(), saved_frames=[30])


def test_saved_frames_are_those_of_the_video_after_it_is_drawn_again(video, network, find_dots):
    analyze(video, find_dots, network)
    label_video(video, network, Marks(radius=3), saved_frames=[3])
    out = label_video(video, network, Marks(radius=12))
    label_video(video, network, Marks(radius=12), saved_frames=[3])
    saved = np.asarray(Image.open(labeled_frame(out, 3)))
    assert np.abs(saved.astype(int) - list(Video(out))[3]).mean() < 5


def test_what_is_current_is_kept_and_what_is_stale_is_drawn_again(video, network, find_dots, caplog, monkeypatch):
    caplog.set_level("INFO")
    analyze(video, find_dots, network)
    out = label_video(video, network, Marks())
    assert out == video.parent / "toy_DeepLabCutlabeled.mp4"
    with monkeypatch.context() as patch:
        patch.setattr(labeled_video, "make_labeled_video", must_not_run)
        label_video(video, network, Marks())
    assert "toy_DeepLabCutlabeled.mp4: skipped, it is current" in caplog.text
    before = out.read_bytes()
    label_video(video, network, Marks(radius=12))
    assert "toy_DeepLabCutlabeled.mp4: being made, because radius changed" in caplog.text
    assert out.read_bytes() != before
    label_video(video, network, Marks(radius=12), overwrite=True)
    assert "toy_DeepLabCutlabeled.mp4: being made, because --overwrite asks for it" in caplog.text


def test_poses_of_another_network_are_never_drawn(video, network, find_dots):
    other = replace(network, scorer="DeepCut_resnet50_toyJan1shuffle1_20")
    analyze(video, find_dots, other)
    with pytest.raises(ToolboxError, match=r"_100\.h5 does not exist\..*other networks: toy.*_20\.h5.*AnalyzeVideos"):
        label_video(video, network, Marks())
    assert not (video.parent / "toy_DeepLabCutlabeled.mp4").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda video, network: network.snapshot.path.write_bytes(b"again"), "the poses of another snapshot"),
        (lambda video, network: pose_record(pose_table(video, network.scorer)).unlink(), "tells which network made it"),
        (lambda video, network: video.write_bytes(video.read_bytes() + b"0"), "has changed since it was analyzed"),
    ],
)
def test_poses_that_are_not_of_this_network_and_video_are_an_error(video, network, find_dots, change, message):
    analyze(video, find_dots, network)
    change(video, network)
    with pytest.raises(ToolboxError, match=message):
        label_video(video, network, Marks())


def test_two_videos_whose_names_differ_after_a_dot(tmp_path, write_video, network, find_dots, draw_dots, toy_points):
    for number, place in ((1, toy_points[0]), (2, toy_points[15])):
        path = write_video(tmp_path / f"m.{number}.avi", [draw_dots(place)])
        analyze(path, find_dots, network)
        label_video(path, network, Marks())
    made = [next(iter(Video(tmp_path / f"m.{number}_DeepLabCutlabeled.mp4"))) for number in (1, 2)]
    assert np.abs(made[0].astype(int) - made[1]).max() > 100
    record = json.loads((tmp_path / "m.1_DeepLabCutlabeled_meta.json").read_text())
    assert record["settings"]["pcutoff"] == 0.1
    assert len(points(read_table(pose_table(tmp_path / "m.1.avi", network.scorer)))) == 1


# ---- The radius of 90 % ----


def with_radius(**changes) -> AnalysisSettings:
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", drawradius=True, **changes)


def test_the_radius_is_drawn_around_what_is_seen(video, network, analyzed, toy_poses, know, monkeypatch):
    toy_poses[4, 1, 2] = 0.05
    analyzed(video, toy_poses)
    radius = know()
    drawn = []
    monkeypatch.setattr(labeled_video, "draw_marks", lambda frame, *given: drawn.append(given))
    confidence = drawn_radius(video, network, with_radius())
    label_video(video, network, Marks(), confidence=confidence)
    assert len(drawn) == 30
    np.testing.assert_array_equal([circles for *_, circles in drawn], radius)
    assert np.isnan(drawn[4][0][-1, 1]).all()  # no place, and so no circle
    label_video(video, network, Marks(radius=8))
    assert [circles for *_, circles in drawn[30:]] == [None] * 30


def test_a_new_radius_makes_the_video_again_and_none_keeps_it(video, network, analyzed, toy_poses, know, caplog):
    caplog.set_level("INFO")
    analyzed(video, toy_poses)
    label_video(video, network, Marks())
    know()
    label_video(video, network, Marks(), confidence=drawn_radius(video, network, with_radius()))
    assert "being made, because confidence changed" in caplog.text
    caplog.clear()
    label_video(video, network, Marks(), confidence=drawn_radius(video, network, with_radius()))
    assert "skipped, it is current" in caplog.text


def test_why_no_radius_is_drawn(video, network, analyzed, toy_poses, know, caplog):
    analyzed(video, toy_poses)
    assert drawn_radius(video, network, with_radius()) is None
    assert "it is not known how far off these poses may be: run Evaluation-tools/Step1" in caplog.text
    know()
    assert drawn_radius(video, network, with_radius(drawfiltered=True)) is None
    assert "it is not known of filtered poses" in caplog.text
    caplog.clear()
    assert drawn_radius(video, network, replace(with_radius(), drawradius=False)) is None and not caplog.text
    assert drawn_radius(video, network, with_radius()).name.endswith("_confidence.h5")


def test_a_radius_of_an_earlier_evaluation_is_drawn_and_it_says_so(video, network, analyzed, toy_poses, know, caplog):
    record = pose_record(analyzed(video, toy_poses))
    know()
    assert drawn_radius(video, network, with_radius()).is_file()
    told = "toy.avi: how far off its poses may be is missing or outdated: its poses were found before the last"
    assert told in caplog.text
    caplog.clear()
    facts = json.loads(record.read_text()) | {"trust": read_trust(network, None).fingerprint}
    record.write_text(json.dumps(facts))
    assert drawn_radius(video, network, with_radius()).is_file() and not caplog.text


def test_a_table_of_another_length_is_an_error(video, network, analyzed, toy_poses, know):
    analyzed(video, toy_poses)
    know()
    path = drawn_radius(video, network, with_radius())
    with pytest.raises(ToolboxError, match=r"has 30 rows, but the poses beside it have 29.* --overwrite"):
        read_confidence(path, PARTS, 29)
