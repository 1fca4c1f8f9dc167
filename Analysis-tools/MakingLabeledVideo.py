"""Make labeled videos: draw what AnalyzeVideos.py found into the videos.

Reads   myconfig_analysis.py (the network; pcutoff, dotsize, alphavalue, colormap, skeleton, trailpoints, slowmotion;
        the crop, which is all that is shown when cropping is on); the videos of videofolder, or those named in the
        command, and their pose tables, with drawfiltered those of FilterPredictions.py
Writes  beside each video <video>_DeepLabCutlabeled.mp4, with as many frames and as fast as the video; with
        --save-frames also <video>_DeepLabCutlabeled/frame<number>.png; with --clip, --speed, --beside, --gif or
        slowmotion also a clip of it, such as <video>_1-2.5s_speed0.1_DeepLabCutlabeled.mp4 (and .gif)

The log tells in which share of the frames each body part is seen. What is current is skipped. No other frames are kept
on disk, so v1's setting deleteindividualframes has no effect.

    python3 Analysis-tools/MakingLabeledVideo.py
    python3 Analysis-tools/MakingLabeledVideo.py day1.avi --save-frames 0,250,990
    python3 Analysis-tools/MakingLabeledVideo.py day1.avi --clip 1 2.5 --speed 0.1 --gif
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
    number = cli.whole_number()
    parser.add_argument(
        "--save-frames",
        type=lambda text: [number(each) for each in text.split(",")],
        default=[],
        metavar="N,N,...",
        help="numbers of frames, counted from 0, to write as png too",
    )
    parser.add_argument(
        "--clip", nargs=2, type=cli.number, metavar=("FROM", "TO"), help="seconds of the video to make a clip of"
    )
    parser.add_argument("--speed", type=cli.number, metavar="S", help="of the clip: 0.1 is ten times as slow")
    parser.add_argument("--beside", action="store_true", help="in the clip, show the original beside the labeled video")
    parser.add_argument("--gif", action="store_true", help="write the clip as a GIF too")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Label the videos with the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    videos.label_videos(
        args.project,
        args.videos,
        saved_frames=args.save_frames,
        span_s=args.clip,
        speed=args.speed,
        beside=args.beside,
        gif=args.gif,
        overwrite=args.overwrite,
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
