"""From a video to its pose table: right rows, full-frame pixels, nothing lost, nothing of others touched."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import av
import numpy as np
import pandas as pd
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis import analysis, jobs
from dlc_toolbox.analysis.partial import open_partial
from dlc_toolbox.analysis.window import WindowRule
from dlc_toolbox.poses.filter import find_poses
from dlc_toolbox.poses.network import Network, describe_poses, find_network
from dlc_toolbox.project.layout import Layout, pose_record, pose_rows
from dlc_toolbox.project.settings import load_analysis_settings
from dlc_toolbox.project.tables import points, read_table, scorer_of
from dlc_toolbox.video.video import Video
from tests.analyze import analyze

PARTS = ("nose", "paw", "tail")


@pytest.fixture
def video(toy_project) -> Path:
    return toy_project / "videos" / "toy.avi"


@pytest.fixture
def network(tmp_path) -> Network:
    (tmp_path / "snapshot-100.weights.h5").write_bytes(b"weights")
    snapshot = SimpleNamespace(iteration=100, path=tmp_path / "snapshot-100.weights.h5")
    config = {"net_type": "resnet_50", "locref_stdev": 7.2801}
    return Network("DeepCut_resnet50_toyJan1shuffle1_100", PARTS, tmp_path / "pose_cfg.yaml", snapshot, config)


def must_not_run(frames):
    raise AssertionError("the network was asked although nothing had to be analyzed")


def files_beside(video: Path) -> list[str]:
    return sorted(path.name for path in video.parent.iterdir())


# ---- Poses ----


def test_poses_are_where_the_dots_are(video, network, find_dots, toy_points):
    table = analyze(video, find_dots, network, csv=True)
    assert files_beside(video) == [
        "toy.avi",
        "toyDeepCut_resnet50_toyJan1shuffle1_100.csv",
        "toyDeepCut_resnet50_toyJan1shuffle1_100.h5",
        "toyDeepCut_resnet50_toyJan1shuffle1_100_meta.json",
    ]
    poses = read_table(table)
    assert scorer_of(poses) == network.scorer
    assert poses.index.tolist() == list(range(30))
    assert np.abs(points(poses, PARTS)[..., :2] - toy_points).max() < 0.1
    assert (points(poses)[..., 2] == 1).all()
    assert np.array_equal(points(read_table(table.with_suffix(".csv"))), points(poses))


def test_a_crop_changes_what_is_seen_but_not_the_coordinates(video, network, find_dots):
    whole = points(read_table(analyze(video, find_dots, network)))
    seen = []
    crop = (11, 149, 7, 113)
    table = analyze(video, lambda frames: seen.append(frames) or find_dots(frames), network, crop=crop)
    assert {frames.shape[1:] for frames in seen} == {(106, 138, 3)}
    assert np.abs(points(read_table(table)) - whole).max() < 1e-3
    assert json.loads(pose_record(table).read_text())["crop"] == list(crop)


def test_all_batches_have_one_shape_and_the_last_is_filled_up_with_black(video, network, find_dots, toy_points):
    batches = []
    table = analyze(video, lambda frames: batches.append(frames) or find_dots(frames), network, batch_size=8)
    assert [frames.shape for frames in batches] == [(8, 120, 160, 3)] * 4
    assert {frames.dtype for frames in batches} == {np.dtype(np.uint8)}
    assert batches[-1][6:].max() == 0
    assert np.abs(points(read_table(table))[..., :2] - toy_points).max() < 0.1


@pytest.mark.parametrize(("window", "frames"), [(None, 3), (WindowRule(0.5, 10), 2)])
def test_a_batch_holds_as_many_frames_as_fit(video, network, find_dots, window, frames, monkeypatch):
    monkeypatch.setattr(jobs, "_MOST_FRAMES_IN_WINDOW", 2)
    seen = []
    look = lambda batch: seen.append(len(batch)) or find_dots(batch)  # noqa: E731
    table = analyze(video, look, network, window=window, batch_pixels=4 * 160 * 120 - 1)
    assert max(seen) == frames
    assert json.loads(pose_record(table).read_text())["batch_size"] == frames


def test_a_lost_frame_keeps_its_row_as_nan(tmp_path, network, find_dots, toy_points, draw_dots):
    path = tmp_path / "damaged.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25, options={"qmin": "1", "qmax": "2"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        for place in toy_points:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw_dots(place))))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    with path.open("rb+") as file:
        for pos, size in (packets[4], packets[17]):
            file.seek(pos)
            file.write(bytes(size))
    table = analyze(path, find_dots, network)
    poses = points(read_table(table))
    assert np.flatnonzero(np.isnan(poses).all(axis=(1, 2))).tolist() == [4, 17]
    kept = np.delete(np.arange(30), [4, 17])
    assert np.abs(poses[kept, :, :2] - toy_points[kept]).max() < 1
    record = json.loads(pose_record(table).read_text())
    assert (record["lost_frames"], record["frames"], record["frames_decoded"]) == ([4, 17], 30, 28)
    assert record["frames_in_header"] == 30


def test_the_record_tells_times_when_the_rate_varies(tmp_path, video, network, find_dots, draw_dots, toy_points):
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
    record = json.loads(pose_record(analyze(path, find_dots, network)).read_text())
    assert record["frame_times_s"] == [0, 0.04, 0.08, 0.2, 1.0]
    record = json.loads(pose_record(analyze(video, find_dots, network, device="abacus")).read_text())
    assert record["frame_times_s"] is None
    assert (record["fps"], record["width"], record["height"], record["device"]) == (25, 160, 120, "abacus")
    assert record["decoding_frames_per_s"] > 0 and record["inference_frames_per_s"] > 0


def test_names_with_dots_do_not_share_a_table(tmp_path, write_video, network, find_dots, draw_dots, toy_points):
    videos = [
        write_video(tmp_path / "Käfig 1" / name, [draw_dots(toy_points[row])])
        for row, name in enumerate(("m.1.avi", "m.2.avi"))
    ]
    tables = [analyze(video, find_dots, network) for video in videos]
    assert [table.name for table in tables] == [f"m.{n}{network.scorer}.h5" for n in (1, 2)]
    for row, table in enumerate(tables):
        assert np.abs(points(read_table(table))[0, :, :2] - toy_points[row]).max() < 0.1


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_an_answer_that_is_no_number_names_the_frame_and_no_table_is_written(video, network, find_dots, answer):
    calls = []

    def diverged(frames):
        calls.append(1)
        poses = find_dots(frames)
        if len(calls) == 4:
            poses[2, 1, 0] = answer
        return poses

    with pytest.raises(ToolboxError, match=r"toy\.avi: .* no finite position in frame 14; .* take an earlier snapshot"):
        analyze(video, diverged, network, batch_size=4)
    assert files_beside(video) == ["toy.avi", f"toy{network.scorer}.partial"]


def test_an_unreadable_video_is_an_error_and_leaves_nothing(tmp_path, network):
    path = tmp_path / "videos" / "bad.avi"
    path.parent.mkdir()
    path.write_bytes(b"no video" * 1000)
    with pytest.raises(ToolboxError, match=r"bad\.avi cannot be read as a video"):
        analyze(path, must_not_run, network)
    assert files_beside(path) == ["bad.avi"]


# ---- Current, stale, somebody else's ----


def test_a_name_too_long_for_what_lies_beside_it_is_told_before_any_work(video, network):
    longest = f"{network.scorer}_confidence.csv"
    long = video.with_name("n" * (256 - len(longest)) + ".avi")
    shutil.copyfile(video, long)
    before = files_beside(long)
    with pytest.raises(ToolboxError, match=rf"{longest}, and the system does not .*: shorten the name of the video"):
        analyze(long, must_not_run, network)
    assert files_beside(long) == before


def test_what_is_current_is_kept(video, network, find_dots, caplog):
    caplog.set_level("INFO")
    table = analyze(video, find_dots, network)
    before = table.read_bytes()
    assert "toyDeepCut_resnet50_toyJan1shuffle1_100.h5: being made, because it does not exist yet" in caplog.text
    assert analyze(video, must_not_run, network) == table
    assert f"{table.name}: skipped, it is current" in caplog.text
    assert table.read_bytes() == before
    written = table.stat().st_mtime_ns
    analyze(video, must_not_run, network, csv=True)  # only the csv is missing
    assert table.stat().st_mtime_ns == written
    assert np.array_equal(points(read_table(table.with_suffix(".csv"))), points(read_table(table)))


def test_a_csv_never_outlives_its_table(video, network, find_dots):
    table = analyze(video, find_dots, network, csv=True)
    csv = table.with_suffix(".csv")
    earlier = read_table(csv)
    crop = (11, 149, 7, 113)
    analyze(video, lambda frames: find_dots(frames) + 1, network, crop=crop)
    assert not csv.exists()
    analyze(video, must_not_run, network, crop=crop, csv=True)
    assert np.array_equal(points(read_table(csv)), points(read_table(table)))
    assert not np.array_equal(points(read_table(csv)), points(earlier))


@pytest.mark.parametrize("changed", ["video", "locref_stdev", "crop", "overwrite"])
def test_what_is_stale_is_done_again_and_the_log_says_why(
    video, network, find_dots, write_video, draw_dots, toy_points, caplog, changed
):
    caplog.set_level("INFO")
    analyze(video, find_dots, network)
    options = {}
    if changed == "video":
        write_video(video, [draw_dots(place + 2) for place in toy_points[:9]])
    elif changed == "locref_stdev":
        network = replace(network, config={**network.config, "locref_stdev": 5})
    elif changed == "crop":
        options = {"crop": (0, 160, 0, 119)}
    else:
        options = {"overwrite": True}
    calls = []
    table = analyze(video, lambda frames: calls.append(1) or find_dots(frames), network, **options)
    assert calls
    reason = "--overwrite asks for it" if changed == "overwrite" else f"{changed} changed"
    assert f"{table.name}: being made, because {reason}" in caplog.text
    assert len(read_table(table)) == (9 if changed == "video" else 30)
    assert analyze(video, must_not_run, network, **{**options, "overwrite": False}) == table


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("whose", "message"),
    [
        ("nobody's", "no toyDeepCut_.*_meta.json tells which network made it"),
        ("other weights'", "the poses of another snapshot"),
        (
            "another video's",
            r"the poses of another video \(.* tells toy\.mp4, not toy\.avi\)\. Rename one of the two videos",
        ),
        ("renamed", r"If you renamed toy\.mp4 and its poses, give them back the names that they had\. Or: Move"),
        ("damaged", "no toyDeepCut_.*_meta.json tells which network made it"),
    ],
)
def test_poses_of_others_are_an_error_and_stay(video, network, find_dots, whose, message, overwrite):
    table = analyze(video, find_dots, network)
    record = pose_record(table)
    if whose == "nobody's":
        record.unlink()
    elif whose == "damaged":
        record.write_text("[1, 2")
    elif whose == "other weights'":
        network.snapshot.path.write_bytes(b"trained again")
    else:
        content = json.loads(record.read_text())
        content["settings"]["video"] = "toy.mp4"
        record.write_text(json.dumps(content))
    if whose == "another video's":
        video.with_suffix(".mp4").touch()
    before, beside = table.read_bytes(), files_beside(video)
    with pytest.raises(ToolboxError, match=message):
        analyze(video, must_not_run, network, overwrite=overwrite)
    assert table.read_bytes() == before
    assert files_beside(video) == beside


# ---- A moving window ----


@pytest.fixture
def small_animal(tmp_path, write_video) -> Path:
    """A video of 150 frames of 160 x 120 pixels with three dots that move around, close together."""
    frames = np.full((150, 120, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        x, y = int(70 + 50 * np.sin(number / 20)), int(60 + 40 * np.cos(number / 17))
        for part in range(3):
            frame[y : y + 5, x + 9 * part : x + 9 * part + 5, part] = 250
    return write_video(tmp_path / "videos" / "small.avi", frames)


WINDOW = WindowRule(pcutoff=0.5, margin=8)


def test_a_moving_window_gives_the_same_poses_in_pixels_of_the_full_frame(small_animal, network, find_dots, caplog):
    caplog.set_level("INFO")
    crop = (3, 157, 2, 120)
    expected = points(read_table(analyze(small_animal, find_dots, network, crop=crop)))
    table = analyze(small_animal, find_dots, network, crop=crop, window=WINDOW)
    assert "being made, because movingwindow changed" in caplog.text
    assert np.abs(points(read_table(table)) - expected).max() < 1e-3
    record = json.loads(pose_record(table).read_text())
    assert record["settings"]["movingwindow"] == {"pcutoff": 0.5, "margin": 8}
    assert record["analyzed_share"] < 0.4
    assert f"small.avi: {record['analyzed_share']:.0%} of the pixels were analyzed" in caplog.text
    assert analyze(small_animal, must_not_run, network, crop=crop, window=WINDOW) == table
    with_another = replace(WINDOW, margin=9)
    analyze(small_animal, find_dots, network, crop=crop, window=with_another)
    assert json.loads(pose_record(table).read_text())["settings"]["movingwindow"]["margin"] == 9


def test_interrupted_with_a_moving_window_the_same_table_comes_out(small_animal, network, find_dots):
    def sensitive(frames):  # to where the window is
        return find_dots(frames) + np.float32(frames.mean())

    undisturbed = points(read_table(analyze(small_animal, sensitive, network, window=WINDOW)))
    calls = []

    def failing(frames):
        calls.append(1)
        if len(calls) == 22:
            raise EndedError
        return sensitive(frames)

    with pytest.raises(EndedError):
        analyze(small_animal, failing, network, window=WINDOW, overwrite=True)
    table = analyze(small_animal, sensitive, network, window=WINDOW, overwrite=True)
    assert json.loads(pose_record(table).read_text())["resumed_at_frame"] == 16 * 4
    assert np.array_equal(points(read_table(table)), undisturbed)


# ---- Frames scaled down ----


@pytest.fixture
def at_scale(network):
    """``at_scale(scale)``: the network, looking at frames of that scale."""
    return lambda scale: replace(network, config={**network.config, "analysisscale": scale})


@pytest.mark.parametrize("crop", [None, (11, 149, 7, 113)])
def test_at_a_scale_less_is_seen_and_the_coordinates_are_those_of_the_frame(video, at_scale, find_dots, crop):
    seen = []
    look = lambda frames: seen.append(frames.shape) or find_dots(frames)  # noqa: E731
    whole = points(read_table(analyze(video, find_dots, at_scale(1), crop=crop)))
    table = analyze(video, look, at_scale(0.7), crop=crop, batch_size=8)
    assert set(seen) == {(8, 84, 112, 3)} if crop is None else {(8, 74, 97, 3)}
    assert np.abs(points(read_table(table)) - whole)[..., :2].max() < 0.2
    assert json.loads(pose_record(table).read_text())["settings"]["analysisscale"] == 0.7


def test_poses_by_hand_at_a_scale_with_a_crop(video, at_scale):
    """A crop of 100x50 pixels is seen as one of 33x16; its pixel (10, 3) is at ((10.5) * 100 / 33 - 0.5, ...)."""
    pose = np.array([[[10, 3, 0.9]] * 3], np.float32)
    table = analyze(
        video, lambda frames: np.repeat(pose, len(frames), axis=0), at_scale(0.33), crop=(20, 120, 30, 80), batch_size=4
    )
    found = points(read_table(table))
    x, y = 10.5 * 100 / 33 - 0.5 + 20, 3.5 * 50 / 16 - 0.5 + 30
    np.testing.assert_allclose(found, np.broadcast_to([x, y, 0.9], (30, 3, 3)), rtol=1e-6)


def test_a_batch_of_small_frames_holds_more_of_them(video, at_scale, find_dots):
    seen = []
    look = lambda batch: seen.append(len(batch)) or find_dots(batch)  # noqa: E731
    analyze(video, look, at_scale(0.5), batch_pixels=3 * 80 * 60)
    assert max(seen) == 3


def test_another_scale_makes_poses_anew_and_full_size_changes_nothing(video, network, at_scale, find_dots, caplog):
    caplog.set_level("INFO")
    table = analyze(video, find_dots, network)
    assert analyze(video, must_not_run, at_scale(1)) == table
    assert analyze(video, must_not_run, at_scale(1.0)) == table
    analyze(video, find_dots, at_scale(0.5))
    assert "being made, because analysisscale changed" in caplog.text
    assert analyze(video, must_not_run, at_scale(0.5)) == table
    caplog.clear()
    analyze(video, find_dots, at_scale(0.6))
    assert "being made, because analysisscale changed" in caplog.text
    with pytest.raises(ToolboxError, match=r"other settings of the network or another engine \(analysisscale\)"):
        find_poses(video, at_scale(0.5))


def test_rows_of_another_scale_are_not_gone_on_with(video, at_scale, find_dots):
    calls = []

    def ending(frames):
        calls.append(1)
        if len(calls) == 3:
            raise EndedError
        return find_dots(frames)

    with pytest.raises(EndedError):
        analyze(video, ending, at_scale(0.5), batch_size=8)
    rest = []
    analyze(video, lambda frames: rest.append(1) or find_dots(frames), at_scale(0.6), batch_size=8)
    assert len(rest) == 4  # all 30 frames


def test_a_moving_window_at_a_scale_is_placed_on_the_scaled_frame(small_animal, at_scale, find_dots):
    seen = []
    whole = points(read_table(analyze(small_animal, find_dots, at_scale(0.8))))
    look = lambda frames: seen.append(frames.shape[1:3]) or find_dots(frames)  # noqa: E731
    table = analyze(small_animal, look, at_scale(0.8), window=WINDOW, overwrite=True)
    assert np.abs(points(read_table(table)) - whole)[..., :2].max() < 0.05
    record = json.loads(pose_record(table).read_text())
    assert record["analyzed_share"] < 0.6
    assert record["settings"]["movingwindow"] == {"pcutoff": 0.5, "margin": 8}  # in pixels of the frame
    assert {size for size in seen if size != (96, 128)} <= {(64, 64), (64, 128), (96, 64)}
    assert WINDOW.scaled(0.5) == WindowRule(pcutoff=0.5, margin=4)


# ---- Interruptions ----


class EndedError(Exception):
    """Stands for whatever ends a run in the middle."""


def test_an_interrupted_analysis_goes_on_without_repeating_a_batch(video, network, find_dots, caplog):
    caplog.set_level("INFO")
    undisturbed = points(read_table(analyze(video, find_dots, network, batch_size=4)))
    for path in video.parent.glob("toyDeepCut*"):
        path.unlink()
    calls = []

    def failing(frames):
        if len(calls) == 3:
            raise EndedError
        calls.append(frames)
        return find_dots(frames)

    with pytest.raises(EndedError):
        analyze(video, failing, network, batch_size=4)
    assert files_beside(video) == ["toy.avi", f"toy{network.scorer}.partial"]
    rest = []
    table = analyze(video, lambda frames: rest.append(frames) or find_dots(frames), network, batch_size=4)
    assert (len(calls), len(rest)) == (3, 5)
    assert "toy.avi: goes on at frame 12, where it was interrupted" in caplog.text
    assert np.array_equal(points(read_table(table)), undisturbed)
    assert json.loads(pose_record(table).read_text())["resumed_at_frame"] == 12
    assert files_beside(video) == ["toy.avi", table.name, pose_record(table).name]


def test_what_an_interrupted_overwrite_left_goes_when_the_table_is_current(video, network, find_dots, caplog):
    table = analyze(video, find_dots, network)
    beside = files_beside(video)
    rows, of_range = pose_rows(table), pose_rows(table, 8)
    rows.write_bytes(b"rows of a killed process")
    of_range.write_bytes(b"rows of a killed worker")
    with open_partial(rows, {}, np.dtype("u1")):
        analyze(video, must_not_run, network)
        assert rows.exists() and not of_range.exists()
    rows.write_bytes(b"rows of a killed process")
    caplog.set_level("INFO")
    analyze(video, must_not_run, network)
    assert files_beside(video) == beside
    assert f"{rows.name}: removed, because {table.name} is current" in caplog.text
    assert "other settings" not in caplog.text


def test_rows_of_other_settings_are_not_gone_on_with(video, network, find_dots):
    def failing(frames):
        raise EndedError

    calls = []

    def twice(frames):
        calls.append(1)
        return find_dots(frames) if len(calls) < 3 else failing(frames)

    with pytest.raises(EndedError):
        analyze(video, twice, network, crop=(0, 150, 0, 120), batch_size=8)
    rest = []
    analyze(video, lambda frames: rest.append(1) or find_dots(frames), network, batch_size=8)
    assert len(rest) == 4  # all 30 frames


def test_killed_between_table_and_record(video, network, find_dots, monkeypatch):
    """The table is there, its record is not; the rows on disk tell that the table is ours."""

    def failing(*args, **kwargs):
        raise EndedError

    with monkeypatch.context() as patch, pytest.raises(EndedError):
        patch.setattr(analysis.records.Output, "write_record", failing)
        analyze(video, find_dots, network)
    table = analyze(video, lambda frames: find_dots(frames), network)
    assert files_beside(video) == ["toy.avi", table.name, pose_record(table).name]
    assert len(read_table(table)) == 30


def test_poses_whose_record_was_not_written_are_not_those_of_the_record_before(video, network, find_dots, monkeypatch):
    table = analyze(video, find_dots, network)
    before = read_table(table)
    table.unlink()  # as messages advise; the record stays
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(analysis.records.Output, "write_record", Mock(side_effect=KeyboardInterrupt))
        analyze(video, find_dots, network, crop=(10, 150, 20, 110))
    assert not read_table(table).equals(before)
    analyze(video, find_dots, network)
    pd.testing.assert_frame_equal(read_table(table), before, check_exact=True)


def test_a_video_that_another_process_analyzes_is_left_to_it(video, network, find_dots, caplog):
    caplog.set_level("INFO")
    with open_partial(video.parent / f"toy{network.scorer}.partial", {}, np.dtype("f4")):
        analyze(video, must_not_run, network)
    assert "toy.avi: another process is analyzing it" in caplog.text
    assert files_beside(video) == ["toy.avi"]


WORKER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from dlc_toolbox.analysis.analysis import Analysis, analyze_video
from dlc_toolbox.poses.network import Network

{find_dots}

def slow(frames):
    time.sleep(0.1)
    return _find_dots(frames)

video, folder, scorer = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
snapshot = SimpleNamespace(iteration=100, path=folder / "snapshot-100.weights.h5")
config = {{"net_type": "resnet_50", "locref_stdev": 7.2801}}
network = Network(scorer, ("nose", "paw", "tail"), folder / "pose_cfg.yaml", snapshot, config)
analyze_video(video, Analysis(network, lambda: slow, batch_size=8))
"""


