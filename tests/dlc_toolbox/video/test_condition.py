"""What is said of a recording, and written into records: damage, darkness, clocks."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.video.condition import Condition, announce
from dlc_toolbox.video.recording import Frame
from dlc_toolbox.video.sequences import open_frames
from dlc_toolbox.video.video import Video
from tests.dlc_toolbox.video.test_video import COUNT, encode, number_of, numbered, overwrite, packets_of

MS = Fraction(1, 1000)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [numbered(number) for number in range(COUNT)]


def examine(path: Path) -> Condition:
    video = open_frames(path)
    times, _, states = zip(*video.shown(), strict=True)
    return Condition.of(video, times, states)


def said(condition: Condition, caplog) -> list[str]:
    caplog.clear()
    condition.warn()
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    return [record.getMessage() for record in caplog.records]


def test_of_a_sound_video_nothing_is_said(tmp_path, frames, caplog):
    condition = examine(encode(tmp_path / "v.mp4", frames, bf="2"))
    assert said(condition, caplog) == []
    facts = condition.facts()
    assert (facts["fps"], facts["frames"], facts["frames_decoded"], facts["frames_in_header"]) == (25, 40, 40, 40)
    empty = (
        "lost_frames",
        "damaged_frames",
        "dark_frames",
        "blank_frames",
        "frames_missing_after",
        "clock_restarts_at",
    )
    assert [facts[name] for name in empty] == [[]] * 6
    assert (facts["frames_missing_at_end"], facts["frame_times_s"], facts["pixel_aspect"]) == (0, None, 1)


# ---- Damage ----


@pytest.mark.parametrize("name", ["v.avi", "v.mkv", "v.flv", "v.wmv"])
def test_a_video_that_was_cut_off(tmp_path, frames, caplog, name):
    codec, pix_fmt = ("libx264", "yuv420p") if name == "v.flv" else ("mjpeg", "yuvj420p")
    path = encode(tmp_path / name, frames, codec, pix_fmt, **({"bf": "0"} if name == "v.flv" else {}))
    with path.open("rb+") as file:
        file.truncate(packets_of(path)[15][0] - 20)
    condition = examine(path)
    missing = condition.facts()["frames_missing_at_end"]
    delivered = len(condition.times)
    assert 14 <= delivered <= 16
    assert 40 - delivered - 1 <= missing <= 40 - delivered
    (message,) = said(condition, caplog)
    assert message.startswith(f"{name}: it is damaged or incomplete: {delivered} frames were read, the header tells")
    told = "40 frames" if name == "v.avi" else f"the length of {delivered + missing} frames"
    assert f"the header tells {told}, so {missing} are missing at the end: it is cut off" in message


@pytest.mark.parametrize("name", ["v.mkv", "v.webm", "v.wmv", "v.flv"])
def test_a_piece_whose_clock_does_not_begin_at_0_is_whole(tmp_path, frames, caplog, name):
    codecs = {"v.webm": "libvpx", "v.wmv": "msmpeg4v3", "v.flv": "flv1"}
    times = [2000 + 40 * row for row in range(COUNT)]
    path = encode(tmp_path / name, frames, codecs.get(name, "libx264"), times=times, time_base=MS)
    condition = examine(path)
    assert said(condition, caplog) == []
    assert (condition.missing_at_end, len(condition.times), condition.video.expected_frames) == (0, COUNT, COUNT)


def test_frames_that_a_container_discards_are_not_missing(tmp_path, frames, caplog):
    """An edit list makes a video start later than its first packet."""
    whole = encode(tmp_path / "whole.mp4", frames, bf="0")
    edited = tmp_path / "edited.mp4"
    with av.open(str(whole)) as source, av.open(str(edited), "w", options={"avoid_negative_ts": "disabled"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                shift = round(Fraction(5, 25) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                target.mux(packet)
    condition = examine(edited)
    assert (len(condition.times), condition.missing_at_end, said(condition, caplog)) == (35, 0, [])


def test_frames_that_cannot_be_decoded_at_the_start_and_end(tmp_path, frames, caplog):
    """They have no row."""
    path = encode(tmp_path / "v.avi", frames, "mjpeg", "yuvj420p")
    packets = packets_of(path)
    for pos, size in (*packets[:2], *packets[-3:]):
        overwrite(path, pos, pos + size)
    condition = examine(path)
    facts = condition.facts()
    assert (facts["frames"], facts["frames_in_header"], facts["frames_missing_at_end"]) == (35, 40, 0)
    assert (facts["frames_undecodable_at_start"], facts["frames_undecodable_at_end"]) == (2, 3)
    assert said(condition, caplog) == [
        "v.avi: it is damaged or incomplete: 35 frames were read, 2 before the first of them cannot be decoded and are "
        "not counted, 3 behind the last of them cannot be decoded"
    ]


def test_a_recording_without_its_index_is_incomplete(tmp_path, frames):
    path = encode(tmp_path / "v.mp4", frames)
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(ToolboxError, match=r"v\.mp4 cannot be read as a video: it is incomplete.* the index \(moov\)"):
        open_frames(path)
    whole = encode(path, frames).read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") + 200])
    with pytest.raises(ToolboxError, match=r"v\.mp4 cannot be read as a video: it is incomplete.* \(moov\),.* cut off"):
        open_frames(path)
    path.write_bytes(whole.replace(b"trak", bytes(4)))
    with pytest.raises(ToolboxError, match=r"v\.mp4 holds no video, or what describes it in the file is damaged"):
        open_frames(path)
    path.write_bytes(b"")
    with pytest.raises(ToolboxError, match=r"v\.mp4 is empty, not a video: copy it again"):
        open_frames(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".flv", ".wmv", ".nut", ".ivf"])
def test_files_that_cannot_be_joined_byte_by_byte(tmp_path, frames, suffix):
    codec = "libvpx" if suffix == ".ivf" else "libx264"
    parts = [encode(tmp_path / f"{n}{suffix}", half, codec) for n, half in enumerate((frames[:20], frames[20:]))]
    joined = tmp_path / f"joined{suffix}"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    video = open_frames(joined)
    assert [number_of(frame) for frame in video][:20] == list(range(20))
    assert "is several files one behind the other" in next(video.remarks())
    assert list(open_frames(parts[0]).remarks()) == []


@pytest.mark.parametrize("noisy", [True, False])
def test_half_pictures_of_motion_jpeg(tmp_path, frames, caplog, noisy):
    path = encode(tmp_path / "v.avi", frames, "mjpeg", "yuvj420p")
    for row in (17, 18, 30):
        pos, size = packets_of(path)[row]
        if noisy:
            overwrite(path, pos + size // 2, pos + size)
        else:
            with path.open("rb+") as file:
                file.seek(pos + size // 2)
                file.write(bytes(size - size // 2))
    condition = examine(path)
    assert (condition.facts()["damaged_frames"], condition.lost) == ([17, 18, 30], [])
    assert said(condition, caplog) == [
        "v.avi: it is damaged or incomplete: 40 frames were read, 3 are damaged, or shown on top of damaged ones: "
        "frames 17 to 18, 30"
    ]


@pytest.mark.parametrize("name", ["v.avi", "v.mkv", "v.mp4"])
def test_noise_within_pictures_of_motion_jpeg(tmp_path, frames, caplog, name):
    path = encode(tmp_path / name, frames, "mjpeg", "yuvj420p")
    content, places = bytearray(path.read_bytes()), packets_of(path)
    for row in (7, 20):
        middle = places[row][0] + places[row][1] // 2
        content[middle : middle + 400] = np.random.default_rng(row).integers(0, 255, 400, np.uint8).tobytes()
    path.write_bytes(content)
    condition = examine(path)
    assert (len(condition.times), condition.lost, condition.rows(Frame.DAMAGED)) == (COUNT, [], [7, 20])
    (message,) = said(condition, caplog)
    assert "2 are damaged, or shown on top of damaged ones: frames 7, 20" in message
    shown = [number_of(frame) for row, frame in enumerate(open_frames(path)) if row not in (7, 20)]
    assert shown == [row for row in range(COUNT) if row not in (7, 20)]


def test_where_the_first_picture_is_refused_too_it_is_taken_for_the_camera_s_way(tmp_path, frames, caplog):
    path = encode(tmp_path / "v.avi", frames, "mjpeg", "yuvj420p")
    content = bytearray(path.read_bytes())
    noise = b"\0" + np.random.default_rng(0).bytes(39).replace(b"\xff", b"\xfe")  # no marker
    for place, size in packets_of(path):
        content[place + size // 2 : place + size // 2 + 40] = noise
    path.write_bytes(content)
    condition = examine(path)
    assert (len(condition.times), condition.rows(Frame.DAMAGED), said(condition, caplog)) == (COUNT, [], [])


def test_damage_that_the_decoder_repairs_and_hands_on(tmp_path, frames):
    path = encode(tmp_path / "v.avi", frames, "mpeg4", g="10")
    pos, size = packets_of(path)[17]
    overwrite(path, pos + size // 2, pos + size)
    assert examine(path).facts()["damaged_frames"] == [17, 18, 19]  # up to the next key frame, 20


def test_frames_behind_a_lost_one_are_damaged_up_to_the_next_key_frame(tmp_path, frames, caplog):
    path = encode(tmp_path / "v.mp4", frames, bf="0", g="10")
    pos, size = packets_of(path)[14]
    overwrite(path, pos, pos + size)
    condition = examine(path)
    assert (condition.lost, condition.rows(Frame.DAMAGED)) == ([14], [15, 16, 17, 18, 19])
    (message,) = said(condition, caplog)
    assert "40 frames were read, 1 of these are lost (frame 14 cannot be decoded), 5 are damaged, or" in message


def test_the_reason_of_a_lost_image_is_told(tmp_path, frames, caplog):
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, frame in enumerate(frames[:8]):
        Image.fromarray(frame).save(folder / f"img{number}.png")
    (folder / "img2.png").write_bytes(b"no image")
    Image.fromarray(frames[3][:60]).save(folder / "img3.png")
    condition = examine(folder)
    lost, of_other_size = said(condition, caplog)
    assert "8 frames were read, 1 of these are lost" in lost
    assert f"frame 2 cannot be read: image {folder / 'img2.png'} is damaged or no image" in lost
    assert of_other_size.startswith("day1: 1 of 8 frames have another size than 160 x 120 pixels, that of the others")
    assert "(frame 3 has 160 x 60 pixels)" in of_other_size
    assert condition.facts()["lost_frames"] == [2, 3]


def test_images_of_another_size_are_not_called_damaged(tmp_path, frames, caplog):
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, frame in enumerate(frames[:8]):
        Image.fromarray(frame[:60] if number in (0, 1, 5) else frame).save(folder / f"img{number}.png")
    condition = examine(folder)
    assert (condition.video.full_width, condition.video.full_height, condition.lost) == (160, 120, [0, 1, 5])
    (message,) = said(condition, caplog)
    assert message.startswith("day1: 3 of 8 frames have another size than 160 x 120 pixels")


def test_the_size_of_a_lost_frame_is_told(tmp_path, frames, caplog):
    other = [numbered(number, 96, 64) for number in range(2)]
    parts = [encode(tmp_path / f"{n}.h264", part) for n, part in enumerate((frames[:8], other, frames[10:]))]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    (message,) = [said for said in said(examine(joined), caplog) if "another size than 160 x 120 pixels" in said]
    assert "frame 8 has 96 x 64 pixels" in message


# ---- Darkness ----


def test_dark_and_blank_frames_are_told_once(tmp_path, write_video, caplog):
    black, dim, gray = (np.full((48, 64, 3), value, np.uint8) for value in (0, 0, 90))
    dim[4, 4] = 12
    seen = gray.copy()
    seen[4, 4] = 13
    condition = examine(write_video(tmp_path / "v.avi", [seen, black, dim, seen, gray, seen]))
    facts = condition.facts()
    assert (facts["dark_frames"], facts["blank_frames"]) == ([1, 2], [4])
    assert said(condition, caplog) == [
        "v.avi: 2 of 6 frames are dark, nearly black: no pixel is brighter than 12 of 255 in frames 1 to 2",
        "v.avi: 1 of 6 frames are all one colour: frame 4",
    ]


# ---- Clocks ----


@pytest.mark.parametrize(("suffix", "codec"), [(".ts", "libx264"), (".m2ts", "libx264"), (".mpg", "mpeg2video")])
@pytest.mark.parametrize("parts", [2, 3])
def test_joined_recordings_follow_each_other(tmp_path, frames, caplog, suffix, codec, parts):
    each = 12
    pieces = [encode(tmp_path / f"{n}{suffix}", frames[each * n : each * (n + 1)], codec) for n in range(parts)]
    joined = tmp_path / f"joined{suffix}"
    joined.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    video = Video(joined)
    rows = list(video.frames())
    assert [number_of(frame) for _, frame in rows] == list(range(each * parts))
    times = [float(time * video.time_base) for time, _ in rows]
    assert np.abs(np.array(times) - np.arange(each * parts) / 25).max() < 0.05
    condition = examine(joined)
    assert condition.fps == 25
    assert condition.facts()["clock_restarts_at"] == [each * n for n in range(1, parts)]
    (told,) = said(condition, caplog)  # above all no damage
    assert f"its time stamps start anew at frame{'s' * (parts > 2)} 12" in told


@pytest.mark.parametrize("first", range(20, 26))
def test_a_clock_that_jumps_is_told_and_believed(tmp_path, frames, caplog, first):
    """Also where B-frames, which come after the frame behind them, are the last before the pause."""
    times = [40 * row + (5000 if row >= first else 0) for row in range(COUNT)]
    condition = examine(encode(tmp_path / "v.mkv", frames, times=times, time_base=MS, bf="3", b_strategy="0"))
    assert condition.facts()["frame_times_s"] == [time / 1000 for time in times]
    assert condition.facts()["frames_missing_after"] == [[first - 1, 125]]
    (message,) = said(condition, caplog)
    assert f"its time stamps jump ahead 1 times, first by 5.04 s after frame {first - 1}" in message


def test_frames_that_are_left_out_of_an_even_recording_are_told(tmp_path, frames, caplog):
    rows = [row for row in range(COUNT) if row not in (8, 9, 10, 15)]
    condition = examine(
        encode(tmp_path / "v.mkv", [frames[row] for row in rows], times=[40 * row for row in rows], time_base=MS)
    )
    assert condition.facts()["frame_times_s"] == [round(0.04 * row, 6) for row in rows]
    assert condition.facts()["frames_missing_after"] == [[7, 3], [11, 1]]
    (message,) = said(condition, caplog)
    told = "its frames come every 0.04 s, but by their times 4 are missing, first after frame 7: rows count the frames"
    assert told in message
    late = [40 * row + (30 if row == 12 else 0) for row in range(COUNT)]  # as computers stamp them; none is missing
    condition = examine(encode(tmp_path / "u.mkv", frames, times=late, time_base=MS))
    assert condition.facts()["frames_missing_after"] == [] and said(condition, caplog) == []
    uneven = [0, *np.cumsum(np.random.default_rng(0).integers(20, 90, COUNT - 1)).tolist()]
    assert said(examine(encode(tmp_path / "w.mkv", frames, times=uneven, time_base=MS)), caplog) == []


def test_frames_missing_at_the_end_of_a_cut_recording_are_told(tmp_path, frames, caplog):
    """Frames 16 and 14 are in the file before 13 and 15."""
    path = encode(tmp_path / "v.ts", frames, bf="3", b_strategy="0")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    cut = next(packet.pos for packet in packets if packet.pts == packets[0].pts + 13 * 3600)
    path.write_bytes(path.read_bytes()[:cut])
    condition = examine(path)
    assert condition.facts()["frame_times_s"] == [round(0.04 * row, 6) for row in (*range(13), 14, 16)]
    assert condition.facts()["frames_missing_after"] == [[12, 1], [13, 1]]
    assert "but by their times 2 are missing, first after frame 12" in said(condition, caplog)[-1]


@pytest.mark.parametrize(
    ("steps", "gaps"),
    [
        ([40] * 12 + [80] * 2, [12, 13]),
        ([40] * 12 + [80] * 6, []),  # a camera that slows down in the dark
        ([40, 40, 80], []),
        ([33, 66] * 3, []),
        ([40, 75, 40, 110] * 5 + [80] * 2, []),
    ],
)
def test_last_steps_are_gaps_where_those_before_them_are_equal(steps, gaps):
    class Told:
        rounding, fps, time_base = 1, 25.0, MS

    condition = Condition.of(Told(), [0, *np.cumsum(steps)], np.ones(len(steps) + 1))
    assert condition.dropped.tolist() == gaps


def with_empty_places(path: Path, frames: list[np.ndarray], places: list[int], rate: int) -> Path:
    """Write an AVI with frames at some of its places; the container marks the others by empty chunks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuvj444p"
        for frame, place in zip(frames, places, strict=True):
            image = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuvj444p")
            image.pts, image.time_base = place, Fraction(1, rate)
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    return path


