"""pose_cfg.yaml: what is accepted, what is said of the rest."""

from pathlib import Path

import pytest
import yaml

from deepercut import DeepercutError
from deepercut.config import load_config, read_keys

V1_TEMPLATE = """
dataset: ../../UnaugmentedDataSet_reachingJan30/reaching_Mackenzie95shuffle1.mat
num_joints: 2
all_joints: [[0], [1]]
all_joints_names: [hand, Joystick]
pos_dist_thresh: 17
global_scale: 0.8
scale_jitter_lo: 0.5
scale_jitter_up: 1.5
mirror: false
net_type: resnet_50
init_weights: ../../pretrained/resnet_v1_50.ckpt
location_refinement: true
locref_huber_loss: true
locref_loss_weight: 0.05
locref_stdev: 7.2801
intermediate_supervision: false
intermediate_supervision_layer: 12
max_input_size: 1000
multi_step:
- [0.005, 10000]
- [0.02, 430000]
display_iters: 1000
save_iters: 50000
"""

SMALLEST = "num_joints: 1\nall_joints: [[0]]\nall_joints_names: [nose]\n"


def write(folder: Path, text: str = V1_TEMPLATE, **keys) -> Path:
    path = folder / "pose_cfg.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(text), **keys}))
    return path


def test_v1_file_loads_unchanged(tmp_path):
    config = load_config(write(tmp_path))
    assert config.all_joints_names == ("hand", "Joystick")
    assert config.multi_step == ((0.005, 10000), (0.02, 430000))
    assert (config.depth, config.iterations, config.optimizer, config.crop_size) == (50, 430000, "sgd", None)
    assert config.resolve(config.init_weights) == (tmp_path / "../../pretrained/resnet_v1_50.ckpt").resolve()


def test_absent_keys_have_v1s_built_in_values(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(SMALLEST)
    config = load_config(path)
    assert (config.global_scale, config.location_refinement, config.locref_loss_weight) == (1.0, False, 1.0)
    assert (config.scale_jitter_lo, config.scale_jitter_up, config.max_input_size) == (1.0, 1.0, None)


def test_overrides_win_and_none_is_not_given(tmp_path):
    config = load_config(write(tmp_path), {"max_iters": 7, "seed": None})
    assert config.iterations == 7
    assert config.seed is None


def test_yaml_reads_1e_4_as_text_but_it_is_a_number(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text() + "adam_lr: 1e-4\n")
    assert load_config(path).adam_lr == 1e-4


def test_ignored_keys_are_named(tmp_path):
    assert load_config(write(tmp_path, weigh_negatives=False, crop_pad=0)).ignored == ("crop_pad", "weigh_negatives")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"global_scal": 1}, "unknown key 'global_scal'; did you mean global_scale"),
        ({"MAX_ITERS": 10}, "unknown key 'MAX_ITERS'; did you mean max_iters"),
        ({"all_joints": [0, 1]}, r"all_joints is \[0, 1\], but must be a list of lists of numbers, such as \[\[0\]"),
        ({"all_joints_names": [1, True]}, "but must be a list of names; put numbers, and words such as yes and no, in"),
        ({"num_joints": 0}, "num_joints is 0, but must be greater than 0"),
        ({"global_scale": "large"}, "global_scale is 'large', but must be a number"),
        ({"global_scale": 0}, "greater than 0"),
        ({"global_scale": float("nan")}, "global_scale is nan, but must be a number"),
        ({"mirror": 1}, "mirror is 1, but must be true or false"),
        ({"seed": -5}, "seed is -5, but must be at least 0"),
        ({"seed": 2**32}, "at most"),
        ({"batch_size": 1.5}, "batch_size is 1.5, but must be a whole number"),
        ({"num_joints": 3}, "all_joints must hold each number from 0 to 2 once"),
        ({"all_joints_names": ["hand"]}, "num_joints is 2, but all_joints_names has 1 names"),
        ({"all_joints_names": ["a", "a"]}, "all_joints_names has a name twice"),
        ({"net_type": "resnet_18"}, "must be resnet_50, resnet_101 or resnet_152"),
        ({"multi_step": [[0.1, 20], [0.2, 10]]}, "rising iterations"),
        ({"multi_step": [[0.1, 0.5]]}, "multi_step is .*whole numbers from 1"),
        ({"multi_step": [[0.1, 0], [0.2, 10]]}, "whole numbers from 1"),
        ({"multi_step": [[0.1, 2.5]]}, "whole numbers from 1"),
        ({"occlusion": 1.1}, "occlusion is 1.1, but must be at most 1"),
        ({"contrast": 30}, "contrast is 30, but must be at most 1"),
        ({"brightness": 30}, "brightness is 30, but must be at most 1"),
        ({"noise": 30}, "noise is 30, but must be at most 1"),
        ({"rotation": True}, "rotation is True, but must be a number"),
        ({"num_outputs": 2}, "num_outputs is 2, but the network has 1"),
        ({"multi_step": 0.1}, "a list of .learning rate, last iteration."),
        ({"mean_pixel": [1, 2]}, "mean_pixel is .1, 2., but must be a list of 3"),
        ({"stride": 4}, "stride is 4; the network has 8"),
        ({"scale_jitter_lo": 2}, "scale_jitter_lo 2.0 is above scale_jitter_up 1.5"),
        ({"optimizer": "lion"}, "must be sgd or adam"),
        ({"lr_schedule": "linear"}, "must be multi_step or cosine"),
        ({"precision": "int8"}, "precision is 'int8', but must be auto, float32 or mixed_bfloat16"),
        ({"validation_fraction": 0.6}, "validation_fraction is 0.6, but must be at most 0.5"),
        ({"validation_iters": 0}, "validation_iters is 0, but must be greater than 0"),
        ({"crop_size": [20, 300]}, "crop_size is .20, 300., but must be auto"),
    ],
)
def test_problems_name_key_value_and_what_is_accepted(tmp_path, keys, message):
    with pytest.raises(DeepercutError, match=message):
        load_config(write(tmp_path, **keys))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("max_iters: 10.000", "max_iters is '10.000', but must be a whole number, without points in it: 10000, if"),
        ("save_iters: 1.030.000", "save_iters is '1.030.000', but must be a whole number, without points in it"),
        ("multi_step: [[0.005, 10.000]]", "multi_step is .*10.000.*whole numbers from 1 without points"),
    ],
)
def test_thousands_with_points_are_not_read_as_small_numbers(tmp_path, line, message):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(SMALLEST + line)
    with pytest.raises(DeepercutError, match=message):
        load_config(path)


