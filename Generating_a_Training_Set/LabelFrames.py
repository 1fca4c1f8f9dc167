"""Label the images in the browser, between Steps 1 and 2; in the place of Fiji, or beside it.

Reads   myconfig.py, the images in data-<Task>/<video folder>/ that Step 1 has picked, labels that are there, and the
        videos, where they are at hand.
Writes  what Step 2 reads: the csv files of the body parts, in the form and at the place in which Fiji's are expected,
        and labeling.json beside them. What a file held before the first change is kept in <video folder>/.history/.

Prints an address that holds a secret token, and opens it. Every label is on disk before the page says so. Ctrl-C ends.

    python3 LabelFrames.py
    python3 LabelFrames.py --image day1/img0042.png --part nose
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
    parser.add_argument("--scorer", metavar="NAME", help="who labels, one of Scorers (default: scorer in myconfig.py)")
    parser.add_argument("--image", metavar="FOLDER/NAME", help="begin with this image")
    parser.add_argument("--part", metavar="NAME", help="begin with this body part of that image")
    parser.add_argument("--port", type=cli.whole_number(), default=0, metavar="N", help="default: the project's own")
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="let other machines in; read what it prints")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open nothing")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the page until Ctrl-C."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.part and not args.image:
        parser.error("--part needs --image")
    labels.label_frames(
        *(args.project, args.scorer),
        host=args.host,
        port=args.port,
        opens_browser=not args.no_browser,
        image=args.image,
        part=args.part,
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
