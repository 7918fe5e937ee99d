"""The preflight as a table, what is said against the site's policy, and whether the site may engage."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from field.cabinet import Level
from field.cabinets import connect
from field.console import BAD_INPUT
from field.fleet import sites_in
from field.ntcip.preflight import TABLES
from field.site_file import built, load
from signals.controllers import doubts
from signals.errors import ConfigError, PlantError
from signals.layout import layout

READY, REFUSED = 0, 1


def check_sites(path: Path, console: Console) -> int:
    """A site's cabinet, or those of all in a folder, each whatever the others answer; the worst exit status."""
    if not path.is_dir():
        return check(path, console)
    return max(_check_one(file, console) for file in sites_in(path)[0])


def _check_one(file: Path, console: Console) -> int:
    try:
        return check(file, console)
    except (ConfigError, PlantError) as error:
        console.print(f"{file.name}: error: {error}", markup=False, soft_wrap=True)
        return BAD_INPUT


def check(path: Path, console: Console) -> int:
    """Look the site's cabinet over, reading only; exit status 1 where something keeps it in shadow."""
    site = load(path)
    for doubt in doubts(site.controller):
        console.print(f"warning: {doubt}", markup=False, soft_wrap=True)
    intersection, _ = built(site)
    cabinet = connect(site, layout([intersection]), time.monotonic, utc=time.time)
    try:
        findings = cabinet.preflight()
    finally:
        cabinet.close()
    table = Table("what", "found", "must be", "", box=None, pad_edge=False)
    table.columns[1].overflow = "fold"
    for finding in findings:
        table.add_row(finding.what, finding.value, finding.bound, "refuses" if finding.refuses else "")
    console.print(table)
    for finding in findings:
        if finding.what == TABLES and finding.refuses:
            line = f'once its tables were compared with the timing sheet: approved = "{finding.value}"'
            console.print(line, markup=False, soft_wrap=True)  # there to be copied, so never folded
    refusing = sum(finding.refuses for finding in findings)
    words = f"{refusing} of {len(findings)} keep it in shadow" if refusing else f"may engage at level {site.level}"
    if not refusing and site.level == Level.SHADOW:
        words = "in order; the site is at level shadow"
    console.print(f"site {site.name}: {words}", markup=False)
    return REFUSED if refusing else READY
