import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.drawing import (
    PLOT_MARKERS,
    Look,
    draw_contact_sheet,
    draw_legend,
    draw_points,
    encode_picture,
    look_at_size,
    make_look,
    tile_look,
    write_picture,
)
from dlc_toolbox.pictures.palette import HUES, part_colors

RED, BLUE = (255, 0, 0), (0, 0, 255)


def look(layers=(("+", "Ann"),), bodyparts=("nose",), colors=(RED,), **kwargs):
    return Look(bodyparts, np.array(colors, dtype=np.uint8), layers, **{"alpha": 1, **kwargs})


def gray(height, width, value=0):
    return np.full((height, width, 3), value, dtype=np.uint8)


def centroid(picture):
    """Centre (x, y) of what is drawn on black."""
    cover = picture.astype(float).sum(axis=-1)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(columns * cover).sum(), (rows * cover).sum()]) / cover.sum()


@pytest.mark.parametrize("marker", [*PLOT_MARKERS[:2], "o", "s", "."])
@pytest.mark.parametrize("point", [(30, 20), (30.4, 20.3), (30.5, 20.5), (41.75, 33.1)])
def test_a_marker_is_centred_on_its_point(marker, point):
    picture = draw_points(gray(60, 80), np.array([[point]]), look([(marker, "Ann")], msize=8))
    np.testing.assert_allclose(centroid(picture), point, atol=0.1)
    assert marker in "os" or tuple(picture[round(point[1]), round(point[0])]) == RED


@pytest.mark.parametrize("scale", [0.5, 1.5, 3])
def test_a_marker_keeps_its_place_at_any_scale(scale):
    picture = draw_points(gray(60, 80), np.array([[[30.0, 20.0]]]), look(scale=scale, msize=6))
    assert picture.shape == (60 * scale, 80 * scale, 3)
    np.testing.assert_allclose((centroid(picture) + 0.5) / scale - 0.5, (30, 20), atol=0.5 / scale)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (57, 457), (480, 640)])
def test_a_picture_is_its_image_where_nothing_is_drawn(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_points(image, np.full((1, 1, 2), np.nan), look()), image)


def test_every_size_is_exact():
    for width in range(1, 400, 7):
        assert draw_points(gray(5, width), np.full((1, 1, 2), np.nan), look()).shape == (5, width, 3)


def test_only_the_marker_changes_and_the_image_is_not_touched():
    image = gray(60, 80)
    picture = draw_points(image, np.array([[[30.0, 20.0]]]), look(msize=6))
    changed = np.argwhere((picture != image).any(axis=-1))
    assert np.abs(changed - [20, 30]).max() <= 8
    assert (image == 0).all()


def test_magnified_pixels_stay_squares():
    image = np.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    picture = draw_points(image, np.full((1, 1, 2), np.nan), look(scale=3))
    np.testing.assert_array_equal(picture, image.repeat(3, axis=0).repeat(3, axis=1))


def test_each_part_has_its_colour_in_every_layer():
    points = np.array([[[20, 20], [60, 20]], [[20, 50], [np.nan, np.nan]]], dtype=float)
    layers = [("+", "Ann"), ("o", "Bea")]
    picture = draw_points(gray(70, 80), points, look(layers, ("nose", "tail"), (RED, BLUE), msize=9))
    cross, other_cross, ring = picture[:35, :40], picture[:35, 40:], picture[35:, :40]
    for part, center, pixel, color in (
        (cross, (20, 20), (20, 20), RED),
        (other_cross, (20, 20), (20, 20), BLUE),
        (ring, (20, 15), (15, 20 + 6), RED),
    ):
        np.testing.assert_allclose(centroid(part), center, atol=0.1)
        assert tuple(part[pixel]) == color
    assert (picture[35:, 40:] == 0).all()


