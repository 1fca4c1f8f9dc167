import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.evaluation.evaluation import EvaluatedNetwork, evaluate
from dlc_toolbox.evaluation.results import (
    Evaluation,
    in_words,
    part_rows,
    read_evaluation,
    summary_row,
    write_summaries,
)
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, write_table
from dlc_toolbox.training_set.recorded import read_split

PARTS = ("nose", "paw", "tail")
COLUMNS = ["train_fraction", "shuffle", "iteration", "pcutoff"] + [
    f"{name}_{number}"
    for name in ("train", "test")
    for number in ("mean_error_px", "median_error_px", "rmse_px", "mean_error_pcutoff_px", "share_above_pcutoff")
]


@pytest.fixture
def settings(trained_project):
    return load_settings(trained_project)


@pytest.fixture
def network(trained_project):
    layout = Layout(trained_project)
    experiment = Experiment("toy", "Jan1", "Ann", 70, 1, 50)
    config = layout.train_folder(experiment) / "pose_cfg.yaml"
    split = read_split(layout, experiment)
    return EvaluatedNetwork(layout, experiment, 0.7, split, PARTS, config, snapshot(config.parent, 100))


def snapshot(folder, iteration):
    return SimpleNamespace(iteration=iteration, path=folder / f"snapshot-{iteration}.weights.h5")


def by_hand(network, iteration=100, **kwargs):
    """Two training images and one test image, two parts; errors 5, -, 10, 1 (train) and 2, - (test)."""
    labels = np.array([[[0, 0], [np.nan, np.nan]], [[10, 10], [20, 20]], [[5, 5], [np.nan, np.nan]]])
    poses = np.array(
        [[[3, 4, 0.9], [9, 9, 0.9]], [[20, 10, 0.1], [20, 21, 0.6]], [[5, 7, 0.5], [0, 0, 1]]], dtype=np.float64
    )
    is_train = np.array([True, True, False])
    kwargs["snapshot"] = snapshot(network.snapshot.path.parent, iteration)
    return Evaluation(replace(network, **kwargs), PARTS[:2], ["a/1", "a/2", "a/3"], is_train, labels, poses)


def test_summary_row_by_hand(network):
    row = summary_row(by_hand(network), 0.5)
    assert list(row) == COLUMNS
    expected = [0.7, 1, 100, 0.5, 16 / 3, 5, np.sqrt((25 + 100 + 1) / 3), 3, 2 / 3, 2, 2, 2, 2, 1]
    np.testing.assert_allclose(list(row.values()), expected)


def test_part_rows_by_hand(network):
    rows = part_rows(by_hand(network), 0.5)
    assert rows.columns.tolist()[:7] == [*COLUMNS[:4], "set", "bodypart", "labeled_pairs"]
    found = rows[["set", "bodypart", "labeled_pairs", "mean_error_px"]].to_numpy().tolist()
    assert found[:3] == [["train", "nose", 2, 7.5], ["train", "paw", 1, 1.0], ["test", "nose", 1, 2.0]]
    assert found[3][:3] == ["test", "paw", 0] and np.isnan(found[3][3])


def test_words_give_mean_and_median_of_both_sets_and_the_best_snapshot(network):
    rows = pd.DataFrame([summary_row(by_hand(network, i), 0.5) for i in (20, 100)])
    rows.loc[0, "test_median_error_px"] = 9.0
    words = in_words(rows)
    assert words[0].startswith("training fraction 0.7, shuffle 1, iteration 20: training error 5.33 px (mean), 5.00 px")
    assert "test error 2.00 px (mean), 2.00 px (median); likelihood >= 0.5 for 100% of the labels" in words[3]
    assert words[4].endswith("iteration 100")
    assert len(in_words(rows[:1])) == 2


def test_words_tell_that_no_test_image_is_labeled(network):
    evaluation = replace(by_hand(network), is_train=np.ones(3, bool))
    _, test = in_words(pd.DataFrame([summary_row(evaluation, 0.5)]))
    assert test.endswith("iteration 100: no test image is labeled, so there is no test error")


def with_accepted(evaluation):
    """The first label, which is 5 px off, and the only test label are accepted machine labels."""
    return replace(evaluation, accepted=np.array([[True, False], [False, False], [True, False]]))


