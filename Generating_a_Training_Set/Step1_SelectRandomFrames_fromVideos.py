"""Step 1: pick frames of the videos, to be labeled: random ones, or those that differ (framechoice in myconfig.py).

Reads   myconfig.py and the videos that its vidpath and filename name.
Writes  data-<Task>/<video stem>/img<frame number>.png and frames.json, and a picture of the crop,
        data-<Task>/IsCroppingOK.png. With numframes2pick = 0 it makes only this picture: look at it first.
        Unless frames are picked at random, also a page that shows them all, data-<Task>/<video stem>_chosen.png.

A folder that holds labels gets no new image, because clicks are numbered by the images' positions: later frames of
the same video go to data-<Task>/<video stem>_2 and so on.

    python3 Step1_SelectRandomFrames_fromVideos.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import frames
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--seed", type=cli.whole_number(), metavar="N", help="instead of the seed in myconfig.py")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the crop, then pick frames of each video."""
    args = build_parser().parse_args(argv)
    frames.pick_frames(args.project, seed=args.seed, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
