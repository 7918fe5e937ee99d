"""What the check of an audit log found, in words."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from field.audit import Verdict, files, verify
from field.console import DIFFERENT


def audit_of(path: Path) -> Path:
    """The audit log of a site's log folder, or what was named."""
    return path / "audit" if path.is_dir() and not files(path) and (path / "audit").is_dir() else path


def verify_log(path: Path, console: Console) -> int:
    """Check it and say so; the exit status. Raises `ConfigError` where there is none."""
    verdict = verify(audit_of(path))
    for line in lines(verdict):
        console.print(line, markup=False, soft_wrap=True)
    return DIFFERENT if verdict.broken else 0


def audit_words(path: Path) -> str:
    """For a report over the logs of that folder: one sentence, or none where it has no audit log."""
    folder = audit_of(path if path.is_dir() else path.parent.parent)
    return " ".join(lines(verify(folder))) if folder.is_dir() and files(folder) else ""


def lines(verdict: Verdict) -> list[str]:
    """The outcome."""
    first = f", the first is number {verdict.begins_at}: older days are gone" if verdict.begins_at > 1 else ""
    chain = f"broken: {verdict.broken}" if verdict.broken else "whole"
    said = [f"audit log: {verdict.lines} entries{first}, chain {chain}; last digest {verdict.digest or 'none'}"]
    return said + [f"{where}: cut, as a crash leaves it" for where in verdict.cut]
