"""Pages of TIFF files: time points, slices and channels."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dlc_common import UsersError
from dlc_common.tiff import TiffPages, is_tiff

PAGES = np.random.default_rng(0).integers(0, 256, (24, 20, 30), dtype=np.uint8)


def write(path: Path, told: str, pages: np.ndarray = PAGES) -> Path:
    first, *rest = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=rest, tiffinfo={270: told} if told else {})
    return path


def imagej(**told: int) -> str:
    return "ImageJ=1.54f\n" + "".join(f"{name}={value}\n" for name, value in told.items())


@pytest.mark.parametrize(
    ("told", "sizes", "channel", "pages"),
    [
        ("", (24, 1, 1), 0, range(24)),
        (imagej(images=24, slices=24), (24, 1, 1), 0, range(24)),
        (imagej(images=24, frames=24), (24, 1, 1), 0, range(24)),
        (imagej(images=24, channels=2, frames=12, hyperstack="true"), (12, 1, 2), 0, range(0, 24, 2)),
        (imagej(images=24, channels=2, frames=12, hyperstack="true"), (12, 1, 2), 1, range(1, 24, 2)),
        (imagej(images=24, channels=2, slices=12, hyperstack="true"), (12, 1, 2), 1, range(1, 24, 2)),
        (imagej(images=24, slices=3, frames=8, hyperstack="true"), (8, 3, 1), 0, range(1, 24, 3)),
        (imagej(images=24, channels=2, slices=3, frames=4, hyperstack="true"), (4, 3, 2), 1, range(3, 24, 6)),
        (imagej(images=24, channels=24, hyperstack="true"), (1, 1, 24), 5, [5]),
    ],
)
def test_pages_are_what_fiji_means(tmp_path: Path, told: str, sizes: tuple, channel: int, pages):
    with TiffPages(write(tmp_path / "a.tif", told)) as tiff:
        assert (tiff.time_points, tiff.slices, tiff.channels) == sizes
        read = [tiff.read(row, channel) for row in range(tiff.time_points)]
    assert [image[..., 0].tolist() for image in read] == [PAGES[page].tolist() for page in pages]


def test_ome(tmp_path: Path):
    values = PAGES.reshape(4, 3, 2, 20, 30)
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata={"axes": "TZCYX"}, photometric="minisblack")
    with TiffPages(tmp_path / "a.ome.tif") as tiff:
        assert (tiff.time_points, tiff.slices, tiff.channels) == (4, 3, 2)
        assert tiff.read(2, 1)[..., 1].tolist() == values[2, 1, 1].tolist()


def test_a_small_copy_is_no_frame(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(PAGES[0, ::4, ::4], subfiletype=1)
        for page in PAGES[:3]:
            file.write(page, subfiletype=0, metadata=None)
    with TiffPages(tmp_path / "a.tif") as tiff:
        assert (tiff.time_points, tiff.size) == (3, (30, 20))
        assert [tiff.read(row)[..., 0].tolist() for row in range(3)] == PAGES[:3].tolist()


def test_the_interval_between_frames(tmp_path: Path):
    told = imagej(images=24, frames=24, finterval=0.02)
    with TiffPages(write(tmp_path / "a.tif", told)) as tiff:
        assert tiff.interval_s == 0.02
    for unit, interval_s in (("ms", 0.02e-3), ("min", 1.2), ("usec", 0.02e-6), ("fortnight", None)):
        with TiffPages(write(tmp_path / "b.tif", told + f"tunit={unit}\n")) as tiff:
            assert tiff.interval_s == (interval_s and pytest.approx(interval_s)), unit
    with TiffPages(write(tmp_path / "c.tif", imagej(images=24, frames=24, fps=7))) as tiff:
        assert tiff.interval_s is None  # the speed at which Fiji shows it


def test_compressed_values_of_16_bits(tmp_path: Path):
    values = PAGES[:2].astype(np.uint16) * 257
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", None):
        first, second = map(Image.fromarray, values)
        first.save(tmp_path / "a.tif", save_all=True, append_images=[second], compression=compression)
        with TiffPages(tmp_path / "a.tif") as tiff:
            assert tiff.read(1).tolist() == values[1].tolist()


def test_a_tiff_file_is_told_by_its_first_bytes(tmp_path: Path):
    assert is_tiff(write(tmp_path / "a.tif", "").read_bytes())
    Image.fromarray(PAGES[0]).save(tmp_path / "a.png")
    assert not is_tiff((tmp_path / "a.png").read_bytes())


@pytest.mark.parametrize(
    ("axes", "sizes", "untold", "pages"),
    [
        ("TCYX", (12, 1, 2), (), range(1, 24, 2)),
        ("CTYX", (2, 1, 12), (), [2, 3]),
        ("", (24, 1, 1), (12, 2), range(24)),
    ],
)
def test_what_python_has_written_says_its_axes_or_that_they_are_not_told(
    tmp_path: Path, axes: str, sizes: tuple, untold: tuple, pages
):
    tifffile.imwrite(tmp_path / "a.tif", PAGES.reshape(12, 2, 20, 30), metadata={"axes": axes} if axes else {})
    with TiffPages(tmp_path / "a.tif") as tiff:
        assert (tiff.time_points, tiff.slices, tiff.channels) == sizes
        assert tiff.untold == untold
        read = [tiff.read(row, 1) for row in range(tiff.time_points)]
    assert [image[..., 0].tolist() for image in read] == [PAGES[page].tolist() for page in pages]


def test_colours_and_plain_stacks_of_python_leave_no_doubt(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", PAGES)
    tifffile.imwrite(tmp_path / "b.tif", np.repeat(PAGES[..., None], 3, axis=3), photometric="rgb")
    for name in ("a.tif", "b.tif"):
        with TiffPages(tmp_path / name) as tiff:
            assert (tiff.time_points, tiff.channels, tiff.untold) == (24, 1, ())


def test_the_interval_that_ome_tells(tmp_path: Path):
    for told, interval_s in (
        ({"TimeIncrement": 0.1, "TimeIncrementUnit": "s"}, 0.1),
        ({"TimeIncrement": 20, "TimeIncrementUnit": "ms"}, 0.02),
        ({"TimeIncrement": 0.5}, 0.5),  # seconds, unless it says otherwise
        ({"TimeIncrement": 0}, None),
        ({}, None),
    ):
        tifffile.imwrite(tmp_path / "a.ome.tif", PAGES[:5], metadata={"axes": "TYX", **told})
        with TiffPages(tmp_path / "a.ome.tif") as tiff:
            assert tiff.interval_s == interval_s


@pytest.mark.parametrize("options", [{"imagej": True}, {"compression": "zlib"}, {"bigtiff": True}, {"tile": (16, 16)}])
def test_files_that_were_joined_are_known(tmp_path: Path, options: dict):
    tifffile.imwrite(tmp_path / "a.tif", PAGES[:5], photometric="minisblack", **options)
    whole = (tmp_path / "a.tif").read_bytes()
    for content, is_joined in ((whole, False), (whole * 2, True), (whole + bytes(40), False)):
        (tmp_path / "b.tif").write_bytes(content)
        with TiffPages(tmp_path / "b.tif") as tiff:
            assert (tiff.is_joined, tiff.count) == (is_joined, 5)


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_a_file_that_is_cut_off_behind_a_page_is_known(tmp_path: Path, options: dict):
    with tifffile.TiffWriter(tmp_path / "a.tif", **options) as file:
        for page in PAGES[:5]:
            file.write(page, metadata=None, contiguous=False)
    whole = (tmp_path / "a.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        third = file.pages[3].offset
    for content, is_cut_off, count in ((whole, False, 5), (whole[:third], True, 3)):
        (tmp_path / "b.tif").write_bytes(content)
        with TiffPages(tmp_path / "b.tif") as tiff:
            assert (tiff.is_cut_off, tiff.count) == (is_cut_off, count)


def test_where_0_is_white_values_of_16_bits_are_inverted_as_those_of_8_are(tmp_path: Path):
    stored = np.array([[0, 257, 65535]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "b.tif", (stored >> 8).astype(np.uint8), photometric="miniswhite")
    tifffile.imwrite(tmp_path / "c.tif", np.array([[0, 0.25, 1]], np.float32), photometric="miniswhite")
    with TiffPages(tmp_path / "a.tif") as deep, TiffPages(tmp_path / "b.tif") as shallow:
        assert deep.read().tolist() == [[65535, 65278, 0]]
        assert shallow.read()[..., 0].tolist() == [[255, 254, 0]]
    with TiffPages(tmp_path / "c.tif") as floats:
        assert floats.read().tolist() == [[1, 0.75, 0]]


def test_a_file_with_some_of_the_frames_that_its_description_tells_of(tmp_path: Path):
    """Micro-Manager goes on in another file at 4 GB; both have the description of the whole."""
    values = PAGES.reshape(12, 2, 20, 30)
    tifffile.imwrite(tmp_path / "whole.ome.tif", values, metadata={"axes": "TCYX"}, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "whole.ome.tif") as whole, tifffile.TiffWriter(tmp_path / "a.tif") as part:
        for number, page in enumerate(PAGES[:11]):  # five frames and a half
            part.write(page, description=whole.ome_metadata if number == 0 else None, metadata=None)
    with TiffPages(tmp_path / "whole.ome.tif") as tiff:
        assert (tiff.time_points, tiff.channels, tiff.elsewhere) == (12, 2, 0)
    with TiffPages(tmp_path / "a.tif") as tiff:
        assert (tiff.time_points, tiff.channels, tiff.elsewhere) == (5, 2, 7)
        assert tiff.read(4, 1)[..., 0].tolist() == values[4, 1].tolist()


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_pictures_side_by_side_on_a_page_are_channels(tmp_path: Path, planar: str, dtype: type):
    axis = 3 if planar == "contig" else 1
    values = np.stack([PAGES[:8], PAGES[8:16], PAGES[16:24]], axis).astype(dtype)
    options = {"photometric": "minisblack", "planarconfig": planar, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    with TiffPages(tmp_path / "a.tif") as tiff:
        assert (tiff.time_points, tiff.channels) == (8, 3)
        read = [np.atleast_3d(tiff.read(5, channel))[..., 0].tolist() for channel in range(3)]
    assert read == [PAGES[page].tolist() for page in (5, 13, 21)]
    colors = np.stack([PAGES[:8], PAGES[8:16], PAGES[16:24]], 3)
    tifffile.imwrite(tmp_path / "rgb.tif", colors, photometric="rgb", metadata=None)
    transparent = np.stack([PAGES[:8], PAGES[8:16]], 3)
    tifffile.imwrite(
        tmp_path / "la.tif", transparent, photometric="minisblack", extrasamples=["unassalpha"], metadata=None
    )
    for name in ("rgb.tif", "la.tif"):
        with TiffPages(tmp_path / name) as tiff:
            assert tiff.channels == 1


def test_pixels_that_nobody_can_read_here_are_told_as_such(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", PAGES[0], metadata=None)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    place = content.index((259).to_bytes(2, "little") + b"\3\0\1\0\0\0") + 8
    for compression, name in ((34887, "LERC"), (60123, "method 60123")):
        content[place : place + 2] = compression.to_bytes(2, "little")
        (tmp_path / "a.tif").write_bytes(content)
        told = f"a.tif cannot be read: its pixels are compressed by {name}; save it without compression where it was"
        with TiffPages(tmp_path / "a.tif") as tiff, pytest.raises(UsersError, match=told):
            tiff.read()
