"""The network whose poses a file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import FEATURES
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout, pose_record
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.video.recording import Crop, Reading

FULL_PRECISION = "float32"

PADDED, UNPADDED = 16, "none"
"""What records say of the sides of images that a network sees: multiples of 16 pixels, or what they are."""

_CONFIG_OF_POSES = ("net_type", "all_joints_names", "location_refinement", "locref_stdev", "mean_pixel")


class Predict(Protocol):
    """A trained network as a function; the only thing of it that videos, labels and evaluation know."""

    def __call__(self, frames: np.ndarray, /) -> np.ndarray:
        """Find every body part in every frame.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB.

        Returns
        -------
        ndarray of shape (B, K, 3), float32
            x and y in pixels of the frames, likelihood 0..1.
        """


class PredictWithFeatures(Predict, Protocol):
    """A trained network that also tells what its maps look like where it finds a body part."""

    def with_features(self, frames: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        """Find every body part in every frame, and tell about the maps.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB.

        Returns
        -------
        poses : ndarray of shape (B, K, 3), float32
            The same as of a call.
        features : ndarray of shape (B, K, 4), float32
            See `confidence.FEATURES`; NaN where nothing is known.
        """


def look(predict: Predict | PredictWithFeatures, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find every body part with whatever network, and tell about the maps where it offers that.

    Parameters
    ----------
    predict : Predict or PredictWithFeatures
        The network.
    frames : ndarray of shape (B, H, W, 3), uint8
        RGB.

    Returns
    -------
    poses : ndarray of shape (B, K, 3)
        x, y, likelihood.
    features : ndarray of shape (B, K, 4)
        See `confidence.FEATURES`; of a plain function the likelihood, and NaN.
    """
    if hasattr(predict, "with_features"):
        return predict.with_features(frames)
    poses = np.asarray(predict(frames))
    features = np.full((*poses.shape[:2], len(FEATURES)), np.nan, np.float32)
    features[..., 0] = poses[..., 2]
    return poses, features


class Snapshot(Protocol):
    """Weights of a network, as the library that trained it describes them."""

    @property
    def iteration(self) -> int:
        """Completed updates."""

    @property
    def path(self) -> Path:
        """The file."""


class Config(Protocol):
    """A network's own pose_cfg.yaml, as the library that trained it reads it."""

    @property
    def net_type(self) -> str:
        """Such as ``resnet_50``."""

    @property
    def dataset(self) -> str:
        """Path of the training set; may be empty."""

    @property
    def all_joints_names(self) -> tuple[str, ...]:
        """K body parts, in the order of the network's outputs."""

    @property
    def snapshot_place(self) -> tuple[Path, str]:
        """Folder and beginning of the names of the snapshots."""

    def pads(self, weights: Path | None = None, /) -> bool:
        """Tell whether the network with these weights pads images to multiples of 16 pixels."""


class SelectSnapshot(Protocol):
    """Finds one snapshot of a training."""

    def __call__(
        self, train_folder: Path, index: int | str = -1, iteration: int | None = None, prefix: str = "snapshot"
    ) -> Snapshot:
        """Find it by its iteration, or else by its position or as the 'best'."""


@dataclass(frozen=True)
class Network:
    """A trained network, as far as its poses must tell whose they are.

    Parameters
    ----------
    scorer : str
        Its name as a scorer of videos.
    bodyparts : sequence of str
        K names, in the order of its poses.
    config_path : Path
        Its pose_cfg.yaml.
    snapshot : Snapshot
        Its weights.
    config : mapping
        What in its pose_cfg.yaml shapes its poses, and how it looks at frames where that is not in full precision and
        size; the rest may be edited without making them stale.
    """

    scorer: str
    bodyparts: Sequence[str]
    config_path: Path
    snapshot: Snapshot
    config: Mapping[str, Any]

    @property
    def pads(self) -> bool:
        """Whether it pads images to multiples of 16 pixels."""
        return self.config.get("padding", PADDED) == PADDED

    @property
    def precision(self) -> str:
        """Of its arithmetic."""
        return self.config.get("precision", FULL_PRECISION)

    @property
    def scale(self) -> float:
        """Of the frames that it looks at, relative to their full size."""
        return self.config.get("analysisscale", 1.0)


def precision_of(engine: str) -> str:
    """Return the precision that an engine computes with.

    >>> precision_of("openvino-int8"), precision_of("auto")
    ('int8', 'float32')
    """
    return engine.partition("-")[2] or FULL_PRECISION


