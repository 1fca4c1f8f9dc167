"""What stands between the labels and everybody else: token, Host, Origin, size and kind of what is sent."""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY_BYTES = 10**6

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SAFE_METHODS = {"GET", "HEAD"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
# A link from another page brings no SameSite=Strict cookie, not even to the address it leads on to; this page does.
_ONCE_MORE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><meta http-equiv='refresh' content='0;url=/?again'>"
    "<title>Labeling</title><p><a href='/?again'>Open the labeling page</a></p></html>"
)
_SENTENCE = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Labeling</title><p>{}</p></html>"
_NO_TOKEN = "open the address that LabelFrames.py has printed, with its token"


class Guard:
    """An ASGI application that lets through only what the page itself asks.

    Parameters
    ----------
    app : callable
        The application behind.
    token : str
        The secret in the address that was printed.
    port : int
        The server's; it stands in the cookie's name, so that several servers on one machine do not mix.
    host : str
        The address that the server listens on.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], token: str, port: int, host: str = "127.0.0.1"):
        self._app, self._token, self._cookie = app, token, f"labeling-{port}"
        self._is_open = host not in _LOOPBACK
        self._names = _LOOPBACK | ({host, socket.gethostname(), socket.getfqdn()} if self._is_open else set())

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        as_page = scope["path"] == "/" and "text/html" in headers.get("accept", "")  # a person, not the page
        refusal = self._why_not(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
        elif scope["path"] == "/" and "token" in (sent := parse_qs(scope["query_string"].decode("latin-1"))):
            await self._greet(send, sent["token"][0], as_page)
        elif not self._is_known(headers):
            is_first = scope["path"] == "/" and scope["query_string"] != b"again"
            if is_first and headers.get("sec-fetch-site") == "cross-site":
                await _respond(send, 401, _ONCE_MORE.encode(), "text/html; charset=utf-8")
            else:
                await _refuse(send, 401, _NO_TOKEN, as_page)
        elif scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send)
        else:
            body = await _read(receive)
            if body is None:
                await _refuse(send, 413, f"more than {LARGEST_BODY_BYTES} bytes")
            else:
                await self._app(scope, _replay(body, receive), send)

    def _why_not(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> tuple[int, str] | None:
        """Return status and reason for refusing a request, by its headers alone."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 403, "this server answers to its own name only"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            return 403, "requests from other pages are refused"
        if scope["method"] in _SAFE_METHODS:
            return None
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 15:
            return 400, "a Content-Length that is no number"
        if int(length) > LARGEST_BODY_BYTES:
            return 413, f"more than {LARGEST_BODY_BYTES} bytes"
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "only application/json is accepted"
        return None

    def _is_ours(self, host: str) -> bool:
        """Tell the names of this server, with any port, for tunnels, from those that another page may have invented."""
        if host.startswith("["):
            name, _, port = host[1:].partition("]")
            port = port.removeprefix(":")
        else:
            name, _, port = host.partition(":")
        if port and not port.isdecimal():
            return False
        return name.lower() in {known.lower() for known in self._names} or (self._is_open and _is_address(name))

    def _is_known(self, headers: dict[str, str]) -> bool:
        """Tell whether the cookie is right."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._token.encode())

    async def _greet(self, send: Send, token: str, as_page: bool) -> None:
        """Turn the token of the address into a cookie."""
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            await _refuse(send, 403, f"the token is wrong: {_NO_TOKEN}", as_page)
            return
        cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        await _respond(send, 303, b"", "text/plain", {"location": "/", "set-cookie": cookie})


def _is_address(name: str) -> bool:
    """Tell a numeric address, which no other page can have given to its own server, from a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _read(receive: Receive) -> bytes | None:
    """Read a body, None as soon as it is too large."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(pieces)
        size += len(message.get("body", b""))
        if size > LARGEST_BODY_BYTES:
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what hands a body on that was read before."""
    is_read = False

    async def again() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    """Return what sends every answer with the headers of this server."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            added = {"cache-control": "no-store", **_HEADERS}
            pairs = [(name.encode(), value.encode()) for name, value in added.items() if name.encode() not in present]
            message = {**message, "headers": [*message.get("headers", ()), *pairs]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, reason: str, as_page: bool = False) -> None:
    """Answer with a reason; whatever is still being sent is not read."""
    kind, body = "application/json", json.dumps({"error": reason})
    if as_page:
        kind, body = "text/html; charset=utf-8", _SENTENCE.format(f"{reason[0].upper()}{reason[1:]}.")
    await _respond(send, status, body.encode(), kind, {"connection": "close"} if status != 401 else {})


async def _respond(send: Send, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
    """Answer."""
    pairs = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
