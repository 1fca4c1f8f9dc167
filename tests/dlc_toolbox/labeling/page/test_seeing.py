"""What a person sees: names that can be read, doubtful machine labels, news that came while the page was loading."""

import threading

import cv2
import numpy as np
import pytest

from dlc_toolbox.labeling.frames.videos import Videos
from tests.dlc_toolbox.labeling.page.conftest import click, saved, show, shown
from tests.dlc_toolbox.labeling.page.lab import MOUSE

FIRST, SECOND = "vid1/img000.png", "vid1/img001.png"

WRITTEN = """() => new Promise((done) => {
  const canvas = document.getElementById("view");
  const context = canvas.getContext("2d");
  const boxes = [];
  const write = context.fillText.bind(context);
  context.fillText = (text, left, middle) => {
    boxes.push([text, left, middle - 7, left + context.measureText(text).width, middle + 7]);
    write(text, left, middle);
  };
  labeling.zoomTo(1, 320, 240);
  delete context.fillText;
  done([boxes, [canvas.clientWidth, canvas.clientHeight]]);
})"""


def test_names_cover_neither_markers_nor_each_other_and_are_not_cut_off(lab, open_page):
    crowd = {"nose": [300.0, 200.0], "left_ear": [314.0, 202.0], "right_ear": [300.0, 214.0], "tail": [690.0, 240.0]}
    lab.set(FIRST, crowd)
    page = open_page()
    show(page, FIRST)
    page.keyboard.press("t")
    boxes, (width, height) = page.evaluate(WRITTEN)
    assert sorted(name for name, *_ in boxes) == sorted(MOUSE)
    for name, x0, y0, x1, y1 in boxes:
        assert x0 >= 0 and x1 <= width and y0 >= 0 and y1 <= height, name
        others = [box for box in boxes if box[0] != name]
        assert not [other for other, u0, v0, u1, v1 in others if x0 < u1 and u0 < x1 and y0 < v1 and v0 < y1], name
        for x, y in crowd.values():
            u, v = width / 2 + x - 320, height / 2 + y - 240
            assert not (x0 < u < x1 and y0 < v < y1), name


def test_scrolling_sideways_is_no_zoom(page):
    scale_after = """([deltaX, deltaY]) => {
      document.getElementById("view").dispatchEvent(new WheelEvent("wheel", { deltaX, deltaY, cancelable: true }));
      return labeling.screenOf(1, 0).x - labeling.screenOf(0, 0).x;
    }"""
    scales = [page.evaluate(scale_after, wheel) for wheel in ([0, 0], [30, 0], [30, -10], [10, -30])]
    assert scales[0] == scales[1] == scales[2] < scales[3]


def test_accepting_all_of_an_image_tells_what_the_network_doubted(lab, open_page):
    lab.suggest({FIRST: 0.05, SECOND: 0.9})
    page = open_page()
    page.locator("#rank").uncheck()
    show(page, SECOND)
    page.keyboard.press("Shift+V")
    saved(page)
    assert page.get_by_text("not sure").count() == 0
    show(page, FIRST)
    page.keyboard.press("Shift+V")
    page.get_by_text("not sure: nose, left_ear, right_ear, tail.").wait_for()
    page.get_by_role("button", name="Go back").click()
    shown(page, FIRST)


def test_news_that_come_before_the_page_listens_are_not_missed(lab, open_page, page):
    def late(route):
        lab.set(FIRST, {"tail": [7.0, 8.0]})
        route.continue_()

    page.route("**/api/events", late)
    page.reload()
    page.get_by_text("7.0, 8.0").wait_for()


def test_the_strip_learns_how_long_the_video_is(lab, open_page, write_video, monkeypatch):
    counted, facts = threading.Event(), Videos.facts
    monkeypatch.setattr(Videos, "facts", lambda *of: counted.wait(20) and facts(*of))
    lab.film(write_video)
    page = open_page()
    page.keyboard.press("m")
    page.get_by_text("frame 0. To label it").wait_for()
    assert page.locator("#scrub").is_hidden()
    counted.set()
    page.locator("#scrub").wait_for()
    assert "of 29" in page.locator("#time").inner_text()


def test_the_video_covers_an_image_only_when_somebody_scrubs(lab, open_page, write_video):
    lab.film(write_video)
    page = open_page()
    banner = page.locator("#banner")
    page.keyboard.press("m")
    banner.get_by_text("vid1.avi, frame 0").wait_for()
    stage = page.locator(".stage").bounding_box()
    assert banner.bounding_box()["y"] >= stage["y"] + stage["height"], "the picture is not covered"
    assert page.locator("#title").inner_text().split() == ["vid1.avi,", "frame", "0"]
    assert page.locator("[data-part=nose] .what").inner_text() == ""
    click(page, 100, 100)
    page.get_by_text("This is the video: K takes this frame").wait_for()
    show(page, SECOND)
    with page.expect_response("**/api/project"):  # after each label, until there are enough to train a helper
        click(page, 100, 100)
    click(page, 150, 150)
    saved(page)
    assert isinstance(lab.at(SECOND)["left_ear"], list) and banner.is_hidden()
    page.keyboard.press("k")
    page.get_by_text("The image is shown, not the video").wait_for()
    page.keyboard.press(".")
    banner.get_by_text("vid1.avi, frame 1").wait_for()


