"""Runs that the tests of this folder start in processes of their own, to kill them."""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_toolbox.evaluation.evaluation import EvaluatedNetwork, evaluate
from dlc_toolbox.pictures.marks import marks_of
from dlc_toolbox.poses.labeled_video import label_video
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_analysis_settings
from dlc_toolbox.training_set.recorded import read_split
from tests.analyze import analyze

PARTS = ("nose", "paw", "tail")
EXPERIMENT = Experiment("toy", "Jan1", "Ann", 70, 1, 50)


def quietly(task: str, project: Path, overwrite: bool) -> None:
    """Run one of the tasks below by its name, without a word; the process ends with its exit code."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.exit(globals()[task](project, overwrite))


def on_full_disk(task: str, project: Path, overwrite: bool, most_bytes: int) -> None:
    """Run a task whose files may get so many bytes; the process ends with 1 after a clear line, 3 after a traceback."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    try:
        quietly("within_cli", (task, project), overwrite)
    except Exception:
        sys.exit(3)


def on_read_only_disk(task: str, project: Path, overwrite: bool) -> None:
    """Run a task that must obey the permissions of files, as root need not; it ends as on a full disk."""
    import ctypes

    version, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset(version, none)  # gives up all of root's privileges
    try:
        quietly("within_cli", (task, project), overwrite)
    except Exception:
        sys.exit(3)


def within_cli(job: tuple[str, Path], overwrite: bool) -> int:
    """Run another task as a script does, which turns the user's errors into one line."""
    task, project = job
    return cli.run(lambda _: globals()[task](project, overwrite), [])


def step2(project: Path, overwrite: bool) -> int:
    """Make the label table."""
    return _run("Step2_ConvertingLabels2DataFrame.py", project, overwrite)


def step4(project: Path, overwrite: bool) -> int:
    """Make the training set."""
    return _run("Step4_GenerateTrainingFileFromLabelledData.py", project, overwrite)


def evaluation(project: Path, overwrite: bool) -> None:
    """Find the poses of all labeled images, with a stand-in for the network."""
    layout, snapshot = Layout(project), _snapshot(project)
    config = layout.train_folder(EXPERIMENT) / "pose_cfg.yaml"
    split = read_split(layout, EXPERIMENT)
    network = EvaluatedNetwork(layout, EXPERIMENT, 0.7, split, PARTS, config, snapshot)
    evaluate(network, lambda: find_brightest, overwrite=overwrite)


def analysis(project: Path, overwrite: bool) -> None:
    """Find the poses of the video, with a stand-in for the network."""
    analyze(_video(project), find_brightest, _network(project), batch_size=2, csv=True, overwrite=overwrite)


def labeling(project: Path, overwrite: bool) -> None:
    """Make the labeled video."""
    marks = marks_of(load_analysis_settings(project), PARTS)
    label_video(_video(project), _network(project), marks, overwrite=overwrite)


def find_brightest(frames: np.ndarray) -> np.ndarray:
    """Return the brightest pixel of each colour, and take a few milliseconds as a network does."""
    time.sleep(0.005)
    places = frames.reshape(len(frames), -1, 3).argmax(axis=1)
    rows, columns = np.divmod(places, frames.shape[2])
    return np.stack([columns, rows, np.ones_like(rows)], axis=-1).astype(np.float32)


def _run(script: str, project: Path, overwrite: bool) -> int:
    main = runpy.run_path(str(CHECKOUT / "Generating_a_Training_Set" / script))["main"]
    return cli.run(main, ["--project", str(project), *(["--overwrite"] if overwrite else [])])


def _video(project: Path) -> Path:
    return project / "videos" / "toy.avi"


def _snapshot(project: Path) -> SimpleNamespace:
    return SimpleNamespace(iteration=100, path=Layout(project).train_folder(EXPERIMENT) / "snapshot-100.weights.h5")


def _network(project: Path) -> Network:
    config = Layout(project).train_folder(EXPERIMENT) / "pose_cfg.yaml"
    return Network(EXPERIMENT.video_scorer(100), PARTS, config, _snapshot(project), {"net_type": "resnet_50"})
