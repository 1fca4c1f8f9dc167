import base64
import html
import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import jinja2
import numpy as np
import pytest
from PIL import Image

from dlc_toolbox.labels.check import check_labels
from dlc_toolbox.pictures import drawing
from dlc_toolbox.pictures.pages import embed, link, write_page
from dlc_toolbox.pictures.palette import part_colors
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, write_table
from tests.browser import open_page as open_page


def addresses(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [html.unescape(address) for address in re.findall(r'(?:src|href)="([^"]*)"', text)]


def test_a_link_leads_to_its_file_whatever_its_name(tmp_path):
    page, target = tmp_path / "page.html", tmp_path / "50% off?" / "javascript:a#1 é.png"
    address = link(target, page)
    assert not set("?# :") & set(address)
    assert page.parent / unquote(address) == target


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_text_are_linked_and_written(tmp_path):
    name = os.fsdecode(b"\xff1.png")
    assert link(tmp_path / name, tmp_path / "page.html") == "%FF1.png"
    write_page(tmp_path / "page.html", "labels.html", task=name, parts=[], scorers=[], folders=[])
    assert "Labels of ?1.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_embedded_pictures_hold_their_pixels(tmp_path):
    picture = np.full((20, 30, 3), (200, 40, 10), np.uint8)
    kind, content = embed(picture).split(",")
    assert kind == "data:image/jpeg;base64"
    np.testing.assert_allclose(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), picture, atol=4)
    drawing.write_picture(picture, tmp_path / "p.png")
    kind, content = embed(tmp_path / "p.png").split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == (tmp_path / "p.png").read_bytes()


def test_texts_are_escaped_and_nothing_may_be_forgotten(tmp_path):
    hostile = "<script>alert(1)</script> & \"'"
    write_page(tmp_path / "p.html", "labels.html", task=hostile, parts=[], scorers=[], folders=[])
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert (
        "<script>alert" not in text
        and text.count("<script>") == 1
        and html.escape(hostile, quote=False).partition("&amp;")[0] in text
    )
    before = (tmp_path / "p.html").read_bytes()
    with pytest.raises(jinja2.UndefinedError, match="parts"):
        write_page(tmp_path / "p.html", "labels.html", task="t", scorers=[], folders=[])
    assert (tmp_path / "p.html").read_bytes() == before and not list(tmp_path.glob(".part*"))


@pytest.fixture
def labeled(trained_project, toy_points):
    """The page of a project with two folders, one with a hostile name."""
    layout = Layout(trained_project)
    settings, data = load_settings(layout.root), layout.data_folder("toy")
    hostile = "day #1 50% & <b>x<b>" if os.name != "nt" else "day #1 50% & x"
    shutil.copytree(data / "toy", data / hostile)
    rows = [f"{folder}/img{i:02d}.png" for folder in (hostile, "toy") for i in (0, 3)]
    labels = toy_points[[0, 3, 0, 3]]
    labels[1, 1] = labels[1, 2] = np.nan
    write_table(make_table("Ann", settings.bodyparts, rows, labels), layout.label_table("toy", "Ann"))
    check_labels(layout, settings)
    return layout.labels_page("toy"), hostile


def test_the_page_of_labels_links_pictures_and_counts_labels(labeled):
    page, _ = labeled
    assert all((page.parent / unquote(address)).is_file() for address in addresses(page))
    assert len(addresses(page)) == 1 + 2 * (1 + 2 * 2), "a gap; a sheet, and two pictures with thumbnails, per folder"
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "4 images with" in text and "10 labels" in text
    assert "2 images, 4 of 6 labels" in text and "2 images, 6 of 6 labels" in text
    assert re.findall(r"img\d+\.png · (\d) missing: (.*)", text) == [("2", "paw, tail")]
    counts = re.findall(r"</span>(nose|paw|tail)</td>\s*<td>(\d)</td>(?:<td>(\d?)</td>)?", text)
    assert counts[:3] == [("nose", "2", ""), ("paw", "1", "1"), ("tail", "1", "1")]
    assert counts[3:] == [(part, "2", "") for part in ("nose", "paw", "tail")]
    (gap,) = re.findall(r"<dt><b>(.*)</b>\s+in 1 image</dt>\s+<dd>\s+<a href=\"(.*)\">(.*)</a>", text)
    assert (gap[0], gap[2]) == ("paw, tail", "img03.png") and "2 labels are missing: which" in text
    colors = re.findall(r"background: (#\w{6})", text)[:3]
    assert colors == ["#" + bytes(color).hex() for color in part_colors("cool", 3)]


def test_labels_of_someone_who_skipped_an_image_are_not_missing(trained_project, toy_points):
    layout = Layout(trained_project)
    settings = replace(load_settings(layout.root), Scorers=("Ann", "Bea"))
    for scorer, rows in (("Ann", [0, 3]), ("Bea", [0])):
        names = [f"toy/img{i:02d}.png" for i in rows]
        write_table(make_table(scorer, settings.bodyparts, names, toy_points[rows]), layout.label_table("toy", scorer))
    check_labels(layout, settings)
    text = layout.labels_page("toy").read_text(encoding="utf-8")
    assert "missing" not in text.partition("</h1>")[2].replace("shifted or missing", "")
    assert "2 images, 9 of 9 labels" in text
    assert "<b>+</b> Ann" in text and "<b>x</b> Bea" in text


def test_a_damaged_image_is_left_out_of_the_page(trained_project):
    layout = Layout(trained_project)
    (layout.data_folder("toy") / "toy" / "img06.png").write_bytes(b"no image")
    with pytest.raises(Exception, match="all is drawn but 1 images"):
        check_labels(layout, load_settings(layout.root))
    page = layout.labels_page("toy")
    assert "img06" not in page.read_text(encoding="utf-8") and "img09.png" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_chromium_shows_every_picture_and_takes_no_name_for_markup(labeled, open_page):
    page, hostile = labeled
    wide = open_page(page, "--window-size=1200,3000")
    assert (wide["images"], wide["loaded"], wide["scripts"], wide["bold"]) == (4, 4, 1, 0)
    assert wide["headings"] == [hostile, "toy"]
    assert wide["background"] == "rgb(255, 255, 255)"
    phone = open_page(page, "--window-size=500,900", "--force-dark-mode")
    assert phone["overflow"] <= 0
    assert phone["background"] == "rgb(22, 24, 27)"