def test_an_image_that_would_not_be_seen_at_this_zoom_is_fitted(lab, open_page):
    cv2.imwrite(str(lab.data / FIRST), np.zeros((3000, 4000, 3), np.uint8))
    page = open_page()
    page.evaluate("labeling.zoomTo(8, 3500, 2500)")
    page.keyboard.press("d")
    shown(page, SECOND)
    left, top = page.evaluate("labeling.screenOf(0, 0)")
    right, bottom = page.evaluate("labeling.screenOf(639, 479)")
    box = page.locator("#view").bounding_box()
    assert box["x"] < left < right < box["x"] + box["width"] and box["y"] < top < bottom < box["y"] + box["height"]


def test_an_image_that_is_deleted_is_told(lab, page):
    (lab.data / FIRST).unlink()
    page.get_by_text(f"{FIRST} is not in its folder any more.").wait_for()
    shown(page, SECOND)


def test_a_folder_with_a_problem_says_so_and_takes_nothing_until_it_is_mended(lab, page, tmp_path):
    for number, key in enumerate((FIRST, SECOND)):
        show(page, key)
        click(page, 100 + number, 100)
        saved(page)
    (lab.data / FIRST).rename(tmp_path / "away.png")
    page.locator("#now").get_by_text("were images added to").wait_for()
    click(page, 200, 200)
    assert page.evaluate("document.body.dataset.saved") == "yes"
    (tmp_path / "away.png").rename(lab.data / FIRST)
    page.locator("#now").get_by_text("Click in the image").wait_for()
    show(page, FIRST)
    page.get_by_text("100.0, 100.0").wait_for()
    assert lab.at(SECOND)["nose"] == [101.0, 100.0]


def test_an_image_that_is_exchanged_is_shown_and_told(lab, page):
    shade = """([x, y]) => {
      const [canvas, [u, v]] = [document.getElementById("view"), labeling.screenOf(x, y)];
      const { left, top } = canvas.getBoundingClientRect();
      return canvas.getContext("2d").getImageData(u - left, v - top, 1, 1).data[0];
    }"""
    cv2.imwrite(str(lab.data / FIRST), np.full((480, 640, 3), 200, np.uint8))
    cv2.imwrite(str(lab.data / SECOND), np.full((480, 640, 3), 210, np.uint8))
    assert page.evaluate(shade, [600, 400]) < 180
    page.get_by_text("exchanged on the disk").wait_for()  # at the server's next look
    assert page.evaluate(shade, [600, 400]) == 200
    show(page, SECOND)


def test_few_large_pictures_are_kept(page):
    """Four of 48 million pixels were 770 MB; the one on the screen is never closed."""
    closed = page.evaluate("""async () => {
      const { Pictures } = await import("/page/pictures.js");
      const closed = [];
      const decode = window.createImageBitmap;
      let count = 0;
      window.createImageBitmap = async (blob, options) => {
        if (blob.type !== "image/svg+xml") return decode(blob, options); // the page's own
        const name = "abcd"[count++];
        return { width: 8000, height: 6000, close: () => closed.push(name) };
      };
      const pictures = new Pictures(8);
      pictures.hold(["/page/icon.svg?a"]);
      for (const name of "abcd") await pictures.get(`/page/icon.svg?${name}`);
      await new Promise((done) => setTimeout(done));
      window.createImageBitmap = decode;
      return closed;
    }""")
    assert closed == ["b"]


@pytest.mark.parametrize("size", [{"width": 900, "height": 560}, {"width": 768, "height": 1024}])
def test_small_windows_show_all_without_scrolling(open_page, size):
    page = open_page(viewport=size)
    outside = """([panel, what]) => {
      const { left, right, top, bottom } = document.querySelector(panel).getBoundingClientRect();
      const inside = (box) => box.left >= left && box.right <= right && box.top >= top && box.bottom <= bottom;
      const seen = [...document.querySelectorAll(what)].filter((it) => it.checkVisibility());
      return seen.filter((it) => !inside(it.getBoundingClientRect())).map((it) => it.outerHTML);
    }"""
    assert page.evaluate("[innerWidth - document.body.offsetWidth, innerHeight - document.body.offsetHeight]") == [0, 0]
    for panel in ("header", "main", "nav", "aside"):
        assert page.evaluate(outside, ["body", panel]) == []
        assert page.evaluate(outside, [panel, f"{panel} :is(button, input, strong):not(#images *, #parts *)"]) == []
