"""Who may ask for what: one who has the token, from the page itself, and not too often. The token is never in a URL."""

from __future__ import annotations

import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from field.cabinet import Level
from field.page.board import Board, Wish
from field.states import State

MOST_TRIES, WITHIN_S = 6, 60.0
"""Wrong tokens of one address. A right one always passes: nobody may take the button from the operator."""
MOST_ADDRESSES = 256
LONGEST_BODY = 1024
LONGEST_NAME = 100
SCHEME = "Bearer "


class Desk:
    """Answers a request to ask something of a site: an HTTP status and a word for the page to translate."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tries: dict[str, deque[float]] = {}

    def ask(self, board: Board, what: str, headers: Mapping[str, str], body: bytes, address: str) -> tuple[int, str]:
        """Judge it and pass it on. What is refused first says least."""
        if not board.token:
            return 403, "no_token"
        if not same_origin(headers):
            return 403, "other_origin"
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return 415, "not_json"
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), (SCHEME + board.token).encode()):
            return (403, "wrong_token") if self._in_time(address) else (429, "too_often")
        who = name_in(body)
        if not who:
            return 400, "no_name"
        if not in_place(board, what):
            return 409, "not_now"
        return (202, "asked") if board.wish(Wish(what, who)) else (503, "too_many")

    def _in_time(self, address: str) -> bool:
        now_s = self._now()
        if address not in self._tries and len(self._tries) >= MOST_ADDRESSES:
            self._tries.pop(next(iter(self._tries)))
        tries = self._tries.setdefault(address, deque(maxlen=MOST_TRIES))
        if len(tries) == MOST_TRIES and now_s - tries[0] < WITHIN_S:
            return False
        tries.append(now_s)
        return True


def in_place(board: Board, what: str) -> bool:
    """Whether it would do anything: a lockout is acknowledged, a cabinet that we may command is released."""
    if board.latest is None or board.ended:
        return False
    vitals = board.latest.vitals
    locked = vitals.state == State.LOCKOUT
    return locked if what == "acknowledge" else not locked and vitals.level != Level.SHADOW


def same_origin(headers: Mapping[str, str]) -> bool:
    """A browser says where a page came from that asks; the page is only ever ours."""
    host = headers.get("host", "")
    return host != "" and headers.get("origin", "").partition("://")[2] == host


def name_in(body: bytes) -> str:
    """The operator's name, empty where there is none that could stand in a log."""
    try:
        who = json.loads(body)["who"].strip()
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ""
    return who if who.isprintable() and len(who) <= LONGEST_NAME else ""


def of_this_machine(host: str) -> bool:
    """Whether a Host header names this machine: a page bound to loopback answers to no other name (DNS rebinding)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
