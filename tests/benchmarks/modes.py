"""Compare the modes in which a trained network can find poses: what each costs in pixels, and in CPU-seconds.

Poses are compared on the project's test images, as `engine = 'fast'` does it; as a control, with those of the same
network in the same images, moved by some pixels. CPU-seconds are those of AnalyzeVideos.py
as a whole, from its start to the table, on a video of the size wanted: that of the project in the middle, black around
it or cut; those of a video of 8 frames tell what of them is the start. Modes take turns, one process each; models that
have to be prepared once for a snapshot are prepared before. With `--peer`, DeepLabCut 2.3.11 takes its turn, by the
network that `peer/run.py` trained in FOLDER.

    python3 tests/benchmarks/modes.py [--project DIR] [--frames 100] [--modes openvino openvino-int8@0.8]
        [--peer PEER/bin/python FOLDER]
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from peer.run import Peer

from deepercut.inference.engines import choose_engine, faster_engines
from deepercut.inference.predict import load_predictor
from deepercut.weights.snapshots import Snapshot
from dlc_common import UsersError
from dlc_common.cli import CHECKOUT
from dlc_common.promise import MEANINGFUL
from dlc_toolbox.evaluation.modes import SCALES, Mode, find_labeled, measure
from dlc_toolbox.poses.network import Predict
from dlc_toolbox.steps.videos import Work, find_work
from dlc_toolbox.video.video import Video, writing_video

SHORT = 8  # frames, of which one batch consists
SHIFTS = (1, 4, 16)  # px; the network's features have a stride of 16


def mode_of(text: str) -> Mode:
    """Read a mode such as openvino-int8@0.8."""
    engine, _, scale = text.partition("@")
    return Mode(engine, float(scale or 1))


def write_accuracy(work: Work) -> None:
    """Print what every engine, at every size, changes in the poses of the test images."""
    experiment = work.layout.locate(work.settings, work.settings.trainingsFraction, work.settings.shuffle)
    labeled = find_labeled(work.layout, experiment, work.network.bodyparts)
    snapshot = Snapshot(work.network.snapshot.iteration, work.network.snapshot.path)
    write, predictors = sys.stdout.write, {}
    for engine in [choose_engine(), *faster_engines()]:
        try:
            predictors[engine] = load_predictor(work.network.config_path, snapshot, engine)
        except UsersError as error:
            write(f"{error}\n")
    engines, count = list(predictors), np.isfinite(labeled.labels[..., 0]).sum()
    float32 = engines[0]
    predictors |= {f"{float32}, moved by {pixels} px": moved(predictors[float32], pixels) for pixels in SHIFTS}
    write(f"{work.network.scorer}: {len(labeled.images)} test images with {count} labels; differences from float32 on ")
    write(f"whole images where its likelihood is at least {MEANINGFUL}\n")
    write("mode  CPU-s per image  of float32  median difference  mean error, chance, median error  keeps the promise\n")
    figures = measure(labeled, predictors, scaled_engines=engines, to_the_end=True)
    for each in sorted(figures, key=lambda each: (list(predictors).index(each.mode.engine), -each.mode.scale)):
        write(f"{each.mode!s:36} {each.seconds:.3f}  {each.seconds / figures[0].seconds:.2f}  ")
        write(f"{each.difference_px:.3f} px  {each.error_px:.3f} +- {each.chance_px:.3f} px, {each.median_px:.3f} px  ")
        write(f"{each.keeps_promise}\n")


def moved(predict: Predict, pixels: int) -> Predict:
    """Return a network that sees frames moved to the right and down, which takes nothing from them."""

    def predict_moved(frames: np.ndarray) -> np.ndarray:
        margin = (pixels, 0)
        return predict(np.pad(frames, ((0, 0), margin, margin, (0, 0)), mode="edge")) - np.array([pixels, pixels, 0])

    return predict_moved


def padded(video: Video, width: int, height: int) -> Iterator[np.ndarray]:
    """Yield the frames of a video in the middle of a canvas, again and again."""
    while True:
        for frame in video:
            if frame is None:
                continue
            canvas = np.zeros((height, width, 3), np.uint8)
            rows, columns = min(height, frame.shape[0]), min(width, frame.shape[1])
            y, x = (height - rows) // 2, (width - columns) // 2
            canvas[y : y + rows, x : x + columns] = frame[:rows, :columns]
            yield canvas


def analyze(project: Path, work: Work, mode: Mode, video: Path) -> float:
    """Analyze a video by the script, and return its CPU-seconds."""
    text = (work.layout.root / "myconfig_analysis.py").read_text(encoding="utf-8")
    changed = f"\nengine = {mode.engine!r}\nanalysisscale = {mode.scale}\ncropping = False\nmovingwindow = False\n"
    (project / "myconfig_analysis.py").write_text(text + changed, encoding="utf-8")
    script = CHECKOUT / "Analysis-tools" / "AnalyzeVideos.py"
    command = [sys.executable, script, video, "--project", project, "--overwrite"]
    begun = os.times()
    subprocess.run(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    ended = os.times()
    return ended.children_user + ended.children_system - begun.children_user - begun.children_system


def analyze_elsewhere(peer: Peer, video: Path) -> float:
    """Analyze a video by DeepLabCut 2.3.11, anew, and return its CPU-seconds."""
    for table in video.parent.glob(f"{video.stem}DLC_*"):
        table.unlink()
    return peer.analyze(seed=1, video=video, batch_size=SHORT)[1]


def main() -> None:
    """Print one line per mode, twice: for accuracy and for speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=CHECKOUT)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--size", default="640x480")
    default = [Mode(engine, scale) for engine in [choose_engine(), *faster_engines()] for scale in SCALES]
    parser.add_argument("--modes", nargs="*", type=mode_of, default=default, metavar="ENGINE[@SCALE]")
    parser.add_argument("--no-accuracy", action="store_true")
    parser.add_argument("--peer", type=Path, nargs=2, metavar=("PYTHON", "FOLDER"))
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    work = find_work(args.project, needs_pcutoff=False)
    if not args.no_accuracy:
        write_accuracy(work)
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        project, video, short = (Path(folder) / name for name in ("project", "video.mp4", "short.mp4"))
        project.mkdir()
        for name in ("pose-tensorflow", "Generating_a_Training_Set", "myconfig.py"):
            (project / name).symlink_to(args.project.resolve() / name)
        for path, count in ((short, SHORT), (video, args.frames)):
            with writing_video(path, width, height, Fraction(30)) as write:
                for frame in islice(padded(Video(work.videos[0]), width, height), count):
                    write(frame)
        sys.stdout.write(f"{args.frames} frames of {width}x{height}, the whole script\n")
        sys.stdout.write("mode  start CPU-s, CPU-s per frame, of the first; start included: per frame, of the first\n")
        first: list[float] = []
        turns: dict[str, Callable[[Path], float]] = {
            str(mode): partial(analyze, project, work, mode) for mode in args.modes
        }
        if args.peer:
            python, trained = args.peer
            turns["DeepLabCut 2.3.11"] = partial(analyze_elsewhere, Peer(python, trained.resolve(), work.layout))
        for name, cpu_seconds in turns.items():
            least, all_of_it = cpu_seconds(short), cpu_seconds(video)
            frame = (all_of_it - least) / (args.frames - SHORT)
            whole = all_of_it / args.frames
            first = first or [frame, whole]
            sys.stdout.write(f"{name:32} {least - SHORT * frame:5.1f}  {frame:.3f}  {frame / first[0]:.2f};  ")
            sys.stdout.write(f"{whole:.3f}  {whole / first[1]:.2f}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
