import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.evaluation.evaluation import as_analyzed, evaluate, find_networks, named_for_videos, predict_images
from dlc_toolbox.evaluation.results import read_evaluation
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import AnalysisSettings, load_settings
from dlc_toolbox.project.tables import points, read_table, scorer_of


@pytest.fixture
def layout(trained_project):
    return Layout(trained_project)


@pytest.fixture
def config(layout):
    """What deepercut reads from the toy's pose_cfg.yaml."""
    folder = layout.models / "toyJan1-trainset70shuffle1" / "train"
    return SimpleNamespace(
        all_joints_names=("nose", "paw", "tail"),
        net_type="resnet_50",
        snapshot_place=(folder, "snapshot"),
        pads=lambda weights: weights.suffix != ".index",
    )


def find(layout, config, **changes):
    """Find networks by the toy's settings with some of them changed; snapshots as deepercut lists them."""

    def list_snapshots(folder, prefix):
        found = [(int(path.name.split("-")[1].split(".")[0]), path) for path in folder.glob(f"{prefix}-*.weights.h5")]
        return [SimpleNamespace(iteration=iteration, path=path) for iteration, path in sorted(found)]

    def select_snapshot(folder, index, prefix):
        return list_snapshots(folder, prefix)[index]

    settings = replace(load_settings(layout.root), **changes)
    return find_networks(layout, settings, lambda path: config, list_snapshots, select_snapshot)


@pytest.mark.parametrize(("index", "iterations"), [(-1, [100]), (0, [20]), (1, [100]), ("all", [20, 100])])
def test_snapshotindex_chooses(layout, config, index, iterations):
    networks = find(layout, config, snapshotindex=index)
    assert [network.iteration for network in networks] == iterations
    assert [network.snapshot.path.name for network in networks] == [f"snapshot-{i}.weights.h5" for i in iterations]


def test_a_network_knows_its_files(layout, config):
    (network,) = find(layout, config)
    assert network.scorer == "DeepCut_resnet_50_70shuffle1_100forTask_toy"
    assert network.table == layout.results / "DeepCut_resnet_50_70shuffle1_100forTask_toy.h5"
    assert list(network.images) == [f"toy/img{i:02d}.png" for i in range(0, 30, 3)]
    assert all(path.is_file() and "UnaugmentedDataSet_toyJan1" in str(path) for path in network.images.values())


def test_the_order_of_body_parts_is_free_but_not_their_names(layout, config):
    config.all_joints_names = ("tail", "nose", "paw")
    assert find(layout, config)[0].bodyparts == ("tail", "nose", "paw")
    config.all_joints_names = ("nose", "paw", "ear")
    with pytest.raises(
        ToolboxError, match=r"pose_cfg.yaml: nose, paw, ear; myconfig.py: nose, paw, tail; labels: nose"
    ):
        find(layout, config)


def test_body_parts_of_the_settings_must_be_the_networks(layout, config):
    with pytest.raises(ToolboxError, match=r"myconfig.py: nose, paw; .* correct bodyparts in myconfig.py"):
        find(layout, config, bodyparts=("nose", "paw"))


def test_another_depth_is_an_error(layout, config):
    with pytest.raises(ToolboxError, match=r"describes a resnet_50, but myconfig.py has resnet = 101"):
        find(layout, config, resnet=101)


def test_a_shuffle_that_was_not_trained_lists_those_that_were(layout, config):
    with pytest.raises(ToolboxError, match=r"shuffle3.*there are: toyJan1-trainset70shuffle1"):
        find(layout, config, Shuffles=(1, 3), shuffleindex=1)


def test_fractions_of_one_name_are_an_error(layout, config):
    with pytest.raises(ToolboxError, match=r"0.7 and 0.7001 share the network toyJan1-trainset70shuffle1: leave"):
        find(layout, config, TrainingFraction=(0.7, 0.7001))


def test_images_of_any_size_are_predicted_one_by_one_in_order(tmp_path):
    sizes = [(7, 5), (30, 41), (1, 1)]
    paths = [tmp_path / f"img{i}.png" for i in range(3)]
    for path, (height, width) in zip(paths, sizes, strict=True):
        Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)

    def predict(frames):
        assert frames.dtype == np.uint8
        return np.array([[[frames.shape[2], frames.shape[1], 0.5]]] * len(frames), np.float32)

    poses, features = predict_images(paths, predict)
    np.testing.assert_array_equal(poses[:, 0], [[5, 7, 0.5], [41, 30, 0.5], [1, 1, 0.5]])
    assert features.shape == (3, 1, 4) and (features[..., 0] == 0.5).all() and np.isnan(features[..., 1:]).all()


