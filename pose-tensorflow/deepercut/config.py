"""Read and check a pose_cfg.yaml, written by us or by DeepLabCut v1."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from easydict import EasyDict

from deepercut import DeepercutError
from dlc_common import UsersError
from dlc_common.kinds import ADVICE, DEEPLABCUT3
from dlc_common.spelling import did_you_mean
from dlc_common.yaml_text import THOUSANDS, read_yaml

PYTORCH_CONFIG = "pytorch_config.yaml"
"""Name of what describes a network of DeepLabCut 3, beside its snapshots."""

IGNORED_KEYS = frozenset(
    (
        # of v1
        *("weigh_negatives", "fg_fraction", "regularize", "crop", "crop_pad", "dataset_type", "use_gt_segm"),
        *("video", "video_batch", "weight_decay", "scoremap_dir"),
        # of DeepLabCut 2: files and training
        *("metadataset", "iteration", "keepdeconvweights", "output_stride", "deconvolutionstride", "pre_resize"),
        *("decay_steps", "lr_init", "alpha_r", "multi_stage", "deterministic", "min_input_size", "minsize"),
        # its augmentation, beyond the keys that it shares with ours
        *("apply_prob", "cropratio", "crop_by", "crop_sampling", "cropfactor", "max_shift", "rotratio", "fliplr"),
        *("leftwidth", "rightwidth", "topheight", "bottomheight", "resize_ratio", "covering", "elastic_transform"),
        *("hist_eq", "histeq", "histeqratio", "clahe", "claheratio", "clahe_grid_size", "convolution", "sharpen"),
        *("sharpenratio", "emboss", "embossratio", "edge", "edgeratio", "gaussian_noise", "grayscale", "motion_blur"),
        *("motion_blur_params",),
        # its networks for several animals
        *("pairwise_huber_loss", "pairwise_loss_weight", "pairwise_predict", "pairwise_stats_collect"),
        *("pairwise_stats_fn", "tensorflow_pairwise_order", "sparse_graph", "use_gt_graph", "num_limbs", "pafwidth"),
        *("partaffinityfield_graph", "partaffinityfield_predict", "paf_best", "bank3", "bank5", "num_idchannel"),
        "num_outputs",  # which must be 1
    )
)
"""Keys of DeepLabCut 1 and 2 that change nothing here; training names those that a file holds in its log."""


@dataclass(frozen=True, kw_only=True)
class PoseConfig:
    """What a pose_cfg.yaml says; absent keys have v1's built-in values.

    Paths are relative to `folder`, the file's own. In a file of DeepLabCut 2, `project_path` is where the training set
    and its images are found. `ignored` names the keys of the file that change nothing here.
    """

    folder: Path
    ignored: tuple[str, ...] = ()
    project_path: str = ""
    dataset: str = ""
    num_joints: int = field(metadata={"above": 0})
    all_joints: tuple[tuple[int, ...], ...]
    all_joints_names: tuple[str, ...]
    net_type: str = "resnet_50"
    init_weights: str = ""
    snapshot_prefix: str = "./snapshot"
    log_dir: str = "log"

    global_scale: float = field(default=1.0, metadata={"above": 0})
    scale_jitter_lo: float = field(default=1.0, metadata={"above": 0})
    scale_jitter_up: float = field(default=1.0, metadata={"above": 0})
    max_input_size: float | None = field(default=None, metadata={"above": 0})
    mirror: bool = False
    shuffle: bool = True
    batch_size: int = field(default=1, metadata={"above": 0})
    crop_size: tuple[int, int] | str | None = None
    rotation: float = field(default=0.0, metadata={"least": 0})
    brightness: float = field(default=0.0, metadata={"least": 0, "most": 1})
    contrast: float = field(default=0.0, metadata={"least": 0, "most": 1})
    blur: float = field(default=0.0, metadata={"least": 0})
    noise: float = field(default=0.0, metadata={"least": 0, "most": 1})
    occlusion: float = field(default=0.0, metadata={"least": 0, "most": 1})
    mean_pixel: tuple[float, ...] = (123.68, 116.779, 103.939)
    padding: bool | None = None

    stride: float = 8.0
    pos_dist_thresh: float = field(default=17.0, metadata={"above": 0})
    location_refinement: bool = False
    locref_huber_loss: bool = True
    locref_loss_weight: float = field(default=1.0, metadata={"least": 0})
    locref_stdev: float = field(default=7.2801, metadata={"above": 0})
    intermediate_supervision: bool = False
    intermediate_supervision_layer: int = 12
    weigh_part_predictions: bool = False
    weigh_only_present_joints: bool = False

    frozen_blocks: int = field(default=0, metadata={"least": 0, "most": 4})
    heads_iters: int = field(default=0, metadata={"least": 0})
    optimizer: str = "sgd"
    adam_lr: float = field(default=1e-4, metadata={"above": 0})
    lr_schedule: str | None = None
    multi_step: tuple[tuple[float, int], ...] = ((0.005, 10000), (0.02, 430000), (0.002, 730000), (0.001, 1030000))
    max_iters: int | None = field(default=None, metadata={"above": 0})
    save_iters: int = field(default=50000, metadata={"above": 0})
    display_iters: int = field(default=1000, metadata={"above": 0})
    validation_fraction: float = field(default=0.0, metadata={"least": 0, "most": 0.5})
    validation_iters: int | None = field(default=None, metadata={"above": 0})
    patience: int | None = field(default=None, metadata={"above": 0})
    max_snapshots: int | None = field(default=None, metadata={"least": 2})
    snapshot_precision: str = "float32"
    precision: str = "float32"
    devices: int | None = field(default=None, metadata={"above": 0})
    seed: int | None = field(default=None, metadata={"least": 0, "most": 2**31 - 1})

    @property
    def depth(self) -> int:
        """Depth of the ResNet."""
        return int(self.net_type.removeprefix("resnet_"))

    @property
    def iterations(self) -> int:
        """Updates in a whole training: `max_iters`, or the end of `multi_step`."""
        return self.max_iters or int(self.multi_step[-1][1])

    @property
    def intermediate_layer(self) -> int | None:
        """Unit of block 3 with a head of its own, or None."""
        return self.intermediate_supervision_layer if self.intermediate_supervision else None

    def pads(self, weights: Path | None = None) -> bool:
        """Tell whether images are padded to multiples of 16 pixels before the network sees them.

        Parameters
        ----------
        weights : Path, optional
            The network's. They decide where the file says nothing: a checkpoint of TensorFlow, as DeepLabCut 1 and 2
            write it, was trained without padding, and all others with it.
        """
        if self.padding is None:
            return weights is None or weights.suffix != ".index"
        return self.padding

    @property
    def snapshot_place(self) -> tuple[Path, str]:
        """Folder and beginning of the names of the snapshots."""
        prefix = self.resolve(self.snapshot_prefix)
        return prefix.parent, prefix.name

    def resolve_data(self, path: str) -> Path:
        """Return the path of a training set or of an image in it as an absolute one."""
        return self.resolve(str(Path(self.project_path) / Path(path.replace("\\", "/"))))

    def resolve(self, path: str) -> Path:
        """Return a path of the file, which is relative to the file's folder, as an absolute one."""
        try:
            return (self.folder / Path(path).expanduser()).resolve()
        except RuntimeError as error:
            raise DeepercutError(f"the path {path} cannot be followed: {error}") from None


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> PoseConfig:
    """Read and check a pose_cfg.yaml.

    Parameters
    ----------
    path : Path
        The file; v1's load unchanged.
    overrides : mapping, optional
        Keys and values that take the place of the file's; None means not given.

    Returns
    -------
    PoseConfig
        Checked values.

    Raises
    ------
    DeepercutError
        One message with every problem: unknown keys (with the nearest known one), missing keys, wrong types, values
        out of range, keys that contradict each other.
    """
    path = Path(path).resolve()
    content = read_keys(path)
    if path.name == PYTORCH_CONFIG:
        raise DeepercutError(f"{path} describes {DEEPLABCUT3}: {ADVICE[DEEPLABCUT3]}")
    if isinstance(content.get("contrast"), dict):  # DeepLabCut 2's, a group of settings of its own
        content.contrast = 0.0
    if content.get("rotation") is False:  # DeepLabCut 2's
        content.rotation = 0.0
    content.update({key: value for key, value in (overrides or {}).items() if value is not None})
    known = {key.name: key for key in fields(PoseConfig) if key.name not in ("folder", "ignored")}
    _refuse_project(path, content)
    outputs = content.get("num_outputs", 1)
    problems = [f"num_outputs is {outputs!r}, but the network has 1"] if outputs != 1 else []
    values = {}
    for key, value in content.items():
        if key in known:
            try:
                values[key] = _checked(known[key], value)
            except ValueError as error:
                problems.append(f"{key} is {value!r}, but must be {error}")
        elif key not in IGNORED_KEYS:
            problems.append(f"unknown key {key!r}{did_you_mean(key, known)}")
    problems += [f"{key} is missing" for key, f in known.items() if f.default is MISSING and key not in content]
    if not problems:
        config = PoseConfig(folder=path.parent, ignored=tuple(sorted(set(content) & IGNORED_KEYS)), **values)
        problems = _contradictions(config)
    if problems:
        raise DeepercutError(f"{path}: " + "; ".join(problems))
    return config


