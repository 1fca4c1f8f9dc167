"""How the network of the settings shall look at frames, where they leave that to be measured."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache, partial
from time import perf_counter, process_time

from dlc_common import UsersError
from dlc_toolbox.evaluation.mode_choice import Choice, Question
from dlc_toolbox.evaluation.modes import find_labeled
from dlc_toolbox.poses.network import find_network, precision_of
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.steps.device import tell_device

log = logging.getLogger(__name__)


def settle(layout: Layout, settings: AnalysisSettings, *, measures: bool) -> tuple[AnalysisSettings, str | None]:
    """Put an engine in the place of 'fast', and a number in that of an `analysisscale` of 'auto'.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : AnalysisSettings
        Of myconfig_analysis.py.
    measures : bool
        Whether to measure what is not known, or no longer; otherwise what was found last counts, as for poses that
        were found with it.

    Returns
    -------
    settings : AnalysisSettings
        The same, settled.
    in_words : str or None
        Which mode it is, and why; None where nothing was to be settled.

    Raises
    ------
    UsersError
        When there is no such network, or its engine cannot be used.
    """
    if settings.engine != "fast" and settings.analysisscale != "auto":
        return settings, None
    asked = "engine = 'fast'" if settings.engine == "fast" else "analysisscale = 'auto'"
    question = _question(layout, settings)
    choice, why = _measure(layout, settings, question) if measures else (question.recorded(), "it was not measured")
    if choice:
        mode = choice.chosen.mode
        return replace(settings, engine=mode.engine, analysisscale=mode.scale), f"{asked}: {choice.in_words()}"
    engine = "auto" if settings.engine == "fast" else settings.engine
    whole = replace(settings, engine=engine, analysisscale=1)
    return whole, f"{asked}: frames of full size, {precision_of(engine)}, because {why}"


def _question(layout: Layout, settings: AnalysisSettings) -> Question:
    """Find where the answer lies to what the settings leave open."""
    from deepercut.config import load_config
    from deepercut.weights.snapshots import Snapshot, select_snapshot

    network = find_network(layout, replace(settings, engine="auto", analysisscale=1), load_config, select_snapshot)
    snapshot = Snapshot(network.snapshot.iteration, network.snapshot.path)
    asked = "fast" if settings.engine == "fast" else f"{precision_of(settings.engine)}-scale"
    return Question(network, snapshot.answer_file(asked), layout.root / "myconfig_analysis.py")


def _measure(layout: Layout, settings: AnalysisSettings, question: Question) -> tuple[Choice | None, str]:
    """Return the answer, or why there is none."""
    from deepercut.inference import engines, predict
    from deepercut.weights.snapshots import Snapshot

    network = question.network
    try:
        experiment = layout.locate(settings, settings.trainingsFraction, settings.shuffle)
        labeled = find_labeled(layout, experiment, network.bodyparts)
    except UsersError as error:
        log.warning("What faster modes cost cannot be measured: %s", error)
        return question.recorded(), "there are no labeled images to measure others on"
    float32 = engines.choose_engine()
    if settings.engine == "fast":
        question = replace(question, engines=[float32, *engines.faster_engines()])
    else:
        engine = engines.choose_engine(settings.engine)
        question = replace(question, engines=list(dict.fromkeys([float32, engine])), engine=engine)
    question = replace(question, device=engines.computer_name(float32))
    snapshot = Snapshot(network.snapshot.iteration, network.snapshot.path)
    load = cache(partial(predict.load_predictor, network.config_path, snapshot))

    def tell() -> None:
        tell_device(float32)
        if settings.engine == "fast" and float32 == "openvino" and not engines.can_quantize():
            log.info('openvino-int8, which may be faster, is not tried: it needs pip install -e ".[int8]"')
        log.info("Measuring on %d labeled images, once for this snapshot", len(labeled.images))

    clock = process_time if engines.device_name(float32).startswith("CPU") else perf_counter
    return question.answered(labeled, load, clock, begin=tell), ""
