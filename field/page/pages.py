"""Which site is shown at which address of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from field.clock import WallClock
from field.page.board import Board
from field.page.district import District
from field.page.onlooker import Onlooker
from field.run import Job, Witness
from field.secrets import load_secrets
from field.site import Page
from field.view import Shows
from signals.errors import ConfigError
from signals.layout import Layout, layout

if TYPE_CHECKING:
    from field.page.server import PageServer

LEAST_TOKEN = 16


class Pages:
    """The pages of one process: sites that name the same address share one. Closed when it is left."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._lock = say, threading.Lock()
        self._servers: dict[tuple[str, int], PageServer] = {}

    def beside(self, witness: Witness, job: Job) -> Witness:
        """The witness with the site's page beside it, or alone where it has none or its port is taken.

        Raises `ConfigError` where its token cannot be read.
        """
        page = job.site.page
        if page is None:
            return witness
        board = board_of(job)
        with self._lock:
            try:
                server = self._server(page.host, page.port)
            except OSError as error:
                self._say(f"page: {page.host}:{page.port} cannot be opened: {error.strerror}; control goes on without")
                return witness
            server.boards[job.site.name] = board
        return Onlooker(witness, board)

    def of_district(self, view: Shows, demo: str, controller: str, place: Layout, clock: WallClock) -> Shows:
        """The view with a page beside it at a free port, its junctions side by side; nothing can be asked for."""
        boards = [Board(i.id, controller, demo, layout([i]), "", clock.speed) for i in place.intersections]
        with self._lock:
            self._server(Page().host, 0).boards.update({board.name: board for board in boards})
        return District(view, boards, place, clock)

    def _server(self, host: str, port: int) -> PageServer:
        found = self._servers.get((host, port))
        if found is None:
            from field.page.server import PageServer  # its libraries are for who has a page

            found = self._servers[host, port] = PageServer(host, port, self._say)
            self._say(f"page: {found.address}")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.close()


def board_of(job: Job) -> Board:
    """A site's. Raises `ConfigError` where its token cannot be read."""
    site = job.site
    token = token_of(site.page.secrets) if site.page else ""
    return Board(site.name, site.controller, str(site.level), job.place, token, job.speed)


def token_of(secrets: Path | None) -> str:
    """The site's own; empty where there is none. Raises `ConfigError` where it can be guessed."""
    token = load_secrets(secrets).page_token.get_secret_value()
    if token and len(token) < LEAST_TOKEN:
        raise ConfigError(f"{secrets or 'environment'}: page_token: is shorter than {LEAST_TOKEN} characters")
    return token
