"""Outlier frames against a truth that is known: a synthetic animal whose parts an occluder hides.

Two views, one above the other, share their x. The detector is no neural network but looks for the colour of each part,
and errs as one does: a hidden part is found elsewhere, on something of a similar colour. It is evaluated on images of
other scenes, labeled with a person's inaccuracy; then each criterion of ExtractOutlierFrames is compared with the truth
in a new video.

    python3 tests/benchmarks/occlusions.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from dlc_toolbox.measure.confidence import fit_calibration, recommended_pcutoff  # noqa: E402
from dlc_toolbox.measure.posture import fit_postures  # noqa: E402
from dlc_toolbox.measure.tracks import Criteria, find_failures  # noqa: E402
from dlc_toolbox.measure.views import fit_planes  # noqa: E402
from dlc_toolbox.poses.outliers import CRITERIA, find_doubtful_poses  # noqa: E402
from dlc_toolbox.poses.trust import Trust  # noqa: E402

write = sys.stdout.write

PARTS = ("nose_top", "neck_top", "back_top", "tail_top", "nose_side", "neck_side", "back_side", "tail_side")
VIEWS = tuple((part, part.replace("top", "side")) for part in PARTS[:4])
COLORS = np.array([[250, 60, 60], [60, 230, 60], [70, 90, 250], [230, 220, 60]] * 2, float)
WIDTH, HEIGHT, HALF = 160, 120, 60
STRIDE, WRONG_PX, VISIBLE = 2, 10, 0.5
LABEL_PX = 1.0  # standard deviation of the labels, along one axis
IMAGES, FRAMES = 120, 1500


def move(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return where the parts are, (frames, 8, 2): a chain of four points that turns and bends, from above and aside."""
    time = np.arange(frames)

    def wave(period: float, low: float, high: float) -> np.ndarray:
        return low + (high - low) * (1 + np.sin(2 * np.pi * (time / period + rng.random()))) / 2

    x, y, z = wave(231, 45, 115), wave(173, 22, 38), wave(97, 26, 34)
    turn, bend = wave(311, -0.5, 0.5), wave(61, -0.4, 0.4)
    points = [np.stack([x, y, z], -1)]
    for link in range(1, 4):
        angle = turn + link * bend
        points.append(points[-1] + 11 * np.stack([np.cos(angle), 0.7 * np.sin(angle), 0.25 * np.sin(bend * link)], -1))
    space = np.stack(points, axis=1)
    return np.concatenate([space[..., [0, 1]], space[..., [0, 2]] + [0, HALF]], axis=1)


