"""Nothing is lost: not by another writer, a full disk, a lost connection, nor by leaving the page."""

import numpy as np

from tests.labeling_page.conftest import click, saved, show

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"


def test_saved_is_said_only_when_it_is_on_disk(lab, page):
    lab.delay = 0.3
    click(page, 100, 100)
    assert page.evaluate("document.body.dataset.saved") == "no"
    assert lab.points[FIRST]["nose"] is None
    saved(page)
    assert lab.points[FIRST]["nose"] is not None


def test_changes_while_one_is_under_way_go_together(lab, page):
    lab.delay = 0.3
    for x in (100, 150, 200):
        click(page, x, 100)
    saved(page)
    assert [sorted(body["points"]) for _, body in lab.puts] == [["nose"], ["left_ear", "right_ear"]]


def test_two_tabs_merge_part_by_part(lab, page):
    lab.listeners.clear()  # the page does not hear of the other one before it writes
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    click(page, 100, 100)
    saved(page)
    assert lab.points[FIRST]["tail"] == [7.0, 8.0]
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (100, 100), atol=0.5)
    assert page.locator("#warnings").is_hidden()
    assert "7.0, 8.0" in page.locator("[data-part=tail]").inner_text()


def test_what_both_changed_is_a_conflict_that_can_be_settled(lab, page):
    lab.listeners.clear()
    lab.set(FIRST, {"nose": [7.0, 8.0]})
    click(page, 100, 100)
    saved(page)
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (100, 100), atol=0.5)
    assert "nose was also changed elsewhere. Yours stands." in page.locator("#warnings").inner_text()
    page.get_by_role("button", name="Theirs (7.0, 8.0)").click()
    saved(page)
    assert lab.points[FIRST]["nose"] == [7.0, 8.0]
    assert page.locator("#warnings").is_hidden()


def test_a_conflict_in_the_files_is_shown_and_settled(lab, open_page):
    lab.points[FIRST]["nose"] = [7.0, 8.0]
    lab.conflicts[FIRST] = {"nose": {"yours": [1.0, 2.0], "theirs": [7.0, 8.0]}}
    page = open_page()
    assert "The other one stands." in page.locator("#warnings").inner_text()
    page.get_by_role("button", name="Theirs (7.0, 8.0)").click()
    saved(page)
    assert lab.conflicts[FIRST] == {}
    assert lab.puts[-1][1]["points"] == {"nose": [7.0, 8.0]}


def test_labels_changed_elsewhere_appear(lab, page):
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    page.get_by_text("7.0, 8.0").wait_for()
    lab.set(SECOND, {"tail": [9.0, 9.0]})
    page.wait_for_selector(f'[data-image="{SECOND}"] .begun')


def test_a_full_disk_is_said_and_tried_again(lab, page):
    lab.failure = (507, "No space is left on the disk of the project.")
    click(page, 100, 100)
    page.get_by_text("No space is left on the disk").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    lab.failure = None
    saved(page)
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (100, 100), atol=0.5)
    assert page.locator("#trouble").is_hidden()


def test_what_the_server_refuses_can_be_given_up(lab, page):
    lab.failure = (403, "The folder is read-only.")
    click(page, 100, 100)
    page.get_by_text("The folder is read-only.").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    page.get_by_role("button", name="Give these changes up").click()
    saved(page)
    assert page.locator("[data-part=nose]").get_attribute("data-state") == "open"


def test_a_lost_connection_keeps_the_changes(lab, page):
    page.route("**/api/labels/**", lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    click(page, 100, 100)
    page.get_by_text("The connection to the labeling program is lost").wait_for()
    show(page, SECOND)
    click(page, 60, 70)
    page.get_by_text("changes of 2 images, kept on this page").wait_for()
    assert page.evaluate("document.body.dataset.saved") == "no"
    page.unroute("**/api/labels/**")
    saved(page)
    np.testing.assert_allclose(lab.points[FIRST]["nose"], (100, 100), atol=0.5)
    np.testing.assert_allclose(lab.points[SECOND]["nose"], (60, 70), atol=0.5)


def test_leaving_with_unsaved_changes_is_warned(lab, page):
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    lab.delay = 5
    click(page, 100, 100)
    page.reload()
    assert asked == ["beforeunload"]
    page.wait_for_selector("[data-image][aria-current=true]")
    page.reload()
    assert asked == ["beforeunload"], "all is saved: nobody is asked"


def test_what_was_missed_while_the_line_was_down_appears(lab, page):
    line = lab.listeners.pop()
    lab.set(FIRST, {"tail": [7.0, 8.0]})
    lab.listeners.append(line)
    lab.tell(None, {})
    page.get_by_text("7.0, 8.0").wait_for(timeout=10_000)
