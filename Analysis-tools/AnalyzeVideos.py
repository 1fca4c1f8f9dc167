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
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import analysis, cli, scaleout
    from dlc_toolbox.settings import load_analysis_settings
    from dlc_toolbox.video import for_each_video
    from dlc_toolbox.window import WindowRule
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, videos=True)
    parser.add_argument("--workers", type=cli.natural_number, default=0, metavar="N", help="work in N processes (Dask)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, such as tcp://10.0.0.1:8786")
    return parser


def main(argv=None):
    """Analyze the videos with the network that the settings name."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_analysis_settings(layout.root)
    videos = analysis.videos_to_analyze(layout, settings, args.videos)

    from deepercut import checkpoints, config, engines, predict  # takes seconds: after all that can fail at once

    device = engines.device_name(settings.engine)
    log.info("Device: %s", device)
    network = analysis.find_network(layout, settings, config.load_config, checkpoints.select_snapshot)
    log.info("Network: %s", network.scorer)
    make_predict = partial(predict.load_predictor, network.config_path, network.snapshot, settings.engine)
    analyze = partial(
        analysis.analyze_video,
        network=network,
        crop=settings.crop,
        window=WindowRule(settings.pcutoff, settings.windowmargin) if settings.movingwindow else None,
        batch_pixels=engines.batch_pixels(settings.engine),
        csv=settings.storedata_as_csv,
        overwrite=args.overwrite,
        device=device,
    )
    if args.scheduler or args.workers:
        with scaleout.open_cluster(args.scheduler, args.workers) as client:
            scaleout.analyze_videos(videos, partial(analyze, predict=make_predict), client)
    else:
        for_each_video(videos, partial(analyze, predict=make_predict()))
    log.info("Next: %s", cli.command(layout, "Analysis-tools/MakingLabeledVideo.py"))


if __name__ == "__main__":
    sys.exit(cli.run(main))
