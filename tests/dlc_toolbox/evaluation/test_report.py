import html
import re
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlc_toolbox.evaluation.report import draw_evaluation, plot_evaluations, write_evaluation_pages
from dlc_toolbox.evaluation.results import Evaluation, summary_row
from dlc_toolbox.evaluation.trust import judge
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from tests.browser import open_page as open_page

PARTS = ("nose", "paw", "tail")


@pytest.fixture
def layout(trained_project):
    return Layout(trained_project)


@pytest.fixture
def settings(layout):
    return replace(load_settings(layout.root), colormap="hsv", alphavalue=1, msize=6)


def open_picture(path):
    return np.asarray(Image.open(path))


Snapshot = namedtuple("Snapshot", "iteration path")


class _Network:
    """What the pictures of an evaluation need of a network."""

    def __init__(self, layout, iteration, images):
        self.layout, self.iteration, self.fraction = layout, iteration, 0.7
        self.experiment = Experiment("toy", "Jan1", "Ann", 70, 1, 50)
        names = [f"toy/img{i:02d}.png" for i in range(0, 3 * images, 3)]
        self.images = {name: layout.data_folder("toy") / name for name in names}
        self.config_path = layout.train_folder(self.experiment) / "pose_cfg.yaml"
        self.snapshot = Snapshot(iteration, self.config_path.with_name(f"snapshot-{iteration}.weights.h5"))
        self.table = layout.evaluation_table(self.experiment, iteration)


def evaluation(layout, labels, poses, iteration=100):
    """Return an evaluation whose first image trained the network, while all others test it."""
    network = _Network(layout, iteration, len(labels))
    is_train = np.arange(len(labels)) == 0
    return Evaluation(network, PARTS, list(network.images), is_train, np.array(labels), np.array(poses))


def judged(evaluations, settings):
    return [judge(evaluation, settings) for evaluation in evaluations]


def test_pictures_of_an_evaluation_tell_human_confident_and_unconfident(layout, settings):
    nan = np.nan
    labels = [[[20.0, 20], [nan, nan], [nan, nan]]] * 2
    poses = [[[60.0, 20, 0.5], [100, 20, 0.49], [20, 100, 1]]] * 2
    settings = replace(settings, pcutoff=0.5, msize=12, alphavalue=1)
    folder = draw_evaluation(evaluation(layout, labels, poses), settings)
    assert folder == layout.results / "LabeledImages_DeepCut_resnet_50_70shuffle1_100forTask_toy"
    pictures = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert pictures == {f"{name}/{part}.png" for name, image in (("Training", "toy_img00"), ("Test", "toy_img03"))
                        for part in (image, "contact_sheet")}  # fmt: skip
    picture = open_picture(folder / "Test" / "toy_img03.png")
    red, green = ((abs(picture - np.array(color)) < 10).all(axis=-1) for color in ((255, 0, 0), (0, 255, 0)))
    plus, dot, cross = red[14:27, 14:27], red[14:27, 54:67], green[14:27, 94:107]
    assert plus[6, 0] and plus[0, 6] and not plus[4, 4]
    assert dot[4, 4] and dot[6, 3] and not dot[6, 12]
    assert red[20, 30:52].all() and not red[24, 30:52].any(), "a line joins the two"
    assert not green[20, 28:92].any(), "and leads to no part that has one alone"
    assert cross[3, 3] and cross[9, 3] and not cross[6, 0]


def test_plots_of_several_snapshots(layout, settings):
    labels = np.zeros((2, 3, 2))
    evaluations = [evaluation(layout, labels, np.full((2, 3, 3), i / 100), i) for i in (20, 100)]
    rows = pd.DataFrame([summary_row(evaluated, 0.1) for evaluated in evaluations])
    written = plot_evaluations(judged(evaluations, settings), rows, settings)
    assert [path.name for path in written] == [
        "Plots_DeepCut_resnet_50_70shuffle1_20forTask_toy",
        "Plots_DeepCut_resnet_50_70shuffle1_100forTask_toy",
        "toyJan1-trainset70shuffle1_error_by_iteration.png",
    ]
    plots = {"likelihood.png", "error_per_part.png", "cumulative_error.png"}
    assert {path.name for path in written[0].iterdir()} == plots
    assert len(plot_evaluations(judged(evaluations[:1], settings), rows[:1], settings)) == 1


def page_of(evaluations, settings):
    rows = pd.DataFrame([summary_row(evaluated, 0.1) for evaluated in evaluations])
    judgments = judged(evaluations, settings)
    plot_evaluations(judgments, rows, settings)
    (page,) = write_evaluation_pages(judgments, rows, settings)
    return html.unescape(page.read_text(encoding="utf-8"))


