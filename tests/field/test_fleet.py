"""Many sites in one process: what ails one is no business of another's."""

import io
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from field.audit import entries, verify
from field.fleet import Fleet, run_sites, sites_in
from field.fleet_view import Standing, table
from field.run import Run
from field.site import Site
from field.states import State
from signals.errors import ConfigError, PlantError
from signals.layout import Layout
from signals.values import Snapshot
from tests.field.clocked_cabinet import ClockedCabinet
from tests.signals.fakes import crossing

FAST = 100.0
NAMES = ("north", "south", "west")
Opening = Callable[..., ClockedCabinet]


class Street:
    """Cabinets by the name of their site, and what is done to one of them in its tick."""

    def __init__(self) -> None:
        self.cabinets: dict[str, ClockedCabinet] = {}
        self.trouble: dict[str, Callable[[], object]] = {}
        self.opened: list[str] = []

    def open(self, site: Site, _: Layout, now: Callable[[], float], *_more: object) -> ClockedCabinet:
        street = self

        class Troubled(ClockedCabinet):
            def read(self) -> Snapshot:
                if self.ours and site.name in street.trouble:
                    street.trouble[site.name]()
                return super().read()

        self.opened.append(site.name)
        self.cabinets[site.name] = Troubled(site.level, now)
        return self.cabinets[site.name]

    @property
    def ours(self) -> set[str]:
        return {name for name, cabinet in list(self.cabinets.items()) if cabinet.ours}


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sites of the crossing."""
    monkeypatch.setenv("ADAPTIVE_SIGNALS_COMMUNITY", "hush-hush")
    monkeypatch.setattr("field.fleet.LOOK_S", 0.02)
    monkeypatch.setattr("field.fleet_view.LINE_EVERY_S", 0.1)
    intersection = crossing()
    monkeypatch.setattr("field.site_file.intersections.load", lambda _: intersection)
    for number, name in enumerate(NAMES):
        write(tmp_path, name, 20_000 + (os.getpid() * len(NAMES) + number) % 20_000)
    return tmp_path


def write(folder: Path, name: str, port: int, logs: str = "") -> None:
    (folder / f"{name}.toml").write_text(f"""name = "{name}"
