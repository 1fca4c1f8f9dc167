"""The networks of a project that can find the body parts to label, and the newest of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from dlc_common import UsersError
from dlc_toolbox.labeling.help.helper import POSE_CFG, read_helper
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)

LoadConfig = Callable[[Path], Any]
ListSnapshots = Callable[[Path, str], Sequence[Any]]


@dataclass(frozen=True)
class Fitting:
    """A network that finds the body parts of the settings, in their order.

    Parameters
    ----------
    name : str
        As machine labels tell whose they are.
    config_path : Path
        Its pose_cfg.yaml.
    snapshot : object
        Its weights, as the library that trained it describes them: ``iteration`` and ``path``.
    shrink : float
        Size, relative to their files, at which it wants to see the images.
    """

    name: str
    config_path: Path
    snapshot: Any
    shrink: float = 1.0


def find_newest(
    layout: Layout, settings: Settings, load_config: LoadConfig, list_snapshots: ListSnapshots
) -> Fitting | None:
    """Find the newest snapshot that fits, among those of all experiments of the task and the helper's.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Task, scorers and body parts.
    load_config, list_snapshots : callable
        Of the library that trains: ``load_config(path)`` reads a pose_cfg.yaml, ``list_snapshots(folder, prefix)``
        finds snapshots by their iteration.

    Returns
    -------
    Fitting or None
        None where no network has these body parts in this order.
    """
    own = find_helper(layout, settings, load_config, list_snapshots)
    found = [*_of_experiments(layout, settings, load_config, list_snapshots), *([own] if own else [])]
    return max(found, key=lambda fitting: fitting.snapshot.path.stat().st_mtime_ns, default=None)


def find_helper(
    layout: Layout, settings: Settings, load_config: LoadConfig, list_snapshots: ListSnapshots
) -> Fitting | None:
    """Find the helper, if it fits; parameters as of `find_newest`."""
    folder = layout.helper_folder(settings.Task)
    known = read_helper(folder)
    if known is None or tuple(known.bodyparts) != tuple(settings.bodyparts):
        return None
    _, snapshots = _read(folder / POSE_CFG, settings, load_config, list_snapshots)
    named = [snapshot for snapshot in snapshots if snapshot.iteration == known.iteration]
    return Fitting(known.name(settings.Task), folder / POSE_CFG, named[0], known.shrink) if named else None


def _of_experiments(
    layout: Layout, settings: Settings, load_config: LoadConfig, list_snapshots: ListSnapshots
) -> Iterator[Fitting]:
    """Yield every snapshot of the task's experiments that fits."""
    pattern = re.compile(rf"{re.escape(settings.Task)}(.*)-trainset([0-9]+)shuffle([0-9]+)", re.DOTALL)
    for train_folder in sorted(layout.models.glob(f"{escape(settings.Task)}*-trainset*shuffle*/train")):
        config, snapshots = _read(train_folder / POSE_CFG, settings, load_config, list_snapshots)
        named = pattern.fullmatch(train_folder.parent.name)
        if not snapshots or named is None:
            continue
        date, percent, shuffle = named[1], int(named[2]), int(named[3])
        depth = int(config.net_type.removeprefix("resnet_"))
        experiments = [Experiment(settings.Task, date, scorer, percent, shuffle, depth) for scorer in settings.Scorers]
        trained_on = PurePosixPath(config.dataset.replace("\\", "/")).stem  # its name tells the task, and who labeled
        owner = next((experiment for experiment in experiments if experiment.split_stem == trained_on), None)
        if owner is None:
            continue
        for snapshot in snapshots:
            yield Fitting(owner.video_scorer(snapshot.iteration), train_folder / POSE_CFG, snapshot)


def _read(
    path: Path, settings: Settings, load_config: LoadConfig, list_snapshots: ListSnapshots
) -> tuple[Any, Sequence[Any]]:
    """Return a network's configuration and snapshots; none of these when it has other body parts or is damaged."""
    try:
        config = load_config(path)
        folder, prefix = config.snapshot_place
        is_fitting = tuple(config.all_joints_names) == tuple(settings.bodyparts)
        return config, list_snapshots(folder, prefix) if is_fitting else []
    except (UsersError, OSError) as error:
        log.debug("%s is passed over: %s", path, error)
        return None, []
