"""How well expected errors, agreement of views and posture tell wrong poses from right ones, on a finished demo.

Of every trained network of the settings' Shuffles: coverage of the radius, and AUROC for errors over 10 px, on its test
images, each judged by calibrations on the others, which are shared out among folds anew in each repeat. All are
pooled, with 95 % intervals by resampling images; differences of AUROC are of the same images. Then labels are moved by
30 px, and looked for among the *labels to look at again*. Last, what the tables of long videos cost. It trains nothing
and changes no file of the project.

    python3 tests/benchmarks/trust.py --project DIR
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "pose-tensorflow")]

from deepercut.config import load_config  # noqa: E402
from deepercut.weights.snapshots import list_snapshots, select_snapshot  # noqa: E402
from dlc_toolbox.analysis.confidence import write_confidence  # noqa: E402
from dlc_toolbox.analysis.jobs import Job  # noqa: E402
from dlc_toolbox.analysis.partial import open_partial  # noqa: E402
from dlc_toolbox.evaluation.evaluation import find_networks  # noqa: E402
from dlc_toolbox.evaluation.results import read_evaluation  # noqa: E402
from dlc_toolbox.evaluation.trust import Judgment, judge  # noqa: E402
from dlc_toolbox.measure.confidence import held_out  # noqa: E402
from dlc_toolbox.project.layout import Layout  # noqa: E402
from dlc_toolbox.project.settings import Settings, load_settings  # noqa: E402

write = sys.stdout.write

WRONG_PX = 10
RESAMPLED = 500
PLANTED, PLANTED_PX, LOOKED_AT = 20, 30.0, 40


def auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Return the chance that a wrong pose has a higher score than a right one."""
    known = np.isfinite(scores) & np.isfinite(wrong)
    ranks, bad = rankdata(scores[known]), wrong[known].astype(bool)
    pairs = bad.sum() * (~bad).sum()
    return (ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / pairs if pairs else float("nan")


def auroc_of(columns: dict[str, np.ndarray], score: str, errors: str) -> float:
    """Return the AUROC of a score for errors over 10 px."""
    off = columns[errors]
    return auroc(columns[score], np.where(np.isfinite(off), off > WRONG_PX, np.nan))


def auroc_difference(columns: dict[str, np.ndarray], one: str, other: str, errors: str) -> float:
    """Return by how much the AUROC of one score is above that of another, for the same poses."""
    return auroc_of(columns, one, errors) - auroc_of(columns, other, errors)


@dataclass(frozen=True)
class Judged:
    """The same images, judged several times: what each repeat of each network says of its test images.

    Parameters
    ----------
    images : ndarray of shape (M,)
        Names, by which the rows are resampled together.
    columns : dict of str to ndarray of shape (M, ...)
        What is known of them.
    """

    images: np.ndarray
    columns: dict[str, np.ndarray]

    def resampled(self, measure: Callable[[dict[str, np.ndarray]], float]) -> str:
        """Write a figure with the 95 % interval that resampling of images gives."""
        rng = np.random.default_rng(0)
        names = np.unique(self.images)
        rows = [np.flatnonzero(self.images == name) for name in names]
        values = []
        for _ in range(RESAMPLED):
            drawn = np.concatenate([rows[place] for place in rng.integers(0, len(names), len(names))])
            values.append(measure({name: column[drawn] for name, column in self.columns.items()}))
        low, high = np.nanpercentile(values, [2.5, 97.5])
        return f"{measure(self.columns):.3f} ({low:.3f} to {high:.3f})"


def repeated(judgments: Sequence[Judgment], repeats: int) -> Judged:
    """Judge the test images of networks by the others of them, shared out among folds anew in each repeat."""
    names, columns = [], {}
    for judgment in judgments:
        test, evaluation = judgment.is_test, judgment.evaluation
        trust, errors = replace(judgment.trust, crop=None), evaluation.errors[test]
        evidence = trust.evidence(evaluation.poses, evaluation.features)[test]
        places = np.array([[evaluation.bodyparts.index(part) for part in point] for point in trust.views])
        in_views = errors[:, places].max(axis=2)  # NaN unless all of a point's parts are labeled
        fixed = {
            "errors": errors,
            "likelihood": -evaluation.likelihoods[test],
            "posture_px": trust.posture_px(evaluation.poses)[test],
            "errors of points": in_views,
            "views_px": trust.views_px(evaluation.poses)[test][:, places[:, 0]],
            "likelihood of points": -evaluation.likelihoods[test][:, places].min(axis=2),
        }
        for repeat in range(repeats):
            order = np.random.default_rng(repeat).permutation(len(errors))
            found = held_out(evidence[order], errors[order])
            assert not isinstance(found, str), found
            back = np.argsort(order)
            for name, column in {**fixed, "error_px": found[0][back], "radius90_px": found[1][back]}.items():
                columns.setdefault(name, []).append(column)
            names += [name for name, is_test in zip(evaluation.images, test, strict=True) if is_test]
    return Judged(np.array(names), {name: np.concatenate(column) for name, column in columns.items()})


def report(judged: Judged) -> None:
    """Print coverage and AUROC, and what of their differences is chance."""
    errors, likely = judged.columns["errors"], -judged.columns["likelihood"]
    labeled = np.isfinite(errors)
    median = np.median(likely[labeled])
    write(f"{len(np.unique(judged.images))} test images, {labeled.sum()} labels in all repeats, ")
    write(f"{(errors[labeled] > WRONG_PX).mean():.1%} of them over {WRONG_PX} px\n")
    for name, is_in in (("all", None), ("likely half", True), ("other half", False)):

        def coverage(of: dict[str, np.ndarray], is_in: bool | None = is_in) -> float:
            chosen = np.isfinite(of["errors"])
            chosen &= True if is_in is None else (-of["likelihood"] >= median) == is_in
            return float((of["errors"] <= of["radius90_px"])[chosen].mean())

        write(f"coverage, {name}: {judged.resampled(coverage)}\n")

    scores = [(name, "errors") for name in ("likelihood", "error_px", "posture_px")]
    scores += [(name, "errors of points") for name in ("likelihood of points", "views_px")]
    for name, of in scores:
        write(f"AUROC {name}: {judged.resampled(partial(auroc_of, score=name, errors=of))}\n")
    for one, other, of in (
        ("error_px", "likelihood", "errors"),
        ("posture_px", "likelihood", "errors"),
        ("views_px", "likelihood of points", "errors of points"),
    ):
        difference = partial(auroc_difference, one=one, other=other, errors=of)
        write(f"AUROC {one} minus {other}: {judged.resampled(difference)}\n")


def plant(judgment: Judgment, settings: Settings, seed: int) -> tuple[int, int, int]:
    """Move labels of test images; tell how many stand among the first to look at again, and how long the list is."""
    rng, evaluation = np.random.default_rng(seed), judgment.evaluation
    pairs = np.argwhere(np.isfinite(evaluation.errors) & judgment.is_test[:, None])
    chosen = pairs[rng.choice(len(pairs), PLANTED, replace=False)]
    angle, labels = rng.uniform(0, 2 * np.pi, PLANTED), evaluation.labels.copy()
    labels[tuple(chosen.T)] += PLANTED_PX * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = judge(replace(evaluation, labels=labels), settings).doubtful_labels()
    planted = {tuple(pair) for pair in chosen.tolist()}
    return len(planted.intersection(found[:LOOKED_AT])), len(planted.intersection(found[:PLANTED])), len(found)


def time_long_table(judgment: Judgment, frames: int) -> None:
    """Print what the table of so many frames costs."""
    parts = len(judgment.trust.bodyparts)
    row = Job(None, Path(), Path(), {}, parts, 8, None).row
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, open_partial(Path(folder) / "v.partial", {}, row) as partial:
        for _ in range(0, frames, 1000):
            poses = rng.uniform(0, 1, (1000, parts, 3)) * [400, 400, 1]
            partial.append(range(1000), [True] * 1000, poses, rng.uniform(0, 9, (1000, parts, 3)))
        tracemalloc.start()
        begun = time.process_time()
        write_confidence(Path(folder) / "v.h5", partial, judgment.trust, "network", csv=False)
        used = time.process_time() - begun
        most = tracemalloc.get_traced_memory()[1] / 1e6
        write(f"{frames} frames: {1000 * used / frames:.3f} CPU-ms a frame, {most:.0f} MB\n")
        tracemalloc.stop()


def judge_shuffles(project: Path, settings: Settings) -> Iterator[Judgment]:
    """Judge the networks of all shuffles; those that are not trained are an error."""
    for shuffle in range(len(settings.Shuffles)):
        chosen = replace(settings, shuffleindex=shuffle)
        for network in find_networks(Layout(project), chosen, load_config, list_snapshots, select_snapshot):
            yield judge(read_evaluation(network, settings.bodyparts), settings)


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT, help="a finished demo (default: the checkout)")
    parser.add_argument("--repeats", type=int, default=10, help="of the folds")
    parser.add_argument("--plantings", type=int, default=10, help="each of other labels")
    arguments = parser.parse_args()
    settings = load_settings(arguments.project)
    judgments = list(judge_shuffles(arguments.project, settings))
    report(repeated(judgments, arguments.repeats))
    for judgment in judgments:
        found = np.array([plant(judgment, settings, seed) for seed in range(arguments.plantings)])
        if len(found):
            write(f"planted, of {PLANTED}: {found[:, 0].tolist()} among the first {LOOKED_AT}, ")
            write(f"{found[:, 1].tolist()} among the first {PLANTED}; lists of {found[:, 2].tolist()}\n")
    for frames in (10_000, 100_000):
        time_long_table(judgments[0], frames)


if __name__ == "__main__":
    main()