def _refuse_project(path: Path, content: Mapping[str, Any]) -> None:
    """Raise for the yaml file that tells of a project."""
    if "video_sets" in content:
        raise DeepercutError(
            f"{path} is the config.yaml of a DeepLabCut project, not the pose_cfg.yaml of a network: name that of its "
            "train folder, or take the project's labels over with ImportLabels.py"
        )


def read_keys(path: Path) -> EasyDict:
    """Read the keys of a pose_cfg.yaml as attributes, as they stand there; `load_config` checks them.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    EasyDict
        A dict whose keys are attributes too.

    Raises
    ------
    DeepercutError
        When the file is missing or damaged, holds no keys and values, has a key twice, or one that is no name.

    Examples
    --------
    >>> keys = read_keys(Path("pose_cfg.yaml"))  # doctest: +SKIP
    >>> keys.max_iters, keys.batch_size  # doctest: +SKIP
    (10000, 1)
    """
    if not path.exists() and (path.parent / PYTORCH_CONFIG).is_file():
        raise DeepercutError(f"{path.parent} holds {DEEPLABCUT3}: {ADVICE[DEEPLABCUT3]}")
    if not path.exists():
        raise DeepercutError(
            f"{path} does not exist: Step 4 makes it in each train folder; train.py and export.py take another by "
            "--config"
        )
    if path.is_dir():
        raise DeepercutError(f"{path} is a folder: name the pose_cfg.yaml in it")
    try:
        content = read_yaml(path)
    except UsersError as error:
        raise DeepercutError(str(error)) from error
    if not isinstance(content, dict):
        raise DeepercutError(
            f"{path} must hold lines `key: value`, and holds {'nothing' if content is None else 'none'}"
        )
    strange = [key for key in content if not isinstance(key, str) or hasattr(EasyDict, key)]
    if strange:
        raise DeepercutError(f"{path}: unknown key {strange[0]!r}")
    try:
        return EasyDict(content)
    except TypeError as error:  # a number as a key further down
        raise DeepercutError(f"{path}: a key is no text, but a number or the like: {error}") from error


