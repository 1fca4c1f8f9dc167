"""Labeling as people do: clicks, keys, questions, other people."""

import numpy as np
import pytest

from dlc_common.images import read_image
from dlc_toolbox.labeling.server.serve import _place
from dlc_toolbox.labeling.store.store import LabelStore
from tests.dlc_toolbox.labeling.page.conftest import click, current, saved, show, shown
from tests.dlc_toolbox.labeling.page.lab import HIDDEN, MANY, MOUSE

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"


def test_a_whole_project_by_clicks_and_keys_alone(lab, page):
    """Every fifth label is a part that cannot be seen; Step 2 then reads what the person meant."""
    clicks = keys = 0
    meant = {}
    for key in lab.numbers:
        shown(page, key)
        meant[key] = {}
        for part, (x, y) in lab.truth(key).items():
            assert current(page, "part") == part
            if (clicks + keys) % 5 == 4:
                page.keyboard.press("q")
                keys += 1
            else:
                click(page, x, y)
                meant[key][part] = [x, y]
                clicks += 1
    page.get_by_text("All images are labeled. Well done!").wait_for()
    saved(page)
    assert (clicks, keys) == (26, 6), "one action a label; Fiji takes a click and a key each, and some 27 more a part"
    assert "26 of 26 labels" in page.locator("#progress").inner_text()
    table = lab.table()
    for key, places in meant.items():
        assert sorted(table[key]) == sorted(places)
        for part, at in places.items():
            np.testing.assert_allclose(table[key][part], at, atol=0.5)


def test_an_address_may_name_image_and_part(lab, open_page):
    place = _place("vid2/img002.png", "tail")
    page = open_page('[data-image="vid2/img002.png"][aria-current=true]', lab.address + place)
    assert current(page, "part") == "tail"
    elsewhere = open_page(address=lab.address + _place("gone/img.png", "fin"))
    assert current(elsewhere, "image") == FIRST and current(elsewhere, "part") == lab.names[0]


def test_going_on_can_be_switched_off(lab, page):
    page.locator("#auto-part").uncheck()
    click(page, 100, 100)
    click(page, 120, 100)
    saved(page)
    assert lab.at(FIRST)["left_ear"] is None
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (120, 100), atol=0.5)
    page.locator("#auto-part").check()
    page.locator("#auto-image").uncheck()
    page.keyboard.press("1")
    for x in (100, 150, 200, 250):
        click(page, x, 100)
    saved(page)
    assert lab.state(FIRST) == "done"
    assert current(page, "image") == FIRST


def test_keys_choose_parts_and_images(page):
    page.keyboard.press("3")
    assert current(page, "part") == "right_ear"
    page.keyboard.press("s")
    assert current(page, "part") == "tail"
    page.keyboard.press("s")
    assert current(page, "part") == "nose"
    page.keyboard.press("w")
    assert current(page, "part") == "tail"
    page.keyboard.press("d")
    shown(page, SECOND)
    page.keyboard.press("a")
    shown(page, FIRST)
    page.keyboard.press("a")
    page.get_by_text("This is the first image.").wait_for()


def test_not_visible_and_delete(lab, page):
    page.keyboard.press("q")
    saved(page)
    assert lab.at(FIRST)["nose"] == HIDDEN
    assert current(page, "part") == "left_ear"
    assert "0 of 31 labels" in page.locator("#progress").inner_text()
    page.keyboard.press("1")
    page.keyboard.press("q")
    saved(page)
    assert lab.at(FIRST)["nose"] is None
    click(page, 80, 80)
    page.keyboard.press("1")
    page.keyboard.press("x")
    saved(page)
    assert lab.at(FIRST)["nose"] is None


def test_nudging(lab, page):
    click(page, 100, 100)
    saved(page)
    place = lab.at(FIRST)["nose"]
    page.keyboard.press("1")
    moves = {
        "ArrowRight": (1, 0),
        "Shift+ArrowUp": (0, -10),
        "Alt+ArrowDown": (0, 0.1),
        "Control+ArrowLeft": (-0.1, 0),
        "Shift+A": (-1, 0),
    }
    for key, moved in moves.items():
        page.keyboard.press(key)
        saved(page)
        place = np.add(place, moved)
        np.testing.assert_allclose(lab.at(FIRST)["nose"], place, atol=1e-9, err_msg=key)


