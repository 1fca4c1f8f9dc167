"""Plot trajectories: where each body part was when, and how far the poses can be trusted.

Reads   myconfig_analysis.py (the network; pcutoff, jumpthreshold, colormap); the videos of videofolder, or those named
        in the command, and their pose tables, with drawfiltered those of FilterPredictions.py
Writes  beside each video a folder <video>DeepCut_<network>_trajectories with x_y_likelihood.png (against time),
        paths.png (over a frame of the video), steps.png (a histogram) and summary_per_part.csv: share of frames with
        likelihood >= pcutoff, jumps (steps longer than jumpthreshold), median step, longest gap

The summary goes to the log too. What is current is skipped.

    python3 Analysis-tools/PlotTrajectories.py
    python3 Analysis-tools/PlotTrajectories.py day1.avi "folder of videos"
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import videos
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    return cli.make_parser(__doc__, videos="videofolder")


def main(argv: Sequence[str] | None = None) -> None:
    """Plot the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    videos.plot_trajectories(args.project, args.videos, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
