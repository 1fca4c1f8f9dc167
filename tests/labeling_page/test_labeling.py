"""Labeling as people do: clicks, keys, undo, machine labels, other people."""

import numpy as np
import pytest

from tests.labeling_page.conftest import click, current, saved, show
from tests.labeling_page.fake import HIDDEN, MANY, MOUSE, places

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"


def truth(lab, key):
    return places(lab.names, lab.numbers[key])


def machine_labels(lab, key, likelihood=0.9):
    lab.machine[key] = {part: [x + 0.123456789, y, likelihood] for part, (x, y) in truth(lab, key).items()}


def test_a_whole_project_by_clicks_alone(lab, page):
    clicks = 0
    for key in lab.points:
        page.wait_for_selector(f'[data-image="{key}"][aria-current=true]')
        for part, (x, y) in truth(lab, key).items():
            assert current(page, "part") == part
            click(page, x, y)
            clicks += 1
    page.get_by_text("All images are labeled. Well done!").wait_for()
    saved(page)
    for key in lab.points:
        for part, at in truth(lab, key).items():
            np.testing.assert_allclose(lab.points[key][part], at, atol=0.5)
    assert clicks == len(lab.points) * len(lab.names)
    assert "48 of 48 labels" in page.locator("#progress").inner_text()


def test_going_on_can_be_switched_off(lab, page):
    page.locator("#auto-part").uncheck()
    click(page, 100, 100)
    click(page, 120, 100)
    saved(page)
    assert lab.points[FIRST]["left_ear"] is None
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (120, 100), atol=0.5)
    page.locator("#auto-part").check()
    page.locator("#auto-image").uncheck()
    page.keyboard.press("1")
    for x in (100, 150, 200, 250):
        click(page, x, 100)
    saved(page)
    assert lab.state_of(FIRST) == "done"
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
    page.wait_for_selector(f'[data-image="{SECOND}"][aria-current=true]')
    page.keyboard.press("a")
    page.wait_for_selector(f'[data-image="{FIRST}"][aria-current=true]')
    page.keyboard.press("a")
    page.get_by_text("This is the first image.").wait_for()


def test_not_visible_and_delete(lab, page):
    page.keyboard.press("q")
    saved(page)
    assert lab.points[FIRST]["nose"] == HIDDEN
    assert current(page, "part") == "left_ear"
    assert "0 of 47 labels" in page.locator("#progress").inner_text()
    page.keyboard.press("1")
    page.keyboard.press("q")
    saved(page)
    assert lab.points[FIRST]["nose"] is None
    click(page, 80, 80)
    page.keyboard.press("1")
    page.keyboard.press("x")
    saved(page)
    assert lab.points[FIRST]["nose"] is None


@pytest.mark.parametrize(
    ("key", "moved"),
    [
        ("ArrowRight", (1, 0)),
        ("Shift+ArrowUp", (0, -10)),
        ("Alt+ArrowDown", (0, 0.1)),
        ("Control+ArrowLeft", (-0.1, 0)),
        ("Shift+A", (-1, 0)),
    ],
)
def test_nudging(lab, page, key, moved):
    click(page, 100, 100)
    saved(page)
    before = lab.points[FIRST]["nose"]
    page.keyboard.press("1")
    page.keyboard.press(key)
    saved(page)
    np.testing.assert_allclose(np.subtract(lab.points[FIRST]["nose"], before), moved, atol=1e-9)


def test_the_keyboard_alone_places(lab, page):
    page.evaluate("labeling.zoomTo(2, 300, 200)")
    page.keyboard.press("Enter")  # the crosshair in the middle
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Enter")
    saved(page)
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (310, 201.1))
    assert current(page, "part") == "left_ear"


def test_undo_goes_back_over_images(lab, page):
    page.locator("#auto-image").uncheck()
    click(page, 100, 100)
    page.keyboard.press("2")
    page.keyboard.press("q")
    show(page, SECOND)
    click(page, 50, 60)
    page.keyboard.press("Shift+X")
    saved(page)
    assert SECOND in lab.left_out
    for _ in range(5):
        page.keyboard.press("z")
    page.get_by_text("Nothing to undo.").wait_for()
    saved(page)
    assert current(page, "image") == FIRST
    assert set(lab.points[FIRST].values()) | set(lab.points[SECOND].values()) == {None}
    assert SECOND not in lab.left_out
    for _ in range(4):
        page.keyboard.press("Shift+Z")
    page.wait_for_selector("#leave-out[aria-pressed=true]")
    saved(page)
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (100, 100), atol=0.5)
    assert lab.points[FIRST]["left_ear"] == HIDDEN
    np.testing.assert_allclose(lab.points[SECOND]["nose"], (50, 60), atol=0.5)


