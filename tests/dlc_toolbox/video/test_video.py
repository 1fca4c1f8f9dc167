"""Videos in: every frame on its row, upright, cropped, at its time. Videos out: one frame per frame."""

from __future__ import annotations

import gc
import io
import os
import struct
import sys
import threading
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from deepercut import DeepercutError
from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import LABELED_VIDEO_ENDING
from dlc_toolbox.video import decoding
from dlc_toolbox.video.finding import find_videos
from dlc_toolbox.video.video import Video, for_each_video, prefetch, writing_video
from tests.limits import files_up_to

ONE = 1 << 16  # of the numbers in a display matrix
COUNT = 40


def numbered(number: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A frame whose bright bar tells its number, on a texture that does not compress to nothing."""
    frame = np.random.default_rng(0).integers(0, 60, (height, width, 3), dtype=np.uint8)
    frame[:, 3 * number : 3 * number + 6] = 255
    return frame


def number_of(frame: np.ndarray) -> int | str:
    """Read the number back: where the bar starts."""
    bar = np.flatnonzero(frame.mean(axis=(0, 2)) > 150)
    return round((bar.mean() - 2.5) / 3) if len(bar) else "torn"


def encode(path: Path, frames, codec="libx264", pix_fmt="yuv420p", times=None, time_base=None, **options: str) -> Path:
    """Write frames with any codec, at 25 frames/s or at the times given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    container_format = {".h264": "h264", ".ts": "mpegts"}.get(path.suffix)
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        if time_base:
            stream.codec_context.time_base = time_base
        for position, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.ndim == 3 else "gray")
            frame.pts = times[position] if times else position
            frame.time_base = time_base or Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Position and size of each packet in a file."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def overwrite(path: Path, start: int, stop: int) -> None:
    """Replace bytes of a file by noise."""
    with path.open("rb+") as file:
        file.seek(start)
        file.write(np.random.default_rng(1).bytes(stop - start))


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [numbered(number) for number in range(COUNT)]


# ---- Reading ----


def test_pixels_and_facts_of_a_lossless_video(tmp_path, write_video):
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 256, (17, 33, 3), dtype=np.uint8) for _ in range(5)]  # odd sizes
    video = Video(write_video(tmp_path / "Mäuse im Käfig.1.avi", frames, rate=30))
    assert [np.array_equal(read, frame) for read, frame in zip(video, frames, strict=True)] == [True] * 5
    assert (video.width, video.height, video.full_width, video.full_height) == (33, 17, 33, 17)
    assert (video.rate, video.fps, video.header_frames, video.expected_frames) == (30, 30.0, 5, 5)
    assert [time * video.time_base for time, _ in video.frames()] == [Fraction(row, 30) for row in range(5)]
    first = next(iter(video))
    first[:] = 0  # a frame belongs to whoever got it
    assert np.array_equal(next(iter(video)), frames[0])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("reordered.mp4", "libx264", {"bf": "3"}),
        ("time stamps in the wrong order.avi", "libx264", {"bf": "3"}),
        ("no time stamps.h264", "libx264", {"bf": "3"}),
        ("no index.mkv", "libx264", {"bf": "3"}),
        ("stream.ts", "libx264", {"bf": "3"}),
        ("interlaced.mp4", "libx264", {"x264-params": "interlaced=1"}),
        ("packed.avi", "mpeg4", {"bf": "2"}),
        ("no header count.webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    ],
)
def test_every_frame_stands_on_its_row(tmp_path, frames, name, codec, options):
    video = Video(encode(tmp_path / name, frames, codec, **options))
    rows = list(video.frames())
    assert [number_of(frame) for _, frame in rows] == list(range(COUNT))
    assert [time * video.time_base for time, _ in rows] == [Fraction(row, 25) for row in range(COUNT)]
    assert [number_of(frame) for _, frame in video.frames(start=33)] == list(range(33, COUNT))
    assert [time for time, _ in video.frames(start=33)] == [time for time, _ in rows[33:]]


