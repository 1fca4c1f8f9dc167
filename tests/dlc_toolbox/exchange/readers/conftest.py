"""Files of other programs, and images to go with labels that tests write themselves."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlc_common.cli import CHECKOUT
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.exchange.readers.recognise import read_labels

PARTS = ["nose", "tail base", "ear.left"]
PLACES = {
    0: [[10.25, 20.5], [30.0, 40.75], [np.nan, np.nan]],
    5: [[1.0, 2.0], [np.nan, np.nan], [3.5, 4.5]],
    11: [[63.0, 47.0], [0.0, 0.0], [np.nan, np.nan]],
}
"""What make.py put into each file: by frame x and y of each part."""


@pytest.fixture(scope="session")
def foreign_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of tests/fixtures/foreign.zip, which foreign/make.py made with the programs themselves."""
    folder = tmp_path_factory.mktemp("foreign")
    with zipfile.ZipFile(CHECKOUT / "tests" / "fixtures" / "foreign.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def foreign(foreign_files: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may change."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for path in foreign_files.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Found]:
    """``read(path, **flags)``: what is found; Ann labeled where nothing tells."""
    return lambda path, **flags: read_labels(path, tmp_path / "scratch", scorer="Ann", **flags)


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    """``images("day1/img1.png", ..., size=(64, 48))``: a folder with gray images, each of a shade of its own."""

    def write(*names: str, size: tuple[int, int] = (64, 48)) -> Path:
        for shade, name in enumerate(names):
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", size, (shade, 9, 9)).save(path)
        return tmp_path / "set"

    return write


@pytest.fixture
def write_json() -> Callable[[Path, Any], Path]:
    """``write_json(path, content)``: the path."""

    def write(path: Path, content: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write
