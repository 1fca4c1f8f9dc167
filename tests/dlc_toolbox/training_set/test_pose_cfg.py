import shutil
from pathlib import Path

import pytest
import yaml

from dlc_common.cli import CHECKOUT
from dlc_common.yaml_text import with_values
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.training_set.pose_cfg import (
    check_pose_cfg,
    go_on_without_padding,
    read_pose_cfg,
    warn_of_sizes,
    write_pose_cfgs,
)

PARTS = ["nose", "left ear", "right ear"]
EXPERIMENT = Experiment("toy", "Jan1", "Ann", 70, 1, 50)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def train_file(layout: Layout) -> Path:
    return layout.train_folder(EXPERIMENT) / "pose_cfg.yaml"


def test_a_new_file_is_the_template_with_its_first_keys_filled_in(layout: Layout):
    content = write_pose_cfgs(layout, EXPERIMENT, PARTS)
    assert read_pose_cfg(train_file(layout)) == content
    filled = {
        "dataset": "../../UnaugmentedDataSet_toyJan1/toy_Ann70shuffle1.mat",
        "num_joints": 3,
        "all_joints": [[0], [1, 2]],
        "all_joints_names": PARTS,
        "net_type": "resnet_50",
        "init_weights": (CHECKOUT / "pose-tensorflow/models/pretrained/resnet_v1_50.weights.h5").as_posix(),
    }
    assert content == read_pose_cfg(layout.pose_cfg_template) | filled
    assert (train_file(layout).parent / filled["dataset"]).resolve() == layout.mat_file(EXPERIMENT)
    comments = [line for line in layout.pose_cfg_template.read_text().splitlines() if line.startswith("#")]
    assert [line for line in train_file(layout).read_text().splitlines() if line.startswith("#")] == comments


def test_the_template_holds_the_values_of_v1(v1_data: Path):
    ours = read_pose_cfg(CHECKOUT / "Generating_a_Training_Set" / "pose_cfg.yaml")
    theirs = read_pose_cfg(v1_data / "pose_cfg_train.yaml")
    assert theirs.keys() <= ours.keys()
    of_the_project = {"dataset", "num_joints", "all_joints", "all_joints_names"}
    chosen_anew = {"save_iters", "display_iters"}
    for key in theirs.keys() - of_the_project - chosen_anew:
        assert ours[key] == theirs[key], key


def test_weights_of_the_project_go_before_those_of_the_checkout(layout: Layout):
    (layout.models / "pretrained").mkdir(parents=True)
    assert write_pose_cfgs(layout, EXPERIMENT, PARTS)["init_weights"] == "../../pretrained/resnet_v1_50.weights.h5"
    (layout.models / "pretrained" / "resnet_v1_50.ckpt").touch()
    train_file(layout).unlink()
    assert write_pose_cfgs(layout, EXPERIMENT, PARTS)["init_weights"] == "../../pretrained/resnet_v1_50.ckpt"


def test_the_test_file_of_v1(layout: Layout, v1_data: Path):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    test = read_pose_cfg(layout.test_folder(EXPERIMENT) / "pose_cfg.yaml")
    assert test.keys() == read_pose_cfg(v1_data / "pose_cfg_test.yaml").keys()
    assert test["scoremap_dir"] == "test"
    assert test["all_joints_names"] == PARTS
    assert test["locref_stdev"] == 7.2801


def test_what_a_user_edits_is_kept(layout: Layout):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    path = train_file(layout)
    edits = {"global_scale": 0.61, "all_joints": [[0], [1, 2]], "mean_pixel": [1, 2, 3]}
    text = with_values(path.read_text(), edits) + "# small mice\n"
    path.write_text(text)
    content = write_pose_cfgs(layout, EXPERIMENT, PARTS)
    assert path.read_text() == text
    assert content["all_joints"] == [[0], [1, 2]]
    assert read_pose_cfg(layout.test_folder(EXPERIMENT) / "pose_cfg.yaml")["global_scale"] == 0.61


