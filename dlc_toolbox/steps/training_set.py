"""Step 4: training sets."""

from __future__ import annotations

import logging
from pathlib import Path

from dlc_common import UsersError, cli
from dlc_common.locks import alone
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.training_set.pose_cfg import go_on_without_padding, read_pose_cfg
from dlc_toolbox.training_set.split import read_split_file
from dlc_toolbox.training_set.trainset import make_training_sets as make

log = logging.getLogger(__name__)


def make_training_sets(project: Path, *, split: Path | None = None, overwrite: bool = False) -> None:
    """Make a training set for every TrainingFraction and shuffle, ready to train.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    split : Path, optional
        A json file that names the images to train and to test, instead of a random split.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When labels, images or settings are wrong, or a network was trained on a set that would change.
    """
    layout, settings = Layout(project), load_settings(project)
    rows = read_split_file(split) if split else None
    with alone(project / "myconfig.py"):
        experiments = make(layout, settings, rows=rows, overwrite=overwrite)
        configs = [layout.train_folder(experiment) / "pose_cfg.yaml" for experiment in experiments]
        for config in configs:
            _go_on_as_deeplabcut(config)
    from deepercut.weights.snapshots import list_snapshots

    if any(_lacks_imagenet_weights(config, layout.pretrained) for config in configs):
        log.info("Next, once: %s", cli.command(project, "pose-tensorflow/models/pretrained/download.py"))
    for config in configs:
        if list_snapshots(config.parent):
            log.info("Next: %s", cli.command(project, "Evaluation-tools/Step1_EvaluateModelonDataset.py"))
            continue
        train = cli.shell_line(["python3", str(cli.CHECKOUT / "pose-tensorflow/train.py"), "--config", str(config)])
        log.info("Next: %s", train)


def _go_on_as_deeplabcut(config: Path) -> None:
    """Set `padding` for a network that is not trained yet and starts from a whole one of DeepLabCut."""
    from deepercut.weights.foreign import is_pose_checkpoint
    from deepercut.weights.snapshots import list_snapshots

    def is_deeplabcuts(weights: Path) -> bool:
        found = _present(weights)
        return found is not None and is_pose_checkpoint(found)

    if not list_snapshots(config.parent):
        go_on_without_padding(config, is_deeplabcuts)


def _lacks_imagenet_weights(config: Path, pretrained: Path) -> bool:
    """Tell whether a network that is not trained yet starts from weights that are still to come to `pretrained`."""
    from deepercut.weights.snapshots import list_snapshots

    weights = config.parent / Path(str(read_pose_cfg(config).get("init_weights") or "")).expanduser()
    is_imagenet = weights.resolve().parent == pretrained.resolve()
    return is_imagenet and not list_snapshots(config.parent) and _present(weights) is None


def _present(weights: Path) -> Path | None:
    """Return the file that a name of weights stands for; None where there is none yet, which the training tells."""
    from deepercut.weights.checkpoints import resolve_weights

    try:
        return resolve_weights(weights)
    except UsersError as error:
        log.debug("%s", error)
        return None