def test_accepted_machine_labels_are_told_and_left_out_in_numbers_of_their_own(network):
    row = summary_row(with_accepted(by_hand(network)), 0.5)
    assert [row[key] for key in COLUMNS] == list(summary_row(by_hand(network), 0.5).values())
    assert list(row)[len(COLUMNS) :] == [
        f"{name}_{number}"
        for name in ("train", "test")
        for number in ("accepted_share", *(f"placed_{column.removeprefix('test_')}" for column in COLUMNS[-5:]))
    ]
    assert (row["train_accepted_share"], row["test_accepted_share"]) == (1 / 3, 1)
    assert (row["train_placed_mean_error_px"], row["train_placed_mean_error_pcutoff_px"]) == (5.5, 1)
    assert np.isnan(row["test_placed_mean_error_px"])


def test_words_tell_the_error_of_labels_placed_by_hand(network):
    rows = pd.DataFrame([summary_row(with_accepted(by_hand(network)), 0.5), summary_row(by_hand(network, 20), 0.5)])
    words = in_words(rows)
    assert words[1].endswith(
        "33% of these labels are machine labels accepted as they were; training error of those placed by hand alone "
        "5.50 px (mean), 5.50 px (median)"
    )
    assert "100% of these labels" in words[3] and "test error of those placed by hand alone nan px" in words[3]
    assert len(words) == 4 + 2 + 1  # of the second network there is nothing to tell, and the best is named


def test_accepted_labels_are_those_of_the_split(network, toy_network):
    evaluate(network, lambda: toy_network)
    assert not read_evaluation(network, PARTS).accepted.any()
    split = replace(network.split, accepted={"toy/img03.png": ["tail", "nose"]})
    accepted = read_evaluation(replace(network, split=split), ["tail", "paw", "nose"]).accepted
    assert accepted.shape == (10, 3)
    assert accepted[1].tolist() == [True, False, True] and accepted.sum() == 2


def test_tables_with_and_without_accepted_labels_live_together(network, settings):
    for evaluation in (by_hand(network, 20), with_accepted(by_hand(network, 50)), by_hand(network, 100)):
        write_summaries(network.layout, replace(settings, bodyparts=PARTS[:2]), [evaluation])
    table = written(network, "evaluation.csv")
    assert table.columns.tolist()[: len(COLUMNS)] == COLUMNS
    assert table["train_accepted_share"].tolist()[1] == pytest.approx(1 / 3)
    assert table["train_accepted_share"].isna().tolist() == [True, False, True]


def test_read_evaluation_puts_labels_and_poses_in_the_order_wanted(network, toy_network, toy_points):
    evaluate(network, lambda: lambda frames: toy_network(frames, (3, 4), (0.1, 0.5, 0.9)))
    evaluation = read_evaluation(network, ["tail", "nose", "paw"])
    assert evaluation.is_train.tolist() == [True] * 7 + [False] * 3
    np.testing.assert_allclose(evaluation.labels[:, 1], toy_points[::3, 0])
    np.testing.assert_allclose(evaluation.likelihoods[0], [0.9, 0.1, 0.5], atol=1e-6)
    hidden = np.zeros((10, 3), bool)
    hidden[3, 0] = True
    np.testing.assert_array_equal(np.isnan(evaluation.errors), hidden)
    np.testing.assert_allclose(evaluation.errors[~hidden], 5, atol=1e-4)


def test_labels_are_those_of_the_split_not_the_live_ones(network, toy_network):
    evaluate(network, lambda: toy_network)
    live = network.layout.label_table("toy", "Ann")
    write_table(make_table("Ann", PARTS, list(network.images), np.zeros((10, 3, 2))), live)
    assert read_evaluation(network, PARTS).errors[0, 0] == pytest.approx(0, abs=1e-4)


def test_missing_poses_list_those_that_exist(network, toy_network):
    with pytest.raises(ToolboxError, match=r"100forTask_toy.h5 does not exist \(there is none yet\): run Evaluation"):
        read_evaluation(network, PARTS)
    ten = replace(network, experiment=replace(network.experiment, shuffle=10))
    evaluate(ten, lambda: toy_network)
    with pytest.raises(
        ToolboxError, match=r"70shuffle1_100.*there are: DeepCut_resnet_50_70shuffle10_100forTask_toy\)"
    ):
        read_evaluation(network, PARTS)


def test_poses_of_a_network_that_was_trained_again_are_refused(network, toy_network):
    evaluate(network, lambda: toy_network)
    network.snapshot.path.write_bytes(b"trained again")
    with pytest.raises(ToolboxError, match=r"out of date \(snapshot changed\): run .* again"):
        read_evaluation(network, PARTS)


