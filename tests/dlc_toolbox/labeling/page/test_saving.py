"""Nothing is lost: not by another writer, a full disk, a lost connection, a new start, nor by leaving the page."""

import errno
import os

import numpy as np

from dlc_toolbox.labeling.store.store import LabelStore
from tests.dlc_toolbox.labeling.page.conftest import click, saved, show

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"


def test_saved_is_said_only_when_it_is_on_disk(lab, page):
    lab.delay = 0.3
    click(page, 100, 100)
    assert page.evaluate("document.body.dataset.saved") == "no"
    assert lab.at(FIRST)["nose"] is None
    saved(page)
    assert lab.at(FIRST)["nose"] is not None


def test_tabs_in_the_background_take_no_connection_and_look_again_when_they_are_shown(lab, page):
    """A browser keeps six to a host: a seventh tab could neither load nor save."""
    hide = "Object.defineProperty(document, 'hidden', {get: () => %s, configurable: true})"
    turn = "document.dispatchEvent(new Event('visibilitychange'))"
    tabs = [page]
    for _ in range(7):
        tabs[-1].evaluate(hide % "true")
        tabs[-1].evaluate(turn)
        tabs.append(page.context.new_page())
        tabs[-1].goto(lab.address)
        tabs[-1].wait_for_selector("[data-image][aria-current=true]")
    click(tabs[-1], 100, 100)
    saved(tabs[-1])
    page.evaluate(hide % "false")
    page.evaluate(turn)
    page.wait_for_selector("[data-part=nose]:has-text('100.0, 100.0')")


def test_changes_while_one_is_under_way_go_together(lab, page):
    lab.delay = 0.3
    for x in (100, 150, 200):
        click(page, x, 100)
    saved(page)
    assert [sorted(body["points"]) for _, body in lab.saves] == [["nose"], ["left_ear", "right_ear"]]


def test_two_tabs_merge_part_by_part(lab, page):
    lab.delay = 0.3  # the other one is quicker
    click(page, 100, 100)
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    lab.delay = 0
    saved(page)
    assert lab.at(FIRST)["tail"] == [7.0, 8.0]
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert page.locator("#warnings").is_hidden()
    assert "7.0, 8.0" in page.locator("[data-part=tail]").inner_text()


def test_what_both_changed_is_a_conflict_that_can_be_settled(lab, page):
    lab.delay = 0.3
    click(page, 100, 100)
    lab.set(FIRST, {"nose": [7.0, 8.0]})
    lab.delay = 0
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert "nose was also changed elsewhere. Yours stands." in page.locator("#warnings").inner_text()
    page.get_by_role("button", name="Theirs (7.0, 8.0)").click()
    saved(page)
    assert lab.at(FIRST)["nose"] == [7.0, 8.0]
    assert page.locator("#warnings").is_hidden()


def test_what_fiji_saved_over_the_page_is_a_conflict_too(lab, open_page):
    """Fiji had nose of two images open, and saves a new one and less than it had read: nothing is lost."""
    lab.fiji("vid1", "nose", {1: (5.0, 5.0), 2: (6.0, 6.0)})
    page = open_page()
    show(page, FIRST)
    page.keyboard.press("1")
    click(page, 100, 100)
    saved(page)
    lab.fiji("vid1", "nose", {1: (7.0, 8.0)})
    page.get_by_text("The other one stands.").wait_for()
    assert lab.at(SECOND)["nose"] == [6.0, 6.0]
    page.get_by_role("button", name="Yours (100.0, 100.0)").click()
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert lab.reread(FIRST)["conflicts"] == {}
    assert page.locator("#warnings").is_hidden()


def test_what_fiji_changed_too_is_told_where_another_image_is_shown(lab, page):
    click(page, 100, 100)
    saved(page)
    show(page, SECOND)
    lab.fiji("vid1", "nose", {1: (7.0, 8.0)})
    page.get_by_text(f"{FIRST}: nose was also changed elsewhere.").wait_for()
    page.wait_for_selector(f'[data-image="{FIRST}"].warned')
    page.get_by_role("button", name="Go back").click()
    page.get_by_text("The other one stands.").wait_for()
    page.get_by_role("button", name="Yours (100.0, 100.0)").click()
    saved(page)
    page.wait_for_selector(f'[data-image="{FIRST}"]:not(.warned)')


def test_what_fiji_left_out_stays_and_is_said_so(lab, open_page):
    lab.fiji("vid1", "nose", {1: (5.0, 5.0)})
    page = open_page()
    show(page, FIRST)
    page.keyboard.press("1")
    click(page, 100, 100)
    saved(page)
    show(page, SECOND)
    lab.fiji("vid1", "nose", {})
    page.wait_for_selector(f'[data-image="{FIRST}"].warned')
    show(page, FIRST)
    page.get_by_text("nose was also changed elsewhere. Yours stands.").wait_for()
    page.reload()
    page.wait_for_selector(f'[data-image="{FIRST}"].warned')
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_labels_changed_elsewhere_appear(lab, page):
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    page.get_by_text("7.0, 8.0").wait_for()
    lab.set(SECOND, {"tail": [9.0, 9.0]})
    page.wait_for_selector(f'[data-image="{SECOND}"] .begun')


