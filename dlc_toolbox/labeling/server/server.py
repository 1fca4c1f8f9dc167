"""The server of the labeling page: routes of a few lines over the store."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dlc_common import UsersError
from dlc_toolbox.labeling.errors import BusyError, RefusedError, StaleError, UnknownError, WrongInputError
from dlc_toolbox.labeling.events import Events
from dlc_toolbox.labeling.help.help import Help
from dlc_toolbox.labeling.server.guard import Guard
from dlc_toolbox.labeling.store.store import LabelStore

log = logging.getLogger(__name__)

PAGE = Path(__file__).parents[1] / "page"

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
_LOOK_EVERY_S = 1.0
_PING_EVERY_S = 15.0
_STATUS: dict[type[Exception], int] = {UnknownError: 404, RefusedError: 403, WrongInputError: 400, BusyError: 409}


class News:
    """Events on their way from the threads of the store to the pages."""

    def __init__(self, events: Events):
        self._events = events
        self._queues: set[asyncio.Queue[str | None]] = set()

    async def stream(self) -> AsyncIterator[str]:
        """Yield what one page is sent, until the server ends."""
        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def hear(kind: str, data: dict[str, Any]) -> None:
            text = f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
            loop.call_soon_threadsafe(waiting.put_nowait, text)

        stop = self._events.listen(hear)
        self._queues.add(waiting)
        try:
            yield "retry: 1000\nevent: hello\ndata: {}\n\n"
            while True:
                try:
                    text = await asyncio.wait_for(waiting.get(), _PING_EVERY_S)
                except asyncio.TimeoutError:
                    text = ": still there\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._queues.discard(waiting)
            stop()

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            queue.put_nowait(None)


class Watcher:
    """Looks at the disk now and then, in a thread of its own.

    Parameters
    ----------
    look : callable
        What it does.
    """

    def __init__(self, look: Callable[[], None]):
        self._look, self._ended = look, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name=look.__name__)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the present look."""
        self._ended.set()

    def _work(self) -> None:
        """Look until the end; a disk that refuses is no reason to stop."""
        while not self._ended.wait(_LOOK_EVERY_S):
            try:
                self._look()
            except (UsersError, OSError) as error:
                log.warning("%s", error)


def make_app(
    store: LabelStore, help: Help, *, token: str, port: int, host: str = "127.0.0.1", news: News | None = None
) -> Guard:
    """Make the application.

    Parameters
    ----------
    store : LabelStore
        What the page shows and changes.
    help : Help
        Help from a network.
    token : str
        The secret in the address.
    port : int
        The server's.
    host : str
        The address that it listens on.
    news : News, optional
        To be closed before the server waits for its connections.

    Returns
    -------
    Guard
        An ASGI application.
    """
    news, watchers = news or News(store.events), [Watcher(store.refresh), Watcher(store.probe_videos)]

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        for watcher in watchers:
            watcher.start()
        yield
        for watcher in watchers:
            watcher.close()
        help.jobs.close()

    routes = _Routes(store, help, news)
    app = Starlette(
        routes=routes.table(), lifespan=life, exception_handlers={UsersError: _explain, HTTPException: _say}
    )
    return Guard(app, token, port, host)


