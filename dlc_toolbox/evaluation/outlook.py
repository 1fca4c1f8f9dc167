"""What would make a network better, in words: longer training, more labels, or what cannot be told."""

from __future__ import annotations

import numpy as np

from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.evaluation.trust import people_agree
from dlc_toolbox.measure.gap import LABELS, TRAINING, Gap, measure_gap
from dlc_toolbox.project.settings import Settings


def outlook_in_words(evaluation: Evaluation, settings: Settings) -> str:
    """Say whether longer training or more labels help, with the numbers that say so.

    Parameters
    ----------
    evaluation : Evaluation
        Of one network.
    settings : Settings
        Its seed, wantederror and Scorers count.

    Returns
    -------
    str
        One line.
    """
    errors, is_test = evaluation.errors, ~evaluation.is_train
    gap = measure_gap(errors[evaluation.taught], errors[is_test], np.random.default_rng(settings.seed))
    if isinstance(gap, str):
        return f"Whether longer training or more labels help more cannot be told: {gap}"
    agreed = {scorer: apart[is_test] for scorer, apart in people_agree(evaluation, settings).items()}
    people = {scorer: float(np.nanmean(apart)) for scorer, apart in agreed.items() if np.isfinite(apart).any()}
    return f"{_numbers(gap)}: {_verdict(gap, people)}{_wanted(gap, settings.wantederror)}"


def _numbers(gap: Gap) -> str:
    """Tell both errors and the gap."""
    errors = (
        f"Mean error {gap.test_px:.1f} px on {gap.test_images} test images, {gap.train_px:.1f} px on the "
        f"{gap.train_images} images that trained the network"
    )
    interval = f"95 % interval {gap.low:.0%} to {gap.high:.0%}"
    if gap.share <= 0:
        return f"{errors}, so there is no gap ({interval})"
    return f"{errors}; the gap of {gap.test_px - gap.train_px:.1f} px is {gap.share:.0%} of the test error ({interval})"


def _verdict(gap: Gap, people: dict[str, float]) -> str:
    """Say what helps; `people` tells how far others' labels of the same test images lie apart, in pixels."""
    scorer = min(people, key=lambda scorer: people[scorer], default=None)
    if scorer is not None and gap.test_px <= people[scorer]:
        return f"the labels of {scorer} lie {people[scorer]:.1f} px apart from yours, so neither will help much"
    if gap.helps == LABELS:
        return "more labels help, longer training hardly"
    if gap.helps == TRAINING:
        return "longer training helps, more labels hardly, unless the labels themselves are no more precise than that"
    return "whether longer training or more labels help more cannot be told from so few images"


def _wanted(gap: Gap, wanted_px: float) -> str:
    """Say where the error is as small as it is wanted to be."""
    return f". The test error is within wantederror ({wanted_px:g} px)" if gap.test_px <= wanted_px else ""
