"""What an evaluation tells about trust in its network."""

import errno
import html
import json
import re
import shlex
import tempfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlc_toolbox.evaluation.evaluation import EvaluatedNetwork
from dlc_toolbox.evaluation.report import plot_evaluations, write_evaluation_pages
from dlc_toolbox.evaluation.results import Evaluation, in_words, summary_row, write_summaries
from dlc_toolbox.evaluation.trust import judge, nearness_in_words, people_agree, write_judgment
from dlc_toolbox.evaluation.trust_page import methods_paragraph
from dlc_toolbox.measure.metrics import AUTO
from dlc_toolbox.poses.trust import CONFIDENCE, calibration_file, read_trust
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout, confidence_table, frames_record
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, points, read_table, write_table
from dlc_toolbox.training_set.recorded import Split
from tests.dlc_toolbox.evaluation.test_results import snapshot

PARTS = ("nose", "paw", "tail")
IMAGES = 80
TRAINED = np.arange(IMAGES) < 20
WRONG = (50, 1)  # an image and part that a person labeled 30 px away


@pytest.fixture
def settings(trained_project):
    return load_settings(trained_project)


@pytest.fixture
def network(trained_project) -> EvaluatedNetwork:
    """The toy's network, with sixty test images, all of them the same picture."""
    layout = Layout(trained_project)
    experiment = Experiment("toy", "Jan1", "Ann", 70, 1, 50)
    folder = layout.dataset_images("toy", "Jan1") / "toy"
    picture = Image.open(folder / "img00.png")
    names = [f"toy/img{number:02d}.png" for number in range(IMAGES)]
    for name in names:
        picture.save(folder.parent / name)
    table = pd.DataFrame(index=names)
    split = Split(train=names[:20], test=names[20:], table=table)
    config = layout.train_folder(experiment) / "pose_cfg.yaml"
    return EvaluatedNetwork(layout, experiment, 0.7, split, PARTS, config, snapshot(config.parent, 100))


@pytest.fixture
def evaluation(network) -> Evaluation:
    """Labels on a line in x, about which the network is wrong by less the likelier its pose is."""
    rng = np.random.default_rng(0)
    x, y, length = rng.uniform(40, 120, (3, IMAGES))
    labels = np.stack([np.stack([x + k * length / 10, y], axis=-1) for k in range(3)], axis=1)
    likelihood = rng.uniform(0.2, 0.95, (IMAGES, 3))
    likelihood[WRONG] = 0.95
    error = np.exp(1.5 - 2 * likelihood + rng.normal(0, 0.3, likelihood.shape))
    poses = np.concatenate([labels, likelihood[..., None]], axis=-1)
    poses[..., 1] += error
    labels[WRONG] += [30, 0]
    labels[70, 2] = np.nan
    features = np.stack([likelihood, likelihood / 4, np.full_like(error, 50), np.full_like(error, 12)], axis=-1)
    return Evaluation(network, PARTS, list(network.images), TRAINED, labels, poses, features)


def test_radii_learned_from_other_images_hold_nine_of_ten(evaluation, settings):
    judgment = judge(evaluation, settings)
    assert 0.85 <= judgment.coverage <= 0.95
    assert np.isnan(judgment.expected_px[TRAINED]).all() and np.isfinite(judgment.expected_px[~TRAINED]).all()
    sentences = judgment.in_words()
    covered = f"{judgment.coverage:.0%} lie within the radius of 90 %"
    assert sentences[0].startswith("How far off a pose may be was learned from 179 labels in 60 test images")
    assert sentences[0].endswith(covered)
    assert sentences[1].startswith("Recommended pcutoff, for 90 % of the labels within 5 px: nose 0.1")


def test_a_label_that_is_wrong_is_the_first_to_look_at_again(evaluation, settings):
    assert judge(evaluation, settings).doubtful_labels() == [WRONG]


def test_a_network_that_contradicts_the_posture_is_wrong_and_not_the_label(evaluation, settings):
    """All three parts are on one height, as training images tell: who leaves it is wrong."""
    of_label, of_network = (40, 1), (30, 1)
    evaluation = replace(evaluation, is_train=np.arange(IMAGES) < 30)
    evaluation.labels[of_label] += [0, 30]
    evaluation.poses[of_network] += [0, 40, 0]
    for image_and_part in (of_label, of_network):
        evaluation.poses[(*image_and_part, 2)] = evaluation.features[(*image_and_part, 0)] = 0.95
    doubtful = judge(evaluation, settings).doubtful_labels()
    assert doubtful.index(of_label) < doubtful.index(of_network), "although the network is farther off there"


