"""Start, resume, learning rates, snapshots; the whole of a tiny training."""

import csv
import re
import runpy
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deepercut import DeepercutError
from deepercut.config import load_config
from deepercut.data.dataset import TrainingBatches, load_dataset
from deepercut.inference.predict import load_predictor, read_network
from deepercut.training import training
from deepercut.training.callbacks import LearningStatistics, Snapshots, StopOnInterrupt, StopOnNonFinite
from deepercut.training.learning_stats import COLUMNS
from deepercut.training.training import _of_the_run, compiled, network_of, starting_point, train
from deepercut.weights.checkpoints import load_weights, read_weights
from deepercut.weights.foreign import export_tf1
from deepercut.weights.snapshots import (
    Snapshot,
    list_snapshots,
    read_trained,
    read_validation_errors,
    select_snapshot,
    state_path,
)
from deepercut.weights.state import exact_weights, read_state
from dlc_common import UsersError
from dlc_common.cli import CHECKOUT
from dlc_common.images import read_image
from dlc_common.locks import alone_or_refused

pytestmark = pytest.mark.usefixtures("thin")

TRAIN = CHECKOUT / "pose-tensorflow" / "train.py"


def config_of(folder: Path, **overrides):
    return load_config(folder / "pose_cfg.yaml", overrides)


@pytest.fixture(scope="module")
def built(write_train_folder, tmp_path_factory):
    """A network of the tiny training set, for tests that train it no further than to the first batch."""
    return network_of(config_of(write_train_folder(tmp_path_factory.mktemp("built"))))


@pytest.fixture
def replace_fit(monkeypatch, built):
    """``replace_fit(fit)``: let `train` call this function of everything in the place of Keras' `fit`."""

    def replace_it(fit):
        monkeypatch.setattr(training, "network_of", lambda _: built)
        monkeypatch.setattr(keras.Model, "fit", fit)

    return replace_it


def test_starting_point(make_train_folder):
    folder = make_train_folder()
    (folder / "start.weights.h5").touch()
    assert starting_point(config_of(folder), resume=False) == (folder / "start.weights.h5", 0)
    with pytest.raises(DeepercutError, match="no snapshot to resume from"):
        starting_point(config_of(folder), resume=True)
    with pytest.raises(
        DeepercutError, match=r"away \(snapshot_prefix in pose_cfg\.yaml leads there\) holds no snapshot"
    ):
        starting_point(config_of(folder, snapshot_prefix=str(folder / "away" / "snapshot")), resume=True)
    with pytest.raises(DeepercutError, match=r"no weights found for .*train, a folder: name the weights in it"):
        starting_point(config_of(folder, init_weights="."), resume=False)
    for iteration in (2, 10):
        h5py.File(folder / f"snapshot-{iteration}.weights.h5", "w").close()
    assert starting_point(config_of(folder), resume=True) == (folder / "snapshot-10.weights.h5", 10)
    assert starting_point(config_of(folder, init_weights="./snapshot-10"), resume=False)[1] == 10
    with pytest.raises(DeepercutError, match=r"names snapshot-2\..*later snapshots .up to snapshot-10"):
        starting_point(config_of(folder, init_weights="./snapshot-2"), resume=False)
    with pytest.raises(DeepercutError, match=r"holds 2 snapshots already.*snapshot-10.*--resume"):
        starting_point(config_of(folder), resume=False)


def test_a_training_goes_on_from_the_snapshot_before_a_damaged_one(make_train_folder, caplog):
    folder = make_train_folder()
    for iteration in (2, 3):
        h5py.File(folder / f"snapshot-{iteration}.weights.h5", "w").close()
    (folder / "snapshot-3.weights.h5").write_bytes(b"half a snapshot")
    (folder / "snapshot-3.state.npz").write_bytes(b"its state")
    assert starting_point(config_of(folder), resume=True) == (folder / "snapshot-2.weights.h5", 2)
    assert re.search(r"weights \S+snapshot-3\.weights\.h5 cannot be read: .*Copy the file again", caplog.text)
    aside = "The training goes on from iteration 2, not 3. It is kept as snapshot-3.weights.h5.damaged; delete it"
    assert aside in caplog.text
    assert sorted(path.name for path in folder.glob("snapshot-3*")) == [
        *("snapshot-3.state.npz.damaged", "snapshot-3.weights.h5.damaged")
    ]
    (folder / "snapshot-2.weights.h5").write_bytes(b"damaged, too")
    with pytest.raises(DeepercutError, match=r"no snapshot in .*train is whole: .*snapshot-2.* leave out --resume"):
        starting_point(config_of(folder), resume=True)
    assert (folder / "snapshot-2.weights.h5").exists()  # nothing else is there to go on from