level = "pattern"
patterns = [{{ number = 1, shares = {{ A = 0.5, B = 0.5 }} }}]
controller = "max-pressure"
intersection = {{ file = "crossing.txt" }}
logging = {{ folder = "logs/{logs or name}" }}
[cabinet]
protocol = "ntcip"
port = {port}
snmp = {{ version = "v2c", allow_insecure = true }}
""")


def kinds(folder: Path, name: str) -> list[str]:
    return [row.get("state", row["kind"]) for row in entries(folder / "logs" / name / "audit")]


def run(folder: Path, street: Street, seconds: float = 100.0) -> tuple[int, str]:
    said = io.StringIO()
    return run_sites(Run(folder, FAST, seconds), Console(file=said, width=200), street.open), said.getvalue()


def test_each_site_is_taken_and_given_back(folder: Path, street: Street):
    """With a lock, an audit log and a record log of its own."""
    status, said = run(folder, street)
    assert status == 0 and "3 sites: " in said
    for name in NAMES:
        cabinet = street.cabinets[name]
        assert cabinet.sets[-1][1] == "release" and cabinet.closed and not cabinet.ours
        assert verify(folder / "logs" / name / "audit").broken == ""
        assert "active" in kinds(folder, name)
        assert f"{name}: shadow to engaging: level pattern" in said


def test_an_error_of_one_is_its_own(folder: Path, street: Street, monkeypatch: pytest.MonkeyPatch):
    """It is given back, said with its trace, begun anew in shadow; the others miss nothing."""
    monkeypatch.setattr("field.fleet.AGAIN_S", 0.05)
    raised: list[int] = []

    def fail() -> None:
        if len(raised) < 2:
            raised.append(len(street.cabinets["south"].sets))
            raise ZeroDivisionError("a fault of ours")

    street.trouble["south"] = fail
    status, said = run(folder, street)
    assert status == 0 and len(raised) == 2 and street.opened.count("south") == 3
    assert said.count("south: error: ZeroDivisionError: a fault of ours") >= 1 and "Traceback" in said
    begun = [k for k, kind in enumerate(kinds(folder, "south")) if kind == "start"]
    assert len(begun) == 3
    assert [kinds(folder, "south")[k + 1 : k + 3] for k in begun] == [["preflight", "preflight"]] * 3
    for name in ("north", "west"):
        assert street.opened.count(name) == 1 and kinds(folder, name).count("releasing") == 1
        assert name + ": error" not in said


def test_one_that_hangs_holds_nobody_up(folder: Path, street: Street, monkeypatch: pytest.MonkeyPatch):
    """Its row says so; the others go on, and are given back in time although it does not come back."""
    monkeypatch.setattr("field.fleet.HANGS_S", 0.2)
    monkeypatch.setattr("field.fleet.LEAVE_S", 0.3)
    woken, alarms = threading.Event(), set[str]()
    street.trouble["west"] = lambda: woken.wait(20)
    said = io.StringIO()
    fleet = Fleet(Run(folder, FAST, 100_000), sites_in(folder)[0], Console(file=said, width=200), street.open)

    def ask() -> None:
        rows = {row.name: row for row in fleet.rows}
        while not (rows["west"].hangs and street.ours >= {"north", "south"}):
            time.sleep(0.005)
        alarms.update(name for name, row in rows.items() if row.alarm)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()
    try:
        assert fleet.run() == 143
    finally:
        woken.set()
        for thread in fleet._threads:
            thread.join(10)
    assert alarms == {"west"}
    assert "west: does not stop: its cabinet takes itself back after its backup time" in said.getvalue()
    assert all(street.cabinets[name].sets[-1][1] == "release" for name in ("north", "south"))


@pytest.mark.parametrize(
    ("ticked", "lives"),
    [
        ((None, None, None), True),
        ((0.0, None, 0.0), True),
        ((-11.0, -11.0, -9.0), True),
        ((-11.0, None, -11.0), False),
        ((-11.0, -11.0, -11.0), False),
    ],
)
def test_the_watchdog_starves_when_every_loop_hangs(
    folder: Path, street: Street, ticked: tuple[float | None, ...], lives: bool
):
    """Seconds since each one's last tick; one that is not in the street yet neither lives nor hangs."""
    fleet = Fleet(Run(folder), sites_in(folder)[0], Console(file=io.StringIO()), street.open)
    for row, since_s in zip(fleet.rows, ticked, strict=True):
        row.ticked_s = None if since_s is None else time.monotonic() + since_s
    assert fleet.lives == lives


def test_a_cabinet_that_dies_is_missed_by_its_own_site_alone(folder: Path, street: Street):
    """It is let go of, with an alarm; the others are active until the end."""
    street.trouble["south"] = lambda: setattr(street.cabinets["south"], "silent", "south: no answer")
    status, said = run(folder, street, 200)
    assert status == 0 and "south: south: no answer" in said
    assert "fallback" in kinds(folder, "south")
    for name in ("north", "west"):
        assert f"{name}: active to releasing: end of the run" in said and kinds(folder, name).count("releasing") == 1


