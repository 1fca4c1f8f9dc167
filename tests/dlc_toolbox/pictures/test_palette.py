"""Colours and markers of the parts: told apart, in the order of the settings, and the user's own where wanted."""

import colorsys

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dlc_toolbox.pictures.palette import (
    HUES,
    MARKERS,
    MATPLOTLIB_MARKERS,
    outline,
    part_colors,
    part_markers,
    part_styles,
)


def test_no_two_of_48_parts_look_the_same_and_the_next_repeats_the_first():
    styles = part_styles(49)
    assert len(set(styles[:48])) == 48
    assert styles[48] == styles[0]
    assert [style.color for style in styles[:8]] == list(HUES)
    assert [style.marker for style in styles[::8]] == [*MARKERS, "circle"]
    assert set(MATPLOTLIB_MARKERS) == set(MARKERS)


def test_hues_are_apart_from_each_other_and_from_black_and_white():
    rgb = np.array([to_rgb(hue) for hue in HUES])
    distances = np.linalg.norm(rgb[:, None] - rgb, axis=-1)
    assert distances[~np.eye(8, dtype=bool)].min() > 0.25
    lightness = [colorsys.rgb_to_hls(*color)[1] for color in rgb]
    assert min(lightness) > 0.25 and max(lightness) < 0.8


def test_a_colormap_has_the_colours_of_before_and_circles():
    assert part_colors("hsv", 3).tolist() == [[255, 0, 0], [7, 255, 0], [0, 15, 255]]
    assert [style.color for style in part_styles(3, "hsv")] == ["#ff0000", "#07ff00", "#000fff"]
    assert {style.marker for style in part_styles(20, "cool")} == {"circle"}
    assert part_markers("cool", 20) is None


def test_the_palette_by_name_is_the_palette():
    assert part_styles(9, "parts") == part_styles(9)
    assert part_colors("parts", 9)[8].tolist() == [0xE6, 0x9F, 0x00]
    assert part_colors("parts", 0).shape == (0, 3)


@pytest.mark.parametrize("marker", MARKERS)
def test_outlines_have_the_area_of_a_disc_and_lie_about_their_place(marker):
    corners = outline(marker)
    x, y = corners.T
    doubled = x * np.roll(y, -1) - np.roll(x, -1) * y
    assert abs(doubled.sum()) / 2 == pytest.approx(np.pi)
    center = ((corners + np.roll(corners, -1, axis=0)) * doubled[:, None]).sum(axis=0) / (3 * doubled.sum())
    np.testing.assert_allclose(center, 0, atol=1e-9)
    assert np.abs(corners).max() < 1.7


def test_outlines_by_hand():
    assert outline("triangle")[0] == pytest.approx([0, -np.sqrt(np.pi / (3 * np.sqrt(3) / 4))]), "points upwards"
    assert outline("diamond") == pytest.approx(np.sqrt(np.pi / 2) * np.array([[0, -1], [1, 0], [0, 1], [-1, 0]]))
    unit = np.sqrt(np.pi / 20)  # a cross of arms 2 wide and 3 long has the area 20
    assert np.hypot(*outline("cross").T) == pytest.approx(unit * np.tile(np.sqrt([10, 10, 2]), 4))
    assert np.abs(outline("cross")).max() == pytest.approx(unit * 4 / np.sqrt(2)), "turned by an eighth: it is an x"
