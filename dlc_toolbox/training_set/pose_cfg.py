"""The pose_cfg.yaml files of a network: made from a template, with whatever a user has edited kept."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path, PureWindowsPath
from typing import Any

import yaml

from dlc_common import UsersError
from dlc_common.files import replacing
from dlc_common.training_scales import TrainingScales
from dlc_common.yaml_text import read_yaml, with_values
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.pairs import partners
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout

log = logging.getLogger(__name__)

_SCALES = [field.name for field in fields(TrainingScales)]
_SHARED_WITH_TEST = (
    *("dataset", "num_joints", "all_joints", "all_joints_names", "net_type", "init_weights"),
    *("global_scale", "location_refinement", "locref_stdev"),
)


def check_pose_cfg(layout: Layout, experiment: Experiment) -> None:
    """Make sure, before anything is written, that a train pose_cfg.yaml has scales to work with.

    Parameters
    ----------
    layout : Layout
        The project.
    experiment : Experiment
        Whose file; the template counts where there is none yet.

    Raises
    ------
    ToolboxError
        When it cannot be read, or a scale, or max_input_size where it is not null, is no number greater than 0.
    """
    path = _base(layout, experiment)
    for key, value in read_pose_cfg(path).items():
        if key in _SCALES and not _is_positive(value) and (key, value) != ("max_input_size", None):
            raise ToolboxError(f"{path}: {key} is {value!r}, but must be a number greater than 0")


def write_pose_cfgs(layout: Layout, experiment: Experiment, bodyparts: Sequence[str]) -> dict[str, Any]:
    """Write the train and the test pose_cfg.yaml of an experiment.

    A train file that exists keeps its text; only the keys that follow from the training set are set anew in it.

    Parameters
    ----------
    layout : Layout
        The project.
    experiment : Experiment
        Whose files.
    bodyparts : sequence of str
        Names, in the order of their numbers in the .mat.

    Returns
    -------
    dict
        The content of the train file.

    Raises
    ------
    ToolboxError
        When the present file, or the template, is no yaml of keys and values, or the system refuses to write.
    """
    path = layout.train_folder(experiment) / "pose_cfg.yaml"
    base = _base(layout, experiment)
    present = read_pose_cfg(base)
    content = {
        "dataset": relative_path(layout.mat_file(experiment), path.parent),
        "num_joints": len(bodyparts),
        "all_joints": _pairing(present, bodyparts, base),
        "all_joints_names": list(bodyparts),
        "net_type": f"resnet_{experiment.resnet}",
        "init_weights": _init_weights(str(present.get("init_weights", "")), path, experiment.resnet, layout.pretrained),
    }
    changed = {key: value for key, value in content.items() if key not in present or present[key] != value}
    try:
        text = with_values(base.read_text(encoding="utf-8-sig"), changed)
    except UsersError as error:
        raise ToolboxError(f"{base}: {error}, or delete the file") from error
    content = present | content
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    test = {key: content[key] for key in _SHARED_WITH_TEST if key in content} | {"scoremap_dir": "test"}
    with replacing(layout.test_folder(experiment) / "pose_cfg.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(test, default_flow_style=None, allow_unicode=True), encoding="utf-8")
    return content


def go_on_without_padding(path: Path, is_deeplabcuts: Callable[[Path], bool]) -> None:
    """Let a network that starts from a whole one of DeepLabCut compute as that one does, unless its file says how.

    Parameters
    ----------
    path : Path
        The train pose_cfg.yaml of a network that is not trained yet; gets ``padding: none``.
    is_deeplabcuts : callable
        Tells whether what init_weights stands for is a whole network of DeepLabCut 1 or 2.

    Raises
    ------
    ToolboxError
        As `read_pose_cfg`, or when the system refuses to write.
    """
    content = read_pose_cfg(path)
    weights = path.parent / Path(str(content.get("init_weights") or "")).expanduser()
    if "padding" in content or not is_deeplabcuts(weights):
        return
    text = with_values(path.read_text(encoding="utf-8-sig"), {"padding": "none"})
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("%s: padding: none, because init_weights names a network of DeepLabCut, which does not pad images", path)


def read_pose_cfg(path: Path) -> dict[str, Any]:
    """Read a pose_cfg.yaml, of ours or of v1.

    Raises
    ------
    ToolboxError
        When the file is missing, damaged, holds no keys and values, or has a key twice.
    """
    try:
        content = read_yaml(path)
    except UsersError as error:
        raise ToolboxError(str(error)) from error
    if not isinstance(content, dict):
        raise ToolboxError(f"{path} must hold lines `key: value`")
    return content


def is_trained_on(train_folder: Path, experiment: Experiment) -> bool:
    """Tell whether the pose_cfg.yaml of a network names this split, which includes its scorer; True without the file.

    Raises
    ------
    ToolboxError
        As `read_pose_cfg`.
    """
    path = train_folder / "pose_cfg.yaml"
    dataset = read_pose_cfg(path).get("dataset") if path.is_file() else None
    return dataset is None or PureWindowsPath(str(dataset)).stem == experiment.split_stem


def _base(layout: Layout, experiment: Experiment) -> Path:
    """Return the file that a train pose_cfg.yaml is made from: itself, or the template."""
    path = layout.train_folder(experiment) / "pose_cfg.yaml"
    return path if path.is_file() else layout.pose_cfg_template


def _is_positive(value: Any) -> bool:
    """Tell a finite number greater than 0; yaml reads 1e-1 as a text."""
    try:
        return not isinstance(value, bool) and 0 < float(value) < math.inf
    except (TypeError, ValueError, OverflowError):
        return False


def warn_of_sizes(sizes: Sequence[tuple[int, int]], config: Mapping[str, Any]) -> None:
    """Warn of training images that will be left out, or train at other scales than frames are looked at.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Width and height of the images in pixels.
    config : mapping
        A pose_cfg.yaml that `check_pose_cfg` accepts.
    """
    scales, of_images = TrainingScales.of(config), [(height, width) for width, height in sizes]
    for told in filter(None, (scales.left_out(of_images), scales.unlike_frames(of_images))):
        log.warning(told)


def relative_path(path: Path, folder: Path) -> str:
    """Return a path as seen from a folder, with forward slashes."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _pairing(present: Mapping[str, Any], bodyparts: Sequence[str], path: Path) -> list[list[int]]:
    """Return the left/right pairs of a pose_cfg.yaml in the parts' new numbers; parts alone where parts came or went.

    The pairs are what mirroring swaps, so they follow the names of the parts, never their numbers. Those that a new
    file gets are the ones that the names tell, and without ``mirror: true`` they change nothing.
    """
    pairs, names = present.get("all_joints", []), present.get("all_joints_names", [])
    try:
        if sorted(names[part] for pair in pairs for part in pair) == sorted(bodyparts):
            return [[bodyparts.index(names[part]) for part in pair] for pair in pairs]
        if pairs == _pairs_by_name(names):
            return _pairs_by_name(bodyparts)
    except (TypeError, IndexError, KeyError):
        pass
    if isinstance(pairs, list) and any(isinstance(pair, list) and len(pair) > 1 for pair in pairs):
        log.warning("%s: the pairs all_joints = %s are dropped, as they are not of these body parts", path, pairs)
    return [[part] for part in range(len(bodyparts))]


def _pairs_by_name(bodyparts: Sequence[str]) -> list[list[int]]:
    """Return the numbers of left and right twins in pairs, and of all other parts alone, by their first."""
    pairs = (
        sorted({bodyparts.index(part), bodyparts.index(twin or part)}) for part, twin in partners(bodyparts).items()
    )
    return [pair for number, pair in enumerate(pairs) if pair[0] == number]


def _init_weights(present: str, path: Path, depth: int, pretrained: Path) -> str:
    """Return the ImageNet weights of this depth, in `pretrained` where their folder does not exist; others stay.

    In a new pose_cfg.yaml, v1's resnet_v1_50.ckpt stands for the file that download.py writes, unless it is there.
    """
    folder = path.parent
    weights = Path(re.sub(r"resnet_v1_\d+", f"resnet_v1_{depth}", present))
    if weights.name.startswith("resnet_v1_") and not (folder / weights).resolve().parent.is_dir():
        weights = pretrained / weights.name
    if weights.name == f"resnet_v1_{depth}.ckpt" and not path.is_file() and not (folder / weights).is_file():
        weights = weights.with_suffix(".weights.h5")
    return weights.as_posix()