def find_network(
    layout: Layout,
    settings: AnalysisSettings,
    load_config: Callable[[Path], Config],
    select_snapshot: SelectSnapshot,
) -> Network:
    """Find the network that `myconfig_analysis.py` names, and check that its own configuration agrees.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : AnalysisSettings
        Task, date, scorer, trainingsFraction, shuffle and resnet name the training; trainingsiterations, or else
        snapshotindex, the snapshot; engine and analysisscale how it looks at frames.
    load_config, select_snapshot : callable
        Of the library that trained it; the first reads a pose_cfg.yaml.

    Returns
    -------
    Network
        Ready to be loaded.

    Raises
    ------
    ToolboxError
        When there is no such train folder, or the network's pose_cfg.yaml tells another depth or training set.
    """
    experiment = layout.locate(settings, settings.trainingsFraction, settings.shuffle)
    config_path = layout.train_folder(experiment) / "pose_cfg.yaml"
    config = load_config(config_path)
    own = {"resnet": config.net_type, "training set": PurePosixPath(config.dataset.replace("\\", "/")).stem}
    wanted = {"resnet": f"resnet_{experiment.resnet}", "training set": experiment.split_stem}
    for what, value in wanted.items():
        if own[what] not in ("", value):
            raise ToolboxError(
                f"myconfig_analysis.py names a network with {what} {value} (Task, scorer, trainingsFraction, shuffle, "
                f"resnet), but {config_path} tells {own[what]}: correct the settings, or name another network"
            )
    folder, prefix = config.snapshot_place
    snapshot = select_snapshot(folder, settings.snapshotindex, settings.trainingsiterations, prefix)
    shaping = {key: getattr(config, key) for key in _CONFIG_OF_POSES}
    if (precision := precision_of(settings.engine)) != FULL_PRECISION:  # engines of full precision give the same poses
        shaping["precision"] = precision
    shaping["padding"] = PADDED if config.pads(snapshot.path) else UNPADDED
    if settings.analysisscale != 1:
        shaping["analysisscale"] = settings.analysisscale
    scorer = experiment.video_scorer(snapshot.iteration)
    return Network(scorer, config.all_joints_names, config_path, snapshot, shaping)


def describe_poses(
    video: Path,
    network: Network,
    crop: Crop | None,
    window: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
) -> dict[str, Any]:
    """Gather what the poses of a video are made from, as `records` compares it.

    Parameters
    ----------
    video : Path
        The video.
    network : Network
        Whose poses.
    crop : (x1, x2, y1, y2) or None
        Of the analysis.
    window : mapping, optional
        The rule of a moving window, see `analysis.window.WindowRule`.
    reading : Reading, optional
        Which pictures are read where there are several.

    Returns
    -------
    dict
        As `records.describe` returns it.
    """
    settings = {"scorer": network.scorer, "video": video.name, "crop": crop, "movingwindow": window, **network.config}
    settings |= (reading or Reading()).shaping
    before = {"movingwindow": None, "padding": PADDED, "analysisscale": 1, **Reading().shaping}
    return records.describe({"video": video, "snapshot": network.snapshot.path}, settings, before)


def check_owner(table: Path, made_from: Mapping[str, Any]) -> None:
    """Make sure that a pose table, if there is one, belongs to this network and this video.

    Parameters
    ----------
    table : Path
        The pose table.
    made_from : mapping
        As `describe_poses` returns it.

    Raises
    ------
    ToolboxError
        When the record of the table is missing or names another network, snapshot or video.
    """
    if not table.exists():
        return
    record = pose_record(table)
    advice = f"Move {table.name} elsewhere, or delete it if it is of no use; nothing was changed."
    try:
        owner = _owner(records.read(record))
    except (UsersError, KeyError, TypeError) as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        raise ToolboxError(f"{table} exists, but no {record.name} tells which network made it. {advice}") from None
    for what, name in _owner(made_from).items():
        if owner[what] != name:
            rename = f"{_rename(table.with_name(owner[what]))} Or: " if what == "video" else ""
            raise ToolboxError(
                f"{table} holds the poses of another {what} ({record.name} tells {owner[what]}, not {name}). "
                f"{rename}{advice}"
            )


def _rename(other: Path) -> str:
    """Say which name to change where poses tell of another video than the one whose name they begin with."""
    if other.exists():
        return "Rename one of the two videos, which have one stem."
    return f"If you renamed {other.name} and its poses, give them back the names that they had."


def _owner(made_from: Mapping[str, Any]) -> dict[str, str]:
    """Return whose poses a description tells of; a snapshot that was trained again has another hash."""
    settings, inputs = made_from["settings"], made_from["inputs"]
    return {"network": settings["scorer"], "video": settings["video"], "snapshot": inputs["snapshot"]}
