"""Take labels over from elsewhere, in the place of Steps 1 and 2.

Reads   myconfig.py, and SOURCE: a project of DeepLabCut 2 or 3 (its folder or its config.yaml), or a label table (csv
        or h5) of DeepLabCut or lightning-pose with the images below its folder. Nothing there is changed; images that
        no table names stay behind.
Writes  data-<Task>/<folder>/: copies of the images, and the labels as Fiji saves them, one csv per body part;
        data-<Task>/CollectedData_<scorer>.h5 and .csv, as Step 2 makes them

Folders that exist already are never overwritten. Body parts and scorer must be those of myconfig.py; if not, the error
says what to write there.

    python3 Generating_a_Training_Set/ImportLabels.py ~/dlc/reach-Ann-2024-05-01
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import labels
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("source", type=cli.path, metavar="SOURCE", help="project, config.yaml or label table to read")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Copy images and labels, and make the label table."""
    args = build_parser().parse_args(argv)
    labels.import_labels(args.project, args.source, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
