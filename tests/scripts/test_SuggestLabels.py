"""Machine labels by the newest network, or by a helper that is trained before; progress, cancel, what stays."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepercut.inference import predict
from deepercut.weights.snapshots import snapshot_path, state_path
from dlc_common.cli import CHECKOUT
from dlc_toolbox.labeling.help import helper
from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.steps import suggestions
from tests.thin import few_and_narrow_layers

SCRIPT = "Generating_a_Training_Set/SuggestLabels.py"
PARTS = ("nose", "paw", "tail")


@pytest.fixture(autouse=True)
def no_step_back(monkeypatch):
    """Keep the priority of the tests' own process, which cannot be raised again."""
    monkeypatch.setattr(suggestions, "_step_back", lambda: None)


@pytest.fixture
def data(toy_project, toy_points, draw_dots, write_fiji_csv):
    """The data folder with a second folder: frames 0 to 11, of which the first eight are labeled."""
    folder = Layout(toy_project).data_folder("toy")
    (folder / "more").mkdir()
    for frame in range(12):
        Image.fromarray(draw_dots(toy_points[frame])).save(folder / "more" / f"img{frame:02d}.png")
    for part, name in enumerate(PARTS):
        write_fiji_csv(folder / "more" / f"{name}.csv", [(*toy_points[n, part], n + 1) for n in range(8)])
    return folder


@pytest.fixture
def weights(toy_project):
    """A file that stands for ImageNet weights."""
    path = Layout(toy_project).models / "pretrained" / "resnet_v1_50.weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"imagenet")
    return path


@pytest.fixture
def trainings(monkeypatch, find_dots):
    """Trainings that only write what a training writes, and a network that finds the toy's dots; lists both."""
    seen = []

    def train(config, tell, shows_bar):
        seen.append(config)
        folder, _ = config.snapshot_place
        for iteration in (1, config.iterations):
            tell(0.85 * iteration / config.iterations, f"iteration {iteration}")
        snapshot_path(folder, config.iterations).write_bytes(b"trained")
        state_path(folder, config.iterations).write_bytes(b"state")

    monkeypatch.setattr(suggestions, "_train", train)
    monkeypatch.setattr(predict, "load_predictor", lambda config_path, snapshot: find_dots)
    return seen


def machine_labels(folder: Path, part: str) -> np.ndarray:
    clicks = read_clicks(folder / "machine-labels" / f"{part}.csv")
    return clicks[["slice", "x", "y"]].to_numpy()


def test_a_helper_is_trained_on_all_labels_and_then_suggests(
    run_here, toy_project, toy_points, data, weights, trainings
):
    people = {path: path.read_bytes() for path in data.rglob("*.csv")}
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == 0 and "Step2_ConvertingLabels2DataFrame.py" in output.splitlines()[-1]
    assert "The helper trains on 18 images for 500 iterations and starts from ImageNet weights" in output
    home = data / ".helper"
    assert sorted(path.name for path in home.iterdir()) == [
        *("helper.json", "helper.mat", "pose_cfg.yaml", "snapshot-500.weights.h5")
    ]
    known = helper.read_helper(home)
    assert (known.iteration, known.images, known.labels, known.scorer) == (500, 18, 53, "Ann")
    np.testing.assert_allclose(
        machine_labels(data / "more", "paw"), np.column_stack([range(9, 13), toy_points[8:12, 1]]), atol=0.2
    )
    assert json.loads((data / "more" / "machine-labels" / "network.json").read_text())["network"] == "helper_toy_500"
    assert {path: path.read_bytes() for path in people} == people
    assert not list(data.glob(".part-*"))


def test_with_more_labels_the_helper_goes_on_for_fewer_iterations(
    run_here, toy_project, data, weights, trainings, toy_points, write_fiji_csv
):
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    for part, name in enumerate(PARTS):
        write_fiji_csv(data / "more" / f"{name}.csv", [(*toy_points[n, part], n + 1) for n in range(11)])
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == 0 and "trains on 21 images for 200 iterations and goes on from iteration 500" in output
    assert [Path(config.init_weights).name for config in trainings] == [
        *("resnet_v1_50.ckpt", "snapshot-500.weights.h5")
    ]
    assert [path.name for path in (data / ".helper").glob("*.h5")] == ["snapshot-700.weights.h5"]
    assert helper.read_helper(data / ".helper").iteration == 700
    assert len(machine_labels(data / "more", "nose")) == 1


def test_without_train_the_newest_network_suggests(run_here, toy_project, data, weights, trainings):
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    code, output = run_here(SCRIPT, "--project", toy_project)
    assert code == 0 and "Network: helper_toy_500" in output and "5 images have machine labels" in output
    assert len(trainings) == 1


def test_progress_in_lines_of_json(run_here, toy_project, data, weights, trainings):
    code, output = run_here(SCRIPT, "--project", toy_project, "--train", "--json")
    told = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    shares = [line["progress"] for line in told]
    assert code == 0 and shares == sorted(shares)
    assert told[0] == {"progress": 0.0017, "message": "iteration 1"} and shares[-1] == 1
    assert told[-1]["message"] == "5 images have machine labels now: accept or correct them"


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_ends_a_training_leaves_the_helper_of_before(
    run_here, toy_project, data, weights, trainings, monkeypatch, failure
):
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}

    def fail(config, tell, shows_bar):
        (config.folder / "snapshot-9.weights.h5").write_bytes(b"half")
        raise failure

    monkeypatch.setattr(suggestions, "_train", fail)
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == (130 if isinstance(failure, KeyboardInterrupt) else 1)
    assert "interrupted." in output or ".helper could not be written: No space left on device" in output
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_without_a_network_the_message_says_how_to_get_one(run_here, toy_project, data):
    code, output = run_here(SCRIPT, "--project", toy_project)
    assert code == 1 and "label 15 images and train a helper" in output and "SuggestLabels.py --train" in output


