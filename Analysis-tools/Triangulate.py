"""Triangulate: find the body parts in space, from the poses of several cameras.

Reads   myconfig_analysis.py (cameras, cameraoffsets, commontrigger, the network, pcutoff, skeleton, drawfiltered); the
        videos of videofolder, or those named in the command, with their pose tables; calibration.toml in
        calibrationfolder
Writes  beside the videos of the first camera <name>_3d.h5 (and .csv): of each body part x, y, z and their standard
        deviation in the unit of the calibration, the reprojection error in pixels, the number of views that count, and
        whether they contradict each other; <name>_3d.html, a page on which the points can be turned; with --clip also
        a clip, <name>_3d_<from>-<to>s_DeepLabCutlabeled.mp4

Videos belong together when the stars of the patterns in cameras stand for the same text. What is current is skipped.

    python3 Analysis-tools/Triangulate.py
    python3 Analysis-tools/Triangulate.py "folder of videos" --calibration rig/calibration.toml --clip 0 5
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import cameras
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, videos="videofolder")
    parser.add_argument("--calibration", type=cli.path, metavar="FILE", help="instead of that in calibrationfolder")
    parser.add_argument("--clip", nargs=2, type=cli.number, metavar=("FROM", "TO"), help="seconds to make a clip of")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Triangulate the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    cameras.triangulate_videos(
        args.project, args.videos, calibration=args.calibration, span_s=args.clip, overwrite=args.overwrite
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
