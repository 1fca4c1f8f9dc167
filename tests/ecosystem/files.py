"""Files for the readers of other tools: poses of a video, labels as a project of DeepLabCut, calibrated cameras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from dlc_toolbox.cameras.calibration_file import write_cameras
from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.triangulate import triangulate
from dlc_toolbox.labels.interchange import export_deeplabcut, read_labels
from dlc_toolbox.project.tables import make_table, write_table

SCORER = "DeepCut_resnet50_reachJan1shuffle1_500"
PARTS = ["nose", "left ear", "tail.tip"]  # not in alphabetical order, and with characters that readers may split at
IMAGES = ["day1/img2.png", "day1/img10.png", "day2/img0.png"]


def write_files(folder: Path) -> None:
    """Write poses, labels, cameras and expected.json, which holds their values; missing ones are null."""
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
    export_deeplabcut(read_labels(table), folder / "project", "reach", "Jan1")

    cameras = write_rig(folder)
    expected = {
        "cameras": cameras,
        "scorer": SCORER,
        "parts": PARTS,
        "images": IMAGES,
        "poses": _plain(poses),
        "labels": _plain(labels),
    }
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def write_rig(folder: Path) -> dict[str, list]:
    """Write three cameras as calibration.toml; return points, where they are seen, with noise, and triangulated."""
    rng = np.random.default_rng(6)
    bend = np.array([-0.2, 0.05, 0.001, -0.002, 0.01])
    cameras = []
    for name, angle in zip("ABC", (0.0, 0.7, 1.4), strict=True):
        matrix = np.array([[600.0 + 100 * angle, 0, 310], [0, 610 + 100 * angle, 245], [0, 0, 1]])
        cameras.append(Camera(name, (640, 480), matrix, bend, np.array([0, angle, 0]), np.array([0.0, 5, 400])))
    points = rng.uniform(-60, 60, (200, 1, 3))
    exact = np.stack([camera.project(points) for camera in cameras])
    noisy = exact + rng.normal(0, 0.8, exact.shape)
    write_cameras(cameras, folder / "calibration.toml", 0.2)
    found = {"points": points, "exact": exact, "noisy": noisy, "triangulated": triangulate(cameras, noisy).points}
    return {name: np.squeeze(values, axis=-2).tolist() for name, values in found.items()}


def _plain(values: np.ndarray) -> list:
    """Return nested lists with None for NaN, which json does not know."""
    return np.where(np.isnan(values), None, values).tolist()
