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
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import analysis, cli, labeled_video
    from dlc_toolbox.marks import marks_of
    from dlc_toolbox.poses import drawn_filter
    from dlc_toolbox.settings import load_analysis_settings
    from dlc_toolbox.video import for_each_video
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, videos=True)
    parser.add_argument(
        "--save-frames",
        type=lambda text: [cli.natural_number(number) for number in text.split(",")],
        default=[],
        metavar="N,N,...",
        help="numbers of frames, counted from 0, to write as png too",
    )
    return parser


def main(argv=None):
    """Label the videos with the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_analysis_settings(layout.root)
    videos = analysis.videos_to_analyze(layout, settings, args.videos)

    from deepercut import checkpoints, config  # takes seconds: after all that can fail at once

    network = analysis.find_network(layout, settings, config.load_config, checkpoints.select_snapshot)
    label = partial(
        labeled_video.label_video,
        network=network,
        marks=marks_of(settings, network.bodyparts),
        crop=settings.crop,
        filtered=drawn_filter(settings),
        saved_frames=args.save_frames,
        overwrite=args.overwrite,
    )
    for_each_video(videos, label)
    log.info("Done: look at the labeled videos beside the videos")


if __name__ == "__main__":
    sys.exit(cli.run(main))
