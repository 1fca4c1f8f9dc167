"""The analysis of videos on many processes, GPUs or machines, by Dask.

A long video is cut into ranges of frames. Cuts lie at multiples of the batch, so the poses are those of a run in one
process, bit for bit, on processors of one kind. No container can be trusted to seek exactly: a worker decodes a video
from its start. That costs little while the network is many times slower than decoding; where it is not, cuts do not
help.

Workers see the videos under the same paths, and write there what they have found of a range, so that it outlives them.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_common.fingerprints import fingerprint
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis.analysis import Analysis, analyze_video
from dlc_toolbox.analysis.jobs import Job, fill_rows
from dlc_toolbox.analysis.partial import Partial, open_partial
from dlc_toolbox.poses.network import Predict
from dlc_toolbox.project.layout import pose_rows
from dlc_toolbox.video.video import for_each_video

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger(__name__)

Range = tuple[int, int | None]
"""Frames first <= number < stop; all from the first on when stop is None."""

_RANGES_PER_VIDEO = 16  # each decodes all before it, so many more would cost more than they gain
_BATCHES_PER_RANGE = 64  # at least
_CORES = "DLC_TOOLBOX_CORES"
_LOCAL_WORKERS = {
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",  # what a worker raises is told here
    # a profiler looks at all threads, which can lock up Python 3.11 when one of them ends
    "distributed.worker.profile.enabled": False,
}
"""Settings of Dask that processes of its own start with."""

_WAIT_S = 1.0
_PATIENCE_S = 20.0


def cut_ranges(frames: int, batch_size: int) -> list[Range]:
    """Cut a video into ranges of frames; where does not depend on who will work on them.

    Parameters
    ----------
    frames : int
        How many are expected; the last range is open, in case there are more.
    batch_size : int
        All cuts are multiples of it.

    Returns
    -------
    list of (int, int or None)
        At most 16 ranges of at least 64 batches.

    Examples
    --------
    >>> cut_ranges(frames=1300, batch_size=8)
    [(0, 512), (512, 1024), (1024, None)]
    """
    batches = max(_BATCHES_PER_RANGE, -(-frames // (batch_size * _RANGES_PER_VIDEO)))
    cuts = [*range(0, max(frames, 1), batches * batch_size), None]
    return list(pairwise(cuts))


def analyze_videos(videos: Sequence[Path], analysis: Analysis, client: Client) -> None:
    """Analyze videos on the workers of a cluster; one that cannot be done is reported, and the rest goes on.

    Parameters
    ----------
    videos : sequence of Path
        The videos.
    analysis : Analysis
        How; its ``load_predictor`` is pickled. Workers see the same snapshot under the same path.
    client : distributed.Client
        Of the cluster.

    Raises
    ------
    ToolboxError
        As `video.for_each_video`.
    """
    if not client.nthreads():
        log.warning("No worker is connected to the scheduler: waiting for one, see dask worker --help")
    fill = partial(fill_on_workers, client)
    at_once = 2 * max(1, len(client.nthreads()))
    with ThreadPoolExecutor(at_once) as pool:
        futures = {video: pool.submit(analyze_video, video, analysis, fill) for video in videos}
        try:
            for_each_video(videos, lambda video: futures[video].result())
        finally:
            if not all(future.done() for future in futures.values()):  # interrupted
                pool.shutdown(wait=False, cancel_futures=True)
                client.close()  # threads that wait for workers end with an error


def fill_on_workers(client: Client, rows: Partial, job: Job, load_predictor: Callable[[], Predict]) -> dict[str, Any]:
    """Let workers analyze the frames after those in `rows`, range by range; for ``fill`` of `analyze_video`.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    rows : Partial
        Rows of whole batches; gets the others.
    job : Job
        What is analyzed, and how. With a moving window there is one range.
    load_predictor : callable
        Makes the predictor, once in each worker.

    Returns
    -------
    dict
        How long it took and in how many ranges.

    Raises
    ------
    ToolboxError
        When a range ends every worker that tries it; and what a worker raises.
    """
    import cloudpickle
    from distributed import KilledWorker

    begun, start = time.perf_counter(), len(rows)
    cuts = [(0, None)] if job.window else cut_ranges(job.video.expected_frames, job.batch_size)
    ranges = [(max(first, start), stop) for first, stop in cuts if stop is None or stop > start]
    network = {**job.made_from["settings"], "video": None}  # so that another network is another pickle
    pickled = cloudpickle.dumps((load_predictor, job.snapshot, job.made_from["inputs"]["snapshot"], network))
    futures = [client.submit(_analyze_range, job, pickled, *span, pure=False) for span in ranges]
    name = job.video.path.name
    try:
        with tqdm(total=job.video.expected_frames or None, initial=start, desc=name, unit=" frames") as progress:
            for (first, stop), future in zip(ranges, futures, strict=True):
                found = _result(client, future)
                rows.append(*(found[field] for field in job.row.names or ()))
                pose_rows(job.table, first).unlink(missing_ok=True)
                progress.update(len(found))
                if stop is None or len(found) < stop - first:
                    break
    except KilledWorker as error:
        raise ToolboxError(
            f"{job.video.path}: the frames from {first} on ended several workers; is there too little memory? "
            f"Use fewer workers. What was found is kept ({error})"
        ) from error
    finally:
        client.cancel(futures)
    return {"duration_s": round(time.perf_counter() - begun, 3), "ranges": len(ranges)}


def _result(client: Client, future: Future) -> np.ndarray:
    """Wait for a range; of local workers, which nobody would start again, at least one must be there."""
    import distributed

    absences = 0
    while absences < 3:
        try:
            return future.result(timeout=_PATIENCE_S)
        except distributed.TimeoutError:
            if future.done():  # it is the worker's own
                raise
            absences = 0 if client.cluster is None or client.nthreads() else absences + 1
    raise ToolboxError(
        "no worker is left, all have ended; is there too little memory? Try fewer, or none with --workers 0"
    )


def _analyze_range(job: Job, pickled: bytes, first: int, stop: int | None) -> np.ndarray:
    """Return the rows of a range of frames, in a worker; go on from what an earlier worker left."""
    header = {**job.header, "first": first, "stop": stop}
    while True:
        with open_partial(pose_rows(job.table, first), header, job.row, kept=True) as rows:
            if rows is not None:
                rows.keep(job.batches_start(len(rows)))
                if stop is None or first + len(rows) < stop:
                    fill_rows(rows, job, partial(_predictor, pickled), first, stop, show=False)
                return rows.read()
        time.sleep(_WAIT_S)  # a worker that was given up for dead still holds the file


@lru_cache(maxsize=1)
def _predictor(pickled: bytes) -> Predict:
    """Make the predictor of a network once per worker, on the cores that are its share."""
    load_predictor, snapshot, expected, _ = pickle.loads(pickled)
    if fingerprint(snapshot) != expected:
        raise ToolboxError(
            f"{snapshot} is another file on {socket.gethostname()} than where the analysis was started: make them equal"
        )
    if cores := os.environ.get(_CORES):
        os.sched_setaffinity(0, map(int, cores.split(",")))  # threads that this one starts inherit it
    return load_predictor()


@contextmanager
def open_cluster(address: str | None = None, workers: int = 1) -> Iterator[Client]:
    """Connect to a cluster, or start one on this machine for the time of the block.

    Parameters
    ----------
    address : str, optional
        Of a Dask scheduler that runs already.
    workers : int
        Number of local processes, when there is no address; each sees one GPU, in turn, where there are any, and
        otherwise has its share of the cores.

    Yields
    ------
    distributed.Client
        Of the cluster.

    Raises
    ------
    ToolboxError
        When Dask is not installed, or no scheduler answers.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ToolboxError(f'{error}: to use several workers, install Dask with pip install -e ".[dask]"') from error
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if address:
        try:
            client = distributed.Client(address)
        except (OSError, ValueError, distributed.TimeoutError) as error:
            raise ToolboxError(
                f"no Dask scheduler answers at {address} ({error}); start one with: dask scheduler"
            ) from error
        with client:
            yield client
        return
    options = [{"nthreads": 1, "memory_limit": 0, "env": env} for env in _environments(workers)]
    local = {"dashboard": False, "dashboard_address": ":0", "host": "127.0.0.1"}
    scheduler = {"cls": distributed.Scheduler, "options": local}
    nannies = {number: {"cls": distributed.Nanny, "options": option} for number, option in enumerate(options)}
    with (
        dask.config.set(_LOCAL_WORKERS),
        distributed.SpecCluster(nannies, scheduler) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _environments(workers: int) -> list[dict[str, str]]:
    """Share the GPUs, or else the cores, of this machine among workers."""
    gpus = _gpus()
    if gpus:
        return [{"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} for number in range(workers)]
    if not hasattr(os, "sched_getaffinity"):
        return [{}] * workers
    cores = sorted(os.sched_getaffinity(0))
    shares = (cores[number::workers] or [cores[number % len(cores)]] for number in range(workers))
    return [{_CORES: ",".join(map(str, share))} for share in shares]


def _gpus() -> list[str]:
    """List the NVIDIA GPUs that this process may use."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [gpu.strip() for gpu in allowed.split(",") if gpu.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return asked.stdout.split() if asked.returncode == 0 else []
