"""Whether a Kalman smoother earns its place: the disagreement of views before and after, on an analyzed video.

A Rauch-Tung-Striebel smoother with constant velocity, whose observations are as noisy as the radius of 90 % says. It
would enter the toolbox only if the views disagreed less afterwards; smaller jumps do not count. Nothing is changed.

    python3 tests/benchmarks/smoother.py --project DIR

References
----------
Rauch HE, Tung F, Striebel CT. Maximum likelihood estimates of linear dynamic systems. AIAA J. 3, 1445-1450 (1965).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "pose-tensorflow")]

from dlc_toolbox.measure.tracks import median_filter, seen_points  # noqa: E402
from dlc_toolbox.poses.radius import read_confidence  # noqa: E402
from dlc_toolbox.poses.trust import read_trust  # noqa: E402
from dlc_toolbox.project.layout import confidence_table, pose_table  # noqa: E402
from dlc_toolbox.project.tables import points, read_poses  # noqa: E402
from dlc_toolbox.steps.videos import find_work  # noqa: E402

write = sys.stdout.write

SIGMAS_IN_RADIUS = np.sqrt(2 * np.log(10))  # of the radius that holds 90 % of a round normal distribution
ACCELERATIONS_PX = (1.0, 3.0, 10.0, 30.0)  # standard deviation, per frame and frame
FAR_PX = 5.0


def smooth(places: np.ndarray, sigma: np.ndarray, acceleration: float) -> np.ndarray:
    """Smooth tracks, (N, T), each with its own noise, (N, T) in pixels; NaN is not observed.

    A state is place and velocity; the filter runs forward, the smoother back.
    """
    step = np.array([[1.0, 1], [0, 1]])
    process = acceleration**2 * np.array([[0.25, 0.5], [0.5, 1]])
    frames, tracks = places.shape
    state, spread = np.zeros((frames, tracks, 2)), np.zeros((frames, tracks, 2, 2))
    before, before_spread = np.zeros_like(state), np.zeros_like(spread)
    now, now_spread = np.zeros((tracks, 2)), np.tile(np.eye(2) * 1e6, (tracks, 1, 1))
    for frame in range(frames):
        now, now_spread = now @ step.T, step @ now_spread @ step.T + process
        before[frame], before_spread[frame] = now, now_spread
        is_seen = np.isfinite(places[frame]) & np.isfinite(sigma[frame])
        noise = np.where(is_seen, sigma[frame], 1) ** 2
        gain = np.where(is_seen, 1 / (now_spread[:, 0, 0] + noise), 0)[:, None] * now_spread[:, :, 0]
        now = now + gain * (np.where(is_seen, places[frame], 0) - now[:, 0])[:, None]
        now_spread = now_spread - gain[:, :, None] * now_spread[:, None, 0]
        state[frame], spread[frame] = now, now_spread
    smoothed = state.copy()
    for frame in range(frames - 2, -1, -1):
        back = spread[frame] @ step.T @ np.linalg.inv(before_spread[frame + 1])
        smoothed[frame] += np.einsum("tab,tb->ta", back, smoothed[frame + 1] - before[frame + 1])
    return smoothed[..., 0]


def main() -> None:
    """Print the disagreement of views of the poses as they are, median-filtered, and smoothed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=ROOT, help="a finished demo (default: the checkout)")
    work = find_work(parser.parse_args().project)
    table = pose_table(work.videos[0], work.network.scorer)
    poses = points(read_poses(table), work.network.bodyparts)
    radius = read_confidence(confidence_table(table), work.network.bodyparts, len(poses))[..., 1]
    trust = read_trust(work.network, work.settings.crop)
    seen = seen_points(poses, work.settings.pcutoff)
    sigma = np.repeat(radius[..., None], 2, axis=2).reshape(len(poses), -1) / SIGMAS_IN_RADIUS
    filtered = seen_points(
        median_filter(poses, work.settings.windowlength, work.settings.pcutoff), work.settings.pcutoff
    )
    ways = {"as found": seen, "running median": filtered}
    for acceleration in ACCELERATIONS_PX:
        smoothed = smooth(seen.reshape(len(poses), -1), sigma, acceleration).reshape(seen.shape)
        ways[f"smoother, {acceleration:g} px"] = np.where(np.isfinite(seen), smoothed, np.nan)
    for name, places in ways.items():
        apart = trust.views_px(places)
        apart = apart[np.isfinite(apart)]
        jumps = np.linalg.norm(np.diff(places, axis=0), axis=-1)
        median, ninth = np.percentile(apart, [50, 90])
        write(
            f"{name}: median {median:.2f} px, 90 % {ninth:.1f} px, over {FAR_PX:g} px {np.mean(apart > FAR_PX):.1%}; "
        )
        write(f"steps over 20 px {np.mean(jumps[np.isfinite(jumps)] > 20):.1%}\n")


if __name__ == "__main__":
    main()
