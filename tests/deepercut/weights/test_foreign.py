"""Names and conventions of Keras and TensorFlow 1; checkpoints written by TensorFlow itself."""

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.network.posenet import build_posenet
from deepercut.weights import foreign
from deepercut.weights.checkpoints import load_weights, read_weights, resolve_weights
from deepercut.weights.foreign import convert_keras_resnet, export_tf1, read_tf1, tf1_name
from tests.limits import files_up_to

tf1 = pytest.importorskip("tensorflow").compat.v1

MEAN_PIXEL = (123.68, 116.779, 103.939)
UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def slim_variables(depth, num_joints=None, intermediate=False):
    """Name and shape of every variable of slim's ResNet v1 and DeepLabCut's heads, built as their scopes nest."""

    def conv(scope, size, inputs, outputs):
        shapes[f"{scope}/weights"] = (size, size, inputs, outputs)
        for variable in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{scope}/BatchNorm/{variable}"] = (outputs,)

    shapes = {}
    conv(f"resnet_v1_{depth}/conv1", 7, 3, 64)
    inputs = 64
    for block, units in enumerate(UNITS[depth], 1):
        base = 32 * 2**block
        for unit in range(1, units + 1):
            scope = f"resnet_v1_{depth}/block{block}/unit_{unit}/bottleneck_v1"
            if unit == 1:
                conv(f"{scope}/shortcut", 1, inputs, 4 * base)
            conv(f"{scope}/conv1", 1, inputs, base)
            conv(f"{scope}/conv2", 3, base, base)
            conv(f"{scope}/conv3", 1, base, 4 * base)
            inputs = 4 * base
    heads = {"part_pred": (num_joints, 2048), "locref_pred": (2 * num_joints, 2048)} if num_joints else {}
    if intermediate:
        heads["intermediate_supervision"] = (num_joints, 1024)
    for head, (outputs, features) in heads.items():
        shapes[f"pose/{head}/block4/weights"] = (3, 3, outputs, features)
        shapes[f"pose/{head}/block4/biases"] = (outputs,)
    return shapes


def random_values(shapes):
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape, "float32") for name, shape in shapes.items()}


def write_checkpoint(prefix, values, version=tf1.train.SaverDef.V2):
    """Let TensorFlow 1's saver write variables."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        feeds = {tf1.placeholder(value.dtype, value.shape): value for value in values.values()}
        variables = [
            tf1.get_variable(name, initializer=placeholder, use_resource=False)
            for name, placeholder in zip(values, feeds, strict=True)
        ]
        session.run(tf1.global_variables_initializer(), feeds)
        saver = tf1.train.Saver(variables, write_version=version)
        saver.save(session, str(prefix), write_meta_graph=False)


@pytest.fixture(scope="module")
def posenet():
    return build_posenet(50, 2, MEAN_PIXEL, intermediate_supervision_layer=6)


@pytest.mark.parametrize("depth", [50, *(pytest.param(depth, marks=pytest.mark.campaign) for depth in (101, 152))])
def test_our_layers_are_slims_variables(depth):
    model = build_posenet(depth, 2, MEAN_PIXEL, intermediate_supervision_layer=6)
    ours = {
        tf1_name(f"{layer.name}/{weight.name}", depth): tuple(weight.shape)
        for layer in model.layers
        for weight in layer.weights
    }
    assert ours == slim_variables(depth, 2, intermediate=True)


def test_a_deeplabcut_snapshot_fills_every_layer(posenet, tmp_path):
    values = random_values(slim_variables(50, 2, intermediate=True))
    distractors = {
        "global_step": np.int64(7),
        "resnet_v1_50/logits/biases": np.zeros(5, "float32"),
        "resnet_v1_50/conv1/weights/Momentum": np.ones(3, "float32"),
        "resnet_v1_50/conv1/BatchNorm/gamma/Adam_1": np.ones(3, "float32"),
        "pose/part_pred/block4/weights/Momentum": np.ones(3, "float32"),
        "pose/other_head/block4/weights": np.ones(3, "float32"),
    }
    write_checkpoint(tmp_path / "snapshot-10", values | distractors)
    filled = load_weights(posenet, resolve_weights(tmp_path / "snapshot-10"))
    assert {"conv1", "block3_unit_6_conv2_bn", "part_pred", "locref_pred", "part_pred_interm"} <= set(filled)
    for layer in posenet.layers:
        for weight in layer.weights:
            name = tf1_name(f"{layer.name}/{weight.name}", 50)
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), values[name], err_msg=name)


def write_part(prefix, *sides):
    """Write a part of a tensor, such as several machines write: it claims the shape of the whole."""
    whole, part = " ".join(map(str, sides)), ":".join(["0,1"] * len(sides))
    names = ["resnet_v1_50/conv1/weights", "resnet_v1_50/conv1/weights/Momentum"]
    tensors = [np.zeros([1] * len(sides), "float32")] * 2
    tf1.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=[f"{whole} {part}"] * 2, tensors=tensors
    )


def test_shapes_that_no_network_has_are_refused_before_they_are_read(tmp_path):
    write_part(tmp_path / "snapshot-5", 2**20, 2**20)
    message = r"snapshot-5\.index claims arrays of a size .* such as conv1/kernel of shape \(1048576, 1048576\)"
    with pytest.raises(DeepercutError, match=message):
        read_weights(resolve_weights(tmp_path / "snapshot-5"))


@pytest.mark.parametrize(("claimed", "told"), [(2**34, 2**34), (2**35 - 1, 2**35 - 1)])
def test_a_shape_at_which_tensorflow_would_end_the_process_is_refused(tmp_path, claimed, told):
    """2^28, in an index, is as long as 2^34: five bytes of seven bits. Checksums are TensorFlow's to compare."""
    write_part(tmp_path / "snapshot-5", 2**28, 2**28)
    path = tmp_path / "snapshot-5.index"
    content = path.read_bytes()
    assert content.count(varint(2**28)) == 4
    path.write_bytes(content.replace(varint(2**28), varint(claimed)))
    with pytest.raises(DeepercutError, match=rf"snapshot-5\.index claims arrays .* of shape \({told}, {told}\)"):
        read_weights(path)


