"""Small hand-made projects to label, and another program that saves csv files into them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import points, read_table

SETTINGS = {
    "Task": "toy",
    "date": "Jan1",
    "vidpath": "../videos",
    "filename": "toy.avi",
    "bodyparts": ["nose", "paw", "tail"],
    "Scorers": ["Ann"],
    "scorer": "Ann",
}


class Project:
    """A project of one folder of images, day1, of 80 x 60 pixels."""

    def __init__(self, root: Path, images: int, settings: dict):
        self.root, self.layout, self.settings = root, Layout(root), {**SETTINGS, **settings}
        self.folder = self.layout.data_folder("toy") / "day1"
        self.folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for number in range(images):
            pixels = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(self.folder / f"img{number}.png")
        self.write_settings()
        self.stores: list[LabelStore] = []

    def write_settings(self, **changes) -> None:
        """Write myconfig.py, with changes."""
        self.settings |= changes
        lines = [f"{name} = {value!r}\n" for name, value in self.settings.items()]
        (self.root / "myconfig.py").write_text("".join(lines))

    def open(self, scorer: str | None = None) -> LabelStore:
        """Open a store; those before it are closed as if their process had ended."""
        self.close()
        return self.open_another(scorer)

    def open_another(self, scorer: str | None = None) -> LabelStore:
        """Open a store beside those that are open."""
        self.stores.append(LabelStore(self.layout, scorer))
        return self.stores[-1]

    def close(self) -> None:
        """Close all stores."""
        while self.stores:
            self.stores.pop().close()

    def csv(self, part: str, scorer: str | None = None) -> Path:
        """Name the csv of a part."""
        return (self.folder / scorer if scorer else self.folder) / f"{part}.csv"

    def fiji_saves(self, part: str, text: str, scorer: str | None = None) -> None:
        """Save a csv as another program does, a while ago."""
        path = self.csv(part, scorer)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        earlier = path.stat().st_mtime - 10 - len(text) / 1000
        os.utime(path, (earlier, earlier))

    def table(self, scorer: str = "Ann") -> dict[str, list]:
        """Return the label table that Step 2 makes: by image, the place of each part, None where there is none."""
        settings = load_settings(self.root)
        table = read_table(convert_labels(self.layout, settings, scorer))
        return {
            row: [None if np.isnan(x) else (x, y) for x, y in of_row]
            for row, of_row in zip(table.index, points(table, settings.bodyparts).tolist(), strict=True)
        }


class Killed(BaseException):
    """The process has ended."""


@pytest.fixture
def killed_at(monkeypatch) -> Callable[[int, Callable[[], object]], bool]:
    """``killed_at(number, does)``: end a process before it replaces file `number`; tell whether it came so far."""

    def killed_at(number: int, does: Callable[[], object]) -> bool:
        left, real = iter(range(number)), Path.replace

        def replace(path: Path, target: Path) -> Path:
            if next(left, None) is None:
                raise Killed
            return real(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", replace)
            try:
                does()
            except Killed:
                return True
        return False

    return killed_at


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """``make_project(images=4, **settings)``."""
    made = []

    def make(images: int = 4, **settings) -> Project:
        made.append(Project(tmp_path / f"project {len(made)}", images, settings))
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.fixture
def project(make_project) -> Project:
    """Four images, nose, paw and tail, one scorer."""
    return make_project()


@pytest.fixture
def save() -> Callable[..., dict]:
    """``save(store, image, accepted=[], left_out=None, **points)``: what the page does."""

    def save(
        store: LabelStore, image: str, accepted: Sequence[str] = (), left_out=None, folder="day1", **points
    ) -> dict:
        version = store.labels(folder, image)["version"]
        sent = {"version": version, "points": points, "accepted": list(accepted), "left_out": left_out}
        return store.save(folder, image, sent)

    return save