def test_a_static_ending_is_kept(tmp_path, frames):
    path = encode(tmp_path / "static.mp4", [*frames[:10], *[frames[9]] * 30])
    assert [number_of(frame) for frame in Video(path)] == [*range(10), *[9] * 30]


def test_one_frame(tmp_path, frames):
    video = Video(encode(tmp_path / "one.mp4", frames[7:8]))
    assert [number_of(frame) for frame in video] == [7]


def test_times_of_a_variable_rate_are_kept(tmp_path, frames):
    times = [0, 40, 80, 200, 210, 1000, 1040]
    video = Video(encode(tmp_path / "vfr.mp4", frames[:7], times=times, time_base=Fraction(1, 1000)))
    assert [round(time * video.time_base * 1000) for time, _ in video.frames()] == times


def test_gray_has_three_equal_channels(tmp_path):
    gray = np.random.default_rng(5).integers(0, 256, (20, 30), dtype=np.uint8)
    (read,) = Video(encode(tmp_path / "gray.avi", [gray], "ffv1", "gray"))
    assert np.array_equal(read, np.repeat(gray[..., None], 3, axis=2))


def test_frames_that_were_read_do_not_wait_for_the_garbage_collection(video):
    gc.collect()
    gc.disable()  # large frames fill the memory long before there is enough garbage for it
    try:
        assert sum(1 for _ in Video(video)) == 30
        left = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert left == 0


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((ONE, 0, 0, ONE), "top left"),
        ((0, ONE, -ONE, 0), "top right"),  # a quarter turn clockwise
        ((-ONE, 0, 0, -ONE), "bottom right"),
        ((0, -ONE, ONE, 0), "bottom left"),
        ((-ONE, 0, 0, ONE), "top right"),  # mirrored
    ],
)
def test_frames_are_turned_upright(tmp_path, matrix, corner):
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[:8, :16] = 255
    path = encode(tmp_path / "turned.mp4", [frame])
    content = bytearray(path.read_bytes())
    a, b, c, d = matrix
    place = content.find(b"tkhd") + 44
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    video = Video(path)
    (upright,) = video
    turned = b != 0
    assert upright.shape == ((64, 32, 3) if turned else (32, 64, 3))
    assert (video.full_width, video.full_height) == ((32, 64) if turned else (64, 32))
    top, left = corner.split()
    rows = slice(0, 4) if top == "top" else slice(-4, None)
    columns = slice(0, 4) if left == "left" else slice(-4, None)
    assert upright[rows, columns].min() > 200
    assert upright.mean() < 255 * 0.1
    (cropped,) = Video(path, crop=(2, 30, 1, 9))
    assert np.array_equal(cropped, upright[1:9, 2:30])


def test_the_crop_really_happens(tmp_path, write_video):
    frame = np.random.default_rng(6).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "v.avi", [frame])
    video = Video(path, crop=(10, 41, 5, 20))
    (read,) = video
    assert np.array_equal(read, frame[5:20, 10:41])
    assert read.flags.c_contiguous
    assert (video.width, video.height, video.full_width, video.full_height) == (31, 15, 64, 48)


@pytest.mark.parametrize("crop", [(0, 65, 0, 48), (0, 64, 0, 49), (10, 10, 0, 48), (-1, 5, 0, 5)])
def test_a_crop_outside_the_frame_names_the_video_and_both_sizes(tmp_path, write_video, crop):
    path = write_video(tmp_path / "v.avi", [np.zeros((48, 64, 3), np.uint8)])
    with pytest.raises(ToolboxError, match=r"v\.avi: the crop x1, x2, y1, y2 = .* 64 x 48 pixels"):
        Video(path, crop)


# ---- Damage ----


def read_numbers(path: Path) -> list[int | None]:
    return [None if frame is None else number_of(frame) for frame in Video(path)]


def with_lost(*lost: int) -> list[int | None]:
    return [None if number in lost else number for number in range(COUNT)]


