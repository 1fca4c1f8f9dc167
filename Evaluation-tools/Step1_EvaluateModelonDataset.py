"""Evaluation, step 1: let trained networks find the body parts in all labeled images.

Reads   myconfig.py; from pose-tensorflow/models/, for every TrainingFraction and the shuffle of shuffleindex, the
        snapshots that snapshotindex chooses, and the images and split that trained them
Writes  Evaluation-tools/Results/DeepCut_<network>forTask_<Task>.h5 and .csv: x, y in pixels and likelihood

    python3 Evaluation-tools/Step1_EvaluateModelonDataset.py
"""

import argparse
import logging
import sys
from functools import partial

try:
    from dlc_toolbox import cli, evaluation
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
    """Evaluate the networks that the settings choose."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)

    from deepercut import checkpoints, config, predict  # takes seconds: after all that can fail at once

    log.info("Device: %s", predict.device_name())
    networks = evaluation.find_networks(
        layout, settings, config.load_config, checkpoints.list_snapshots, checkpoints.select_snapshot
    )
    for network in networks:
        load_predictor = partial(predict.load_predictor, network.config_path, network.snapshot)
        evaluation.evaluate(network, load_predictor, overwrite=args.overwrite)
    log.info("Next: %s", cli.command(layout, "Evaluation-tools/Step2_AnalysisofResults.py"))


if __name__ == "__main__":
    sys.exit(cli.run(main))
