"""What `run.py` runs in the environment of DeepLabCut 2.3.11: one job of that program's public functions.

python deeplabcut2.py JOB, where JOB is a json file: {"do": "train" | "predict" | "analyze", "config": ..., ...}
"""

import json
import os
import random
import sys
from pathlib import Path

os.environ["DLClight"] = "True"  # noqa: SIM112 without windows

import deeplabcut
import numpy as np
import pandas as pd
from deeplabcut.utils import auxfun_models, auxiliaryfunctions


def train(job: dict) -> None:
    """Train on the given split from the given weights; all else is the program's default."""
    random.seed(job["seed"])
    np.random.seed(job["seed"])  # noqa: NPY002 what that program draws from
    auxfun_models.check_for_weights = lambda *_: job["weights"]  # in place of a download
    deeplabcut.create_training_dataset(
        job["config"],
        Shuffles=[job["seed"]],
        trainIndices=[job["train"]],
        testIndices=[job["test"]],
        net_type="resnet_50",
        augmenter_type="imgaug",
        userfeedback=False,
    )
    (pose_cfg,) = Path(job["config"]).parent.glob(f"dlc-models/iteration-0/*shuffle{job['seed']}/train/pose_cfg.yaml")
    auxiliaryfunctions.edit_config(str(pose_cfg), job["set"])
    deeplabcut.train_network(
        job["config"],
        shuffle=job["seed"],
        maxiters=job["iterations"],
        saveiters=job["every"],
        displayiters=job["every"],
        max_snapshots_to_keep=None,
    )


def predict(job: dict) -> None:
    """Write the poses of all labeled images by every snapshot, {iteration: poses (N, K, 3)}, and the images' names."""
    auxiliaryfunctions.edit_config(job["config"], {"snapshotindex": "all"})
    deeplabcut.evaluate_network(job["config"], Shuffles=[job["seed"]], show_errors=False)
    found = Path(job["config"]).parent.glob(f"evaluation-results/iteration-0/*shuffle{job['seed']}/*-snapshot-*.h5")
    tables = {path.stem.rpartition("-")[2]: pd.read_hdf(path) for path in found}
    names = ["/".join(name[-2:]) for name in next(iter(tables.values())).index]
    poses = {iteration: table.to_numpy().reshape(len(table), -1, 3) for iteration, table in tables.items()}
    np.savez(job["out"], images=names, **poses)


def analyze(job: dict) -> None:
    """Analyze one video."""
    auxiliaryfunctions.edit_config(job["config"], {"snapshotindex": -1})
    deeplabcut.analyze_videos(job["config"], [job["video"]], shuffle=job["seed"], batchsize=job["batch_size"])


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    {"train": train, "predict": predict, "analyze": analyze}[job["do"]](job)
