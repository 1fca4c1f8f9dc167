"""From a .mat to batches."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.data.augment import turned_size
from deepercut.data.dataset import TrainingBatches, canvas_size, load_dataset, scales_of
from dlc_common import UsersError


def batches_of(folder, start=0, stop=8, share=(0, 1), **overrides):
    config = load_config(folder / "pose_cfg.yaml", overrides)
    return TrainingBatches(load_dataset(config), config, seed=5, start=start, stop=stop, share=share)


def test_load_dataset_keeps_order_and_sub_pixels(make_train_folder, write_mat):
    folder = make_train_folder()
    write_mat(folder / "set.mat", [{"image": "img1.png", "size": (120, 136), "joints": [[2, 10.25, 7.75]]}])
    (image,) = load_dataset(load_config(folder / "pose_cfg.yaml"))
    assert image.path.name == "img1.png"
    assert image.size == (120, 136)
    np.testing.assert_array_equal(image.joints, [[2, 10.25, 7.75]])


def test_images_of_deeplabcut_2_are_found_in_its_project(make_train_folder, write_mat):
    folder = make_train_folder(project_path=".")
    (folder / "labeled-data").mkdir()
    (folder / "img0.png").rename(folder / "labeled-data" / "img0.png")
    entry = {"image": "labeled-data\\img0.png", "size": (120, 136), "joints": [[0, 1, 1]]}
    write_mat(folder / "set.mat", [entry, {**entry, "image": ["labeled-data", "img0.png"]}])
    images = load_dataset(load_config(folder / "pose_cfg.yaml"))
    assert [image.path for image in images] == [folder / "labeled-data" / "img0.png"] * 2


def test_part_number_beyond_num_joints_names_the_image(make_train_folder, write_mat):
    folder = make_train_folder()
    write_mat(folder / "set.mat", [{"image": "img1.png", "size": (120, 136), "joints": [[3, 1, 1]]}])
    with pytest.raises(DeepercutError, match=r"part number 3 in img1\.png.*num_joints 3"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


def test_gone_image_is_named(make_train_folder):
    folder = make_train_folder()
    (folder / "img2.png").unlink()
    with pytest.raises(DeepercutError, match=r"1 images of set\.mat are gone: .*img2\.png\. Run Step 4 again"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


def test_images_that_cannot_train_are_all_told_before_training(make_train_folder):
    folder = make_train_folder()
    (folder / "img1.png").write_bytes(b"no image")
    Image.new("RGB", (130, 120)).save(folder / "img2.png")
    message = (
        r"set\.mat names images that cannot train: .*img1\.png is .*; .*img2\.png is 130 x 120 pixels, but was "
        r"\d+ x 120 when Step 4 made the training set"
    )
    with pytest.raises(DeepercutError, match=message):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


@pytest.mark.parametrize("content", [b"", b"no mat file", b"MATLAB 5.0" + bytes(300)])
def test_damaged_mat_is_named(make_train_folder, content):
    folder = make_train_folder()
    (folder / "set.mat").write_bytes(content)
    with pytest.raises(UsersError, match=r"set\.mat is (no training set|empty, not a training set)"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


def test_missing_mat_is_named(make_train_folder):
    folder = make_train_folder()
    (folder / "set.mat").unlink()
    with pytest.raises(UsersError, match=r"set\.mat does not exist: run Step 4"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


def test_images_that_cannot_fit_are_reported_and_left_out(make_train_folder, write_mat, caplog):
    folder = make_train_folder(max_input_size=130)
    Image.fromarray(np.zeros((60, 90, 3), np.uint8)).save(folder / "small.png")
    entries = [
        {"image": "img0.png", "size": (120, 136), "joints": [[0, 5, 5]]},
        {"image": "small.png", "size": (60, 90), "joints": [[0, 5, 5]]},
    ]
    write_mat(folder / "set.mat", entries)
    with caplog.at_level(logging.WARNING):
        images = load_dataset(load_config(folder / "pose_cfg.yaml"))
    assert [image.path.name for image in images] == ["img0.png"]
    assert "1 of 2 training images are left out" in caplog.text
    assert "1 of 90 x 60" in caplog.text


def test_nothing_left_is_an_error_that_says_what_to_set(make_train_folder):
    folder = make_train_folder(global_scale=0.5)
    with pytest.raises(DeepercutError, match=r"5 of 136 x 120\). Set global_scale to 1 in pose_cfg\.yaml"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))
    assert len(load_dataset(load_config(folder / "pose_cfg.yaml", {"global_scale": 1}))) == 5


def test_limits_that_leave_no_scale_are_told(make_train_folder):
    folder = make_train_folder(max_input_size=90)
    with pytest.raises(DeepercutError, match=r"136 x 120 is too large for max_input_size: set it to 128"):
        load_dataset(load_config(folder / "pose_cfg.yaml"))


def test_jitter_is_clipped_so_that_the_image_fits(make_train_folder):
    folder = make_train_folder(max_input_size=160, scale_jitter_lo=0.5, scale_jitter_up=2.0)
    config = load_config(folder / "pose_cfg.yaml")
    assert scales_of((120, 136), config) == (pytest.approx(100 / 120), pytest.approx(160 / np.sqrt(120 * 136)))
    assert scales_of((400, 400), config) is None


def test_every_pass_sees_every_image_once_in_another_order(make_train_folder):
    batches = batches_of(make_train_folder())
    names = [batches.paths(i)[0].name for i in range(15)]
    passes = [names[:5], names[5:10], names[10:]]
    assert all(sorted(each) == [f"img{i}.png" for i in range(5)] for each in passes)
    assert len({tuple(each) for each in passes}) > 1


def test_no_shuffle_keeps_the_order(make_train_folder):
    batches = batches_of(make_train_folder(), shuffle=False)
    assert [batches.paths(i)[0].name for i in range(6)] == [f"img{i}.png" for i in (0, 1, 2, 3, 4, 0)]


def test_a_batch_depends_on_seed_and_iteration_alone(make_train_folder):
    folder = make_train_folder(scale_jitter_lo=0.9, scale_jitter_up=1.5, noise=0.1)
    whole, resumed = batches_of(folder), batches_of(folder, start=3)
    for index in (0, 2):
        (x, y), (x_resumed, y_resumed) = whole[3 + index], resumed[index]
        np.testing.assert_array_equal(x, x_resumed)
        np.testing.assert_array_equal(y["locref_pred"], y_resumed["locref_pred"])
    assert len(resumed) == 5


def test_neighbours_never_share_a_side_length_without_a_canvas(make_train_folder):
    batches = batches_of(make_train_folder(scale_jitter_lo=0.9, scale_jitter_up=1.5))
    shapes = np.array([batches[i][0].shape[1:3] for i in range(8)])
    assert (shapes[1:] != shapes[:-1]).all()


def test_images_of_one_size_are_padded_as_little_as_can_be(make_train_folder):
    batches = batches_of(make_train_folder())
    assert {batches[i][0].shape for i in range(4)} == {(1, 128, 144, 3)}  # 120 x 136, to multiples of 16


def test_without_padding_images_keep_their_size_and_neighbours_still_differ(make_train_folder):
    assert batches_of(make_train_folder(padding="none"))[0][0].shape == (1, 120, 136, 3)
    batches = batches_of(make_train_folder(padding="none", scale_jitter_up=1.004))
    assert batches[0][0].shape == (1, 120, 136, 3)
    x, y = batches[1]  # whose neighbours have that size
    assert x.shape == (1, 136, 152, 3)  # whole cells of the features more, so that the image lies as it would alone
    assert y["part_pred"].shape == (1, 18, 20, 6)  # ceil(size / 16) * 2
    weights = y["part_pred"][0, :, :, 3:]
    np.testing.assert_allclose(weights[:16, :18], 1 / (16 * 18 * 3), rtol=1e-6)  # over the image's own map
    assert (weights[16:] == 0).all()
    assert (weights[:, 18:] == 0).all()


def test_padding_is_the_mean_pixel_and_counts_nothing(make_train_folder):
    batches = batches_of(make_train_folder(scale_jitter_up=1.004))
    assert batches[0][0].shape == (1, 128, 144, 3)
    x, y = batches[1]  # its neighbours have that size, so it gets another
    assert x.shape == (1, 144, 160, 3)
    np.testing.assert_allclose(x[0, 120:], np.broadcast_to([123.68, 116.779, 103.939], (24, 160, 3)), rtol=1e-6)
    weights = y["part_pred"][0, :, :, 3:]
    assert weights.shape == (18, 20, 3)
    np.testing.assert_allclose(weights[:16, :18], 1 / (16 * 18 * 3), rtol=1e-6)  # v1's mean is over all of 128 x 144
    assert (weights[16:] == 0).all()
    assert (weights[:, 18:] == 0).all()


def test_targets_are_where_the_joint_is(make_train_folder):
    batches = batches_of(make_train_folder(), shuffle=False)
    _, y = batches[0]
    positive = y["part_pred"][0, :, :, 0] == 1
    rows, columns = np.nonzero(positive)
    assert abs((columns * 8 + 4).mean() - 30) < 4
    assert abs((rows * 8 + 4).mean() - 40) < 4
    dx = y["locref_pred"][0, :, :, 0] * 7.2801
    np.testing.assert_allclose(dx[positive], 30 - (columns * 8 + 4), atol=1e-4)


def test_only_present_parts_count_when_asked(make_train_folder):
    folder = make_train_folder(weigh_part_predictions=True, weigh_only_present_joints=True)
    _, y = batches_of(folder, shuffle=False)[4]  # the last image lacks part 2
    assert y["part_pred"][..., 3 + 1].any()
    assert not y["part_pred"][..., 3 + 2].any()


def test_batches_of_images_of_mixed_sizes(make_train_folder):
    folder = make_train_folder(batch_size=2, scale_jitter_lo=0.9, scale_jitter_up=1.5)
    x, y = batches_of(folder)[0]
    assert x.shape[0] == y["part_pred"].shape[0] == 2
    assert tuple(np.array(x.shape[1:3]) // 8) == y["part_pred"].shape[1:3]


def test_shares_of_a_batch_make_the_batch(make_train_folder):
    folder = make_train_folder(batch_size=4, scale_jitter_lo=0.9, scale_jitter_up=1.5)
    whole, (first, second) = batches_of(folder)[1], (batches_of(folder, share=(part, 2))[1] for part in range(2))
    np.testing.assert_array_equal(np.concatenate([first[0], second[0]]), whole[0])
    for name, targets in whole[1].items():
        np.testing.assert_array_equal(np.concatenate([first[1][name], second[1][name]]), targets)


def test_canvas_gives_one_shape(make_train_folder):
    folder = make_train_folder(crop_size="auto", scale_jitter_lo=0.9, scale_jitter_up=1.5, rotation=20.0)
    batches = batches_of(folder)
    assert canvas_size(batches.images, batches.config) == (128, 144)
    assert {batches[i][0].shape for i in range(6)} == {(1, 128, 144, 3)}
    assert canvas_size(batches.images, replace(batches.config, crop_size=(100, 70))) == (80, 112)


def test_rotation_needs_no_canvas(make_train_folder):
    folder = make_train_folder(rotation=30.0)
    still, turned = batches_of(folder, rotation=0.0), batches_of(folder)
    assert np.abs(turned[0][0][:, :120, :128] - still[0][0][:, :120, :128]).max() > 20


def test_images_get_room_to_turn(make_train_folder):
    batches = batches_of(make_train_folder(size=(120, 240), rotation=180.0), stop=17)
    shapes = []
    for iteration in range(0, 17, 2):
        _, _, angle = batches._draw(iteration)
        height, width = turned_size((120, 240), angle)
        assert (height + width, abs(angle) <= 180) == (360, True)
        shapes.append(batches[iteration][0].shape[1:3])
        assert shapes[-1] == (-(-height // 16) * 16, -(-width // 16) * 16)
    assert len(set(shapes)) > 1
    assert not {batches[1][0].shape[1:3]} & {shapes[0], shapes[1]}  # no side looks fixed, see `_shape`


def test_changed_image_is_named(make_train_folder):
    folder = make_train_folder()
    batches = batches_of(folder, shuffle=False)
    Image.fromarray(np.zeros((130, 136, 3), np.uint8)).save(folder / "img0.png")
    with pytest.raises(DeepercutError, match=r"img0\.png is 136 x 130 pixels, but was 136 x 120"):
        batches[0]
    assert batches.error is not None
