"""What a drill is made of: a virtual cabinet on its street, a process that controls it, and the files of both."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.wire_cut import Wire
from field.cabinets import connect
from field.ntcip.preflight import TABLES
from field.site_file import built, load
from field.virtual.agent import free_port
from field.virtual.checker import Breach, check
from signals import plans
from signals.errors import PlantError
from signals.intersection import Intersection
from signals.layout import layout
from signals.plans import PlanFile
from signals.recording import Header, LoggedController, LogWriter
from signals.values import Command, Decision, Record, Snapshot

ROOT = Path(__file__).resolve().parent.parent
SCENARIO, JUNCTION, COMMUNITY = "single", "J", "drill"
BACKUP_S = 3
LONGEST_WAIT_S = 90.0
FEED_TICKS = 14
ASC = ".1.3.6.1.4.1.1206.4.2.1"
MASKS = tuple(f"{ASC}.1.5.1.{column}.1" for column in (2, 3, 4, 5, 6, 7))
SYSTEM_PATTERN, PATTERN_STATUS = f"{ASC}.4.14.0", f"{ASC}.4.10.0"
LOCAL_PATTERN = "1"


class Street:
    """The virtual cabinet, and the wire to it."""

    def __init__(self, folder: Path) -> None:
        self.events, self._port = folder / "events.csv", free_port()
        secrets = write_secrets(folder)
        options = f"--junction {JUNCTION} --port {self._port} --backup-time-s {BACKUP_S} --demand 1.0 --draw 50".split()
        command = [sys.executable, str(ROOT / "control.py"), "cabinet", SCENARIO, *options]
        command += ["--secrets", str(secrets), "--event-log", str(self.events)]
        self._log = (folder / "cabinet.log").open("w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=ROOT, start_new_session=True)
        self.wire = Wire(self._port)
        try:
            wait_for(self._up, f"the virtual cabinet on its local plan ({folder}/cabinet.log)")
        except BaseException:
            self.close()
            raise

    def _up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the virtual cabinet has ended: {Path(self._log.name).read_text().strip()}")
        return self.get(PATTERN_STATUS) == [LOCAL_PATTERN]

    def get(self, *names: str) -> list[str]:
        """What stock snmpget says; empty where nothing answers."""
        command = [
            "snmpget",
            "-v2c",
            "-c",
            COMMUNITY,
            "-Oqvx",
            "-t",
            "0.5",
            "-r",
            "1",
            f"127.0.0.1:{self._port}",
            *names,
        ]
        told = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MIBS": ""})
        return told.stdout.split("\n")[:-1]

    @property
    def local(self) -> bool:
        """Nothing of ours is in force."""
        told = self.get(*MASKS, SYSTEM_PATTERN, PATTERN_STATUS)
        return len(told) == len(MASKS) + 2 and {*told[:-1]} <= {"0"} and told[-1] == LOCAL_PATTERN

    def close(self) -> None:
        """End it, so that its event log is whole."""
        self.wire.close()
        self._process.terminate()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
        self._log.close()

    def breaches(self, intersection: Intersection) -> tuple[int, list[Breach]]:
        """How many events the cabinet's log has, and what the checker finds in it."""
        with self.events.open(encoding="utf-8") as stream:
            rows = [
                (datetime.fromisoformat(row["TimeStamp"]).timestamp(), int(row["EventId"]), int(row["Parameter"]))
                for row in csv.DictReader(stream)
            ]
        return len(rows), check(intersection, rows)


class Central:
    """One process of `control.py run`, and what it has said."""

    def __init__(self, folder: Path, site: Path, *more: str) -> None:
        self.step, self.said = folder / "clock-step", folder / "run.log"
        self.step.write_text("0")
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        command = [sys.executable, str(ROOT / "benchmarks/stepped_clock.py"), str(self.step), "run", str(site), *more]
        with self.said.open("w") as stream:
            self.process = subprocess.Popen(
                command, stdout=stream, stderr=stream, cwd=ROOT, env=environment, start_new_session=True
            )

    def reached(self, state: str) -> bool:
        """Whether it has come to that state since it began, or is gone."""
        return f" to {state}: " in self.said.read_text() or self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """Send it, if there is still somebody."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """Whatever it is doing."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = LONGEST_WAIT_S) -> float:
    """How long that took. Raises `TimeoutError`."""
    began_s = time.monotonic()
    while not condition():
        if time.monotonic() - began_s > seconds:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return time.monotonic() - began_s


