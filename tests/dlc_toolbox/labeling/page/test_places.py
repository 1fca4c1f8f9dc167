"""A click means the place that it shows: at every zoom, on every screen, scrolled and resized."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.dlc_toolbox.labeling.page.conftest import click, current, saved, show

FIRST = "vid1/img000.png"
RATIOS = (1, 1.5, 2)  # pixels of the screen per CSS pixel
ZOOMS = (0.25, 1, 1.7, 4.5, 16)
PLACES = ((100.25, 60.5), (333.1, 421.7))
SPOT = (417, 233)


def put_spot(lab):
    """Make the first image black, with one white pixel."""
    picture = np.zeros((480, 640), np.uint8)
    picture[SPOT[1], SPOT[0]] = 255
    cv2.imwrite(str(lab.data / FIRST), picture)


def middle_of_light(page, ratio, around):
    """Return the CSS place of the middle of what is bright near a place, as the screen shows it."""
    x, y = (2 * round(place / 2) - 24 for place in around)  # even: whole pixels of the screen at 1.5 too
    box = {"x": x, "y": y, "width": 48, "height": 48}
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("L"), float)
    shot[shot < 16] = 0
    rows, columns = np.mgrid[: shot.shape[0], : shot.shape[1]]
    inside = [((pixels + 0.5) * shot).sum() / shot.sum() / ratio for pixels in (columns, rows)]
    return [x + inside[0], y + inside[1]]


def test_what_is_pointed_at_is_what_is_kept(lab, open_page):
    """From the pointer to the csv, and on to the h5 of Step 2: within half a CSS pixel, and what the page has."""
    slots = iter([(key, part) for key in lab.numbers for part in range(4)])
    meant = {}
    for ratio in RATIOS:
        page = open_page(device_scale_factor=ratio)
        page.locator("#auto-image").uncheck()
        for zoom in ZOOMS:
            for left, y in PLACES:
                key, part = next(slots)
                x = left + 7 * part  # no two parts have the same csv
                show(page, key)
                page.keyboard.press(str(part + 1))
                page.evaluate("([zoom, x, y]) => labeling.zoomTo(zoom, x + 3, y - 5)", [zoom, x, y])
                click(page, x, y)
                meant[key, lab.names[part]] = zoom, (x, y)
        saved(page)
        page.context.close()
    has = {key: lab.store.labels(*key.split("/"))["points"] for key in lab.numbers}
    table = lab.table()
    for (key, part), (zoom, place) in meant.items():
        kept = table[key][part]
        assert kept == lab.at(key)[part] == list(has[key][part])
        assert np.abs(np.subtract(kept, place)).max() * zoom <= 0.5
        assert np.abs(np.subtract(kept, place)).max() <= 0.02 + 0.001, "pointer events carry fractions"
    assert len(meant) == 30


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_picture_lies_where_the_transform_says(lab, open_page, ratio):
    put_spot(lab)
    page = open_page(device_scale_factor=ratio)
    for zoom in (1, 4.5, 16):
        page.evaluate("([zoom, x, y]) => labeling.zoomTo(zoom, x + 1.3, y - 2.2)", [zoom, *SPOT])
        page.wait_for_timeout(50)
        said = page.evaluate("([x, y]) => labeling.screenOf(x, y)", SPOT)
        np.testing.assert_allclose(middle_of_light(page, ratio, said), said, atol=0.5, err_msg=str(zoom))


def test_a_scrolled_and_resized_page(lab, open_page):
    page = open_page(viewport={"width": 700, "height": 500})
    page.evaluate("scrollTo(50, 55)")
    assert page.evaluate("scrollX > 0 && scrollY > 0"), "the page is larger than its window here"
    page.evaluate("labeling.zoomTo(3, 200, 150)")
    click(page, 201.5, 149.25)
    page.set_viewport_size({"width": 1400, "height": 900})
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("() => document.getElementById('view').clientWidth > 800")
    page.wait_for_timeout(100)
    click(page, 180.75, 161.5)
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (201.5, 149.25), atol=0.17)
    np.testing.assert_allclose(lab.at(FIRST)["left_ear"], (180.75, 161.5), atol=0.17)


def test_the_wheel_zooms_at_the_pointer_and_the_zoom_stays(page):
    there = page.evaluate("labeling.screenOf(100, 200)")
    page.mouse.move(*there)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    page.wait_for_function("() => labeling.screenOf(101, 0)[0] - labeling.screenOf(100, 0)[0] > 2")
    now = page.evaluate("labeling.screenOf(100, 200)")
    np.testing.assert_allclose(now, there, atol=1e-3)  # pointers come in fractions of 2**-14
    where = page.evaluate("[labeling.screenOf(0, 0), labeling.screenOf(9, 9)]")
    show(page, "vid1/img001.png")
    np.testing.assert_allclose(page.evaluate("[labeling.screenOf(0, 0), labeling.screenOf(9, 9)]"), where)
    page.keyboard.press("0")
    left, top = page.evaluate("labeling.screenOf(-0.5, -0.5)")
    box = page.locator("#view").bounding_box()
    assert left >= box["x"] and top >= box["y"]


@pytest.mark.parametrize("way", ["space", "middle"])
def test_moving_the_image_places_nothing(lab, page, way):
    page.evaluate("labeling.zoomTo(2, 300, 200)")
    x, y = page.evaluate("labeling.screenOf(300, 200)")
    page.mouse.move(x, y)
    if way == "space":
        page.keyboard.down(" ")
    page.mouse.down(button="left" if way == "space" else "middle")
    page.mouse.move(x + 40, y - 30)
    page.mouse.up(button="left" if way == "space" else "middle")
    page.keyboard.up(" ")
    np.testing.assert_allclose(page.evaluate("labeling.screenOf(300, 200)"), (x + 40, y - 30))
    saved(page)
    assert lab.saves == []


def test_dragging_keeps_the_grip(lab, page):
    page.evaluate("labeling.zoomTo(2, 300, 200)")
    click(page, 300, 200)
    x, y = page.evaluate("labeling.screenOf(300, 200)")
    page.mouse.move(x + 3, y + 2)  # beside the marker's middle
    page.mouse.down()
    page.mouse.move(x + 23, y + 12, steps=3)
    page.mouse.up()
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (310, 205), atol=0.01)
    assert current(page, "part") == "left_ear"


def test_a_click_outside_the_image_is_no_label(lab, page):
    page.evaluate("labeling.zoomTo(1, 20, 20)")
    click(page, -3, 20)
    page.get_by_text("That is outside the image.").wait_for()
    assert lab.saves == []
    click(page, -0.4, 20)  # in the outermost pixel
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (-0.4, 20), atol=0.02)


def test_fingers_pinch_tap_and_move(lab, open_page):
    page = open_page(has_touch=True)
    page.evaluate("labeling.zoomTo(1, 300, 200)")
    x, y = page.evaluate("labeling.screenOf(300, 200)")
    client = page.context.new_cdp_session(page)

    def touch(kind, *points):
        spots = [{"x": px, "y": py, "id": at} for at, (px, py) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    touch("touchStart", (x - 50, y))
    touch("touchStart", (x - 50, y), (x + 50, y))
    touch("touchMove", (x - 100, y), (x + 100, y))
    touch("touchEnd")
    page.wait_for_function("() => Math.abs(labeling.screenOf(1, 0)[0] - labeling.screenOf(0, 0)[0] - 2) < 1e-6")
    np.testing.assert_allclose(page.evaluate("labeling.screenOf(300, 200)"), (x, y), atol=1e-6)
    assert lab.saves == []
    page.touchscreen.tap(x + 10, y + 20)
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (305, 210), atol=0.51)
