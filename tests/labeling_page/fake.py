"""A labeling server without files: it answers as the real one does, from dictionaries, for the tests of the page.

``python tests/labeling_page/fake.py [parts]`` serves it for a look by eye.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PAGE = Path(__file__).parents[2] / "dlc_toolbox" / "labeling" / "page"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#bbbbbb", "#8c6bb1", "#66c2a5")
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "star")
MOUSE = ("nose", "left_ear", "right_ear", "tail")
MANY = (*MOUSE, "left_eye", "right_eye", "neck", "spine_1", "spine_2", "spine_3", "left_forepaw", "right_forepaw",
        "left_hindpaw", "right_hindpaw", "tail_base", "tail_middle", "tail_tip")  # fmt: skip
HIDDEN = "not visible"


def bodyparts(names: tuple[str, ...]) -> list[dict]:
    """Return the body parts as the page gets them, twins by left and right."""
    twins = {name: name.replace("left", "right") if "left" in name else name.replace("right", "left") for name in names}
    return [
        {
            "name": name,
            "color": COLORS[at % len(COLORS)],
            "marker": MARKERS[at // len(COLORS)],
            "partner": twins[name] if twins[name] != name else None,
        }
        for at, name in enumerate(names)
    ]


def places(names: tuple[str, ...], number: int) -> dict[str, list[float]]:
    """Return where the parts of the drawn animal are in an image."""
    turn = 0.3 * number
    center = np.array([320 + 40 * np.cos(turn), 240 + 30 * np.sin(turn)])
    found = {}
    for at, name in enumerate(names):
        side = -1 if "left" in name else 1 if "right" in name else 0
        along = 150 - 300 * at / max(len(names) - 1, 1)
        offset = np.array([along, side * (30 + at)])
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        found[name] = [round(float(value), 2) for value in center + rotation @ offset]
    return found


def draw(names: tuple[str, ...], number: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """Return a PNG of an animal of dots on a lit floor."""
    y, x = np.mgrid[: size[1], : size[0]]
    light = 150 - 0.12 * np.hypot(x - size[0] / 2, y - size[1] / 2)
    noise = np.random.default_rng(number).normal(0, 5, (size[1], size[0]))
    image = np.clip(np.stack([light + noise] * 3, -1), 0, 255).astype(np.uint8)
    points = np.array(list(places(names, number).values()))
    cv2.polylines(image, [points.round().astype(int)[points[:, 0].argsort()]], False, (60, 55, 50), 46, cv2.LINE_AA)
    for px, py in points:
        cv2.circle(image, (round(px), round(py)), 4, (225, 220, 210), -1, cv2.LINE_AA)
    return cv2.imencode(".png", image)[1].tobytes()


class Lab:
    """A project in memory; tests change it and look at it while the page is open."""

    def __init__(self, names: tuple[str, ...] = MOUSE, images: int = 6, size: tuple[int, int] = (640, 480)) -> None:
        self.names = names
        self.size = size
        self.folders = {"vid1": images, "vid2": images}
        self.points: dict[str, dict] = {}
        self.accepted: dict[str, set[str]] = {}
        self.left_out: set[str] = set()
        self.versions: dict[str, int] = {}
        self.machine: dict[str, dict] = {}
        self.others: dict[str, dict] = {}
        self.conflicts: dict[str, dict] = {}
        self.ranks: dict[str, float] = {}
        self.picked: list[int] = []
        self.failure: tuple[int, str] | None = None  # answered to each PUT
        self.delay = 0.0  # seconds before each PUT is answered
        self.puts: list[tuple[str, dict]] = []
        self.listeners: list[asyncio.Queue] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.extra: dict = {}  # fields of the project that a test wants otherwise
        self.jobs: list[dict] = []
        self.numbers: dict[str, int] = {}
        self.draw = draw  # (names, number, size) -> PNG
        for folder, count in self.folders.items():
            for number in range(count):
                self.add(f"{folder}/img{number:03d}.png", number + 50 * (folder == "vid2"))

    def add(self, key: str, number: int) -> None:
        """Add an image that nobody labeled."""
        self.numbers[key] = number
        self.points[key] = dict.fromkeys(self.names)
        self.accepted[key] = set()
        self.versions[key] = 1

    def hash(self, key: str) -> str:
        return hashlib.sha1(f"{key} {self.numbers[key]}".encode()).hexdigest()[:12]

    def set(self, key: str, points: dict, accepted: tuple[str, ...] = (), left_out: bool | None = None) -> None:
        """Change labels as another program would; the page hears of it."""
        self.points[key].update(points)
        self.accepted[key] = (self.accepted[key] - set(points)) | set(accepted)
        if left_out is not None:
            (self.left_out.add if left_out else self.left_out.discard)(key)
        for part in points:
            self.conflicts.get(key, {}).pop(part, None)
        self.versions[key] += 1
        folder, name = key.split("/")
        self.tell("labels", {"folder": folder, "name": name, "version": str(self.versions[key])})

    def tell(self, event: str | None, data: dict) -> None:
        """Send an event to every open page; None hangs up."""
        for queue in self.listeners:
            self.loop.call_soon_threadsafe(queue.put_nowait, (event, data))

    def state_of(self, key: str) -> str:
        if key in self.left_out:
            return "left out"
        done = sum(value is not None for value in self.points[key].values())
        return "open" if not done else "begun" if done < len(self.names) else "done"

    def warnings(self, key: str) -> list[dict]:
        placed = {part: at for part, at in self.points[key].items() if isinstance(at, list)}
        names = list(placed)
        pairs = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
        near = [(one, other) for one, other in pairs if np.hypot(*np.subtract(placed[one], placed[other])) < 2]
        return [{"part": other, "text": f"{other} lies on the same place as {one}"} for one, other in near]

    def state(self, key: str) -> dict:
        folder, name = key.split("/")
        order = [other for other in self.points if other.startswith(f"{folder}/")]
        before = [other for other in order[: order.index(key)] if self.state_of(other) in ("begun", "done")]
        last = {part: at for part, at in self.points[before[-1]].items() if isinstance(at, list)} if before else None
        return {
            "folder": folder,
            "name": name,
            "version": str(self.versions[key]),
            "image": {"hash": self.hash(key), "width": self.size[0], "height": self.size[1]},
            "state": self.state_of(key),
            "points": self.points[key],
            "accepted": sorted(self.accepted[key]),
            "machine": self.machine.get(key, {}),
            "others": self.others.get(key, {}),
            "previous": last,
            "warnings": self.warnings(key),
            "conflicts": self.conflicts.get(key, {}),
            "saved_at": None,
        }

    def entry(self, key: str) -> dict:
        values = self.points[key]
        return {
            "name": key.split("/")[1],
            "state": self.state_of(key),
            "placed": sum(isinstance(at, list) for at in values.values()),
            "hidden": sum(at == HIDDEN for at in values.values()),
            "machine": sum(values.get(part) is None for part in self.machine.get(key, {})),
            "rank": self.ranks.get(key),
        }

    def project(self) -> dict:
        folders = dict.fromkeys(key.split("/")[0] for key in self.points)
        project = {
            "task": "mouse",
            "scorer": "Ann",
            "scorers": ["Ann", "Bob"],
            "writable": True,
            "why": None,
            "bodyparts": bodyparts(self.names),
            "skeleton": [["nose", "left_ear"], ["nose", "right_ear"]],
            "multibodypartsfile": False,
            "invisibleboundary": 0,
            "notices": [],
            "questions": [],
            "folders": [
                {
                    "name": folder,
                    "video": "vid1.avi" if folder == "vid1" else None,
                    "why_no_video": None if folder == "vid1" else "The video of vid2 is not at hand.",
                    "images": [self.entry(key) for key in self.points if key.startswith(f"{folder}/")],
                }
                for folder in folders
            ],
            "videos": [{"name": "vid1.avi", "frames": 1000, "fps": 30.0}],
            "help": {
                "can_suggest": False,
                "why_not_suggest": "no network fits these body parts",
                "can_train": False,
                "why_not_train": "label 12 more images",
                "helper": None,
                "jobs": self.jobs,
            },
        }
        return copy.deepcopy({**project, **self.extra})

    def accept(self, body: dict) -> dict:
        changes = []
        for key, found in self.machine.items():
            folder, name = key.split("/")
            if folder != body["folder"] or key in self.left_out or body["name"] not in (None, name):
                continue
            least = body["likelihood"] or 0
            parts = [
                part for part, (_, _, sure) in found.items() if self.points[key][part] is None and (sure or 0) >= least
            ]
            if parts:
                self.set(key, {part: found[part][:2] for part in parts}, tuple(parts))
                version = str(self.versions[key])
                changes.append({"folder": folder, "name": name, "parts": parts, "version": version})
        return {"accepted": sum(len(change["parts"]) for change in changes), "changes": changes}


def app_of(lab: Lab) -> Starlette:
    """Return the routes of the contract over a lab."""

    def key_of(request: Request) -> str:
        return f"{request.path_params['folder']}/{request.path_params['name']}"

    def png(data: bytes, **headers: str) -> Response:
        return Response(data, media_type="image/png", headers=headers)

    async def index(request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": CSP, "Cache-Control": "no-store"})

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / request.path_params["file"], headers={"Cache-Control": "no-store"})

    async def project(request: Request) -> Response:
        return JSONResponse(lab.project())

    async def image(request: Request) -> Response:
        key = key_of(request)
        if request.query_params.get("v") != lab.hash(key):
            return JSONResponse({"error": "another version"}, 404)
        data = await asyncio.to_thread(lab.draw, lab.names, lab.numbers[key], lab.size)
        return png(data, **{"Cache-Control": "private, max-age=31536000, immutable"})

    async def neighbour(request: Request) -> Response:
        number = lab.numbers[key_of(request)] + int(request.path_params["offset"])
        return png(draw(lab.names, abs(number), lab.size))

    async def video(request: Request) -> Response:
        frame = request.path_params["frame"]
        if request.method == "GET":
            return png(draw(lab.names, frame, lab.size))
        lab.picked.append(frame)
        lab.add(f"vid1_picked/img{frame:03d}.png", frame)
        lab.tell("project", {})
        return JSONResponse({"folder": "vid1_picked", "name": f"img{frame:03d}.png"})

    async def labels(request: Request) -> Response:
        key = key_of(request)
        if request.method == "GET":
            return JSONResponse(lab.state(key))
        body = await request.json()
        if lab.delay:
            await asyncio.sleep(lab.delay)
        if lab.failure:
            return JSONResponse({"error": lab.failure[1]}, lab.failure[0])
        if body["version"] != str(lab.versions[key]):
            return JSONResponse(lab.state(key), 409)
        lab.puts.append((key, body))
        lab.set(key, body["points"], tuple(body.get("accepted", ())), body.get("left_out"))
        return JSONResponse(lab.state(key))

    async def accept(request: Request) -> Response:
        return JSONResponse(lab.accept(await request.json()))

    async def answer(request: Request) -> Response:
        asked = (await request.json())["id"]
        lab.extra["questions"] = [question for question in lab.extra["questions"] if question["id"] != asked]
        return JSONResponse(lab.project())

    async def job(request: Request) -> Response:
        kind = request.url.path.rsplit("/", 1)[1]
        if kind == "cancel":
            lab.jobs[-1] |= {"state": "cancelled", "message": "Cancelled."}
        else:
            lab.jobs.append({"id": str(len(lab.jobs)), "kind": kind, "state": "running", "progress": 0.25,
                             "message": "Iteration 60 of 250, 3 minutes left.", "log": ["loss 0.02"]})  # fmt: skip
        return JSONResponse(lab.jobs[-1])

    async def events(request: Request) -> Response:
        queue: asyncio.Queue = asyncio.Queue()
        lab.loop = asyncio.get_running_loop()
        lab.listeners.append(queue)

        async def stream():
            yield "event: hello\ndata: {}\n\n"
            while True:
                event, data = await queue.get()
                if event is None:
                    return
                yield f"event: {event}\ndata: {json.dumps(data)}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    both, post = ["GET", "PUT", "POST"], ["POST"]
    return Starlette(
        routes=[
            Route("/", index),
            Route("/page/{file}", page),
            Route("/api/project", project),
            Route("/api/images/{folder}/{name}", image),
            Route("/api/neighbour/{folder}/{name}/{offset}", neighbour),
            Route("/api/video/{video}/{frame:int}", video, methods=both),
            Route("/api/labels/{folder}/{name}", labels, methods=both),
            Route("/api/accept", accept, methods=post),
            Route("/api/answer", answer, methods=post),
            Route("/api/suggest", job, methods=post),
            Route("/api/helper", job, methods=post),
            Route("/api/cancel", job, methods=post),
            Route("/api/events", events),
        ]
    )


@contextmanager
def serving(lab: Lab, port: int = 0) -> Iterator[str]:
    """Serve a lab in a thread; yield its address."""
    config = uvicorn.Config(app_of(lab), port=port, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)


if __name__ == "__main__":
    with serving(Lab(MANY if sys.argv[1:] == ["17"] else MOUSE), 8123) as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        threading.Event().wait()
