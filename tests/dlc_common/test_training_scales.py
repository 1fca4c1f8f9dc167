"""At which scales images train, and what is advised where frames are looked at in another size."""

from __future__ import annotations

import pytest

from dlc_common.training_scales import TrainingScales

TEMPLATE = TrainingScales(0.8, 0.5, 1.5, 1000)
V1 = TrainingScales(0.8, 0.5, 1.25, 1000)


def test_keys_are_taken_from_a_pose_cfg():
    config = {"global_scale": 0.8, "scale_jitter_lo": "5e-1", "max_input_size": None, "net_type": "resnet_50"}
    assert TrainingScales.of(config) == TrainingScales(0.8, 0.5, 1.0, float("inf"))


@pytest.mark.parametrize(
    ("scales", "size"),
    [
        (TEMPLATE, (480, 640)),
        (TEMPLATE, (97, 640)),  # from 1.03 on
        (TEMPLATE, (1024, 1024)),  # up to 0.98
        (V1, (480, 640)),  # up to 1
        (TrainingScales(), (100, 100)),
    ],
)
def test_of_images_that_train_in_full_size_nothing_is_said(scales, size):
    assert (scales.left_out([size]), scales.unlike_frames([size])) == (None, None)


@pytest.mark.parametrize(
    ("scales", "size", "advice"),
    [
        (TEMPLATE, (20, 24), "24 x 20 is too small whatever the settings"),
        (TEMPLATE, (20, 24), "enlarge the videos and label images of these (ffmpeg -i small.mp4 -vf scale=6*iw:6*ih "),
        (TEMPLATE, (3000, 4000), "4000 x 3000 is too large for max_input_size: set it to 3465 in pose_cfg.yaml"),
        (TEMPLATE, (3000, 4000), "set global_scale to 0.28 and divide pos_dist_thresh by 0.28 in pose_cfg.yaml"),
        (TEMPLATE, (3000, 4000), "and set analysisscale to 0.28 in myconfig_analysis.py"),
        (TrainingScales(0.5), (120, 136), "Set global_scale to 1 in pose_cfg.yaml."),
        (TrainingScales(0.5, 0.5, 0.8), (120, 136), "Set global_scale to 1.25 in pose_cfg.yaml."),
    ],
)
def test_images_that_cannot_train_are_told_with_what_to_do(scales, size, advice):
    assert scales.unlike_frames([size]) is None
    told = scales.left_out([size, (480, 640)])
    assert told.startswith("1 of 2 training images are left out: scaled by ")
    assert f"(1 of {size[1]} x {size[0]})" in told and advice in told


@pytest.mark.parametrize(
    ("scales", "size", "at", "advice"),
    [
        (TrainingScales(3.5, 0.5, 1.5, 1000), (20, 24), "5 to 5.25", "24 x 20 is too small whatever the settings"),
        (
            TrainingScales(0.548, 0.5, 1.5, 1000),
            (3000, 4000),
            "0.274 to 0.289",
            "set it to 3465, and global_scale to 1,",
        ),
        (TEMPLATE, (90, 90), "1.11 to 1.2", "scale=2*iw:2*ih"),
        (TEMPLATE, (1080, 1920), "0.4 to 0.694", "set it to 1440 in pose_cfg.yaml if memory allows"),
        (TEMPLATE, (1080, 1920), "0.4 to 0.694", "train and analyze at 0.69 of full size"),
        (TrainingScales(0.8), (480, 640), "0.8", "Set global_scale to 1 in pose_cfg.yaml."),
    ],
)
def test_images_that_never_train_in_full_size_are_told_with_what_to_do(scales, size, at, advice):
    assert scales.left_out([size]) is None
    told = scales.unlike_frames([size, size])
    assert told.startswith(
        f"2 of 2 training images never train in full size (2 of {size[1]} x {size[0]} at {at} of it)"
    )
    assert "unless analysisscale in myconfig_analysis.py says otherwise" in told and advice in told


@pytest.mark.parametrize("size", [(3000, 4000), (1080, 1920), (1500, 1500)])
@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (1.0, 1.0), (0.3, 0.6), (2.0, 3.0)])
def test_what_is_advised_trains_at_the_scale_of_the_analysis(size, low, high):
    told = TrainingScales(0.8, low, high, 1000)._advice([size])
    global_scale, scale = (
        float(told.split(f"set {key} to ")[1].split()[0]) for key in ("global_scale", "analysisscale")
    )
    smallest, largest = TrainingScales(global_scale, low, high, 1000).of_image(size)
    assert smallest <= 1.02 * scale and largest >= scale / 1.02


def test_small_and_large_images_are_advised_on_in_one_message():
    told = TEMPLATE.left_out([(3000, 4000), (20, 24), (20, 24)])
    assert "(2 of 24 x 20, 1 of 4000 x 3000)" in told
    assert "24 x 20 is too small" in told and "4000 x 3000 is too large" in told


def test_no_scale_is_advised_at_which_an_image_is_too_narrow():
    told = TrainingScales(max_input_size=90).left_out([(120, 136)])
    assert "set it to 128 in pose_cfg.yaml" in told and "analysisscale" not in told