def test_a_place_off_the_posture_is_expected_to_be_off(evaluation, settings):
    """The network tells nothing of it: the likelihoods are what they were."""
    evaluation = replace(evaluation, is_train=np.arange(IMAGES) < 30)
    off = np.arange(31, IMAGES, 4)
    evaluation.poses[off, 1] += [0, 40, 0]
    judgment = judge(evaluation, settings)
    expected = judgment.expected_px[:, 1]
    assert np.nanmedian(expected[off]) > 20 > 5 > np.nanmedian(np.delete(expected, off))
    lost_in_space = replace(judgment.trust, postures="not known").confidence(evaluation.poses, evaluation.features)
    assert np.isfinite(lost_in_space[..., :2]).all(), "where no posture is known, it counts as an average one"


def test_training_images_are_never_doubted(evaluation, settings):
    evaluation.labels[3] += 40
    assert judge(evaluation, settings).doubtful_labels() == [WRONG]


def test_accepted_labels_tell_nothing_of_errors_but_that_the_part_is_seen(evaluation, settings):
    accepted = np.zeros(evaluation.errors.shape, bool)
    accepted[60:, 0] = True
    suggested = replace(evaluation, accepted=accepted)
    suggested.labels[60:, 0] = suggested.poses[60:, 0, :2]  # where the network found them, and so without any error
    judgment = judge(suggested, settings)
    without = replace(evaluation, labels=np.where(accepted[..., None], np.nan, evaluation.labels), accepted=None)
    expected = judge(without, settings)
    np.testing.assert_array_equal(judgment.expected_px, expected.expected_px)
    assert (judgment.coverage, judgment.trust.pcutoffs) == (expected.coverage, expected.trust.pcutoffs)
    sentences = judgment.in_words()
    assert sentences[0].startswith("How far off a pose may be was learned from 159 labels in 60 test images")
    assert sentences[1].startswith("20 labels of test images are machine labels that were accepted as they were: they")
    seen, unseen = (each.trust.visible(evaluation.features).mean() for each in (judgment, expected))
    assert seen == pytest.approx(179 / 180, abs=0.02) and unseen == pytest.approx(159 / 180, abs=0.02)
    write_judgment(judgment)
    path = calibration_file(evaluation.network.config_path.parent)
    assert json.loads(path.read_text())["snapshots"]["100"]["labels"] == 159


def test_an_accepted_label_may_be_doubted(evaluation, settings):
    accepted = np.zeros(evaluation.errors.shape, bool)
    accepted[WRONG] = True
    assert judge(replace(evaluation, accepted=accepted), settings).doubtful_labels() == [WRONG]


def test_without_features_it_says_how_to_get_them(evaluation, settings):
    judgment = judge(replace(evaluation, features=None), settings)
    assert judgment.in_words()[0].startswith(
        "How far off a pose may be is not known: the poses were made before the network told about its maps: run Eval"
    )
    assert judgment.doubtful_labels() == [] and np.isnan(judgment.coverage)
    assert judgment.trust.pcutoffs["nose"] is not None  # which needs likelihoods alone


def test_parts_that_no_test_image_holds_are_named(evaluation, settings):
    evaluation.labels[~TRAINED, 1:] = np.nan
    sentences = judge(evaluation, settings).in_words()
    assert "No test image has a label of paw, tail: how well the network finds them is not known" in sentences
    assert sentences[-1].endswith("never: paw, tail")


def test_where_no_part_is_good_enough_it_says_so(evaluation, settings):
    sentences = judge(evaluation, replace(settings, wantederror=0.01)).in_words()
    assert sentences[1] == (
        "No body part has a likelihood from which on 90 % of the labels are within 0.01 px, or has as many as 8 labels "
        "in test images, which it takes to tell"
    )


def test_what_is_written(evaluation, settings):
    judgment = judge(evaluation, settings)
    write_judgment(judgment)
    path = calibration_file(evaluation.network.config_path.parent)
    entry = json.loads(path.read_text())["snapshots"]["100"]
    assert (entry["images"], entry["labels"], entry["precision"], entry["unknown"]) == (60, 179, "float32", None)
    table = read_table(confidence_table(evaluation.network.table), CONFIDENCE)
    assert table.index.tolist() == list(evaluation.images)
    found = points(table, PARTS, CONFIDENCE)
    np.testing.assert_array_equal(found[..., 0], judgment.expected_px)
    np.testing.assert_array_equal(found[..., 1], judgment.radius90_px)
    assert np.isnan(found[..., 2]).all()  # there are no views


