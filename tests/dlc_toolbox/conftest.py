"""A network that is none, and its poses of the toy video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_toolbox.measure.confidence import fit_calibration
from dlc_toolbox.poses.network import Network
from dlc_toolbox.poses.trust import CONFIDENCE, Looked, Trust, calibration_file, write_calibration
from dlc_toolbox.project.layout import confidence_table, pose_table
from dlc_toolbox.project.tables import make_table, write_table
from tests.analyze import analyze
from tests.browser import start_browser


@pytest.fixture(scope="session")
def driver() -> Iterator:
    """Playwright, which drives browsers."""
    playwright = pytest.importorskip("playwright.sync_api", reason="NO PAGE IS TESTED: pip install playwright")
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(driver) -> Iterator:
    """The browser that is installed."""
    started = start_browser(driver)
    if started is None:
        pytest.skip("NO PAGE IS TESTED: no Chromium, Chrome or Edge is installed")
    yield started
    started.close()


@pytest.fixture
def video(toy_project: Path) -> Path:
    """The toy project's video of 30 frames."""
    return toy_project / "videos" / "toy.avi"


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """A network on the toy's body parts; its snapshot holds nothing."""
    (tmp_path / "snapshot-100.weights.h5").write_bytes(b"weights")
    snapshot = SimpleNamespace(iteration=100, path=tmp_path / "snapshot-100.weights.h5")
    parts = ("nose", "paw", "tail")
    return Network("DeepCut_resnet50_toyJan1shuffle1_100", parts, tmp_path / "pose_cfg.yaml", snapshot, {})


@pytest.fixture
def analyzed(network: Network) -> Callable[..., Path]:
    """``analyzed(video, poses (N, K, 3))``: the pose table beside a video, as if `network` had found these poses."""

    def write(video: Path, poses: np.ndarray) -> Path:
        rows = iter(np.asarray(poses, dtype=np.float32)[:, None])
        return analyze(video, lambda frames: next(rows).copy(), network, batch_size=1)

    return write


@pytest.fixture
def know(video: Path, network: Network) -> Callable[[], np.ndarray]:
    """``know()``: writes what an evaluation learned of `network`, and beside the poses of the video their radius.

    It returns that radius, (30, 3) in pixels.
    """

    def write() -> np.ndarray:
        rng = np.random.default_rng(0)
        features = rng.uniform(0.1, 1, (30, 3, 1))
        learned = fit_calibration(features, 3 / features[..., 0])
        looked = Looked(fingerprint(network.snapshot.path))
        trust = Trust(tuple(network.bodyparts), learned)
        write_calibration(calibration_file(network.config_path.parent), trust, 100, looked, images=30, labels=90)
        found = rng.uniform(5, 15, (30, 3, len(CONFIDENCE)))
        table = make_table(network.scorer, network.bodyparts, range(30), found, CONFIDENCE)
        write_table(table, confidence_table(pose_table(video, network.scorer)), csv=False)
        return found[..., 1]

    return write


@pytest.fixture
def toy_poses(toy_points: np.ndarray) -> np.ndarray:
    """Poses (30, 3, 3) on the toy's dots, each sure."""
    return np.concatenate([toy_points, np.ones((30, 3, 1))], axis=-1)