def test_an_avi_whose_rate_is_that_of_a_clock_is_not_cut_off(tmp_path, frames, caplog):
    places = [24 * row for row in range(COUNT - 1)]
    path = with_empty_places(tmp_path / "v.avi", frames, [*places, places[-1] + 1], 600)  # as copied B-frames end
    content = path.read_bytes()
    at = content.index(b"strh") + 40
    assert int.from_bytes(content[at : at + 4], "little") == places[-1] + 2
    path.write_bytes(content[:at] + (24 * COUNT).to_bytes(4, "little") + content[at + 4 :])
    condition = examine(path)
    facts = condition.facts()
    assert (facts["frames_in_header"], facts["frames"], facts["frames_missing_at_end"]) == (24 * COUNT, COUNT, 0)
    assert not any("cut off" in message for message in said(condition, caplog))


def test_an_avi_that_leaves_out_its_first_frames_is_not_cut_off(tmp_path, frames, caplog):
    path = with_empty_places(tmp_path / "v.avi", frames[2:], [0, *range(3, COUNT)], 25)
    content = bytearray(path.read_bytes())
    first, index = content.index(b"movi") + 4, content.index(b"idx1") + 8
    size = int.from_bytes(content[first + 4 : first + 8], "little")
    behind = first + 8 + size + size % 2
    empty = b"00dc" + bytes(4)
    assert content[behind : behind + 16] == 2 * empty
    content[first : behind + 16] = 2 * empty + content[first:behind]  # now the first two places are empty
    for place, entry in enumerate(((4, 0), (12, 0), (20, size))):
        content[index + 16 * place + 8 : index + 16 * place + 16] = b"".join(n.to_bytes(4, "little") for n in entry)
    path.write_bytes(content)
    condition = examine(path)
    facts = condition.facts()
    assert (facts["frames_in_header"], facts["frames"], facts["frames_missing_at_end"]) == (COUNT, COUNT - 2, 0)
    assert (facts["frame_times_s"], said(condition, caplog)) == (None, [])


