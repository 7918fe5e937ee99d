"""What an operator may rely on of the live page: it shows what is, asks for a token, and never holds the loop up."""

import asyncio
import http.client
import itertools
import json
import socket
import stat
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from field.audit import entries
from field.cabinet import Level
from field.clock import WallClock
from field.page import server as page_server
from field.page import watch
from field.page.board import Board
from field.page.desk import MOST_TRIES, WITHIN_S, Desk, of_this_machine, same_origin
from field.page.district import junction_of
from field.page.pages import Pages, token_of
from field.page.schematic import arm_angles, schematic
from field.page.watch import Stream, Watched
from field.page.wording import HERE, words
from field.run import Job
from field.site import Site
from field.tally import Tally
from signals.controllers import actuated, adaptive, build, existing, fixed_time, learned, sighted
from signals.errors import ConfigError
from signals.flow import FlowEstimator
from signals.intersection import Movement
from signals.plans import PlanFile
from signals.safety import WORDING, Interlock
from signals.values import Record
from tests.field.fake_cabinet import Bench
from tests.signals.fakes import FakePlant, crossing

TOKEN = "a-long-and-secret-token"


class Nobody:
    """A witness who looks away."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def begins(self, *_: object) -> None: ...

    def ticked(self, *_: object) -> None: ...

    def ends(self) -> None: ...


@dataclass
class Shown:
    """A site on a fake clock, on a real page."""

    bench: Bench
    onlooker: Any
    pages: Pages
    clock: WallClock
    tally: Tally
    said: list[str]

    def run(self, seconds: int) -> Record | None:
        record = None
        for _ in range(seconds):
            next(self.clock)
            self.bench.cabinet.wait(1)
            record = self.bench.supervisor.tick()
            if record:
                self.tally.update(record)
            self.onlooker.ticked(record, self.bench.supervisor, self.tally)
        return record

    @property
    def board(self) -> Board:
        found: Board = self.onlooker._board
        return found

    @property
    def server(self) -> page_server.PageServer:
        return next(iter(self.pages._servers.values()))

    def request(
        self, path: str, method: str = "GET", body: str = "", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        port = int(self.server.address.rstrip("/").rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def ask(self, what: str, token: str = TOKEN, who: str = "Ines", **headers: str) -> tuple[int, str]:
        given = {
            "Content_Type": "application/json",
            "Authorization": f"Bearer {token}",
            "Origin": self.server.address.rstrip("/"),
        } | headers
        status, _, text = self.request(f"/sites/crossing/{what}", "POST", json.dumps({"who": who}), **given)
        return status, json.loads(text)["said"]


def job_of(folder: Path, **page: Any) -> Job:
    site = Site.model_validate(
        {
            "name": "crossing",
            "level": "hold",
            "intersection": {"file": "crossing.toml"},
            "cabinet": {"protocol": "ntcip", "snmp": {"user": "central"}},
            "logging": {"folder": folder},
            "page": {"port": 0} | page,
        }
    )
    return Job(site, Bench(folder).cabinet.layout, PlanFile(plan=()), (), 1.0, None)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTIVE_SIGNALS_PAGE_TOKEN", TOKEN)


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    said: list[str] = []
    bench = Bench(tmp_path)
    clock = WallClock(itertools.count(0.0), 1.0, lambda _: None, lambda: bench.cabinet.time_s)
    with Pages(said.append) as pages:
        job = job_of(tmp_path)
        onlooker = pages.beside(Nobody(), job)
        onlooker.begins(job, clock)
        yield Shown(bench, onlooker, pages, clock, Tally(), said)


def test_arms_lie_as_turns_say():
    """Right from the south is east, and so on all around; an arm that only turns is placed by its turns."""

    def movement(approach: str, exit_: str, turn: Any) -> Movement:
        return Movement(
            id=f"{approach}{exit_}", approach=approach, exit=exit_, turn=turn, lane_group="x", signal_group="1"
        )

    def angles(*movements: Movement) -> dict[str, float]:
        return arm_angles(crossing().model_copy(update={"movements": movements}))

    four = angles(
        movement("south", "to-east", "right"),
        movement("west", "to-east", "through"),
        movement("west", "to-north", "left"),
        movement("south", "to-north", "through"),
        movement("north", "to-east", "left"),
        movement("east", "to-north", "right"),
    )
    assert four == {"north": 90, "east": 0, "south": 270, "west": 180} and list(four) == [
        "north",
        "east",
        "south",
        "west",
    ]
    three = angles(movement("N1", "s", "through"), movement("w", "s", "right"), movement("N1", "e", "left"))
    assert three == {"N1": 90, "w": 180}
    strangers = angles(*(movement(f"a{k}", f"x{k}", "through") for k in range(6)))
    assert sorted(strangers.values()) == [30, 90, 150, 210, 270, 330]


def test_every_lane_head_and_loop_is_drawn_once():
    intersection = crossing()
    drawn = schematic(intersection)
    lanes = [lane for arm in drawn["arms"] for lane in arm["lanes"]]
    assert sorted(lane["id"] for lane in lanes) == sorted(x for g in intersection.lane_groups for x in g.lanes)
    assert sorted(k for lane in lanes for k in lane["heads"]) == list(range(len(intersection.signal_groups)))
    loops = [loop for arm in drawn["arms"] for loop in arm["loops"]]
    assert sorted(loop["loop"] for loop in loops) == list(range(len(intersection.detectors)))
    assert all(0 <= loop["along"] < 1 for loop in loops)


def test_the_page_shows_what_the_record_has(shown: Shown):
    """Stage, heads, loops, queues, decision and answer of the newest tick, and those before it for who comes late."""
    record = shown.run(40)
    assert record is not None
    watched = Watched(shown.board)
    told = watched.told
    assert told["state"] == shown.bench.state == "active"
    stage = int(record.snapshot.stage[0])
    assert told["stage"] == stage and told["heads"].count("G") == int((record.snapshot.aspects[0] == 5).sum())
    lit = record.snapshot.presence | (record.snapshot.volume_veh > 0)
    assert told["loops"] == "".join("1" if on else "0" for on in lit) and "1" in told["loops"]
    assert told["queue_veh"] == [round(float(x), 1) for x in record.traffic.queue_veh[0]]
    assert told["answer"]["granted"] == record.command.granted(0)
    assert told["cabinet"]["command"] == "ours" and told["detectors"]["believed"] == len(lit)
    shown.run(1)
    watched.look()
    assert [row[0] for row in watched.strip.rows] == [record.snapshot.time_s, record.snapshot.time_s + 1]
    assert b"NaN" not in watched.event and b"Infinity" not in watched.event


def test_nothing_of_the_page_comes_from_elsewhere(shown: Shown):
    """A strict policy on every answer, and no address of another host in any file."""
    for path in ("/", "/page.js", "/page.css", "/icon.svg", "/sites.json", "/words/zh.json", "/metrics", "/nothing"):
        status, headers, text = shown.request(path)
        assert status == (404 if path == "/nothing" else 200)
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert "https://" not in text and "//cdn" not in text
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert shown.request("/", Host="evil.example")[0] == 421
    assert (
        of_this_machine("localhost:8080") and of_this_machine("[::1]:80") and not of_this_machine("127.0.0.1.evil.com")
    )
    assert shown.request("/../../control.py")[0] == 404


def test_a_stream_has_the_past_and_every_frame(shown: Shown):
    """As a browser reads it: server-sent events, the last minutes first."""
    shown.run(10)
    port = int(shown.server.address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as reader:
        reader.sendall(b"GET /sites/crossing/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while b"event: frame" not in heard:
            heard += reader.recv(65536)
        assert b"text/event-stream" in heard and heard.index(b"event: past") < heard.index(b"event: frame")
        ticks = shown.board.latest.ticks if shown.board.latest else 0
        shown.run(1)
        while f'"ticks":{ticks + 1}'.encode() not in heard:
            part = reader.recv(65536)
            assert part
            heard += part


def test_without_a_token_nothing_can_be_asked_for(shown: Shown):
    shown.run(20)
    assert shown.ask("release") == (403, "no_token")
    shown.run(3)
    assert shown.bench.state == "active"


@pytest.mark.usefixtures("token")
def test_release_and_acknowledge_need_the_token(shown: Shown, tmp_path: Path):
    """Wrong or missing does nothing; right is done in the next tick and audited by name; the token is in no log."""
    shown.run(20)
    assert shown.ask("release", token="") == shown.ask("release", token=TOKEN + "x") == (403, "wrong_token")
    assert shown.ask("acknowledge") == (409, "not_now")
    shown.run(3)
    assert shown.bench.state == "active"
    assert shown.ask("release") == (202, "asked")
    shown.run(3)
    assert shown.bench.state == "lockout" and not shown.bench.cabinet.ours
    assert shown.ask("acknowledge", who="Bo Li") == (202, "asked")
    shown.run(3)
    assert shown.bench.state == "shadow"
    asked = [(row["what"], row["who"]) for row in entries(tmp_path / "audit") if row["kind"] == "asked"]
    assert asked == [("release", "Ines"), ("acknowledge", "Bo Li")]
    logs = "".join(file.read_text() for file in tmp_path.rglob("*.json*"))
    assert TOKEN not in logs and TOKEN not in shown.request("/sites/crossing.json")[2] + " ".join(shown.said)


@pytest.mark.usefixtures("token")
def test_only_the_page_itself_may_ask(shown: Shown):
    """No other site's page, no form, no name that could not stand in a log, no long body, nothing by GET."""
    shown.run(20)
    assert shown.ask("release", Origin="http://evil.example") == (403, "other_origin")
    assert shown.ask("release", Content_Type="text/plain") == (415, "not_json")
    assert shown.ask("release", who="\x1b[2J") == shown.ask("release", who=" ") == (400, "no_name")
    assert shown.ask("release", who="x" * 5000)[0] == 413
    assert shown.request("/sites/crossing/release")[0] == 405
    assert shown.request("/sites/crossing/reboot", "POST")[0] == shown.request("/sites/other/release", "POST")[0] == 404
    shown.run(3)
    assert shown.bench.state == "active"


