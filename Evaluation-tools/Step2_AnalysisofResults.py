"""Evaluation, step 2: errors in pixels on training and test images, plots, and images with both labels drawn in.

Reads   myconfig.py, and the poses that step 1 wrote to Evaluation-tools/Results/
Writes  there: <Task><date>-trainset<percent>shuffle<s>.html, a page of all that follows; evaluation.csv (a row per
        network) and evaluation_per_part.csv, Plots_<network>/, and with `plotting` LabeledImages_<network>/Training and
        /Test (human +, network . where its likelihood reaches pcutoff, else x)

    python3 Evaluation-tools/Step2_AnalysisofResults.py
"""

import argparse
import logging
import sys

try:
    from dlc_toolbox import cli, evaluation, report, results
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
    """Write the errors of the networks that the settings choose."""
    args = build_parser().parse_args(argv)
    layout = cli.layout_of(args)
    settings = load_settings(layout.root)

    from deepercut import checkpoints, config  # takes seconds: after all that can fail at once

    networks = evaluation.find_networks(
        layout, settings, config.load_config, checkpoints.list_snapshots, checkpoints.select_snapshot
    )
    evaluations = [results.read_evaluation(network, settings.bodyparts) for network in networks]
    results.warn_of_corrected_labels(evaluations)
    with alone(layout.root / "myconfig.py"):
        rows = results.write_summaries(layout, settings, evaluations)
    log.info("Written: %s and %s", layout.summary_table, layout.part_table.name)
    log.info("Plots: %s", ", ".join(map(str, report.plot_evaluations(evaluations, rows, settings))))
    for sentence in results.in_words(rows):
        log.info(sentence)
    if settings.plotting:
        for evaluated in evaluations:
            log.info("Look at %s", report.draw_evaluation(evaluated, settings, overwrite=args.overwrite))
    for page in report.write_evaluation_pages(evaluations, rows, settings):
        log.info("Open %s in a browser", page)
    log.info("Next, when the test error is good enough: %s", cli.command(layout, "Analysis-tools/AnalyzeVideos.py"))
    log.info("Otherwise: label more images (where the test error is large), or train longer")


if __name__ == "__main__":
    sys.exit(cli.run(main))
