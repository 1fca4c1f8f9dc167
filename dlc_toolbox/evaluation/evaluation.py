"""Poses of the labeled images by trained networks: which networks, which images, what is current."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from dlc_common.culprits import in_short
from dlc_common.images import read_image
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import FEATURES
from dlc_toolbox.poses.network import (
    FULL_PRECISION,
    PADDED,
    UNPADDED,
    Config,
    Predict,
    SelectSnapshot,
    Snapshot,
    look,
    precision_of,
)
from dlc_toolbox.project import records
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout, features_table
from dlc_toolbox.project.settings import AnalysisSettings, Settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, write_table
from dlc_toolbox.training_set.recorded import Split, check_names, read_split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluatedNetwork:
    """One snapshot of one experiment, and the labeled images it is judged on.

    Parameters
    ----------
    layout : Layout
        The project.
    experiment : Experiment
        Whose training it was.
    fraction : float
        Its training fraction.
    split : Split
        Which images trained it and which test it, with the labels of that moment.
    bodyparts : sequence of str
        K names, in the order of the network's outputs.
    config_path : Path
        Its pose_cfg.yaml.
    snapshot : Snapshot
        Its weights.
    pads : bool
        Whether it pads images to multiples of 16 pixels.
    precision : str, optional
        Of its arithmetic.
    scale : float, optional
        Of the images that it looks at, relative to their full size. In reduced precision or size it is judged on the
        images that test it alone: there its poses teach how far off they may be.
    """

    layout: Layout
    experiment: Experiment
    fraction: float
    split: Split
    bodyparts: Sequence[str]
    config_path: Path
    snapshot: Snapshot
    pads: bool = True
    precision: str = FULL_PRECISION
    scale: float = 1.0

    @property
    def way(self) -> str:
        """How it looks at images where that is not in full precision and size, such as ``int8_scale0.8``."""
        precision = [self.precision] if self.precision != FULL_PRECISION else []
        return "_".join([*precision, *([f"scale{self.scale:g}"] if self.scale != 1 else [])])

    @property
    def iteration(self) -> int:
        """Completed updates."""
        return self.snapshot.iteration

    @property
    def scorer(self) -> str:
        """Name of the network as a scorer."""
        return self.experiment.evaluation_scorer(self.iteration)

    @property
    def table(self) -> Path:
        """Its poses of the labeled images."""
        return self.layout.evaluation_table(self.experiment, self.iteration, self.way)

    @property
    def features(self) -> Path:
        """What the maps tell about these poses; poses made before there was such a table have none."""
        return features_table(self.table)

    @property
    def record(self) -> Path:
        """What the poses were made from."""
        return self.table.with_suffix(".json")

    @cached_property
    def images(self) -> dict[str, Path]:
        """Files of the labeled images by their names, in the order of the split's table."""
        folder = self.layout.dataset_images(self.experiment.task, self.experiment.date)
        wanted = {*self.split.test, *(() if self.way else self.split.train)}
        return {name: folder / name for name in self.split.table.index if name in wanted}

    def output(self) -> records.Output:
        """Return its table and csv with what they would be made from now.

        Raises
        ------
        ToolboxError
            When the split has no images, or some are missing.
        """
        images = self.images
        if not images:
            raise ToolboxError(f"the split of {self.experiment.name} names no image; make it again with Step 4")
        missing = [str(path) for path in images.values() if not path.is_file()]
        if missing:
            raise ToolboxError(
                f"{len(missing)} of the {len(images)} labeled images are missing: {in_short(missing, 3)}; "
                f"bring them back, or make the training set again with Step 4"
            )
        inputs = {"snapshot": self.snapshot.path, "pose_cfg.yaml": self.config_path, **images}
        way = {"padding": PADDED if self.pads else UNPADDED, "precision": self.precision, "analysisscale": self.scale}
        before = {"padding": PADDED, "precision": FULL_PRECISION, "analysisscale": 1.0}
        made_from = records.describe(inputs, {"bodyparts": list(self.bodyparts), **way}, before)
        files = [self.table, self.table.with_suffix(".csv")]
        return records.Output(str(self.table), self.record, files, made_from)


def find_networks(
    layout: Layout,
    settings: Settings,
    load_config: Callable[[Path], Config],
    list_snapshots: Callable[[Path, str], Sequence[Snapshot]],
    select_snapshot: SelectSnapshot,
) -> list[EvaluatedNetwork]:
    """Find the networks that the settings choose and check that each belongs to them.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        TrainingFraction, shuffleindex and snapshotindex choose.
    load_config, list_snapshots, select_snapshot : callable
        Of the library that trained them: ``load_config(path)`` reads a pose_cfg.yaml, ``list_snapshots(folder,
        prefix)`` lists snapshots by their iteration.

    Returns
    -------
    list of EvaluatedNetwork
        By training fraction, in the settings' order, then by iteration.

    Raises
    ------
    ToolboxError
        When a train folder or split is missing, two fractions have the same, or the network has other body parts or
        another depth than the settings.
    """
    networks: list[EvaluatedNetwork] = []
    fractions: dict[Experiment, float] = {}
    for fraction in settings.TrainingFraction:
        experiment = layout.locate(settings, fraction, settings.Shuffles[settings.shuffleindex])
        if experiment in fractions:
            raise ToolboxError(
                f"TrainingFraction {fractions[experiment]} and {fraction} share the network {experiment.name}: leave "
                "the one that it was trained with in myconfig.py"
            )
        fractions[experiment] = fraction
        config_path = layout.train_folder(experiment) / "pose_cfg.yaml"
        config = load_config(config_path)
        split = read_split(layout, experiment)
        _check_same_network(config_path, config, settings, split)
        check_names(config_path, config.all_joints_names, layout.mat_file(experiment), split.table)
        folder, prefix = config.snapshot_place
        every = settings.snapshotindex == "all"
        newest_or_named = select_snapshot(folder, -1 if every else settings.snapshotindex, prefix=prefix)
        chosen = list_snapshots(folder, prefix) if every else [newest_or_named]
        networks += [
            EvaluatedNetwork(
                *(layout, experiment, fraction, split, config.all_joints_names, config_path, snapshot),
                pads=config.pads(snapshot.path),
            )
            for snapshot in chosen
        ]
    return networks


