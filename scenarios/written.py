"""SUMO configurations that we write: what an import or a demand leaves in the user's folder."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from signals.errors import ConfigError

HEADER_COMMENT = re.compile(rb"<!--.*?-->\s*", re.DOTALL)
OURS = "<!-- written by evaluate.py -->"


@dataclass(frozen=True)
class OwnConfiguration:
    """What a configuration of ours says."""

    net_file: Path
    route_files: tuple[Path, ...] = ()
    additional_files: tuple[Path, ...] = ()
    begin_s: float | None = None
    end_s: float | None = None
    options: dict[str, str] = field(default_factory=dict)


def check_ours(configuration: Path) -> None:
    """A configuration that somebody wrote by hand is never overwritten."""
    if configuration.is_file() and OURS not in configuration.read_text(encoding="utf-8", errors="replace"):
        raise ConfigError(f"{configuration}: is not of our writing and stays; name another folder with --out")


def write_sumocfg(path: Path, said: OwnConfiguration) -> None:
    """Write it with paths relative to its folder, so that the folder can be moved."""
    check_ours(path)
    inputs = {
        "net-file": [said.net_file],
        "route-files": said.route_files,
        "additional-files": said.additional_files,
    }
    lines = ["<configuration>", f"    {OURS}", "    <input>"]
    lines += [_option(name, ",".join(_relative(f, path) for f in files)) for name, files in inputs.items() if files]
    lines += ["    </input>", "    <time>"]
    times = {"begin": said.begin_s, "end": said.end_s}
    lines += [_option(name, f"{time_s:g}") for name, time_s in times.items() if time_s is not None]
    lines += ["    </time>", "    <processing>", *(_option(*option) for option in said.options.items())]
    lines += ["    </processing>", "</configuration>", ""]
    try:
        path.write_text("\n".join(lines), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _relative(file: Path, configuration: Path) -> str:
    return os.path.relpath(file.resolve(), configuration.resolve().parent)


def _option(name: str, value: str) -> str:
    return f"        <{name} value={quoteattr(value)}/>"
