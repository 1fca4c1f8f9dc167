"""What holds for every hostile input: one clear line, exit code 1, and no file changed or left half-written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts.conftest import run_here as run_here  # the scripts in this process


def contents(folder: Path) -> dict[str, str]:
    """Return a hash of every file below a folder, hidden ones too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def refused(run_here: Callable[..., tuple[int, str]]) -> Callable[..., str]:
    """``refused(project, script, *arguments)``: run a step that must stop cleanly; returns its last line."""

    def run(project: Path, script: str, *arguments: object) -> str:
        before = contents(project)
        code, output = run_here(script, "--project", project, *arguments)
        assert code == 1, output
        assert "Traceback" not in output
        assert contents(project) == before, "a refusal changed or left files"
        last = output.strip().splitlines()[-1]
        assert last.startswith("Error: "), output
        return last

    return run
