"""Many workers make the very table that one process makes, whatever happens to them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis import analysis, scaleout
from dlc_toolbox.analysis.analysis import Analysis
from dlc_toolbox.analysis.scaleout import analyze_videos, cut_ranges, open_cluster
from dlc_toolbox.analysis.window import WindowRule
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project.layout import pose_record
from dlc_toolbox.project.tables import points, read_table
from tests.analyze import analyze

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

PARTS = ("nose", "paw")
BATCH = 4


@pytest.fixture
def network(tmp_path) -> Network:
    (tmp_path / "snapshot-1.weights.h5").write_bytes(b"weights")
    snapshot = SimpleNamespace(iteration=1, path=tmp_path / "snapshot-1.weights.h5")
    return Network("DeepCut_resnet50_toyJan1shuffle1_1", PARTS, tmp_path / "c.yaml", snapshot, {})


@pytest.fixture
def video(tmp_path, write_video) -> Path:
    """106 frames whose mean tells their number; ranges of 16 frames end in the middle of none of its 7 ranges."""
    frames = np.zeros((106, 8, 10, 3), np.uint8) + np.arange(106, dtype=np.uint8)[:, None, None, None]
    return write_video(tmp_path / "videos" / "v.avi", frames + 1)


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch):
    monkeypatch.setattr(scaleout, "_BATCHES_PER_RANGE", 4)
    monkeypatch.setattr(scaleout, "_WAIT_S", 0.05)


@pytest.fixture(scope="module")
def client():
    """Two workers that are threads of this process."""
    with distributed.Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        yield client


def make_maker(log: Path, deadly: int | None = None, failing: int | None = None):
    """Return a function that makes a predictor, which notes the first frame of each batch it is given.

    At frame `deadly` it ends its process, once; from frame `failing` on it raises.
    """

    def make_predict():
        def predict(frames):
            first = int(frames[0].max()) - 1
            with log.open("a") as file:
                file.write(f"{first} ")
            if first == deadly and not log.with_name("ended").exists():
                log.with_name("ended").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if failing is not None and first >= failing:
                raise OSError(5, "no GPU", "gpu:0")
            value = frames.astype(np.float32).mean(axis=(1, 2, 3))
            return np.stack([value, value / 3, value / 200], axis=-1)[:, None].repeat(2, axis=1)

        return predict

    return make_predict


def batches(log: Path) -> list[int]:
    return sorted(map(int, log.read_text().split()))


def files_beside(video: Path) -> list[str]:
    return sorted(path.name for path in video.parent.iterdir())


def poses_of(table: Path) -> np.ndarray:
    return points(read_table(table))


@pytest.fixture
def serial(video, network, tmp_path) -> np.ndarray:
    """The poses that one process finds; nothing of it stays beside the video."""
    table = analyze(video, make_maker(tmp_path / "serial")(), network, batch_size=BATCH)
    poses = poses_of(table)
    table.unlink()
    pose_record(table).unlink()
    return poses


# ---- Cutting and sharing ----


def test_ranges_are_few_and_cut_between_batches(monkeypatch):
    monkeypatch.undo()
    assert cut_ranges(0, 8) == [(0, None)]  # nobody knows how long it is
    assert cut_ranges(512, 8) == [(0, None)]
    assert cut_ranges(513, 8) == [(0, 512), (512, None)]
    for frames, batch in ((100_000, 8), (99_999, 7), (1_000_001, 3)):
        ranges = cut_ranges(frames, batch)
        assert len(ranges) <= 16
        assert ranges[0][0] == 0 and ranges[-1][1] is None and ranges[-1][0] < frames
        assert all(first % batch == 0 for first, _ in ranges)
        assert [stop for _, stop in ranges[:-1]] == [first for first, _ in ranges[1:]]


def test_gpus_are_dealt_out_or_else_cores(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert [env["CUDA_VISIBLE_DEVICES"] for env in scaleout._environments(3)] == ["2", "5", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("cores are shared by the system here")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3, 7})
    assert [set(env.values()) for env in scaleout._environments(2)] == [{"0,2,7"}, {"1,3"}]
    assert [set(env.values()) for env in scaleout._environments(6)][5] == {"0"}


def test_without_dask_the_message_tells_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ToolboxError, match=r'install Dask with pip install -e "\.\[dask\]"'), open_cluster(workers=1):
        pass


def test_a_scheduler_that_does_not_answer_is_named():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(ToolboxError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        open_cluster("tcp://127.0.0.1:9"),
    ):
        pass


# ---- Working ----


def test_ranges_on_workers_make_the_same_table_bit_for_bit(video, network, serial, client, tmp_path):
    log = tmp_path / "log"
    analyze_videos([video], Analysis(network, make_maker(log), batch_size=BATCH), client)
    (table,) = video.parent.glob("*.h5")
    assert np.array_equal(poses_of(table), serial)
    assert batches(log) == list(range(0, 106, BATCH))  # each once
    record = json.loads(pose_record(table).read_text())
    assert (record["ranges"], record["frames"], record["resumed_at_frame"]) == (7, 106, 0)
    assert files_beside(video) == ["v.avi", table.name, pose_record(table).name]


def test_a_header_that_promises_too_much_or_too_little_changes_nothing(
    video, network, serial, client, tmp_path, monkeypatch
):
    for promised in (300, 20, 0):
        opened = analysis.open_frames

        def open_frames(*args, opened=opened, promised=promised):
            recording = opened(*args)
            recording.expected_frames = promised
            return recording

        monkeypatch.setattr(analysis, "open_frames", open_frames)
        maker = make_maker(tmp_path / "log")
        analyze_videos([video], Analysis(network, maker, batch_size=BATCH, overwrite=True), client)
        (table,) = video.parent.glob("*.h5")
        assert np.array_equal(poses_of(table), serial)
        assert len(files_beside(video)) == 3


def test_finished_and_unfinished_ranges_outlive_a_run(video, network, serial, client, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(ToolboxError, match="1 of 1 videos could not be done"):
        analyze_videos([video], Analysis(network, make_maker(log, failing=40), batch_size=BATCH), client)
    first = set(batches(log))
    assert any(".partial" in name for name in files_beside(video))
    log.unlink()
    analyze_videos([video], Analysis(network, make_maker(log), batch_size=BATCH), client)
    (table,) = video.parent.glob("*.h5")
    assert np.array_equal(poses_of(table), serial)
    assert not set(batches(log)) & {batch for batch in first if batch < 36}
    assert len(files_beside(video)) == 3


def test_one_process_goes_on_where_workers_stopped_and_clears_up(video, network, serial, client, tmp_path):
    with pytest.raises(ToolboxError):
        analyze_videos([video], Analysis(network, make_maker(tmp_path / "log", failing=40), batch_size=BATCH), client)
    table = analyze(video, make_maker(tmp_path / "log")(), network, batch_size=BATCH)
    assert json.loads(pose_record(table).read_text())["resumed_at_frame"] == 32
    assert np.array_equal(poses_of(table), serial)
    assert len(files_beside(video)) == 3


def test_workers_that_stay_take_the_weights_that_are_there_now(video, network, client, monkeypatch, caplog):
    weights = network.snapshot.path

    def make_predict():
        value = len(weights.read_bytes())
        return lambda frames: np.full((len(frames), 2, 3), value, np.float32)

    how = Analysis(network, make_predict, batch_size=BATCH)
    for count in (3, 4):
        weights.write_bytes(b"w" * count)
        analyze_videos([video], how, client)
        (table,) = video.parent.glob("*.h5")
        assert (poses_of(table) == count).all()
        table.unlink()
        pose_record(table).unlink()
    weights.write_bytes(b"w" * 5)
    monkeypatch.setattr(scaleout, "fingerprint", lambda path: "of an older copy")
    with pytest.raises(ToolboxError):
        analyze_videos([video], how, client)
    assert f"{weights} is another file on" in caplog.text


def test_a_cluster_without_workers_is_told(video, network, caplog, monkeypatch):
    monkeypatch.setattr(scaleout, "for_each_video", lambda videos, work: None)
    empty = SimpleNamespace(nthreads=dict, close=lambda: None)
    analyze_videos([], Analysis(network, make_maker(video)), empty)
    assert "No worker is connected to the scheduler" in caplog.text


def test_a_bad_video_is_reported_and_the_rest_goes_on(video, network, serial, client, tmp_path):
    bad = video.with_name("bad.avi")
    bad.write_bytes(b"no video" * 100)
    maker = make_maker(tmp_path / "log")
    with pytest.raises(ToolboxError, match=r"1 of 2 videos could not be done, see above: .*bad\.avi"):
        analyze_videos([bad, video], Analysis(network, maker, batch_size=BATCH), client)
    (table,) = video.parent.glob("*.h5")
    assert np.array_equal(poses_of(table), serial)


def test_with_a_moving_window_a_video_is_not_cut(video, network, client, tmp_path):
    maker = make_maker(tmp_path / "log")
    options = {"batch_size": BATCH, "window": WindowRule(0.5, 10)}
    analyze_videos([video], Analysis(network, maker, **options), client)
    (table,) = video.parent.glob("*.h5")
    assert json.loads(pose_record(table).read_text())["ranges"] == 1
    assert np.array_equal(poses_of(table), poses_of(analyze(video, maker(), network, **options, overwrite=True)))


def test_nobody_waits_for_workers_that_are_gone():
    def future(*outcomes, done=False):
        outcomes = iter(outcomes)

        def result(timeout):
            outcome = next(outcomes, "rows")
            if outcome == "rows":
                return outcome
            raise distributed.TimeoutError

        return SimpleNamespace(result=result, done=lambda: done)

    local = SimpleNamespace(cluster="a local one", nthreads=dict)
    with pytest.raises(ToolboxError, match="no worker is left"):
        scaleout._result(local, future("late", "late", "late"))
    busy = SimpleNamespace(cluster=None)  # its workers may come late
    assert scaleout._result(busy, future(*["late"] * 9)) == "rows"
    with pytest.raises(distributed.TimeoutError):
        scaleout._result(busy, future("the worker's own", done=True))


def test_ctrl_c_ends_the_run_and_keeps_what_was_found(video, network, serial, tmp_path, monkeypatch):
    log = tmp_path / "log"

    def interrupt(videos, work):
        while not (log.exists() and len(batches(log)) > 2):
            time.sleep(0.01)
        raise KeyboardInterrupt

    make_predict = make_maker(log)

    def make_slow_predict():
        predict = make_predict()
        return lambda frames: time.sleep(0.1) or predict(frames)

    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(scaleout, "for_each_video", interrupt)
            analyze_videos([video], Analysis(network, make_slow_predict, batch_size=BATCH), client)
        assert client.status == "closed"
    assert any(".partial" in name for name in files_beside(video))
    assert np.array_equal(poses_of(analyze(video, make_maker(log)(), network, batch_size=BATCH)), serial)


@pytest.mark.campaign
def test_a_worker_that_dies_is_replaced(video, network, serial, tmp_path):
    log = tmp_path / "log"
    maker = make_maker(log, deadly=40)
    with open_cluster(workers=2) as client:
        analyze_videos([video], Analysis(network, maker, batch_size=BATCH), client)
    assert (tmp_path / "ended").exists()
    (table,) = video.parent.glob("*.h5")
    assert np.array_equal(poses_of(table), serial)
    assert set(batches(log)) == set(range(0, 106, BATCH))
    assert len(files_beside(video)) == 3


@pytest.mark.campaign
def test_a_range_that_ends_every_worker_is_an_error(video, network, tmp_path):
    def make_predict():
        def predict(frames):
            if int(frames[0].max()) - 1 == 40:
                time.sleep(1)  # one that ends while it is being started is not started again
                os.kill(os.getpid(), signal.SIGKILL)
            return np.zeros((len(frames), 2, 3), np.float32)

        return predict

    with open_cluster(workers=1) as client, pytest.raises(ToolboxError, match="1 of 1 videos could not be done"):
        analyze_videos([video], Analysis(network, make_predict, batch_size=BATCH), client)
    assert list(video.parent.glob("*.partial"))
