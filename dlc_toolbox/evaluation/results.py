"""Errors of trained networks on the images that trained them and on those that test them."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common.files import write_if_changed
from dlc_toolbox import ToolboxError
from dlc_toolbox.evaluation.evaluation import EvaluatedNetwork
from dlc_toolbox.measure.confidence import FEATURES
from dlc_toolbox.measure.metrics import AUTO, Cutoff, cutoff_in_words, euclidean_errors, summarize, summarize_parts
from dlc_toolbox.project import records
from dlc_toolbox.project.cells import with_commas
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points, read_poses, read_table

log = logging.getLogger(__name__)

KEYS = ["train_fraction", "shuffle", "iteration"]


@dataclass(frozen=True)
class Evaluation:
    """Labels and poses of N labeled images with K body parts.

    Parameters
    ----------
    network : EvaluatedNetwork
        Who found the poses.
    bodyparts : sequence of str
        K names, in the order of the settings.
    images : sequence of str
        N names, ``folder/image``.
    is_train : ndarray of shape (N,)
        Which images the network was trained on; the others test it.
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where nobody labeled.
    poses : ndarray of shape (N, K, 3)
        x, y in pixels, likelihood.
    features : ndarray of shape (N, K, 4) or None
        What the maps tell about them, see `confidence.FEATURES`; None where that is not known, as of poses made before
        it was stored.
    accepted : ndarray of shape (N, K), optional
        bool; which labels are machine labels that a person accepted as they were. Default none.
    held_out, trained : collection of str, optional
        Images of the training set that the training held out to watch itself: they taught the network nothing; and
        those that trained it, or a network that it started from, as far as that is known.
    """

    network: EvaluatedNetwork
    bodyparts: Sequence[str]
    images: Sequence[str]
    is_train: np.ndarray
    labels: np.ndarray
    poses: np.ndarray
    features: np.ndarray | None = None
    accepted: np.ndarray | None = None
    held_out: Collection[str] = ()
    trained: Collection[str] = ()

    @property
    def taught(self) -> np.ndarray:
        """Which images taught the network, (N,) bool: those of the training set that were not held out."""
        return self.is_train & ~np.isin(self.images, list(self.held_out))

    @property
    def seen(self) -> np.ndarray:
        """Which test images, (N,) bool, are not new to the network: they trained one that it started from."""
        return ~self.is_train & np.isin(self.images, list(self.trained))

    @property
    def placed_errors(self) -> np.ndarray:
        """Distances in pixels, (N, K), from labels that were placed by hand; NaN elsewhere."""
        return self.errors if self.accepted is None else np.where(self.accepted, np.nan, self.errors)

    @property
    def errors(self) -> np.ndarray:
        """Distances in pixels, (N, K); NaN where nobody labeled."""
        return euclidean_errors(self.labels, self.poses)

    @property
    def likelihoods(self) -> np.ndarray:
        """The network's likelihoods, (N, K)."""
        return self.poses[..., 2]

    def sets(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield 'train' and 'test' with the images of each, (N,) bool."""
        yield "train", self.is_train
        yield "test", ~self.is_train


def read_evaluation(network: EvaluatedNetwork, bodyparts: Sequence[str]) -> Evaluation:
    """Put a network's poses beside the labels.

    Parameters
    ----------
    network : EvaluatedNetwork
        As `evaluation.find_networks` returns it.
    bodyparts : sequence of str
        The order wanted.

    Returns
    -------
    Evaluation
        Of the images in the split.

    Raises
    ------
    ToolboxError
        When the poses do not exist (the message lists those that do), or are out of date.
    """
    step1 = "run Evaluation-tools/Step1_EvaluateModelonDataset.py"
    if not network.table.is_file():
        existing = [path.stem for path in network.layout.evaluation_tables()]
        advice = f"there are: {', '.join(existing)}" if existing else "there is none yet"
        raise ToolboxError(
            f"{network.table} does not exist ({advice}): {step1} first, or correct snapshotindex, shuffleindex or "
            "TrainingFraction in myconfig.py"
        )
    poses = read_poses(network.table)
    images = list(network.images)
    if network.record.is_file():
        stale = network.output().why_changed()
    else:
        log.warning("%s is taken as it is: no record tells what it was made from", network.table)
        stale = _why_incomplete(poses, images, bodyparts)
    if stale:
        raise ToolboxError(f"{network.table} is out of date ({stale}): {step1} again")
    return Evaluation(
        network,
        bodyparts,
        images,
        np.isin(images, network.split.train),
        points(network.split.table.loc[images], bodyparts),
        points(poses.loc[images], bodyparts),
        _read_features(network, bodyparts, poses),
        np.array([[part in network.split.accepted.get(image, ()) for part in bodyparts] for image in images]),
    )


def _read_features(network: EvaluatedNetwork, bodyparts: Sequence[str], poses: pd.DataFrame) -> np.ndarray | None:
    """Return what the maps tell about the poses of a table; None where it is not there, or about other poses."""
    if not network.features.is_file():
        return None
    table = read_table(network.features, FEATURES)
    images = list(network.images)
    if not set(images) <= set(table.index):
        return None
    features = points(table.loc[images], bodyparts, FEATURES)
    likelihoods = points(poses.loc[images], bodyparts)[..., 2]
    return features if np.array_equal(features[..., 0], likelihoods) else None


def summary_row(evaluation: Evaluation, pcutoff: Cutoff) -> dict[str, float]:
    """Summarize one network's errors as a row of the evaluation table.

    Parameters
    ----------
    evaluation : Evaluation
        As `read_evaluation` returns it.
    pcutoff : Cutoff
        The least likelihood that counts as confident.

    Returns
    -------
    dict of str to float
        train_fraction, shuffle, iteration, pcutoff (NaN where each part has its own), then the numbers of
        `metrics.summarize` for train and test. Where labels are accepted machine labels, ``<set>_accepted_share``
        follows for train and test, and the same numbers of the labels that were placed by hand alone,
        ``<set>_placed_<number>``.
    """
    row = {**_keys(evaluation.network), "pcutoff": np.nan if isinstance(pcutoff, tuple) else pcutoff}
    for name, chosen in evaluation.sets():
        numbers = summarize(evaluation.errors[chosen], evaluation.likelihoods[chosen], pcutoff)
        row |= {f"{name}_{number}": value for number, value in numbers.items()}
    return row | _placed_numbers(evaluation, pcutoff)


def _placed_numbers(evaluation: Evaluation, pcutoff: Cutoff) -> dict[str, float]:
    """Return the share of accepted machine labels, and the errors of the others; nothing where there are none."""
    accepted, found = evaluation.accepted, {}
    if accepted is None or not accepted.any():
        return {}
    for name, chosen in evaluation.sets():
        labels = np.isfinite(evaluation.errors[chosen])
        found[f"{name}_accepted_share"] = float(accepted[chosen][labels].mean()) if labels.any() else float("nan")
        numbers = summarize(evaluation.placed_errors[chosen], evaluation.likelihoods[chosen], pcutoff)
        found |= {f"{name}_placed_{number}": value for number, value in numbers.items()}
    return found


def part_rows(evaluation: Evaluation, pcutoff: Cutoff) -> pd.DataFrame:
    """Summarize one network's errors by body part, in long form.

    Parameters
    ----------
    evaluation, pcutoff
        As for `summary_row`.

    Returns
    -------
    DataFrame of 2 * K rows
        train_fraction, shuffle, iteration, pcutoff, set (train or test), then the columns of
        `metrics.summarize_parts`.
    """
    tables = []
    for name, chosen in evaluation.sets():
        numbers = evaluation.errors[chosen], evaluation.likelihoods[chosen]
        table = summarize_parts(*numbers, evaluation.bodyparts, pcutoff)
        cutoffs = np.broadcast_to(pcutoff, len(evaluation.bodyparts))
        leading: dict[str, Any] = {**_keys(evaluation.network), "pcutoff": cutoffs, "set": name}
        for place, (key, value) in enumerate(leading.items()):
            table.insert(place, key, value)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def write_summaries(
    layout: Layout, settings: Settings, evaluations: Sequence[Evaluation], pcutoffs: Sequence[Cutoff] | None = None
) -> pd.DataFrame:
    """Write the errors of networks into the evaluation table and the table by body part.

    Rows of other networks with the same Task, date, scorer and resnet stay. Rows of any others give way, because the
    columns cannot tell them apart; their poses stay, so that this step can write them again.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Of that project.
    evaluations : sequence of Evaluation
        One per network.
    pcutoffs : sequence of Cutoff, optional
        Of each network; default that of the settings.

    Returns
    -------
    DataFrame
        The new rows of the evaluation table.

    Raises
    ------
    ToolboxError
        When an existing table has been changed by hand beyond recognition, or the system refuses to write.
    """
    judged = list(zip(evaluations, pcutoffs or [settings.pcutoff] * len(evaluations), strict=True))
    rows = pd.DataFrame([summary_row(evaluation, pcutoff) for evaluation, pcutoff in judged])
    parts = pd.concat([part_rows(evaluation, pcutoff) for evaluation, pcutoff in judged], ignore_index=True)
    owner = records.describe({}, {name: getattr(settings, name) for name in ("Task", "date", "scorer", "resnet")})
    files = [layout.summary_table, layout.part_table]
    output = records.Output(layout.summary_table.name, layout.summary_record, files, owner)
    stale = output.why_changed()
    if stale and layout.summary_table.is_file():
        log.info("%s: its earlier rows are left out, because %s", layout.summary_table, stale)
    for path, table in zip(files, (rows, parts), strict=True):
        _write_rows(path, table, keep_others=stale is None)
    if stale:
        output.write_record()
    return rows


def in_words(rows: pd.DataFrame) -> list[str]:
    """Tell the errors of each row of the evaluation table in sentences.

    Parameters
    ----------
    rows : DataFrame
        As `write_summaries` returns it.

    Returns
    -------
    list of str
        Two for each row (training, test), each followed by one on the labels placed by hand where there are others,
        and, for several rows, one that names the best.
    """
    sentences = []
    for row in rows.to_dict("records"):
        for name, side in (("train", "training"), ("test", "test")):
            mean, median, share, confident = (
                row[f"{name}_{number}"]
                for number in ("mean_error_px", "median_error_px", "share_above_pcutoff", "mean_error_pcutoff_px")
            )
            if np.isnan(mean):
                sentences.append(f"{_named(row)}: no {side} image is labeled, so there is no {side} error")
                continue
            cutoff = cutoff_in_words(AUTO if np.isnan(row["pcutoff"]) else row["pcutoff"])
            sentences.append(
                f"{_named(row)}: {side} error {mean:.2f} px (mean), {median:.2f} px (median); likelihood >= "
                f"{cutoff} for {share:.0%} of the labels, whose mean error is {confident:.2f} px"
            )
            accepted = row.get(f"{name}_accepted_share", 0.0)
            if accepted > 0:
                placed = row[f"{name}_placed_mean_error_px"], row[f"{name}_placed_median_error_px"]
                sentences.append(
                    f"{_named(row)}: {accepted:.0%} of these labels are machine labels accepted as they were; {side} "
                    f"error of those placed by hand alone {placed[0]:.2f} px (mean), {placed[1]:.2f} px (median)"
                )
    if len(rows) > 1 and rows["test_median_error_px"].notna().any():
        best = rows.iloc[rows["test_median_error_px"].argmin()]
        sentences.append(f"Lowest median test error: {_named(best)}")
    return sentences


def test_error_in_words(evaluation: Evaluation) -> str:
    """Tell how far off the poses of test images are.

    Parameters
    ----------
    evaluation : Evaluation
        Of a network in any precision or size.

    Returns
    -------
    str
        Mean and median in pixels, or that no test image is labeled.
    """
    errors = evaluation.errors[~evaluation.is_train]
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        return "no test image is labeled, so there is no test error"
    return f"test error {errors.mean():.2f} px (mean), {np.median(errors):.2f} px (median)"


def _named(row: Mapping[Hashable, Any] | pd.Series) -> str:
    """Name the network of a row."""
    return (
        f"training fraction {row['train_fraction']:g}, shuffle {row['shuffle']:.0f}, iteration {row['iteration']:.0f}"
    )


def _why_incomplete(poses: pd.DataFrame, images: Sequence[str], bodyparts: Sequence[str]) -> str | None:
    """Say what a pose table of unknown origin lacks, or None."""
    if not set(images) <= set(poses.index):
        return "it lacks labeled images"
    return (
        None if set(bodyparts) <= set(bodyparts_of(poses)) else f"its body parts are {', '.join(bodyparts_of(poses))}"
    )


def _keys(network: EvaluatedNetwork) -> dict[str, float]:
    """Return what tells the networks of one project apart."""
    return dict(zip(KEYS, (network.fraction, network.experiment.shuffle, network.iteration), strict=True))


def _write_rows(path: Path, rows: pd.DataFrame, *, keep_others: bool) -> None:
    """Write rows to a csv table in place of those with the same keys, sorted by their keys."""
    if keep_others and path.is_file():
        earlier = _read_rows(path, rows.columns)
        replaced = pd.MultiIndex.from_frame(earlier[KEYS]).isin(pd.MultiIndex.from_frame(rows[KEYS]))
        if not replaced.all():
            rows = pd.concat([earlier[~replaced], rows])
    write_if_changed(path, rows.sort_values(KEYS, kind="stable").to_csv(index=False, na_rep="NaN").encode())


def _read_rows(path: Path, columns: pd.Index) -> pd.DataFrame:
    """Read a table that an earlier run wrote, and perhaps a spreadsheet since."""
    advice = "move it away and run this step again"
    texts = dict.fromkeys(("set", "bodypart"), str)
    try:
        text = with_commas(path.read_text(encoding="utf-8-sig"), KEYS[0])
        header = text.partition("\n")[0].split(",")
        numbers = {column: ["NaN", ""] for column in header if column not in texts}  # a body part may be called NA
        # Python's engine, because it reads back the very floats that were written
        given = io.StringIO(text)
        table = pd.read_csv(given, engine="python", dtype=texts, na_values=numbers, keep_default_na=False)
        table = table.astype({column: float for column in numbers if column not in KEYS})
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ToolboxError(f"{path} cannot be read ({error}): {advice}") from error
    always = [column for column in columns if not _is_optional(column)]
    if [column for column in table.columns if not _is_optional(column)] != always:
        raise ToolboxError(f"{path} has other columns than {', '.join(columns)}: {advice}")
    return table


def _is_optional(column: str) -> bool:
    """Tell a column that is there only where labels are accepted machine labels."""
    return column.startswith(("train_accepted_", "train_placed_", "test_accepted_", "test_placed_"))