def test_guessing_a_token_takes_a_minute_for_every_six(shown: Shown):
    """By address; others are not held up by it, nor is who has the right one, and no other page's requests count."""
    now_s = [0.0]
    desk, board = Desk(lambda: now_s[0]), shown.board
    headers = {"host": "a", "origin": "http://a", "content-type": "application/json", "authorization": "Bearer x"}
    board.token = TOKEN
    for _ in range(MOST_TRIES + 1):
        assert desk.ask(board, "release", headers | {"origin": "http://evil"}, b"", "10.0.0.1")[0] == 403
    answers = [desk.ask(board, "release", headers, b"", "10.0.0.1") for _ in range(MOST_TRIES + 1)]
    assert answers[-1] == (429, "too_often") and all(status == 403 for status, _ in answers[:-1])
    assert desk.ask(board, "release", headers, b"", "10.0.0.2")[0] == 403
    right = headers | {"authorization": f"Bearer {TOKEN}"}
    assert desk.ask(board, "release", right, b"", "10.0.0.1") == (400, "no_name")
    now_s[0] += WITHIN_S
    assert desk.ask(board, "release", headers, b"", "10.0.0.1")[0] == 403


@pytest.mark.usefixtures("token")
def test_half_a_request_holds_no_connection(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    """Nor does a body that never comes, nor a second request that is not finished; a malformed name is only refused."""
    monkeypatch.setattr(page_server, "IDLE_S", 0.1)
    monkeypatch.setattr("field.page.app.BODY_S", 0.1)
    shown.run(2)
    assert not of_this_machine("[") and not same_origin({"host": "a", "origin": "http://["})
    port = int(shown.server.address.rstrip("/").rpartition(":")[2])
    whole = b"GET /page.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    bodiless = b"POST /sites/crossing/release HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    for said, answer in ((b"GET /", b""), (whole + b"GET /", b"HTTP/1.1 200"), (bodiless, b"HTTP/1.1 408")):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one, suppress(ConnectionResetError):
            one.sendall(said)
            heard = b""
            while part := one.recv(65536):
                heard += part
            assert heard.startswith(answer)


def test_a_reader_who_does_not_read_is_let_go(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    """The stream ends by itself; nobody waits for it."""
    monkeypatch.setattr(watch, "SLOW_S", 0.05)
    shown.run(5)
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    watched = Watched(shown.board)
    asyncio.run(asyncio.wait_for(Stream(lambda: watched, lambda: False)({"type": "http"}, receive, send), 5))
    assert sent == ["http.response.start", "http.response.body"]


def test_readers_and_connections_are_bounded(shown: Shown, monkeypatch: pytest.MonkeyPatch):
    """One too many is turned away, and the loop has its file handles."""
    monkeypatch.setattr("field.page.app.MOST_READERS", 1)
    monkeypatch.setattr(page_server, "MOST_CONNECTIONS", 3)
    shown.run(2)
    port = int(shown.server.address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as reader:
        reader.sendall(b"GET /sites/crossing/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reader.recv(65536).startswith(b"HTTP/1.1 200")
        assert shown.request("/sites/crossing/events")[0] == 503
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(3)]
        assert idle[-1].recv(1) == b""
        idle[0].settimeout(0.05)
        with pytest.raises(TimeoutError):
            idle[0].recv(1)
        for each in idle:
            each.close()


def test_a_port_that_is_taken_leaves_the_loop_alone(tmp_path: Path):
    """A line says so, and the witness goes on without a page."""
    said: list[str] = []
    with socket.socket() as taken, Pages(said.append) as pages:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        witness = Nobody()
        assert pages.beside(witness, job_of(tmp_path, port=taken.getsockname()[1])) is witness
    assert len(said) == 1 and "cannot be opened: Address already in use; control goes on without" in said[0]


def test_a_page_that_fails_leaves_the_loop_alone(shown: Shown):
    """Its thread may die, and the site is controlled as before."""
    shown.run(5)
    shown.server.close()
    shown.run(30)
    assert shown.bench.state == "active"


def test_sites_at_one_address_share_a_page(shown: Shown, tmp_path: Path):
    """An index of them; a site that begins anew takes its own place again."""
    job = job_of(tmp_path)
    other = Job(job.site.model_copy(update={"name": "bridge"}), job.place, job.plans, (), 1.0, None)
    shown.pages.beside(Nobody(), other)
    shown.pages.beside(Nobody(), other)
    assert [line for line in shown.said if "page: http" in line] == [f"page: {shown.server.address}"]
    sites = json.loads(shown.request("/sites.json")[2])
    assert [(each["name"], each["state"]) for each in sites] == [("bridge", "boot"), ("crossing", "boot")]


def test_junctions_of_one_loop_are_apart(tmp_path: Path):
    """Each board has its own junction's part of a record, as if it were alone."""
    plant = FakePlant([crossing(), crossing().model_copy(update={"id": "second"})])
    plant.wait(30.0)
    flow, snapshot = FlowEstimator(plant.layout), plant.read()
    loops = np.array([j == 1 for j, _ in plant.layout.loops])
    snapshot = snapshot._replace(presence=loops, stage=np.array([0, 1]))
    traffic = flow.update(snapshot)
    decision = build("max-pressure", plant.layout, PlanFile(plan=())).decide(traffic)
    record = Record(snapshot, traffic, decision, Interlock(plant.layout).permit(snapshot, decision))
    second = junction_of(record, 1, loops)
    assert second.snapshot.presence.all() and not junction_of(record, 0, ~loops).snapshot.presence.any()
    assert second.snapshot.stage.tolist() == [1] and second.traffic.queue_veh.shape == (1, traffic.queue_veh.shape[1])
    assert second.command.refusal.tolist() == [record.command.refusal[1]]


def test_a_token_that_can_be_guessed_or_read_is_refused(tmp_path: Path):
    file = tmp_path / "page.toml"
    file.write_text('page_token = "short"\n')
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with pytest.raises(ConfigError, match="page_token: is shorter than 16 characters"):
        token_of(file)
    file.write_text(f'page_token = "{TOKEN}"\n')
    assert token_of(file) == TOKEN
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="must be 0600"):
        token_of(file)


def test_metrics_agree_with_the_run(shown: Shown):
    """Every family has the site, its unit in its name, and the counts of the loop itself."""
    shown.run(60)
    families = {f.name: f for f in text_string_to_metric_families(shown.request("/metrics")[2])}
    found = {
        (s.name, *(v for k, v in sorted(s.labels.items()) if k != "site")): s.value
        for f in families.values()
        for s in f.samples
    }
    prefix = "adaptive_signals_"
    assert found[f"{prefix}ticks_total",] == 60 == found[f"{prefix}tick_duration_seconds_count",] + 1
    assert found[f"{prefix}state", "active"] == 1 and found[f"{prefix}state", "lockout"] == 0
    assert found[f"{prefix}sets_total", "confirmed"] == len(shown.bench.cabinet.sets) > 0
    refused = sum(value for (name, *_), value in found.items() if name == f"{prefix}refusals_total")
    assert refused == shown.tally.refusals.total()
    assert found[f"{prefix}detectors", "believed"] == len(shown.bench.cabinet.layout.loops)
    assert found[f"{prefix}tick_duration_seconds_bucket", "+Inf"] == 59
    shown.bench.cabinet.silent = "no answer"
    shown.run(3)
    assert 'adaptive_signals_alarms{site="crossing"} 1.0' in shown.request("/metrics")[2]


def test_both_languages_have_every_word():
    """The same keys, nothing empty, and a sentence for all that a controller or the interlock can say."""
    english, chinese = words("en"), words("zh")
    for table in set(english) - {"said", "reasons"}:
        assert (
            set(english[table]) == set(chinese[table]) and all(chinese[table].values()) and all(english[table].values())
        )
    spoken = {*WORDING, *actuated.WORDING, *existing.WORDING, *fixed_time.WORDING, *learned.WORDING, *sighted.WORDING}
    assert spoken | set(adaptive.Adaptive.wording) <= set(chinese["said"])
    page = (HERE / "static" / "index.html").read_text()
    named = {part.split('"')[0] for part in page.split('data-word="')[1:]}
    assert named <= set(english["page"])
    assert tomllib.loads((HERE / "words/zh.toml").read_text())["language"]["code"] == "zh-Hans"


def test_a_shadow_site_has_nothing_to_release(shown: Shown):
    """What only looks on holds nothing."""
    desk, board = Desk(), shown.board
    shown.bench = Bench(shown.bench.folder, Level.SHADOW)
    board.token = TOKEN
    shown.run(3)
    headers = {
        "authorization": f"Bearer {TOKEN}", "content-type": "application/json", "origin": "http://x", "host": "x",
    }  # fmt: skip
    assert desk.ask(board, "release", headers, b'{"who": "Ines"}', "1") == (409, "not_now")