def test_lost_frames_in_the_middle_keep_their_rows(tmp_path, frames):
    path = encode(tmp_path / "damaged.mp4", frames, bf="3", g="10")
    intact = [(packet.pos, packet.size, packet.pts) for packet in av.open(str(path)).demux(video=0) if packet.size]
    pos, size, pts = intact[17]
    overwrite(path, pos, pos + size)
    lost = sorted(stamp for _, _, stamp in intact).index(pts)
    numbers = read_numbers(path)
    assert len(numbers) == COUNT
    assert numbers[lost] is None
    assert all(number in (None, "torn", row) for row, number in enumerate(numbers))
    assert numbers[-10:] == list(range(30, 40))  # from the next key frame on
    video = Video(path)
    times = [time * video.time_base for time, _ in video.frames()]
    assert times == [Fraction(row, 25) for row in range(COUNT)]
    assert [frame is None for _, frame in video.frames(start=12)] == [number is None for number in numbers[12:]]


def test_frames_behind_a_lost_one_at_the_end_are_kept(tmp_path, frames):
    """The last packet is not the last frame; a decoder with several threads meets it while it is being emptied."""
    path = encode(tmp_path / "reordered.mp4", frames, bf="3")
    pos, size = packets_of(path)[-1]
    overwrite(path, pos, pos + size)
    numbers = read_numbers(path)
    assert len(numbers) == COUNT
    assert numbers.count(None) == 1
    assert numbers[-1] == COUNT - 1


def test_lost_frames_of_a_stream_where_each_stands_alone(tmp_path, frames):
    path = encode(tmp_path / "damaged.avi", frames, "mjpeg", "yuvj420p")
    for packet in (20, 21, 33):
        pos, size = packets_of(path)[packet]
        overwrite(path, pos, pos + size)
    assert read_numbers(path) == with_lost(20, 21, 33)


@pytest.mark.skipif(not hasattr(av.stream.Stream, "index_entries"), reason="needs the index that PyAV 17 shows")
@pytest.mark.parametrize(("codec", "pix_fmt"), [("mjpeg", "yuvj420p"), ("ffv1", "bgr0"), ("mpeg4", "yuv420p")])
def test_avi_chunks_that_can_no_longer_be_found_keep_their_rows(tmp_path, frames, codec, pix_fmt):
    path = encode(tmp_path / "damaged.avi", frames, codec, pix_fmt, g="10")
    packets = packets_of(path)
    overwrite(path, packets[14][0] - 8, sum(packets[15]))  # with the chunks' headers
    numbers = read_numbers(path)
    assert numbers[:14] == list(range(14))
    assert numbers[14:16] == [None, None]
    assert numbers[20:] == list(range(20, COUNT))  # from the next key frame on