def test_the_same_again_is_not_written(evaluation, settings, monkeypatch):
    judgment = judge(evaluation, settings)
    rows = write_summaries(evaluation.network.layout, settings, [evaluation])
    write_judgment(judgment)
    plot_evaluations([judgment], rows, settings)

    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    write_judgment(judgment)
    write_summaries(evaluation.network.layout, settings, [evaluation])
    plot_evaluations([judgment], rows, settings)


def test_why_nothing_is_known_is_written_for_the_analysis(evaluation, settings):
    evaluation.labels[:, :2] = np.nan
    write_judgment(judge(replace(evaluation, is_train=np.arange(IMAGES) < IMAGES - 3), settings))
    assert not confidence_table(evaluation.network.table).exists()
    trust = read_trust(evaluation.network, settings.crop)
    assert not trust.tells_of_errors and set(trust.pcutoffs.values()) == {None}
    assert trust.calibration.startswith("3 labels were placed by hand on images that it did not train on, and at least")


def test_what_is_no_longer_known_is_taken_back(evaluation, settings):
    write_judgment(judge(evaluation, settings))
    evaluation.labels[:, :2] = np.nan
    write_judgment(judge(replace(evaluation, features=None), settings))
    assert not confidence_table(evaluation.network.table).exists()
    entry = json.loads(calibration_file(evaluation.network.config_path.parent).read_text())["snapshots"]["100"]
    assert entry["calibration"] is None and entry["unknown"].startswith("the poses were made before")


def test_why_views_do_not_agree_is_told(evaluation, settings):
    views = replace(settings, views=(("nose", "paw"),))
    evaluation.labels[30:, 0] = np.nan
    evaluation.labels[:, 1, 0] = 7  # which the nose does not share
    (reason,) = judge(evaluation, views).unknown_views
    assert reason.startswith("The agreement of views 1 and 2 is not known: ")


def test_people_are_compared_where_they_labeled_the_same(evaluation, settings):
    layout = Layout(settings_root(evaluation))
    two = replace(settings, Scorers=("Ann", "Bob", "Eve"))
    assert people_agree(evaluation, two) == {}
    names = [evaluation.images[4], evaluation.images[2], "other/img1.png"]
    labels = np.concatenate([evaluation.labels[[4, 2]] + [3, 4], np.ones((1, 3, 2))])
    labels[1, 0] = np.nan
    write_table(make_table("Bob", PARTS, names, labels), layout.label_table("toy", "Bob"))
    (distances,) = people_agree(evaluation, two).values()
    assert np.isfinite(distances).sum() == 5 and np.isnan(distances[2, 0])
    np.testing.assert_allclose(distances[np.isfinite(distances)], 5)
    layout.label_table("toy", "Eve").write_bytes(b"damaged")
    assert list(people_agree(evaluation, two)) == ["Bob"]


def settings_root(evaluation):
    return evaluation.network.layout.root


def test_how_near_test_images_are(evaluation):
    assert nearness_in_words(evaluation).startswith(
        "60 of the 60 test images are of a folder that training images come from, too; by the numbers in their names, "
        "1 have a training image right before or after them (median distance 30.5)"
    )
    elsewhere = replace(evaluation, images=[f"{'ab'[n >= 20]}/img{n}.png" for n in range(IMAGES)])
    assert nearness_in_words(elsewhere).startswith("None of the 60 test images is of a folder that training images")


def test_the_methods_paragraph_has_the_figures(evaluation, settings):
    judgment = judge(evaluation, settings)
    text = methods_paragraph(judgment, settings)
    test = evaluation.errors[~TRAINED]
    for figure in (
        "3 body parts were labeled in 80 frames of 1 video (239 labels of Ann); 20 frames trained the network and 60 "
        "tested it.",
        "A ResNet-50 with deconvolution heads",
        "was trained for 100 iterations.",
        f"On 179 labels of test frames the error (distance from the label) was {np.nanmedian(test):.1f} px (median)",
        f"it held {judgment.coverage:.0%} of labels that had no say in it.",
        "Computed with Python 3.",
    ):
        assert figure in text