def test_a_number_with_three_decimals_is_one(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(f"{SMALLEST}pos_dist_thresh: 17.000\nlocref_stdev: 7.125\n")
    assert (load_config(path).pos_dist_thresh, load_config(path).locref_stdev) == (17, 7.125)


def test_all_problems_are_in_one_message(tmp_path):
    with pytest.raises(DeepercutError, match=r"mirror.*; .*rotation"):
        load_config(write(tmp_path, mirror=1, rotation=-1))


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system ['false']", "- a list", "a: [", "\x00"])
def test_no_code_and_no_other_yaml(tmp_path, text):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(text)
    with pytest.raises(DeepercutError, match=r"pose_cfg\.yaml"):
        load_config(path)


def test_missing_file_says_where_it_should_be(tmp_path):
    with pytest.raises(DeepercutError, match=r"is a folder: name the pose_cfg\.yaml in it$"):
        load_config(tmp_path)
    with pytest.raises(DeepercutError, match="Step 4 makes it in each train folder"):
        load_config(tmp_path / "pose_cfg.yaml")


def test_a_file_of_deeplabcut_2(tmp_path):
    keys = {"project_path": str(tmp_path / "project"), "dataset": "training-datasets/it0/set.mat", "batch_size": 4}
    keys |= {"contrast": {"clahe": True}, "rotation": 25, "rotratio": 0.4, "apply_prob": 0.5, "crop_size": [400, 400]}
    config = load_config(write(tmp_path, **keys))
    assert config.resolve_data(config.dataset) == tmp_path / "project/training-datasets/it0/set.mat"
    assert config.resolve("./snapshot") == tmp_path / "snapshot"
    assert (config.batch_size, config.rotation, config.contrast, config.crop_size) == (4, 25, 0, (400, 400))
    assert config.ignored == ("apply_prob", "rotratio")
    config = load_config(write(tmp_path, rotation=False, num_outputs=1))
    assert (config.rotation, config.ignored) == (0, ("num_outputs",))


def test_the_keys_of_a_file_are_attributes(tmp_path):
    keys = read_keys(write(tmp_path))
    assert (keys.net_type, keys.multi_step[1][1], keys["net_type"]) == ("resnet_50", 430000, "resnet_50")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_joints: 1\nnum_joints: 2\n", "the key 'num_joints' stands twice, in lines 1 and 2: delete one"),
        ("items: 1\n", "unknown key 'items'"),
        ("1: 2\n", "unknown key 1"),
        ("contrast: {1: 2}\n", "a key is no text"),
    ],
)
def test_keys_that_cannot_be_attributes_are_errors(tmp_path, text, message):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(text)
    with pytest.raises(DeepercutError, match=message):
        load_config(path)


def test_the_config_of_a_project_is_told_from_that_of_a_network(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("Task: toy\nscorer: Ann\nvideo_sets: {}\nbodyparts: [nose]\n")
    with pytest.raises(
        DeepercutError, match=r"config\.yaml is the config\.yaml of a DeepLabCut project, not the pose_cfg"
    ):
        load_config(path)


@pytest.mark.parametrize(
    ("keys", "given", "snapshot", "checkpoint"),
    [({}, True, True, False), ({"padding": 16}, True, True, True), ({"padding": "none"}, False, False, False)],
)
def test_where_the_file_is_silent_the_weights_tell_whether_images_are_padded(
    tmp_path, keys, given, snapshot, checkpoint
):
    config = load_config(write(tmp_path, **keys))
    assert config.pads() == given
    assert config.pads(Path("train/snapshot-5.weights.h5")) == snapshot
    assert config.pads(Path("train/snapshot-5.index")) == checkpoint


@pytest.mark.parametrize(("value", "pads"), [(True, True), (False, False)])
def test_padding_may_be_true_or_false(tmp_path, value, pads):
    assert load_config(write(tmp_path, padding=value)).pads() is pads


@pytest.mark.parametrize("value", [None, 8, "None", "16", [16]])
def test_other_paddings_are_errors(tmp_path, value):
    with pytest.raises(DeepercutError, match=r"padding is .*, but must be 16, or the word none, or absent"):
        load_config(write(tmp_path, padding=value))


def test_a_network_of_deeplabcut_3_is_named(tmp_path):
    (tmp_path / "pytorch_config.yaml").write_text("method: bu\nmodel: {backbone: {type: ResNet}}\n")
    message = r"a network of DeepLabCut 3 \(PyTorch\): it computes otherwise .*ImportLabels.py takes along"
    with pytest.raises(DeepercutError, match=rf"{tmp_path.name} holds {message}"):
        load_config(tmp_path / "pose_cfg.yaml")
    with pytest.raises(DeepercutError, match=rf"pytorch_config.yaml describes {message}"):
        load_config(tmp_path / "pytorch_config.yaml")