def test_an_answer_that_is_no_number_names_the_image(tmp_path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "img7.png")
    with pytest.raises(ToolboxError, match=r"no finite position in .*img7.png"):
        predict_images([tmp_path / "img7.png"], lambda frames: np.full((1, 2, 3), np.nan))


def test_evaluate_writes_the_poses_of_every_image_by_name(layout, config, toy_network, toy_points):
    config.all_joints_names = ("tail", "nose", "paw")
    (network,) = find(layout, config)
    evaluate(network, lambda: lambda frames: toy_network(frames)[:, [2, 0, 1]] + np.float32([2, -1, 0]))
    table = read_table(network.table)
    assert scorer_of(table) == network.scorer
    assert table.index.tolist() == list(network.images)
    expected = toy_points[::3] + [2, -1]
    np.testing.assert_allclose(points(table, ["nose", "paw", "tail"])[..., :2], expected, atol=1e-4)
    np.testing.assert_array_equal(read_table(network.table.with_suffix(".csv")).columns, table.columns)


class TellingNetwork:
    """A network that tells about its maps."""

    def __init__(self, predict, seed=0):
        self.predict, self.rng = predict, np.random.default_rng(seed)

    def __call__(self, frames):
        return self.with_features(frames)[0]

    def with_features(self, frames):
        poses = self.predict(frames)
        return poses, np.concatenate([poses[..., 2:], self.rng.uniform(0, 9, (*poses.shape[:2], 3))], axis=2)


def test_what_the_maps_tell_is_stored_beside_the_poses(layout, config, toy_network):
    (network,) = find(layout, config)
    evaluate(network, lambda: TellingNetwork(toy_network))
    parts = ("tail", "nose", "paw")
    evaluation = read_evaluation(network, parts)
    expected = np.random.default_rng(0).uniform(0, 9, (10, 3, 3))[:, [2, 0, 1]]  # one image after the other
    np.testing.assert_allclose(evaluation.features[..., 1:], expected, rtol=1e-6)
    np.testing.assert_array_equal(evaluation.features[..., 0], evaluation.likelihoods)
    assert network.table in layout.evaluation_tables() and network.features not in layout.evaluation_tables()


def test_features_of_other_poses_are_not_taken_for_theirs(layout, config, toy_network):
    (network,) = find(layout, config)
    evaluate(network, lambda: TellingNetwork(toy_network))
    kept = network.features.read_bytes()
    evaluate(network, lambda: lambda frames: toy_network(frames, likelihoods=(1, 0.5, 1)), overwrite=True)
    assert not network.features.exists()
    assert read_evaluation(network, ("nose", "paw", "tail")).features is None
    network.features.write_bytes(kept)
    assert read_evaluation(network, ("nose", "paw", "tail")).features is None


def test_what_is_evaluated_again_in_vain_keeps_what_the_maps_tell(layout, config, toy_network, monkeypatch):
    (network,) = find(layout, config)
    evaluate(network, lambda: TellingNetwork(toy_network))
    kept = network.features.read_bytes()

    def refuse(*_, **__):
        raise OSError("the disk is full")

    monkeypatch.setattr("dlc_toolbox.evaluation.evaluation.write_table", refuse)
    with pytest.raises(OSError, match="the disk is full"):
        evaluate(network, lambda: TellingNetwork(toy_network), overwrite=True)
    assert network.features.read_bytes() == kept


def test_what_is_current_is_skipped_without_loading_a_network(layout, config, toy_network, caplog):
    caplog.set_level(logging.INFO)
    (network,) = find(layout, config)
    evaluate(network, lambda: toy_network)
    written = network.table.stat().st_mtime_ns
    evaluate(network, lambda: pytest.fail("loaded"))
    assert network.table.stat().st_mtime_ns == written
    assert f"{network.table}: skipped, it is current" in caplog.text
    evaluate(network, lambda: lambda frames: np.ones((1, 3, 3), np.float32), overwrite=True)
    assert (read_table(network.table).to_numpy() == 1).all()


