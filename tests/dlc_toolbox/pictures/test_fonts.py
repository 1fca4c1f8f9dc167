"""Names in any script: drawn with a font that has their letters, or said once."""

import logging
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from dlc_toolbox.pictures import fonts
from dlc_toolbox.pictures.drawing import draw_legend, make_look
from dlc_toolbox.pictures.plots import plot_part_errors, write_plot

HAN = "左耳"
needs_han = pytest.mark.skipif(
    not any("\u5de6" in fonts._letters(family) for family in fonts._families()),
    reason="no font with Chinese letters here",
)


@pytest.fixture(autouse=True)
def _forgetful():
    fonts.fonts_for.cache_clear()


@pytest.mark.parametrize("name", ["nose", "Schnäuzchen", "αυτί", "хвост", "ذيل", "a b\tc"])
def test_what_the_own_font_has_needs_no_other(name, caplog):
    assert fonts.fonts_for(name) == ()
    assert not caplog.records or "from left to right" in caplog.text


@needs_han
def test_a_font_is_found_that_has_the_letters(caplog):
    (family,) = fonts.fonts_for(f"{HAN}_top")
    assert set(HAN) <= fonts._letters(family)
    assert not caplog.records


def test_what_no_font_has_is_said_once(caplog):
    for _ in range(3):
        fonts.fonts_for("nose\U0001d100x")  # a sign of old music
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "'nose\U0001d100x' cannot be drawn whole: no font of this computer has \U0001d100" in caplog.text


def test_a_font_of_empty_boxes_is_none():
    assert not any("Last Resort" in family for family in fonts._families())


def test_before_matplotlib_3_11_names_from_right_to_left_are_told(monkeypatch, caplog):
    monkeypatch.setattr(fonts, "_DRAWS_RIGHT_TO_LEFT", (99, 0))
    fonts.fonts_for("ذيل")
    assert "'ذيل' is drawn from left to right" in caplog.text


@needs_han
def test_letters_are_drawn_not_boxes(tmp_path):
    """The picture of one name differs from that of another of the same length, as boxes would not."""
    one, other, boxes = (draw_legend(make_look([name], "parts"), 90) for name in (HAN, "右足", "\U0001d100\U0001d101"))
    assert (one != other).any()
    assert (boxes < 128).all(axis=-1).any(), "what has no letter is still there"


@needs_han
def test_every_text_of_a_plot_gets_its_fonts(tmp_path):
    figure = plot_part_errors(np.ones((2, 2)), np.array([True, False]), make_look([HAN, "nose"], "parts"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib's, of letters that are missing
        write_plot(figure, tmp_path / "a.png")
    label = figure.axes[0].get_yticklabels()[0]
    assert label.get_text() == HAN
    assert set(HAN) <= set().union(*(fonts._letters(family) for family in label.get_fontfamily()))


def test_a_figure_without_a_font_is_drawn_without_warnings_of_matplotlib(tmp_path, caplog):
    figure = Figure()
    figure.text(0.5, 0.5, "\U0001d100")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_plot(figure, tmp_path / "a.png")
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "dlc_toolbox.pictures.fonts"
    ]
