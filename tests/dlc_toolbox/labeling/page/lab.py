"""A project on disk, the real server over it, and the ways in which others touch the same files.

``python tests/dlc_toolbox/labeling/page/lab.py [parts]`` serves one for a look by eye.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import uvicorn

from dlc_toolbox.labeling.help.background import Jobs
from dlc_toolbox.labeling.help.help import Help, HelpKind
from dlc_toolbox.labeling.server.server import News, make_app
from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.labels.machine import write_machine_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import points, read_table

MOUSE = ("nose", "left_ear", "right_ear", "tail")
MANY = (*MOUSE, "left_eye", "right_eye", "neck", "spine_1", "spine_2", "spine_3", "left_forepaw", "right_forepaw",
        "left_hindpaw", "right_hindpaw", "tail_base", "tail_middle", "tail_tip")  # fmt: skip
HIDDEN = "not visible"
SIZE = (640, 480)
TOKEN = "secret"

SETTINGS = {
    "Task": "mouse",
    "date": "Jan1",
    "vidpath": "../videos",
    "filename": ["vid1.avi", "vid2.avi"],
    "Scorers": ["Ann"],
    "scorer": "Ann",
}
ANALYSIS = {
    "videofolder": "../videos/",
    "videotype": ".avi",
    "Task": "mouse",
    "date": "Jan1",
    "scorer": "Ann",
    "skeleton": [["nose", "left_ear"], ["nose", "right_ear"]],
}


def places(names: tuple[str, ...], number: int) -> dict[str, list[float]]:
    """Return where the parts of the drawn animal are in an image."""
    turn = 0.3 * number
    center = np.array([320 + 40 * np.cos(turn), 240 + 30 * np.sin(turn)])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = {}
    for at, name in enumerate(names):
        side = -1 if "left" in name else 1 if "right" in name else 0
        offset = np.array([150 - 300 * at / max(len(names) - 1, 1), side * (30 + at)])
        found[name] = [round(float(value), 2) for value in center + rotation @ offset]
    return found


def draw(names: tuple[str, ...], number: int) -> np.ndarray:
    """Return an animal of dots on a lit floor."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    image = (150 - 0.12 * np.hypot(x - SIZE[0] / 2, y - SIZE[1] / 2)).astype(np.uint8)
    at = np.array(list(places(names, number).values()))
    cv2.polylines(image, [at.round().astype(int)[at[:, 0].argsort()]], False, 55, 46, cv2.LINE_AA)
    for px, py in at:
        cv2.circle(image, (round(px), round(py)), 4, 220, -1, cv2.LINE_AA)
    return image


