"""What a helper trains on, how long and at which scale, and what its folder tells."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from deepercut.config import load_config
from deepercut.data.dataset import load_dataset, scales_of
from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.help import helper
from dlc_toolbox.labeling.help.helper import (
    Helper,
    Plan,
    Start,
    find_start,
    plan_training,
    pretrained_weights,
    read_helper,
    training_images,
    write_helper,
    write_training_files,
)
from dlc_toolbox.project.layout import Layout, image_folders
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table

PARTS = ("nose", "paw", "tail")
KNOWN = Helper(250, 20, 55, "Ann", PARTS, 1.0, "2026-01-01T10:00:00Z")


@pytest.fixture
def layout(toy_project):
    return Layout(toy_project)


@pytest.fixture
def settings(toy_project):
    return load_settings(toy_project)


@pytest.fixture
def images(layout, settings, toy_points, draw_dots):
    """Eighteen labeled images; of the last one, paw is outside the image and tail without label."""
    folder = layout.data_folder("toy") / "more"
    folder.mkdir()
    for frame in range(18):
        Image.fromarray(draw_dots(toy_points[frame])).save(folder / f"img{frame:02d}.png")
    labels = toy_points[:19].copy()
    labels[17, 1:] = [[160, 5], [np.nan, 7]]
    labels[18] = np.nan
    (folder / "img18.png").write_bytes((folder / "img17.png").read_bytes())
    table = make_table("Ann", PARTS, [f"more/img{frame:02d}.png" for frame in range(19)], labels)
    return training_images(table, settings, layout.data_folder("toy"))


def weights(folder):
    """A file that stands for ImageNet weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resnet_v1_50.weights.h5").touch()
    return folder / "resnet_v1_50.ckpt"


@pytest.mark.parametrize(
    ("size", "shrink", "iterations"),
    [
        ((640, 480), 1, 250),
        ((1920, 1080), np.sqrt(640 * 480 / (1920 * 1080)), 250),
        ((396, 406), 1, 411),
        ((160, 120), 1, 500),
    ],
)
def test_a_training_costs_the_same_at_every_size(size, shrink, iterations):
    plan = plan_training([size] * 20)
    assert plan.shrink == pytest.approx(shrink)
    assert plan.global_scale == pytest.approx(0.8 * shrink)
    assert plan.iterations == iterations
    pixels = np.prod(size) * plan.global_scale**2 * plan.iterations
    assert pixels <= 1.001 * 640 * 480 * 0.8**2 * 250


@pytest.mark.parametrize("size", [(640, 40), (60, 60), (4000, 300), (400, 100), (2048, 2048)])
def test_images_of_every_size_can_train(size, make_toy_config):
    plan = plan_training([size])
    assert scales_of((size[1], size[0]), make_toy_config(plan)) is not None


@pytest.fixture
def make_toy_config(tmp_path):
    def make(plan: Plan):
        path = tmp_path / "pose_cfg.yaml"
        keys = {"num_joints": 1, "all_joints": [[0]], "all_joints_names": ["nose"]}
        scales = {"global_scale": plan.global_scale, "scale_jitter_lo": 0.5, "scale_jitter_up": 1.5}
        path.write_text(yaml.safe_dump({**keys, **scales}))
        return load_config(path)

    return make


def test_all_labeled_images_train_without_labels_outside(images, toy_points):
    assert len(images) == 18
    last = list(images.values())[-1]
    np.testing.assert_array_equal(last[0], toy_points[17, 0])
    assert np.isnan(last[1:]).all()


def test_too_few_images_are_an_error(layout, settings, toy_points):
    table = make_table("Ann", PARTS, [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)], toy_points[::3])
    with pytest.raises(ToolboxError, match="label 5 more images: a helper learns from 15 on"):
        training_images(table, settings, layout.data_folder("toy"))
    assert "label 1 more image:" in helper.too_few_images(14)


