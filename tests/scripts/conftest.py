"""Run scripts as users do."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlc_common import cli
from dlc_common.cli import CHECKOUT


def set_analysis(project: Path, **changes: object) -> None:
    """Add settings to a project's myconfig_analysis.py."""
    with (project / "myconfig_analysis.py").open("a") as file:
        file.writelines(f"{name} = {value!r}\n" for name, value in changes.items())


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """``run_script(script, *arguments)``: run a script of the checkout from a foreign directory, which stays empty."""

    def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        command = [sys.executable, str(CHECKOUT / script), *map(str, arguments)]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
        assert list(elsewhere.iterdir()) == [], "a script wrote into the working directory"
        return done

    return run


@pytest.fixture
def run_here(own_handlers: None, capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str]]:
    """``run_here(script, *arguments)``: the same in this process, which saves time; returns exit code and output."""

    def run(script: str, *arguments: object) -> tuple[int, str]:
        main = runpy.run_path(str(CHECKOUT / script))["main"]
        code = cli.run(main, [*map(str, arguments)])
        said = capsys.readouterr()
        return code, said.err + said.out if code == 0 else said.out + said.err  # what matters comes last

    return run


@pytest.fixture
def refuse(run_here: Callable[..., tuple[int, str]], capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """``refuse(script, *arguments)``: what a script says of wrong usage."""

    def run(script: str, *arguments: object) -> str:
        with pytest.raises(SystemExit) as end:
            run_here(script, *arguments)
        assert end.value.code == 2
        return capsys.readouterr().err

    return run


@pytest.fixture
def run(run_here, trained_project, tmp_path, monkeypatch, find_dots):
    """``run(script, *arguments)``: with a network that finds dots, on the trained toy, from a foreign directory."""
    from deepercut.inference import predict

    monkeypatch.setattr(predict, "load_predictor", lambda *arguments, **flags: find_dots)
    monkeypatch.chdir(tmp_path)
    return lambda script, *arguments: run_here(script, "--project", trained_project, *arguments)


@pytest.fixture
def precisions(monkeypatch):
    """``precisions(find_dots, int8=(0.1, 0))``: two engines, that of integers quicker and off by so much; the loads."""
    from deepercut.inference import engines, predict

    monkeypatch.setattr(engines, "choose_engine", lambda engine="auto": "openvino" if engine == "auto" else engine)
    monkeypatch.setattr(engines, "faster_engines", lambda: ["openvino-int8"])
    loads = []

    def install(find_dots, int8):
        def load_predictor(config_path, snapshot, engine="auto"):
            loads.append(engine)
            moved = np.array([*(int8 if engine == "openvino-int8" else (0, 0)), 0], np.float32)
            slow = engine != "openvino-int8"

            def find(frames):
                if slow and len(frames) == 1:
                    np.sort(np.tile(frames.astype(float), 20), axis=None)
                return find_dots(frames) + moved

            return find

        monkeypatch.setattr(predict, "load_predictor", load_predictor)
        return loads

    return install
