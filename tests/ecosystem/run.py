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
from typing import NamedTuple

from files import write_files

log = logging.getLogger("ecosystem")

HERE = Path(__file__).parent


class Reader(NamedTuple):
    """The tests of a tool (pytest -k), what to install, and what of it without the packages that it asks for."""

    tests: str
    packages: list[str]
    alone: tuple[str, ...] = ()


_OF_DEEPLABCUT = [
    *("tensorflow==2.12.0", "numpy==1.23.5", "pandas==2.1.4", "tf_slim==1.1.0", "tensorpack==0.11", "dlclibrary"),
    *(
        "filterpy",
        "ruamel.yaml",
        "imgaug",
        "imageio-ffmpeg",
        "numba",
        "matplotlib<3.9",
        "networkx",
        "scikit-image<0.22",
    ),
    *("scikit-learn", "scipy<1.12", "statsmodels", "tables==3.8.0"),
]
"""deeplabcut[tf]==2.3.11 itself asks for statsmodels 0.13.2, which cannot be built any more, and for PyTorch."""
READERS = {
    "pandas-1.5": Reader("pandas", ["pandas==1.5.3", "numpy<2", "tables"]),
    "pandas-2.3": Reader("pandas", ["pandas==2.3.3", "tables"]),
    "pandas-3.1": Reader("pandas", ["pandas==3.1.1", "tables"]),
    "movement": Reader("movement", ["movement==0.15.0", "h5netcdf"]),
    "sleap-io": Reader("test_sleap_io", ["sleap-io==0.9.5"]),
    "nwb": Reader("test_nwb", ["pynwb==4.2.0", "ndx-pose==0.4.0", "nwbinspector==0.7.2"]),
    "deeplabcut": Reader("test_deeplabcut", _OF_DEEPLABCUT, ("deeplabcut==2.3.11",)),
    "deeplabcut-3": Reader("test_deeplabcut", ["deeplabcut==3.0.2"]),
    "napari-deeplabcut": Reader("napari", ["napari-deeplabcut==0.4.0"]),
    "dlc2kinematics": Reader("dlc2kinematics", ["dlc2kinematics==0.0.7"]),
    "anipose": Reader("anipose", ["aniposelib==0.8.0"]),
    "neuroconv": Reader("neuroconv", ["neuroconv[deeplabcut]==0.10.2", "nwbinspector==0.7.2"]),
}


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
    chosen, packages, alone = READERS[name]
    home = folder / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    log.info("\n%s: %s", name, " ".join([*alone, *packages]))
    if not (home / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        if alone:
            subprocess.run([*install, "--no-deps", *alone], check=True)
        subprocess.run([*install, "pytest", *packages], check=True)
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
