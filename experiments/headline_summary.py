"""A network's summary on disk: a CSV whose first lines say where its figures come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.console import errors
from experiments.headline import COLUMNS, Row
from experiments.store import one_line, write_whole
from signals.errors import ConfigError

CODE = "code digest"
SAME = (CODE, "draws", "network digest", "plans")
"""What parts of one summary share, on whichever days they were run."""


@dataclass(frozen=True)
class Summary:
    """Figures of one network, and by what, from what and when they were made."""

    network: str
    origin: Mapping[str, str]
    rows: pd.DataFrame

    def part(self, name: str, **where: object) -> pd.DataFrame:
        """The rows of a part, of those where the columns named have these values."""
        found = self.rows[self.rows["part"] == name]
        for column, value in where.items():
            found = found[found[column] == value]
        return found


def write(file: Path, origin: Mapping[str, str], rows: Iterable[Row]) -> Summary:
    """Whole or not at all; parts that were not run again are kept, where they share what is in `SAME`."""
    made = pd.DataFrame(list(rows), columns=list(COLUMNS))
    if file.is_file():
        kept = read(file)
        if all(kept.origin.get(name) == origin[name] for name in SAME):
            older = kept.rows[~kept.rows["part"].isin(made["part"].unique())]
            made = pd.concat([older, made], ignore_index=True) if len(older) else made
        else:
            errors.print(f"{file}: its older parts had other {', '.join(SAME)}: left out", markup=False)
    head = "".join(f"# {name}: {value}\n" for name, value in origin.items())
    with one_line(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, head + made.to_csv(index=False, float_format="%.6g"))
    return read(file)


def read(file: Path) -> Summary:
    """Raises `ConfigError` for a file that is no summary."""
    with one_line(file):
        head = [line[2:] for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
        table = pd.read_csv(
            file, comment="#", keep_default_na=False, na_values={"value": "", "low": "", "high": "", "demand": ""}
        )
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ConfigError(f"{file}: columns {', '.join(missing)} are missing; make it again")
    origin = dict(line.partition(": ")[::2] for line in head)
    return Summary(file.stem, origin, table)


def read_all(folder: Path) -> dict[str, Summary]:
    """By network; those that have been run."""
    return {file.stem: read(file) for file in sorted(folder.glob("*.csv"))}