def test_copy_from_the_previous_image(lab, page):
    lab.set(FIRST, truth(lab, FIRST))
    page.wait_for_selector(f'[data-image="{FIRST}"] .done')
    show(page, SECOND)
    click(page, 10, 10)
    page.keyboard.press("c")
    page.get_by_text("Copied. Drag what does not fit.").wait_for()
    saved(page)
    np.testing.assert_allclose(lab.points[SECOND]["nose"], (10, 10), atol=0.5)
    for part in MOUSE[1:]:
        assert lab.points[SECOND][part] == truth(lab, FIRST)[part]


def test_swapping_left_and_right(lab, page):
    lab.set(FIRST, {"left_ear": [1.5, 2.5], "right_ear": HIDDEN})
    page.wait_for_selector("[data-part=right_ear][data-state=hidden]")
    page.keyboard.press("2")
    page.keyboard.press("r")
    saved(page)
    assert lab.points[FIRST]["left_ear"] == HIDDEN
    assert lab.points[FIRST]["right_ear"] == [1.5, 2.5]
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.get_by_text("No part of another side goes with it").wait_for()


def test_leaving_an_image_out(lab, page):
    page.keyboard.press("Shift+X")
    saved(page)
    assert FIRST in lab.left_out
    click(page, 100, 100)
    page.get_by_text("This image is left out. Shift+X takes it back.").wait_for()
    assert lab.points[FIRST]["nose"] is None
    page.keyboard.press("e")
    page.wait_for_selector(f'[data-image="{SECOND}"][aria-current=true]')
    assert "0 of 44 labels" in page.locator("#progress").inner_text()


def test_machine_labels_are_accepted_unmoved_or_corrected(lab, open_page):
    machine_labels(lab, FIRST)
    lab.machine[FIRST]["tail"][2] = None
    page = open_page()
    assert "machine 0.90" in page.locator("[data-part=nose]").inner_text()
    assert page.locator("[data-part=tail] .what").inner_text() == "machine", "one of unknown likelihood"
    page.keyboard.press("v")
    saved(page)
    assert lab.points[FIRST]["nose"] == lab.machine[FIRST]["nose"][:2], "not a digit is lost"
    assert lab.accepted[FIRST] == {"nose"}
    x, y, _ = lab.machine[FIRST]["tail"]
    start = page.evaluate("([x, y]) => labeling.screenOf(x, y)", [x, y])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 20, start[1] + 20, steps=2)
    page.mouse.up()
    saved(page)
    assert lab.points[FIRST]["tail"][0] > x + 5
    assert lab.accepted[FIRST] == {"nose"}, "a corrected label is a person's"
    page.keyboard.press("Shift+V")
    saved(page)
    assert lab.state_of(FIRST) == "done"
    assert lab.accepted[FIRST] == {"nose", "left_ear", "right_ear"}


def test_a_folder_is_accepted_above_a_likelihood_and_taken_back(lab, open_page):
    machine_labels(lab, FIRST)
    machine_labels(lab, SECOND, 0.8)
    machine_labels(lab, "vid1/img002.png", 0.95)
    machine_labels(lab, "vid2/img000.png", 0.99)
    lab.points[FIRST]["nose"] = [1.0, 2.0]
    page = open_page()
    page.keyboard.press("Shift+F")
    page.get_by_text("7 machine labels accepted").wait_for()
    saved(page)
    assert lab.points[FIRST]["nose"] == [1.0, 2.0]
    assert lab.state_of("vid1/img002.png") == "done"
    assert lab.state_of(SECOND) == lab.state_of("vid2/img000.png") == "open"
    page.keyboard.press("z")
    page.wait_for_selector('[data-image="vid1/img002.png"] .open')
    saved(page)
    assert lab.state_of("vid1/img002.png") == "open"
    assert lab.points[FIRST] == {"nose": [1.0, 2.0], "left_ear": None, "right_ear": None, "tail": None}
    page.keyboard.press("Shift+Z")
    page.wait_for_selector('[data-image="vid1/img002.png"] .done')
    saved(page)
    assert lab.accepted["vid1/img002.png"] == set(MOUSE)


def test_other_people_with_the_distance(lab, open_page):
    lab.points[FIRST]["nose"] = [100.0, 100.0]
    lab.others[FIRST] = {"Bob": {"nose": [103.0, 104.0], "tail": [9.0, 9.0]}}
    page = open_page()
    assert page.get_by_text("px apart").count() == 0
    page.keyboard.press("p")
    page.get_by_text("Bob: 5.0 px apart on average (1 parts)").wait_for()


def test_warnings_are_said_also_after_the_image_was_left(lab, page):
    for x in (100, 150, 200):
        click(page, x, 100)
    click(page, 200, 100)
    page.get_by_text("Go back").wait_for()
    page.get_by_role("button", name="Go back").click()
    page.wait_for_selector(f'[data-image="{FIRST}"][aria-current=true]')
    assert "tail lies on the same place as right_ear" in page.locator("#warnings").inner_text()


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
    assert lab.points[FIRST]["tail_middle"] == HIDDEN