@pytest.mark.parametrize("gone", [(8, 9, 10), (8,), (3, 8, 11, 14, 17, 19, 22)])
def test_frames_that_an_avi_leaves_out_are_not_missing_at_its_end(tmp_path, frames, caplog, gone):
    places = [row for row in range(COUNT) if row not in gone]
    condition = examine(with_empty_places(tmp_path / "v.avi", [frames[row] for row in places], places, 25))
    facts = condition.facts()
    left = COUNT - len(gone)
    assert (facts["frames_in_header"], facts["frames"], facts["frames_missing_at_end"]) == (COUNT, left, 0)
    assert facts["frame_times_s"] == [row / 25 for row in range(COUNT) if row not in gone]
    (message,) = said(condition, caplog)
    assert f"by their times {len(gone)} are missing, first after frame {gone[0] - 1}" in message


def test_steps_of_a_clock_in_ms_are_rounded_and_no_gaps():
    class Told:
        rounding, fps, time_base = 1, 900.0, Fraction(1, 1000)

    stamps = np.round(np.arange(90) * 1000 / 900)
    assert sorted(set(np.diff(stamps))) == [1, 2]
    condition = Condition.of(Told(), stamps, np.ones(90))
    assert not condition.varies and condition.fps == 900


def test_the_rate_is_that_of_the_stamps_where_the_header_tells_another():
    class Told:
        rounding, fps, time_base = 1, 1000.0, Fraction(1, 1000)

    stamps = np.round(np.arange(30) * 1000 / 30)
    assert Condition.of(Told(), stamps, np.ones(30)).fps == pytest.approx(30, rel=0.001)
    Told.fps = 30.0
    assert Condition.of(Told(), stamps, np.ones(30)).fps == 30


def test_an_mp4_whose_last_frame_is_shown_for_an_instant_has_the_rate_of_its_stamps(tmp_path, frames):
    """FFmpeg divides the frames by the length, which is then nearly a frame less."""
    path, times = tmp_path / "v.mp4", [40 * row for row in range(8 * COUNT)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000)  # of its clock, so that the last frame lasts 1 ms
        stream.height, stream.width = frames[0].shape[:2]
        for time, frame in zip(times, frames * 8, strict=True):
            image = av.VideoFrame.from_ndarray(frame).reformat(format="yuv420p")
            image.pts, image.time_base = time, MS
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    assert Video(path).fps == pytest.approx(25, rel=0.01) and abs(Video(path).fps - 25) > 0.05
    condition = examine(path)
    assert not condition.varies and condition.fps == 25


def test_remarks_are_told(tmp_path, frames, caplog):
    announce(open_frames(encode(tmp_path / "v.h264", frames[:3])))
    assert caplog.messages == [
        "v.h264: tells no frame rate: 25 frames/s are assumed; if that is wrong, set fps in myconfig_analysis.py"
    ]
