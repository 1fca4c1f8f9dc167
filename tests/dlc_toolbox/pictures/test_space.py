"""Points in space, drawn: what is up, what is hollow, what a page shows in a browser."""

import base64
import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from dlc_toolbox.pictures import space
from dlc_toolbox.pictures.drawing import make_look
from dlc_toolbox.pictures.plots import write_plot
from dlc_toolbox.pictures.space import Scene, draw_scene, plot_calibration, write_scene
from tests.browser import open_page  # noqa: F401

NAMES = ("nose", "<b>paw</b>")


@pytest.fixture
def scene() -> Scene:
    nose, paw = [0.0, -10, 100], [10, 10, 120]
    points = np.array([[nose, paw], [nose, [np.nan] * 3], [nose, paw]])
    return Scene(points, np.zeros((3, 2), bool), make_look(NAMES, "parts"), [(0, 1)], 25.0)


def content(page) -> dict:
    return json.loads(re.search(r"const scene = (.*);\n", page.read_text())[1])


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_up_is_up(scene):
    """y points down in the table: the nose, at -10, is above the paw."""
    np.testing.assert_array_equal(scene.upright[0], [[0, 100, 10], [10, 120, -10]])


def test_nearly_all_points_are_within_the_space_and_doubtful_ones_do_not_count():
    points = np.random.default_rng(0).uniform(-1, 1, (500, 1, 3)) * (50, 20, 10) + (0, 0, 300)
    points[7] = 1e6
    scene = Scene(points, points[..., 0] > 1e5, make_look(["nose"], "hsv"), [], 25.0)
    middle, half = scene.bounds
    np.testing.assert_allclose(middle, [0, 300, 0], atol=2)
    assert half == pytest.approx(60, rel=0.05)
    nothing = Scene(np.full((3, 1, 3), np.nan), np.zeros((3, 1), bool), make_look(["nose"], "hsv"), [], 25.0)
    assert nothing.bounds[1] == 1
    doubtful = Scene(points[:7], np.ones((7, 1), bool), make_look(["nose"], "hsv"), [], 25.0)
    assert 10 < doubtful.bounds[1] < 70


def test_the_page_holds_the_points(scene, tmp_path, monkeypatch):
    write_scene(scene, "day 1 in space", tmp_path / "page.html")
    told, (middle, half) = content(tmp_path / "page.html"), scene.bounds
    found = floats(told["points"]).reshape(3, 2, 3) * half + middle
    np.testing.assert_allclose(found, scene.upright, atol=1e-4)
    assert told["skeleton"] == [[0, 1]] and told["fps"] == 25 and told["every"] == 1
    assert told["first"] == 0
    scene.points[0, 0] = np.nan
    write_scene(scene, "day 1 in space", tmp_path / "page.html")
    assert content(tmp_path / "page.html")["first"] == 2  # which shows most points
    monkeypatch.setattr(space, "_SHOWN_MOMENTS", 2)
    write_scene(scene, "day 1 in space", tmp_path / "page.html")
    assert content(tmp_path / "page.html")["every"] == 2
    assert "One of 2 moments is shown." in (tmp_path / "page.html").read_text()


def test_names_are_shown_and_never_obeyed(scene, tmp_path):
    write_scene(scene, "<i>title</i>", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<b>paw" not in text and "<i>title" not in text
    assert content(tmp_path / "page.html")["names"] == list(NAMES)


def test_a_browser_draws_it(scene, tmp_path, open_page):  # noqa: F811
    scene.doubtful[0, 1] = True
    write_scene(scene, "day 1 in space", tmp_path / "page.html")
    page, probe = tmp_path / "page.html", tmp_path / "asked.html"
    ask = (
        "<h2 id='found'></h2><script>addEventListener('load', () => setTimeout(() => {"
        "const count = color => { let n = 0;"
        "  const at = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        "  for (let i = 0; i < at.length; i += 4)"
        "  n += color.every((value, k) => Math.abs(at[i + k] - value) < 40); return n; };"
        "const before = [count([230, 159, 0]), count([86, 180, 233])];"
        "slider.value = 1; draw();"
        "const after = [count([86, 180, 233]), clock.textContent];"
        "document.getElementById('found').textContent = [...before, ...after].join('|');"
        "}, 100))</script>"
    )
    probe.write_text(page.read_text().replace("</body>", f"{ask}</body>"))
    orange, blue, blue_later, clock = open_page(probe)["headings"][0].split("|")
    assert int(orange) > int(blue) > 10  # a full dot and a line, and a hollow one
    assert int(blue_later) == 0
    assert clock == "0.04 s, row 1"


def test_the_frames_of_a_clip(scene):
    ink = np.array([86, 180, 233], int)
    first, second = draw_scene(scene, [0, 1])
    assert first.shape == (space.CLIP_SIZE[1], space.CLIP_SIZE[0], 3)
    orange, blue = ((first[:, :550] == color).all(axis=2) for color in ((230, 159, 0), (86, 180, 233)))
    assert orange.sum() > 100 and blue.sum() > 30
    assert np.nonzero(orange)[0].min() < np.nonzero(blue)[0].min()  # the nose is above the paw
    assert not (second[:, :550] == (86, 180, 233)).all(axis=2).any()
    full, hollow = (
        (np.abs(next(draw_scene(Scene(scene.points, doubtful, scene.look, (), 25.0), [0]))[:, :550] - ink) < 40).all(
            axis=2
        )
        for doubtful in (scene.doubtful, np.array([[False, True], [False, False], [False, False]]))
    )
    assert 5 < hollow.sum() < 0.8 * full.sum()


@pytest.mark.parametrize("count", [2, 5])
def test_a_calibration_is_drawn(tmp_path, count):
    rng = np.random.default_rng(0)
    figure = plot_calibration(
        [f"$cam{number}$" for number in range(count)],
        [(640, 480)] * count,
        [rng.uniform(0, 480, (50, 2))] * count,
        [np.full((50, 2), [0.3, 0.4])] * count,
        rng.uniform(-300, 300, (count, 3)),
        np.tile([0.0, 0, 1], (count, 1)),
        rng.uniform(-50, 50, (20, 3)),
    )
    titles = [axes.get_title() for axes in figure.axes]
    assert titles.count("$cam0$: 0.50 px") == 1
    assert len([title for title in titles if title.endswith("0.50 px")]) == count
    write_plot(figure, tmp_path / "calibration.png")
    assert (tmp_path / "calibration.png").stat().st_size > 10_000


@pytest.mark.parametrize("length", [4, 24])
def test_names_stand_beside_the_space_and_its_axes(monkeypatch, length):
    """However long they are; axes count as the table does, where y grows downwards."""
    drawn = []
    monkeypatch.setattr(space, "Figure", lambda **flags: drawn.append(Figure(**flags)) or drawn[0])
    points = np.random.default_rng(0).uniform(-1, 1, (2, 2, 3)) * 900
    look = make_look(["n" * length, "p" * length], "parts")
    next(draw_scene(Scene(points, np.zeros((2, 2), bool), look, [], 25.0), [0]))
    (axes,), (key,), renderer = drawn[0].axes, drawn[0].legends, drawn[0].canvas.get_renderer()
    assert axes.get_tightbbox(renderer).x1 < key.get_window_extent(renderer).x0
    assert axes.get_zlabel() == "y (grows downwards)" and axes.zaxis.get_major_formatter()(-200, 0) == "200"
    assert max(len(axis.get_ticklocs()) for axis in (axes.xaxis, axes.yaxis, axes.zaxis)) <= 7
