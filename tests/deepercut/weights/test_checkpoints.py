"""Names in a train folder; weights in and out, whole or not at all."""

import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.network.posenet import build_posenet
from deepercut.training.learning_stats import append_row, begin_rows
from deepercut.weights.checkpoints import (
    fill,
    load_weights,
    read_weights,
    resolve_weights,
    rounded_kernels,
    save_snapshot,
)
from deepercut.weights.snapshots import (
    Snapshot,
    list_snapshots,
    select_snapshot,
    snapshot_path,
    state_path,
    statistics_path,
)
from dlc_common import UsersError
from tests.limits import files_up_to, open_hdf5_objects

MEAN_PIXEL = (123.68, 116.779, 103.939)
CONV = ("kernel", "bias")
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


@pytest.fixture(scope="module")
def posenet():
    return build_posenet(50, 2, MEAN_PIXEL)


@pytest.fixture(scope="module")
def arrays(posenet):
    """What a snapshot of the same network holds, with values of its own."""
    rng = np.random.default_rng(0)
    return {
        f"{layer.name}/{weight.name}": rng.standard_normal(weight.shape, "float32")
        for layer in posenet.layers
        for weight in layer.weights
    }


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_names(tmp_path):
    assert snapshot_path(tmp_path, 500) == tmp_path / "snapshot-500.weights.h5"
    assert state_path(tmp_path, 500, "net") == tmp_path / "net-500.state.npz"


def test_snapshots_are_listed_by_number_and_by_full_name_only(tmp_path):
    touch(tmp_path, "snapshot-1000.weights.h5", "snapshot-200.weights.h5", "snapshot-50.index")
    touch(tmp_path, "snapshot-50.data-00000-of-00001")
    touch(tmp_path, "snapshot-60.index", "snapshot-70.data-00000-of-00001")  # half a checkpoint each
    touch(tmp_path, "snapshot-300.part.weights.h5", "snapshot-300.state.npz", "snapshot-300.weights.h5.part")
    touch(tmp_path, "snapshot-1.weights.h5~", "my-snapshot-2.weights.h5", "snapshot-2-3.weights.h5", "snapshot-4.h5")
    touch(
        tmp_path, "snapshot-007.weights.h5", "snapshot--8.weights.h5", "snapshotX-9.weights.h5", "snapshot-٣.weights.h5"
    )
    assert list_snapshots(tmp_path) == [
        Snapshot(50, tmp_path / "snapshot-50.index"),
        Snapshot(200, tmp_path / "snapshot-200.weights.h5"),
        Snapshot(1000, tmp_path / "snapshot-1000.weights.h5"),
    ]


def test_our_snapshot_goes_before_a_checkpoint_of_the_same_iteration(tmp_path):
    touch(tmp_path, "snapshot-5.index", "snapshot-5.data-00000-of-00001", "snapshot-5.weights.h5")
    assert list_snapshots(tmp_path) == [Snapshot(5, tmp_path / "snapshot-5.weights.h5")]


def test_a_prefix_is_taken_literally(tmp_path):
    touch(tmp_path, "a.b-1.weights.h5", "axb-2.weights.h5")
    assert [snapshot.iteration for snapshot in list_snapshots(tmp_path, "a.b")] == [1]


def test_a_folder_that_does_not_exist_has_no_snapshots(tmp_path):
    assert list_snapshots(tmp_path / "train") == []


def test_selecting_by_position_and_by_iteration(tmp_path):
    touch(tmp_path, "snapshot-50.weights.h5", "snapshot-100.weights.h5", "snapshot-1000.weights.h5")
    assert select_snapshot(tmp_path).iteration == 1000
    assert select_snapshot(tmp_path, 1).iteration == 100
    assert select_snapshot(tmp_path, -3).iteration == 50
    assert select_snapshot(tmp_path, iteration=50).iteration == 50


def test_the_best_snapshot_has_the_lowest_error_on_held_out_images(tmp_path):
    touch(tmp_path, *(f"snapshot-{iteration}.weights.h5" for iteration in (50, 100, 200, 1000)))
    begin_rows(statistics_path(tmp_path), 0)
    for iteration, error in ((50, 9.5), (100, 3.25), (150, 1.0), (200, 3.25), (1000, float("nan"))):
        append_row(statistics_path(tmp_path), iteration, {"loss": 1.0, "validation_error_px": error})
    assert select_snapshot(tmp_path, "best").iteration == 100  # 150 was not saved; of 100 and 200, the first
    assert select_snapshot(tmp_path, "best", iteration=1000).iteration == 1000
    assert select_snapshot(tmp_path).iteration == 1000