def test_whole_weights_go_on_without_their_damaged_state(make_train_folder, thin_weights):
    folder = make_train_folder()
    shutil.copy(thin_weights, folder / "snapshot-2.weights.h5")
    (folder / "snapshot-2.state.npz").write_bytes(b"half a state")
    with pytest.raises(DeepercutError, match=r"snapshot-2\.state\.npz is damaged .*move this file away alone"):
        starting_point(config_of(folder), resume=True)
    (folder / "snapshot-2.state.npz").unlink()
    assert starting_point(config_of(folder), resume=True) == (folder / "snapshot-2.weights.h5", 2)


def test_a_damaged_snapshot_is_not_taken_for_a_finished_training(make_train_folder):
    folder = make_train_folder(max_iters=4)
    (folder / "snapshot-4.weights.h5").write_bytes(b"half a snapshot")
    with pytest.raises(DeepercutError, match=r"snapshot-4\.weights\.h5 cannot be read"):
        train(config_of(folder), resume=True)


def test_a_finished_training_is_thinned_on_request(make_train_folder, thin_weights):
    folder = make_train_folder(max_iters=4)
    for iteration in (1, 2, 3):
        h5py.File(folder / f"snapshot-{iteration}.weights.h5", "w").close()
    shutil.copy(thin_weights, folder / "snapshot-4.weights.h5")
    for most, left in ((None, [1, 2, 3, 4]), (3, [2, 3, 4]), (2, [3, 4])):
        assert train(config_of(folder, max_snapshots=most), resume=True) == folder / "snapshot-4.weights.h5"
        assert [snapshot.iteration for snapshot in list_snapshots(folder)] == left


def test_patience_is_refused_where_several_machines_train(make_train_folder, monkeypatch):
    monkeypatch.setattr(training, "machines", lambda: (0, 2))
    config = config_of(make_train_folder(), patience=5, validation_fraction=0.2)
    with pytest.raises(DeepercutError, match="patience ends a training on one machine only"):
        _of_the_run(config, {})


def test_missing_init_weights_are_named(make_train_folder):
    with pytest.raises(DeepercutError, match=r"init_weights is missing in pose_cfg\.yaml of .*train"):
        starting_point(config_of(make_train_folder(init_weights="")), resume=False)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"log_dir": "set.mat"}, r"log_dir in pose_cfg\.yaml is 'set\.mat', but .*train.set\.mat cannot be a folder"),
        ({"log_dir": "set.mat/log"}, r"log_dir in pose_cfg\.yaml is 'set\.mat/log', but .*Not a directory"),
        ({"snapshot_prefix": "set.mat/s"}, r"snapshot_prefix in pose_cfg\.yaml is 'set\.mat/s', but"),
    ],
)
def test_what_cannot_be_a_folder_is_named_before_any_work(make_train_folder, thin_weights, keys, message):
    with pytest.raises(DeepercutError, match=message):
        train(config_of(make_train_folder(init_weights=str(thin_weights), **keys)))


def test_folders_of_the_outputs_are_made(make_train_folder, thin_weights, replace_fit):
    keys = {"snapshot_prefix": "./snaps/snapshot", "log_dir": "logs/first"}
    folder = make_train_folder(init_weights=str(thin_weights), **keys)
    replace_fit(lambda *_, **__: None)
    assert train(config_of(folder)) == folder / "snaps" / "snapshot-4.weights.h5"
    assert (folder / "snaps" / "learning_stats.csv").exists()
    assert any((folder / "logs" / "first").iterdir())


def test_a_resumed_run_keeps_its_seed_and_its_held_out_images(make_train_folder, caplog):
    config = config_of(make_train_folder(), seed=3, validation_fraction=0.4)
    state = {"seed": np.array(5), "validation_fraction": np.array(0.2)}
    kept = _of_the_run(config, state)
    assert (kept.seed, kept.validation_fraction) == (5, 0.2)
    assert "seed 5 of the resumed run is kept, not 3" in caplog.text
    assert "validation_fraction 0.2 of the resumed run is kept, not 0.4" in caplog.text
    caplog.clear()
    assert _of_the_run(kept, state) == kept
    assert _of_the_run(config, {}) == config
    assert _of_the_run(config, {"seed": np.array(3)}) == config  # written before the fraction was
    assert not caplog.text
    assert _of_the_run(replace(config, seed=None), {}).seed is not None


