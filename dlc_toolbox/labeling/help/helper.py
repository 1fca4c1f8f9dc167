"""The helper: a network trained for minutes on the labels so far, which finds the body parts in the other images.

It lies in a hidden folder of its own beside the images, no experiment, and safe to delete: ``helper.json`` tells what
it was made from, and makes it exist.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_common.files import is_broken, replacing
from dlc_common.images import image_size
from dlc_common.training_scales import SMALLEST_SIDE
from dlc_common.training_set import write_training_set
from dlc_common.versions import versions
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.plausible import outside_image
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import points
from dlc_toolbox.training_set.pose_cfg import read_pose_cfg, relative_path
from dlc_toolbox.training_set.trainset import labeled_image

LEAST_IMAGES = 15
"""Labeled images from which on a helper is worth its training."""

POSE_CFG, TRAINING_SET, RECORD = "pose_cfg.yaml", "helper.mat", "helper.json"
DEPTH = 50

_USUAL_PX = 640 * 480
_SCALE, _JITTER = 0.8, (0.5, 1.5)
_ITERATIONS, _MOST_ITERATIONS = 250, 500  # of images of the usual size, and of smaller ones
_UPDATE_PX = 43_000  # what a step costs beside its pixels, in pixels; from figures in tests/benchmarks/README.md
_SHARE_OF_MORE = 0.4  # of the iterations, for a helper that goes on
_RATE, _RATE_OF_MORE = 5e-4, 2.5e-4
_HEADS_ITERATIONS = 300  # of a new helper
_DISTANCE_PX = 17  # pos_dist_thresh of images of the usual size, where the template does not tell
_SLACK = 1.05
_SIMILAR = 1.25  # ratio of scales up to which a helper can go on


@dataclass(frozen=True)
class Plan:
    """How a helper is trained on images of a size.

    Parameters
    ----------
    shrink : float
        Size, relative to their files, at which the network sees the images when it is used: 1, or less for large ones.
    global_scale : float
        Size in training, relative to their files, before the jitter.
    iterations : int
        Updates from ImageNet weights.
    """

    shrink: float
    global_scale: float
    iterations: int


@dataclass(frozen=True)
class Helper:
    """What is known of a helper that was trained.

    Parameters
    ----------
    iteration : int
        Updates since the ImageNet weights.
    images, labels : int
        On how many of them it was trained last.
    scorer : str
        Whose labels these are.
    bodyparts : sequence of str
        In the order of its poses.
    shrink : float
        See `Plan`.
    time : str
        When it was trained, UTC.
    """

    iteration: int
    images: int
    labels: int
    scorer: str
    bodyparts: Sequence[str]
    shrink: float
    time: str

    def name(self, task: str) -> str:
        """Name it as machine labels do."""
        return f"helper_{task}_{self.iteration}"


@dataclass(frozen=True)
class Start:
    """What a training of a helper starts from.

    Parameters
    ----------
    weights : Path
        A file, or a name of one without its ending.
    iteration : int
        Updates that they have had already.
    """

    weights: Path
    iteration: int = 0


def plan_training(sizes: Sequence[tuple[int, int]]) -> Plan:
    """Choose scale and length of a training so that it costs the same for images of any size.

    A step costs what the scaled area of an image does, and what the update of the weights does. Images larger than
    640x480 are treated as if they had been scaled to this area; smaller ones keep their size and get more steps.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Width and height of the training images in pixels.

    Returns
    -------
    Plan
        For the mean area.

    Examples
    --------
    >>> plan_training([(640, 480)])
    Plan(shrink=1.0, global_scale=0.8, iterations=250)
    >>> plan_training([(1280, 960)])
    Plan(shrink=0.5, global_scale=0.4, iterations=250)
    >>> plan_training([(480, 360)]).iterations
    390
    """
    sides = np.asarray(sizes, dtype=float)
    area, shortest = float(sides.prod(axis=1).mean()), float(sides.min())
    shrink = min(1.0, math.sqrt(_USUAL_PX / area))
    scale = max(_SCALE * shrink, _SLACK * SMALLEST_SIDE / _JITTER[1] / shortest)  # narrow ones cannot train below it
    cost = (area * scale**2 + _UPDATE_PX) / (_USUAL_PX * _SCALE**2 + _UPDATE_PX)
    return Plan(shrink, scale, min(round(_ITERATIONS / cost), _MOST_ITERATIONS))


def read_helper(folder: Path) -> Helper | None:
    """Read what is known of the helper in a folder; None where there is none, or a damaged one."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        helper = Helper(**{name: content[name] for name in Helper.__dataclass_fields__})
        return helper if helper.iteration > 0 and helper.images > 0 and 0 < helper.shrink <= 1 else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_helper(folder: Path, helper: Helper) -> None:
    """Write down what a helper was made from, after all else, because that makes it exist."""
    with replacing(folder / RECORD) as temporary:
        content = {**asdict(helper), "versions": versions()}
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def find_start(layout: Layout, settings: Settings, plan: Plan, snapshots: Sequence[Any]) -> Start:
    """Choose the weights to start from: the helper's own, or those of ImageNet.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Task and body parts.
    plan : Plan
        The helper's own must have been trained at a similar size.
    snapshots : sequence of Snapshot
        Of the helper's folder; ``path`` is a file.

    Returns
    -------
    Start
        As found.

    Raises
    ------
    ToolboxError
        When there are no ImageNet weights, neither in the project nor in the checkout.
    """
    helper = read_helper(layout.helper_folder(settings.Task))
    if helper and tuple(helper.bodyparts) == tuple(settings.bodyparts) and snapshots:
        is_similar = 1 / _SIMILAR < helper.shrink / plan.shrink < _SIMILAR
        if is_similar and not is_broken(snapshots[-1].path):
            return Start(snapshots[-1].path, helper.iteration)
    weights = pretrained_weights(layout)
    if weights is None:
        raise ToolboxError(why_no_weights(layout))
    return Start(weights)