def test_a_lockout_and_a_full_disk_are_of_one_site(folder: Path, street: Street, monkeypatch: pytest.MonkeyPatch):
    """Neither its file nor its state reaches another."""
    (folder / "logs").mkdir()
    street.trouble["north"] = lambda: setattr(street.cabinets["north"], "lockout", "MMU flash")
    whole = os.write

    def full(descriptor: int, content: bytes) -> int:
        if "south" in Path(f"/proc/self/fd/{descriptor}").readlink().parts and "south" in street.ours:
            raise OSError(28, "No space left on device")
        return whole(descriptor, content)

    monkeypatch.setattr("field.audit.os.write", full)
    status, said = run(folder, street, 200)
    assert status == 0
    assert (folder / "logs/north/lockout.json").exists() and not (folder / "logs/west/lockout.json").exists()
    assert "lockout" in kinds(folder, "north")
    assert re.search(r"south: \w+ to releasing: .*/south/audit: .* No space left on device", said)
    assert kinds(folder, "west").count("releasing") == 1 and "west: active to releasing: end of the run" in said


def test_what_cannot_be_read_is_told_and_the_others_run(folder: Path, street: Street):
    """Another's log folder, and a key that is no key; the exit status says that something is left to do."""
    write(folder, "twice", 50_001, logs="west")
    (folder / "typo.toml").write_text((folder / "west.toml").read_text().replace("controller", "controler"))
    status, said = run(folder, street)
    assert status == 1 and len(set(street.opened)) == 3 and len({"west", "twice"} & set(street.opened)) == 1
    assert "typo: error: " in said and "controler" in said
    assert "must be its own" in said


def test_two_sites_of_one_cabinet_exclude_each_other(folder: Path, street: Street, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("field.fleet.AGAIN_S", 0.2)
    (folder / "north2.toml").write_text((folder / "north.toml").read_text().replace('"north"', '"north2"').replace(
        "logs/north", "logs/north2"))  # fmt: skip
    _, said = run(folder, street, 30)
    assert "writes to it, must be one only" in said


def test_sigterm_gives_all_back_within_two_seconds(folder: Path, street: Street):
    asked_s = []

    def ask() -> None:
        while street.ours < set(NAMES):
            time.sleep(0.005)
        asked_s.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()
    status, _ = run(folder, street, 100_000)
    assert status == 143 and time.monotonic() - asked_s[0] < 2.0
    assert all(cabinet.sets[-1][1] == "release" and cabinet.closed for cabinet in street.cabinets.values())


def test_a_cabinet_that_does_not_answer_is_waited_for_alone(folder: Path, street: Street):
    """As long as it takes; the others are active meanwhile."""

    def open_cabinet(site: Site, *more: object) -> ClockedCabinet:
        if site.name == "west":
            raise PlantError("127.0.0.1:161: no answer")
        return street.open(site, *more)  # type: ignore[arg-type]

    def ask() -> None:
        while not street.ours >= {"north", "south"}:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()
    said = io.StringIO()
    assert run_sites(Run(folder, FAST, 100_000), Console(file=said, width=200), open_cabinet) == 143
    assert "west: boot: 127.0.0.1:161: no answer; asked again every 5 s" in said.getvalue()


def test_files_that_are_no_sites_are_left_out(folder: Path, street: Street):
    """Secrets and intersections are TOML too; a folder without a site is refused in a line."""
    (folder / "secrets.toml").write_text('community = "hush"')
    assert [file.stem for file in sites_in(folder)[0]] == list(NAMES)
    assert [file.name for file in sites_in(folder)[1]] == ["secrets.toml"]
    for name in NAMES:
        (folder / f"{name}.toml").unlink()
    with pytest.raises(ConfigError, match=r"has no site, must have at least one .toml with \[cabinet\]"):
        run(folder, street)
    with pytest.raises(ConfigError, match="must not be given with a folder"):
        run_sites(Run(folder, feed="replay:day.jsonl"), Console(file=io.StringIO()), street.open)


def test_a_table_without_room_shows_the_alarms():
    """And counts the rest."""
    standings = [Standing(f"site{k}", State.ACTIVE, alarm="no answer" * (k == 19)) for k in range(20)]
    said = io.StringIO()
    Console(file=said, width=120).print(table("district", standings, 5))
    assert "site19" in said.getvalue() and "and 16 more" in said.getvalue() and "site18" not in said.getvalue()