class Lab:
    """A project of two folders of four images each; tests change it and look at it while the page is open.

    Images are named by ``folder/name``. What is read back comes from the disk, as the next start of the program would
    read it.
    """

    def __init__(self, root: Path, names: tuple[str, ...] = MOUSE, images: int = 4, **settings: object) -> None:
        self.root, self.names, self.layout = root, names, Layout(root)
        self.data = self.layout.data_folder("mouse")
        self.numbers = {
            f"{folder}/img{number:03d}.png": number + 50 * (folder == "vid2")
            for folder in ("vid1", "vid2")
            for number in range(images)
        }
        root.mkdir(exist_ok=True)
        self.write_settings(bodyparts=list(names), **settings)
        text = "".join(f"{name} = {value!r}\n" for name, value in ANALYSIS.items())
        (root / "myconfig_analysis.py").write_text(text)
        for key, number in self.numbers.items():
            (self.data / key).parent.mkdir(parents=True, exist_ok=True)
            (self.data / key).write_bytes(_drawn(names, number))
        self.delay = 0.0  # seconds before labels are saved
        self.saves: list[tuple[str, dict]] = []
        self.commands: dict[str, list[str]] = {}  # that help with labeling
        self.refusals: dict[str, str] = {}  # why they cannot
        self.port = 0
        self._server: _Server | None = None

    def write_settings(self, **changes: object) -> None:
        """Write myconfig.py, with changes."""
        self.settings = {**getattr(self, "settings", SETTINGS), **changes}
        text = "".join(f"{name} = {value!r}\n" for name, value in self.settings.items())
        (self.root / "myconfig.py").write_text(text)

    # The server

    @property
    def address(self) -> str:
        """Where the page is; the server is started when it is first asked for."""
        if self._server is None:
            self.start()
        return f"http://127.0.0.1:{self.port}/?token={TOKEN}"

    def start(self) -> None:
        """Serve in a thread."""
        self.store = LabelStore(self.layout)
        self._save, self.store.save = self.store.save, self._slowly
        news = News(self.store.events)
        kinds = {
            kind: HelpKind(lambda kind=kind: self.commands[kind], lambda kind=kind: self.refusals.get(kind))
            for kind in self.commands
        }
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        help = Help(Jobs(self.store.events), kinds)
        app = make_app(self.store, help, token=TOKEN, port=self.port, news=news)
        self._server = _Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        self._server.news = news
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        """End the server."""
        if self._server is None:
            return
        self._server.should_exit = True
        self._thread.join(10)
        self.store.close()
        self._server = None

    def _slowly(self, folder: str, name: str, sent: dict) -> dict:
        """Save, as late as the test wants it."""
        time.sleep(self.delay)
        state = self._save(folder, name, sent)
        self.saves.append((f"{folder}/{name}", sent))
        return state

    # What is on disk

    def reread(self, key: str, scorer: str | None = None) -> dict:
        """Return the state of an image's labels."""
        reader = LabelStore(self.layout, scorer)
        try:
            return json.loads(json.dumps(reader.labels(*key.split("/"))))
        finally:
            reader.close()

    def at(self, key: str) -> dict[str, list[float] | str | None]:
        """Return where the parts are."""
        return self.reread(key)["points"]

    def state(self, key: str) -> str:
        """Return ``open``, ``begun``, ``done`` or ``left out``."""
        return self.reread(key)["state"]

    def table(self, scorer: str = "Ann") -> dict[str, dict[str, list[float]]]:
        """Return the label table that Step 2 makes: where the parts are, by image."""
        settings = load_settings(self.root)
        table: pd.DataFrame = read_table(convert_labels(self.layout, settings, scorer, overwrite=True))
        rows = zip(table.index, points(table, settings.bodyparts).tolist(), strict=True)
        return {
            row: {part: at for part, at in zip(self.names, values, strict=True) if at[0] == at[0]}
            for row, values in rows
        }

    # What others do

    def truth(self, key: str) -> dict[str, list[float]]:
        """Return where the parts are drawn."""
        return places(self.names, self.numbers[key])

    def set(self, key: str, points: dict, accepted: tuple[str, ...] = (), scorer: str | None = None) -> None:
        """Label in another tab of the same program, or, for another scorer, in another program."""
        folder, name = key.split("/")
        is_same = scorer is None and self._server is not None
        store = self.store if is_same else LabelStore(self.layout, scorer)
        sent = {"version": store.labels(folder, name)["version"], "points": points, "accepted": accepted}
        (self._save if is_same else store.save)(folder, name, sent)
        if not is_same:
            store.close()

    def fiji(self, folder: str, part: str, clicks: dict[int, tuple[float, float]]) -> None:
        """Save a csv file as Fiji does: over what is there. Images are counted from 1."""
        path = self.data / folder / f"{part}.csv"
        path.parent.mkdir(exist_ok=True)
        rows = [f"{at},{x},{y},{slice}\n" for at, (slice, (x, y)) in enumerate(clicks.items(), 1)]
        path.write_text(" ,X,Y,Slice\n" + "".join(rows))

    def suggest(self, likelihoods: dict[str, float], ranks: dict[str, float] | None = None, lag: float = 0.0) -> None:
        """Write machine labels of some images: the truth, `lag` px beside it."""
        for folder in sorted({key.split("/")[0] for key in likelihoods}):
            keys = [key for key in self.numbers if key.startswith(f"{folder}/")]
            known = np.array([key in likelihoods for key in keys])
            found = np.array([list(self.truth(key).values()) for key in keys]) + [lag, 0]
            found[~known] = np.nan
            sure = np.array([[likelihoods.get(key, np.nan)] * len(self.names) for key in keys])
            names = [Path(key).name for key in keys]
            worth = {Path(key).name: rank for key, rank in (ranks or {}).items() if key in keys}
            write_machine_labels(self.data / folder, names, self.names, found, sure, "helper", worth)

    def film(self, write_video: Callable[..., Path]) -> None:
        """Put vid1.avi there: 30 frames, each brighter than the one before."""
        frames = [np.full((SIZE[1], SIZE[0], 3), 8 * number, np.uint8) for number in range(30)]
        video = write_video(self.root / "videos" / "vid1.avi", frames)
        record = {"video": video.as_posix(), "frames": list(range(4)), "inputs": {}, "settings": {}}
        (self.data / "vid1" / "frames.json").write_text(json.dumps(record))


@cache
def _drawn(names: tuple[str, ...], number: int) -> bytes:
    """Return the file of a drawn image."""
    return cv2.imencode(".png", draw(names, number))[1].tobytes()


class _Server(uvicorn.Server):
    """A server that lets its pages go before it waits for them, as LabelFrames.py does."""

    news: News

    async def main_loop(self) -> None:
        """Look ten times as often as uvicorn whether the end has come: each test waits for it."""
        while not self.should_exit:
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.news.close()
        await super().shutdown(sockets)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "project", MANY if sys.argv[1:] == ["17"] else MOUSE)
        sys.stdout.write(f"{lab.address}\n")
        sys.stdout.flush()
        threading.Event().wait()