def test_a_full_disk_is_said_and_tried_again(lab, page, monkeypatch):
    def is_full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", is_full)
        click(page, 100, 100)
        page.get_by_text("No space left on device").wait_for()
        assert page.evaluate("document.body.dataset.saved") == "no"
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    assert page.locator("#trouble").is_hidden()


def test_what_the_server_refuses_can_be_given_up(lab, page):
    (lab.data / "vid1" / "tail.csv").write_text("what somebody saved by mistake")
    click(page, 100, 100)
    page.locator("#trouble").get_by_text("tail.csv").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    page.get_by_role("button", name="Give these changes up").click()
    saved(page)
    assert page.locator("[data-part=nose]").get_attribute("data-state") == "open"


def test_a_lost_connection_keeps_the_changes(lab, page):
    page.route("**/api/labels/**", lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    stage = page.locator(".stage").bounding_box()
    click(page, 100, 100)
    page.get_by_text("The connection to the labeling program is lost").wait_for()
    assert page.locator(".stage").bounding_box() == stage, "the image stays where it is"
    show(page, SECOND)
    click(page, 60, 70)
    page.get_by_text("changes of 2 images, kept on this page").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    page.unroute("**/api/labels/**")
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)
    np.testing.assert_allclose(lab.at(SECOND)["nose"], (60, 70), atol=0.5)


def test_a_connection_that_hangs_is_told_and_goes_on(lab, open_page):
    page = open_page(color_scheme="dark")  # a tab of its own, for the clock
    held = []

    def hold(route):
        if route.request.method == "PUT":
            held.append(route)
        else:
            route.fallback()

    page.route("**/api/labels/**", hold)
    page.clock.install()
    with page.expect_request(lambda request: request.method == "PUT"):
        click(page, 100, 100)
    page.clock.fast_forward(5000)
    page.get_by_text("The labeling program does not answer.").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    held[0].continue_()
    saved(page)
    page.locator("#trouble").wait_for(state="hidden")
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_leaving_with_unsaved_changes_is_warned(lab, page):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    lab.delay = 2
    click(page, 100, 100)
    page.reload()
    assert asked == ["beforeunload"]
    lab.delay = 0
    page.wait_for_selector("[data-image][aria-current=true]")
    page.reload()
    assert asked == ["beforeunload"], "all is saved: nobody is asked"


def test_a_program_that_was_started_anew_goes_on_where_it_was(lab, page):
    lab.stop()
    click(page, 100, 100)
    page.get_by_text("The connection to the labeling program is lost").wait_for()
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    lab.start()
    saved(page)
    page.get_by_text("7.0, 8.0").wait_for()
    assert lab.at(FIRST)["tail"] == [7.0, 8.0]
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_a_second_tab_lets_the_first_go_on_when_the_program_has_a_new_token(lab, page):
    page.context.clear_cookies()
    click(page, 100, 100)
    page.get_by_text("Open the address that it printed in a second tab").wait_for()
    page.context.new_page().goto(lab.address)
    saved(page)
    np.testing.assert_allclose(lab.at(FIRST)["nose"], (100, 100), atol=0.5)


def test_two_tabs_two_people_and_fiji_at_the_same_time(lab, open_page):
    """Each has parts of its own; the second person labels the same images in files of her own."""
    lab.write_settings(Scorers=["Ann", "Bob"])
    for part in ("nose", "left_ear", "right_ear", "tail"):
        lab.fiji("vid1/Ann", part, {4: (50.0 + len(part), 5.0)})
    one, other = open_page(), open_page()
    bob = LabelStore(lab.layout, "Bob")
    expected = {}
    for turn, key in enumerate(list(lab.numbers)[:3]):
        for page, part in ((one, "1"), (other, "4")):
            show(page, key)
            page.keyboard.press(part)
            click(page, 100 + turn, 50 + 10 * int(part))
        lab.fiji("vid1/Ann", "left_ear", {turn + 1: (200.0 + turn, 39.0)})  # without the rows of before
        version = bob.labels(*key.split("/"))["version"]
        bob.save(*key.split("/"), {"version": version, "points": {"nose": [turn + 50, 60]}})
        expected[key] = {"nose": [100 + turn, 60], "tail": [100 + turn, 90], "left_ear": [200 + turn, 39]}
        saved(one)
        saved(other)
        one.locator("[data-part=left_ear]").get_by_text(f"{200 + turn}.0, 39.0").wait_for()
    bob.close()
    ann, hers = lab.table("Ann"), lab.table("Bob")
    for turn, (key, places) in enumerate(expected.items()):
        assert sorted(ann[key]) == sorted(places)
        for part, at in places.items():
            np.testing.assert_allclose(ann[key][part], at, atol=0.5)
        assert hers[key] == {"nose": [turn + 50, 60]}
    assert set(ann["vid1/img003.png"]) == {"nose", "left_ear", "right_ear", "tail"}, "rows that Fiji left out stay"
