"""Tell what is wrong with this installation or project, and what to do about it.

Reads   requirements.txt, both settings files, the ImageNet weights; tries devices, engines, video codecs and disks

    python3 doctor.py
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent
INSTALL = (
    "activate the environment that holds it (source .venv/bin/activate), or install it once, in the DeepLabCut folder: "
    "pip install -r requirements.txt -e ."
)
PROJECT = "{project}"  # in advice: the flag that names it, where it is not this folder
DISK_SPACE_GB = 5  # ten snapshots of a ResNet-50 take 1.4 GB


def main(argv: Sequence[str] | None = None) -> int:
    """Make all checks; 1 when any finds a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=folder, default=CHECKOUT, metavar="DIR", help="folder of the settings files")
    parser.add_argument("--verbose", action="store_true", help="traceback of each problem")
    args = parser.parse_args(argv)
    are_ok = [examine(name, *check, args.project, verbose=args.verbose) for name, check in CHECKS.items()]
    print("All is well." if all(are_ok) else f"Problems: {are_ok.count(False)}. Begin with the first.")
    return int(not all(are_ok))


def folder(text: str) -> Path:
    """Read a flag's folder, which must be there."""
    path = Path(os.path.expanduser(text)).resolve()  # noqa: PTH111 - that of Path raises on an unknown user
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is no folder")
    return path


def examine(name: str, look: Callable[[Path], str], advice: str, root: Path, *, verbose: bool = False) -> bool:
    """Make one check and print its line; return whether all is well. Whatever it raises is a finding."""
    try:
        found = look(root)
    except Exception as error:  # a broken installation raises anything
        advice = INSTALL if isinstance(error, ImportError) else advice
        advice = advice.replace(PROJECT, "" if root == CHECKOUT else f" --project {shlex.quote(str(root))}")
        print(f"{name:<9} PROBLEM  {str(error) or repr(error)}\n{'':<9} to do:   {advice}", flush=True)
        if verbose:
            traceback.print_exc(file=sys.stdout)
        return False
    print(f"{name:<9} ok       {found}", flush=True)
    return True


def look_at_python(_: Path) -> str:
    """Compare the version with those that the libraries support."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        raise RuntimeError(f"{sys.executable} is {sys.version.split()[0]}, not one of Python 3.10 to 3.13")
    return f"{sys.version.split()[0]} ({sys.executable})"


def look_at_packages(_: Path) -> str:
    """Compare what is installed with requirements.txt."""
    from packaging.requirements import Requirement

    lines = ["deeplabcut-scripts", *(CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()]
    wrong = []
    for wanted in map(Requirement, lines):
        if wanted.marker and not wanted.marker.evaluate():  # for another Python or system
            continue
        version, where = find_package(wanted.name)
        if version is None or not wanted.specifier.contains(version, prereleases=True):
            wrong.append(f"{wanted} is needed, found {where}")
    if wrong:
        raise RuntimeError("; ".join(wrong))
    return f"all {len(lines)} are there"


def find_package(name: str) -> tuple[str | None, str]:
    """Return the version of a package, or None, and what was found in words; the first on Python's path counts.

    Asks the standard library's finder alone: the backport that Dask brings raises errors of its own.
    """
    all_found = list(metadata.MetadataPathFinder.find_distributions(metadata.DistributionFinder.Context(name=name)))
    intact = [found for found in all_found if "Version" in found.metadata]
    if intact:
        return intact[0].version, f"{intact[0].version} in {intact[0].locate_file('')}"
    return None, f"one with damaged metadata in {all_found[0].locate_file('')}" if all_found else "none"


def look_at_devices(_: Path) -> str:
    """Let every device of Keras' backend compute a convolution whose result is known."""
    from deepercut.backend import start_backend

    devices = start_backend()
    import keras

    for device in devices:
        with keras.device(device):
            sums = keras.ops.conv(keras.ops.ones((1, 9, 9, 3)), keras.ops.ones((3, 3, 3, 2)))
        sums = keras.ops.convert_to_numpy(sums)
        if abs(sums - 27).max() > 1e-3:
            raise RuntimeError(f"{device} computes {sums.min()} to {sums.max()} where 27 is right")
    unused = shutil.which("nvidia-smi") and not any(device.startswith("gpu") for device in devices)
    advice = "; the NVIDIA GPU is not used, see docs/train-with-a-gpu.md" if unused else ""
    return f"{', '.join(devices)} (Keras {keras.__version__} on {keras.backend.backend()}){advice}"


def look_at_engine(root: Path) -> str:
    """Start what finds poses: for the evaluation, and in videos as the settings say."""
    from deepercut.inference.engines import device_name
    from dlc_common import UsersError
    from dlc_toolbox.project.settings import load_analysis_settings

    try:
        engine = load_analysis_settings(root).engine
    except UsersError:  # which the settings' own line tells
        engine = "auto"
    engines = ["auto"] if engine == "fast" else ["auto", engine]  # the fastest is found by measuring
    return ", ".join(dict.fromkeys(map(device_name, engines)))