def test_no_error_on_held_out_images_tells_no_best_snapshot(tmp_path):
    touch(tmp_path, "snapshot-50.weights.h5")
    for rows in ("", "iteration,loss\n50,0.5\n"):
        statistics_path(tmp_path).write_text(rows)
        with pytest.raises(DeepercutError, match=r"learning_stats\.csv tells no error.*validation_fraction above 0"):
            select_snapshot(tmp_path, "best")


@pytest.mark.parametrize("choice", [{"index": 2}, {"index": -3}, {"iteration": 10}])
def test_a_snapshot_that_is_missing_is_an_error_that_lists_the_others(tmp_path, choice):
    touch(tmp_path, "snapshot-100.weights.h5", "snapshot-1000.weights.h5")
    with pytest.raises(DeepercutError, match=f"{next(iter(choice.values()))}.*100, 1000"):
        select_snapshot(tmp_path, **choice)


def test_no_snapshot_at_all_is_an_error_with_advice(tmp_path):
    with pytest.raises(DeepercutError, match=r"holds no snapshot \(snapshot-<iteration>.weights.h5\): train first"):
        select_snapshot(tmp_path)


@pytest.mark.parametrize(
    ("prefix", "files"),
    [
        ("net", ["net", "net.weights.h5"]),
        ("net", ["net.weights.h5", "net.index", "net.h5"]),
        ("net", ["net.index", "net.h5"]),
        ("net", ["net.h5", "net.data-00000-of-00001"]),
        ("net.ckpt", ["net.ckpt", "net.weights.h5"]),
        ("net.ckpt", ["net.ckpt.index", "net.weights.h5"]),
        ("net.ckpt", ["net.weights.h5"]),
        ("net.ckpt", ["net.h5"]),
        ("snapshot-10", ["snapshot-10.index", "snapshot-100.weights.h5"]),
        ("model.v2", ["model.v2.weights.h5", "model.weights.h5"]),
    ],
)
def test_a_prefix_stands_for_the_first_file_that_exists(tmp_path, prefix, files):
    touch(tmp_path, *files)
    assert resolve_weights(tmp_path / prefix) == tmp_path / files[0]


def test_weights_that_are_missing_are_an_error_that_lists_the_names_tried(tmp_path):
    (tmp_path / "resnet_v1_50.ckpt").mkdir()  # a folder is no file
    with pytest.raises(DeepercutError) as error:
        resolve_weights(tmp_path / "resnet_v1_50.ckpt")
    for name in ("resnet_v1_50.ckpt.index", "resnet_v1_50.weights.h5", "resnet_v1_50.h5", "download.py"):
        assert name in str(error.value)


def test_imagenet_weights_in_a_folder_that_is_not_there_are_not_to_be_fetched_into_it(tmp_path):
    with pytest.raises(DeepercutError, match=r"pretrained does not exist: run Step 4 with --overwrite") as error:
        resolve_weights(tmp_path / "pose-tensorflow/models/pretrained/resnet_v1_50.ckpt")
    assert "download.py" not in str(error.value)


def test_a_snapshot_comes_back_bit_by_bit(posenet, arrays, tmp_path):
    fill(posenet, arrays, "arrays")
    save_snapshot(posenet, tmp_path / "snapshot-7.weights.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-7.weights.h5"]
    found = read_weights(tmp_path / "snapshot-7.weights.h5")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    for layer in posenet.layers:
        layer.set_weights([np.zeros(w.shape) for w in layer.weights])
    filled = load_weights(posenet, tmp_path / "snapshot-7.weights.h5")
    assert set(filled) == {name.split("/")[0] for name in arrays}
    for layer in posenet.layers:
        for weight in layer.weights:
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), arrays[f"{layer.name}/{weight.name}"])


