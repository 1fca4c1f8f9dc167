"""Pictures of a page are enlarged by mouse and keyboard, in a real Chromium."""

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox.pictures.pages import write_page

WIDTH, HEIGHT = 400, 200
NAMES = ("img0.png", "img1.png", "img2.png")


@pytest.fixture
def page(tmp_path, browser):
    """A page of labels with three pictures; the file of the last one was not sent along, its thumbnail was."""
    for number, name in enumerate(NAMES):
        picture = Image.fromarray(np.full((HEIGHT, WIDTH, 3), 50 + 80 * number, np.uint8))
        picture.save(tmp_path / f"small{name}")
        if number < 2:
            picture.save(tmp_path / name)
    pictures = [
        {
            "name": name,
            "link": name,
            "thumbnail": f"small{name}",
            "width": WIDTH,
            "height": HEIGHT,
            "missing": 0,
            "is_other_size": False,
            "missing_parts": [],
        }
        for name in NAMES
    ]
    folder = {"name": "toy", "images": 3, "labeled": 9, "expected": 9, "counts": [], "gaps": [], "sheet": "sheet.png"}
    content = {"task": "toy", "parts": [], "scorers": [("+", "Ann")], "folders": [{**folder, "pictures": pictures}]}
    write_page(tmp_path / "page.html", "labels.html", **content)
    context = browser.new_context(viewport={"width": 800, "height": 600})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto((tmp_path / "page.html").as_uri())
    yield opened
    context.close()
    assert not errors


def shown(page, name: str) -> None:
    """Wait until a picture is shown, enlarged."""
    page.wait_for_function(
        "name => { const [dialog, image] = [document.querySelector('dialog'), document.querySelector('dialog img')];"
        " return dialog.open && image.complete && image.naturalWidth && image.src.endsWith(name)"
        " && image.style.transform; }",
        arg=name,
    )


def box(page) -> tuple[float, ...]:
    """Return where the enlarged picture lies: left, top, width, height."""
    left, top, width, height = page.locator("dialog img").bounding_box().values()
    return round(left, 2), round(top, 2), round(width, 2), round(height, 2)


@pytest.mark.slow
def test_the_mouse_zooms_where_it_points_and_drags(page):
    page.get_by_role("img").nth(0).click()
    shown(page, "/img0.png")
    assert box(page) == (0, 100, 800, 400)  # all of it, twice as large
    page.mouse.move(200, 200)
    page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('dialog img').getBoundingClientRect().width === 1000")
    assert box(page) == (-50, 75, 1000, 500)  # a quarter of the way from the left and from the top stays there
    page.mouse.down()
    page.mouse.move(260, 230, steps=4)
    page.mouse.up()
    assert box(page) == (10, 105, 1000, 500)
    page.mouse.click(400, 20)  # beside the picture
    assert not page.locator("dialog").is_visible()


@pytest.mark.slow
def test_the_keyboard_does_all_of_it(page):
    page.locator(".pictures a").nth(0).focus()
    page.keyboard.press("Enter")
    shown(page, "/img0.png")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert box(page) == (-225, -12.5, 1250, 625)
    assert page.locator("dialog img").evaluate("image => image.style.imageRendering") == "pixelated"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert box(page) == (-285, -72.5, 1250, 625)
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert box(page) == (0, 100, 800, 400)
    page.keyboard.press("d")
    shown(page, "/img1.png")
    assert page.locator("dialog p").inner_text().startswith("img1.png · ")
    page.keyboard.press("d")
    shown(page, "smallimg2.png")  # what the page has of it
    page.keyboard.press("d")
    shown(page, "/img0.png")
    page.keyboard.press("a")
    shown(page, "smallimg2.png")
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "img0.png"
