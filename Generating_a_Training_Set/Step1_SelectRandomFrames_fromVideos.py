"""Step 1: pick random frames of the videos, to be labeled in Fiji.

Reads   myconfig.py and the videos that its vidpath and filename name.
Writes  data-<Task>/<video stem>/img<frame number>.png and frames.json, and a picture of the crop,
        data-<Task>/IsCroppingOK.png. With numframes2pick = 0 it makes only this picture: look at it first.

A folder that holds labels gets no new image, because clicks are numbered by the images' positions: later frames of
the same video go to data-<Task>/<video stem>_2 and so on.

    python3 Step1_SelectRandomFrames_fromVideos.py
"""

import argparse
import logging
import sys
from collections.abc import Sequence

try:
    from dlc_toolbox import cli, frames
    from dlc_toolbox.preview import write_crop_preview
    from dlc_toolbox.settings import load_settings
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--seed", type=cli.natural_number, metavar="N", help="instead of the seed in myconfig.py")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the crop, then pick frames of each video."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)
    videos = frames.videos_to_pick_from(layout, settings)
    preview = layout.crop_preview(settings.Task)
    window = (settings.x1, settings.x2, settings.y1, settings.y2)
    write_crop_preview(videos, window, settings.cropping, preview)
    log.info("The crop is drawn in %s", preview)
    if settings.numframes2pick == 0:
        log.info("Next: when the crop is right, set numframes2pick in myconfig.py and run this step again")
        return
    seed = settings.seed if args.seed is None else args.seed
    wanted = frames.Wanted(settings.numframes2pick, settings.portion, seed, settings.crop)
    for video in videos:
        frames.pick_frames(video, layout.data_folder(settings.Task), wanted, overwrite=args.overwrite)
    step2 = cli.command(layout, "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py")
    log.info("Next: label the images in Fiji, save the csv files beside them, then: %s", step2)


if __name__ == "__main__":
    sys.exit(cli.run(main))
