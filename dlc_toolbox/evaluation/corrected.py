"""Labels that were corrected since networks were trained on them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.labels.labels import why_labels_stale
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import points, read_table

log = logging.getLogger(__name__)


def warn_of_corrected_labels(layout: Layout, settings: Settings, evaluations: Sequence[Evaluation]) -> None:
    """Warn, once per training set, of labels that were corrected since it was made; the errors keep to the old ones.

    A label counts as corrected when the scorer's label table has it elsewhere or no longer. A table that is older than
    the csv files of the clicks cannot tell, which is warned of in its place. A project without a label table (it may
    have moved in part) is passed over.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Of that project.
    evaluations : sequence of Evaluation
        As `read_evaluation` returns them.
    """
    live = layout.label_table(settings.Task, settings.scorer)
    if not live.is_file():
        return
    of_training_sets = {evaluation.network.experiment: evaluation for evaluation in evaluations}
    try:
        if changed := why_labels_stale(layout, settings, settings.scorer):
            log.warning(
                "%s is older than what it was made from (%s); the errors are against the labels of when the training "
                "set was made. Step2_ConvertingLabels2DataFrame.py, and then Step 4 with a new number in Shuffles, "
                "take corrected ones over",
                *(live, changed),
            )
            return
        table = read_table(live)
        counts = {each.name: _count(table, evaluation) for each, evaluation in of_training_sets.items()}
    except UsersError as error:
        log.warning("%s cannot be compared with the labels of the training set: %s", live, error)
        return
    for name, (corrected, labeled) in counts.items():
        if corrected:
            log.warning(
                "%s: %d of %d labels were corrected since its training set was made; the errors are against the "
                "labels of that moment. Step 4 with a new number in Shuffles takes the corrected ones over",
                *(name, corrected, labeled),
            )


def _count(table: pd.DataFrame, evaluation: Evaluation) -> tuple[int, int]:
    """Return how many labels of an evaluation a label table has elsewhere or no longer, and how many there are."""
    present = points(table.reindex(list(evaluation.images)), evaluation.bodyparts)[..., :2]
    labeled = np.isfinite(evaluation.labels).all(axis=2)
    corrected = (present != evaluation.labels).any(axis=2) & labeled
    return int(corrected.sum()), int(labeled.sum())
