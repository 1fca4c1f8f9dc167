"""Measure what the moving window costs in accuracy and saves in arithmetic.

The animal of a video, by default that of the demo, is drawn small into a large frame through which it wanders, so that
what the network finds in whole frames tells what the window must find. With --scale 0 the video is taken as it is.

    python3 tests/benchmarks/moving_window.py [--project DIR] [--frames 64] [--size 1088x816] [--scale 0.8]
"""

import argparse
import sys
from itertools import islice
from pathlib import Path
from time import process_time

import cv2
import numpy as np

from deepercut.inference import predict
from dlc_common.cli import CHECKOUT
from dlc_toolbox.analysis.window import MovingWindow, WindowRule
from dlc_toolbox.steps.videos import find_work
from dlc_toolbox.video.video import Video

BATCH = 4
SOFT_EDGE = 12  # px


def wander(frames: np.ndarray, width: int, height: int, scale: float) -> np.ndarray:
    """Draw frames small into a softly structured, noisy scene, at places that move 5 to 10 px per frame."""
    rng = np.random.default_rng(0)
    scene = rng.integers(95, 135, (height // 24, width // 24, 3), dtype=np.uint8)
    scene = cv2.GaussianBlur(cv2.resize(scene, (width, height), interpolation=cv2.INTER_CUBIC), (0, 0), 5)
    scene = (scene + rng.normal(0, 4, scene.shape)).clip(0, 255)
    small_height, small_width = (round(scale * size) for size in frames.shape[1:3])
    rows, columns = np.mgrid[:small_height, :small_width]
    edge = np.minimum.reduce([rows, columns, small_height - 1 - rows, small_width - 1 - columns])
    weight = np.clip(edge / SOFT_EDGE, 0, 1)[..., None]
    pictures = np.repeat(scene[None].astype(np.uint8), len(frames), axis=0)
    for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
        x = int((width - small_width) * (0.5 + 0.4 * np.sin(0.04 * number + 1)))
        y = int((height - small_height) * (0.5 + 0.4 * np.sin(0.03 * number)))
        part = picture[y : y + small_height, x : x + small_width]
        small = cv2.resize(frame, (small_width, small_height), interpolation=cv2.INTER_AREA)
        part[:] = weight * small + (1 - weight) * part
    return pictures


def track(predictor: object, frames: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the poses in all frames and the CPU seconds per frame."""
    begun = process_time()
    poses = np.concatenate([predictor(frames[start : start + BATCH]) for start in range(0, len(frames), BATCH)])
    return poses, (process_time() - begun) / len(frames)


def main() -> None:
    """Print one line per margin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=CHECKOUT)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", default="1088x816")
    parser.add_argument("--scale", type=float, default=0.8)
    parser.add_argument("--margins", type=float, nargs="+", default=[60, 80])
    args = parser.parse_args()
    work = find_work(args.project)
    network, settings = work.network, work.settings
    find = predict.load_predictor(network.config_path, network.snapshot)
    video = Video(work.videos[0], settings.crop)
    frames = np.stack([frame for frame in islice(video, args.frames) if frame is not None])
    animal = 1.0
    if args.scale:
        width, height = map(int, args.size.split("x"))
        animal = args.scale**2 * frames[0, ..., 0].size / (width * height)
        frames = wander(frames, width, height, args.scale)
    find(frames[:BATCH]), find(frames[:1])
    whole, whole_s = track(find, frames)
    seen = whole[..., 2] >= settings.pcutoff
    write = sys.stdout.write
    write(f"{len(frames)} frames of {video.path.name}, {frames.shape[2]}x{frames.shape[1]}; the animal's picture is ")
    write(f"{animal:.0%} of the frame; whole frames: {whole_s:.2f} CPU-s, {seen.mean():.1%} >= {settings.pcutoff:g}\n")
    write("margin  pixels  CPU-s  difference in px: median, 95 %  share >= pcutoff\n")
    for margin in args.margins:
        window = MovingWindow(find, WindowRule(settings.pcutoff, margin))
        poses, seconds = track(window, frames)
        difference = np.linalg.norm(poses[..., :2] - whole[..., :2], axis=-1)[seen]
        median, most = np.percentile(difference, (50, 95))
        write(f"{margin:6g}  {window.analyzed_share:6.2f}  {seconds / whole_s:5.2f}  {median:24.3f}, {most:4.2f}  ")
        write(f"{(poses[..., 2] >= settings.pcutoff).mean():16.1%}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