def look_at_video(_: Path) -> str:
    """Write a clip with each of two codecs and read it back."""
    import av
    import numpy as np

    from dlc_toolbox.video.video import Video

    grays = [60, 120, 180]
    for codec, suffix, pixels in (("libx264", ".mp4", "yuv420p"), ("mjpeg", ".avi", "yuvj420p")):
        with tempfile.TemporaryDirectory() as folder:
            clip = Path(folder) / f"clip{suffix}"
            with av.open(str(clip), "w") as container:
                stream = container.add_stream(codec, 25)
                stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
                images = [np.full((48, 64, 3), gray, np.uint8) for gray in grays]
                for frame in [*(av.VideoFrame.from_ndarray(image, format="rgb24") for image in images), None]:
                    container.mux(stream.encode(frame))
            seen = [float("nan") if frame is None else round(float(frame.mean())) for frame in Video(clip)]
        if len(seen) != len(grays) or not np.allclose(seen, grays, atol=8):
            raise RuntimeError(f"{codec}: frames as gray as {grays} came back as {seen}")
    return "h264 and mjpeg can be written and read"


def look_at_settings(root: Path) -> str:
    """Check both settings files, as every step does, and that they say the same."""
    from dlc_toolbox.project.agreement import disagreements
    from dlc_toolbox.project.settings import load_analysis_settings, load_settings

    task, analysis = load_settings(root).Task, load_analysis_settings(root)
    if found := disagreements(root, analysis):
        raise RuntimeError("; ".join(found))
    return f"Task {task!r} in both files"


def look_at_weights(root: Path) -> str:
    """Load the ImageNet weights of the network that the settings name, from where Step 4 would have them taken."""
    from deepercut.weights.pretrained import is_sound, weights_path
    from dlc_common import UsersError
    from dlc_toolbox.project.layout import Layout
    from dlc_toolbox.project.settings import load_settings

    try:
        depth = load_settings(root).resnet
    except UsersError:
        return "not looked at: the settings first"
    path = weights_path(Layout(root).pretrained, depth)
    if (of_v1 := path.with_name(f"resnet_v1_{depth}.ckpt")).is_file():  # which Step 4 takes first
        path = of_v1
    if not is_sound(path, depth):
        raise RuntimeError(f"{path} {'is damaged' if path.exists() else 'does not exist'}")
    return path.name


def look_at_disk(root: Path) -> str:
    """Compare the free space with what a training takes, and write a file, wherever the steps write."""
    names = ("Generating_a_Training_Set", "pose-tensorflow/models", "Evaluation-tools")
    places = [next(path for path in (root / name, *(root / name).parents) if path.is_dir()) for name in names]
    videos = [path for path in [folder_of_videos(root)] if path.is_dir()]
    free_gb = {path: shutil.disk_usage(path).free / 1e9 for path in [*places, *videos]}
    for path, free in free_gb.items():
        if free < DISK_SPACE_GB:
            raise RuntimeError(f"{free:.1f} GB are free in {path}; training and videos need {DISK_SPACE_GB} GB")
        tempfile.TemporaryFile(dir=path).close()
    return f"{min(free_gb.values()):.0f} GB are free, and {' and '.join(map(str, [root, *videos]))} can be written to"


def folder_of_videos(root: Path) -> Path:
    """Return the folder that `videofolder` names; the usual one where it cannot be read."""
    try:
        from dlc_toolbox.project.layout import Layout
        from dlc_toolbox.project.settings import load_analysis_settings

        return (Layout(root).analysis_root / Path(load_analysis_settings(root).videofolder).expanduser()).resolve()
    except Exception:  # broken packages and settings have lines of their own
        return root / "videos"


CHECKS = {
    "Python": (look_at_python, "install Python 3.10 to 3.13 and make .venv anew with it"),
    "Packages": (look_at_packages, f"{INSTALL} Where a folder outside the environment is named, unset PYTHONPATH"),
    "Devices": (look_at_devices, f"{INSTALL} Or hide a GPU that fails: CUDA_VISIBLE_DEVICES=-1"),
    "Engine": (look_at_engine, "as the message says; docs/make-it-faster.md lists the engines"),
    "Video": (look_at_video, "pip install --force-reinstall av"),
    "Settings": (
        look_at_settings,
        "correct the settings that the message names, in both files",
    ),
    "Weights": (look_at_weights, f"python3 pose-tensorflow/models/pretrained/download.py{PROJECT}"),
    "Disk": (
        look_at_disk,
        "delete snapshots and labeled videos that nobody needs, let your user write there, or copy the videos to "
        "another folder and name it in videofolder of myconfig_analysis.py",
    ),
}

if __name__ == "__main__":
    sys.exit(main())