def test_the_order_by_use(lab, open_page):
    lab.ranks = {"vid2/img003.png": 0.9, SECOND: 0.5}
    page = open_page()
    assert current(page, "image") == "vid2/img003.png"
    page.keyboard.press("d")
    page.wait_for_selector(f'[data-image="{SECOND}"][aria-current=true]')
    page.keyboard.press("o")
    page.keyboard.press("d")
    page.wait_for_selector('[data-image="vid1/img002.png"][aria-current=true]')


def test_neighbours_and_video(lab, page):
    page.keyboard.press("]")
    page.get_by_text("The video 1 frame after the image").wait_for()
    click(page, 100, 100)
    page.get_by_text("Back at the image itself").wait_for()
    assert lab.puts == []
    show(page, "vid2/img000.png")
    page.keyboard.press("[")
    page.get_by_text("The video of vid2 is not at hand.").wait_for()
    page.keyboard.press("m")
    page.locator("#frame").fill("123")
    page.locator("#frame").press("Enter")
    page.get_by_text("vid1.avi, frame 123.").wait_for()
    page.keyboard.press(".")
    page.keyboard.press("k")
    page.get_by_role("button", name="Label it now").click()
    page.wait_for_selector('[data-image="vid1_picked/img124.png"][aria-current=true]')
    assert lab.picked == [124]
    assert page.locator("#video").is_hidden()


def test_a_question_is_asked_and_answered(lab, open_page):
    choices = [
        {"answer": "rename:tail", "text": "They are the labels of tail"},
        {"answer": "new", "text": "tail is new"},
    ]
    lab.extra["questions"] = [
        {"id": "part:queue", "text": "There are labels of queue. Whose are they?", "choices": choices}
    ]
    page = open_page()
    page.get_by_role("button", name="Ask me later").click()
    assert page.locator("#asked").inner_text() == "1 question"
    page.locator("#asked").click()
    page.get_by_role("button", name="They are the labels of tail").click()
    page.locator("#asked").wait_for(state="hidden")
    assert lab.extra["questions"] == []


def test_help_from_a_network_shows_progress_and_is_cancelled(lab, open_page):
    lab.extra["help"] = {"can_suggest": True, "why_not_suggest": None, "can_train": True, "why_not_train": None,
                         "helper": None, "jobs": []}  # fmt: skip
    page = open_page()
    page.locator("#network summary").first.click()
    page.get_by_role("button", name="Train a helper").click()
    page.get_by_text("Iteration 60 of 250").wait_for()
    lab.tell("job", {**lab.jobs[0], "progress": 0.5, "message": "Iteration 125 of 250."})
    page.get_by_text("Iteration 125 of 250.").wait_for()
    assert page.locator("#job-short").inner_text() == "50 %"
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled.").wait_for()


def test_reading_only_says_why(lab, open_page):
    lab.extra |= {"writable": False, "why": "Another window labels for Ann."}
    page = open_page()
    click(page, 100, 100)
    page.keyboard.press("q")
    assert page.locator("#now").inner_text().startswith("Reading only")
    assert lab.puts == []


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
    assert lab.puts == []


def test_gamma_is_the_curve(page):
    values = page.evaluate(
        "async () => { const { curve } = await import('/page/pictures.js');"
        "const lit = (brightness, contrast, gamma) => [...curve({ brightness, contrast, gamma })];"
        "return [lit(0, 1, 1), lit(0, 1, 2), lit(0.2, 2, 1)]; }"
    )
    assert values[0] == list(range(256))
    assert [values[1][at] for at in (0, 64, 255)] == [0, round(255 * (64 / 255) ** 0.5), 255]
    assert [values[2][at] for at in (0, 102, 255)] == [0, round(255 * ((0.4 - 0.5) * 2 + 0.7)), 255]


def test_a_project_without_images_says_where_they_come_from(lab, open_page):
    for known in (lab.points, lab.numbers):
        known.clear()
    page = open_page(shown="#empty:not([hidden])")
    for key in (
        "q",
        "x",
        "c",
        "r",
        "v",
        "z",
        "a",
        "d",
        "e",
        "g",
        "]",
        "t",
        "p",
        "+",
        "Enter",
        "ArrowUp",
        "Shift+X",
        "1",
    ):
        page.keyboard.press(key)
    page.keyboard.press("m")
    page.get_by_text("vid1.avi, frame 0.").wait_for()
    page.keyboard.press("k")
    page.get_by_role("button", name="Label it now").click()
    page.wait_for_selector('[data-image="vid1_picked/img000.png"][aria-current=true]')
