"""The pose network's sizes, padding, heads and precision."""

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.network.posenet import CenterAndPad, build_posenet

MEAN_PIXEL = (123.68, 116.779, 103.939)


@pytest.fixture(scope="module")
def posenet():
    keras.utils.set_random_seed(0)
    return build_posenet(50, 3, MEAN_PIXEL, intermediate_supervision_layer=6)


def predict(model, images):
    return {name: keras.ops.convert_to_numpy(output) for name, output in model(images).items()}


def picture(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_center_and_pad_by_hand():
    images = np.full((1, 17, 16, 3), 100, "float32")
    padded = keras.ops.convert_to_numpy(CenterAndPad([90, 100, 110])(images))
    assert padded.shape == (1, 32, 16, 3)
    assert (padded[:, :17] == [10, 0, -10]).all()
    assert (padded[:, 17:] == 0).all()


@pytest.mark.parametrize(("size", "padded"), [(16, 16), (17, 32), (31, 32), (None, None)])
def test_center_and_pad_knows_its_shape(size, padded):
    assert CenterAndPad(MEAN_PIXEL)(keras.Input((size, 5, 3))).shape == (None, padded, 16, 3)


@pytest.mark.parametrize(("height", "width", "rows", "cols"), [(16, 16, 2, 2), (33, 48, 6, 6), (50, 17, 8, 4)])
def test_maps_have_two_cells_per_begun_16_pixels(posenet, height, width, rows, cols):
    outputs = predict(posenet, picture(2, height, width, 3))
    assert {name: output.shape for name, output in outputs.items()} == {
        "part_pred": (2, rows, cols, 3),
        "locref_pred": (2, rows, cols, 6),
        "part_pred_interm": (2, rows, cols, 3),
    }
    assert all(output.dtype == np.float32 for output in outputs.values())


def test_padding_is_the_mean_pixel(posenet):
    images = picture(1, 40, 50, 3).astype("float32")
    padded = np.broadcast_to(np.array(MEAN_PIXEL, "float32"), (1, 48, 64, 3)).copy()
    padded[:, :40, :50] = images
    for ours, expected in zip(predict(posenet, images).values(), predict(posenet, padded).values(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(expected).max())


def test_uint8_and_float_images_give_the_same(posenet):
    images = picture(1, 32, 32, 3)
    expected = predict(posenet, images.astype("float32"))
    for name, output in predict(posenet, images).items():
        np.testing.assert_array_equal(output, expected[name])


def test_each_image_of_a_batch_stands_alone(posenet):
    images = picture(2, 32, 32, 3)
    both, second = predict(posenet, images)["part_pred"], predict(posenet, images[1:])["part_pred"]
    np.testing.assert_allclose(both[1:], second, atol=1e-4 * np.abs(second).max())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.function")
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.campaign)])
def test_compiled_for_any_size(posenet, jit_compile):
    import tensorflow as tf

    signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
    compiled = tf.function(posenet, input_signature=signature, jit_compile=jit_compile)
    images = picture(1, 33, 20, 3)
    for name, expected in predict(posenet, images).items():
        np.testing.assert_allclose(compiled(images)[name], expected, atol=1e-4 * np.abs(expected).max())


def test_heads_start_as_in_slim(posenet):
    """Glorot's uniform distribution: the limit counts channels times kernel cells on both sides."""
    kernel, bias = posenet.get_layer("locref_pred").get_weights()
    limit = np.sqrt(6 / (9 * (2048 + 6)))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.02)
    assert not bias.any()


def test_a_head_adds_its_kernel_around_every_second_cell(posenet):
    """A transposed convolution, 'same': cell (r, c) of the features reaches rows 2r to 2r + 2, columns likewise."""
    head, crop = posenet.get_layer("part_pred"), posenet.get_layer("part_pred_crop")
    features = np.zeros((1, 3, 3, 2048), "float32")
    features[0, 1, 0, 7] = 1
    expected = np.zeros((6, 6, 3), "float32")
    expected[2:5, 0:3] = keras.ops.convert_to_numpy(head.kernel)[..., 7]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(crop(head(features)))[0], expected, atol=1e-6)


def test_without_location_refinement_there_is_one_head():
    assert list(build_posenet(50, 3, MEAN_PIXEL, location_refinement=False).output) == ["part_pred"]


@pytest.mark.parametrize("unit", [0, 7, 12])
def test_a_unit_that_block_3_lacks_is_an_error(unit):
    with pytest.raises(
        DeepercutError, match=f"intermediate_supervision_layer is {unit}, .*resnet_50 has the units 1 to 6"
    ):
        build_posenet(50, 3, MEAN_PIXEL, intermediate_supervision_layer=unit)


def test_mixed_precision_keeps_float32_maps(posenet):
    mixed = build_posenet(50, 3, MEAN_PIXEL, intermediate_supervision_layer=6, precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"
    mixed.set_weights(posenet.get_weights())
    images = picture(1, 32, 32, 3)
    expected = predict(posenet, images)
    for name, output in predict(mixed, images).items():
        assert output.dtype == np.float32
        assert 0 < np.abs(output - expected[name]).max() < 0.05 * np.abs(expected[name]).max()


def test_without_padding_images_are_only_centred():
    layer = CenterAndPad([90, 100, 110], padding=False)
    centred = keras.ops.convert_to_numpy(layer(np.full((1, 17, 5, 3), 100, "float32")))
    assert centred.shape == (1, 17, 5, 3)
    assert (centred == [10, 0, -10]).all()
    assert layer(keras.Input((17, 5, 3))).shape == (None, 17, 5, 3)
    assert CenterAndPad.from_config(layer.get_config()).padding is False


def test_without_padding_the_maps_are_as_large_and_differ_only_where_sides_are_no_multiples_of_16(posenet):
    plain = build_posenet(50, 3, MEAN_PIXEL, intermediate_supervision_layer=6, padding=False)
    plain.set_weights(posenet.get_weights())
    for size, is_equal in [((32, 48), True), ((33, 48), False), ((50, 17), False)]:
        images = picture(1, *size, 3)
        ours, expected = predict(plain, images), predict(posenet, images)
        for name, output in ours.items():
            assert output.shape == expected[name].shape
            assert np.allclose(output, expected[name], atol=1e-4 * np.abs(expected[name]).max()) == is_equal
