"""Let a network suggest labels for the images that are not labeled yet, between Steps 1 and 2.

Reads   myconfig.py, the images in data-<Task>/<video folder>/, and the labels so far.
Writes  data-<Task>/<video folder>/machine-labels/: machine labels, which Step 2 never reads, their likelihoods, and
        which images to label next. With --train first data-<Task>/.helper/, a network trained for minutes on the
        labels so far (at least 15 images), which may be deleted at any time.

The newest network that was trained on the body parts of myconfig.py suggests, be it an experiment's or the helper.
Ctrl-C is safe: what was there before stays.

    python3 SuggestLabels.py
    python3 SuggestLabels.py --train
"""

import argparse
import sys
from collections.abc import Sequence

try:
    from dlc_common import cli
    from dlc_toolbox.steps import suggestions
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error


def build_parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = cli.make_parser(__doc__, overwrites=False)
    parser.add_argument("--scorer", metavar="NAME", help="whose labels count (default: scorer in myconfig.py)")
    parser.add_argument("--train", action="store_true", help="train a helper on the labels so far first")
    parser.add_argument("--json", action="store_true", help="tell the progress in lines of json, for other programs")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Suggest labels."""
    args = build_parser().parse_args(argv)
    suggestions.suggest(args.project, args.scorer, trains=args.train, as_json=args.json)


if __name__ == "__main__":
    sys.exit(cli.run(main, interrupted="Machine labels and helper are those of before."))
