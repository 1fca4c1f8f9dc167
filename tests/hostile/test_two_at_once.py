"""Two runs of a step at the same moment in one project."""

import multiprocessing
import os
import time

import pytest

from tests.hostile.tasks import quietly
from tests.hostile.test_kill import processes as processes
from tests.hostile.test_kill import run, state

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no forkserver")


def run_both(context: multiprocessing.context.BaseContext, task: str, project) -> list[int]:
    """Run a task twice at once; return both exit codes."""
    both = [context.Process(target=quietly, args=(task, project, True)) for _ in range(2)]
    for process in both:
        process.start()
        time.sleep(0.05)
    for process in both:
        process.join()
    return [process.exitcode for process in both]


@pytest.mark.parametrize("task", ["step2", "step4", "evaluation", "analysis", "labeling"])
def test_two_runs_give_what_one_gives(processes, tmp_path, request, task):
    project = request.getfixturevalue("toy_project" if task in ("step2", "step4") else "trained_project")
    for before in {"step4": ["step2"], "labeling": ["analysis"]}.get(task, []):
        assert run(processes, before, project) == 0
    assert run(processes, task, project) == 0
    expected = state(project)
    assert run_both(processes, task, project) == [0, 0]
    assert state(project) == expected
    assert not list(project.rglob(".part-*"))
