"""Which stream is the recording, and what its container tells of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from dlc_toolbox import ToolboxError
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.streams import look_at
from dlc_toolbox.video.video import Video

SMALL, LARGE = (64, 48), (160, 120)


def write(path: Path, *streams: tuple[tuple[int, int], int, int], disposition: int = 0, **options: str) -> Path:
    """Write streams of ((width, height), gray, frames), interleaved; `disposition` is that of the first."""
    with av.open(str(path), "w", **options) as container:
        made = []
        for size, gray, count in streams:
            stream = container.add_stream("mjpeg", rate=25)
            (stream.width, stream.height), stream.pix_fmt = size, "yuvj420p"
            made.append((stream, gray, count))
        if disposition:
            made[0][0].disposition = disposition
        for number in range(max(count for _, _, count in streams)):
            for stream, gray, count in made:
                if number < count:
                    pixels = np.full((stream.height, stream.width, 3), gray, np.uint8)
                    pixels[:8, :8] = 255
                    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj420p")
                    frame.pts = number
                    container.mux(stream.encode(frame))
        for stream, _, _ in made:
            container.mux(stream.encode())
    return path


def grays(video: Video) -> set[int]:
    return {round(float(frame[20:40, 20:40].mean()) / 50) * 50 for frame in video}


@pytest.mark.parametrize("name", ["v.mkv", "v.mp4", "v.avi"])
@pytest.mark.parametrize("disposition", [0, Disposition.attached_pic])
def test_a_thumbnail_is_no_recording(tmp_path, name, disposition):
    """With the mark that says so, or only because it is one picture; here it is even the larger one."""
    if name.endswith(".avi") and disposition:
        pytest.skip("AVI has no such mark")
    video = Video(write(tmp_path / name, (LARGE, 50, 1), (SMALL, 100, 12), disposition=disposition))
    assert (len(list(video)), grays(video), (video.width, video.height)) == (12, {100}, SMALL)
    assert not [remark for remark in video.remarks() if "videos" in remark]


def test_a_cover_alone_is_what_there_is(tmp_path):
    video = Video(write(tmp_path / "v.mkv", (SMALL, 100, 1), disposition=Disposition.attached_pic))
    assert len(list(video)) == 1


@pytest.mark.parametrize("name", ["v.mkv", "v.mp4"])
def test_of_several_the_largest_is_read_and_it_is_said(tmp_path, name):
    path = write(tmp_path / name, (SMALL, 50, 12), (LARGE, 150, 12))
    video = Video(path)
    assert grays(video) == {150}
    (remark,) = [remark for remark in video.remarks() if "videos" in remark]
    assert remark == (
        "holds 2 videos (0: 64 x 48, mjpeg; 1: 160 x 120, mjpeg): number 1 is read, the largest; to read another, set "
        "videostream to its number in the settings"
    )
    assert grays(Video(path, reading=Reading(videostream=0))) == {50}
    with pytest.raises(ToolboxError, match=r"has no video number 2 \(videostream\); it holds 0: 64 x 48"):
        Video(path, reading=Reading(videostream=2))


def test_of_equal_ones_the_first_is_read(tmp_path):
    video = Video(write(tmp_path / "v.mkv", (LARGE, 50, 12), (LARGE, 150, 12)))
    assert grays(video) == {50}
    assert "number 0 is read, the first" in next(video.remarks())


def test_a_choice_does_not_matter_where_there_is_none(tmp_path):
    assert len(list(Video(write(tmp_path / "v.mkv", (SMALL, 50, 3)), reading=Reading(videostream=1)))) == 3


# ---- Rates ----


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt", "rate"),
    [
        (".h264", "libx264", "yuv420p", 90),  # the stream hints at it
        (".m4v", "mpeg4", "yuv420p", 90),
        (".mjpeg", "mjpeg", "yuvj420p", 25),  # nothing does
    ],
)
def test_a_raw_stream_has_no_rate(tmp_path, suffix, codec, pix_fmt, rate):
    path = tmp_path / f"v{suffix}"
    with av.open(str(path), "w", format=suffix[1:]) as container:
        stream = container.add_stream(codec, rate=90)
        stream.width, stream.height, stream.pix_fmt = *LARGE, pix_fmt
        for number in range(20):
            pixels = np.full((120, 160, 3), 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)))
        container.mux(stream.encode())
    video = Video(path)
    assert (video.rate, video.rate_is_assumed, video.stated_rate) == (rate, True, None)
    assert [time * video.time_base for time, _ in video.frames()] == [Fraction(row, rate) for row in range(20)]
    assert f"tells no frame rate: {rate} frames/s are assumed; if that is wrong, set fps in" in next(video.remarks())
    stated = Video(path, reading=Reading(fps=119.88))
    assert (stated.rate_is_assumed, stated.stated_rate, stated.rate) == (False, 119.88, Fraction(2997, 25))
    assert [time * stated.time_base for time, _ in stated.frames()] == [Fraction(25 * row, 2997) for row in range(20)]
    assert list(stated.remarks()) == []
    assert stated.facts()["fps_stated"] == 119.88


def test_a_rate_that_a_file_tells_counts(tmp_path, write_video):
    path = write_video(tmp_path / "v.avi", [np.zeros((48, 64, 3), np.uint8)] * 3, rate=30)
    video = Video(path, reading=Reading(fps=90))
    assert (video.rate, video.stated_rate) == (30, None)
    assert list(video.remarks()) == [
        "tells 30 frames/s, which counts; fps = 90 of myconfig_analysis.py is for recordings that tell none"
    ]
    assert list(Video(path, reading=Reading(fps=30)).remarks()) == []


@pytest.mark.parametrize("rate", [1000, 1500, 2000, 3000])
def test_time_stamps_coarser_than_the_frames(tmp_path, write_video, rate):
    """Matroska counts milliseconds."""
    path = write_video(tmp_path / "v.mkv", [np.zeros((48, 64, 3), np.uint8)] * 60, rate=rate)
    video = Video(path)
    assert video.rate == rate
    times = [float(time * video.time_base) for time, _ in video.frames()]
    assert np.abs(np.array(times) - np.arange(60) / rate).max() < 0.0011
    assert (np.diff(times) > 0).all()


def test_a_clock_that_stands_still_is_not_coarse(tmp_path):
    """MXF files that were joined: all that follows the first has its last stamp."""
    parts = []
    for first in (0, 20):
        with av.open(str(tmp_path / "v.mxf"), "w") as container:
            stream = container.add_stream("mpeg2video", rate=25)
            stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
            for number in range(first, first + 20):
                picture = np.full((120, 160, 3), 5 * number, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        parts.append((tmp_path / "v.mxf").read_bytes())
    (tmp_path / "v.mxf").write_bytes(b"".join(parts))
    video = Video(tmp_path / "v.mxf")
    times, frames = zip(*video.frames(), strict=True)
    assert [float(time * video.time_base) for time in times] == pytest.approx(np.arange(40) / 25)
    np.testing.assert_allclose([frame.mean() for frame in frames], 5 * np.arange(40), atol=3)


def test_pixels_that_are_not_square(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *LARGE, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert look_at(path).pixel_aspect == Fraction(4, 3)
    video = Video(path)
    assert video.facts()["pixel_aspect"] == 1.333333
    assert "pixels that are not square, 1.333 times as wide as high" in next(video.remarks())
    assert Video(write(tmp_path / "w.mkv", (SMALL, 50, 3))).pixel_aspect == 1


@pytest.mark.parametrize(("scale", "rate", "told"), [(1, 10**6, "1e+06"), (1, 33333, "33333"), (10**6, 1, "1e-06")])
def test_a_rate_that_no_camera_has_is_not_believed(tmp_path, scale, rate, told):
    path = write(tmp_path / "v.avi", (SMALL, 90, 10))
    content = bytearray(path.read_bytes())
    at = content.index(b"strh") + 28
    assert [int.from_bytes(content[at + n : at + n + 4], "little") for n in (0, 4)] == [1, 25]
    content[at : at + 8] = scale.to_bytes(4, "little") + rate.to_bytes(4, "little")
    path.write_bytes(content)
    video = Video(path)
    assert (video.rate, video.rate_is_assumed) == (25, True)
    assert [time * video.time_base for time, _ in video.frames()] == [Fraction(n, 25) for n in range(10)]
    first, second = video.remarks()
    assert first == f"its header tells {told} frames/s, which is not believed: it counts as none"
    assert second.startswith("tells no frame rate: 25 frames/s are assumed; if that is wrong, set fps")
    stated = Video(path, reading=Reading(fps=20))
    assert (stated.rate, stated.rate_is_assumed, stated.stated_rate) == (20, False, 20)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"), [("v.y4m", "wrapped_avframe", "yuv420p"), ("v.gif", "gif", "gray")]
)
def test_a_rate_that_ffmpeg_makes_up_is_assumed(tmp_path, name, codec, pix_fmt):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=20)
        (stream.width, stream.height), stream.pix_fmt = SMALL, pix_fmt
        for number in range(6):
            pixels = np.full((48, 64, 3), 30 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)))
        container.mux(stream.encode())
    assert (Video(path).rate, Video(path).rate_is_assumed) == (20, False)
    content = path.read_bytes()
    for told, untold in ((b" F20:1", b""), (b" F20:1", b" F0:0"), (b"\x05\0", b"\0\0")):
        if told in content:
            path.write_bytes(content.replace(told, untold))
            video = Video(path)
            assert (video.rate, video.rate_is_assumed) == (25, True)
            assert [time * video.time_base for time, _ in video.frames()] == [Fraction(n, 25) for n in range(6)]
