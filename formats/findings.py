"""What was wrong with a file: kinds of broken rows and faulty values, counted, with the first lines of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

LINES_KEPT = 5


class Tally:
    """How often each kind of thing was found, and where first."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lines: dict[str, list[int]] = {}

    def add(self, kind: str, lines: Iterable[int]) -> None:
        """`lines` are counted from 1, as an editor shows them; rows of a Parquet file likewise."""
        found = [int(line) for line in lines]
        if found:
            self.counts[kind] = self.counts.get(kind, 0) + len(found)
            kept = self.lines.setdefault(kind, [])
            kept += found[: LINES_KEPT - len(kept)]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def sentences(self) -> list[str]:
        """'V03 is not a number: 3 (lines 2, 9, 14)', the most frequent kind first."""
        kinds = sorted(self.counts, key=lambda kind: (-self.counts[kind], kind))
        return [f"{kind}: {self.counts[kind]:,} ({self._where(kind)})" for kind in kinds]

    def _where(self, kind: str) -> str:
        lines, more = self.lines[kind], self.counts[kind] > len(self.lines[kind])
        shown = ", ".join(f"{line}" for line in lines) + (", …" if more else "")
        return f"{'line' if self.counts[kind] == 1 else 'lines'} {shown}"


@dataclass
class Findings:
    """`broken` rows were left out, `faulty` ones kept as unhealthy, without a value; `notices` are about the file."""

    broken: Tally = field(default_factory=Tally)
    faulty: Tally = field(default_factory=Tally)
    notices: list[str] = field(default_factory=list)
    rows: int = 0

    def notice(self, text: str) -> None:
        """Once, however often it is met."""
        if text not in self.notices:
            self.notices.append(text)
