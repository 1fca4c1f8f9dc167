"""The disk is full at random moments of every step, or read-only: one clear line, whole files, and the next run makes
up for all.

DEEPLABCUT_FILLS=40 python -m pytest tests/hostile/test_full_disk.py -rA    40 full disks for each step

A limit on the size of a file stands for the full disk: the system refuses to write on, in the middle of a file.
"""

from __future__ import annotations

import os
import random
import shutil
import sys

import pytest

from tests.hostile import tasks
from tests.hostile.test_kill import processes as processes
from tests.hostile.test_kill import run, state

pytestmark = [pytest.mark.campaign, pytest.mark.skipif(os.name == "nt", reason="no such limit")]

FILLS = int(os.environ.get("DEEPLABCUT_FILLS", 3))


TASKS = ["step2", "step4", "evaluation", "analysis", "labeling"]


def exit_code(processes, target, *arguments) -> int:
    """Run a function of `tasks` in a process of its own; return its exit code."""
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("task", TASKS)
def test_full_at_random_moments(processes, tmp_path, request, task):
    toy = request.getfixturevalue("toy_project" if task in ("step2", "step4") else "trained_project")
    for before in {"step4": ["step2"], "labeling": ["analysis"]}.get(task, []):
        assert run(processes, before, toy) == 0
    undisturbed = shutil.copytree(toy, tmp_path / "undisturbed")
    assert run(processes, task, undisturbed) == 0
    expected, given = state(undisturbed), state(toy)
    made = [(undisturbed / name).stat().st_size for name in expected.keys() - given.keys()]
    rng = random.Random(task)
    for number in range(FILLS):
        fresh = number % 2 == 0
        project = shutil.copytree(toy if fresh else undisturbed, tmp_path / f"full {number}")
        code = exit_code(processes, tasks.on_full_disk, task, project, not fresh, rng.randrange(max(made)))
        assert code == 1 or (code == 0 and not fresh)  # what would stay the same need not be written
        left = state(project)
        assert given.items() <= left.items() <= expected.items(), "a file is neither old nor new"
        assert not list(project.rglob(".part-*")), "something half-written is left"
        assert run(processes, task, project) == 0
        assert state(project) == expected
        shutil.rmtree(project)
    print(f"{task}: {FILLS} full disks survived")


@pytest.mark.skipif(sys.platform != "linux", reason="privileges are given up in Linux's way")
@pytest.mark.parametrize("task", TASKS)
def test_read_only(processes, request, task):
    project = request.getfixturevalue("toy_project" if task in ("step2", "step4") else "trained_project")
    for before in {"step4": ["step2"], "labeling": ["analysis"]}.get(task, []):
        assert run(processes, before, project) == 0
    given, folders = state(project), [project, *(path for path in project.rglob("*") if path.is_dir())]
    modes = {folder: folder.stat().st_mode for folder in folders}
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert exit_code(processes, tasks.on_read_only_disk, task, project, False) == 1
        assert state(project) == given
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert run(processes, task, project) == 0
