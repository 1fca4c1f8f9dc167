"""Measure what a choice of frames is worth in a video: 20 frames by k-means against 20 at random, labeled by a network.

Of no video at hand has a person labeled every frame, from which both could choose. So the demo's network, or a better
one of the same body parts, labels what is chosen: places that it is sure about, others count as not visible. Its labels
in frames at even distances, which nobody chose, are the truth, so an error is the distance from that network, not from
a person. The demo must have run; the networks go to a temporary folder.

    python3 tests/benchmarks/frame_choice_video.py [--count 20] [--iterations 120] [--seeds 1 2 3] [--snapshot PATH]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from frame_choice import entries_of, find_experiment, train

from deepercut.backend import start_backend
from deepercut.inference.predict import load_predictor
from deepercut.weights.snapshots import list_snapshots
from dlc_common.cli import CHECKOUT
from dlc_toolbox.evaluation.evaluation import predict_images
from dlc_toolbox.frames.wanted import Wanted, choose_frames, look_for_frames
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.video.sequences import open_frames

SURE, VERY_SURE = 0.6, 0.9
"""Likelihoods from which on a place is a label, and a truth."""


def write_frames(video: Path, folder: Path) -> list[Path]:
    """Write all frames of a video as images."""
    paths = []
    for number, frame in enumerate(open_frames(video)):
        paths.append(folder / f"{number:06d}.png")
        iio.imwrite(paths[-1], frame, compress_level=1)
    return paths


def places(poses: np.ndarray, likelihood: float) -> np.ndarray:
    """Return x and y of poses (N, K, 3) that are at least so likely; NaN for others."""
    return np.where(poses[..., 2:] >= likelihood, poses[..., :2], np.nan)


def main() -> None:
    """Print a line for each training, and at the end how the pairs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="frames to choose")
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--test", type=int, default=60, help="frames to measure on")
    parser.add_argument(
        "--snapshot", type=Path, help="of the network that labels, without .weights.h5; default: the demo's"
    )
    parser.add_argument("--project", type=Path, default=CHECKOUT, help="where the demo has run")
    args = parser.parse_args()
    start_backend()
    layout = Layout(args.project.resolve())
    train_folder = layout.train_folder(find_experiment(layout))
    config_path = (args.snapshot.parent if args.snapshot else train_folder) / "pose_cfg.yaml"
    found = list_snapshots(config_path.parent)
    teacher = next((one for one in found if one.path == args.snapshot), found[-1])
    video = layout.root / "videos" / "test_vid.mp4"
    with tempfile.TemporaryDirectory() as name:
        paths = write_frames(video, Path(name))
        test = set(np.linspace(0, len(paths) - 1, args.test).astype(int).tolist())
        truth, _ = predict_images([paths[frame] for frame in sorted(test)], load_predictor(config_path, teacher))
        sys.stdout.write(f"{np.isfinite(places(truth, VERY_SURE)[..., 0]).mean():.0%} of the places are sure\n")
        sys.stdout.write("seed  choice  labels  error: median px, mean px\n")
        means: dict[str, list[float]] = {"random": [], "kmeans": []}
        for seed in args.seeds:
            for choice in means:
                wanted = Wanted(args.count, 1, seed, framechoice=choice)
                chosen = (
                    choose_frames(len(paths), wanted, test)
                    if choice == "random"
                    else look_for_frames(open_frames(video), wanted, test)[0]
                )
                images = [paths[frame] for frame in chosen]
                labels = places(predict_images(images, load_predictor(config_path, teacher))[0], SURE)
                with tempfile.TemporaryDirectory() as folder:
                    entries = entries_of(images, labels)
                    path = train(train_folder, Path(folder), entries, args.iterations, seed)
                    student = load_predictor(path, list_snapshots(path.parent)[-1])
                    poses, _ = predict_images([paths[frame] for frame in sorted(test)], student)
                errors = euclidean_errors(places(truth, VERY_SURE), poses)
                means[choice].append(float(np.nanmean(errors)))
                count = np.isfinite(labels[..., 0]).sum()
                sys.stdout.write(
                    f"{seed:4}  {choice}  {count:6}  {np.nanmedian(errors):.2f}, {means[choice][-1]:.2f}\n"
                )
                sys.stdout.flush()
    gain = np.array(means["kmeans"]) - np.array(means["random"])
    sys.stdout.write(f"mean error, kmeans less random: {gain.mean():+.2f} px, each {np.round(gain, 2).tolist()}\n")


if __name__ == "__main__":
    main()
