"""Files for the readers of other tools: poses of a video, and labels as a project of DeepLabCut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from dlc_toolbox.labels.interchange import export_deeplabcut
from dlc_toolbox.labels.readers.recognise import read_labels
from dlc_toolbox.project.tables import make_table, write_table

SCORER = "DeepCut_resnet50_reachJan1shuffle1_500"
PARTS = ["nose", "left ear", "tail.tip"]  # not in alphabetical order, and with characters that readers may split at
IMAGES = ["day1/img2.png", "day1/img10.png", "day2/img0.png"]


def write_files(folder: Path) -> None:
    """Write poses, labels and expected.json, which holds their values; missing ones are null."""
    rng = np.random.default_rng(5)
    poses = rng.uniform(0, 600, (12, len(PARTS), 3))
    poses[..., 2] = rng.uniform(0, 1, (12, len(PARTS)))
    poses[[0, 7]] = np.nan  # frames that could not be decoded, the first among them
    write_table(make_table(SCORER, PARTS, range(12), poses), folder / f"video{SCORER}.h5")

    labels = rng.uniform(0, 30, (len(IMAGES), len(PARTS), 2))
    labels[0] = np.nan
    labels[2, 1] = np.nan
    for image in IMAGES:
        (folder / "labels" / image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32)).save(folder / "labels" / image)
    table = folder / "labels" / "CollectedData_Ann.h5"
    write_table(make_table("Ann", PARTS, IMAGES, labels), table)
    export_deeplabcut(read_labels(table, folder / "scratch"), folder / "project", "reach", "Jan1")

    expected = {"scorer": SCORER, "parts": PARTS, "images": IMAGES, "poses": _plain(poses), "labels": _plain(labels)}
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def _plain(values: np.ndarray) -> list:
    """Return nested lists with None for NaN, which json does not know."""
    return np.where(np.isnan(values), None, values).tolist()