def test_pairs_follow_the_names_of_their_parts(layout: Layout, caplog):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    path = train_file(layout)
    path.write_text(with_values(path.read_text(), {"all_joints": [[0], [1, 2]]}))
    content = write_pose_cfgs(layout, EXPERIMENT, ["left ear", "nose", "right ear"])
    assert content["all_joints"] == [[1], [0, 2]]
    assert not caplog.records
    content = write_pose_cfgs(layout, EXPERIMENT, ["left ear", "tail", "right ear"])
    assert content["all_joints"] == [[0], [1], [2]]
    assert "the pairs all_joints = [[1], [0, 2]] are dropped" in caplog.text


def test_a_new_file_pairs_left_and_right_by_their_names_and_leaves_mirroring_off(layout: Layout, caplog):
    parts = ["paw1LH", "paw2LF", "nose", "paw3RF", "paw4RH", "left ear"]
    content = write_pose_cfgs(layout, EXPERIMENT, parts)
    assert content["all_joints"] == [[0, 4], [1, 3], [2], [5]]
    assert content["mirror"] is False
    content = write_pose_cfgs(layout, EXPERIMENT, ["left ear", "nose", "paw2LF", "right ear"])
    assert content["all_joints"] == [[0, 3], [1], [2]]
    assert not caplog.records  # nobody chose the pairs that went


def test_what_follows_from_the_training_set_is_set_anew(layout: Layout):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    path = train_file(layout)
    path.write_text(with_values(path.read_text(), {"batch_size": 3}))
    deeper = Experiment("toy", "Jan1", "Ann", 70, 1, 101)
    content = write_pose_cfgs(layout, deeper, ["nose", "tail"])
    assert (content["num_joints"], content["all_joints"], content["all_joints_names"]) == (
        2,
        [[0], [1]],
        ["nose", "tail"],
    )
    assert content["net_type"] == "resnet_101"
    assert content["init_weights"].endswith("/resnet_v1_101.weights.h5")
    assert content["batch_size"] == 3


def test_weights_that_a_user_chose_stay(layout: Layout):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    path = train_file(layout)
    path.write_text(with_values(path.read_text(), {"init_weights": "../../other/train/snapshot-500"}))
    assert write_pose_cfgs(layout, EXPERIMENT, PARTS)["init_weights"] == "../../other/train/snapshot-500"


def test_a_file_of_v1_for_the_same_training_set_is_not_changed(tmp_path: Path, v1_data: Path):
    layout, experiment = Layout(tmp_path), Experiment("reaching", "Jan30", "Mackenzie", 95, 1, 50)
    (layout.models / "pretrained").mkdir(parents=True)
    path = layout.train_folder(experiment) / "pose_cfg.yaml"
    path.parent.mkdir(parents=True)
    shutil.copyfile(v1_data / "pose_cfg_train.yaml", path)
    write_pose_cfgs(layout, experiment, ["hand", "Finger1", "Finger2", "Joystick"])
    assert path.read_bytes() == (v1_data / "pose_cfg_train.yaml").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nall:\n- [0]\n- [1]\nb: 2\n",
        "a: 1\nall:\n  - - 0\n  - - 1\nb: 2\n",
        "a: 1\nall: [[0],\n  [1]]\nb: 2",
        "a: 1\nall : [[0], [1]]\nb: 2\n",
        "a: 1\nb: 2",
    ],
)
def test_values_are_set_in_any_layout(text: str):
    new = with_values(text, {"all": [[5], [6]]})
    assert yaml.safe_load(new) == {"a": 1, "all": [[5], [6]], "b": 2}


@pytest.mark.parametrize("value", ["no", "1", "a: b", "{x}", "é # no comment", "", None, True, 0.5, "l" * 300])
def test_any_value_comes_back(value: object):
    assert yaml.safe_load(with_values("# first\na: 1\n", {"a": value, "b": [value]})) == {"a": value, "b": [value]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as yaml"),
        ("- 1", "must hold lines"),
        ("{num_joints: 3}", "each key at the start of a line"),
    ],
)
def test_files_that_cannot_be_edited_are_named_and_kept(layout: Layout, text: str, message: str):
    path = train_file(layout)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ToolboxError, match=rf"pose_cfg\.yaml.*{message}") as told:
        write_pose_cfgs(layout, EXPERIMENT, PARTS)
    assert "\n" not in str(told.value)
    assert path.read_text() == text


