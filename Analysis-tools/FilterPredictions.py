"""Filter predictions: smooth the poses of videos by a running median, into a new file.

Reads   myconfig_analysis.py (the network; windowlength, pcutoff); the videos of videofolder, or those named in the
        command, and their pose tables, which are left as they are
Writes  beside each video <video>DeepCut_<network>_filtered.h5 (and .csv): the same rows, columns and likelihoods, x and
        y filtered. Only poses with a likelihood of at least pcutoff are filtered, and only they enter a median.

With drawfiltered = True labeled videos and plots show the filtered poses. What is current is skipped.

    python3 Analysis-tools/FilterPredictions.py
    python3 Analysis-tools/FilterPredictions.py day1.avi "folder of videos"
"""

import argparse
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import analysis, cli, poses
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
    """Filter the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_analysis_settings(layout.root)
    videos = analysis.videos_to_analyze(layout, settings, args.videos)

    from deepercut import checkpoints, config  # takes seconds: after all that can fail at once

    network = analysis.find_network(layout, settings, config.load_config, checkpoints.select_snapshot)
    work = partial(poses.filter_poses, network=network, settings=settings, overwrite=args.overwrite)
    for_each_video(videos, work)
    log.info("Next: %s", cli.command(layout, "Analysis-tools/PlotTrajectories.py"))


if __name__ == "__main__":
    sys.exit(cli.run(main))