@pytest.fixture
def start_worker(tmp_path, video, network, find_dots):
    """Start a process that analyzes the video, 0.1 s per batch; all are ended with the test."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(find_dots=inspect.getsource(find_dots)))
    started = []

    def start():
        arguments = [sys.executable, str(script), str(video), str(tmp_path), network.scorer]
        started.append(subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition, process) -> None:
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def test_killed_in_the_middle_the_same_table_comes_out(tmp_path, video, network, find_dots, start_worker):
    copy = tmp_path / "undisturbed" / video.name
    copy.parent.mkdir()
    shutil.copy(video, copy)
    undisturbed = points(read_table(analyze(copy, find_dots, network)))
    partial = video.parent / f"toy{network.scorer}.partial"
    process = start_worker()
    wait_for(lambda: partial.exists() and partial.stat().st_size > 1000, process)
    process.kill()
    process.wait()
    assert files_beside(video) == ["toy.avi", partial.name]
    calls = []
    table = analyze(video, lambda frames: calls.append(1) or find_dots(frames), network)
    assert len(calls) < 8
    assert np.array_equal(points(read_table(table)), undisturbed)


@pytest.mark.slow
def test_two_processes_at_once_make_one_good_table(video, network, find_dots, start_worker):
    processes = [start_worker(), start_worker()]
    for process in processes:
        assert process.wait(60) == 0, process.stderr.read().decode()
    table = analyze(video, must_not_run, network)
    assert np.array_equal(points(read_table(table)), find_dots_in(video, find_dots))
    assert files_beside(video) == ["toy.avi", table.name, pose_record(table).name]


def find_dots_in(video, find_dots):
    return find_dots(np.stack(list(Video(video))))


# ---- The network of the settings ----


@pytest.fixture
def find(trained_project):
    """``find(**config)``: look for the network of myconfig_analysis.py, whose pose_cfg.yaml tells `config`."""

    def select(folder, index, iteration, prefix):
        iteration = [20, 100][index] if iteration is None else iteration
        return SimpleNamespace(iteration=iteration, path=folder / f"{prefix}-{iteration}.weights.h5")

    def find(**told):
        def load_config(path):
            config = {"net_type": "resnet_50", "dataset": "../../X/toy_Ann70shuffle1.mat", "pads": lambda weights: True}
            return SimpleNamespace(
                **{**config, **told},
                location_refinement=True,
                locref_stdev=7.2801,
                mean_pixel=(1, 2, 3),
                all_joints_names=PARTS,
                snapshot_place=(path.parent, "snapshot"),
            )

        settings = load_analysis_settings(trained_project)
        return find_network(Layout(trained_project), settings, load_config, select)

    return find


def test_the_settings_choose_the_snapshot(find, trained_project):
    settings = trained_project / "myconfig_analysis.py"
    text = settings.read_text()
    train = Layout(trained_project).models / "toyJan1-trainset70shuffle1" / "train"
    found = find()
    assert found.scorer == "DeepCut_resnet50_toyJan1shuffle1_100"
    assert (found.bodyparts, found.config_path) == (PARTS, train / "pose_cfg.yaml")
    assert found.config["locref_stdev"] == 7.2801
    assert "precision" not in found.config
    assert found.snapshot.path == train / "snapshot-100.weights.h5"
    settings.write_text(text + "snapshotindex = 0\n")
    assert find().snapshot.iteration == 20
    settings.write_text(text + "snapshotindex = 0\ntrainingsiterations = 100\n")
    assert find().snapshot.iteration == 100


def test_reduced_precision_belongs_to_what_poses_are_made_from(find, trained_project):
    made = find().config
    for engine, precision in [("keras", {}), ("openvino", {}), ("openvino-int8", {"precision": "int8"})]:
        with (trained_project / "myconfig_analysis.py").open("a") as file:
            file.write(f"engine = {engine!r}\n")
        assert find().config == {**made, **precision}


def test_poses_without_padding_are_others_and_those_of_before_stay_current(find, tmp_path):
    network, video = find(), tmp_path / "video.avi"
    video.write_bytes(b"video")
    before = describe_poses(video, replace(network, config=without(network.config, "padding")), None)
    assert network.pads
    assert describe_poses(video, network, None) == before
    network = find(pads=lambda weights: weights.name != "snapshot-100.weights.h5")
    assert not network.pads
    assert describe_poses(video, network, None)["settings"] == before["settings"] | {"padding": "none"}


def without(config, key):
    return {name: value for name, value in config.items() if name != key}


def test_a_scale_belongs_to_what_poses_are_made_from_and_full_size_does_not(find, trained_project):
    made = find().config
    assert find().scale == 1
    for scale in (1, 1.0, 0.5):
        with (trained_project / "myconfig_analysis.py").open("a") as file:
            file.write(f"analysisscale = {scale!r}\n")
        assert find().config == ({**made, "analysisscale": 0.5} if scale == 0.5 else made)
    assert (find().scale, find().precision) == (0.5, "float32")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"net_type": "resnet_101"}, "resnet resnet_50 .* tells resnet_101"),
        ({"dataset": "../../X/toy_Bob70shuffle1.mat"}, "training set toy_Ann70shuffle1 .* tells toy_Bob70shuffle1"),
        ({"dataset": "..\\..\\X\\toy_Ann70shuffle2.mat"}, "tells toy_Ann70shuffle2"),
    ],
)
def test_disagreement_with_the_networks_own_configuration_is_an_error(find, told, message):
    with pytest.raises(ToolboxError, match=message):
        find(**told)


def test_a_network_that_is_not_there_is_an_error_that_lists_what_is(find, trained_project):
    settings = trained_project / "myconfig_analysis.py"
    settings.write_text(settings.read_text().replace("shuffle = 1", "shuffle = 3"))
    with pytest.raises(ToolboxError, match="there are: toyJan1-trainset70shuffle1"):
        find()