def test_a_snapshot_in_float16_is_half_as_large_and_within_its_rounding(posenet, arrays, tmp_path):
    fill(posenet, arrays | {"block1_unit_2_conv2/kernel": 1e5 * arrays["block1_unit_2_conv2/kernel"]}, "arrays")
    large = posenet.get_layer("block1_unit_2_conv2").get_weights()[0]
    assert np.abs(large).max() > np.finfo(np.float16).max
    for precision in ("float32", "float16"):
        save_snapshot(posenet, tmp_path / f"{precision}.weights.h5", precision)
    full, half = (read_weights(tmp_path / f"{precision}.weights.h5") for precision in ("float32", "float16"))
    assert (tmp_path / "float16.weights.h5").stat().st_size < 0.52 * (tmp_path / "float32.weights.h5").stat().st_size
    assert half.keys() == full.keys() and {values.dtype for values in half.values()} == {np.dtype("float32")}
    for name, values in full.items():
        if values.ndim == 1 or name == "block1_unit_2_conv2/kernel":  # vectors, and what would be infinite
            np.testing.assert_array_equal(half[name], values)
        else:  # half of the last of 11 bits, or of the smallest number
            np.testing.assert_array_less(np.abs(half[name] - values), np.abs(values) * 2**-11 + 2**-25 + 1e-12)
    assert rounded_kernels(posenet).keys() == {name for name, values in full.items() if values.ndim > 1}
    posenet.load_weights(tmp_path / "float16.weights.h5")  # Keras itself reads it, too
    np.testing.assert_array_equal(posenet.get_layer("conv1").get_weights()[0], half["conv1/kernel"])


def test_what_a_killed_training_left_half_written_goes_with_the_next_snapshot(posenet, tmp_path):
    leftovers = [tmp_path / f".part-{name}" for name in ("snapshot-5.weights.h5", "snapshot-5.state.npz")]
    for path in leftovers:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))  # long ago: another training could be writing a fresh one
    save_snapshot(posenet, tmp_path / "snapshot-7.weights.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-7.weights.h5"]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_full_disk_is_one_error_and_leaves_the_old_snapshot(posenet, tmp_path, share):
    path, before = tmp_path / "snapshot-7.weights.h5", open_hdf5_objects()
    save_snapshot(posenet, path)
    allowed = int(share * path.stat().st_size)
    path.write_bytes(b"old")
    message = r"snapshot-7\.weights\.h5 could not be written: File too large\. Free disk space"
    with files_up_to(allowed), pytest.raises(UsersError, match=message):
        save_snapshot(posenet, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    assert open_hdf5_objects() == before


def test_imagenet_weights_fill_all_but_the_heads(posenet, arrays):
    backbone = {name: array for name, array in arrays.items() if "pred" not in name}
    filled = fill(posenet, backbone, "arrays")
    assert len(filled) == 106
    assert not {"part_pred", "locref_pred"} & set(filled)


def renamed(arrays, old, new):
    return {name.replace(old, new): array for name, array in arrays.items()}


def without(arrays, word):
    return {name: array for name, array in arrays.items() if word not in name}


def of_depth_101(arrays):
    return arrays | {f"block3_unit_{unit}_conv1/kernel": np.zeros(1) for unit in range(7, 24)}


OTHER_NETWORKS = {
    "depth": (of_depth_101, "x holds resnet_101, but the network is resnet_50"),
    "no ResNet": (lambda a: renamed(a, "block", "stage"), "x holds no ResNet v1, but"),
    "body parts": (
        lambda a: a | {"part_pred/bias": np.zeros(4, "float32")},
        r"x was trained for 4 body parts, but the network has 2 \(num_joints\)",
    ),
    "a head too few": (
        lambda a: without(a, "locref"),
        "x has the heads part_pred, but the network has part_pred, locref_pred: location_refinement",
    ),
    "a layer": (
        lambda a: without(a, "block2_unit_1_shortcut/"),
        r"block2_unit_1_shortcut/kernel is missing, expected shape \(1, 1, 256, 512\)",
    ),
    "a shape": (
        lambda a: a | {"conv1/kernel": np.zeros((5, 5, 3, 64), "float32")},
        r"conv1/kernel has shape \(5, 5, 3, 64\), expected shape \(7, 7, 3, 64\)",
    ),
    "a value": (
        lambda a: a | {"conv1_bn/beta": np.full(64, np.nan, "float32")},
        "x holds values that are not finite in conv1_bn/beta: use an earlier snapshot",
    ),
}


@pytest.mark.parametrize("difference", OTHER_NETWORKS)
def test_weights_of_another_network_are_an_error_and_change_nothing(posenet, arrays, difference):
    change, message = OTHER_NETWORKS[difference]
    fill(posenet, arrays, "arrays")
    with pytest.raises(DeepercutError, match=message):
        fill(posenet, change({name: array + 1 for name, array in arrays.items()}), "x")
    np.testing.assert_array_equal(posenet.get_layer("conv1").get_weights()[0], arrays["conv1/kernel"])


def test_a_head_too_many_is_an_error_unless_it_only_helped_training(posenet, arrays):
    interm = {"part_pred_interm/kernel": np.zeros((3, 3, 2, 1024)), "part_pred_interm/bias": np.zeros(2)}
    assert "part_pred" in fill(posenet, arrays | interm, "x")
    model = build_posenet(50, 2, MEAN_PIXEL, location_refinement=False)
    with pytest.raises(DeepercutError, match="has the heads part_pred, locref_pred, but the network has part_pred:"):
        fill(model, arrays, "x")


def test_files_that_are_no_weights_are_errors(tmp_path):
    with pytest.raises(DeepercutError, match=r"weights .*missing.h5 do not exist"):
        read_weights(tmp_path / "missing.h5")
    for content in (b"", b"not weights", np.random.default_rng(0).bytes(5000)):
        path = tmp_path / "snapshot-1.weights.h5"
        path.write_bytes(content)
        with pytest.raises(DeepercutError, match=r"snapshot-1.weights.h5 (cannot be read|is empty)"):
            read_weights(path)


def small_model():
    """A model whose layers are named like a few of Keras' ResNet."""
    x = inputs = keras.Input((8, 8, 3))
    for name in ("conv1", "conv2_block1_1"):
        x = keras.layers.Conv2D(4, 3, name=f"{name}_conv", bias_initializer="ones")(x)
        x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="predictions")(keras.layers.Flatten()(x)))


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.99])
def test_a_truncated_h5_is_an_error(tmp_path, cut):
    path = tmp_path / "snapshot-1.weights.h5"
    small_model().save_weights(path)
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])
    with pytest.raises(DeepercutError, match=r"weights .*snapshot-1.weights.h5 cannot be read: "):
        read_weights(path)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", ["resnet.weights.h5", "resnet.h5"])
