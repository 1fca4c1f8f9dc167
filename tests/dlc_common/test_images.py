"""Still images: names, order and pixels."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from dlc_common import UsersError
from dlc_common.images import (
    as_png,
    image_size,
    images_in,
    list_images,
    natural_key,
    orientation,
    read_image,
    write_image,
)

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 2**16, (20, 30), dtype=np.uint16)


def test_numbers_in_names_sort_as_numbers():
    assert sorted(["img10.png", "b2a1.png", "img9.png", "b2a10.png", "7.png", "b10a1.png"], key=natural_key) == [
        *("7.png", "b2a1.png", "b2a10.png", "b10a1.png", "img9.png", "img10.png")
    ]
    assert sorted(["img1.png", "img01.png"], key=natural_key) == ["img01.png", "img1.png"]
    assert sorted(["img1.png7.png", "img1.png"], key=natural_key) == ["img1.png", "img1.png7.png"]
    assert sorted(["1" * 5000, "9" * 4999], key=natural_key) == ["9" * 4999, "1" * 5000]
    assert sorted(["WT_1.png", "ko_2.png", "KO_10.png"], key=natural_key) == ["ko_2.png", "KO_10.png", "WT_1.png"]
    assert sorted(["day0.png", "day-1.png"], key=natural_key) == ["day-1.png", "day0.png"]


def test_images_are_those_of_the_exact_suffix(tmp_path: Path):
    for name in ("img10.png", "img9.PNG", "._img9.png", "img1.png.txt", "img1.tif", "img_png1", "IsCroppingOK.png"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path, ".png")] == ["img9.PNG", "img10.png"]
    with pytest.raises(UsersError, match="gone is no folder"):
        list_images(tmp_path / "gone", ".png")
    (tmp_path / "mean.png").touch()
    with pytest.raises(UsersError, match=r"mean\.png has no number in its name"):
        list_images(tmp_path, ".png")


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("a.png", RGB, RGB),
        ("a.tif", RGB, RGB),
        ("a.bmp", RGB, RGB),
        ("rgba.png", np.dstack([RGB, RGB[..., 0]]), RGB),
        ("gray.png", RGB[..., 0], RGB[..., [0, 0, 0]]),
        ("gray_alpha.png", RGB[..., :2], RGB[..., [0, 0, 0]]),
        ("mask.png", RGB[..., 0] > 99, np.where(RGB[..., [0, 0, 0]] > 99, 255, 0)),
        ("deep.png", DEEP, np.stack([DEEP // 256] * 3, axis=2)),
        ("deep.tif", DEEP, np.stack([DEEP // 256] * 3, axis=2)),
    ],
)
def test_every_kind_of_image_becomes_rgb(tmp_path: Path, name: str, image: np.ndarray, expected: np.ndarray):
    Image.fromarray(image).save(tmp_path / name)
    read = read_image(tmp_path / name)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, expected)
    assert image_size(tmp_path / name) == (30, 20)


def test_palettes_and_jpegs(tmp_path: Path):
    red_and_blue = np.zeros((20, 30, 3), np.uint8)
    red_and_blue[:, :15, 0] = red_and_blue[:, 15:, 2] = 200
    Image.fromarray(red_and_blue).quantize(2).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), red_and_blue)
    Image.new("RGB", (30, 20), (10, 120, 230)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg") - np.array([10, 120, 230])).max() <= 3


def test_images_of_other_formats(tmp_path: Path):
    Image.fromarray(RGB).save(tmp_path / "a.webp", lossless=True)
    Image.fromarray(RGB).save(tmp_path / "a.ppm")
    Image.fromarray(RGB).save(tmp_path / "a.jp2", irreversible=False)
    for image in images_in(tmp_path):
        np.testing.assert_array_equal(read_image(image), RGB)
        assert (image_size(image), orientation(image)) == ((30, 20), 1)
    for name, bits in (("10 bits", 10), ("16 bits", 16)):  # of which a file tells what is white, or does not
        (tmp_path / name).mkdir()
        path = tmp_path / name / "a.pgm"
        path.write_bytes(b"P5 30 20 %d\n" % (2**bits - 1) + (DEEP >> (16 - bits)).astype(">u2").tobytes())
        np.testing.assert_allclose(read_image(path)[..., 0], DEEP >> 8, atol=1)


@pytest.mark.parametrize("kept", [0, 20, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_damaged_images_are_named(tmp_path: Path, suffix: str, kept: float):
    path = tmp_path / f"img7{suffix}"
    Image.fromarray(RGB.repeat(8, axis=0).repeat(8, axis=1)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(UsersError, match=rf"img7\{suffix} is " + ("damaged" if kept else "empty, not an image")):
        read_image(path)
    if kept == 0.5 and suffix == ".jpg":
        path.write_bytes(content[:200])
        with pytest.raises(UsersError, match=r"img7\.jpg is damaged \(Truncated File Read\)"):
            read_image(path)


def test_images_without_a_known_range_and_missing_ones_are_refused(tmp_path: Path):
    Image.fromarray(DEEP.astype(np.float32) - 1000).save(tmp_path / "a.tif")
    with pytest.raises(UsersError, match=r"a\.tif cannot be shown: its values lie between -\d+ and 64\d+"):
        read_image(tmp_path / "a.tif")
    (tmp_path / "img7.png").mkdir()
    with pytest.raises(UsersError, match=r"img7\.png is a folder"):
        read_image(tmp_path / "img7.png")
    with pytest.raises(UsersError, match=r"b\.tif does not exist"):
        read_image(tmp_path / "b.tif")


# Values of more than 8 bits


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_bits_are_those_of_the_values(tmp_path: Path, bits: int, suffix: str):
    values = np.random.default_rng(bits).integers(0, 2**bits, (20, 30), dtype=np.uint16)
    values[0, :2] = 0, 2**bits - 1
    Image.fromarray(values).save(tmp_path / f"a1{suffix}")
    read = read_image(tmp_path / f"a1{suffix}")
    np.testing.assert_array_equal(read, np.repeat((values >> (bits - 8)).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("bits", [12, 16])
def test_colours_of_more_than_8_bits(tmp_path: Path, bits: int):
    values = np.random.default_rng(3).integers(0, 2**bits, (20, 30, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a1.png"), values[..., ::-1])
    tifffile.imwrite(tmp_path / "a1.tif", values, photometric="rgb")
    for suffix in (".png", ".tif"):
        np.testing.assert_array_equal(read_image(tmp_path / f"a1{suffix}"), (values >> (bits - 8)).astype(np.uint8))


def test_a_dark_image_is_as_dark_as_the_images_beside_it_make_it(tmp_path: Path):
    """One camera's images are scaled alike; else the brightness of each would depend on what it shows."""
    bright, dark = np.full((20, 30), 4000, np.uint16), np.full((20, 30), 400, np.uint16)
    for number, values in enumerate((dark, bright)):
        Image.fromarray(values).save(tmp_path / f"img{number}.png")
    assert read_image(tmp_path / "img0.png").max() == 400 // 16
    alone = tmp_path / "alone"
    alone.mkdir()
    Image.fromarray(dark).save(alone / "img0.png")
    assert read_image(alone / "img0.png").max() == 400 // 4


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_up_to_1_and_up_to_255(tmp_path: Path, dtype: type):
    values = np.array([[0, 0.5, 1], [0.25, np.nan, 0.2]], dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert read_image(tmp_path / "a.tif")[..., 1].tolist() == [
        [0, 128, 255],
        [64, 0, 51],
    ]
    other = tmp_path / "other"
    other.mkdir()
    tifffile.imwrite(other / "b.tif", np.array([[0, 100.7, 255]], dtype))
    assert read_image(other / "b.tif")[..., 0].tolist() == [[0, 100, 255]]


# As stored


@pytest.mark.parametrize("orientation_", range(1, 9))
@pytest.mark.parametrize("name", ["a1.jpg", "a1.png", "a1.tif", "deep1.tif"])
def test_pixels_are_those_that_are_stored(tmp_path: Path, name: str, orientation_: int):
    """Fiji, in which people label, turns nothing."""
    stored = np.kron(np.array([[0, 90, 180], [60, 120, 250]], np.uint8), np.ones((16, 16), np.uint8))
    if name.endswith(".tif"):
        values = stored if name == "a1.tif" else stored.astype(np.uint16) * 257
        tifffile.imwrite(tmp_path / name, values, extratags=[(274, "H", 1, orientation_, False)])
    else:
        exif = Image.Exif()
        exif[274] = orientation_
        Image.fromarray(stored).save(tmp_path / name, exif=exif, quality=100)
    assert image_size(tmp_path / name) == (48, 32)
    read = read_image(tmp_path / name)
    assert read.shape == (32, 48, 3)
    assert np.abs(read[..., 0].astype(int) - stored).max() <= 2
    assert orientation(tmp_path / name) == orientation_


# Writing


def test_what_is_written_is_what_is_read(tmp_path: Path):
    write_image(tmp_path / "new" / "a.png", RGB)
    np.testing.assert_array_equal(read_image(tmp_path / "new" / "a.png"), RGB)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
    fast, small = as_png(RGB.repeat(9, axis=0), 0), as_png(RGB.repeat(9, axis=0), 9)
    assert len(small) < len(fast)
    assert cv2.imdecode(np.frombuffer(small, np.uint8), 1)[::9, :, ::-1].tolist() == RGB.tolist()


def test_a_folder_named_as_an_image_is_none(tmp_path: Path):
    (tmp_path / "img200.png").mkdir()
    write_image(tmp_path / "img1.png", RGB)
    assert [path.name for path in list_images(tmp_path, ".png")] == ["img1.png"]
    assert [path.name for path in images_in(tmp_path)] == ["img1.png"]


def test_images_that_are_brighter_than_those_that_told_what_is_white_are_told(tmp_path, caplog):
    for number in range(40):  # of which every third is looked at
        values = np.full((8, 9), 3000 if number % 3 == 1 else 900, np.uint16)
        tifffile.imwrite(tmp_path / f"img{number:02d}.tif", values)
    for number in range(6):
        read_image(tmp_path / f"img{number:02d}.tif")
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"{tmp_path}: some of its pictures are brighter than those that were looked at")
