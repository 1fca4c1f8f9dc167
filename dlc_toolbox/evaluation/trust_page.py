"""What the page of an evaluation shows about trust, and the paragraph for a methods section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import cli
from dlc_common.images import read_image
from dlc_common.versions import versions
from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.evaluation.trust import Judgment, nearness_in_words
from dlc_toolbox.frames.recorded import video_of
from dlc_toolbox.measure.judging import coverage
from dlc_toolbox.measure.metrics import recommended_in_words
from dlc_toolbox.pictures import pages
from dlc_toolbox.pictures.pictures import folder_and_image, look_of
from dlc_toolbox.project.settings import Settings

RELIABILITY_PLOT = "reliability.png"
"""Errors against what was expected, where that is known, among the plots of an evaluation."""

_MOST_DOUBTFUL = 12


def trust_content(judgment: Judgment, settings: Settings) -> dict[str, Any]:
    """Return what the page of an evaluation shows about trust.

    Parameters
    ----------
    judgment : Judgment
        Of the network that the page is about.
    settings : Settings
        How points are drawn, whose labels they are.

    Returns
    -------
    dict
        For the template ``trust.html``.
    """
    network = judgment.evaluation.network
    plot = network.layout.evaluation_plots(network.experiment, network.iteration) / RELIABILITY_PLOT
    return {
        "trust_sentences": judgment.in_words(),
        "reliability": pages.embed(plot) if plot.is_file() else None,
        "trusted_parts": _part_rows(judgment),
        "wanted_px": f"{judgment.trust.wanted_px:g}",
        "unlabeled_parts": judgment.unlabeled_parts,
        "doubtful": _doubtful(judgment, settings),
        "nearness": nearness_in_words(judgment.evaluation),
        "seen": judgment.seen_in_words,
        "methods": methods_paragraph(judgment, settings),
    }


def _part_rows(judgment: Judgment) -> list[dict[str, Any]]:
    """Return what is known about each body part."""
    errors = judgment.evaluation.placed_errors
    rows = []
    for part, name in enumerate(judgment.evaluation.bodyparts):
        labeled = judgment.is_test & np.isfinite(errors[:, part])
        cutoff = (judgment.trust.pcutoffs or {}).get(name)
        rows.append(
            {
                "name": name,
                "pcutoff": "never" if cutoff is None else recommended_in_words(cutoff),
                "expected": _median(judgment.expected_px[labeled, part]),
                "radius": _median(judgment.radius90_px[labeled, part]),
                "coverage": coverage(errors[labeled, part], judgment.radius90_px[labeled, part]),
            }
        )
    return rows


def _median(values: np.ndarray) -> float:
    """Return the median of what is known, NaN of nothing."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _doubtful(judgment: Judgment, settings: Settings) -> list[dict[str, Any]]:
    """Return the labels to look at again, each drawn with what the network found."""
    evaluation = judgment.evaluation
    look = look_of(settings, [("+", f"{settings.scorer} (human)"), (".", "network")], joined=((0, 1),))
    shown = []
    for image, part in judgment.doubtful_labels()[:_MOST_DOUBTFUL]:
        name = evaluation.images[image]
        both = np.full((2, len(evaluation.bodyparts), 2), np.nan)
        both[0, part], both[1, part] = evaluation.labels[image, part], evaluation.poses[image, part, :2]
        picture = pages.draw_for_page(read_image(evaluation.network.images[name]), both, look)
        shown.append(
            {
                "name": name,
                "part": evaluation.bodyparts[part],
                "error_px": evaluation.errors[image, part],
                "expected_px": judgment.expected_px[image, part],
                "picture": pages.embed(picture),
                "command": _label_again(evaluation.network.layout.root, name, evaluation.bodyparts[part]),
            }
        )
    return shown


def _label_again(project: Path, image: str, part: str) -> str:
    """Return the command that opens the labeling page at a label."""
    script = "Generating_a_Training_Set/LabelFrames.py"
    return cli.command(project, script, "--image", image, "--part", part)


def methods_paragraph(judgment: Judgment, settings: Settings) -> str:
    """Write what a methods section should say: labels, split, training, errors, versions.

    Parameters
    ----------
    judgment : Judgment
        Of one network.
    settings : Settings
        Its pcutoff counts, and whose labels they are.

    Returns
    -------
    str
        One paragraph in plain words, with the figures of this network.
    """
    evaluation = judgment.evaluation
    found = versions()
    libraries = ", ".join(f"{name} {found[name]}" for name in ("keras", "tensorflow", "numpy") if name in found)
    sentences = [
        _labels_in_words(evaluation, settings),
        f"A ResNet-{settings.resnet} with deconvolution heads (DeepLabCut; Mathis et al., Nat. Neurosci. 21, 2018, and "
        f"Insafutdinov et al., ECCV 2016) was trained for {evaluation.network.iteration} iterations.",
        _errors_in_words(evaluation, settings),
    ]
    if not np.isnan(judgment.coverage):
        sentences.append(
            "For each pose, a radius within which 90 % of such poses lie was learned from the test images by conformal "
            f"prediction; it held {judgment.coverage:.0%} of labels that had no say in it."
        )
    sentences.append(f"Computed with Python {found['python']}{f', {libraries}' if libraries else ''}.")
    return " ".join(sentences)


def _labels_in_words(evaluation: Evaluation, settings: Settings) -> str:
    """Tell how many labels there are, and how they were split."""
    parts, labeled = len(evaluation.bodyparts), int(np.isfinite(evaluation.errors).sum())
    accepted = labeled - int(np.isfinite(evaluation.placed_errors).sum())
    suggested = f", {accepted} of them suggested by a network and accepted as they were" if accepted else ""
    data = evaluation.network.layout.data_folder(settings.Task)
    videos = len({video_of(data / folder_and_image(name)[0]) for name in evaluation.images})
    seen = int(evaluation.seen.sum())
    known = f", {seen} of which had trained the network that it started from" if seen else ""
    taught, train, images = int(evaluation.taught.sum()), int(evaluation.is_train.sum()), len(evaluation.images)
    others = train - taught
    watched = f", {others} other{'s' if others > 1 else ''} watched its training," if others else ""
    return (
        f"{parts} body part{'s were' if parts > 1 else ' was'} labeled in {images} frames of {videos} "
        f"video{'s' if videos > 1 else ''} ({labeled} labels of {settings.scorer}{suggested}); "
        f"{taught} frames trained the network{watched} and {images - train} tested it{known}."
    )


def _errors_in_words(evaluation: Evaluation, settings: Settings) -> str:
    """Tell the errors of both sets."""
    test, taught = evaluation.errors[~evaluation.is_train], evaluation.errors[evaluation.taught]
    labeled = int(np.isfinite(test).sum())
    if not labeled:
        return "No label of a test image tells the test error."
    ninth = np.nanpercentile(test, 90)
    return (
        f"On {labeled} labels of test frames the error (distance from the label) was {_median(test.ravel()):.1f} px "
        f"(median), {np.nanmean(test):.1f} px (mean), and at most {ninth:.1f} px for 90 % of them; on training frames "
        f"{_median(taught.ravel()):.1f} px (median)."
    )
