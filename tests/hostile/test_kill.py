"""Every step is killed (SIGKILL) at random moments: what it leaves is whole, and running it again makes up for all.

DEEPLABCUT_KILLS=40 python -m pytest tests/hostile/test_kill.py -rA    40 kills of each step
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from dlc_toolbox.project.tables import read_table
from tests.hostile import tasks

pytestmark = [pytest.mark.campaign, pytest.mark.skipif(os.name == "nt", reason="no SIGKILL, no forkserver")]

KILLS = int(os.environ.get("DEEPLABCUT_KILLS", 3))
VARYING = ("duration_s", "decoding_frames_per_s", "inference_frames_per_s", "resumed_at_frame")


@pytest.fixture(scope="module")
def processes():
    """A server that forks processes in which the library is loaded already, so that kills hit the work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.hostile.tasks"])
    return context


def meaning(path: Path) -> object:
    """Return what a file holds, without what differs between two undisturbed runs; fails on half a file."""
    if path.suffix == ".h5":
        return read_table(path).to_csv()
    if path.suffix == ".json":
        return {key: value for key, value in json.loads(path.read_text()).items() if key not in VARYING}
    data = path.read_bytes()
    return data[128:] if path.suffix == ".mat" else data  # a .mat begins with the date


def state(project: Path) -> dict[str, object]:
    """Return what all files of a project hold but those in the making: .part-..., rows of an analysis, records."""
    files = [path for path in project.rglob("*") if path.is_file() and path.suffix != ".partial"]
    shown = [path for path in files if not any(part.startswith(".") for part in path.relative_to(project).parts)]
    sound = [path for path in shown if not path.name.startswith("snapshot-") and not tells_unfinished(path)]
    return {path.relative_to(project).as_posix(): meaning(path) for path in sound}


def tells_unfinished(path: Path) -> bool:
    """Tell the record of files that a run was about to replace, one by one."""
    return path.suffix == ".json" and json.loads(path.read_text()).get("unfinished", False)


def run(processes, task: str, project: Path, *, overwrite: bool = False, kill_after: float | None = None) -> int:
    """Run a task, or kill it after some seconds; return its exit code."""
    process = processes.Process(target=tasks.quietly, args=(task, project, overwrite))
    process.start()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


@pytest.mark.parametrize("task", ["step2", "step4", "evaluation", "analysis", "labeling"])
def test_killed_at_random_moments(processes, tmp_path, request, task):
    toy = request.getfixturevalue("toy_project" if task in ("step2", "step4") else "trained_project")
    for before in {"step4": ["step2"], "labeling": ["analysis"]}.get(task, []):
        assert run(processes, before, toy) == 0
    undisturbed = shutil.copytree(toy, tmp_path / "undisturbed")
    assert run(processes, task, undisturbed) == 0
    begun = time.perf_counter()
    assert run(processes, task, undisturbed, overwrite=True) == 0
    duration, expected, given = time.perf_counter() - begun, state(undisturbed), state(toy)
    rng, killed, tried = random.Random(task), 0, 0
    while killed < KILLS and tried < 10 * KILLS:
        tried += 1
        fresh = tried % 2 == 1  # in turn: the first run of all, and one over the outputs of another
        project = shutil.copytree(toy if fresh else undisturbed, tmp_path / f"killed {tried}")
        code = run(processes, task, project, overwrite=not fresh, kill_after=rng.uniform(0, duration))
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        left = state(project)
        assert given.items() <= left.items() <= expected.items(), "a file is neither old nor new"
        assert run(processes, task, project) == 0
        assert state(project) == expected
        shutil.rmtree(project)
    print(f"{task}: {killed} kills survived, of runs of {duration:.2f} s")
    assert killed == KILLS