def test_imagenet_weights_are_fetched_where_missing(run_here, toy_project, data, trainings, monkeypatch, tmp_path):
    def download(project: Path, depth: int) -> None:
        fetched.append((project, depth))
        folder = Layout(project).models / "pretrained"
        folder.mkdir(parents=True)
        (folder / f"resnet_v1_{depth}.weights.h5").touch()

    fetched: list[tuple[Path, int]] = []
    monkeypatch.setattr(helper, "CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr("dlc_toolbox.steps.training.download", download)
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    assert fetched == [(toy_project, 50)]
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    assert len(fetched) == 1


def test_too_few_labels_are_told_at_once(run_here, toy_project, data):
    for path in (data / "more").glob("*.csv"):
        path.unlink()
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == 1 and "label 5 more images: a helper learns from 15 on" in output
    for path in (data / "toy").glob("*.csv"):
        path.unlink()
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == 1 and "label 15 more images" in output
    assert not (data / ".helper").exists()


def test_labels_of_another_scorer(run_here, toy_project, data):
    code, output = run_here(SCRIPT, "--project", toy_project, "--scorer", "Bob")
    assert code == 1 and "Bob is none of Scorers in" in output and output.rstrip().endswith("Ann")


def test_a_finished_project_has_nothing_to_suggest(
    run_here, toy_project, data, weights, trainings, toy_points, write_fiji_csv
):
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    for part, name in enumerate(PARTS):
        write_fiji_csv(data / "more" / f"{name}.csv", [(*toy_points[n, part], n + 1) for n in range(12)])
        write_fiji_csv(data / "toy" / f"{name}.csv", [(*toy_points[3 * n, part], n + 1) for n in range(10)])
    code, output = run_here(SCRIPT, "--project", toy_project)
    assert code == 0 and "Every image is labeled" in output


def test_the_page_offers_what_can_be_had_at_the_moment(run_here, toy_project, data, weights, trainings, monkeypatch):
    store = LabelStore(Layout(toy_project))
    assert store.count_images() == (18, 5)
    offered = suggestions.offer_help(store)
    told = offered.as_json()
    assert (told["can_suggest"], told["can_train"], told["helper"]) == (False, True, None)
    assert told["why_not_suggest"].endswith("label 15 images and train a helper")
    assert run_here(SCRIPT, "--project", toy_project, "--train")[0] == 0
    told = offered.as_json()
    assert (told["can_suggest"], told["can_train"]) == (True, True)
    assert told["helper"] == {"iteration": 500, "images": 18}
    assert offered.kinds["helper"].command()[-2:] == ["--json", "--train"]
    store.refresh()
    images = {image["name"]: image for folder in store.project()["folders"] for image in folder["images"]}
    assert images["img11.png"]["machine"] == 3 and 0 < images["img11.png"]["rank"] <= 1
    store.accept("more", "img11.png", None, 0.9)
    assert store.labels("more", "img11.png")["accepted"] == ["nose", "paw", "tail"]
    assert store.count_images() == (19, 4)
    store.close()


@pytest.fixture
def random_weights(weights):
    """A network of random weights for three parts as a start."""
    import keras

    from deepercut.network.posenet import build_posenet
    from deepercut.weights.checkpoints import save_snapshot

    keras.utils.set_random_seed(0)
    save_snapshot(build_posenet(50, 3, (123.68, 116.779, 103.939)), weights)
    return weights


@pytest.fixture
def thin():
    """A network that trains in seconds."""
    with few_and_narrow_layers():
        yield


@pytest.mark.slow
def test_a_real_training_and_its_suggestions(run_here, toy_project, data, thin, random_weights, monkeypatch):
    monkeypatch.setattr(helper, "_MOST_ITERATIONS", 3)
    monkeypatch.setattr(helper, "_HEADS_ITERATIONS", 3)
    code, output = run_here(SCRIPT, "--project", toy_project, "--train", "--json")
    assert code == 0
    told = [json.loads(line)["message"] for line in output.splitlines() if line.startswith("{")]
    assert "Training a helper: iteration 3 of 3" in told and "Finding body parts: image 5 of 5" in told
    assert (data / ".helper" / "snapshot-3.weights.h5").stat().st_size > 5e5
    code, output = run_here(SCRIPT, "--project", toy_project, "--train")
    assert code == 0 and "for 1 iterations and goes on from iteration 3" in output
    assert [path.name for path in (data / ".helper").glob("snapshot*")] == ["snapshot-4.weights.h5"]


@pytest.mark.campaign
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process could answer")
def test_a_training_that_is_cancelled_leaves_nothing_behind(toy_project, data, random_weights):
    before = sorted(data.rglob("*"))
    command = [sys.executable, str(CHECKOUT / SCRIPT), "--project", str(toy_project), "--train", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if "iteration 2 of" in line:
            break
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
    process.send_signal(signal.SIGTERM)
    output = process.stdout.read()
    assert process.wait(60) == 130 and "helper are those of before" in output
    assert sorted(path for path in data.rglob("*") if path.name != ".suggestions.lock") == before
