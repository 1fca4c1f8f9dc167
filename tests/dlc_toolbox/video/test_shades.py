"""The bits that a video's values use, and palettes that are not there."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from dlc_toolbox.video.video import Video

FORMATS = {"gray10le": 10, "gray12le": 12, "gray14le": 14, "gray16le": 16, "gray16be": 16}
FORMATS |= {"yuv420p10le": 10, "yuv444p12le": 12, "yuv422p16le": 16}


def write_deep(path: Path, pictures: list[np.ndarray], pix_fmt: str, codec: str = "ffv1") -> Path:
    """Write values as they are, gray (H, W) or colours (H, W, 3)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        (stream.height, stream.width), stream.pix_fmt = pictures[0].shape[:2], pix_fmt
        for picture in pictures:
            if picture.ndim == 3:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(format=pix_fmt)
            else:
                frame = av.VideoFrame(stream.width, stream.height, pix_fmt)
                rows = np.zeros((stream.height, frame.planes[0].line_size // 2), np.uint16)
                rows[:, : stream.width] = picture
                frame.planes[0].update(rows.astype(">u2" if pix_fmt.endswith("be") else "<u2").tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def noise(bits: int, count: int = 6, shape: tuple[int, ...] = (48, 64)) -> list[np.ndarray]:
    pictures = list(np.random.default_rng(bits).integers(0, 2**bits, (count, *shape)).astype(np.uint16))
    pictures[0][0, 0] = 2**bits - 1
    return pictures


@pytest.mark.parametrize(("pix_fmt", "used"), [("gray16le", 10), ("gray16le", 12), ("gray16le", 14), ("gray12le", 10)])
def test_fewer_bits_than_the_container_says_are_spread(tmp_path, pix_fmt, used):
    pictures = noise(used)
    video = Video(write_deep(tmp_path / "v.mkv", pictures, pix_fmt))
    for frame, picture in zip(video, pictures, strict=True):
        np.testing.assert_array_equal(frame, np.repeat((picture >> (used - 8))[..., None], 3, axis=2))
    (remark,) = video.remarks()
    assert remark.startswith(f"uses {used} of the {FORMATS[pix_fmt]} bits of each value")


def test_bits_are_looked_for_all_over_the_video(tmp_path):
    """It begins in the dark: the lamp is switched on later."""
    pictures = [picture // 16 for picture in noise(12, 40)] + noise(12, 40)
    frames = list(Video(write_deep(tmp_path / "v.mkv", pictures, "gray16le")))
    assert (frames[0][..., 0] == pictures[0] >> 4).all()
    assert (frames[60][..., 0] == pictures[60] >> 4).all()


def test_bits_are_told_by_what_can_be_read_where_the_rest_is_damaged(tmp_path):
    pictures = noise(12, 40)
    path = write_deep(tmp_path / "v.mkv", pictures, "gray16le")
    content = path.read_bytes()
    half, part = len(content) // 2, len(content) // 20
    path.write_bytes(content[:half] + bytes(part) + content[half + part :])
    frames = list(Video(path))
    assert 10 < len(frames) < 40
    assert (frames[9][..., 0] == pictures[9] >> 4).all()


@pytest.mark.parametrize("pix_fmt", sorted(set(FORMATS) - {"gray16be", "gray14le"}))
def test_where_all_bits_are_used_nothing_changes(tmp_path, pix_fmt):
    bits = FORMATS[pix_fmt]
    pictures = [np.repeat(picture[..., None] << (16 - bits), 3, axis=2) for picture in noise(bits)]
    path = write_deep(tmp_path / "v.mkv", pictures if pix_fmt.startswith("yuv") else noise(bits), pix_fmt)
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    video = Video(path)
    assert all(np.array_equal(frame, other) for frame, other in zip(video, expected, strict=True))
    assert list(video.remarks()) == []


def test_colours_of_12_bits_in_16(tmp_path):
    pictures = noise(12, shape=(48, 64, 3))
    frames = list(Video(write_deep(tmp_path / "v.mkv", pictures, "gbrp16le")))
    assert all((frame == picture >> 4).all() for frame, picture in zip(frames, pictures, strict=True))


@pytest.mark.parametrize("used", [10, 12])
@pytest.mark.parametrize("pix_fmt", ["yuv444p16le", "yuv420p16le"])
def test_luma_and_chroma_of_fewer_bits_in_16(tmp_path, pix_fmt, used):
    """White, gray, black and red are what they are in 8 bits, whatever the upper bits are left for."""
    colors = np.array([[255, 255, 255], [128, 128, 128], [0, 0, 0], [220, 30, 30]], np.uint8)
    picture = np.repeat(np.repeat(colors, 16, axis=0)[None], 48, axis=0)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
    for plane in frame.planes:
        plane.update((np.frombuffer(plane, "<u2") >> (16 - used)).tobytes())
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        container.mux([*stream.encode(frame), *stream.encode()])
    video = Video(tmp_path / "v.mkv")
    (shown,) = video
    np.testing.assert_allclose(shown[24, 8::16], colors, atol=2)
    assert [remark.split(" of each")[0] for remark in video.remarks()] == [f"uses {used} of the 16 bits"]


def write_avi(path: Path, pictures: np.ndarray, palette: bytes = b"") -> Path:
    """Write uncompressed 8-bit frames, bottom row first, with a palette of 256 colours (BGR0) or none."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<L", len(content)) + content + b"\0" * (len(content) % 2)

    count, height, width = pictures.shape
    size = width * height
    main = struct.pack("<14L", 40000, size * 25, 0, 0x10, count, 0, 1, size, width, height, 0, 0, 0, 0)
    numbers = 0, 0, 0, 1, 25, 0, count, size, 0, size, 0, 0, width, height
    stream = b"vids" + struct.pack("<4s10L4h", b"DIB ", *numbers)
    bitmap = struct.pack("<LllHHLLllLL", 40, width, height, 1, 8, 0, size, 0, 0, 256 if palette else 0, 0) + palette
    header = chunk(b"avih", main) + chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", bitmap))
    movie = b"".join(chunk(b"00db", picture[::-1].tobytes()) for picture in pictures)
    content = b"AVI " + chunk(b"LIST", b"hdrl" + header) + chunk(b"LIST", b"movi" + movie)
    path.write_bytes(b"RIFF" + struct.pack("<L", len(content)) + content)
    return path


def test_a_palette_that_is_not_there_means_gray(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 48, 64), dtype=np.uint8)
    video = Video(write_avi(tmp_path / "v.avi", pictures))
    frames = list(video)
    assert [frame[..., 1].tolist() for frame in frames] == pictures.tolist()
    assert all((frame == frame[..., :1]).all() for frame in frames)
    assert list(video.remarks()) == ["says that its colours are those of a palette, but holds none: it is read as gray"]


def test_a_palette_is_obeyed(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 64), dtype=np.uint8)
    palette = np.stack([np.arange(256), 255 - np.arange(256), np.full(256, 7), np.zeros(256)], axis=1).astype(np.uint8)
    for frame, picture in zip(Video(write_avi(tmp_path / "v.avi", pictures, palette.tobytes())), pictures, strict=True):
        assert (frame == palette[picture][..., 2::-1]).all()
