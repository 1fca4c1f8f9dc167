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
    """Extract frames in which the network of the settings fails."""
    args = build_parser().parse_args(argv)
    videos.extract_outliers(args.project, args.videos, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
