"""Step 3: draw the labels into their images, to check them by eye.

Reads   myconfig.py, and the label tables of all Scorers in Generating_a_Training_Set/data-<Task>/ (from Step 2)
Writes  data-<Task>/<video folder>labeled/: a picture of every labeled image, one marker shape per scorer and one colour
        per body part, and contact_sheet.png with all of them and the legend; data-<Task>/CheckLabels.html, a page of
        all pictures with the counts of labels

    python3 Generating_a_Training_Set/Step3_CheckLabels.py
"""

import argparse
import logging
import sys

try:
    from dlc_toolbox import cli
    from dlc_toolbox.labelcheck import check_labels
    from dlc_toolbox.layout import contact_sheet
    from dlc_toolbox.locks import alone
    from dlc_toolbox.settings import load_settings
except ImportError as error:
    raise SystemExit(
        f"{error}. Install once, in the DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    return cli.make_parser(__doc__)


def main(argv=None):
    """Draw the labels of all scorers."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)
    with alone(layout.root / "myconfig.py"):
        folders = check_labels(layout, settings, overwrite=args.overwrite)
    for folder in folders:
        log.info("Look at %s", contact_sheet(folder))
    log.info("or open %s in a browser", layout.labels_page(settings.Task))
    step2, step4 = (
        cli.command(layout, f"Generating_a_Training_Set/{script}.py")
        for script in ("Step2_ConvertingLabels2DataFrame", "Step4_GenerateTrainingFileFromLabelledData")
    )
    log.info("Next, when the labels are right: %s (after corrections in Fiji, first: %s)", step4, step2)


if __name__ == "__main__":
    sys.exit(cli.run(main))
