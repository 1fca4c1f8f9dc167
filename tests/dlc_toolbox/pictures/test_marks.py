"""Dots, lines and trails: on their places, of the right colour, and none where a part is not seen."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.marks import Marks, draw_circles, draw_dots, draw_lines, draw_marks, marks_of
from dlc_toolbox.pictures.palette import MARKERS
from dlc_toolbox.project.settings import AnalysisSettings

RED, GREEN, BLUE = COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
WHITE = np.array([[255, 255, 255]], np.uint8)


# ---- Dots ----


def test_a_dot_by_hand():
    frame = np.zeros((5, 5, 3), np.uint8)
    draw_dots(frame, np.array([[2.0, 2.0]]), np.array([[200, 100, 0]], np.uint8), radius=1)
    # Weights: 1 in the centre, 1 + 0.5 - distance around it: half beside it, 0.086 diagonally.
    assert frame[..., 0].tolist() == [
        [0, 0, 0, 0, 0],
        [0, 17, 100, 17, 0],
        [0, 100, 200, 100, 0],
        [0, 17, 100, 17, 0],
        [0, 0, 0, 0, 0],
    ]
    assert np.array_equal(frame[..., 1], np.round(frame[..., 0] / 2 + 0.01))
    assert frame[..., 2].max() == 0


def test_a_dot_blends_with_what_lies_below():
    frame = np.full((9, 9, 3), 100, np.uint8)
    draw_dots(frame, np.array([[4.0, 4.0]]), WHITE, radius=2, alpha=0.5)
    assert abs(int(frame[4, 4, 0]) - (100 + 255) / 2) <= 1
    assert frame[0, 0, 0] == 100
    untouched = frame.copy()
    draw_dots(frame, np.array([[4.0, 4.0]]), WHITE, radius=2, alpha=0)
    assert np.array_equal(frame, untouched)


@pytest.mark.parametrize("center", [(15.0, 11.0), (15.25, 11.0), (15.5, 11.75), (14.75, 10.5)])
def test_a_dot_lies_where_its_point_is_and_has_the_area_of_a_disc(center):
    frame = np.zeros((24, 32, 3), np.uint8)
    draw_dots(frame, np.array([center]), WHITE, radius=5)
    weight = frame[..., 0] / 255
    rows, columns = np.mgrid[:24, :32]
    assert abs((weight * columns).sum() / weight.sum() - center[0]) < 0.05
    assert abs((weight * rows).sum() / weight.sum() - center[1]) < 0.05
    assert abs(weight.sum() - np.pi * 25) < 1


def test_a_dot_across_the_edge_is_cut_off():
    """The same as drawing on a larger frame and cutting it."""
    large = np.zeros((60, 70, 3), np.uint8)
    places = np.array([[20.0, 20.0], [19.5, 35.25], [50.0, 39.0], [47.0, 22.0], [11.0, 30.0], [14.0, 14.0]])
    colors = np.random.default_rng(0).integers(50, 256, (6, 3)).astype(np.uint8)
    small = large[20:40, 20:50].copy()
    draw_dots(large, places, colors, radius=6.5, alpha=0.7)
    draw_dots(small, places - 20, colors, radius=6.5, alpha=0.7)
    assert small.any()
    assert np.array_equal(small, large[20:40, 20:50])


def test_what_is_missing_or_far_outside_is_not_drawn():
    frame = np.zeros((20, 20, 3), np.uint8)
    places = np.array([[np.nan, 5], [5, np.nan], [np.inf, 5], [1e30, 5], [-40, 5], [5, 60]])
    draw_dots(frame, places, np.full((6, 3), 255, np.uint8), radius=4)
    assert frame.max() == 0


def test_later_body_parts_lie_on_top():
    frame = np.zeros((20, 20, 3), np.uint8)
    draw_dots(frame, np.array([[9.0, 9.0], [9.0, 9.0]]), np.array([[255, 0, 0], [0, 255, 0]], np.uint8), radius=3)
    assert frame[9, 9].tolist() == [0, 255, 0]


# ---- Other markers ----


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("center", [(15.0, 15.0), (15.25, 14.75)])
def test_every_marker_has_the_area_of_a_disc_and_its_place(marker, center):
    frame = np.zeros((32, 32, 3), np.uint8)
    draw_dots(frame, np.array([center]), WHITE, radius=6, markers=[marker])
    weight = frame[..., 0] / 255
    rows, columns = np.mgrid[:32, :32]
    assert abs((weight * columns).sum() / weight.sum() - center[0]) < 0.06
    assert abs((weight * rows).sum() / weight.sum() - center[1]) < 0.06
    assert weight.sum() == pytest.approx(np.pi * 36, rel=0.03)


def test_markers_by_hand():
    shapes = {}
    for marker in ("square", "triangle", "diamond", "cross"):
        frame = np.zeros((21, 21, 3), np.uint8)
        draw_dots(frame, np.array([[10.0, 10.0]]), WHITE, radius=6, markers=[marker])
        shapes[marker] = frame[..., 0] > 128
    half = 6 * np.sqrt(np.pi) / 2  # 5.32
    assert shapes["square"].sum() == 11**2 and shapes["square"][5:16, 5:16].all(), f"{half} pixels on each side"
    assert shapes["triangle"][2].sum() < shapes["triangle"][14].sum(), "it points upwards"
    assert np.flatnonzero(shapes["diamond"][10]).tolist() == list(range(3, 18)), "6 sqrt(pi / 2) = 7.5 pixels"
    assert shapes["cross"][10, 10] and shapes["cross"][5, 5] and not shapes["cross"][10, 4]


def test_each_part_has_its_own_marker_and_missing_parts_take_none():
    frame = np.zeros((30, 60, 3), np.uint8)
    places = np.array([[10.0, 15.0], [np.nan, 15.0], [45.0, 15.0]])
    draw_dots(frame, places, COLORS, radius=6, markers=["circle", "square", "diamond"])
    by_hand = np.zeros_like(frame)
    draw_dots(by_hand, places[:1], COLORS[:1], radius=6)
    draw_dots(by_hand, places[2:], COLORS[2:], radius=6, markers=["diamond"])
    assert np.array_equal(frame, by_hand)


def test_the_palette_brings_its_markers_and_a_colormap_has_circles():
    points = np.full((1, 9, 2), np.nan)
    points[0, 8] = 15, 15
    for colormap, marker in (("parts", "square"), ("hsv", "circle")):
        frame, by_hand = np.zeros((2, 30, 30, 3), np.uint8)
        draw_marks(frame, points, np.full((9, 3), 255, np.uint8), Marks(radius=6, alpha=1, colormap=colormap))
        draw_dots(by_hand, points[0, 8:], WHITE, radius=6, markers=[marker])
        assert np.array_equal(frame, by_hand)


def test_a_huge_marker_is_drawn(tmp_path):
    frame = np.zeros((40, 40, 3), np.uint8)
    draw_dots(frame, np.array([[20.0, 20.0]]), WHITE, radius=150, markers=["star"])
    assert frame.min() == 255


# Lines


@pytest.mark.parametrize("ends", [[(5, 10), (25, 10)], [(5.5, 4.25), (25.25, 14.5)], [(10, 3.75), (10, 18.75)]])
@pytest.mark.parametrize("width", [1, 3])
def test_a_line_lies_between_its_ends_to_a_fraction_of_a_pixel(ends, width):
    frame = np.zeros((24, 32, 3), np.uint8)
    draw_lines(frame, np.array([ends], dtype=float), WHITE, width)
    weight = frame[..., 0] / 255
    rows, columns = np.mgrid[:24, :32]
    middle = np.mean(ends, axis=0)
    assert abs((weight * columns).sum() / weight.sum() - middle[0]) < 0.15
    assert abs((weight * rows).sum() / weight.sum() - middle[1]) < 0.15
    assert np.abs(np.diff(frame[..., 0].astype(int))).max() > 0
    assert ((frame > 0) & (frame < 255)).any()  # soft edges


def test_a_path_is_interrupted_where_a_place_is_missing():
    frame = np.zeros((9, 60, 3), np.uint8)
    path = np.array([[[2, 4], [12, 4], [np.nan, 4], [32, 4], [42, 4], [1e30, 4], [52, np.nan], [57, 4]]])
    draw_lines(frame, path, RED[None], width=1)
    drawn = np.flatnonzero(frame[4, :, 0] > 100)
    assert drawn.tolist() == [*range(2, 13), *range(32, 43)]
    assert frame[..., 1:].max() == 0


def test_a_line_across_the_edge_is_cut_off():
    large = np.zeros((80, 90, 3), np.uint8)
    paths = np.array([[[30.0, 35.0], [70.0, 15.0]], [[10.0, 40.5], [50.0, 41.5]], [[5.0, 5.0], [80.0, 70.0]]])
    small = large[20:50, 20:60].copy()
    draw_lines(large, paths, COLORS, width=2)
    draw_lines(small, paths - 20, COLORS, width=2)
    assert small.any()
    assert np.mean((small > 128) != (large[20:50, 20:60] > 128)) < 0.005  # a few pixels, where it meets the edge


# All marks of a frame


def test_a_skeleton_joins_seen_parts_in_the_colour_of_the_first():
    points = np.array([[[10.0, 10.0], [50.0, 10.0], [30.0, 30.0]]])
    marks = Marks(radius=2, alpha=1, skeleton=((1, 0), (2, 1)))
    frame = np.zeros((40, 60, 3), np.uint8)
    draw_marks(frame, points, COLORS, marks)
    assert frame[10, 30, 1] > 200 and frame[10, 30, [0, 2]].max() == 0
    assert frame[20, 40, 2] > 150 and frame[20, 40, :2].max() == 0
    assert frame[20, 20].max() == 0
    assert frame[10, 10].tolist() == RED.tolist()  # dots lie above lines
    points[0, 1] = np.nan
    frame[:] = 0
    draw_marks(frame, points, COLORS, marks)
    dots = np.zeros_like(frame)
    draw_marks(dots, points, COLORS, Marks(radius=2, alpha=1))
    assert np.array_equal(frame, dots)


def test_a_trail_leads_through_as_many_past_frames_as_wanted():
    x = np.array([5.0, 15, 25, 35, 45])
    points = np.stack([x, np.full(5, 8.0)], axis=-1)[:, None]
    for trailpoints, begin in ((4, 5), (2, 25), (1, 35)):
        frame = np.zeros((17, 60, 3), np.uint8)
        draw_marks(frame, points[-1 - trailpoints :], RED[None], Marks(radius=1, alpha=1, trailpoints=trailpoints))
        assert np.flatnonzero(frame[8, :, 0] > 100).min() == begin
        assert np.flatnonzero(frame[8, :, 0] > 100).max() == 46
    points[2] = np.nan
    frame = np.zeros((17, 60, 3), np.uint8)
    draw_marks(frame, points, RED[None], Marks(radius=1, alpha=1, trailpoints=4))
    drawn = (frame[8, :, 0] > 100).nonzero()[0].tolist()
    assert drawn == [*range(5, 16), *range(35, 47)]


def test_the_first_frame_has_no_trail():
    frame = np.zeros((17, 60, 3), np.uint8)
    draw_marks(frame, np.array([[[8.0, 8.0]]]), RED[None], Marks(radius=1, trailpoints=9))
    assert frame[:, 12:].max() == 0


def test_lines_are_as_transparent_as_dots_and_the_rest_is_untouched():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 200, (40, 60, 3), dtype=np.uint8)
    points = np.array([[[10.0, 5.0], [50.0, 5.0], [30.0, 5.0]]])
    frame = before.copy()
    draw_marks(
        frame, points, np.repeat(WHITE, 3, axis=0), Marks(radius=9, alpha=0.5, skeleton=((0, 1),), trailpoints=3)
    )
    np.testing.assert_allclose(frame[5, 20:21], (before[5, 20:21] + 255.0) / 2, atol=3)  # where the line is widest
    assert np.array_equal(frame[20:], before[20:])


def test_a_circle_has_its_radius_and_its_colour():
    frame = np.zeros((121, 121, 3), np.uint8)
    draw_circles(frame, np.array([[60.0, 60.0]]), np.array([20.25]), RED[None])
    rows, columns = np.nonzero(frame[..., 0])
    weight = frame[rows, columns, 0].astype(float)
    distances = np.hypot(rows - 60, columns - 60)
    assert np.average(distances, weights=weight) == pytest.approx(20.25, abs=0.1)
    assert distances.min() > 18.5 and distances.max() < 22 and frame[..., 1:].max() == 0


def test_a_circle_of_more_than_a_quarter_of_the_frame_is_dashed():
    whole, dashed = np.zeros((2, 120, 160, 3), np.uint8)
    center = np.array([[80.0, 60.0]])
    draw_circles(whole, center, np.array([30.0]), RED[None])
    draw_circles(dashed, center, np.array([300.0]), RED[None])
    assert 0.4 < dashed.sum() / whole.sum() < 0.65
    rows, columns = np.nonzero(dashed[..., 0])
    np.testing.assert_allclose(np.hypot(rows - 60, columns - 80), 30, atol=2)


def test_circles_of_nothing_and_beyond_reason_are_not_drawn():
    frame = np.zeros((20, 20, 3), np.uint8)
    points = np.array([[np.nan, 5], [5, 5], [5, 5], [1e9, 5]])
    draw_circles(frame, points, np.array([3, np.nan, np.nan, 3]), np.full((4, 3), 255, np.uint8))
    assert not frame.any()
    draw_circles(frame, points[:3], np.array([3, np.nan, np.inf]), np.full((3, 3), 255, np.uint8))
    assert frame.any()


def test_circles_lie_under_the_dots_and_are_as_transparent():
    frame = np.zeros((41, 41, 3), np.uint8)
    points, radius = np.array([[[20.0, 20.0]]]), np.array([10.0])
    draw_marks(frame, points, RED[None], Marks(radius=3, alpha=0.5), radius)
    opaque = np.zeros_like(frame)
    draw_circles(opaque, points[0], radius, RED[None])
    assert frame[20, 20].tolist() == [128, 0, 0]
    assert frame[20, 10, 0] == pytest.approx(opaque[20, 10, 0] / 2, abs=1) and opaque[20, 10, 0] > 180
    assert frame[20, 15].max() == 0  # between the two
    draw_marks(frame := np.zeros_like(frame), points, RED[None], Marks(radius=12, alpha=1), radius)
    assert frame[20, 10].tolist() == RED.tolist() and frame[20, 20].tolist() == RED.tolist()


# Settings


def settings(**changes) -> AnalysisSettings:
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", **changes)


def test_settings_name_the_parts_and_marks_count_them():
    named = settings(
        skeleton=(("tail", "nose"),), trailpoints=4, dotsize=3, alphavalue=0.5, pcutoff=0.7, colormap="hsv"
    )
    assert marks_of(named, ["nose", "paw", "tail"]) == Marks(0.7, 3, 0.5, "hsv", ((2, 0),), 4)
    assert marks_of(settings(), ["nose"]) == Marks()


def test_dots_that_no_memory_holds_are_an_error():
    assert marks_of(settings(dotsize=500), ["nose"]).radius == 500
    with pytest.raises(ToolboxError, match="dotsize is 100000; at most 500"):
        marks_of(settings(dotsize=100000), ["nose"])


def test_an_unknown_part_in_the_skeleton_is_named_with_those_that_exist():
    with pytest.raises(ToolboxError, match=r"skeleton names pow, .* are nose, paw, tail; did you mean paw\?"):
        marks_of(settings(skeleton=(("nose", "pow"),)), ["nose", "paw", "tail"])
