"""What the trainer's scripts do around their work, in a process of its own."""

import subprocess
import sys

CODE = """
from absl import logging
from deepercut import cli
cli.run(lambda: logging.info("Function `serve` contains input name(s) resource"), "")
"""


def test_notes_of_libraries_are_not_shown():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