def test_the_files_of_a_training_fit_the_folder_that_they_go_to(layout, settings, images, toy_points, tmp_path):
    start = Start(weights(layout.models / "pretrained"))
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    placed = write_training_files(elsewhere, layout, settings, images, Plan(0.5, 0.6, 250), start)
    config = load_config(elsewhere / "pose_cfg.yaml", placed)
    assert [image.path for image in load_dataset(config)] == list(images)  # while the files are elsewhere
    home = layout.helper_folder("toy")
    elsewhere.rename(home)
    config = load_config(home / "pose_cfg.yaml")
    dataset = load_dataset(config)
    assert [image.path.resolve() for image in dataset] == list(images)
    np.testing.assert_array_equal(dataset[3].joints, np.column_stack([[0, 1, 2], toy_points[3]]))
    assert dataset[17].joints[:, 0].tolist() == [0]
    assert (config.all_joints_names, config.num_joints, config.net_type) == (PARTS, 3, "resnet_50")
    assert (config.global_scale, config.pos_dist_thresh) == (0.6, 34)
    assert (config.iterations, config.adam_lr, config.lr_schedule) == (250, 5e-4, "cosine")
    assert (config.validation_fraction, config.frozen_blocks, config.batch_size) == (0, 2, 1)
    assert (config.heads_iters, config.precision) == (300, "auto")


def test_the_project_s_own_template_gives_the_other_keys(layout, settings, images, tmp_path):
    own = layout.training_set_root / "pose_cfg.yaml"
    own.write_text((CHECKOUT / "Generating_a_Training_Set" / "pose_cfg.yaml").read_text().replace("blur: 0", "blur: 2"))
    write_training_files(tmp_path, layout, settings, images, Plan(1.0, 0.8, 300), Start(tmp_path / "w", 250))
    config = load_config(tmp_path / "pose_cfg.yaml")
    assert config.blur == 2
    assert (config.iterations, config.adam_lr) == (120, 2.5e-4)  # it goes on
    own.write_text("blur\n")
    with pytest.raises(ToolboxError, match="must hold lines `key: value`"):
        write_training_files(tmp_path, layout, settings, images, Plan(1.0, 0.8, 300), Start(tmp_path / "w", 250))


def test_a_record_is_read_as_it_was_written(tmp_path):
    assert read_helper(tmp_path) is None
    write_helper(tmp_path, KNOWN)
    assert read_helper(tmp_path) == helper.Helper(**{**vars(KNOWN), "bodyparts": list(PARTS)})
    assert KNOWN.name("toy") == "helper_toy_250"


@pytest.mark.parametrize("change", [{"iteration": 0}, {"shrink": 2}, {"images": "many"}, {"time": ...}, None])
def test_a_damaged_record_is_as_none(tmp_path, change):
    write_helper(tmp_path, KNOWN)
    path = tmp_path / "helper.json"
    content = {**json.loads(path.read_text()), **(change or {})}
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}) if change else "{")
    assert read_helper(tmp_path) is None


@pytest.fixture
def no_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(helper, "CHECKOUT", tmp_path / "checkout")
    return tmp_path / "checkout"


def test_imagenet_weights_are_the_project_s_or_the_checkout_s(layout, no_checkout):
    assert pretrained_weights(layout) is None
    of_checkout = weights(Layout(no_checkout).models / "pretrained")
    assert pretrained_weights(layout) == of_checkout
    of_project = weights(layout.models / "pretrained")
    assert pretrained_weights(layout) == of_project


def test_without_imagenet_weights_the_error_says_how_to_get_them(layout, settings, no_checkout):
    with pytest.raises(ToolboxError, match=r"does not hold the weights resnet_v1_50 .*download\.py --depth 50"):
        find_start(layout, settings, Plan(1.0, 0.8, 250), [])


def test_a_helper_goes_on_from_its_own_weights(layout, settings, no_checkout):
    home, plan = layout.helper_folder("toy"), Plan(1.0, 0.8, 250)
    home.mkdir()
    snapshot = SimpleNamespace(path=home / "snapshot-250.weights.h5", iteration=250)
    snapshot.path.write_bytes(b"weights")
    write_helper(home, KNOWN)
    assert find_start(layout, settings, plan, [snapshot]) == Start(snapshot.path, 250)
    fresh = Start(weights(layout.models / "pretrained"))
    assert find_start(layout, settings, plan, []) == fresh
    assert find_start(layout, settings, Plan(0.5, 0.4, 250), [snapshot]) == fresh  # images of quite another size
    write_helper(home, Helper(**{**vars(KNOWN), "bodyparts": ("nose", "tail", "paw")}))
    assert find_start(layout, settings, plan, [snapshot]) == fresh


def test_no_step_takes_the_helper_for_images_or_an_experiment(layout, settings):
    home = layout.helper_folder("toy")
    home.mkdir()
    write_helper(home, KNOWN)
    assert [folder.name for folder in image_folders(layout.data_folder("toy"))] == ["toy"]
    with pytest.raises(ToolboxError, match="there is none yet"):
        layout.locate(settings, 0.7, 1)
