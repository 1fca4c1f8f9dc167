"""Evaluation, step 2: errors in pixels on training and test images, plots, and images with both labels drawn in.

Reads   myconfig.py, and the poses that step 1 wrote to Evaluation-tools/Results/
Writes  there: <Task><date>-trainset<percent>shuffle<s>.html, a page of all that follows; evaluation.csv (a row per
        network) and evaluation_per_part.csv, Plots_<network>/, and with `plotting` LabeledImages_<network>/Training and
        /Test (human +, network . where its likelihood reaches pcutoff, else x)

    python3 Evaluation-tools/Step2_AnalysisofResults.py
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import evaluation
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    return cli.make_parser(__doc__)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the errors of the networks that the settings choose."""
    args = build_parser().parse_args(argv)
    evaluation.analyze_results(args.project, overwrite=args.overwrite)


if __name__ == "__main__":
    sys.exit(cli.run(main))
