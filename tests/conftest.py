"""A toy project: dots at known places in a small video, labeled in Fiji's way."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import yaml
from hypothesis import settings
from PIL import Image

from dlc_common.cli import CHECKOUT
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import make_table, write_table

settings.register_profile("patient", deadline=None)  # times are no assertions, least of all beside other processes
settings.load_profile("patient")
os.environ.setdefault("DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED", "False")  # see scaleout.py

TOY_BODYPARTS = ("nose", "paw", "tail")
TOY_COLORS = np.array([[255, 40, 40], [40, 255, 40], [60, 60, 255]])
TOY_LABELED = range(0, 30, 3)
TOY_HIDDEN = (9, 2)  # frame and body part that nobody labeled

TOY_SETTINGS = """
Task = 'toy'
date = 'Jan1'
vidpath = '../videos'
filename = 'toy.avi'
numframes2pick = 5
bodyparts = ['nose', 'paw', 'tail']
Scorers = ['Ann']
scorer = 'Ann'
Shuffles = [1]
TrainingFraction = [0.7]
"""

TOY_ANALYSIS_SETTINGS = """
videofolder = '../videos/'
videotype = '.avi'
Task = 'toy'
date = 'Jan1'
scorer = 'Ann'
trainingsFraction = 0.7
shuffle = 1
storedata_as_csv = True
"""


def pytest_configure():
    """Let tests of Ctrl-C pass where a shell started the tests in the background, which has processes ignore it.

    Where several processes test side by side (pytest-xdist), let each compute on its share of the cores alone.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if beside := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
        threads = str(max(1, (os.cpu_count() or 1) // beside))
        for library in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(library, threads)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests wait for pages and other processes: there is work for two more than there are cores; each takes 3 GB."""
    room = psutil.virtual_memory().total // (4 * 2**30)
    return max(1, min((os.cpu_count() or 1) + 2, 4, room))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Take every campaign for slow, so that `-m "not slow"` leaves it out."""
    for item in items:
        if item.get_closest_marker("campaign"):
            item.add_marker("slow")


def pytest_collection_finish():
    """Spare the garbage collection all that was imported: TensorFlow's objects are many, and stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def v1_data() -> Path:
    """Files made by v1 for its demo, a reaching mouse; where they are not at hand, tests of them are skipped."""
    folder = Path(os.environ.get("DEEPLABCUT_V1_DATA", CHECKOUT.parent / "shared" / "data" / "reaching-v1"))
    if not folder.is_dir():
        pytest.skip("no files of v1 here; DEEPLABCUT_V1_DATA may name their folder")
    return folder


@pytest.fixture(autouse=True)
def level_of_the_log() -> Iterator[None]:
    """Give back the level of the log that `cli.run` sets, with what loggers remember of it."""
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back the log handlers that `cli.run` replaces."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    monkeypatch.setattr(root, "handlers", [])
    yield
    root.handlers = handlers


@pytest.fixture
def toy_points() -> np.ndarray:
    """Where the dots are: (30 frames, 3 parts, 2), x and y in pixels, well inside 160 x 120 pixels."""
    return _toy_points()


@pytest.fixture(scope="session")
def draw_dots() -> Callable[..., np.ndarray]:
    """``draw_dots(points (K, 2), size=(120, 160), radius=4.0)``: an image with one coloured dot per part."""
    return _draw_dots


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """``write_video(path, frames, rate=25)``: a lossless video (FFV1) of the frames, made with its folder."""
    return _write_video


@pytest.fixture
def write_fiji_csv() -> Callable[..., Path]:
    """``write_fiji_csv(path, rows)``: a Fiji table of (x, y, slice) rows, made with its folder."""
    return _write_fiji_csv


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy project that `toy_project` copies; nobody else touches it."""
    project, points = tmp_path_factory.mktemp("template") / "toy project", _toy_points()
    frames = [_draw_dots(each) for each in points]
    _write_video(project / "videos" / "toy.avi", frames)
    (project / "myconfig.py").write_text(TOY_SETTINGS)
    (project / "myconfig_analysis.py").write_text(TOY_ANALYSIS_SETTINGS)
    folder = project / "Generating_a_Training_Set" / "data-toy" / "toy"
    folder.mkdir(parents=True)
    for frame in TOY_LABELED:
        Image.fromarray(frames[frame]).save(folder / f"img{frame:02d}.png")
    for part, name in enumerate(TOY_BODYPARTS):
        labeled = [(place, frame) for place, frame in enumerate(TOY_LABELED, 1) if (frame, part) != TOY_HIDDEN]
        _write_fiji_csv(folder / f"{name}.csv", [(*points[frame, part], place) for place, frame in labeled])
    return project


@pytest.fixture
def toy_project(tmp_path: Path, toy_template: Path) -> Path:
    """A project folder with settings, a video of 30 frames and every third frame labeled, one part hidden once."""
    return shutil.copytree(toy_template, tmp_path / toy_template.name, copy_function=shutil.copyfile)


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory, toy_template: Path) -> Path:
    """The project that `trained_project` copies; nobody else touches it."""
    project = tmp_path_factory.mktemp("trained template") / toy_template.name
    shutil.copytree(toy_template, project, copy_function=shutil.copyfile)
    layout = Layout(project)
    experiment = Experiment("toy", "Jan1", "Ann", 70, 1, 50)
    labels = _toy_points()[list(TOY_LABELED)]
    labels[list(TOY_LABELED).index(TOY_HIDDEN[0]), TOY_HIDDEN[1]] = np.nan
    names = [f"toy/img{frame:02d}.png" for frame in TOY_LABELED]
    table = make_table("Ann", TOY_BODYPARTS, names, labels)
    write_table(table, layout.label_table("toy", "Ann"))
    shutil.copytree(layout.data_folder("toy"), layout.dataset_images("toy", "Jan1"))
    write_table(table, layout.split_table(experiment))
    split = {"train": names[:7], "test": names[7:]}
    layout.split_documentation(experiment).write_text(yaml.safe_dump(split))
    train = layout.train_folder(experiment)
    train.mkdir(parents=True)
    config = {"num_joints": 3, "all_joints": [[0], [1], [2]], "all_joints_names": list(TOY_BODYPARTS)}
    (train / "pose_cfg.yaml").write_text(yaml.safe_dump({**config, "net_type": "resnet_50"}))
    for iteration in (20, 100):
        (train / f"snapshot-{iteration}.weights.h5").write_bytes(bytes([iteration]))
    return project


@pytest.fixture
def trained_project(toy_project: Path, trained_template: Path) -> Path:
    """The toy project with label table, split (7 train, 3 test) and snapshots 20 and 100, which hold no network."""
    return shutil.copytree(trained_template, toy_project, copy_function=shutil.copyfile, dirs_exist_ok=True)


@pytest.fixture
def toy_network(toy_project: Path, toy_points: np.ndarray) -> Callable[..., np.ndarray]:
    """``toy_network(frames, offset=(0, 0), likelihoods=(1, 1, 1))``: the places of the dots in toy images, moved."""
    folder = Layout(toy_project).data_folder("toy") / "toy"
    known = {np.asarray(Image.open(folder / f"img{i:02d}.png")).tobytes(): toy_points[i] for i in TOY_LABELED}

    def predict(frames: np.ndarray, offset=(0.0, 0.0), likelihoods=(1.0, 1.0, 1.0)) -> np.ndarray:
        poses = [np.column_stack([known[frame.tobytes()] + offset, likelihoods]) for frame in frames]
        return np.array(poses, dtype=np.float32)

    return predict


@pytest.fixture
def find_dots() -> Callable[..., np.ndarray]:
    """``find_dots(frames (B, H, W, 3))``: a network that finds the toy's dots by their colours, (B, 3, 3)."""
    return _find_dots


def _find_dots(frames: np.ndarray) -> np.ndarray:
    """Return the centre of each colour's excess over the others; likelihood 0 and place 0 where there is none."""
    frames = frames.astype(np.float32)
    excess = np.maximum(1.5 * frames - 0.5 * frames.sum(axis=-1, keepdims=True) - 10, 0)
    mass = excess.sum(axis=(1, 2))
    rows, columns = np.mgrid[: frames.shape[1], : frames.shape[2]].astype(np.float32)
    x, y = (np.einsum("bhwk,hw->bk", excess, axis) / np.maximum(mass, 1) for axis in (columns, rows))
    return np.stack([x, y, (mass > 100).astype(np.float32)], axis=-1)


def _toy_points() -> np.ndarray:
    """Lead each dot along an ellipse, a third of a turn behind the one before."""
    time = np.arange(30)[:, None] / 30
    phase = 2 * np.pi * (time + np.arange(3) / 3)
    return np.stack([80 + 55 * np.cos(phase), 60 + 35 * np.sin(phase)], axis=-1).round(2)


def _draw_dots(points: np.ndarray, size: tuple[int, int] = (120, 160), radius: float = 4.0) -> np.ndarray:
    """Draw Gaussian dots, one colour per part, on gray; NaN draws none."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.full((*size, 3), 90.0)
    for (x, y), color in zip(points, TOY_COLORS[np.arange(len(points)) % 3], strict=True):
        if np.isfinite(x + y):
            weight = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (radius / 2) ** 2))[..., None]
            image = image * (1 - weight) + color * weight
    return image.round().astype(np.uint8)


def _write_video(path: Path, frames: Sequence[np.ndarray], rate: int = 25) -> Path:
    """Write frames so that a decoder gives back the very same values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(rate))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="bgr0")))
        container.mux(stream.encode())
    return path


def _write_fiji_csv(path: Path, rows: Sequence[tuple[float, float, int]]) -> Path:
    """Write clicks as Fiji's 'Results' table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [" ,Area,X,Y,Slice", *(f"{row},0,{x},{y},{place}" for row, (x, y, place) in enumerate(rows, 1))]
    path.write_text("\n".join(lines) + "\n")
    return path