def _checked(key: Any, value: Any) -> Any:
    """Return a value in its key's type, or raise ValueError with what is accepted."""
    if key.name in _SPECIAL:
        return _SPECIAL[key.name](value)
    if value is None and "None" in key.type:
        return None
    value = {"int": _whole, "float": _number, "bool": _flag, "str": _text}[key.type.removesuffix(" | None")](value)
    if "above" in key.metadata and not value > key.metadata["above"]:
        raise ValueError(f"greater than {key.metadata['above']}")
    if "least" in key.metadata and not value >= key.metadata["least"]:
        raise ValueError(f"at least {key.metadata['least']}")
    if "most" in key.metadata and not value <= key.metadata["most"]:
        raise ValueError(f"at most {key.metadata['most']}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a text")
    return value


def _number(value: Any) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # yaml reads 1e-4 as a text
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise ValueError("a number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(THOUSANDS, value):
        raise ValueError(f"a whole number, without points in it: {value.replace('.', '')}, if you mean thousands")
    number = _number(value)
    if number != int(number):
        raise ValueError("a whole number")
    return int(number)


def _sequence(value: Any, item: Any, count: int | None = None) -> tuple:
    if not isinstance(value, Sequence) or isinstance(value, str) or count not in (None, len(value)):
        raise ValueError(f"a list of {count or 'several'} entries")
    return tuple(item(entry) for entry in value)


def _all_joints(value: Any) -> tuple[tuple[int, ...], ...]:
    try:
        return _sequence(value, lambda pair: _sequence(pair, _whole))
    except ValueError:
        raise ValueError("a list of lists of numbers, such as [[0], [1]]") from None


def _names(value: Any) -> tuple[str, ...]:
    try:
        return _sequence(value, _text)
    except ValueError:
        raise ValueError("a list of names; put numbers, and words such as yes and no, in quotes") from None


def _multi_step(value: Any) -> tuple[tuple[float, int], ...]:
    try:
        steps = tuple((_number(rate), _whole(end)) for rate, end in value)
    except (TypeError, ValueError):
        steps = ()
    ends = [end for _, end in steps]
    if not steps or ends != sorted(set(ends)) or any(rate < 0 or end < 1 for rate, end in steps):
        raise ValueError(
            "a list of [learning rate, last iteration] with rising iterations, whole numbers from 1 without points"
        )
    return steps


def _crop_size(value: Any) -> tuple[int, int] | str | None:
    if value is None or value == "auto":
        return value
    try:
        width, height = _sequence(value, _whole, 2)
    except ValueError:
        width = height = 0
    if min(width, height) < 64:
        raise ValueError("auto, or [width, height] in pixels of at least 64, or absent")
    return width, height


def _padding(value: Any) -> bool:
    for accepted, pads in ((16, True), ("none", False)):
        if value == accepted or value is pads:
            return pads
    raise ValueError("16, or the word none, or absent (then the weights decide)")


_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    **{"all_joints": _all_joints, "all_joints_names": _names, "mean_pixel": partial(_sequence, item=_number, count=3)},
    **{"multi_step": _multi_step, "crop_size": _crop_size, "padding": _padding},
}
"""Checks of keys that are no single number, text or flag."""