def test_a_parts_marker_fills_the_layer_of_discs_and_frames_the_others():
    points = np.array([[[20.0, 20.0], [60.0, 20.0]], [[20.0, 60.0], [60.0, 60.0]]])
    shapes = look(
        [("+", "Ann"), (".", "network")], ("nose", "tail"), (RED, RED), msize=20, markers=("circle", "square")
    )
    plain = look([("+", "Ann"), (".", "network")], ("nose", "tail"), (RED, RED), msize=20)
    drawn, discs = (draw_points(gray(80, 80), points, each) for each in (shapes, plain))
    np.testing.assert_array_equal(drawn[:, :40], discs[:, :40])  # a circle changes nothing
    corner = 0.35 * 20 / 0.72 * np.sqrt(np.pi) / 2 - 1  # of the square, in pixels from its centre
    row, column = round(60 - corner), round(60 - corner)
    assert tuple(drawn[row, column]) == RED and tuple(discs[row, column]) != RED
    np.testing.assert_allclose(centroid(drawn[:40, 40:]), (20, 20), atol=0.1)
    framed = (drawn[:40, 40:] != discs[:40, 40:]).any(axis=-1)
    side = 1.1 * 20 / 0.72 * np.sqrt(np.pi) / 2
    assert np.argwhere(framed).min() == pytest.approx(20 - side / 2, abs=3)
    assert tuple(drawn[20, 60]) == RED, "the cross within stays"


def test_a_look_of_the_palette_and_of_a_colormap():
    many = make_look([f"part{k}" for k in range(17)], "parts", scale=2)
    assert [style.marker for style in many.styles] == ["circle"] * 8 + ["square"] * 8 + ["triangle"]
    assert [style.color for style in many.styles[:8]] == list(HUES)
    assert many.styles[16].color == HUES[0] and many.scale == 2
    assert make_look(["nose"], "hsv").markers is None
    assert [style.color for style in make_look(["nose"], "hsv").styles] == ["#ff0000"]


def test_the_legend_shows_markers():
    key = draw_legend(make_look([f"part{k}" for k in range(9)], "parts"), 90)
    orange = (key == (0xE6, 0x9F, 0x00)).all(axis=-1)
    rows = np.flatnonzero(orange.any(axis=1))
    disc, square = orange[rows[0] : rows[0] + 16], orange[rows[-1] - 15 : rows[-1] + 1]
    widths = [shape[np.flatnonzero(shape.any(axis=1))].sum(axis=1) for shape in (disc, square)]
    assert np.ptp(widths[0]) > 3 and np.ptp(widths[1]) == 0


def test_wide_letters_have_room_in_a_legend():
    narrow, wide = (draw_legend(look((), (name,)), 10) for name in ("ab", "左耳"))
    assert wide.shape[1] - narrow.shape[1] == 15


def test_colours_follow_the_order_of_the_parts():
    colors = part_colors("hsv", 3)
    assert colors.dtype == np.uint8
    assert [int(row.argmax()) for row in colors] == [0, 1, 2]  # red, green, blue
    assert (part_colors("viridis", 1) == [[68, 1, 84]]).all()


def test_a_faint_marker_lets_the_image_through():
    point = np.array([[[30.0, 20.0]]])
    strong = draw_points(gray(60, 80), point, look(msize=20))
    faint = draw_points(gray(60, 80), point, look(msize=20, alpha=0.3))
    assert tuple(strong[20, 30]) == RED
    assert 0.3 * 255 <= faint[20, 30, 0] < 0.6 * 255


@pytest.mark.parametrize("far", [-1e12, 1e6, 1e300])
def test_points_far_outside_are_not_seen(far):
    points = np.array([[[far, 20.0], [20.0, far]]])
    picture = draw_points(gray(60, 80), points, look(bodyparts=("nose", "tail"), colors=(RED, BLUE)))
    assert (picture == 0).all()


@pytest.mark.parametrize(("scale", "size"), [(200, "16000 x 12000"), (1000, "80000 x 60000")])
def test_a_scale_beyond_reason_is_an_error(scale, size):
    with pytest.raises(ToolboxError, match=f"scale = {scale} makes a picture of {size} pixels .* choose a smaller"):
        draw_points(gray(60, 80), np.zeros((1, 1, 2)), look(scale=scale))


def test_the_smallest_scale_leaves_a_pixel():
    assert draw_points(gray(60, 80), np.zeros((1, 1, 2)), look(scale=1e-6)).shape == (1, 1, 3)


def test_the_legend_shows_parts_in_reading_order():
    colors = [RED, (0, 200, 0), BLUE]
    key = draw_legend(look((), ("zebra", "ape", "mule"), colors), 90)
    rows = [np.argwhere((key == color).all(axis=-1))[:, 0].mean() for color in colors]
    assert np.diff(rows) == pytest.approx([20, 20], abs=0.5)


