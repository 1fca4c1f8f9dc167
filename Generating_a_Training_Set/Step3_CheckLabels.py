"""Step 3: draw the labels into their images, to check them by eye.

Reads   myconfig.py, and the label tables of all Scorers in Generating_a_Training_Set/data-<Task>/ (from Step 2)
Writes  data-<Task>/<video folder>labeled/: a picture of every labeled image, one marker shape per scorer and one colour
        per body part, and contact_sheet.png with all of them and the legend; data-<Task>/CheckLabels.html, a page of
        all pictures with the counts of labels

    python3 Generating_a_Training_Set/Step3_CheckLabels.py
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
    return cli.make_parser(__doc__)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the labels of all scorers."""
    args = build_parser().parse_args(argv)
    labels.check_labels(args.project, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
