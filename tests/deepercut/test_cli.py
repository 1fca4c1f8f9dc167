"""What the trainer's scripts do around their work."""

import io
import logging
import subprocess
import sys

import pytest

from deepercut import DeepercutError, cli

pytestmark = pytest.mark.usefixtures("own_handlers")


CODE = """
from absl import logging
from deepercut import cli
cli.run(lambda: logging.info("Function `serve` contains input name(s) resource"), "")
"""


def test_a_console_of_few_characters_gets_the_others_escaped(monkeypatch: pytest.MonkeyPatch):
    def main() -> None:
        raise DeepercutError("no folder Mäuse/\N{CJK UNIFIED IDEOGRAPH-9F20}")

    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's
    assert cli.run(main, "Go on.") == 1
    console.flush()
    assert console.buffer.getvalue() == "Error: no folder Mäuse/\\u9f20\n".encode("cp1252")


def test_notes_of_libraries_are_not_shown():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
