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
    """Filter the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    videos.filter_predictions(args.project, args.videos, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
