"""Take labels over from elsewhere, in the place of Steps 1 and 2.

Reads   myconfig.py, and SOURCE, whose kind is told by what it holds, and said in the first line: a project of
        DeepLabCut 2 or 3 (its folder or config.yaml); a label table (csv, h5) of DeepLabCut or lightning-pose; a
        project of SLEAP (.slp, .pkg.slp); keypoints in the json of COCO; an export of CVAT (for images or for video,
        1.1) or of Label Studio (JSON); an NWB file with training data; machine labels, or poses of a video. Nothing
        there changes.
Writes  data-<Task>/<folder>/: copies of the images, and the labels as Fiji saves them, one csv per body part;
        data-<Task>/CollectedData_<scorer>.h5 and .csv, as Step 2 makes them; what a network found, as machine labels.
        Of DeepLabCut also its splits, and in a project without images its settings; the old files stay beside

What cannot be used is left out and named. Labels that were corrected there are imported again; what was changed here
since stays. Body parts and scorer must be those of myconfig.py; if not, the error says what to write there.

    python3 Generating_a_Training_Set/ImportLabels.py ~/dlc/reach-Ann-2024-05-01 --dry-run
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import labels
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("source", type=cli.path, metavar="SOURCE", help="project, folder or file to read")
    parser.add_argument("--dry-run", action="store_true", help="only say what would come")
    parser.add_argument("--images", type=cli.path, metavar="DIR", help="folder of the images or videos, if not there")
    parser.add_argument("--zero", choices=("centre", "corner"), help="of the first pixel, where x and y are 0 there")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Copy images and labels, and make the label table."""
    args = build_parser().parse_args(argv)
    labels.import_labels(
        args.project,
        args.source,
        images=args.images,
        zero=args.zero,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