def _contradictions(config: PoseConfig) -> list[str]:
    """List what is wrong between keys that are each fine."""
    found = []
    numbers = sorted(number for pair in config.all_joints for number in pair)
    if len(numbers) != config.num_joints or numbers != list(range(len(numbers))):
        found.append(f"all_joints must hold each number from 0 to {config.num_joints - 1} once, not {numbers}")
    if len(config.all_joints_names) != config.num_joints:
        found.append(
            f"num_joints is {config.num_joints}, but all_joints_names has {len(config.all_joints_names)} names"
        )
    if len(set(config.all_joints_names)) != len(config.all_joints_names):
        found.append("all_joints_names has a name twice")
    if config.net_type not in ("resnet_50", "resnet_101", "resnet_152"):
        found.append(f"net_type is {config.net_type!r}, but must be resnet_50, resnet_101 or resnet_152")
    if config.scale_jitter_lo > config.scale_jitter_up:
        found.append(f"scale_jitter_lo {config.scale_jitter_lo} is above scale_jitter_up {config.scale_jitter_up}")
    if config.stride != 8:
        found.append(f"stride is {config.stride:g}; the network has 8")
    if config.optimizer not in ("sgd", "adam"):
        found.append(f"optimizer is {config.optimizer!r}, but must be sgd or adam")
    if config.precision not in ("auto", "float32", "mixed_bfloat16"):
        found.append(f"precision is {config.precision!r}, but must be auto, float32 or mixed_bfloat16")
    if config.snapshot_precision not in ("float32", "float16"):
        found.append(f"snapshot_precision is {config.snapshot_precision!r}, but must be float32 or float16")
    if config.patience and not config.validation_fraction:
        found.append(
            f"patience is {config.patience}, but validation_fraction is 0, so that no error is measured that could fall"
        )
    if config.lr_schedule not in (None, "multi_step", "cosine"):
        found.append(f"lr_schedule is {config.lr_schedule!r}, but must be multi_step or cosine")
    return found
