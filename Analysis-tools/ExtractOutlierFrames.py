"""Extract outlier frames: frames of videos in which the network fails, to be labeled and trained on.

Reads   myconfig_analysis.py (the network; numoutlierframes, pcutoff, jumpthreshold, deviationthreshold, windowlength);
        myconfig.py (Task, bodyparts, Scorers, seed, and the crop of the images); the videos of videofolder, or those
        named in the command, and their pose tables
Writes  a new folder data-<Task>/<video> (or <video>_2 and so on) with img<frame number>.png, frames.json and
        machine-labels/: what the network found, as one csv per body part (Step 2 does not read them there), and
        pictures. Folders that exist stay as they are, and their frames are not extracted again.

A body part fails in a frame where its likelihood is below pcutoff, where it jumps, or where it is far off its
median-filtered track. Frames with many and rare failures come first, never two neighbours.

    python3 Analysis-tools/ExtractOutlierFrames.py
    python3 Analysis-tools/ExtractOutlierFrames.py day1.avi "folder of videos"
"""

import argparse
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import analysis, cli, outliers
    from dlc_toolbox.settings import load_analysis_settings, load_settings
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
    """Extract frames in which the network of the settings fails."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings, labeling = load_analysis_settings(layout.root), load_settings(layout.root)
    videos = analysis.videos_to_analyze(layout, settings, args.videos)

    from deepercut import checkpoints, config  # takes seconds: after all that can fail at once

    network = analysis.find_network(layout, settings, config.load_config, checkpoints.select_snapshot)
    outliers.check_labeling(labeling, settings, network)
    extract = partial(
        outliers.extract_outliers,
        network=network,
        settings=settings,
        labeling=labeling,
        data_folder=layout.data_folder(labeling.Task),
        overwrite=args.overwrite,
    )
    for_each_video(videos, extract)
    step2 = cli.command(layout, "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py")
    log.info("Next, when the new frames are labeled: %s", step2)


if __name__ == "__main__":
    sys.exit(cli.run(main))
