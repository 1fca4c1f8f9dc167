"""The disk is full at random moments of every step: one clear line, whole files, and the next run makes up for all.

DEEPLABCUT_FILLS=40 python -m pytest tests/hostile/test_full_disk.py -rA    40 full disks for each step

A limit on the size of a file stands for the full disk: the system refuses to write on, in the middle of a file.
"""

from __future__ import annotations

import os
import random
import shutil

import pytest

from tests.hostile import tasks
from tests.hostile.test_kill import processes as processes
from tests.hostile.test_kill import run, state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such limit")

FILLS = int(os.environ.get("DEEPLABCUT_FILLS", 3))


def run_full(processes, task, project, most_bytes: int, overwrite: bool) -> int:
    """Run a task that may write files of so many bytes; return its exit code."""
    process = processes.Process(target=tasks.on_full_disk, args=(task, project, overwrite, most_bytes))
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("task", ["step2", "step4", "evaluation", "analysis", "labeling"])
def test_full_at_random_moments(processes, tmp_path, request, task):
    toy = request.getfixturevalue("toy_project" if task in ("step2", "step4") else "trained_project")
    for before in {"step4": ["step2"], "labeling": ["analysis"]}.get(task, []):
        assert run(processes, before, toy) == 0
    undisturbed = shutil.copytree(toy, tmp_path / "undisturbed")
    assert run(processes, task, undisturbed) == 0
    expected, given = state(undisturbed), state(toy)
    made = [(undisturbed / name).stat().st_size for name in expected.keys() - given.keys()]
    rng, codes = random.Random(task), []
    for number in range(FILLS):
        fresh = number % 2 == 0
        project = shutil.copytree(toy if fresh else undisturbed, tmp_path / f"full {number}")
        codes.append(run_full(processes, task, project, rng.randrange(max(made)), overwrite=not fresh))
        left = state(project)
        assert given.items() <= left.items() <= expected.items(), "a file is neither old nor new"
        assert not list(project.rglob(".part-*")), "something half-written is left"
        assert run(processes, task, project) == 0
        assert state(project) == expected
        shutil.rmtree(project)
    print(f"{task}: {FILLS} full disks survived")
    assert codes == [1] * FILLS