def test_held_out_images_stay_the_same_when_others_are_left_out(make_train_folder, thin_weights, replace_fit, caplog):
    config = config_of(make_train_folder(init_weights=str(thin_weights)), validation_fraction=0.4)
    images, trained = load_dataset(config), []
    replace_fit(lambda _, batches, **__: trained.append([image.name for image in batches.images]))
    held_out = ["train/img1.png", "train/img4.png"]
    state = {"held_out": np.array(held_out)}
    training._train(config, images[1:], thin_weights, state, start=2)
    assert trained == [["train/img2.png", "train/img3.png"]]
    assert "left out now" not in caplog.text
    training._train(config, images[:4], thin_weights, state, start=2)
    assert trained[1] == ["train/img0.png", "train/img2.png", "train/img3.png"]
    assert "1 of the 2 images that measure the error of this run are left out now" in caplog.text
    with pytest.raises(DeepercutError, match="all images that are left of the training set measure the error"):
        training._train(config, images[4:], thin_weights, state, start=2)


def test_images_that_trained_an_earlier_network_are_remembered(make_train_folder, thin_weights, replace_fit, caplog):
    config = config_of(make_train_folder(init_weights=str(thin_weights)))
    images = load_dataset(config)

    def save(trainee, *_, callbacks, **__):
        trainee.optimizer.iterations.assign(4)
        callbacks[2].set_model(trainee)
        callbacks[2].save()

    replace_fit(save)
    first = training._train(config, images[:2], thin_weights, {}, start=0)
    assert read_trained(first) == ("train/img0.png", "train/img1.png")
    assert "do not train this network" not in caplog.text
    start = first.rename(first.with_name("first.weights.h5"))
    state_path(first.parent, 4).rename(first.with_name("first.state.npz"))
    second = training._train(config, images[1:3], start, {}, start=0)
    assert "first.weights.h5 was trained on 1 images that do not train this network" in caplog.text
    assert read_trained(second) == ("train/img0.png", "train/img1.png", "train/img2.png")
    assert read_trained(thin_weights) == ()


def test_learning_curve_of_a_resumed_run_has_no_row_twice(make_train_folder):
    folder = make_train_folder()
    rows = [",".join(COLUMNS), "2,0.5,0,0,0,1,", "4,0.4,0,0,0,1,"]
    (folder / "learning_stats.csv").write_text("\n".join(rows) + "\n")
    with LearningStatistics(config_of(folder), start=2, stop=8, validation=None) as statistics:
        statistics.on_train_end()
    assert (folder / "learning_stats.csv").read_text().splitlines() == rows[:2]
    assert read_image(folder / "learning_curve.png").shape == (600, 1050, 3)


def test_the_row_after_an_interruption_is_that_of_an_undisturbed_training(make_train_folder, thin_weights):
    def rows():
        with (folder / "learning_stats.csv").open() as file:
            return [[float(row[name]) for name in COLUMNS[:4]] for row in csv.DictReader(file)]

    keys = {"max_iters": 4, "display_iters": 4, "save_iters": 4, "validation_fraction": 0, "seed": 1}
    keys |= {"optimizer": "adam", "adam_lr": 1e-6}
    folder = make_train_folder(init_weights=str(thin_weights), **keys)
    train(config_of(folder), tell=lambda *_: None)
    undisturbed = rows()
    for path in folder.glob("snapshot-*"):
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        train(config_of(folder), tell=lambda done, _: done == 3 and signal.raise_signal(signal.SIGINT))
    assert [snapshot.iteration for snapshot in list_snapshots(folder)] == [3]
    train(config_of(folder), resume=True, tell=lambda *_: None)
    np.testing.assert_allclose(rows(), undisturbed, rtol=1e-4)


