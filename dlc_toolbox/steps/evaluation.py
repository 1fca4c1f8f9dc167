"""The evaluation's two steps: poses of all labeled images, and how far off they are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from dlc_common import UsersError, cli
from dlc_common.locks import alone
from dlc_toolbox.evaluation import evaluation, outlook, report, results, trust
from dlc_toolbox.evaluation.corrected import warn_of_corrected_labels
from dlc_toolbox.poses.network import Predict
from dlc_toolbox.poses.scaled import scaled
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_analysis_settings, load_settings
from dlc_toolbox.steps.device import tell_device
from dlc_toolbox.steps.modes import settle

log = logging.getLogger(__name__)


def evaluate(project: Path, *, overwrite: bool = False) -> None:
    """Let the networks that the settings choose find the body parts in all labeled images.

    Where `myconfig_analysis.py` looks at videos with one of them in reduced precision or size, it does so once more in
    that way in the images that test it, which tells how far off such poses in videos may be.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When there is no such network, or images are missing.
    """
    networks = find_networks(project)
    tell_device()  # takes seconds: after all that can fail at once
    for network in networks:
        evaluation.evaluate(network, partial(_load_predictor, network, "auto"), overwrite=overwrite)
    engine, as_analyzed = _as_videos_are_analyzed(project, networks, measures=True)
    for network in as_analyzed:
        evaluation.evaluate(network, partial(_load_predictor, network, engine), overwrite=overwrite)
    log.info("Next: %s", cli.command(project, "Evaluation-tools/Step2_AnalysisofResults.py"))


def analyze_results(project: Path, *, overwrite: bool = False) -> None:
    """Write tables, plots, pictures and pages of the errors of the networks that the settings choose.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    overwrite : bool
        Draw again what is current.

    Raises
    ------
    UsersError
        When a network was not evaluated, or its poses are not current.
    """
    layout, settings = Layout(project), load_settings(project)
    evaluations = [_read_evaluation(network, settings.bodyparts) for network in find_networks(project)]
    warn_of_corrected_labels(layout, settings, evaluations)
    judgments = trust.judge_all(evaluations, settings)
    cutoffs = [judgment.cutoff(settings) for judgment in judgments]
    with alone(project / "myconfig.py"):
        rows = results.write_summaries(layout, settings, evaluations, cutoffs)
    log.info("Written: %s and %s", layout.summary_table, layout.part_table.name)
    log.info("Plots: %s", ", ".join(map(str, report.plot_evaluations(judgments, rows, settings))))
    for sentence in results.in_words(rows):
        log.info(sentence)
    outlooks = [outlook.outlook_in_words(evaluated, settings) for evaluated in evaluations]
    for judgment, outlook_ in zip(judgments, outlooks, strict=True):
        for sentence in (*judgment.in_words(), outlook_):
            log.info("%s: %s", judgment.evaluation.network.scorer, sentence)
        if judgment.seen_in_words:
            log.warning("%s: %s", judgment.evaluation.network.scorer, judgment.seen_in_words)
    _learn_as_analyzed(project, judgments)
    if settings.plotting:
        for evaluated, pcutoff in zip(evaluations, cutoffs, strict=True):
            drawn = report.draw_evaluation(evaluated, replace(settings, pcutoff=pcutoff), overwrite=overwrite)
            log.info("Look at %s", drawn)
    for page in report.write_evaluation_pages(judgments, rows, settings, outlooks):
        log.info("Open %s in a browser", page)
    log.info("Next, when the test error is good enough: %s", cli.command(project, "Analysis-tools/AnalyzeVideos.py"))
    log.info("Otherwise: label more images (where the test error is large), or train longer")


def _read_evaluation(network: evaluation.EvaluatedNetwork, bodyparts: Sequence[str]) -> results.Evaluation:
    """Put a network's poses beside the labels, with what its snapshot tells: which images trained it, which did not."""
    from deepercut.config import load_config
    from deepercut.weights.snapshots import read_held_out, read_trained

    weights, prefix = network.snapshot.path, load_config(network.config_path).snapshot_place[1]
    held_out = read_held_out(weights.parent, network.iteration, prefix)
    return replace(results.read_evaluation(network, bodyparts), held_out=held_out, trained=read_trained(weights))


def _load_predictor(network: evaluation.EvaluatedNetwork, engine: str) -> Predict:
    """Load a network, which looks at images at its scale."""
    from deepercut.inference import predict
    from deepercut.weights.snapshots import Snapshot

    snapshot = Snapshot(network.snapshot.iteration, network.snapshot.path)
    return scaled(predict.load_predictor(network.config_path, snapshot, engine), network.scale)


def _learn_as_analyzed(project: Path, judgments: Sequence[trust.Judgment]) -> None:
    """Tell how far off poses in reduced precision or size are, and may be in videos, where that was evaluated."""
    settings = load_settings(project)
    networks = [judgment.evaluation.network for judgment in judgments]
    postures = {judgment.evaluation.network.experiment: judgment.trust.postures for judgment in judgments}
    for network in _as_videos_are_analyzed(project, networks)[1]:
        try:
            evaluated = results.read_evaluation(network, settings.bodyparts)
            test_error = results.test_error_in_words(evaluated)
            log.info(
                "%s in %s: %s; tables and page are of full precision and size", network.scorer, network.way, test_error
            )
            judgment = trust.judge(evaluated, settings, postures[network.experiment])
        except UsersError as error:
            log.warning("How far off poses in %s may be is not known: %s", network.way, error)
            continue
        trust.write_judgment(judgment)
        log.info("%s in %s: %s", network.scorer, network.way, judgment.in_words()[0])


def _as_videos_are_analyzed(
    project: Path, networks: Sequence[evaluation.EvaluatedNetwork], *, measures: bool = False
) -> tuple[str, list[evaluation.EvaluatedNetwork]]:
    """Return the engine of `myconfig_analysis.py`, and the networks as it looks at videos with them.

    There is none where that is in full precision and size. An evaluation needs no such file. What the file leaves to
    be measured is measured only if `measures`.
    """
    if not (project / "myconfig_analysis.py").is_file():
        return "auto", []
    layout = Layout(project)
    try:
        settings = load_analysis_settings(project)
        named = evaluation.named_for_videos(settings, layout, networks)
        if named:
            settings, mode = settle(layout, settings, measures=measures)
            if mode and measures:
                log.info(mode)
    except UsersError as error:
        log.warning("How far off poses in videos may be is learned for full precision and size alone: %s", error)
        return "auto", []
    return settings.engine, evaluation.as_analyzed(settings, named)


def find_networks(project: Path) -> list[evaluation.EvaluatedNetwork]:
    """Find the networks that the settings choose.

    Parameters
    ----------
    project : Path
        The folder of the settings.

    Returns
    -------
    list of EvaluatedNetwork
        See `evaluation.find_networks`, which also tells the errors.
    """
    from deepercut.config import load_config
    from deepercut.weights.snapshots import list_snapshots, select_snapshot

    return evaluation.find_networks(
        Layout(project), load_settings(project), load_config, list_snapshots, select_snapshot
    )
