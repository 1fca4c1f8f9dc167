"""Analyze videos: let a trained network find the body parts in every frame.

Reads   myconfig_analysis.py, which alone names the network; its snapshot in pose-tensorflow/models/; the videos of
        videofolder, or those named in the command; a TIFF file or a folder of images counts as a video
Writes  beside each video <video>DeepCut_<network>.h5 (and .csv): x, y in pixels of the full frame and likelihood,
        one row per frame; and <same name>_meta.json: frame rate, numbers of frames, lost frames, times, network

An interrupted analysis goes on where it stopped. What is current is skipped.

    python3 Analysis-tools/AnalyzeVideos.py
    python3 Analysis-tools/AnalyzeVideos.py day1.avi "folder of videos" --workers 4
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
    parser = cli.make_parser(__doc__, videos="videofolder")
    parser.add_argument("--workers", type=cli.whole_number(), default=0, metavar="N", help="work in N processes (Dask)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, such as tcp://10.0.0.1:8786")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Analyze the videos with the network that the settings name."""
    args = build_parser().parse_args(argv)
    parallel = {"workers": args.workers, "scheduler": args.scheduler}
    videos.analyze_videos(args.project, args.videos, **parallel, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
