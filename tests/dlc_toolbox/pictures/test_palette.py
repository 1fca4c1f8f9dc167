"""Colours and markers of the parts: told apart by all eyes, in the order of the settings; a colormap overrules."""

import itertools

import matplotlib.markers
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

# What red-blind and green-blind eyes see: Machado, Oliveira and Fernandes (2009), severity 1, linear RGB.
EYES = {
    "usual": np.eye(3),
    "red-blind": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green-blind": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    values = np.array(to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    shares = TO_XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(shares > 0.008856, np.cbrt(shares), 7.787 * shares + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", EYES)
def test_all_eyes_tell_the_hues_apart(eyes):
    seen = [lab(np.array(EYES[eyes]) @ linear(color)) for color in HUES]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 15


@pytest.mark.parametrize("color", HUES)
def test_every_hue_is_seen_on_dark_and_on_bright_video(color):
    luminance = TO_XYZ[1] @ linear(color)
    assert (luminance + 0.05) / 0.05 > 3.9  # contrast with black
    assert 1.05 / (luminance + 0.05) > 1.7  # with white


def test_when_the_hues_are_used_up_the_marker_changes():
    styles = part_styles(48)
    assert len(set(styles)) == 48
    assert len(HUES) <= 10
    assert [style.marker for style in styles[:: len(HUES)]] == list(MARKERS)
    assert part_styles(49)[48] == styles[0]


def test_a_part_keeps_its_style_when_others_are_added():
    assert part_styles(20)[:17] == part_styles(17)


def test_matplotlib_knows_the_markers():
    assert list(MATPLOTLIB_MARKERS) == list(MARKERS)
    for marker in MATPLOTLIB_MARKERS.values():
        assert matplotlib.markers.MarkerStyle(marker).is_filled()


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
