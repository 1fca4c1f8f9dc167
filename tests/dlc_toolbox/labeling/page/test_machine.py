"""Labels that a network suggests: accepted, corrected, swapped, taken back; and the help that brings them."""

import sys

from tests.dlc_toolbox.labeling.page.conftest import click, current, saved, show, shown
from tests.dlc_toolbox.labeling.page.lab import MOUSE

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"

WORK = """
import json, sys, time
print(json.dumps({"progress": 0.5, "message": "Iteration 125 of 250."}), flush=True)
time.sleep(60)
"""


def test_swapped_machine_labels_stay_those_that_a_network_placed(lab, open_page):
    lab.suggest({FIRST: 0.9}, lag=0.123456789)
    page = open_page()
    machine = lab.reread(FIRST)["machine"]
    page.keyboard.press("Shift+R")
    saved(page)
    page.keyboard.press("1")
    page.keyboard.press("v")
    saved(page)
    state = lab.reread(FIRST)
    assert state["points"]["left_ear"] == machine["right_ear"][:2]
    assert set(state["accepted"]) == {"nose", "left_ear", "right_ear"}
    page.keyboard.press("Shift+R")
    saved(page)
    assert lab.at(FIRST)["left_ear"] == machine["left_ear"][:2]
    assert set(lab.reread(FIRST)["accepted"]) == {"nose", "left_ear", "right_ear"}


def test_machine_labels_are_accepted_unmoved_or_corrected(lab, open_page):
    lab.suggest({FIRST: 0.9}, lag=0.123456789)
    page = open_page()
    assert "machine 0.90" in page.locator("[data-part=nose]").inner_text()
    page.keyboard.press("v")
    saved(page)
    machine = lab.reread(FIRST)["machine"]
    assert lab.at(FIRST)["nose"] == machine["nose"][:2] == lab.table()[FIRST]["nose"], "not a digit is lost"
    assert set(lab.reread(FIRST)["accepted"]) == {"nose"}
    x, y, _ = machine["tail"]
    start = page.evaluate("([x, y]) => labeling.screenOf(x, y)", [x, y])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 20, start[1] + 20, steps=2)
    page.mouse.up()
    saved(page)
    assert lab.at(FIRST)["tail"][0] > x + 5
    assert set(lab.reread(FIRST)["accepted"]) == {"nose"}, "a corrected label is a person's"
    page.keyboard.press("Shift+V")
    saved(page)
    assert lab.state(FIRST) == "done"
    assert set(lab.reread(FIRST)["accepted"]) == {"nose", "left_ear", "right_ear"}


def test_a_folder_is_accepted_above_a_likelihood_and_taken_back(lab, open_page):
    third = "vid1/img002.png"
    lab.suggest({FIRST: 0.9, SECOND: 0.8, third: 0.95, "vid2/img000.png": 0.99})
    lab.set(FIRST, {"nose": [1.0, 2.0]})
    page = open_page()
    page.locator("#rank").uncheck()
    show(page, FIRST)
    page.keyboard.press("Shift+F")
    page.get_by_text("7 machine labels accepted").wait_for()
    saved(page)
    assert lab.at(FIRST)["nose"] == [1.0, 2.0]
    assert lab.state("vid1/img002.png") == "done"
    assert lab.state(SECOND) == lab.state("vid2/img000.png") == "open"
    page.keyboard.press("z")
    page.wait_for_selector('[data-image="vid1/img002.png"] .open')
    saved(page)
    assert lab.state("vid1/img002.png") == "open"
    assert lab.at(FIRST) == {"nose": [1.0, 2.0], "left_ear": None, "right_ear": None, "tail": None}
    page.keyboard.press("Shift+Z")
    page.wait_for_selector('[data-image="vid1/img002.png"] .done')
    saved(page)
    assert set(lab.reread("vid1/img002.png")["accepted"]) == set(MOUSE)


def test_a_folder_is_accepted_from_the_number_shown_or_not_at_all(lab, open_page):
    lab.suggest({FIRST: 0.985, SECOND: 0.995})
    page = open_page()
    page.locator("#machine[open]").wait_for()
    for nothing in ("", "2", "-1"):
        page.locator("#likelihood").fill(nothing)
        page.get_by_role("button", name="Accept folder").click()
        page.get_by_text("Folder from must be a number from 0 to 1").wait_for()
        assert lab.state(FIRST) == lab.state(SECOND) == "open"
    page.locator("#likelihood").fill("0.99")
    page.get_by_role("button", name="Accept folder").click()
    page.get_by_text("4 machine labels accepted").wait_for()
    assert (lab.state(FIRST), lab.state(SECOND)) == ("open", "done")


def test_the_order_by_use(lab, open_page):
    lab.suggest(dict.fromkeys(lab.numbers, 0.9), {"vid2/img003.png": 0.9, SECOND: 0.5})
    page = open_page()
    assert current(page, "image") == "vid2/img003.png"
    page.keyboard.press("d")
    shown(page, SECOND)
    page.keyboard.press("o")
    page.keyboard.press("d")
    page.wait_for_selector('[data-image="vid1/img002.png"][aria-current=true]')


def test_help_from_a_network_shows_progress_and_is_cancelled(lab, open_page):
    lab.commands = {kind: [sys.executable, "-c", WORK] for kind in ("suggest", "helper")}
    page = open_page()
    page.locator("#network summary").first.click()
    page.get_by_role("button", name="Train a helper").click()
    page.get_by_text("Iteration 125 of 250.").wait_for()
    assert page.locator("#job-short").inner_text() == "50 %"
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector(".job[data-state=cancelled]")
    assert page.locator("#job-short").inner_text() == ""


def test_help_that_is_done_makes_room_for_the_body_parts(lab, open_page):
    lab.commands = {"helper": [sys.executable, "-c", ""]}
    page = open_page()
    page.locator("#network summary").first.click()
    page.get_by_role("button", name="Train a helper").click()
    page.locator("#network:not([open])").wait_for()


def test_a_helper_is_offered_as_soon_as_it_can_be_trained(lab, open_page):
    lab.commands = {"helper": [sys.executable, "-c", WORK]}
    lab.refusals = {"helper": "label 1 more image"}
    page = open_page()
    page.locator("#network summary").first.click()
    page.get_by_text("Helper: label 1 more image.").wait_for()
    assert page.locator("#train").is_disabled()
    page.locator("#network summary").first.click()
    lab.refusals.clear()
    click(page, 100, 100)
    page.get_by_text("Enough images are labeled").wait_for()
    page.get_by_role("button", name="Show").click()
    assert page.locator("#train").is_enabled()


def test_machine_labels_that_arrive_are_shown_at_once(lab, page):
    """Nobody labels the image anew for them: the version of its labels stays the same."""
    lab.suggest({FIRST: 0.9})
    page.get_by_text("machine 0.90").first.wait_for()
    page.keyboard.press("v")
    saved(page)
    assert set(lab.reread(FIRST)["accepted"]) == {"nose"}
