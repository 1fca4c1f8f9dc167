"""Hand the labels over to other tools, as a folder of their own.

Reads   myconfig.py, data-<Task>/CollectedData_<scorer>.h5 (from Step 2) and the images it names
Writes  TARGET, a new folder; what exists is never overwritten. For deeplabcut: a project of DeepLabCut 2 and 3, with
        config.yaml and labeled-data/<folder>/ (images, CollectedData_<scorer>.h5 and .csv), which napari-deeplabcut
        opens too. For lightning-pose: CollectedData.csv and labeled-data/<folder>/

    python3 Generating_a_Training_Set/ExportLabels.py ~/dlc/reach --to deeplabcut
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
    parser = cli.make_parser(__doc__, overwrites=False)
    parser.add_argument("target", type=cli.path, metavar="TARGET", help="folder to make; it must not hold anything yet")
    parser.add_argument("--to", choices=("deeplabcut", "lightning-pose"), default="deeplabcut", help="whose form")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write the labels of the scorer whose labels train the network."""
    args = build_parser().parse_args(argv)
    labels.export_labels(args.project, args.target, args.to)


if __name__ == "__main__":
    sys.exit(cli.run(main))