def test_what_keras_writes_is_read_and_converted(tmp_path, name):
    model, path = small_model(), tmp_path / name
    model.save(path) if name == "resnet.h5" else model.save_weights(path)
    arrays = read_weights(path)
    layers = ("conv1", "block1_unit_1_conv1")
    assert arrays.keys() == {f"{x}/kernel" for x in layers} | {f"{x}_bn/{v}" for x in layers for v in BATCH_NORM}
    kernel = model.get_layer("conv2_block1_1_conv").get_weights()[0]
    np.testing.assert_array_equal(arrays["block1_unit_1_conv1/kernel"], kernel)
    assert (arrays["conv1_bn/moving_mean"] == -1).all()  # 0 less the bias of 1


@pytest.mark.parametrize("names", ["{layer}_{variable}_1:0", "{layer}_3/{variable}:0"])
def test_old_keras_files_are_read_by_the_order_of_their_variables(tmp_path, names):
    """Keras 1 called the variables W, b, running_mean, running_std (a variance in truth)."""
    path = tmp_path / "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
    conv = [np.full((1, 1, 64, 2), 3.0), np.array([1.0, 2.0])]
    bn = [np.full(2, value) for value in (4.0, 5.0, 6.0, 7.0)]
    with h5py.File(path, "w") as file:
        for layer, variables, values in (
            ("res2a_branch2a", ("W", "b"), conv),
            ("bn2a_branch2a", ("gamma", "beta", "running_mean", "running_std"), bn),
            ("fc1000", ("W", "b"), [np.zeros((2, 2)), np.zeros(2)]),
            ("pool1", (), []),
        ):
            group = file.create_group(layer)
            weight_names = [names.format(layer=layer, variable=variable) for variable in variables]
            group.attrs["weight_names"] = [name.encode() for name in weight_names]
            for name, value in zip(weight_names, values, strict=True):
                group[name] = value
    arrays = read_weights(path)
    assert {name: array.ravel()[-1] for name, array in arrays.items()} == pytest.approx(
        {
            "block1_unit_1_conv1/kernel": 3,
            "block1_unit_1_conv1_bn/gamma": 4,
            "block1_unit_1_conv1_bn/beta": 5,
            "block1_unit_1_conv1_bn/moving_mean": 6 - 2,
            "block1_unit_1_conv1_bn/moving_variance": 7 + 1e-8,
        },
        abs=1e-12,
    )