def test_the_page_shows_percentiles_and_the_worst_test_images_first(layout, settings):
    labels, poses = np.zeros((6, 3, 2)), np.zeros((6, 3, 3))
    poses[:, 0, 0] = [900, 1, 2, 30, 4, 5]  # of the nose; the first image trained the network
    poses[:, 0, 2] = 0.25
    labels[5] = np.nan
    text = page_of([evaluation(layout, labels, poses)], settings)
    cells = [cell.split("</td>")[0] for cell in text.partition("</span>nose</td>")[2].split("<td>")[1:10]]
    assert cells == ["4", "3.0", "10.5", "22.2", "30.0", "9.2", "1", "900.0", "900.0"]
    worst = re.findall(r"(toy/img\d+.png): mean ([\d.]+) px; nose ([\d.]+) px, likelihood\s+0.25", text)
    assert worst == [(f"toy/img{i:02d}.png", mean, error) for i, mean, error in
                     ((9, "10.0", "30.0"), (12, "1.3", "4.0"), (6, "0.67", "2.0"), (3, "0.33", "1.0"))]  # fmt: skip
    assert "2 of" not in text and text.count("data:image/jpeg") == 4


def test_the_page_links_to_pictures_only_where_they_are_drawn(layout, settings):
    found = evaluation(layout, np.zeros((3, 3, 2)), np.zeros((3, 3, 3)))
    folder = draw_evaluation(found, settings)
    links = re.findall(r'<a href="(LabeledImages.*?)">', page_of([found], replace(settings, plotting=True)))
    assert {layout.results / link for link in links} == {folder / "Test" / f"toy_img{i:02d}.png" for i in (3, 6)}
    other = evaluation(layout, np.zeros((3, 3, 2)), np.ones((3, 3, 3)))  # the pictures stay those of the network before
    assert "LabeledImages" not in page_of([other], replace(settings, plotting=False))


def test_the_page_tells_the_error_of_labels_placed_by_hand(layout, settings):
    labels = [[[20.0, 20], [40, 40], [60, 60]]] * 2
    poses = [[[20.0, 20, 1], [40, 43, 1], [60, 67, 1]]] * 2
    found = replace(evaluation(layout, labels, poses), accepted=np.array([[False] * 3, [True, False, False]]))
    rows = pd.DataFrame([summary_row(found, settings.pcutoff)])
    judgments = judged([found], settings)
    plot_evaluations(judgments, rows, settings)
    (page,) = write_evaluation_pages(judgments, rows, settings)
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert "33% of the labels of test images are machine labels that were accepted as they were" in text
    assert "placed by hand alone: median 5.0 px, mean 5.0 px" in text
    rows = pd.DataFrame([summary_row(replace(found, accepted=None), settings.pcutoff)])
    (page,) = write_evaluation_pages(judgments, rows, settings)
    assert "placed by hand" not in page.read_text(encoding="utf-8")


def test_a_page_without_labels_in_test_images(layout, settings):
    labels = np.full((2, 3, 2), np.nan)
    labels[0] = 7
    text = page_of([evaluation(layout, labels, np.zeros((2, 3, 3)))], settings)
    assert "No test image has a label" in text and "<b>- px</b>" in text


def test_of_several_snapshots_the_best_is_shown_in_full(layout, settings):
    found = [np.full((2, 3, 3), x) for x in (8.0, 1.0, 3.0)]
    evaluations = [
        evaluation(layout, np.zeros((2, 3, 2)), poses, i) for poses, i in zip(found, (20, 60, 100), strict=True)
    ]
    text = page_of(evaluations, settings)
    assert "After 60 iterations" in text and "snapshot-60.weights.h5" in text
    assert re.findall(r'<tr class="best">\s*<td>(\d+)</td>', text) == ["60"]
    assert [int(i) for i in re.findall(r"<tr[^>]*>\s*<td>(\d+)</td><td>", text)] == [20, 60, 100]


@pytest.mark.slow
def test_chromium_shows_every_plot_and_picture(layout, settings, open_page):
    offsets = {20: 8.0, 60: 1.0}
    evaluations = [evaluation(layout, np.zeros((4, 3, 2)), np.full((4, 3, 3), x), i) for i, x in offsets.items()]
    page_of(evaluations, settings)
    page = layout.evaluation_page(evaluations[0].network.experiment)
    shown = open_page(page, "--window-size=500,900")
    assert shown["images"] == shown["loaded"] == 3 + 1 + 3, "the plots of a network and of its iterations, three images"
    assert shown["overflow"] <= 0 and shown["scripts"] == 1
    assert shown["headings"][0] == "Snapshots compared" and shown["headings"][-1] == "Made from"
