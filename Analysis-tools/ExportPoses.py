"""Export poses: hand what AnalyzeVideos.py found over to other programs.

Reads   myconfig_analysis.py (the network; skeleton); the videos of videofolder, or those named in the command, and
        their pose tables, with drawfiltered or --filtered those of FilterPredictions.py; for nwb also nwb.yaml
Writes  beside each video, or into the folder of --into, in the formats of --to:
        csv         <video>DeepCut_<network>_seconds.csv: one row a frame with its time, for any program; the default
        movement    <same name>.nc, a data set of movement, which xarray opens
        sleap       <same name>.analysis.h5, as SLEAP exports it
        nwb         <same name>.nwb with ndx-pose; needs pip install -e ".[nwb]"
        deeplabcut  deeplabcut-poses/<video>DLC_<network>.h5 and _meta.pickle, as DeepLabCut 2 looks for them
        and a json beside each file. csv, movement and nwb also tell how far off each pose may be, where that is known.

Times are those of the recording. Where nothing tells how fast it was recorded, none are made up. What is current is
skipped.

    python3 Analysis-tools/ExportPoses.py
    python3 Analysis-tools/ExportPoses.py day1.avi "folder of videos" --to csv,nwb
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.exchange.writers.formats import FORMATS
    from dlc_toolbox.steps import videos
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, videos="videofolder")
    forms = cli.choices(*FORMATS)
    parser.add_argument("--to", type=forms, default=["csv"], metavar="FORMAT,...", help=f"of {', '.join(FORMATS)}")
    parser.add_argument(
        "--into", type=cli.path, metavar="DIR", help="folder for the files, instead of beside the videos"
    )
    parser.add_argument("--filtered", action="store_true", help="the filtered poses, whatever drawfiltered says")
    parser.add_argument("--lab", type=cli.path, metavar="FILE", help="yaml for nwb, instead of nwb.yaml in the project")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write the poses by the network that the settings name."""
    args = build_parser().parse_args(argv)
    target = {"formats": args.to, "into": args.into, "lab_file": args.lab}
    videos.export_poses(args.project, args.videos, **target, filtered=args.filtered, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
