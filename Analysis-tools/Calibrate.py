"""Calibrate several cameras: find their lenses, and where they stand, from videos of a board.

Reads   myconfig_analysis.py (cameras, cameraoffsets, commontrigger, calibrationboard); the videos in
        calibrationfolder, or those named in the command, on which all cameras see a ChArUco board or a chessboard that
        is moved about
Writes  beside these videos calibration.toml (as Anipose has it), calibration.png (where the board was seen, how far
        off, and where the cameras stand), calibration_meta.json (how exact all is)

The log tells the reprojection error of each camera. What is current is skipped.

    python3 Analysis-tools/Calibrate.py
    python3 Analysis-tools/Calibrate.py boards --squares 7 5 --square 25 --marker 18 --dictionary 4X4_50
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
    parser = cli.make_parser(__doc__, videos="calibrationfolder")
    board = parser.add_argument_group("the board, instead of calibrationboard")
    board.add_argument(
        "--squares",
        nargs=2,
        type=cli.whole_number(3),
        default=(None, None),
        metavar=("COLUMNS", "ROWS"),
        help="its squares",
    )
    board.add_argument("--square", type=cli.number, metavar="L", help="side of a square, in the unit of the results")
    board.add_argument("--marker", type=cli.number, metavar="L", help="side of a marker (ChArUco), in the same unit")
    board.add_argument("--dictionary", metavar="NAME", help="OpenCV's set of markers, such as 4X4_50 (ChArUco)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Calibrate the cameras that the settings name."""
    args = build_parser().parse_args(argv)
    columns, rows = args.squares
    board = {"columns": columns, "rows": rows, "squarelength": args.square}
    board |= {"markerlength": args.marker, "dictionary": args.dictionary}
    cameras.calibrate_cameras(args.project, args.videos, board=board, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
