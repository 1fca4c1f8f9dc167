"""Still images: names, order and pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_common.images import image_size, list_images, natural_key, read_image

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 2**16, (20, 30), dtype=np.uint16)


def test_numbers_in_names_sort_as_numbers():
    assert sorted(["img10.png", "b2a1.png", "img9.png", "b2a10.png", "7.png", "b10a1.png"], key=natural_key) == [
        *("7.png", "b2a1.png", "b2a10.png", "b10a1.png", "img9.png", "img10.png")
    ]
    assert sorted(["img1.png", "img01.png"], key=natural_key) == ["img01.png", "img1.png"]
    assert sorted(["img1.png7.png", "img1.png"], key=natural_key) == ["img1.png", "img1.png7.png"]
    assert sorted(["1" * 5000, "9" * 4999], key=natural_key) == ["9" * 4999, "1" * 5000]


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


@pytest.mark.parametrize("kept", [0, 20, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_damaged_images_are_named(tmp_path: Path, suffix: str, kept: float):
    path = tmp_path / f"img7{suffix}"
    Image.fromarray(RGB.repeat(8, axis=0).repeat(8, axis=1)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(UsersError, match=rf"img7\{suffix} is damaged"):
        read_image(path)


def test_images_without_a_known_range_and_missing_ones_are_refused(tmp_path: Path):
    Image.fromarray(DEEP.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UsersError, match=r"a\.tif has 32 bits"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(UsersError, match=r"b\.tif does not exist"):
        read_image(tmp_path / "b.tif")


# Choosing frames
