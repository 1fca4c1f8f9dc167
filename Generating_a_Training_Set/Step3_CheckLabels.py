"""Step 3: draw the labels into their images, to check them by eye.

Reads   myconfig.py, and the label tables of all Scorers in Generating_a_Training_Set/data-<Task>/ (from Step 2)
Writes  data-<Task>/<video folder>labeled/: a picture of every labeled image, one marker shape per scorer and one colour
        per body part, and contact_sheet.png with all of them and the legend

    python3 Generating_a_Training_Set/Step3_CheckLabels.py
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

try:
    from dlc_toolbox import cli, report
    from dlc_toolbox.settings import load_settings
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    return cli.make_parser(__doc__)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the labels of the project."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    for folder in report.check_labels(layout, load_settings(layout.root), overwrite=args.overwrite):
        log.info("Look at %s", folder / report.CONTACT_SHEET)
    log.info(
        "Next, when the labels are right (else correct the csv files and run Step 2 again): "
        "python3 Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