def test_the_learning_rate_of_a_row_is_that_of_its_update(make_train_folder):
    config = config_of(make_train_folder(multi_step=[[0.5, 1], [0.25, 4]], display_iters=1, validation_iters=100))
    with LearningStatistics(config, 0, 4, validation=None) as statistics:
        statistics.set_model(keras.Sequential([keras.Input((1,))]))
        for batch in range(3):
            statistics.on_train_batch_end(batch, {"loss": 1.0})
    with statistics.path.open() as file:
        # multi_step holds a rate up to and including its iteration, which counts the updates before
        assert [float(row["learning_rate"]) for row in csv.DictReader(file)] == [0.5, 0.5, 0.25]


def test_an_error_begins_a_line_of_its_own_below_the_progress_bar(make_train_folder, capsys):
    config = config_of(make_train_folder())
    with pytest.raises(DeepercutError), LearningStatistics(config, 0, 4, validation=None):
        raise DeepercutError
    assert capsys.readouterr().err.endswith("\n")


def test_who_is_told_of_each_iteration_needs_no_progress_bar(make_train_folder, capsys):
    config, told = config_of(make_train_folder(display_iters=100, validation_iters=100)), []
    with LearningStatistics(config, 1, 4, validation=None, tell=lambda *numbers: told.append(numbers)) as statistics:
        statistics.set_model(keras.Sequential([keras.Input((1,))]))
        for batch in range(2):
            statistics.on_train_batch_end(batch, {"loss": 1.0})
    assert told == [(2, 4), (3, 4)]
    assert capsys.readouterr().err == ""


def test_weights_that_are_no_numbers_make_no_snapshot(make_train_folder):
    folder = make_train_folder()
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD())
    network.optimizer.iterations.assign(1)
    snapshots = Snapshots(network, config_of(folder), start=0)
    snapshots.set_model(network)
    network.layers[0].bias.assign([np.nan])
    with pytest.raises(
        DeepercutError, match=r"not finite after iteration 1 and were not saved\. Lower the learning rate"
    ):
        snapshots.save()
    assert not list(folder.glob("snapshot*"))
    network.layers[0].bias.assign([0])
    snapshots.save()
    assert [snapshot.iteration for snapshot in list_snapshots(folder)] == [1]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_snapshots_keep_what_the_newest_two_need(make_train_folder, precision):
    """A kernel of 1/3 is 0.33325 in float16, and goes on as it was."""
    folder = make_train_folder(max_snapshots=3, snapshot_precision=precision)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="dense")])
    network.compile(keras.optimizers.SGD(momentum=0.9))
    network.optimizer.build(network.trainable_variables)
    network.layers[0].kernel.assign([[1 / 3]])
    snapshots = Snapshots(network, config_of(folder), start=0, held_out=["a/img1.png"])
    snapshots.set_model(network)
    for iteration in (1, 2, 3, 4, 5):
        network.optimizer.iterations.assign(iteration)
        snapshots.save()
    assert [snapshot.iteration for snapshot in list_snapshots(folder)] == [2, 4, 5]
    assert not (folder / "snapshot-1.state.npz").exists()
    states = [read_state(state_path(folder, iteration)) for iteration in (2, 4, 5)]
    assert [any(name.startswith("optimizer_") for name in state) for state in states] == [False, True, True]
    assert all(state["held_out"].tolist() == ["a/img1.png"] for state in states)
    kept = {"float32": [{}, {}], "float16": [{"dense/kernel": np.float32([[1 / 3]])}] * 2}
    assert [exact_weights(state) for state in states[1:]] == kept[precision]
    with h5py.File(folder / "snapshot-5.weights.h5") as file:
        (kernel,) = (file[name][()] for name in _kernels_in(file))
    assert kernel.item() == {"float32": np.float32(1 / 3), "float16": 1365 / 4096}[precision]


def _kernels_in(file: h5py.File) -> list[str]:
    """List the matrices of layers; this network is its own trainee, so that Keras stores its optimizer, too."""
    names: list[str] = []
    file.visit(names.append)
    return [name for name in names if name.startswith("layers") and getattr(file[name], "ndim", 0) == 2]


def test_the_first_ctrl_c_waits_for_the_iteration_and_the_second_does_not():
    usual = signal.getsignal(signal.SIGINT)
    with StopOnInterrupt() as interrupt:
        assert not interrupt.noted
        signal.raise_signal(signal.SIGINT)
        assert interrupt.noted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is usual
    with StopOnInterrupt():
        assert signal.getsignal(signal.SIGINT) is not usual
    assert signal.getsignal(signal.SIGINT) is usual


