"""Record, trajectories and labeled video of a recording agree about its rate, stream, channel and pixels."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dlc_toolbox.pictures.marks import Marks
from dlc_toolbox.poses.labeled_video import label_video
from dlc_toolbox.poses.trajectories import plot_trajectories
from dlc_toolbox.project import layout
from dlc_toolbox.project.settings import load_analysis_settings
from dlc_toolbox.project.tables import points, read_table
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.video import Video
from tests.analyze import analyze


def write(path: Path, *pictures: list[np.ndarray], codec: str = "mjpeg", pix_fmt: str = "yuvj420p", **facts) -> Path:
    """Write one stream for each list of pictures, of good quality."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format={".mjpeg": "mjpeg", ".ts": "mpegts"}.get(path.suffix)) as container:
        streams = []
        for _ in pictures:
            stream = container.add_stream(codec, rate=25, options={"qmin": "1", "qmax": "2"})
            stream.height, stream.width = pictures[0][0].shape[:2]
            stream.pix_fmt = pix_fmt
            for name, value in facts.items():
                setattr(stream.codec_context, name, value)
            streams.append(stream)
        for shown in zip(*pictures, strict=True):
            for stream, picture in zip(streams, shown, strict=True):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture).reformat(format=pix_fmt)))
        for stream in streams:
            container.mux(stream.encode())
    return path


def record_of(table: Path) -> dict:
    return json.loads(layout.pose_record(table).read_text())


def times_of(path: Path) -> list[float]:
    video = Video(path)
    return [float(time * video.time_base) for time, _ in video.frames()]


@pytest.fixture
def pictures(toy_points, draw_dots) -> list[np.ndarray]:
    return [draw_dots(place) for place in toy_points]


def test_a_stated_rate_is_that_of_everything_and_can_be_stated_later(toy_project, pictures, network, find_dots, caplog):
    caplog.set_level("INFO")
    video = write(toy_project / "videos" / "pi.mjpeg", pictures)
    table = analyze(video, find_dots, network)
    assert [record_of(table)[name] for name in ("fps", "fps_is_assumed", "frame_times_s")] == [25, True, None]
    assert caplog.text.count("pi.mjpeg: tells no frame rate: 25 frames/s are assumed") == 1
    assert times_of(label_video(video, network, Marks()))[-1] == pytest.approx(29 / 25, abs=1e-3)
    poses = table.read_bytes()

    analyze(video, None, network, reading=Reading(fps=90))  # the network is not asked again
    assert table.read_bytes() == poses
    record = record_of(table)
    assert (record["fps"], record["fps_is_assumed"], record["fps_stated"]) == (90, False, 90)
    assert "now tells 90 frames/s" in caplog.text
    assert times_of(label_video(video, network, Marks()))[-1] == pytest.approx(29 / 90, abs=1e-3)
    caplog.clear()
    plot_trajectories(video, network, load_analysis_settings(toy_project))
    assert "30 frames, 0.3 s" in caplog.text

    analyze(video, None, network)  # taken back
    assert [record_of(table)[name] for name in ("fps", "fps_is_assumed", "fps_stated")] == [25, True, None]
    caplog.clear()
    plot_trajectories(video, network, load_analysis_settings(toy_project))
    assert "30 frames:" in caplog.text  # an assumed rate makes no seconds


def test_joined_recordings(tmp_path, pictures, network, find_dots, toy_points):
    parts = [
        write(tmp_path / f"{n}.ts", half, codec="mpeg2video", pix_fmt="yuv420p")
        for n, half in enumerate((pictures[:15], pictures[15:]))
    ]
    video = tmp_path / "joined.ts"
    video.write_bytes(b"".join(part.read_bytes() for part in parts))
    table = analyze(video, find_dots, network)
    assert np.abs(points(read_table(table))[..., :2] - toy_points).max() < 1.5
    record = record_of(table)
    assert record["clock_restarts_at"] == [15]
    last = (record["frame_times_s"] or [29 / record["fps"]])[-1]
    assert last == pytest.approx(29 / 25, abs=0.05)
    assert times_of(label_video(video, network, Marks()))[-1] == pytest.approx(last, abs=0.002)


def test_the_chosen_stream_is_analyzed_and_drawn(tmp_path, pictures, network, find_dots, toy_points):
    video = write(tmp_path / "v.mkv", [np.full((120, 160, 3), 200, np.uint8)] * 30, pictures)
    first = analyze(video, find_dots, network)
    assert points(read_table(first))[..., 2].max() == 0
    assert "videostream" not in record_of(first)["settings"]  # as in records of the time before there was a choice
    table = analyze(video, find_dots, network, reading=Reading(videostream=1))
    assert record_of(table)["settings"]["videostream"] == 1
    assert np.abs(points(read_table(table))[..., :2] - toy_points).max() < 1
    frame = next(iter(Video(label_video(video, network, Marks()))))
    assert abs(frame[:9, :9].mean() - 90) < 5  # the gray of the second stream


def test_the_shape_of_pixels_is_kept(tmp_path, pictures, network, find_dots, caplog):
    video = write(tmp_path / "v.mp4", pictures, codec="libx264", pix_fmt="yuv420p", sample_aspect_ratio=Fraction(4, 3))
    record = record_of(analyze(video, find_dots, network))
    assert (record["pixel_aspect"], record["width"], record["height"]) == (1.333333, 160, 120)
    assert caplog.text.count("pixels that are not square, 1.333 times as wide as high") == 1
    with av.open(str(label_video(video, network, Marks()))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (160, 120, Fraction(4, 3))


def test_images_are_named_in_the_record(tmp_path, pictures, network, find_dots, toy_points):
    from PIL import Image

    folder = tmp_path / "day1"
    folder.mkdir()
    names = [f"{round(100.04 + 0.04 * number, 2)}.png" for number in range(30)]
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(folder / name)
    table = analyze(folder, find_dots, network)
    assert np.abs(points(read_table(table))[..., :2] - toy_points).max() < 0.1
    assert record_of(table)["images"] == names


def test_dark_frames_are_told_at_the_end_of_an_interrupted_analysis_too(
    tmp_path, pictures, write_video, network, find_dots, caplog
):
    """What is known of a frame is kept beside its pose."""
    pictures[2] = pictures[2] * 0
    video = write_video(tmp_path / "v.avi", pictures)

    calls = []

    def fail_late(frames):
        calls.append(len(frames))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return find_dots(frames)

    with pytest.raises(KeyboardInterrupt):
        analyze(video, fail_late, network, batch_size=4)
    table = analyze(video, find_dots, network, batch_size=4)
    record = record_of(table)
    assert (record["resumed_at_frame"], record["dark_frames"]) == (12, [2])
    assert "v.avi: 1 of 30 frames are dark" in caplog.text