@pytest.mark.parametrize("ending", [".meta", ".data-00000-of-00001", ".index", ""])
def test_any_file_of_a_checkpoint_stands_for_it(tmp_path, ending):
    for suffix in (".meta", ".data-00000-of-00001", ".index"):
        (tmp_path / f"snapshot-5{suffix}").touch()
    assert resolve_weights(tmp_path / f"snapshot-5{ending}") == tmp_path / "snapshot-5.index"
    (tmp_path / "snapshot-5.index").unlink()
    ending = ending.replace(".index", "")
    with pytest.raises(DeepercutError, match=r"snapshot-5 the \.index is missing; there: snapshot-5\.data-0"):
        resolve_weights(tmp_path / f"snapshot-5{ending}")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("snapshot.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a file of PyTorch, not weights of a ResNet"),
        ("weights.pkl", b"\x80\x04K\x05.", "a pickle, not weights of a ResNet: none is ever loaded"),
        ("snapshot-5.index", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS.*run `git lfs pull`"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeepercutError, match=rf"{name} is {told}"):
        read_weights(tmp_path / name)


def test_shapes_that_no_network_has_are_refused_before_they_are_read(tmp_path):
    """Chunks that were never written take no place: such a file is small."""
    path = tmp_path / "snapshot-5.weights.h5"
    small_model().save_weights(path)
    with h5py.File(path, "r+") as file:
        names = []
        file.visit(names.append)
        layer = next(file[name] for name in names if file[name].attrs.get("name") == "conv1_conv")
        del layer["0"]
        layer.create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024))
    message = r"claims arrays of a size that no network has, such as conv\w*/kernel of shape \(1048576, 1048576\)"
    with pytest.raises(DeepercutError, match=message):
        read_weights(path)


def test_an_index_without_its_values_is_told(tmp_path):
    (tmp_path / "snapshot-5.index").write_bytes(b"names and shapes")
    with pytest.raises(DeepercutError, match=r"values are missing .* Copy snapshot-5\.data-00000-of-00001 there, too"):
        read_weights(tmp_path / "snapshot-5.index")


@pytest.mark.parametrize("content", [b"init: 5\n", b"\x08\x08\x12\x07pytorch" + bytes(100)])
def test_a_file_that_holds_no_weights_is_not_called_a_checkpoint(tmp_path, content):
    for name in ("a.onnx", "a.ckpt"):
        (tmp_path / name).write_bytes(content)
        told = rf"{name} cannot be read: it holds neither weights in HDF5 nor a whole checkpoint of TensorFlow$"
        with pytest.raises(DeepercutError, match=told):
            read_weights(tmp_path / name)


def write_deeplabcut3(path):
    """Write what a snapshot of DeepLabCut 3 holds, as far as it is looked at."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", b"\x80\x02 backbone.model.conv1.weight heads.bodypart.heatmap_head")


@pytest.mark.parametrize("named", ["snapshot-200", "snapshot-200.pt"])
def test_a_snapshot_of_deeplabcut_3_is_named_wherever_it_is_given(tmp_path, named):
    write_deeplabcut3(tmp_path / "snapshot-200.pt")
    message = (
        r"snapshot-200.pt is a network of DeepLabCut 3 \(PyTorch\), not weights of a ResNet: it computes otherwise "
        r"than the networks here, so it cannot be used \(nothing in it was run\). Train one here on the same labels, "
        r"which Generating_a_Training_Set/ImportLabels.py takes along, or go on with it in DeepLabCut 3$"
    )
    with pytest.raises(DeepercutError, match=message):
        read_weights(resolve_weights(tmp_path / named))
    with pytest.raises(DeepercutError, match=message):
        select_snapshot(tmp_path)