def test_ctrl_c_that_is_ignored_stays_so():
    """As in a script that goes on with `train.py &`."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopOnInterrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            assert not interrupt.noted
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


KILLING = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]


@pytest.mark.parametrize("number", KILLING)
def test_a_signal_that_would_kill_waits_for_the_snapshot_however_often_it_comes(number):
    usual = signal.signal(number, signal.SIG_DFL)  # nohup ignores SIGHUP, for these tests, too
    try:
        with StopOnInterrupt() as interrupt:
            for _ in range(2):
                signal.raise_signal(number)
                assert interrupt.noted
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, usual)


@pytest.mark.parametrize("answer", [signal.SIG_IGN, lambda *_: None])
@pytest.mark.parametrize("number", KILLING)
def test_a_signal_that_is_ignored_or_answered_is_left_alone(number, answer):
    usual = signal.signal(number, answer)
    try:
        with StopOnInterrupt() as interrupt:
            signal.raise_signal(number)
            assert not interrupt.noted
        assert signal.getsignal(number) is answer
    finally:
        signal.signal(number, usual)


def test_only_new_heads_learn_first(make_train_folder, thin_weights, replace_fit, monkeypatch):
    taught = []
    monkeypatch.setattr(
        training, "train_heads", lambda network, config, batches, quiet: taught.append(config.heads_iters)
    )
    replace_fit(lambda *_, **__: None)
    folder = make_train_folder(init_weights=str(thin_weights), heads_iters=7)
    train(config_of(folder))
    assert taught == []  # these weights have heads
    monkeypatch.setattr(training, "fill", lambda network, arrays, source: ())
    train(config_of(folder, heads_iters=0))
    assert taught == []
    train(config_of(folder))
    assert taught == [7]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3.00 GiB"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),  # PyTorch
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),  # JAX
        RuntimeError("UNKNOWN: error: OpenCV(4.13.0) (-4:Insufficient memory) Failed to allocate 120000000000 bytes"),
        type("ResourceExhaustedError", (Exception,), {})("OOM when allocating tensor"),  # TensorFlow
    ],
)
def test_out_of_memory_tells_what_to_change(make_train_folder, thin_weights, replace_fit, error):
    def fit(*_, **__):
        raise error

    replace_fit(fit)
    with pytest.raises(DeepercutError, match=r"out of memory: lower batch_size, global_scale, .* in pose_cfg\.yaml"):
        train(config_of(make_train_folder(init_weights=str(thin_weights))))


@pytest.mark.slow
def test_mixed_precision_makes_nearly_the_same_step_on_float32_weights(make_train_folder, thin_weights):
    folder = make_train_folder(init_weights=str(thin_weights), multi_step=[[1.0, 10]])
    losses, steps = {}, {}
    for precision in ("float32", "mixed_bfloat16"):
        config = config_of(folder, precision=precision)
        network = network_of(config)
        load_weights(network, thin_weights)
        before = network.get_weights()
        trainee = compiled(network, config)
        batch = TrainingBatches(load_dataset(config), config, seed=3, start=0, stop=1)[0]
        losses[precision] = trainee.train_on_batch(*batch, return_dict=True)
        assert {weight.dtype for weight in [*network.weights, *trainee.optimizer.variables[2:]]} == {"float32"}
        steps[precision] = np.concatenate(
            [np.ravel(new - old) for new, old in zip(network.get_weights(), before, strict=True)]
        )
    assert losses["mixed_bfloat16"] == pytest.approx(losses["float32"], rel=0.03)
    assert losses["mixed_bfloat16"] != losses["float32"]
    difference = np.linalg.norm(steps["mixed_bfloat16"] - steps["float32"])
    assert difference < 0.25 * np.linalg.norm(steps["float32"])  # 8 bits of each number, through all layers


@pytest.mark.slow
def test_frozen_blocks_and_all_before_them_stay_as_they_are(make_train_folder, thin_weights):
    config = config_of(make_train_folder(init_weights=str(thin_weights)), frozen_blocks=2, multi_step=[[0.1, 10]])
    network = network_of(config)
    load_weights(network, thin_weights)
    before = network.get_weights()
    batch = TrainingBatches(load_dataset(config), config, seed=3, start=0, stop=1)[0]
    compiled(network, config).train_on_batch(*batch)
    moved = {
        weight.path
        for weight, old, new in zip(network.weights, before, network.get_weights(), strict=True)
        if (new != old).any()
    }
    assert {path.split("_")[0] for path in moved} == {"block3", "block4", "part", "locref"}
    kernels = {weight.path for weight in network.trainable_weights if weight.path.endswith("kernel")}
    assert kernels <= moved


@pytest.mark.slow
def test_training_learns_writes_snapshots_and_predicts(make_train_folder, thin_weights):
    folder = make_train_folder(
        **{"init_weights": str(thin_weights), "max_iters": 6, "save_iters": 4, "display_iters": 2},
        **{"optimizer": "adam", "adam_lr": 1e-4, "validation_fraction": 0.4, "validation_iters": 3},
    )
    assert train(config_of(folder)) == folder / "snapshot-6.weights.h5"
    assert [snapshot.iteration for snapshot in list_snapshots(folder)] == [4, 6]
    with (folder / "learning_stats.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["2", "3", "4", "6"]
    assert [row["iteration"] for row in rows if row["validation_error_px"]] == ["3", "6"]
    assert float(rows[-1]["part_loss"]) < float(rows[0]["part_loss"])
    assert float(rows[-1]["learning_rate"]) == pytest.approx(1e-4)
    board = EventAccumulator(str(folder / "log")).Reload()
    assert [event.step for event in board.Scalars("validation_error_px")] == [3, 6]
    pictures = board.Images("predictions/1")
    assert [(picture.step, picture.width, picture.height) for picture in pictures] == [(3, 136, 120), (6, 136, 120)]
    assert board.Tags()["images"] == ["predictions/0", "predictions/1"]  # 2 of 5 images are held out
    predictor = load_predictor(folder / "pose_cfg.yaml", select_snapshot(folder, "best"))
    poses = predictor(np.zeros((2, 70, 90, 3), np.uint8))
    assert poses.shape == (2, 3, 3)
    np.testing.assert_array_equal(poses[0], poses[1])
    assert train(config_of(folder), resume=True) == folder / "snapshot-6.weights.h5"  # nothing left to do


def test_a_loss_that_is_no_number_names_each_image_once():
    batches = SimpleNamespace(start=4, paths=lambda iteration: [Path("a.png"), Path("b.png"), Path("a.png")])
    with pytest.raises(DeepercutError, match=r"not finite in iteration 7 \(a\.png, b\.png\): check the labels there"):
        StopOnNonFinite(batches).on_train_batch_end(2, {"loss": float("nan")})


@pytest.mark.slow
def test_a_loss_that_is_no_number_names_the_image_and_saves_nothing(make_train_folder, thin_weights):
    folder = make_train_folder(init_weights=str(thin_weights), multi_step=[[1e30, 10]], save_iters=1, max_iters=10)
    with pytest.raises(
        DeepercutError, match=r"loss is not finite in iteration \d+ .*img\d\.png.*newest snapshot is spoilt"
    ):
        train(config_of(folder))
    for snapshot in list_snapshots(folder):
        assert all(np.isfinite(array).all() for array in read_weights(snapshot.path).values())


@pytest.mark.slow
def test_a_changed_image_stops_training_with_its_name(make_train_folder, thin_weights):
    folder = make_train_folder(init_weights=str(thin_weights))
    for number in range(5):
        (folder / f"img{number}.png").write_bytes(b"no image")
    with pytest.raises(UsersError, match=r"img\d\.png is damaged or no image"):
        train(config_of(folder))


@pytest.mark.slow
def test_patience_ends_a_training_and_a_resumed_one_with_a_snapshot(make_train_folder, thin_weights, caplog):
    """At a learning rate of 0 the error stays what it was after the first iteration."""
    caplog.set_level("INFO")
    keys = {"save_iters": 2, "max_iters": 6, "validation_fraction": 0.4, "validation_iters": 1, "patience": 2}
    folder = make_train_folder(init_weights=str(thin_weights), multi_step=[[0.0, 50]], **keys)
    path = train(config_of(folder))
    errors = read_validation_errors(folder / "learning_stats.csv")
    assert list(errors) == [1, 2, 3]
    assert [snapshot.iteration for snapshot in list_snapshots(folder)] == [2, 3]
    assert path == folder / "snapshot-3.weights.h5"
    assert "It has not fallen for 2 iterations, which ends the training (patience 2)" in caplog.text
    (folder / "snapshot-3.weights.h5").write_bytes(b"damaged on the way")
    assert train(config_of(folder), resume=True) == path  # from 2 on, which had not stalled yet
    assert read_weights(path)
    caplog.clear()
    assert train(config_of(folder), resume=True) == path
    assert "raise patience in pose_cfg.yaml" in caplog.text
    assert read_validation_errors(folder / "learning_stats.csv") == errors


def test_script_answers_quickly_and_names_what_is_wrong(tmp_path, monkeypatch, capsys):
    main = runpy.run_path(str(TRAIN))["main"]
    monkeypatch.chdir(tmp_path)

    def refused(*flags: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(flags)
        assert ended.value.code == 2
        return capsys.readouterr().err

    assert "argument --max-iters: 'many' is no whole number from 1" in refused("--max-iters", "many")
    assert "argument --max-iters: '0' is no whole number from 1" in refused("--max-iters", "0")
    assert "argument --seed: '-3' is no whole number from 0" in refused("--seed", "-3")
    assert "not allowed with argument --resume" in refused("--resume", "--init-weights", "x")
    for name in ("myconfig.py", "myconfig_analysis.py"):
        shutil.copy(CHECKOUT / name, tmp_path)
    with pytest.raises(UsersError, match=r"train does not exist.*Step4_"):
        main(["--project", str(tmp_path)])
    code = "import runpy, sys; runpy.run_path('train.py'); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=TRAIN.parent, check=False).returncode == 0


def test_a_second_training_of_a_folder_is_told_its_path(make_train_folder, monkeypatch):
    folder = make_train_folder()
    monkeypatch.chdir(folder)
    main = runpy.run_path(str(TRAIN))["main"]
    with alone_or_refused(folder / "pose_cfg.yaml", ""), pytest.raises(UsersError) as raised:
        main([])
    assert f"another process works with {folder / 'pose_cfg.yaml'}: wait" in str(raised.value)


@pytest.mark.parametrize(
    ("keys", "warns"), [({}, False), ({"scale_jitter_lo": 0.5}, False), ({"global_scale": 0.9}, True)]
)
def test_images_that_never_train_in_full_size_are_told(make_train_folder, monkeypatch, caplog, keys, warns):
    folder = make_train_folder(**keys)
    monkeypatch.setattr(training, "train", lambda *_, **__: folder / "snapshot-1.weights.h5")
    runpy.run_path(str(TRAIN))["main"](["--config", str(folder / "pose_cfg.yaml")])
    told = "5 of 5 training images never train in full size (5 of 136 x 120 at 0.9 of it), but frames are looked at"
    assert (told in caplog.text) == warns and ("full size" in caplog.text) == warns


def test_network_of_follows_the_configuration(make_train_folder):
    network = network_of(config_of(make_train_folder(location_refinement=False)))
    assert list(network.output) == ["part_pred"]


@pytest.mark.parametrize(("keys", "padding"), [({}, True), ({"padding": "none"}, False)])
def test_network_of_pads_as_the_configuration_says(make_train_folder, keys, padding):
    network = network_of(config_of(make_train_folder(**keys)))
    assert network.get_layer("center_and_pad").padding is padding


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["none", pytest.param(None, marks=pytest.mark.campaign)])
def test_a_network_of_deeplabcut_trains_on(make_train_folder, thin_weights, padding, caplog):
    """Images of 120 x 136 pixels and other sizes; without padding, the maps' sizes must still fit the targets'."""
    caplog.set_level("INFO")
    keys = {"max_iters": 3, "scale_jitter_lo": 0.9, "scale_jitter_up": 1.1, "multi_step": [[1e-9, 3]]}
    folder = make_train_folder(**keys, init_weights="./theirs/snapshot-9", **({"padding": padding} if padding else {}))
    config = config_of(folder)
    network = network_of(config)
    load_weights(network, thin_weights)
    export_tf1(network, folder / "theirs" / "snapshot-9")
    snapshot = train(config)
    assert snapshot == folder / "snapshot-3.weights.h5"
    assert read_network(folder / "pose_cfg.yaml", Snapshot(3, snapshot))[0].padding is (padding is None)
    assert ("They are DeepLabCut's, which does not pad images" in caplog.text) == (padding is None)