def test_what_follows_the_last_decodable_frame_has_no_row(tmp_path, frames):
    path = encode(tmp_path / "damaged.avi", frames, "mjpeg", "yuvj420p")
    for pos, size in packets_of(path)[-3:]:
        overwrite(path, pos, pos + size)
    assert read_numbers(path) == list(range(COUNT - 3))


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv"])
def test_a_truncated_file_gives_what_it_has(tmp_path, frames, name):
    path = encode(tmp_path / name, frames, "mjpeg", "yuvj420p")
    pos, size = packets_of(path)[25]
    with path.open("rb+") as file:
        file.truncate(pos + size // 2)
    numbers = read_numbers(path)
    assert numbers[:25] == list(range(25))
    assert len(numbers) <= 26  # the decoder may repair the last, halved one


def test_packets_that_show_nothing_by_design_are_not_lost(tmp_path, frames):
    """MPEG-4's 'the same picture again' is a packet without a frame."""
    path = encode(tmp_path / "plain.avi", frames, "mpeg4")
    repeating = tmp_path / "repeating.avi"
    with av.open(str(path)) as source, av.open(str(repeating), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        added = 0
        for packet in source.demux(video=0):
            if not packet.size:
                continue
            number = packet.pts
            packet.pts = packet.dts = number + added
            packet.stream = stream
            target.mux(packet)
            if number == 11:
                again = av.Packet(b"\x00\x00\x01\xb6\x56\x4f")  # a predicted picture that is 'not coded'
                again.pts = again.dts = 12
                again.time_base, again.stream = stream.time_base, stream
                target.mux(again)
                added = 1
    assert len(packets_of(repeating)) == COUNT + 1
    assert read_numbers(repeating) == list(range(COUNT))


def test_frames_that_the_container_discards_have_no_row(tmp_path, frames):
    """An edit list makes a video start later than its first packet."""
    whole = encode(tmp_path / "whole.mp4", frames, bf="0")
    edited = tmp_path / "edited.mp4"
    with av.open(str(whole)) as source, av.open(str(edited), "w", options={"avoid_negative_ts": "disabled"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                shift = round(Fraction(5, 25) / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = stream
                target.mux(packet)
    with av.open(str(edited)) as container:
        assert sum(packet.is_discard for packet in container.demux(video=0)) == 5
    assert read_numbers(edited) == list(range(5, COUNT))


def test_a_frame_of_another_size_is_lost(tmp_path, frames):
    other = [numbered(number, 96, 64) for number in range(5)]
    parts = [encode(tmp_path / f"{n}.h264", part) for n, part in enumerate((frames[:8], other, frames[13:]))]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert read_numbers(joined) == with_lost(8, 9, 10, 11, 12)


@pytest.mark.parametrize("name", ["v.avi", "v.mp4"])
def test_what_is_no_video_is_an_error_that_names_it(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(ToolboxError, match=rf"{name} does not exist"):
        Video(path)
    path.write_bytes(b"no video at all" * 100)
    with pytest.raises(ToolboxError, match=rf"{name} cannot be read as a video"):
        Video(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ToolboxError, match="holds no video"):
        Video(path)


def test_a_video_without_any_decodable_frame_is_an_error(tmp_path, frames):
    path = encode(tmp_path / "v.avi", frames[:3], "mjpeg", "yuvj420p")
    for pos, size in packets_of(path):
        overwrite(path, pos, pos + size)
    with pytest.raises(
        ToolboxError, match="no frame that can be decoded: its 3 pictures are damaged, encrypted or not"
    ):
        Video(path)


def test_lost_packets_are_placed_by_time_or_else_by_number():
    stamps = [0, 30, 10, 20, 60, 40, 50]  # decoding order; presentation order is 0 2 3 1 5 6 4
    assert decoding._place_lost([0, 2, 1, 5, 4], [3, 6], stamps).tolist() == [0, 2, 3, 1, 5, 6, 4]
    assert decoding._place_lost([2, 3, 1, 5], [0, 4, 6], stamps).tolist() == [2, 3, 1, 5]  # before and after all
    assert decoding._place_lost([0, 1, 3, 4], [2], [None] * 5).tolist() == [0, 1, 2, 3, 4]


def test_packets_as_an_index_lists_them():
    def follow(found, index):
        packets = [SimpleNamespace(pos=pos, size=1) for pos in found]
        return [packet.pos if packet.size else "missing" for packet in decoding._as_indexed(packets, index)]

    assert follow([10, 20, 30], [10, 20, 30]) == [10, 20, 30]
    assert follow([10, 40, 50], [10, 20, 30, 40]) == [10, "missing", "missing", 40, 50]  # an index may end early
    assert follow([10, 33, 40], [10, 20, 30, 40]) == [10, 33, "missing", 40]  # 33 is the torn 20 or 30
    assert follow([10, 20, 30, 40], [10, 15, 30, 40]) == [10, 20, 30, 40]  # the index is damaged, not the packets
    assert follow([10, 20, 30, 40], [10, 20, 99, 99]) == [10, 20, 30, 40]
    assert follow([11, 21, 31], [10, 20, 30]) == [11, 21, 31]  # this index tells of another file
    assert follow([10, 20], []) == [10, 20]


# ---- Running ahead ----


def test_prefetch_keeps_the_order_and_hands_errors_on():
    def numbers():
        yield from range(20)
        raise ToolboxError("no more")

    got = []
    with pytest.raises(ToolboxError, match="no more"):
        got.extend(prefetch(numbers(), depth=3))
    assert got == list(range(20))


def test_prefetch_runs_ahead_no_further_than_asked():
    started, go_on = [], threading.Event()

    def numbers():
        for number in range(100):
            started.append(number)
            if number == 3:
                go_on.set()
            yield number

    with closing(prefetch(numbers(), depth=2)) as ahead:
        assert next(ahead) == 0
        assert go_on.wait(5)
        assert not threading.Event().wait(0.1)
        assert started == [0, 1, 2, 3]  # one taken, two waiting, one in the hand


def test_prefetch_ends_its_thread_when_the_consumer_stops():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    with closing(prefetch(endless(), depth=1)) as ahead:
        next(ahead)
        assert threading.active_count() == before + 1
    assert closed.is_set()
    assert threading.active_count() == before


# ---- Writing ----


def test_what_is_written_plays_everywhere(tmp_path, frames):
    path = tmp_path / "out.mp4"
    with writing_video(path, 160, 120, Fraction(30000, 1001)) as write:
        for frame in frames:
            write(frame)
    video = Video(path)
    assert [number_of(frame) for frame in video] == list(range(COUNT))
    assert video.rate == Fraction(30000, 1001)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # starts to play before it is all there


def test_colors_survive_writing(tmp_path):
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:, :32], frame[:, 32:64], frame[:, 64:] = (255, 0, 0), (0, 255, 0), (40, 80, 200)
    with writing_video(tmp_path / "out.mp4", 96, 64, Fraction(25)) as write:
        write(frame)
    (read,) = Video(tmp_path / "out.mp4")
    for x in (16, 48, 80):
        assert np.abs(read[32, x].astype(int) - frame[32, x]).max() < 12


def test_odd_sizes_are_padded_and_nothing_moves(tmp_path):
    frame = np.zeros((33, 49, 3), np.uint8)
    frame[8:16, 8:16] = 255
    with writing_video(tmp_path / "out.mp4", 49, 33, Fraction(25)) as write:
        write(frame)
    (read,) = Video(tmp_path / "out.mp4")
    assert read.shape == (34, 50, 3)
    assert read[9:15, 9:15].min() > 200
    assert read[:, 20:].max() < 40


def test_times_are_written_as_given(tmp_path, frames):
    times = [0, 40, 80, 200, 210, 1000, 1040]
    with writing_video(tmp_path / "out.mp4", 160, 120, Fraction(7), Fraction(1, 1000)) as write:
        for frame, time in zip(frames, times, strict=False):
            write(frame, time)
    video = Video(tmp_path / "out.mp4")
    assert [round(time * video.time_base * 1000) for time, _ in video.frames()] == times


def test_a_failure_leaves_what_stood_there_and_nothing_else(tmp_path, frames):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stop"), writing_video(path, 160, 120, Fraction(25)) as write:
        write(frames[0])
        raise RuntimeError("stop")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]


def test_a_full_disk_is_one_clear_error(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    with (
        files_up_to(20_000),
        pytest.raises(UsersError, match=r"out\.mp4 could not be written"),
        writing_video(tmp_path / "out.mp4", 160, 120, Fraction(25)) as write,
    ):
        for shift in range(60):
            write(np.roll(noise, 7 * shift, axis=1))
    assert list(tmp_path.iterdir()) == []


# ---- Finding ----


def test_videos_are_found_by_their_exact_suffix(tmp_path):
    names = ["b.AVI", "a.avi", "m.1.avi", "é ü.avi", "x.avi.txt", "avi", "c.mp4", ".hidden.avi"]
    for name in [*names, f"a{LABELED_VIDEO_ENDING}"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.avi").mkdir()
    assert [path.name for path in find_videos([tmp_path], ".avi")] == ["a.avi", "b.AVI", "m.1.avi", "é ü.avi"]
    assert [path.name for path in find_videos([tmp_path], ".mp4")] == ["c.mp4"]


def test_named_files_are_taken_once_whatever_their_suffix(tmp_path):
    for name in ("a.avi", "b.mov"):
        (tmp_path / name).touch()
    named = [tmp_path / "b.mov", tmp_path, tmp_path / "." / "b.mov"]
    assert [path.name for path in find_videos(named, ".avi")] == ["b.mov", "a.avi"]


def test_links_that_are_left_out_are_told(tmp_path, caplog):
    (tmp_path / "a.avi").touch()
    (tmp_path / "b.avi").symlink_to(tmp_path / "a.avi")
    (tmp_path / "c.avi").symlink_to(tmp_path / "gone.avi")
    assert [path.name for path in find_videos([tmp_path], ".avi")] == ["a.avi"]
    assert "b.avi is left out: it is a link to the same file as a.avi" in caplog.text
    assert "c.avi is left out: it is a link to" in caplog.text
    assert "gone.avi, which is not there" in caplog.text


def test_accents_of_a_name_may_be_spelled_in_two_ways(tmp_path):
    apart, together = "Ma\u0308use", "M\u00e4use"
    (tmp_path / apart).mkdir()
    (tmp_path / apart / f"{together}.avi").touch()
    (found,) = find_videos([tmp_path / together / f"{apart}.avi"], ".avi")
    assert found == tmp_path / apart / f"{together}.avi"


def test_nothing_found_says_where_and_what_to_do(tmp_path):
    with pytest.raises(ToolboxError, match=r"no video with the suffix \.avi \(videotype\) there\. Look elsewhere\."):
        find_videos([tmp_path], ".avi", "Look elsewhere.")
    with pytest.raises(ToolboxError, match=r"nowhere does not exist\. Look elsewhere\."):
        find_videos([tmp_path / "nowhere"], ".avi", "Look elsewhere.")
    (tmp_path / "Videos").mkdir()
    (tmp_path / "Videos" / "b.avi").touch()
    (tmp_path / "Videos" / "c.avi").symlink_to("gone.avi")
    named = [tmp_path / name for name in ("videos/a.avi", "Videos/b.avi", "Videos/c.avi", "Videos/b.avi/d.avi")]
    with pytest.raises(UsersError) as caught:
        find_videos(named, ".avi", "Look elsewhere.")
    assert str(caught.value) == (
        f"3 problems: (1) {named[0]} does not exist; in {tmp_path}: Videos. Look elsewhere; "
        f"(2) {named[2]} does not exist: it is a link to gone.avi, which is not there; "
        f"(3) {named[3]} does not exist: {named[1]} is a file, not a folder"
    )
    labeled = tmp_path / f"a{LABELED_VIDEO_ENDING}"
    labeled.touch()
    with pytest.raises(ToolboxError, match="is a labeled video"):
        find_videos([labeled], ".avi")


@pytest.mark.parametrize(
    "error",
    [
        ToolboxError("bad.avi cannot be read"),
        DeepercutError("bad.avi cannot be read"),
        PermissionError(13, "bad.avi cannot be read", "bad.avi"),
    ],
)
def test_a_bad_video_does_not_stop_the_others(caplog, error):
    done = []

    def work(video):
        if video.stem == "bad":
            raise error
        done.append(video.stem)

    with pytest.raises(ToolboxError, match=r"1 of 3 videos could not be done, see above: bad\.avi"):
        for_each_video([Path("a.avi"), Path("bad.avi"), Path("c.avi")], work)
    assert done == ["a", "c"]
    assert "bad.avi cannot be read" in caplog.text


def test_a_defect_of_ours_stops_the_batch():
    def work(video):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for_each_video([Path("a.avi")], work)


def test_a_path_may_lead_through_a_folder_that_is_not_there(tmp_path):
    """As videofolder does, '../videos' of Analysis-tools, in a project that has no such folder yet."""
    (tmp_path / "a.avi").touch()
    assert find_videos([tmp_path / "Analysis-tools" / ".." / "a.avi"], ".avi") == [tmp_path / "a.avi"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are never bytes there")
def test_names_that_are_not_in_utf8_are_refused(tmp_path):
    path = tmp_path / os.fsdecode(b"m\xe4us.avi")
    for video in (path, tmp_path, path):  # it does not exist at first
        with pytest.raises(UsersError, match=r"udce4us\.avi is a name not in UTF-8: rename it") as error:
            find_videos([video], ".avi")
        assert str(error.value).encode()
        path.touch()


def test_a_link_keeps_its_own_name(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "0001.avi").touch()
    (tmp_path / "mouse.avi").symlink_to(tmp_path / "store" / "0001.avi")
    assert find_videos([tmp_path], ".avi") == [tmp_path / "mouse.avi"]


def test_a_video_in_an_unknown_format_is_an_error(tmp_path, frames):
    path = encode(tmp_path / "v.avi", frames[:3], "mjpeg", "yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"?!?!"))
    with pytest.raises(ToolboxError, match=r"v\.avi holds no video in a known format"):
        Video(path)


@pytest.mark.parametrize("orientation", [None, 3, 6, 8])
def test_frames_with_exif_are_upright(tmp_path, orientation):
    """PyAV has no name for this side data; a camera that writes JPEG frames may turn them by it."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32, 0] = 255
    exif = Image.Exif()
    exif[0x0110] = "camera"
    if orientation:
        exif[0x0112] = orientation
    jpeg = io.BytesIO()
    Image.fromarray(picture).save(jpeg, "JPEG", exif=exif)
    path = tmp_path / "camera.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(3):
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            container.mux(packet)
    turns = {None: 0, 3: 2, 6: -1, 8: 1}[orientation]
    for frame in Video(path):
        assert np.abs(frame.astype(int) - np.rot90(picture, turns)).mean() < 5


def test_a_recording_without_any_picture_is_told(tmp_path, frames):
    path = encode(tmp_path / "v.avi", frames[:3], "mjpeg", "yuvj420p")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    with pytest.raises(ToolboxError, match="no frame that can be decoded: it holds the description of a video, but no"):
        Video(path)


def test_interlaced_videos_are_told(tmp_path):
    frames = list(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8))
    for name, options, is_told in (("a.mp4", {"x264-params": "tff=1"}, True), ("b.mp4", {}, False)):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("libx264", rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        told = [remark for remark in Video(tmp_path / name).remarks() if remark.startswith("is interlaced: each frame")]
        assert bool(told) == is_told


def test_a_video_that_is_not_there_is_looked_for_beside(tmp_path):
    for name in ("another.avi", "mouse.avi", ".hidden"):
        (tmp_path / name).touch()
    with pytest.raises(ToolboxError, match=r"mouse\.mp4 does not exist; there: mouse\.avi, another\.avi\.$"):
        find_videos([tmp_path / "mouse.mp4"], ".mp4")
    with pytest.raises(ToolboxError, match=r"mouse does not exist; there: mouse\.avi\.$"):
        find_videos([tmp_path / "mouse"], ".mp4")
    if os.name != "nt":
        with pytest.raises(ToolboxError, match=r"does not exist; folders are separated by / here, not by \\ as in Win"):
            find_videos([tmp_path / "..\\mouse.avi"], ".avi")
    with pytest.raises(ToolboxError, match=r"gone/mouse\.mp4 does not exist\.$"):
        find_videos([tmp_path / "gone" / "mouse.mp4"], ".mp4")


def test_videos_further_down_are_named(tmp_path):
    (tmp_path / "monday").mkdir()
    (tmp_path / "monday" / "mouse.mp4").touch()
    with pytest.raises(ToolboxError, match=r"no video .* there; but some are in .*monday: name these folders in the"):
        find_videos([tmp_path], ".mp4")