def write_secrets(folder: Path) -> Path:
    """Of cabinet and central."""
    secrets = folder / "secrets.toml"
    names = ("authentication_key", "privacy_key")
    secrets.write_text(f'community = "{COMMUNITY}"\n' + "".join(f'{n} = "{COMMUNITY * 3}"\n' for n in names))
    secrets.chmod(0o600)
    return secrets


def toml(value: object) -> str:
    """What pydantic dumps for JSON, inline; what is not there is left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(v)}" for key, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write_site(
    folder: Path, port: int, junction: tuple[Intersection, PlanFile], approved: str = "", name: str = "drill"
) -> Path:
    """A site at level hold, for the port of the wire; its junction from a file, as in the street, where no SUMO is."""
    intersection, existing = junction
    fields = intersection.model_dump(mode="json").items()
    (folder / "junction.txt").write_text(
        "".join(f"{key} = {toml(value)}\n" for key, value in fields if value is not None)
    )
    (folder / "plans.txt").write_text(plans.dump(existing))
    loops = "\n".join(
        f'    {{ id = "{detector.id}", channel = {channel}, counts = "actuation" }},'
        for channel, detector in enumerate(intersection.detectors, 1)
    )
    site = folder / f"{name}.toml"
    site.write_text(f"""name = "{name}"
level = "hold"
controller = "adaptive"
intersection = {{ file = "junction.txt", plans = "plans.txt" }}
logging = {{ folder = "logs/{name}" }}
[cabinet]
protocol = "ntcip"
port = {port}
approved = "{approved}"
detectors = [
{loops}
]
snmp = {{ version = "v2c", allow_insecure = true, secrets = "secrets.toml" }}
""")
    return site


def approved_tables(site_file: Path) -> str:
    """The digest that the preflight shows, as an engineer would copy it; asked for until a busy machine answers."""
    site, found = load(site_file), list[str]()
    place = layout([built(site)[0]])

    def look() -> bool:
        with suppress(PlantError), closing(connect(site, place, time.monotonic)) as cabinet:
            found.extend(finding.value for finding in cabinet.preflight() if finding.what == TABLES)
        return bool(found)

    wait_for(look, "the digest of the tables")
    return found[0]


def write_feed(file: Path, junction: tuple[Intersection, PlanFile]) -> Path:
    """A recorded log of one loop that ends soon: from then on that loop is not believed."""
    intersection, existing = junction
    one = intersection.model_copy(update={"detectors": intersection.detectors[:1]})
    place = layout([one])
    heads, none = place.has_head.shape, np.zeros(1, np.int64)
    with file.open("w") as stream:
        controller = LoggedController(name="existing", digest="")
        header = Header(
            started="", street="drill", controller=controller, versions={}, plans=existing, intersections=(one,)
        )
        log = LogWriter(stream, header)
        for second in range(FEED_TICKS):
            loops = np.zeros(1)
            snapshot = Snapshot(
                float(second), loops, loops, loops > 0, loops == 0, none, np.zeros(heads, np.int8), none == 0,
                np.zeros(heads, bool),
            )  # fmt: skip
            decision = Decision(second, np.zeros(1, np.int8), none, none, loops, ("none",))
            command = Command(second, second, np.zeros(1, np.int8), none, none, ("granted",))
            log.append(Record(snapshot, None, decision, command))  # type: ignore[arg-type]
    return file


def limit_disk(central: Central, full: bool) -> None:
    """No file of the process may grow, as on a disk that is full; or it may again."""
    if central.process.poll() is None:
        soft = 1 if full else resource.RLIM_INFINITY
        resource.prlimit(central.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
