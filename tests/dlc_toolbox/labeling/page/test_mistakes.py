"""What a hand does by mistake changes nothing, is told, or is taken back."""

import numpy as np
import pytest

from tests.dlc_toolbox.labeling.page.conftest import click, current, saved, show, shown
from tests.dlc_toolbox.labeling.page.lab import HIDDEN

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"


def test_a_hand_that_slips_beside_a_finished_marker_does_not_move_it(lab, page):
    click(page, 100, 100)
    x, y = page.evaluate("labeling.screenOf(100, 100)")
    page.mouse.move(x + 6, y)
    page.mouse.down()
    page.mouse.move(x + 11, y)
    page.mouse.up()
    saved(page)
    places = lab.at(FIRST)
    np.testing.assert_allclose(places["nose"], (100, 100), atol=0.5)
    assert places["left_ear"][0] > 105
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=5)
    page.mouse.up()
    saved(page)
    assert lab.at(FIRST)["nose"][1] > 110


def test_neither_arrows_nor_a_drag_put_a_label_outside_the_image(lab, open_page):
    lab.set(FIRST, {"nose": [5.0, 200.0]})
    page = open_page()
    page.keyboard.press("1")
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_text("That is outside the image.").wait_for()
    page.keyboard.press("ArrowLeft")
    saved(page)
    assert lab.at(FIRST)["nose"] == [4, 200]
    x, y = page.evaluate("labeling.screenOf(4, 200)")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(page.evaluate("labeling.screenOf(-9, 200).x"), y, steps=3)
    page.mouse.up()
    page.get_by_text("That is outside the image.").wait_for()
    saved(page)
    assert lab.at(FIRST)["nose"] == [4, 200]


def test_a_click_moves_no_label_of_a_finished_image_unless_its_part_is_chosen(lab, page):
    for _ in lab.at(FIRST):
        page.keyboard.press("q")
    show(page, FIRST)
    click(page, 100, 100)
    page.get_by_text("All parts are set: drag a marker, or choose a part").wait_for()
    saved(page)
    assert set(lab.at(FIRST).values()) == {HIDDEN}
    page.keyboard.press("1")
    click(page, 100, 100)
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert page.get_by_text("All parts are set: drag").count() == 0, "what was said of the click before is gone"
    click(page, 50, 60)
    page.get_by_text("All parts are set: drag a marker, or choose a part").wait_for()
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_the_page_says_that_it_goes_on_until_that_is_taken_back(lab, page):
    for x in (100, 120, 140, 160):
        click(page, x, 100)
    shown(page, SECOND)
    said = page.get_by_text("img000.png is labeled. Z takes its last label back.")
    said.wait_for()
    page.keyboard.press("z")
    shown(page, FIRST)
    said.wait_for(state="detached")
    assert current(page, "part") == "tail"


@pytest.mark.parametrize("pull", [0, 40])
def test_a_click_or_drag_that_another_image_comes_under_is_given_up(lab, open_page, pull):
    lab.set(FIRST, {"nose": [100.0, 100.0]})
    page = open_page()
    x, y = page.evaluate("labeling.screenOf(100, 100)") if pull else page.evaluate("labeling.screenOf(300, 300)")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pull, y + pull, steps=4)
    page.keyboard.press("d")
    shown(page, SECOND)
    page.mouse.move(x + 2 * pull, y, steps=4)
    page.mouse.up()
    click(page, 50, 60)
    saved(page)
    assert lab.at(FIRST) == {"nose": [100.0, 100.0], "left_ear": None, "right_ear": None, "tail": None}
    places = lab.at(SECOND)
    np.testing.assert_allclose(places.pop("nose"), (50, 60), atol=0.5)
    assert set(places.values()) == {None}


def test_undo_goes_back_over_images(lab, page):
    page.locator("#auto-image").uncheck()
    assert page.locator("#undo").is_disabled()
    click(page, 100, 100)
    assert page.locator("#undo").is_enabled() and page.locator("#redo").is_disabled()
    page.keyboard.press("2")
    page.keyboard.press("q")
    show(page, SECOND)
    click(page, 50, 60)
    page.keyboard.press("Shift+X")
    saved(page)
    assert lab.state(SECOND) == "left out"
    assert lab.table()[SECOND] == {}, "Step 2 does not see it"
    for _ in range(5):
        page.keyboard.press("z")
    page.get_by_text("Nothing to undo.").wait_for()
    saved(page)
    assert current(page, "image") == FIRST
    assert page.locator("#undo").is_disabled() and page.locator("#redo").is_enabled()
    assert set(lab.at(FIRST).values()) | set(lab.at(SECOND).values()) == {None}
    assert lab.state(SECOND) != "left out"
    for _ in range(4):
        page.keyboard.press("Shift+Z")
    page.wait_for_selector("#leave-out[aria-pressed=true]")
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert lab.at(FIRST)["left_ear"] == HIDDEN
    np.testing.assert_allclose(lab.at(SECOND)["nose"], (50, 60), atol=0.5)


def test_undo_passes_over_images_that_are_there_no_more(lab, page):
    click(page, 100, 100)
    show(page, "vid2/img000.png")
    click(page, 50, 60)
    saved(page)
    (lab.data / "vid2").rename(lab.data / "vid3")
    page.get_by_text("vid2/img000.png is not in its folder any more").wait_for()
    page.keyboard.press("z")
    page.get_by_text("Passed over: vid2/img000.png is not in its folder any more.").wait_for()
    shown(page, FIRST)
    page.wait_for_selector("[data-part=nose][data-state=open]")
    page.keyboard.press("z")
    page.get_by_text("Nothing to undo.").wait_for()
    page.keyboard.press("Shift+Z")
    page.wait_for_selector("[data-part=nose][data-state=placed]")
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_warnings_are_said_also_after_the_image_was_left(lab, page):
    for x in (100, 150, 200):
        click(page, x, 100)
    click(page, 200, 100)
    page.get_by_text("Go back").wait_for()
    page.get_by_role("button", name="Go back").click()
    shown(page, FIRST)
    assert "tail lies on the same place as right_ear" in page.locator("#warnings").inner_text()
    show(page, SECOND)
    page.reload()
    page.wait_for_selector(f'[data-image="{FIRST}"].warned')