@pytest.mark.parametrize("changed", ["snapshot", "pose_cfg.yaml", "toy/img03.png"])
def test_a_changed_input_is_evaluated_again_and_named(layout, config, toy_network, changed, caplog):
    caplog.set_level(logging.INFO)
    (network,) = find(layout, config)
    evaluate(network, lambda: toy_network)
    file = {"snapshot": network.snapshot.path, "pose_cfg.yaml": network.config_path, **network.images}[changed]
    if changed.endswith(".png"):
        Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    else:
        file.write_bytes(b"another")
    evaluate(network, lambda: lambda frames: np.ones((1, 3, 3), np.float32))
    assert f"{network.table}: being made, because {changed} changed" in caplog.text
    assert (read_table(network.table).to_numpy() == 1).all()


def test_an_evaluation_by_a_network_that_does_not_pad_is_another(layout, config, toy_network):
    (network,) = find(layout, config)
    evaluate(network, lambda: toy_network)
    assert network.pads
    assert network.output().why_stale() is None
    assert replace(network, pads=False).output().why_stale() == "padding changed"
    assert "padding" not in network.output().made_from["settings"]


def test_missing_images_are_named_before_a_network_is_loaded(layout, config):
    (network,) = find(layout, config)
    network.images["toy/img06.png"].unlink()
    with pytest.raises(ToolboxError, match=r"1 of the 10 labeled images are missing: .*img06.png"):
        evaluate(network, lambda: pytest.fail("loaded"))


def test_a_split_without_images_is_an_error(layout, config):
    (network,) = find(layout, config)
    empty = replace(network, split=replace(network.split, train=[], test=[]))
    with pytest.raises(ToolboxError, match=r"toyJan1-trainset70shuffle1 names no image"):
        evaluate(empty, lambda: pytest.fail("loaded"))


def test_an_interrupted_evaluation_leaves_no_table(layout, config):
    (network,) = find(layout, config)

    def interrupted(frames):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(network, lambda: interrupted)
    assert not network.table.exists() and not network.record.exists()


# ---- Reduced precision ----


def analysis_settings(**changes) -> AnalysisSettings:
    given = {"scorer": "Ann", "Task": "toy", "date": "Jan1", "trainingsFraction": 0.7, "engine": "openvino-int8"}
    return AnalysisSettings(**{**given, **changes})


def test_networks_are_judged_in_the_precision_of_videos_too(layout, config):
    networks = find(layout, config, snapshotindex="all")
    assert named_for_videos(analysis_settings(), layout, networks) == networks
    assert named_for_videos(analysis_settings(), layout, []) == []
    reduced = as_analyzed(analysis_settings(), networks)
    assert [(each.iteration, each.precision) for each in reduced] == [(20, "int8"), (100, "int8")]
    assert as_analyzed(analysis_settings(engine="openvino"), networks) == []
    _, smaller = as_analyzed(analysis_settings(analysisscale=0.8), networks)
    assert (smaller.precision, smaller.scale, smaller.way) == ("int8", 0.8, "int8_scale0.8")
    assert smaller.table.name == f"{networks[1].table.stem}_int8_scale0.8.h5"
    with pytest.raises(ToolboxError, match="shuffle3"):
        named_for_videos(analysis_settings(shuffle=3), layout, networks)


def test_in_reduced_precision_test_images_alone_are_looked_at_and_nothing_else_changes(layout, config, toy_network):
    (network,) = find(layout, config)
    evaluate(network, lambda: TellingNetwork(toy_network))
    before = {path: path.read_bytes() for path in layout.results.iterdir()}
    (reduced,) = as_analyzed(analysis_settings(), [network])
    evaluate(reduced, lambda: TellingNetwork(toy_network, seed=1))
    assert reduced.table.name == f"{network.table.stem}_int8.h5"
    evaluation = read_evaluation(reduced, ("nose", "paw", "tail"))
    assert evaluation.images == network.split.test and not evaluation.is_train.any()
    assert evaluation.features.shape == (3, 3, 4)
    assert {path: path.read_bytes() for path in before} == before
    evaluate(reduced, lambda: pytest.fail("loaded"))
