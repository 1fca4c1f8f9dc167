"""The ResNet against Keras' own, against itself at another output stride, and under shifts."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import deepercut
from deepercut import DeepercutError
from deepercut.network.resnet import StoredBatchNormalization, resnet_v1
from deepercut.weights.checkpoints import fill, read_weights
from deepercut.weights.foreign import convert_keras_resnet

MEAN_PIXEL = np.array([123.68, 116.779, 103.939], "float32")
PRETRAINED = Path(deepercut.__file__).parents[1] / "models" / "pretrained"


def build(depth=50, output_stride=16):
    images = keras.Input((None, None, 3))
    return keras.Model(images, list(resnet_v1(images, depth, output_stride).values())[-1])


def compute(model, images):
    return keras.ops.convert_to_numpy(model(images))


def randomize(model, seed=0):
    """Give every variable values of the size that training gives them, the statistics too."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name == "kernel":
                value = rng.standard_normal(weight.shape, "float32") * np.sqrt(1.5 / np.prod(weight.shape[:3]))
            elif weight.name in {"gamma", "moving_variance"}:
                value = rng.uniform(0.5, 1.5, weight.shape)
            else:
                value = rng.normal(scale=0.3, size=weight.shape)
            weight.assign(value)


def arrays_of(model):
    return {
        f"{layer.name}/{weight.name}": keras.ops.convert_to_numpy(weight)
        for layer in model.layers
        for weight in layer.weights
    }


@pytest.fixture(scope="module")
def resnet():
    model = build()
    randomize(model)
    return model


def keras_features_and_ours(keras_resnet, size):
    """Return Keras' features of a random picture, and ours with the converted weights, at output stride 32."""
    ours = build(output_stride=32)
    fill(ours, convert_keras_resnet(arrays_of(keras_resnet)), "Keras")
    images = np.random.default_rng(1).uniform(0, 255, (1, size, size, 3)).astype("float32")
    bgr = (images - MEAN_PIXEL)[..., ::-1]
    return compute(keras_resnet, bgr), compute(ours, images - MEAN_PIXEL)


def test_converted_weights_compute_the_features_of_keras():
    keras_resnet = keras.applications.ResNet50(weights=None, include_top=False)
    randomize(keras_resnet)
    expected, features = keras_features_and_ours(keras_resnet, 65)  # ceil(65 / 2) is odd: both pools pad alike
    assert features.shape == (1, 3, 3, 2048)
    assert expected.std() > 0.01
    np.testing.assert_allclose(features, expected, atol=1e-4 * np.abs(expected).max())


def keras_name(layer):
    """Keras' name of a layer of ours, written down without the converter."""
    if not (match := re.fullmatch(r"block(\d)_unit_(\d+)_(shortcut|conv(\d))(_bn)?", layer)):
        return {"conv1": "conv1_conv", "conv1_bn": "conv1_bn"}[layer]
    return f"conv{int(match[1]) + 1}_block{match[2]}_{match[4] or 0}_{'bn' if match[5] else 'conv'}"


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "resnet_v1_50.weights.h5").exists(), reason="needs models/pretrained/download.py")
def test_imagenet_weights_compute_the_features_of_keras():
    arrays = read_weights(PRETRAINED / "resnet_v1_50.weights.h5")
    keras_resnet = keras.applications.ResNet50(weights=None, include_top=False)  # its biases start at 0
    for name, array in arrays.items():
        layer, variable = name.split("/")
        weights = {weight.name: weight for weight in keras_resnet.get_layer(keras_name(layer)).weights}
        weights[variable].assign(array[:, :, ::-1] if name == "conv1/kernel" else array)
    expected, features = keras_features_and_ours(keras_resnet, 225)
    np.testing.assert_allclose(features, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [
        (50, 23_561_152),
        pytest.param(101, 42_605_504, marks=pytest.mark.campaign),
        pytest.param(152, 58_295_232, marks=pytest.mark.campaign),
    ],
)
def test_number_of_parameters(depth, parameters):
    """Keras' numbers without classifier, less one bias per channel, which batch normalization replaces."""
    assert build(depth).count_params() == parameters


def test_dense_features_contain_the_sparse_ones(resnet):
    """Dilation is there so that every second cell at output stride 16 is the cell at output stride 32."""
    sparse = build(output_stride=32)
    fill(sparse, arrays_of(resnet), "resnet")
    images = np.random.default_rng(2).normal(scale=50, size=(1, 96, 64, 3)).astype("float32")
    dense = compute(resnet, images)
    assert dense.shape == (1, 6, 4, 2048)
    expected = compute(sparse, images)
    np.testing.assert_allclose(dense[:, ::2, ::2], expected, atol=1e-4 * np.abs(expected).max())


def test_shifted_images_have_shifted_features_and_size_does_not_matter(resnet):
    """Cells 16 to 18 see 241 pixels on each side: nothing of the border at 560 pixels."""
    rng = np.random.default_rng(3)
    images = rng.normal(scale=50, size=(1, 576, 48, 3)).astype("float32")
    features = compute(resnet, images)[:, :, 1]
    tolerance = 1e-4 * np.abs(features).max()
    shifted = compute(resnet, np.roll(images, 16, axis=1))[:, :, 1]
    np.testing.assert_allclose(shifted[:, 17:19], features[:, 16:18], atol=tolerance)
    assert np.abs(features[:, 17:19] - features[:, 16:18]).max() > 100 * tolerance
    longer = np.concatenate([images, rng.normal(scale=50, size=(1, 7, 48, 3)).astype("float32")], axis=1)
    np.testing.assert_allclose(compute(resnet, longer)[:, 16:19, 1], features[:, 16:19], atol=tolerance)


def test_batch_norm_uses_and_keeps_the_stored_statistics_in_training():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients by TensorFlow's tape")
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, StoredBatchNormalization(epsilon=0)(inputs))
    gamma, beta, mean, variance = model.layers[-1].weights
    for weight, value in ((gamma, 3.0), (beta, 1.0), (mean, 2.0), (variance, 4.0)):
        weight.assign([value, value])
    images = tf.random.normal((2, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=True)
    np.testing.assert_allclose(outputs, (images - 2) / 2 * 3 + 1, rtol=1e-4, atol=1e-4)
    assert mean.numpy().tolist() == [2, 2] and variance.numpy().tolist() == [4, 4]
    assert [v.path for v in model.trainable_variables] == [gamma.path, beta.path]
    of_gamma, of_beta, of_images = tape.gradient(outputs, [gamma.value, beta.value, images])
    np.testing.assert_allclose(of_gamma, np.sum((images - 2) / 2, axis=(0, 1, 2)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(of_beta, [32, 32])
    np.testing.assert_allclose(of_images, np.full((2, 4, 4, 2), 3 / 2))


def test_a_depth_that_does_not_exist_is_an_error():
    with pytest.raises(DeepercutError, match="ResNet depth is 34; accepted are 50, 101, 152"):
        build(34)
