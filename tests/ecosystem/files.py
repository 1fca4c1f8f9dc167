"""Files for the readers of other tools: poses in all formats, a project of DeepLabCut, calibrated cameras."""

from __future__ import annotations

import importlib.util
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from dlc_toolbox.cameras.calibration_file import write_cameras
from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.triangulate import triangulate
from dlc_toolbox.exchange.exporting import Origin, export_deeplabcut
from dlc_toolbox.exchange.readers.recognise import read_labels
from dlc_toolbox.exchange.writers.formats import FORMATS, export_poses
from dlc_toolbox.exchange.writers.poses import Poses
from dlc_toolbox.poses.trust import CONFIDENCE
from dlc_toolbox.project.layout import confidence_table
from dlc_toolbox.project.tables import make_table, write_table
from dlc_toolbox.video.video import writing_video

SCORER = "DeepCut_resnet50_reachJan1shuffle1_500"
PARTS = ["nose", "left ear", "tail.tip"]  # not in alphabetical order, and with characters that readers may split at
SKELETON = [["nose", "left ear"], ["left ear", "tail.tip"]]
FPS = 30000 / 1001
RECORD = {"frames": 12, "fps": FPS, "fps_is_assumed": False, "frame_times_s": None, "width": 640, "height": 480}
RECORD["settings"] = {"net_type": "resnet_50"}
IMAGES = ["day1/img2.png", "day1/img10.png", "day2/img0.png"]


def write_files(folder: Path) -> None:
    """Write poses, labels, cameras and expected.json, which holds their values; missing ones are null."""
    rng = np.random.default_rng(5)
    poses = rng.uniform(0, 600, (12, len(PARTS), 3))
    poses[..., 2] = rng.uniform(0, 1, (12, len(PARTS)))
    poses[[0, 7]] = np.nan  # frames that could not be decoded, the first among them
    table = folder / f"video{SCORER}.h5"
    write_table(make_table(SCORER, PARTS, range(12), poses), table)
    errors = rng.uniform(1, 9, (12, len(PARTS), len(CONFIDENCE)))
    write_table(make_table(SCORER, PARTS, range(12), errors, CONFIDENCE), confidence_table(table), csv=False)
    _write_video(folder / "video.mp4")
    _export(Poses(folder / "video.mp4", table, SCORER, tuple(PARTS), ((0, 1), (1, 2)), RECORD))

    labels = rng.uniform(0, 30, (len(IMAGES), len(PARTS), 2))
    labels[0] = np.nan
    labels[2, 1] = np.nan
    for image in IMAGES:
        (folder / "labels" / image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32)).save(folder / "labels" / image)
    table = folder / "labels" / "CollectedData_Ann.h5"
    write_table(make_table("Ann", PARTS, IMAGES, labels), table)
    config, origins = {"skeleton": SKELETON}, {"day2": Origin(folder / "video.mp4")}
    found = read_labels(table, folder / "scratch")
    export_deeplabcut(found, folder / "project", "reach", "Jan1", config=config, origins=origins)
    _add_network(folder / "project" / "dlc-models" / "iteration-0" / "reachJan1-trainset95shuffle1" / "train")

    expected = {"scorer": SCORER, "parts": PARTS, "images": IMAGES, "fps": FPS}
    expected |= {"poses": _plain(poses), "errors": _plain(errors[..., :2]), "labels": _plain(labels)}
    expected |= {"cameras": write_rig(folder)}
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def _write_video(path: Path) -> None:
    """Write a video of the twelve frames, of 640 x 480 pixels."""
    with writing_video(path, 640, 480, Fraction(30000, 1001)) as write:
        for number in range(12):
            write(np.full((480, 640, 3), 20 * number, np.uint8))


def _export(poses: Poses) -> None:
    """Write poses in every format whose packages are installed."""
    for name, form in FORMATS.items():
        if all(importlib.util.find_spec(package) for package in form.packages):
            export_poses(poses, name)


def _add_network(folder: Path) -> None:
    """Put into a project of DeepLabCut what it needs to know the network's name."""
    folder.mkdir(parents=True)
    (folder / "pose_cfg.yaml").write_text("net_type: resnet_50\n", encoding="utf-8")
    (folder / "snapshot-500.index").touch()


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