@pytest.mark.parametrize("name", ["_hidden", "$x$", "a$b", "part" * 30, "Schnäuzchen"])
def test_any_name_can_stand_in_a_legend(name):
    empty, key = (draw_legend(look(bodyparts=(text,)), 2000) for text in ("", name))
    assert (key < 128).all(axis=-1).sum() > (empty < 128).all(axis=-1).sum() + 20  # black letters


@pytest.mark.parametrize("count", [1, 2, 7, 200])
def test_a_contact_sheet_holds_every_tile_whole(count):
    tiles = [gray(12 + i % 5, 30 - i % 7, value=i + 20) for i in range(count)]  # every tile has a gray of its own
    sheet = draw_contact_sheet(tiles, [""] * count, look())
    grays = sheet[(sheet == sheet[..., :1]).all(axis=-1)][:, 0]
    areas = np.bincount(grays, minlength=256)[20 : 20 + count]
    expected = np.array([tile.shape[0] * tile.shape[1] for tile in tiles])
    assert (areas >= expected).all()
    assert areas.sum() - expected.sum() < 2 * count + 20  # the legend has soft edges of every gray


def test_names_stand_below_their_tiles():
    tiles = [gray(40, 200)] * 2
    named = draw_contact_sheet(tiles, ["img1.png", "img2.png"], look())
    nameless = draw_contact_sheet(tiles, ["", ""], look())
    rows = np.flatnonzero((named != nameless).any(axis=(1, 2)))
    changed_below = [
        (row - 10) % 70 >= 40 for row in rows
    ]  # margin 10, then tiles of 40 and names of 20 with a gap of 10
    assert len(rows) > 10 and all(changed_below)


@pytest.mark.parametrize("size", [(3, 4), (2000, 3000), (5, 3000)])
@pytest.mark.parametrize("count", [1, 200])
def test_tiles_are_neither_huge_nor_lost(size, count):
    tile = draw_points(gray(*size), np.zeros((1, 1, 2)), tile_look(look(), gray(*size), count))
    assert 96 <= max(tile.shape[:2]) <= 400


def test_a_picture_of_wanted_size_keeps_its_shape_and_shrinks_its_markers():
    small = look_at_size(look(msize=10), gray(480, 640), 320)
    assert draw_points(gray(480, 640), np.zeros((1, 1, 2)), small).shape == (240, 320, 3)
    assert small.msize == 8
    assert look_at_size(look(msize=10), gray(480, 640), 96).msize == 5, "never less than can be seen"
    assert look_at_size(look(msize=10), gray(480, 640), 640).msize == 10, "never more than the settings say"


def test_jpg_pictures_are_smaller_and_keep_the_colours_of_their_markers(tmp_path):
    picture = draw_points(gray(120, 160, 90), np.array([[[80.0, 60]]]), look([(".", "Ann")], msize=20))
    for suffix in (".png", ".jpg"):
        write_picture(picture, tmp_path / f"a{suffix}")
    jpg = np.asarray(Image.open(tmp_path / "a.jpg"))
    np.testing.assert_allclose(jpg[60, 80], RED, atol=6)
    np.testing.assert_allclose(jpg[:20], 90, atol=2)
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    assert len(encode_picture(noise, ".jpg")) < len(encode_picture(noise, ".png"))


def test_write_picture_round_trips(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    write_picture(picture, tmp_path / "new folder" / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new folder" / "a.png")), picture)
    assert len(list((tmp_path / "new folder").iterdir())) == 1


def test_a_line_joins_the_two_points_of_a_part():
    layers = [("+", "Ann"), (".", "network")]
    joined = look(layers, ("nose", "tail"), (RED, BLUE), msize=4, joined=((0, 1),))
    points = np.array([[[10, 20], [10, 40]], [[50, 20], [np.nan, np.nan]]])
    drawn = draw_points(gray(60, 80, 100), points, joined)
    assert (drawn[20, 15:46] == RED).all()  # from one to the other, in the part's colour
    assert (drawn[19:22, 50] == RED).all()  # under the markers
    assert (drawn[17, 20:40] == 100).all() and (drawn[23, 20:40] == 100).all()  # and nowhere else
    assert (drawn[40, 20:] == 100).all()  # no line leads to a point that is not there
    apart = draw_points(gray(60, 80, 100), points, look(layers, ("nose", "tail"), (RED, BLUE), msize=4))
    assert (apart[20, 20:40] == 100).all()
    nowhere = draw_points(gray(60, 80), np.full((2, 2, 2), np.nan), joined)
    assert not nowhere.any()
