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
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import analysis, cli, trajectories
    from dlc_toolbox.settings import load_analysis_settings
    from dlc_toolbox.video import for_each_video
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    return cli.make_parser(__doc__, videos=True)


def main(argv=None):
    """Plot the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_analysis_settings(layout.root)
    videos = analysis.videos_to_analyze(layout, settings, args.videos)

    from deepercut import checkpoints, config  # takes seconds: after all that can fail at once

    network = analysis.find_network(layout, settings, config.load_config, checkpoints.select_snapshot)
    work = partial(trajectories.plot_trajectories, network=network, settings=settings, overwrite=args.overwrite)
    for_each_video(videos, work)
    log.info("Next, where the network fails: %s", cli.command(layout, "Analysis-tools/ExtractOutlierFrames.py"))


if __name__ == "__main__":
    sys.exit(cli.run(main))