def pretrained_weights(layout: Layout) -> Path | None:
    """Return the ImageNet weights of the project, or else of the checkout; None where there are none."""
    name = f"resnet_v1_{DEPTH}"
    for root in (layout, Layout(CHECKOUT)):
        folder = root.models / "pretrained"
        if any((folder / f"{name}{ending}").is_file() for ending in (".weights.h5", ".ckpt", ".ckpt.index", ".h5")):
            return folder / f"{name}.ckpt"  # as pose_cfg.yaml names them, whatever their form
    return None


def why_no_weights(layout: Layout) -> str:
    """Say what to do without ImageNet weights."""
    how = cli.command(layout.root, "pose-tensorflow/models/pretrained/download.py", "--depth", str(DEPTH))
    return (
        f"{layout.pretrained} does not hold the weights resnet_v1_{DEPTH} that a helper starts from; get "
        f"them once: {how}"
    )


def training_images(table: pd.DataFrame, settings: Settings, data_folder: Path) -> dict[Path, np.ndarray]:
    """List the images that a helper can be trained on: all that have a label.

    Parameters
    ----------
    table : DataFrame
        Labels, as `labels.read_labels` returns them.
    settings : Settings
        Body parts.
    data_folder : Path
        Where the images lie.

    Returns
    -------
    dict of Path to ndarray of shape (K, 2)
        x, y in pixels of each image's labels; NaN without one, or with one outside the image.

    Raises
    ------
    ToolboxError
        When there are too few, or a labeled image is missing or damaged.
    """
    labels = points(table, settings.bodyparts)[..., :2]
    labels[~np.isfinite(labels).all(axis=2)] = np.nan
    rows = np.flatnonzero(np.isfinite(labels).any(axis=(1, 2)))
    paths = [data_folder / name for name in table.index[rows]]
    chosen = labels[rows]
    chosen[outside_image(chosen, np.array([image_size(path) for path in paths]).reshape(-1, 2))] = np.nan
    images = {path: of_image for path, of_image in zip(paths, chosen, strict=True) if np.isfinite(of_image).any()}
    if len(images) < LEAST_IMAGES:
        raise ToolboxError(too_few_images(len(images)))
    return images


def too_few_images(labeled: int) -> str:
    """Say how many images are missing to train a helper."""
    missing = LEAST_IMAGES - labeled
    return f"label {missing} more image{'s' if missing > 1 else ''}: a helper learns from {LEAST_IMAGES} on"


def write_training_files(
    folder: Path, layout: Layout, settings: Settings, images: Mapping[Path, np.ndarray], plan: Plan, start: Start
) -> dict[str, Any]:
    """Write what a helper is trained by: a .mat of all images, none held out, and a pose_cfg.yaml.

    Parameters
    ----------
    folder : Path
        Where to, for now; in the end it becomes `layout.helper_folder`, from where the paths in the files are seen.
    layout : Layout
        The project; its template of pose_cfg.yaml is what the other keys come from.
    settings : Settings
        Task, body parts, seed.
    images : mapping of Path to ndarray of shape (K, 2)
        See `training_images`.
    plan : Plan
        Scale and iterations.
    start : Start
        Weights.

    Returns
    -------
    dict
        What goes before the values of the pose_cfg.yaml while the files lie in `folder`.
    """
    home = layout.helper_folder(settings.Task)
    entries = [labeled_image(relative_path(path, home), image_size(path), found) for path, found in images.items()]
    write_training_set(folder / TRAINING_SET, entries)
    template = read_pose_cfg(layout.pose_cfg_template)
    text = yaml.safe_dump(template | _values(settings, plan, start, template), sort_keys=False, allow_unicode=True)
    with replacing(folder / POSE_CFG) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return {"dataset": str(folder / TRAINING_SET), "project_path": str(home)}


def _values(settings: Settings, plan: Plan, start: Start, template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a helper's pose_cfg.yaml that the template does not decide."""
    goes_on = start.iteration > 0
    iterations = max(1, round(plan.iterations * (_SHARE_OF_MORE if goes_on else 1)))
    distance = template.get("pos_dist_thresh", _DISTANCE_PX)  # of a shrunk image; what is no number is told later
    distance = distance / plan.shrink if isinstance(distance, int | float) else distance
    return {
        "dataset": TRAINING_SET,
        "num_joints": len(settings.bodyparts),
        "all_joints": [[part] for part in range(len(settings.bodyparts))],
        "all_joints_names": list(settings.bodyparts),
        "net_type": f"resnet_{DEPTH}",
        "init_weights": start.weights.as_posix(),
        "snapshot_prefix": "./snapshot",
        "log_dir": "log",
        "global_scale": plan.global_scale,
        "scale_jitter_lo": _JITTER[0],
        "scale_jitter_up": _JITTER[1],
        "max_input_size": None,
        "mirror": False,  # left and right pairs are known to a pose_cfg.yaml alone
        "crop_size": None,
        "pos_dist_thresh": distance,
        "location_refinement": True,
        "intermediate_supervision": False,
        "frozen_blocks": 2,
        "heads_iters": _HEADS_ITERATIONS,
        "optimizer": "adam",
        "adam_lr": _RATE_OF_MORE if goes_on else _RATE,
        "lr_schedule": "cosine",
        "batch_size": 1,
        "max_iters": iterations,
        "save_iters": iterations,
        "display_iters": 25,
        "validation_fraction": 0,
        "validation_iters": None,
        "precision": "auto",
        "devices": 1,
        "seed": settings.seed,
    }
