"""How well expected errors, agreement of views and posture tell wrong poses from right ones, on a finished demo.

Coverage of the radius and AUROC for errors over 10 px on the demo's test images, each judged by a calibration on the
others, with 95 % intervals by resampling images; then what the tables of long videos cost. It trains nothing and
changes no file of the project.

    python3 tests/benchmarks/trust.py --project DIR
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "pose-tensorflow")]

from dlc_toolbox.analysis.confidence import write_confidence  # noqa: E402
from dlc_toolbox.analysis.jobs import Job  # noqa: E402
from dlc_toolbox.analysis.partial import open_partial  # noqa: E402
from dlc_toolbox.evaluation.results import read_evaluation  # noqa: E402
from dlc_toolbox.evaluation.trust import Judgment, judge  # noqa: E402
from dlc_toolbox.project.settings import load_settings  # noqa: E402
from dlc_toolbox.steps.evaluation import find_networks  # noqa: E402

write = sys.stdout.write

WRONG_PX = 10
RESAMPLED = 500


def auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Return the chance that a wrong pose has a higher score than a right one."""
    known = np.isfinite(scores) & np.isfinite(wrong)
    ranks, bad = rankdata(scores[known]), wrong[known].astype(bool)
    pairs = bad.sum() * (~bad).sum()
    return (ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / pairs if pairs else float("nan")


def resampled(measure: Callable[[np.ndarray], float], images: int) -> str:
    """Write a figure with the 95 % interval that resampling of images gives."""
    rng = np.random.default_rng(0)
    values = [measure(rng.integers(0, images, images)) for _ in range(RESAMPLED)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return f"{measure(np.arange(images)):.3f} ({low:.3f} to {high:.3f})"


def report(judgment: Judgment) -> None:
    """Print coverage and AUROC on the test images."""
    test, evaluation = judgment.is_test, judgment.evaluation
    errors, likelihoods = evaluation.errors[test], evaluation.likelihoods[test]
    expected, radius = judgment.expected_px[test], judgment.radius90_px[test]
    wrong = np.where(np.isfinite(errors), errors > WRONG_PX, np.nan)
    labeled = np.isfinite(errors)
    likely = likelihoods >= np.median(likelihoods[labeled])
    write(f"{len(errors)} test images, {labeled.sum()} labels, {np.nansum(wrong):.0f} of them over {WRONG_PX} px\n")
    for name, chosen in (("all", labeled), ("likely half", labeled & likely), ("other half", labeled & ~likely)):
        inside = np.where(chosen, errors <= radius, np.nan)
        write(f"coverage, {name}: {resampled(lambda rows, x=inside: np.nanmean(x[rows]), len(errors))}\n")
    posture = judgment.trust.posture_px(evaluation.poses)[test]
    places = np.array([[evaluation.bodyparts.index(part) for part in point] for point in judgment.trust.views])
    in_views = errors[:, places].max(axis=2)  # NaN unless all of a point's parts are labeled
    off = np.where(np.isfinite(in_views), in_views > WRONG_PX, np.nan)
    views = judgment.trust.views_px(evaluation.poses)[test][:, places[:, 0]]
    scores = {
        "likelihood": (-likelihoods, wrong),
        "error_px": (expected, wrong),
        "posture_px": (posture, wrong),
        "views_px, of points": (views, off),
        "likelihood, of points": (-likelihoods[:, places].min(axis=2), off),
    }
    for name, (score, bad) in scores.items():
        write(f"AUROC {name}: {resampled(lambda rows, s=score, b=bad: auroc(s[rows], b[rows]), len(errors))}\n")


def time_long_table(judgment: Judgment, frames: int) -> None:
    """Print what the table of so many frames costs."""
    parts = len(judgment.trust.bodyparts)
    row = Job(None, Path(), {}, parts, 8, None).row
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT, help="a finished demo (default: the checkout)")
    arguments = parser.parse_args()
    settings = load_settings(arguments.project)
    for network in find_networks(arguments.project):
        judgment = judge(read_evaluation(network, settings.bodyparts), settings)
        report(judgment)
        for frames in (10_000, 100_000):
            time_long_table(judgment, frames)


if __name__ == "__main__":
    main()
