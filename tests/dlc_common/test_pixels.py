"""Which value is white, and whether a picture shows anything."""

import numpy as np
import pytest

from dlc_common.pixels import UnknownRangeError, as_rgb8, is_blank, is_dark, white_of


@pytest.mark.parametrize(
    ("values", "white"),
    [
        ([0, 255], 255),
        ([0, 13], 255),
        ([0, 12], 65535),  # all but black: nothing tells
        ([256], 1023),
        ([1024], 4095),
        ([4095], 4095),
        ([4096], 16383),
        ([16384], 65535),
    ],
)
def test_white_is_the_most_that_the_bits_in_use_hold(values: list, white: int):
    assert white_of([np.array(values, np.uint16)]) == white
    assert white_of([np.array(values, np.int32)]) == white
    assert white_of([np.zeros(3, np.uint16), np.array(values, np.uint16)]) == white


def test_white_of_floats():
    assert white_of([np.array([0.1, 0.99]), np.array([np.nan, 1.0])]) == 1
    assert white_of([np.array([0.1, 200.0])]) == 255
    with pytest.raises(UnknownRangeError, match=r"between -0\.5 and 3, and nothing tells which of them is white"):
        white_of([np.array([-0.5, 3.0])])
    with pytest.raises(UnknownRangeError, match="between 0 and 70000"):
        white_of([np.array([70000], np.uint32)])


def test_values_beyond_white_are_white():
    assert as_rgb8(np.array([[0, 1023, 1024, 5000]], np.uint16), 1023)[0, :, 2].tolist() == [0, 255, 255, 255]
    assert as_rgb8(np.array([[0.5, 1.5, np.nan, np.inf]]), 1)[0, :, 0].tolist() == [128, 255, 0, 255]


def test_full_16_bits_are_divided_by_256():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert (as_rgb8(values, white_of([values]))[..., 1] == values // 256).all()


def test_dark_and_blank_pictures():
    picture = np.zeros((50, 70, 3), np.uint8)
    assert is_dark(picture)
    assert is_blank(picture)
    picture[33, 41, 2] = 12
    assert is_dark(picture)
    assert not is_blank(picture)
    picture[33, 41, 2] = 13  # a twentieth of 255 is 12.75
    assert not is_dark(picture)
    assert is_blank(np.full((50, 70, 3), (9, 80, 200), np.uint8))


def test_signed_numbers_of_16_bits_have_15():
    assert white_of([np.array([0, 32000], np.int16)]) == 32767
    assert white_of([np.array([0, 3000], np.int16)]) == 4095
    assert white_of([np.array([0, 32000], np.uint16)]) == 65535
    assert as_rgb8(np.array([[0, 128, 16384, 32767]], np.int16), 32767)[0, :, 0].tolist() == [0, 1, 128, 255]