def varint(number):
    """Encode a number as protocol buffers do."""
    digits = []
    while number:
        digits.append(number & 127)
        number >>= 7
    return bytes([*(digit | 128 for digit in digits[:-1]), digits[-1]])


def test_slims_single_file_of_version_1_fills_the_backbone(posenet, tmp_path):
    values = random_values(slim_variables(50))
    write_checkpoint(tmp_path / "resnet_v1_50.ckpt", values, tf1.train.SaverDef.V1)
    head = posenet.get_layer("part_pred").get_weights()
    filled = load_weights(posenet, resolve_weights(tmp_path / "resnet_v1_50.ckpt"))
    assert len(filled) == 106 and "part_pred" not in filled
    np.testing.assert_array_equal(posenet.get_layer("conv1").get_weights()[0], values["resnet_v1_50/conv1/weights"])
    for before, after in zip(head, posenet.get_layer("part_pred").get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


def test_an_export_is_what_tensorflow_1_reads(posenet, tmp_path):
    export_tf1(posenet, tmp_path / "train" / "snapshot-5")
    assert sorted(p.name for p in (tmp_path / "train").iterdir()) == [
        "snapshot-5.data-00000-of-00001",
        "snapshot-5.index",
    ]
    expected = {
        tf1_name(f"{layer.name}/{weight.name}", 50): keras.ops.convert_to_numpy(weight)
        for layer in posenet.layers
        for weight in layer.weights
    }
    with tf1.Graph().as_default(), tf1.Session() as session:
        variables = {
            name: tf1.get_variable(name, shape) for name, shape in slim_variables(50, 2, intermediate=True).items()
        }
        tf1.train.Saver().restore(session, str(tmp_path / "train" / "snapshot-5"))
        for name, value in session.run(variables).items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_an_export_that_cannot_be_written_is_one_error_and_leaves_nothing(posenet, tmp_path):
    (tmp_path / "snapshot-5.index").mkdir()
    with pytest.raises(IsADirectoryError):
        export_tf1(posenet, tmp_path / "snapshot-5")
    with files_up_to(100_000), pytest.raises(OSError, match=r"^File too large$"):
        export_tf1(posenet, tmp_path / "snapshot-6")
    assert not [*tmp_path.glob("*.part*"), *tmp_path.glob("snapshot-6*")]


@pytest.mark.parametrize("damage", ["truncated index", "random index", "truncated data", "no data", "random ckpt"])
def test_damaged_checkpoints_are_errors(damage, tmp_path):
    prefix = tmp_path / "snapshot-5"
    write_checkpoint(prefix, {"resnet_v1_50/conv1/weights": np.random.default_rng(0).random((7, 7, 3, 64), "float32")})
    index, data = tmp_path / "snapshot-5.index", tmp_path / "snapshot-5.data-00000-of-00001"
    if damage == "truncated index":
        index.write_bytes(index.read_bytes()[:-20])
    elif damage == "random index":
        index.write_bytes(np.random.default_rng(0).bytes(300))
    elif damage == "truncated data":
        data.write_bytes(data.read_bytes()[:1000])
    elif damage == "no data":
        data.unlink()
    else:
        index = tmp_path / "resnet_v1_50.ckpt"
        index.write_bytes(np.random.default_rng(0).bytes(300))
    with pytest.raises(DeepercutError, match=rf"weights .*{index.name} cannot be read"):
        read_weights(index)


def test_a_checkpoint_of_another_network_is_an_error(posenet, tmp_path):
    write_checkpoint(tmp_path / "snapshot-5", {"MobilenetV2/Conv/weights": np.zeros((3, 3, 3, 8), "float32")})
    assert read_tf1(tmp_path / "snapshot-5.index") == {}
    with pytest.raises(DeepercutError, match="holds no ResNet v1, but the network is resnet_50"):
        load_weights(posenet, tmp_path / "snapshot-5.index")


OLD_AND_NEW = [
    ("conv1", "conv1_conv", "conv1"),
    ("bn_conv1", "conv1_bn", "conv1_bn"),
    ("res2a_branch1", "conv2_block1_0_conv", "block1_unit_1_shortcut"),
    ("bn3d_branch2a", "conv3_block4_1_bn", "block2_unit_4_conv1_bn"),
    ("res4f_branch2b", "conv4_block6_2_conv", "block3_unit_6_conv2"),
    ("bn5c_branch2c", "conv5_block3_3_bn", "block4_unit_3_conv3_bn"),
]


@pytest.mark.parametrize(("old", "new", "ours"), OLD_AND_NEW)
def test_keras_names(old, new, ours):
    array = np.arange(2.0)
    assert convert_keras_resnet({f"{old}/gamma": array}).keys() == {f"{ours}/gamma"}
    assert convert_keras_resnet({f"{new}/gamma": array}).keys() == {f"{ours}/gamma"}


def test_keras_conventions_by_hand():
    arrays = {
        "conv1_conv/kernel": np.arange(3.0).reshape(1, 1, 3, 1),
        "conv1_conv/bias": np.array([5.0]),
        "conv1_bn/moving_mean": np.array([2.0]),
        "conv1_bn/moving_variance": np.array([0.0]),
        "conv1_bn/beta": np.array([7.0]),
        "fc1000/kernel": np.zeros((2, 2)),
        "predictions/bias": np.zeros(2),
    }
    converted = convert_keras_resnet(arrays)
    assert converted.keys() == {f"conv1{v}" for v in ("/kernel", "_bn/moving_mean", "_bn/moving_variance", "_bn/beta")}
    assert converted["conv1/kernel"].ravel().tolist() == [2, 1, 0]
    assert converted["conv1_bn/moving_mean"].tolist() == [-3]
    np.testing.assert_allclose(converted["conv1_bn/moving_variance"], 1e-8, rtol=1e-4)
    assert converted["conv1_bn/beta"].tolist() == [7]
    assert arrays["conv1_bn/moving_mean"].tolist() == [2]


def write_variables(prefix, *names):
    """Write a checkpoint of small variables."""
    write_checkpoint(prefix, {name: np.zeros(2, "float32") for name in names})
    return prefix.with_name(f"{prefix.name}.index")


def test_a_checkpoint_with_a_head_for_body_parts_is_a_network_of_deeplabcut(tmp_path):
    pose = write_variables(tmp_path / "snapshot-5", "resnet_v1_50/conv1/weights", "pose/part_pred/block4/biases")
    assert foreign.is_pose_checkpoint(pose)
    imagenet = write_variables(tmp_path / "resnet", "resnet_v1_50/conv1/weights", "pose/part_pred/block4/biases/Adam")
    assert not foreign.is_pose_checkpoint(imagenet)
    assert not foreign.is_pose_checkpoint(tmp_path / "snapshot-5.weights.h5")
    pose.write_bytes(pose.read_bytes()[:-20])
    assert not foreign.is_pose_checkpoint(pose)  # damaged, which whoever reads it tells
