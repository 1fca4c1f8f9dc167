"""Run the server of the labeling page until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
import webbrowser
import zlib
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import uvicorn

from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.help.background import Jobs
from dlc_toolbox.labeling.help.help import Help
from dlc_toolbox.labeling.server.server import News, make_app
from dlc_toolbox.labeling.store.store import LabelStore

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0  # for a server to start
_PORTS = range(20000, 30000)  # below those that systems give to connections that go out
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def serve(
    store: LabelStore,
    host: str,
    port: int,
    *,
    opens_browser: bool,
    help: Help | None = None,
    first: tuple[str, str | None] | None = None,
) -> None:
    """Serve the page; returns after Ctrl-C, or at once in a notebook, whose kernel serves on until it ends.

    Parameters
    ----------
    store : LabelStore
        What the page shows and changes; it is closed in the end.
    host : str
        Address to listen on.
    port : int
        0: the project's own where it is free, so that a page that was open before finds the program again; else any.
    opens_browser : bool
        Whether to open the page.
    help : Help, optional
        Help from a network.
    first : (str, str or None), optional
        Image, ``<folder>/<name>``, and body part that are shown first; default the first image that is not finished.

    Raises
    ------
    UsersError
        When the port is taken, or the host is none of this machine's.
    """
    listening = _listen(host, port) if port else _listen_for(store.contents.layout.root, host)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    news = News(store.events)
    app = make_app(store, help or Help(Jobs(store.events)), token=token, port=port, host=host, news=news)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/?token={token}{_place(*first) if first else ''}"
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, log_config=None)
    server = _Server(config, address, opens_browser, news)
    if store.why_not_writable:
        log.warning("%s", store.why_not_writable)
    if host not in _LOOPBACK:
        log.warning(
            "--host %s: whoever reaches port %d of this machine and knows the address below sees and changes the "
            "labels, and what is sent can be read on the way. An ssh tunnel is safer: ssh -L %d:127.0.0.1:%d",
            *(host, port, port, port),
        )
    if _is_notebook():
        threading.Thread(target=_run, args=(server, listening, store), daemon=True, name="labeling page").start()
        server.is_ready.wait(_PATIENCE_S)  # the address is printed below the cell that is running
    else:
        _run(server, listening, store)


def _place(image: str, part: str | None) -> str:
    """Return what follows an address so that the page begins with an image and body part.

    >>> _place("day 1/img3.png", "paw")
    '#image=day%201%2Fimg3.png&part=paw'
    """
    return "#" + urlencode({"image": image, **({"part": part} if part else {})}, quote_via=quote, safe="")


def _run(server: uvicorn.Server, listening: socket.socket, store: LabelStore) -> None:
    """Serve until the end."""
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        log.debug("ended by Ctrl-C")
    finally:
        listening.close()
        store.close()


def _is_notebook() -> bool:
    """Tell whether this thread runs an event loop already, as the kernels of notebooks do."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Server(uvicorn.Server):
    """A server that says when it is ready, and lets its pages go before it waits for them."""

    def __init__(self, config: uvicorn.Config, address: str, opens_browser: bool, news: News):
        super().__init__(config)
        self._address, self._opens_browser, self._news = address, opens_browser, news
        self.is_ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if not self.started:
            return
        log.info("Label at %s (Ctrl-C ends)", self._address)
        self.is_ready.set()
        if self._opens_browser:
            threading.Thread(target=webbrowser.open, args=[self._address], daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._news.close()
        await super().shutdown(sockets)


def _listen_for(root: Path, host: str) -> socket.socket:
    """Return a socket that listens on a project's own port, or on any where that is taken."""
    own = _PORTS.start + zlib.crc32(os.fsencode(root.resolve())) % len(_PORTS)
    with suppress(ToolboxError):
        return _listen(host, own)
    return _listen(host, 0)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    if os.name != "nt":  # there it would let two servers share a port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # from here on nobody else gets the port
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise ToolboxError(f"{host}, port {port} cannot be listened on ({reason}); choose another --port") from error
    return listening
