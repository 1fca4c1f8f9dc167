"""Track a real mouse: every step from labels to a labeled video, as a user would run them.

Run     make demo  (or: python3 demo/run.py)
Next    edit myconfig.py for videos of your own
"""

import argparse
import runpy
import sys
import time
from collections.abc import Sequence
from pathlib import Path

try:
    import pandas as pd

    from dlc_common import cli
    from dlc_common.cli import CHECKOUT
    from dlc_toolbox import ToolboxError
    from dlc_toolbox.project.experiment import Experiment
    from dlc_toolbox.project.layout import Layout
    from dlc_toolbox.project.settings import load_settings
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

TRAINING = ["--max-iters", "320", "--save-iters", "320", "--display-iters", "20", "--seed", "1"]
"""Short enough for two CPU cores (tests/benchmarks/README.md); a real training takes the values of pose_cfg.yaml."""

INTERRUPTED = "What was finished is saved; the demo goes on from there when it is run again."


def build_parser() -> argparse.ArgumentParser:
    """Make the command line."""
    return argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the steps one after the other; stop at the first that fails."""
    build_parser().parse_args(argv)
    train = train_folder()
    commands = steps(train)
    begin = time.monotonic()
    for number, command in enumerate(commands, start=1):
        print(f"\n[{number}/{len(commands)}] python3 {cli.shell_line(command)}", flush=True)
        if code := run_here(*command):
            return code
    report(train, time.monotonic() - begin)
    return 0


def steps(train: Path) -> list[list[str]]:
    """List the commands, each a script and its flags; a training that was interrupted goes on."""
    resumes = any(train.glob("snapshot-*.weights.h5"))
    training = ["--config", str(train / "pose_cfg.yaml"), *TRAINING, *["--resume"] * resumes]
    return [
        ["pose-tensorflow/models/pretrained/download.py"],
        ["demo/fetch_mouse.py", "--frames", "432"],
        ["Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"],
        ["Generating_a_Training_Set/Step3_CheckLabels.py"],
        ["Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"],
        ["pose-tensorflow/train.py", *training],
        ["Evaluation-tools/Step1_EvaluateModelonDataset.py"],
        ["Evaluation-tools/Step2_AnalysisofResults.py"],
        ["Analysis-tools/AnalyzeVideos.py"],
        ["Analysis-tools/MakingLabeledVideo.py", "--save-frames", "380"],
    ]


def run_here(script: str, *arguments: str) -> int:
    """Run a script as its command would, but in this process, so that TensorFlow starts once; return the exit code."""
    return cli.run(runpy.run_path(str(CHECKOUT / script))["main"], arguments, interrupted=INTERRUPTED)


def report(train: Path, duration_s: float) -> None:
    """Say how good the network is, and where to look."""
    results = Layout(CHECKOUT).results
    error = pd.read_csv(results / "evaluation.csv").iloc[-1]
    print(
        f"\nDone in {duration_s / 60:.1f} minutes. Error on the test images, which the network never "
        f"saw: median {error.test_median_error_px:.1f} px, mean {error.test_mean_error_px:.1f} px. Look at:"
    )
    page = results / f"{train.parent.name}.html"
    for place in (CHECKOUT / "videos" / "test_vid_DeepLabCutlabeled.mp4", page, results):
        print(f"  {place}")


def train_folder() -> Path:
    """Return where Step 4 will put the network of myconfig.py.

    Raises
    ------
    ToolboxError
        When the settings are not the demo's any more.
    """
    settings = load_settings(CHECKOUT)
    if settings.Task != "mouse":
        raise ToolboxError(
            f"{CHECKOUT / 'myconfig.py'} has Task = {settings.Task!r}; the demo needs the settings that came with this "
            "checkout: keep yours in a folder of their own (--project), or run the demo in a fresh clone"
        )
    experiment = Experiment.of(settings, settings.TrainingFraction[0], settings.Shuffles[0])
    return Layout(CHECKOUT).train_folder(experiment)


if __name__ == "__main__":
    sys.exit(cli.run(main))