def test_yaml_cannot_run_code(tmp_path: Path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/ran']\n")
    with pytest.raises(ToolboxError, match="cannot be read as yaml"):
        read_pose_cfg(path)
    assert not (tmp_path / "ran").exists()


LIMITS = {"global_scale": 0.8, "scale_jitter_lo": 0.5, "scale_jitter_up": 1.5, "max_input_size": 1000}


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((640, 480), True),
        ((84, 640), True),  # 84 * 0.8 * 1.5 = 100.8 pixels
        ((640, 83), False),
        ((2500, 2500), True),  # 2500 * 0.8 * 0.5 = 1000
        ((2501, 2500), False),
        ((20_000, 90), False),  # any scale for a side of 100 makes the area 22,222 * 100
    ],
)
def test_images_that_fit_at_no_scale_are_told(size: tuple[int, int], fits: bool, caplog):
    warn_of_sizes([(640, 480), size], LIMITS)
    assert ("1 of 2 training images are left out" in caplog.text) != fits
    assert (f"squared (1 of {size[0]} x {size[1]})" in caplog.text) != fits


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((640, 480), None),
        ((84, 640), "84 x 640 at 1.19 to 1.2"),
        ((1920, 1080), "1920 x 1080 at 0.4 to 0.694"),
    ],
)
def test_images_that_never_train_in_full_size_are_told(size: tuple[int, int], told: str | None, caplog):
    warn_of_sizes([(640, 480), size], LIMITS)
    expected = f"1 of 2 training images never train in full size (1 of {told} of it), but frames are looked at in"
    assert [expected in message for message in caplog.messages] == ([True] if told else [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("global_scale: 0,8", "global_scale is '0,8', but must be a number greater than 0"),
        ("global_scale: null", "global_scale is None"),
        ("global_scale: true", "global_scale is True"),
        ("global_scale: -0.5", "global_scale is -0.5"),
        ("scale_jitter_lo: [1]", r"scale_jitter_lo is \[1\]"),
        ("scale_jitter_up: .nan", "scale_jitter_up is nan"),
        ("max_input_size: abc", "max_input_size is 'abc'"),
    ],
)
def test_scales_must_be_positive_numbers(layout: Layout, line: str, message: str):
    path = train_file(layout)
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    with pytest.raises(ToolboxError, match=rf"pose_cfg\.yaml: {message}"):
        check_pose_cfg(layout, EXPERIMENT)


def test_scales_as_yaml_allows_them(layout: Layout, caplog):
    check_pose_cfg(layout, EXPERIMENT)
    path = train_file(layout)
    path.parent.mkdir(parents=True)
    path.write_text("global_scale: 1e-1\nmax_input_size: null\n")
    check_pose_cfg(layout, EXPERIMENT)
    warn_of_sizes([(999, 1001), (1000, 1000)], read_pose_cfg(path))
    assert "1 of 2 training images are left out" in caplog.text


def test_without_limit_nothing_is_too_large(caplog):
    warn_of_sizes([(20_000, 20_000)], {})
    assert caplog.text == ""


def test_a_network_that_starts_from_one_of_deeplabcut_is_not_padded(layout: Layout):
    write_pose_cfgs(layout, EXPERIMENT, PARTS)
    path = train_file(layout)
    path.write_text(with_values(path.read_text(), {"init_weights": "../../other/train/snapshot-500"}))
    before, asked = path.read_text(), []
    go_on_without_padding(path, lambda weights: asked.append(weights))
    assert path.read_text() == before
    assert [weights.resolve() for weights in asked] == [layout.models / "other/train/snapshot-500"]
    go_on_without_padding(path, lambda weights: True)
    assert path.read_text() == before + "padding: none\n"
    path.write_text(before + "padding: 16\n")
    go_on_without_padding(path, lambda weights: pytest.fail("the file tells"))