def hide(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return where the occluder is, (frames, 4): left, top, width, height; far away in two of three frames."""
    boxes = np.tile([-99.0, -99, 1, 1], (frames, 1))
    begin = 0
    while begin < frames:
        length, view = int(rng.integers(5, 25)), int(rng.integers(2))
        boxes[begin : begin + length] = rng.uniform(20, 120), view * HALF + rng.uniform(8, 30), 22, 26
        begin += length + int(rng.integers(20, 50))
    return boxes


def draw(points: np.ndarray, box: np.ndarray, clutter: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one frame, (HEIGHT, WIDTH, 3)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = clutter.copy()
    for (x, y), color in zip(points, COLORS, strict=True):
        cover = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.5**2))[..., None]
        frame = frame * (1 - cover) + color * cover
    left, top, width, height = box
    frame[(abs(columns - left - width / 2) < width / 2) & (abs(rows - top - height / 2) < height / 2)] = 110
    return np.clip(frame + rng.normal(0, 8, frame.shape), 0, 255)


def clutter_of(rng: np.random.Generator) -> np.ndarray:
    """Return a background with specks of the colours of the parts, most of them paler."""
    seeds = np.full((HEIGHT, WIDTH, 3), 90.0) + gaussian_filter(rng.normal(0, 60, (HEIGHT, WIDTH, 3)), (6, 6, 0)) * 4
    for _ in range(16):
        x, y, color = rng.integers(WIDTH), rng.integers(HEIGHT), COLORS[rng.integers(4)]
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        cover = rng.uniform(0.5, 1) * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.3**2))[..., None]
        seeds = seeds * (1 - cover) + color * cover
    return seeds


def detect(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find each part by its colour in its half: poses (8, 3) and what the maps tell, (8, 4)."""
    smooth = gaussian_filter(frame, (1.5, 1.5, 0))[::STRIDE, ::STRIDE]
    poses, features = np.empty((8, 3)), np.empty((8, 4))
    for part, color in enumerate(COLORS):
        first = HALF // STRIDE * (part >= 4)
        match = np.exp(-np.square((smooth[first : first + HALF // STRIDE] - color) / 70).sum(axis=2))
        row, column = np.unravel_index(match.argmax(), match.shape)
        rows, columns = np.mgrid[: match.shape[0], : match.shape[1]]
        distance = STRIDE * np.hypot(rows - row, columns - column)
        near = np.where(distance <= 2 * STRIDE, match, 0)
        place = STRIDE * np.array([(near * columns).sum(), (near * rows).sum()]) / near.sum()
        others = np.where(distance > 10, match, 0)
        best = match[row, column]
        poses[part] = *(place + [0, STRIDE * first]), best
        features[part] = (
            best,
            others.max(),
            distance.ravel()[others.argmax()],
            STRIDE * np.sqrt((match > best / 2).sum()),
        )
    return poses, features


def film(frames: int, seed: int, *, still: bool) -> tuple[np.ndarray, ...]:
    """Return points, whether they can be seen, poses and features of a film, or of images in scenes of their own."""
    rng = np.random.default_rng(seed)
    points = move(frames * (37 if still else 1), rng)[:: 37 if still else 1]
    boxes, clutter = hide(frames, rng), clutter_of(rng)
    found = []
    for place, box in zip(points, boxes, strict=True):
        found.append(detect(draw(place, box, clutter_of(rng) if still else clutter, rng)))
    poses, features = map(np.stack, zip(*found, strict=True))
    left, top, width, height = (side[:, None] for side in boxes.T)
    inside = (abs(points[..., 0] - left - width / 2) < width / 2) & (
        abs(points[..., 1] - top - height / 2) < height / 2
    )
    return points, ~inside, poses, features


def learn() -> tuple[Trust, float]:
    """Learn from labeled images what an evaluation learns, and a cutoff from which on parts are taken for seen."""
    points, seen, poses, features = film(IMAGES, seed=1, still=True)
    labels = np.where(seen[..., None], points + np.random.default_rng(3).normal(0, LABEL_PX, points.shape), np.nan)
    errors = np.linalg.norm(poses[..., :2] - labels, axis=-1)
    places = np.array([[PARTS.index(part) for part in point] for point in VIEWS])
    planes, _ = fit_planes(labels[:, places])
    postures, calibration = fit_postures(labels, np.random.default_rng(0)), fit_calibration(features, errors, seen)
    assert not isinstance(calibration, str) and not isinstance(postures, str) and planes, "nothing was learned"
    cutoff = np.nanmedian(recommended_pcutoff(poses[..., 2], errors, 5.0))
    inside = errors <= calibration.radius90_px(features)
    write(f"{np.isfinite(errors).sum()} labels, {np.nanmean(errors > WRONG_PX):.1%} of the poses over {WRONG_PX} px, ")
    write(f"cutoff {cutoff:.2f}, {inside[np.isfinite(errors)].mean():.3f} within the radius\n")
    write(f"planes {planes[0].spread_px:.1f} px, postures {postures.dimensions} of 16, {postures.noise_px:.1f} px\n")
    return Trust(PARTS, calibration, VIEWS, tuple(planes), postures, wanted_px=5.0), float(cutoff)


def main() -> None:
    """Print precision and recall of each criterion, by body part and by frame."""
    trust, cutoff = learn()
    points, seen, poses, features = film(FRAMES, seed=2, still=False)
    errors = np.linalg.norm(poses[..., :2] - points, axis=-1)
    bad = (errors > WRONG_PX) | ~seen
    expected = trust.confidence(poses, features)[..., 0]
    radius = trust.confidence(poses, features)[..., 1]
    write(
        f"film: {FRAMES} frames, {(~seen).mean():.1%} of the parts hidden, {(errors > WRONG_PX).mean():.1%} over "
        f"{WRONG_PX} px, {(errors <= radius)[seen].mean():.3f} of the visible within the radius\n"
    )
    failures = find_failures(poses, Criteria(cutoff, jumpthreshold=10, deviationthreshold=5, windowlength=5))
    flags = np.concatenate([failures, find_doubtful_poses(poses, expected, trust, cutoff)], axis=2)
    rows = [(name, flags[..., place]) for place, name in enumerate(CRITERIA)] + [("any of them", flags.any(axis=2))]
    write("| criterion | flagged | precision, recall of parts | of frames |\n|---|---|---|---|\n")
    for name, flagged in rows:
        of_parts, of_frames = ((f & b, f, b) for f, b in ((flagged, bad), (flagged.any(axis=1), bad.any(axis=1))))
        figures = [
            f"{hit.sum() / max(f.sum(), 1):.2f}, {hit.sum() / b.sum():.2f}" for hit, f, b in (of_parts, of_frames)
        ]
        write(f"| {name} | {flagged.sum()} | {' | '.join(figures)} |\n")


if __name__ == "__main__":
    main()