@pytest.mark.parametrize(
    ("held_out", "said"),
    [(1, "19 frames trained the network, 1 other"), (3, "17 frames trained the network, 3 others")],
)
def test_images_that_watched_the_training_are_counted_apart(evaluation, settings, held_out, said):
    judgment = judge(evaluation, settings)
    images = np.array(evaluation.images)[TRAINED][:held_out]
    watched = replace(judgment, evaluation=replace(evaluation, held_out=images))
    assert f"; {said} watched its training, and 60 tested it." in methods_paragraph(watched, settings)


def test_test_images_that_trained_the_network_it_started_from_are_counted(evaluation, settings):
    judgment = judge(evaluation, settings)
    assert judgment.seen_in_words is None
    again = replace(judgment, evaluation=replace(evaluation, trained=np.array(evaluation.images)[18:22]))
    assert again.seen_in_words.startswith("2 of 60 test images trained the network that this one started from: the")
    said = "60 tested it, 2 of which had trained the network that it started from."
    assert said in methods_paragraph(again, settings)


def test_the_methods_paragraph_counts_videos_and_what_a_network_suggested(evaluation, settings):
    data = evaluation.network.layout.data_folder("toy")
    for folder in ("day1", "day1_picked"):
        (data / folder).mkdir()
        frames_record(data / folder).write_text(json.dumps({"video": "/videos/day1.avi"}))
    images = [f"{'day1' if n % 2 else 'day1_picked'}/img{n:02d}.png" for n in range(IMAGES)]
    accepted = np.arange(IMAGES)[:, None] < [4, 0, 0]
    judgment = replace(judge(evaluation, settings), evaluation=replace(evaluation, images=images, accepted=accepted))
    said = "in 80 frames of 1 video (239 labels of Ann, 4 of them suggested by a network and accepted as they were); "
    assert said in methods_paragraph(judgment, settings)


def test_the_page_tells_it_all(evaluation, settings):
    layout = evaluation.network.layout
    write_table(
        make_table("Bob", PARTS, evaluation.images, evaluation.labels + [0, 2]), layout.label_table("toy", "Bob")
    )
    settings = replace(settings, Scorers=("Ann", "Bob"))
    rows = pd.DataFrame([summary_row(evaluation, 0.1)])
    judgments = [judge(evaluation, settings)]
    (folder,) = plot_evaluations(judgments, rows, settings)
    assert (folder / "reliability.png").is_file()
    (page,) = write_evaluation_pages(judgments, rows, settings)
    text = " ".join(html.unescape(page.read_text(encoding="utf-8")).split())
    for sentence in (
        *judgments[0].in_words(),
        methods_paragraph(judgments[0], settings),
        nearness_in_words(evaluation),
    ):
        assert sentence in text
    assert "<th>Bob: median</th>" in text and "<td>2.0</td></tr>" in text
    assert "toy/img50.png: paw 30." in text
    command = re.search("<summary>Correct it</summary><code>(.*?)</code>", text)[1]
    assert shlex.split(command)[2:] == ["--image", "toy/img50.png", "--part", "paw", "--project", str(layout.root)]
    assert shlex.split(command)[1].endswith("/Generating_a_Training_Set/LabelFrames.py")
    plot_evaluations([judge(replace(evaluation, features=None), settings)], rows, settings)
    assert not (folder / "reliability.png").exists()


def test_auto_is_what_is_recommended_for_each_part(evaluation, settings):
    judgment = judge(evaluation, replace(settings, pcutoff=AUTO, wantederror=2))
    cutoffs = judgment.cutoff(replace(settings, pcutoff=AUTO))
    assert judgment.cutoff(settings) == 0.1
    assert cutoffs == tuple(judgment.trust.pcutoffs[part] for part in PARTS)
    layout = evaluation.network.layout
    rows = write_summaries(layout, settings, [evaluation], [cutoffs])
    assert np.isnan(rows.loc[0, "pcutoff"])
    table = pd.read_csv(layout.part_table)
    np.testing.assert_allclose(table["pcutoff"], cutoffs * 2)
    above = (evaluation.likelihoods >= cutoffs)[~TRAINED & np.isfinite(evaluation.errors).all(axis=1)]
    assert 0.5 < above.mean() < 1 and rows.loc[0, "test_share_above_pcutoff"] == pytest.approx(above.mean(), abs=0.02)
    assert "likelihood >= the one recommended for the part for" in in_words(rows)[1]
    auto = replace(settings, pcutoff=AUTO)
    plot_evaluations([judgment], rows, auto)
    (page,) = write_evaluation_pages([judgment], rows, auto)
    assert "likelihood ≥ the one recommended for the part" in html.unescape(page.read_text(encoding="utf-8"))