class _Routes:
    """The addresses of the server; everything that waits for a disk runs in a thread."""

    def __init__(self, store: LabelStore, help: Help, news: News):
        self._store, self._help, self._news = store, help, news
        self._page = {path.name: path for path in PAGE.glob("*") if path.is_file()}

    def table(self) -> list[Route]:
        """List addresses, methods and what answers."""
        image, frame = "{folder}/{name}", "{name}/{frame:int}"
        return [
            Route("/", self.index),
            Route("/page/{file}", self.page),
            Route("/api/project", self.project),
            Route("/api/answer", self.answer, methods=["POST"]),
            Route(f"/api/images/{image}", self.image),
            Route(f"/api/neighbour/{image}/{{offset}}", self.neighbour),
            Route(f"/api/video/{frame}", self.video_frame),
            Route(f"/api/video/{frame}", self.pick, methods=["POST"]),
            Route(f"/api/labels/{image}", self.labels),
            Route(f"/api/labels/{image}", self.save, methods=["PUT"]),
            Route("/api/accept", self.accept, methods=["POST"]),
            Route("/api/suggest", self.suggest, methods=["POST"]),
            Route("/api/helper", self.train, methods=["POST"]),
            Route("/api/cancel", self.cancel, methods=["POST"]),
            Route("/api/events", self.events),
        ]

    async def index(self, request: Request) -> Response:
        return self._static("index.html")

    async def page(self, request: Request) -> Response:
        return self._static(request.path_params["file"])

    async def project(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._project))

    async def answer(self, request: Request) -> Response:
        sent = await _sent(request)
        await run_in_threadpool(self._store.answer, _text(sent, "id"), _text(sent, "answer"))
        return await self.project(request)

    async def image(self, request: Request) -> Response:
        wanted = request.query_params.get("v")
        hash, png = await run_in_threadpool(self._store.image, *_names(request))
        if wanted not in (None, hash):
            raise UnknownError("the image has another content now")
        return Response(png, media_type="image/png", headers=_FOREVER if wanted else None)

    async def neighbour(self, request: Request) -> Response:
        offset = request.path_params["offset"]
        if offset not in ("-2", "-1", "0", "1", "2"):
            raise UnknownError("neighbours are at most 2 frames away")
        return _png(await run_in_threadpool(self._store.neighbour, *_names(request), int(offset)))

    async def video_frame(self, request: Request) -> Response:
        found = request.path_params
        return _png(await run_in_threadpool(self._store.video_frame, found["name"], found["frame"]))

    async def pick(self, request: Request) -> Response:
        found = request.path_params
        return JSONResponse(await run_in_threadpool(self._store.pick, found["name"], found["frame"]))

    async def labels(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._store.labels, *_names(request)))

    async def save(self, request: Request) -> Response:
        sent = await _sent(request)
        return JSONResponse(await run_in_threadpool(self._store.save, *_names(request), sent))

    async def accept(self, request: Request) -> Response:
        sent = await _sent(request)
        name, parts, likelihood = sent.get("name"), sent.get("parts"), sent.get("likelihood")
        if not (parts is None or (isinstance(parts, list) and all(isinstance(part, str) for part in parts))):
            raise WrongInputError("parts must be a list of names, or null")
        if not (likelihood is None or type(likelihood) in (int, float)):
            raise WrongInputError("likelihood must be a number, or null")
        accept = self._store.accept
        return JSONResponse(await run_in_threadpool(accept, _text(sent, "folder"), name, parts, likelihood))

    async def suggest(self, request: Request) -> Response:
        return await self._start("suggest")

    async def train(self, request: Request) -> Response:
        return await self._start("helper")

    async def cancel(self, request: Request) -> Response:
        try:
            job = self._help.jobs.cancel(_text(await _sent(request), "id"))
        except KeyError:
            raise UnknownError("there is no such job") from None
        return JSONResponse(job.as_json())

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self._news.stream(), media_type="text/event-stream")

    async def _start(self, kind: str) -> Response:
        """Start a kind of help."""
        job = await run_in_threadpool(self._help.start, kind)
        return JSONResponse(job.as_json())

    def _project(self) -> dict[str, Any]:
        """Return the project with the help that there is."""
        return {**self._store.project(), "help": self._help.as_json()}

    def _static(self, name: str) -> Response:
        """Return a file of the page."""
        if name not in self._page:
            raise UnknownError(f"the page has no file {name}")
        path = self._page[name]
        kind = _TYPES.get(path.suffix, "application/octet-stream")
        return FileResponse(path, media_type=kind, headers={"cache-control": "no-cache"})


def _explain(request: Request, error: Exception) -> Response:
    """Turn an error of the user's, or of the disk, into an answer."""
    if isinstance(error, StaleError):
        return JSONResponse(error.state, status_code=409)
    otherwise = 404 if request.method == "GET" else 507
    return JSONResponse({"error": str(error)}, status_code=_STATUS.get(type(error), otherwise))


def _say(request: Request, error: Exception) -> Response:
    """Answer to an address or a method that there is not, as to everything that is refused."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


def _png(content: bytes) -> Response:
    """Answer with a picture that has no lasting address."""
    return Response(content, media_type="image/png")


def _names(request: Request) -> tuple[str, str]:
    """Return the names of folder and image in an address."""
    return request.path_params["folder"], request.path_params["name"]


async def _sent(request: Request) -> dict[str, Any]:
    """Return what was sent."""
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise WrongInputError("what was sent is no json") from None
    if not isinstance(sent, dict):
        raise WrongInputError("what was sent is no json object")
    return sent


def _text(sent: dict[str, Any], key: str) -> str:
    """Return a text that must have been sent."""
    if not isinstance(sent.get(key), str):
        raise WrongInputError(f"{key} must be a text")
    return sent[key]
