"""The page's routes: files of ours, frames as server-sent events, metrics, and two things that can be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from field.metrics import CONTENT_TYPE, exposition
from field.page.board import Board
from field.page.desk import LONGEST_BODY, Desk, of_this_machine
from field.page.frame import place_of
from field.page.watch import LOOK_S, MOST_READERS, Stream, Watched
from field.page.wording import LANGUAGES, STATIC, words

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
BODY_S = 5.0
"""A request whose body is not there by then is answered without it."""
FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js", "/icon.svg": "icon.svg"}


class Page:
    """The application. boards: by name, may change at any time; loopback: answers only to a name of this machine.

    over: whether readers have to go; say: told, once, of a board that cannot be shown.
    """

    def __init__(
        self, boards: Mapping[str, Board], loopback: bool, over: Callable[[], bool], say: Callable[[str], None]
    ) -> None:
        self._boards, self._loopback, self._over, self._say = boards, loopback, over, say
        self._failed: set[str] = set()
        self._watched: dict[str, Watched] = {}
        self._desk, self._readers = Desk(), 0
        files = [Route(path, _file(name)) for path, name in FILES.items()]
        routes = [
            *files,
            Route("/words/{language}.json", self._words),
            Route("/sites.json", self._sites),
            Route("/sites/{name}.json", self._place),
            Route("/sites/{name}/events", self._events),
            Route("/sites/{name}/{what}", self._ask, methods=["POST"]),
            Route("/metrics", self._metrics),
        ]
        self._routes = Starlette(routes=routes, lifespan=self._look)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """With the headers that every answer has."""
        app: ASGIApp = self._routes
        if scope["type"] == "http" and self._loopback and not of_this_machine(_host(scope)):
            app = PlainTextResponse("this page is bound to loopback and has no other name\n", 421)
        await app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)

    @asynccontextmanager
    async def _look(self, _: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._keep_looking())
        yield
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    async def _keep_looking(self) -> None:
        while True:
            for name, board in list(self._boards.items()):
                try:
                    self._site(name, board).look()
                except Exception as error:  # noqa: BLE001 - one board that cannot be shown must not stop the others
                    self._tell(f"page: {name}: {type(error).__name__}", str(error))
            await asyncio.sleep(LOOK_S)

    def _tell(self, kind: str, error: str) -> None:
        if kind not in self._failed:
            self._failed.add(kind)
            self._say(f"{kind}: {error}")

    def _site(self, name: str, board: Board) -> Watched:
        found = self._watched.get(name)
        if found is None or found.board is not board:
            found = self._watched[name] = Watched(board)
        return found

    def _found(self, name: str) -> Watched | None:
        board = self._boards.get(name)
        return None if board is None else self._site(name, board)

    async def _words(self, request: Request) -> Response:
        language = request.path_params["language"]
        return JSONResponse(words(language)) if language in LANGUAGES else _unknown()

    async def _sites(self, _: Request) -> Response:
        shown = ("state", "why", "alarms", "stage_name", "ticks", "late", "changes", "refused", "silent", "ended")
        told = [(name, self._site(name, board).told) for name, board in sorted(self._boards.items())]
        return JSONResponse([{"name": name, **{key: each.get(key) for key in shown}} for name, each in told])

    async def _place(self, request: Request) -> Response:
        board = self._boards.get(request.path_params["name"])
        return JSONResponse(place_of(board)) if board else _unknown()

    async def _events(self, request: Request) -> ASGIApp:
        name = request.path_params["name"]
        if name not in self._boards:
            return _unknown()
        if self._readers >= MOST_READERS:
            return PlainTextResponse(f"{MOST_READERS} look on already\n", 503)
        return self._counted(Stream(lambda: self._found(name), self._over))

    def _counted(self, stream: Stream) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            self._readers += 1
            try:
                await stream(scope, receive, send)
            finally:
                self._readers -= 1

        return answer

    async def _ask(self, request: Request) -> Response:
        board, what = self._boards.get(request.path_params["name"]), request.path_params["what"]
        if board is None or what not in ("release", "acknowledge"):
            return _unknown()
        body = b""
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    body += part
                    if len(body) > LONGEST_BODY:
                        return JSONResponse({"said": "no_name"}, 413)
        except TimeoutError:
            return JSONResponse({"said": "no_name"}, 408, {"Connection": "close"})
        address = request.client.host if request.client else ""
        status, said = self._desk.ask(board, what, request.headers, body, address)
        return JSONResponse({"said": said}, status)

    async def _metrics(self, _: Request) -> Response:
        return Response(exposition(list(self._boards.values())), headers={"Content-Type": CONTENT_TYPE})


def _file(name: str) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


def _unknown() -> Response:
    return PlainTextResponse("there is no such thing here\n", 404)


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
