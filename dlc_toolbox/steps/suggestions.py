"""Help with labeling, between Steps 1 and 2: machine labels by the newest network, or by one trained in minutes."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dlc_common import cli
from dlc_common.files import replacing_folder
from dlc_common.images import image_size
from dlc_common.locks import alone_or_refused
from dlc_common.progress import tqdm
from dlc_common.signals import ending_as_ctrl_c
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.help import fitting, helper, offer
from dlc_toolbox.labeling.help.background import Jobs
from dlc_toolbox.labeling.help.help import Help, HelpKind
from dlc_toolbox.labeling.help.suggesting import Images, find_open_images, suggest_labels
from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.labels.labels import read_labels
from dlc_toolbox.labels.provenance import read_notes
from dlc_toolbox.labels.sources import NoLabelsError
from dlc_toolbox.poses.outliers import refuse_scorer_named_as_machine_labels
from dlc_toolbox.poses.scaled import scaled
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings, load_settings
from dlc_toolbox.steps import training
from dlc_toolbox.steps.device import tell_device

if TYPE_CHECKING:
    from deepercut.config import PoseConfig

log = logging.getLogger(__name__)

_NICENESS = 10  # whoever labels meanwhile comes first
_TRAINING = 0.85  # share of the whole work


@dataclass(frozen=True)
class Work:
    """What a suggestion works on.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Of myconfig.py.
    scorer : str
        Whose labels count.
    table : DataFrame or None
        These labels; None: there are none yet.
    images : list of Images
        Of all folders.
    """

    layout: Layout
    settings: Settings
    scorer: str
    table: pd.DataFrame | None
    images: list[Images]

    @property
    def data_folder(self) -> Path:
        """Folder with one sub-folder per video."""
        return self.layout.data_folder(self.settings.Task)


Tell = Callable[[float, str], None]
"""Told the share of the work that is done, and a sentence."""


def suggest(project: Path, scorer: str | None = None, *, trains: bool = False, as_json: bool = False) -> None:
    """Write machine labels of all images that are not labeled yet.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    scorer : str, optional
        Whose labels count, one of Scorers; default `scorer` of the settings.
    trains : bool
        Train a helper on the labels so far first, or go on with its training; otherwise the newest network that fits
        is taken.
    as_json : bool
        Write lines of json to the standard output, ``{"progress": 0.5, "message": "..."}``, instead of progress bars.

    Raises
    ------
    UsersError
        When there is no network, there are too few labels to train one, or ImageNet weights can be had nowhere; the
        message says what to do.
    KeyboardInterrupt
        After Ctrl-C, or when the process is asked to end. The helper that there was is still there.
    """
    tell = _told_as_json if as_json else _told_to_nobody
    with ending_as_ctrl_c():
        _step_back()
        work = find_work(project, scorer)
        lock = work.data_folder / ".suggestions.lock"
        lock.touch()
        with alone_or_refused(lock, "another SuggestLabels.py is at work: wait until it ends"):
            network = train_helper(work, tell, shows_bar=not as_json) if trains else _newest(work)
            begin = _TRAINING if trains else 0.0
            _suggest(work, network, lambda share, text: tell(begin + (1 - begin) * share, text), shows_bar=not as_json)
    step2 = cli.command(project, "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py")
    log.info("Machine labels are no labels yet: accept or correct them. Next, when the images are labeled: %s", step2)


def find_work(project: Path, scorer: str | None = None) -> Work:
    """Find labels and images; parameters and errors as of `suggest`."""
    layout, settings = Layout(project), load_settings(project)
    scorer = scorer or settings.scorer
    if scorer not in settings.Scorers:
        known = ", ".join(settings.Scorers)
        raise ToolboxError(f"{scorer} is none of Scorers in {project / 'myconfig.py'}: {known}")
    refuse_scorer_named_as_machine_labels(settings)
    data_folder = layout.data_folder(settings.Task)
    if not data_folder.is_dir():
        raise ToolboxError(layout.no_data(settings.Task))
    try:
        table = read_labels(layout, settings, scorer)
    except NoLabelsError:
        table = None
    images = find_open_images(data_folder, settings, table, read_notes(layout, settings, scorer))
    return Work(layout, settings, scorer, table, images)


def offer_help(store: LabelStore) -> Help:
    """Return the help that the labeling page offers: suggestions, and a helper trained before, each as a process.

    Parameters
    ----------
    store : LabelStore
        What the page shows; its settings and labels of the moment decide what can be had.

    Returns
    -------
    Help
        For `labeling.server.serve.serve`.
    """
    layout, scorer = store.contents.layout, store.contents.scorer

    def why_not_suggest() -> str | None:
        _, open_images = store.count_images()
        return offer.why_not_suggest(find_network(layout, store.contents.settings), open_images)

    def why_not_train() -> str | None:
        labeled, _ = store.count_images()
        return offer.why_not_train(labeled)

    kinds = {
        "suggest": HelpKind(lambda: offer.command(layout.root, scorer, trains=False), why_not_suggest),
        "helper": HelpKind(lambda: offer.command(layout.root, scorer, trains=True), why_not_train),
    }
    return Help(Jobs(store.events), kinds, lambda: offer.describe_helper(layout, store.contents.settings))


def find_network(layout: Layout, settings: Settings) -> fitting.Fitting | None:
    """Find the newest network that fits, see `fitting.find_newest`; takes a moment, not the seconds of its library."""
    from deepercut.config import load_config
    from deepercut.weights.snapshots import list_snapshots

    return fitting.find_newest(layout, settings, load_config, list_snapshots)


def train_helper(work: Work, tell: Tell, *, shows_bar: bool = True) -> fitting.Fitting:
    """Train a helper on all labels of a scorer; the one that there was stays until the new one is complete.

    Parameters
    ----------
    work : Work
        As `find_work` returns it.
    tell : callable
        See `Tell`.
    shows_bar : bool
        Show a progress bar.

    Returns
    -------
    Fitting
        The new one.

    Raises
    ------
    UsersError
        As `suggest`.
    """
    from deepercut.config import load_config
    from deepercut.weights.snapshots import list_snapshots, snapshot_path, state_path

    layout, settings = work.layout, work.settings
    if work.table is None:
        raise ToolboxError(helper.too_few_images(0))
    images = helper.training_images(work.table, settings, work.data_folder)
    plan = helper.plan_training([image_size(path) for path in images])
    home = layout.helper_folder(settings.Task)
    if helper.read_helper(home) is None and helper.pretrained_weights(layout) is None:
        tell(0.0, "Getting the ImageNet weights, once")
        training.download(layout.root, helper.DEPTH)
    start = helper.find_start(layout, settings, plan, list_snapshots(home))
    with replacing_folder(home) as folder:
        placed = helper.write_training_files(folder, layout, settings, images, plan, start)
        config = load_config(folder / helper.POSE_CFG, placed)
        origin = f"goes on from iteration {start.iteration}" if start.iteration else "starts from ImageNet weights"
        log.info("The helper trains on %d images for %d iterations and %s", len(images), config.iterations, origin)
        _train(config, tell, shows_bar)
        state_path(folder, config.iterations).unlink()  # nobody resumes it; twice as large as the weights
        iteration = start.iteration + config.iterations
        snapshot_path(folder, config.iterations).rename(snapshot_path(folder, iteration))
        labels = int(sum(np.isfinite(of_image).all(axis=1).sum() for of_image in images.values()))
        time = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        made = helper.Helper(iteration, len(images), labels, work.scorer, settings.bodyparts, plan.shrink, time)
        helper.write_helper(folder, made)
    trained = fitting.find_helper(layout, settings, load_config, list_snapshots)
    assert trained is not None, "a helper was trained"
    return trained


def _train(config: PoseConfig, tell: Tell, shows_bar: bool) -> None:
    """Train the network of a configuration."""
    tell(0.0, "Starting to train a helper")
    tell_device("keras")  # takes seconds: after all that can fail at once
    from deepercut.training.training import train  # after the start of the backend, which tell_device keeps quiet

    def told(iteration: int, last: int) -> None:
        tell(_TRAINING * iteration / last, f"Training a helper: iteration {iteration} of {last}")

    train(config, tell=None if shows_bar else told)


def _newest(work: Work) -> fitting.Fitting:
    """Return the newest network that fits; raise when there is none."""
    network = find_network(work.layout, work.settings)
    if network is None:
        command = cli.command(work.layout.root, offer.SCRIPT, "--train")
        raise ToolboxError(f"{offer.no_network()}, with the page's button or {command}")
    return network


def _suggest(work: Work, network: fitting.Fitting, tell: Tell, *, shows_bar: bool) -> None:
    """Let a network find the body parts in all images that are not labeled yet."""
    total = sum(len(of_folder.wanted) for of_folder in work.images)
    if not total:
        tell(1.0, "Every image is labeled: there is nothing to suggest")
        log.info("Every image is labeled: there is nothing to suggest")
        return
    tell(0.0, f"Loading {network.name}")
    tell_device()
    from deepercut.inference import predict

    log.info("Network: %s", network.name)
    predictor = scaled(predict.load_predictor(network.config_path, network.snapshot), network.shrink)
    with tqdm(total=total, unit="image", disable=not shows_bar) as bar:

        def told(done: int, of: int) -> None:
            bar.update()
            tell(done / of, f"Finding body parts: image {done} of {of}")

        suggest_labels(work.images, work.settings.bodyparts, network.name, predictor, told)
    tell(1.0, f"{total} images have machine labels now: accept or correct them")
    log.info("%d images have machine labels by %s", total, network.name)


def _told_as_json(share: float, message: str) -> None:
    """Write a line of json."""
    sys.stdout.write(json.dumps({"progress": round(share, 4), "message": message}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _told_to_nobody(share: float, message: str) -> None:
    """Progress bars tell it."""


def _step_back() -> None:
    """Let every other program go before this one."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, max(_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