def test_the_keyboard_alone_places(lab, page):
    page.evaluate("labeling.zoomTo(2, 300, 200)")
    page.keyboard.press("Enter")  # the crosshair in the middle
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Enter")
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (310, 201.1))
    assert current(page, "part") == "left_ear"
    for key in ("Enter", "Shift+ArrowLeft", "Enter", "q", "Enter", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    shown(page, SECOND)
    saved(page)
    assert lab.at(FIRST) == {"nose": [310, 201.1], "left_ear": [290, 200], "right_ear": HIDDEN, "tail": [300, 210]}


def test_copy_from_the_previous_image(lab, page):
    lab.set(FIRST, lab.truth(FIRST))
    page.wait_for_selector(f'[data-image="{FIRST}"] .done')
    show(page, SECOND)
    click(page, 10, 10)
    page.keyboard.press("c")
    page.get_by_text("Copied. Drag what does not fit.").wait_for()
    saved(page)
    np.testing.assert_allclose(lab.at(SECOND)["nose"], (10, 10), atol=0.5)
    for part in MOUSE[1:]:
        assert lab.at(SECOND)[part] == lab.truth(FIRST)[part]


def test_swapping_left_and_right(lab, page):
    lab.set(FIRST, {"left_ear": [1.5, 2.5], "right_ear": HIDDEN})
    page.wait_for_selector("[data-part=right_ear][data-state=hidden]")
    page.keyboard.press("2")
    page.keyboard.press("r")
    saved(page)
    assert lab.at(FIRST)["left_ear"] == HIDDEN
    assert lab.at(FIRST)["right_ear"] == [1.5, 2.5]
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.get_by_text("No part of another side goes with it").wait_for()


def test_leaving_an_image_out(lab, page):
    page.keyboard.press("Shift+X")
    saved(page)
    assert lab.state(FIRST) == "left out"
    click(page, 100, 100)
    page.get_by_text("This image is left out. Shift+X takes it back.").wait_for()
    assert lab.at(FIRST)["nose"] is None
    page.keyboard.press("e")
    shown(page, SECOND)
    assert "0 of 28 labels" in page.locator("#progress").inner_text()


def test_other_people_with_the_distance(lab, open_page):
    lab.write_settings(Scorers=["Ann", "Bob"])
    lab.set(FIRST, {"nose": [100.0, 100.0]})
    lab.set(FIRST, {"nose": [103.0, 104.0], "tail": [9.0, 9.0]}, scorer="Bob")
    page = open_page()
    assert page.get_by_text("px apart").count() == 0
    page.keyboard.press("p")
    page.get_by_text("Bob: 5.0 px apart on average (1 part)").wait_for()


@pytest.mark.parametrize("names", [MANY])
def test_seventeen_parts_by_number_and_name(lab, page):
    page.keyboard.press("Shift+Digit3")
    assert current(page, "part") == MANY[11]
    page.keyboard.press("f")
    page.keyboard.type("mid")
    page.keyboard.press("Enter")
    assert current(page, "part") == "tail_middle"
    page.keyboard.press("q")
    saved(page)
    assert lab.at(FIRST)["tail_middle"] == HIDDEN


def test_neighbours_and_video(lab, open_page, write_video):
    lab.film(write_video)
    page = open_page()
    page.keyboard.press("]")
    page.get_by_text("The video 1 frame after the image").wait_for()
    click(page, 100, 100)
    page.get_by_text("Back at the image itself").wait_for()
    assert lab.saves == []
    show(page, "vid2/img000.png")
    page.keyboard.press("[")
    page.get_by_text("vid2 has no frames.json").first.wait_for()
    page.keyboard.press("m")
    page.locator("#frame").fill("19")
    lab.store.events.publish("project", {})  # as when the number of frames becomes known
    page.wait_for_timeout(600)
    page.locator("#frame").press("Enter")
    page.get_by_text("vid1.avi, frame 19.").wait_for()
    page.keyboard.press(".")
    page.keyboard.press("k")
    page.get_by_role("button", name="Label it now").click()
    picked = "vid1_picked/img001_frame000020.png"
    shown(page, picked)
    assert page.locator("#video").is_hidden()
    assert np.unique(read_image(lab.data / picked)).tolist() == [160], "frame 20, not one beside it"


def test_a_question_is_asked_and_answered(lab, open_page):
    lab.fiji("vid1", "queue", {1: (30.0, 40.0)})
    page = open_page()
    page.get_by_role("button", name="Ask me later").click()
    assert page.locator("#asked").inner_text() == "1 question"
    page.locator("#asked").click()
    page.get_by_role("button", name="It is called tail now").click()
    page.locator("#asked").wait_for(state="hidden")
    page.get_by_text("30.0, 40.0").wait_for()
    assert lab.at(FIRST)["tail"] == [30.0, 40.0]


def test_a_part_chosen_while_an_image_is_fetched_is_the_part_that_is_placed_there(lab, page):
    held, key = [], "vid2/img002.png"
    page.route(f"**/api/images/{key}*", lambda route: held.append(route))
    with page.expect_request(f"**/api/images/{key}*"):
        page.locator(f'[data-image="{key}"]').click()
    page.keyboard.press("3")
    page.wait_for_timeout(100)
    held[0].continue_()
    shown(page, key)
    click(page, 100, 100)
    saved(page)
    assert [part for part, place in lab.at(key).items() if place] == ["right_ear"]


def test_reading_only_says_why(lab, open_page):
    other = LabelStore(lab.layout)
    page = open_page()
    click(page, 100, 100)
    page.keyboard.press("q")
    assert page.locator("#now").inner_text().startswith("Reading only")
    assert "another LabelFrames.py writes the labels of Ann" in page.locator("#now").inner_text()
    assert lab.saves == []
    other.close()


def test_display_settings_change_the_screen_alone(lab, page):
    at = page.evaluate("labeling.screenOf(5, 5)")
    clip = {"x": at[0], "y": at[1], "width": 8, "height": 8}
    before = page.screenshot(clip=clip)
    page.locator("#light").click()
    page.locator("[data-light=gamma]").fill("3")
    page.wait_for_timeout(100)
    assert page.screenshot(clip=clip) != before
    page.get_by_role("button", name="As it is").click()
    page.wait_for_timeout(100)
    assert page.screenshot(clip=clip) == before
    assert lab.saves == []


def test_gamma_is_the_curve(page):
    values = page.evaluate(
        "async () => { const { curve } = await import('/page/pictures.js');"
        "const lit = (brightness, contrast, gamma) => [...curve({ brightness, contrast, gamma })];"
        "return [lit(0, 1, 1), lit(0, 1, 2), lit(0.2, 2, 1)]; }"
    )
    assert values[0] == list(range(256))
    assert [values[1][at] for at in (0, 64, 255)] == [0, round(255 * (64 / 255) ** 0.5), 255]
    assert [values[2][at] for at in (0, 102, 255)] == [0, round(255 * ((0.4 - 0.5) * 2 + 0.7)), 255]


def test_a_project_without_images_says_where_they_come_from(lab, open_page, write_video):
    lab.film(write_video)
    for key in lab.numbers:
        (lab.data / key).unlink()
    page = open_page(shown="#empty:not([hidden])")
    for key in (*"qxcrvzadeg]tp+1", "Enter", "ArrowUp", "Shift+X"):
        page.keyboard.press(key)
    page.keyboard.press("m")
    page.get_by_text("vid1.avi, frame 0.").wait_for()
    page.keyboard.press("k")
    page.get_by_role("button", name="Label it now").click()
    shown(page, "vid1_picked/img001_frame000000.png")


@pytest.mark.parametrize("names", [("nose", "constructor", "__proto__", "toString")])
def test_a_part_may_be_called_as_what_every_object_inherits(lab, page):
    for x in (100, 150, 200, 250):
        click(page, x, 100)
    shown(page, SECOND)
    saved(page)
    assert lab.state(FIRST) == "done"
    np.testing.assert_allclose(lab.at(FIRST)["__proto__"], (200, 100), atol=0.5)
    assert "open" in page.locator("[data-part=toString]").inner_text()