def test_poses_without_a_record_are_taken_if_they_cover_the_images(network, toy_network, caplog):
    evaluate(network, lambda: toy_network)
    network.record.unlink()
    assert read_evaluation(network, PARTS).errors[0, 0] == pytest.approx(0, abs=1e-4)
    assert "taken as it is" in caplog.text
    images = list(network.images)
    for table, why in (
        (make_table("v1", PARTS, images[:5], np.zeros((5, 3, 3))), r"out of date \(it lacks labeled images\): run"),
        (make_table("v1", ("nose", "ear"), images, np.zeros((10, 2, 3))), r"\(its body parts are nose, ear\): run"),
        (make_table("v1", PARTS, images, np.zeros((10, 3, 2))), "holds labels by v1, without likelihoods, not poses"),
    ):
        write_table(table, network.table)
        with pytest.raises(ToolboxError, match=why):
            read_evaluation(network, PARTS)


def written(network, name):
    return pd.read_csv(network.layout.results / name)


def test_tables_keep_other_networks_and_replace_the_same(network, settings):
    settings = replace(settings, bodyparts=PARTS[:2])
    ten = replace(network.experiment, shuffle=10)
    for evaluation in (
        by_hand(network, 20),
        by_hand(network, experiment=ten),
        by_hand(network, 100),
        by_hand(network, fraction=0.29),
    ):
        write_summaries(network.layout, settings, [evaluation])
    write_summaries(network.layout, replace(settings, pcutoff=0.6), [by_hand(network, 20)])
    table = written(network, "evaluation.csv")
    assert table.columns.tolist() == COLUMNS
    assert table[COLUMNS[:4]].to_numpy().tolist() == [
        [0.29, 1, 100, 0.1],
        [0.7, 1, 20, 0.6],
        [0.7, 1, 100, 0.1],
        [0.7, 10, 100, 0.1],
    ]
    parts = written(network, "evaluation_per_part.csv")
    assert len(parts) == 4 * 2 * 2
    assert parts["bodypart"].tolist() == ["nose", "paw"] * 8
    assert parts["iteration"].tolist() == [100] * 4 + [20] * 4 + [100] * 8


def test_body_parts_may_have_names_that_look_like_nothing(network, settings):
    names = ("NA", "007")
    evaluation = replace(by_hand(network), bodyparts=names)
    write_summaries(network.layout, settings, [evaluation])
    write_summaries(network.layout, settings, [replace(by_hand(network, 20), bodyparts=names)])
    lines = (network.layout.results / "evaluation_per_part.csv").read_text().splitlines()[1:]
    assert [line.split(",")[5] for line in lines] == list(names) * 4


def test_rows_of_another_task_give_way(network, settings, caplog):
    caplog.set_level(logging.INFO)
    write_summaries(network.layout, settings, [by_hand(network, 20)])
    write_summaries(network.layout, replace(settings, date="Feb2"), [by_hand(network)])
    assert written(network, "evaluation.csv")["iteration"].tolist() == [100]
    assert "earlier rows are left out, because date changed" in caplog.text


@pytest.mark.parametrize("content", [b"a;b\n1;2\n", b"", b"\xff\xfe\x00"])
def test_a_table_changed_beyond_recognition_is_not_overwritten(network, settings, content):
    write_summaries(network.layout, settings, [by_hand(network)])
    path = network.layout.results / "evaluation.csv"
    path.write_bytes(content)
    with pytest.raises(ToolboxError, match=r"evaluation.csv .*move it away"):
        write_summaries(network.layout, settings, [by_hand(network)])
    assert path.read_bytes() == content


@pytest.mark.parametrize(("mark", "point"), [(";", ","), ("\t", ","), (";", ".")])
def test_tables_that_a_spreadsheet_saved_are_read(network, settings, mark, point):
    write_summaries(network.layout, settings, [by_hand(network, 20)])
    for name in ("evaluation.csv", "evaluation_per_part.csv"):
        path = network.layout.results / name
        path.write_text("\ufeff" + path.read_text().replace(",", mark).replace(".", point))
    write_summaries(network.layout, settings, [by_hand(network)])
    table = written(network, "evaluation.csv")
    assert table["iteration"].tolist() == [20, 100]
    assert table.iloc[0, 3:].tolist() == table.iloc[1, 3:].tolist()
    assert len(written(network, "evaluation_per_part.csv")) == 2 * len(by_hand(network).bodyparts) * 2
