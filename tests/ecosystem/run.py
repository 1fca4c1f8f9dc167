"""Run the readers of other tools, each in an environment of its own, on files that we write.

    python tests/ecosystem/run.py [reader ...]

With Python 3.10 or 3.11, which all of them support. The environments stay in --folder.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from files import write_files

log = logging.getLogger("ecosystem")

HERE = Path(__file__).parent
READERS = {
    "pandas-1.5": ("pandas", ["pandas==1.5.3", "numpy<2", "tables"]),
    "pandas-2.3": ("pandas", ["pandas==2.3.3", "tables"]),
    "pandas-3.1": ("pandas", ["pandas==3.1.1", "tables"]),
    "movement": ("movement", ["movement==0.15.0", "h5netcdf"]),
    "sleap-io": ("test_sleap_io", ["sleap-io==0.9.5"]),
    "nwb": ("test_nwb", ["pynwb==4.2.0", "ndx-pose==0.4.0", "nwbinspector==0.7.2"]),
    "deeplabcut": ("test_deeplabcut", ["deeplabcut[tf]==2.3.11"]),
    "napari-deeplabcut": ("napari", ["napari-deeplabcut==0.4.0"]),
    "dlc2kinematics": ("dlc2kinematics", ["dlc2kinematics==0.0.7"]),
    "anipose": ("anipose", ["aniposelib==0.8.0"]),
    "neuroconv": ("neuroconv", ["neuroconv[deeplabcut]==0.10.2", "nwbinspector==0.7.2"]),
}
"""For each reader the tests to choose (pytest -k) and what to install."""


def main() -> int:
    """Run the readers; the exit code is 1 when one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="reader", help=f"default: all of {', '.join(READERS)}")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "deeplabcut-ecosystem")
    args = parser.parse_args()
    unknown = set(args.readers) - READERS.keys()
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(READERS)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as files:
        write_files(Path(files))
        failed = [name for name in args.readers or READERS if not run_reader(name, args.folder, files)]
    log.info("\n%s", f"Failed: {', '.join(failed)}" if failed else "All readers found every value.")
    return int(bool(failed))


def run_reader(name: str, folder: Path, files: str) -> bool:
    """Run the tests of one reader in its environment, which is made where it is missing."""
    chosen, packages = READERS[name]
    home = folder / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    log.info("\n%s: %s", name, " ".join(packages))
    if not (home / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pytest", *packages], check=True)
        (home / "installed").touch()
    tests = [
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
        "--confcutdir",
        HERE,
        "-c",
        os.devnull,
    ]
    environment = {**os.environ, "ECOSYSTEM_FILES": files, "QT_QPA_PLATFORM": "offscreen", "PYTHONNOUSERSITE": "1"}
    return subprocess.run([python, *tests, "-k", chosen, HERE / "test_readers.py"], env=environment).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
