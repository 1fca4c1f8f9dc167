"""Make labeled videos: draw what AnalyzeVideos.py found into the videos.

Reads   myconfig_analysis.py (the network; pcutoff, dotsize, alphavalue, colormap, skeleton, trailpoints; the crop,
        which is all that is shown when cropping is on); the videos of videofolder, or those named in the command, and
        their pose tables, with drawfiltered those of FilterPredictions.py
Writes  beside each video <video>_DeepLabCutlabeled.mp4, with as many frames and as fast as the video; with
        --save-frames also <video>_DeepLabCutlabeled/frame<number>.png. No other frames are kept on disk, so v1's
        setting deleteindividualframes has no effect.

The log tells in which share of the frames each body part is seen. What is current is skipped.

    python3 Analysis-tools/MakingLabeledVideo.py
    python3 Analysis-tools/MakingLabeledVideo.py day1.avi --save-frames 0,250,990
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import videos
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, videos=True)
    number = cli.whole_number()
    parser.add_argument(
        "--save-frames",
        type=lambda text: [number(each) for each in text.split(",")],
        default=[],
        metavar="N,N,...",
        help="numbers of frames, counted from 0, to write as png too",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Label the videos with the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    videos.label_videos(args.project, args.videos, saved_frames=args.save_frames, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
