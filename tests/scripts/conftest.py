"""Run scripts as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dlc_toolbox.layout import CHECKOUT


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """``run_script(script, *arguments)``: run a script of the checkout from a foreign, empty directory."""

    def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        command = [sys.executable, str(CHECKOUT / script), *map(str, arguments)]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert list(elsewhere.iterdir()) == [], "a script wrote into the working directory"
        return done

    return run