def named_for_videos(
    settings: AnalysisSettings, layout: Layout, networks: Sequence[EvaluatedNetwork]
) -> list[EvaluatedNetwork]:
    """Return those of some networks with which videos are analyzed.

    Parameters
    ----------
    settings : AnalysisSettings
        Which experiment they name.
    layout : Layout
        The project.
    networks : sequence of EvaluatedNetwork
        As `find_networks` returns them.

    Returns
    -------
    list of EvaluatedNetwork
        Some of them, or none.

    Raises
    ------
    ToolboxError
        When the settings name a network that is not there.
    """
    named = layout.locate(settings, settings.trainingsFraction, settings.shuffle)
    return [network for network in networks if network.experiment == named]


def as_analyzed(settings: AnalysisSettings, networks: Sequence[EvaluatedNetwork]) -> list[EvaluatedNetwork]:
    """Return networks in the reduced precision or size in which videos are analyzed.

    Parameters
    ----------
    settings : AnalysisSettings
        Its engine and analysisscale, both settled.
    networks : sequence of EvaluatedNetwork
        As `named_for_videos` returns them.

    Returns
    -------
    list of EvaluatedNetwork
        None where the settings say full precision and size, in which all networks are evaluated.
    """
    precision, scale = precision_of(settings.engine), float(settings.analysisscale)
    if (precision, scale) == (FULL_PRECISION, 1):
        return []
    return [replace(network, precision=precision, scale=scale) for network in networks]


def predict_images(images: Sequence[Path], predict: Predict) -> tuple[np.ndarray, np.ndarray]:
    """Find the body parts in images, each at its own size.

    Parameters
    ----------
    images : sequence of Path
        N image files.
    predict : Predict
        The network; it gets one image at a time.

    Returns
    -------
    poses : ndarray of shape (N, K, 3)
        In the order of `images`.
    features : ndarray of shape (N, K, 4)
        What its maps tell, see `confidence.FEATURES`; NaN where the network does not.

    Raises
    ------
    ToolboxError
        When an image is damaged, or the network's answer is no finite number.
    """
    found = []
    for path in tqdm(images, unit="image"):
        poses, features = look(predict, read_image(path)[None])
        if not np.isfinite(poses).all():
            raise ToolboxError(
                f"the network finds no finite position in {path}; its training diverged: "
                "take an earlier snapshot, or train again with a lower learning rate"
            )
        found.append((poses[0], features[0]))
    poses, features = map(np.stack, zip(*found, strict=True))
    return poses, features


def evaluate(network: EvaluatedNetwork, load_predictor: Callable[[], Predict], *, overwrite: bool = False) -> Path:
    """Write a network's poses of its labeled images, and what its maps tell about them, unless they are current.

    Parameters
    ----------
    network : EvaluatedNetwork
        As `find_networks` returns it.
    load_predictor : callable
        Called without arguments when there is something to do; returns what `predict_images` needs.
    overwrite : bool
        Whether to do again what is current.

    Returns
    -------
    Path
        The pose table (h5; a csv of the same stem lies beside it, and the features in a table of their own).

    Raises
    ------
    ToolboxError
        When an image is missing or damaged, the network's answers are not finite, or the system refuses to write.
    """
    output = network.output()
    if output.is_current(overwrite):
        return network.table
    images = network.images
    poses, features = predict_images(list(images.values()), load_predictor())
    if output.start():
        network.features.unlink(missing_ok=True)  # it is about other poses
    write_table(make_table(network.scorer, network.bodyparts, list(images), poses), network.table)
    if np.isfinite(features).all():
        described = make_table(network.scorer, network.bodyparts, list(images), features, FEATURES)
        write_table(described, network.features, csv=False)
    else:
        network.features.unlink(missing_ok=True)
    output.write_record()
    log.info("Written: %s and .csv", network.table)
    return network.table


def _check_same_network(path: Path, config: Config, settings: Settings, split: Split) -> None:
    """Raise when the network's own yaml disagrees with the settings or the labels; the order of parts is free."""
    places = {
        str(path): config.all_joints_names,
        "myconfig.py": settings.bodyparts,
        "labels": bodyparts_of(split.table),
    }
    if len({frozenset(parts) for parts in places.values()}) > 1:
        found = "; ".join(f"{place}: {', '.join(parts)}" for place, parts in places.items())
        raise ToolboxError(
            f"network, settings and labels have different body parts ({found}): correct bodyparts in myconfig.py, or "
            "choose the network that was trained for them (date, shuffleindex)"
        )
    if config.net_type != f"resnet_{settings.resnet}":
        raise ToolboxError(
            f"{path} describes a {config.net_type}, but myconfig.py has resnet = {settings.resnet}: set resnet to that "
            "network's depth, or choose another shuffle"
        )
