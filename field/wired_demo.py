"""The demo as it would be in the street: a virtual cabinet in a process of its own, and the loop over SNMP v3 to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from field.cabinets import connect
from field.clock import StreetClock
from field.demo import Demo, run_demo
from field.ntcip.preflight import TABLES
from field.page.pages import Pages
from field.run import AtTheConsole, Job, drive
from field.site import Site
from field.site_file import built
from field.stop import StopRequest
from field.virtual.agent import access_from, free_port, snmpd_path
from signals.errors import ConfigError, PlantError
from signals.layout import layout

ROOT = Path(__file__).resolve().parent.parent
SCENARIO, JUNCTION, STREET = "single", "J", "arterial"
WIRED_SPEED, DIRECT_SPEED = 5.0, 20.0
UP, UP_WITHIN_S, ENDS_WITHIN_S = "SNMP on ", 60.0, 10.0
USER = "central"


@dataclass(frozen=True)
class Asked:
    """What the command is told; see its own help."""

    scenario: str | None
    junction: str | None
    controller: str
    speed: float | None
    seconds: float
    log: Path | None = None
    gui: bool = False
    history: Path | None = None
    page: bool = True

    def demo(self, scenario: str, speed: float) -> Demo:
        """With what was left open. Raises `ConfigError`."""
        speed = speed if self.speed is None else self.speed
        scenario = self.scenario or scenario
        return Demo(scenario, self.controller, speed, self.seconds, self.log, self.gui, self.history, self.page)


def show_demo(asked: Asked, console: Console) -> int:
    """Over the wire; a scenario without a junction is driven directly, and all where no snmpd is. The exit status."""
    direct = asked.demo(STREET, DIRECT_SPEED)
    if asked.scenario and not asked.junction:
        return run_demo(direct, console)
    try:
        snmpd_path()
    except ConfigError as error:
        console.print(f"{error}; until then SUMO is driven directly", markup=False, soft_wrap=True)
        return run_demo(direct, console)
    return run_wired(asked.demo(SCENARIO, WIRED_SPEED), asked.junction or JUNCTION, asked.page, console)


def run_wired(demo: Demo, junction: str, page: bool, console: Console) -> int:
    """Stand the cabinet up, approve of its tables, take it, and give it back at the end."""
    StreetClock(demo.speed)  # refuses before anything is begun
    logs = demo.log or Path("recordings") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    if logs.exists():
        raise ConfigError(f"{logs}: is there already, and a log is never written over")
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        secrets, port = Path(name) / "secrets.toml", free_port()
        access_from(secrets)
        job = job_of(demo, site_of(demo, junction, port, secrets, logs, page))
        with cabinet(demo, junction, port, secrets) as lines:
            for line in lines:
                console.print(line, markup=False, soft_wrap=True)
            job = approved(job)
            with StopRequest() as stop, Pages(lambda line: console.print(line, markup=False)) as pages:
                for line in drive(job, stop, pages.beside(AtTheConsole(console), job), connect):
                    console.print(line, markup=False, soft_wrap=True)
    for log in sorted((logs / "records").glob("*.jsonl")):
        console.print(f"again: control.py replay {log}", markup=False, soft_wrap=True)
    return stop.exit_status


def site_of(demo: Demo, junction: str, port: int, secrets: Path, logs: Path, page: bool) -> Site:
    """What a site file would say, but for the loops' channels, which the junction tells."""
    return Site.model_validate(
        {
            "name": f"demo-{junction}" if junction.isalnum() else "demo",
            "level": "hold",
            "controller": demo.controller,
            "intersection": {"scenario": demo.scenario, "junction": junction},
            "history": demo.history,
            "cabinet": {"protocol": "ntcip", "port": port, "snmp": {"user": USER, "secrets": secrets}},
            "logging": {"folder": logs},
            "page": {"port": 0} if page else None,
        }
    )


def job_of(demo: Demo, site: Site) -> Job:
    """The cabinet's channels are the junction's loops, in order. Raises `ConfigError`."""
    intersection, plans = built(site)
    channels = [{"id": each.id, "channel": number} for number, each in enumerate(intersection.detectors, 1)]
    settings = site.model_dump() | {"cabinet": site.cabinet.model_dump() | {"detectors": channels}}
    return Job(Site.model_validate(settings), layout([intersection]), plans, (), demo.speed, demo.seconds)


def approved(job: Job) -> Job:
    """With the digest of the tables, which nobody needs to compare with a timing sheet here."""
    until_s = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            digest = tables_digest(job)
            break
        except PlantError:  # on a busy machine the first answers take longer than a street's would
            if time.monotonic() > until_s:
                raise
    return replace(
        job, site=job.site.model_copy(update={"cabinet": job.site.cabinet.model_copy(update={"approved": digest})})
    )


def tables_digest(job: Job) -> str:
    """Of the cabinet's tables, as its preflight has it. Raises `PlantError`."""
    with closing(connect(job.site, job.place, time.monotonic)) as found:
        return next(finding.value for finding in found.preflight() if finding.what == TABLES)


@contextmanager
def cabinet(demo: Demo, junction: str, port: int, secrets: Path) -> Iterator[list[str]]:
    """The virtual cabinet while it is entered; what it says of itself. Raises `PlantError` if it does not come up."""
    words = [sys.executable, str(ROOT / "control.py"), "cabinet", demo.scenario, "--junction", junction]
    words += ["--port", str(port), "--speed", str(demo.speed), "--report-period-s", "1", "--secrets", str(secrets)]
    log = secrets.with_name("cabinet.log")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*words, *["--gui"] * demo.gui], stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        until_s = time.monotonic() + UP_WITHIN_S
        while UP not in (said := log.read_text(encoding="utf-8")):
            if process.poll() is not None or time.monotonic() > until_s:
                last = said.strip().splitlines()[-1:] or ["it said nothing"]
                raise PlantError(f"the virtual cabinet does not come up: {last[0].removeprefix('error: ')}")
            time.sleep(0.05)
        yield [line for line in said.splitlines() if UP in line or line.startswith(f"{junction}: ")]
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
