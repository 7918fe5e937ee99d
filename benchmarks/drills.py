"""Whatever becomes of us, the cabinet goes on: `python benchmarks/drills.py --times 200 --json FILE` (half an hour).

A virtual cabinet with a backup time of 3 s and traffic on its street answers SNMP on loopback; `control.py run` takes
it. In a random state one of these happens at a random moment: kill -9, SIGSTOP and later SIGCONT, a cut network both
ways or for the answers alone, a disk that takes nothing more, a wall clock that leaps, SIGTERM. Judged from outside, by
stock snmpget and by the cabinet's own event log: it must be on its local plan within its backup time of the last SET,
nothing of it broken; the audit log's chain must be whole but for a last line, and the next process begin in shadow.

Eight drills are a block: one street, one cabinet, a process after another. Blocks run side by side, since they mostly
wait. FILE holds the blocks that are over, and a second run with it does the drills that it lacks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from benchmarks.one_drill import STATES, Ground, Outcome  # noqa: E402
from field.virtual.checker import Breach  # noqa: E402

IN_A_BLOCK = len(STATES)


@dataclass
class Block:
    """Some drills on one ground, and what the checker found in its cabinet's event log."""

    outcomes: list[Outcome] = field(default_factory=list)
    events: int = 0
    breaches: list[Breach] = field(default_factory=list)


@dataclass
class Drills:
    """All that are asked for; `blocks` are those that are done.

    Once `over` is set, no drill begins any more.
    """

    times: int
    seed: int
    file: Path | None = None
    blocks: list[Block] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.file and self.file.exists():
            kept = json.loads(self.file.read_text(encoding="utf-8"))
            if kept["seed"] != self.seed:
                raise SystemExit(f"{self.file}: seed = {kept['seed']}, must be {self.seed}: name another file")
            self.blocks = [
                Block([Outcome(**o) for o in b["outcomes"]], b["events"], [Breach(**x) for x in b["breaches"]])
                for b in kept["blocks"]
            ]

    @property
    def outcomes(self) -> list[Outcome]:
        """Of all blocks that are over."""
        return [outcome for block in self.blocks for outcome in block.outcomes]

    def missing(self, in_a_block: int) -> Iterator[list[int]]:
        """Numbers of drills that are not done, block by block."""
        done = {outcome.number for outcome in self.outcomes}
        left = [number for number in range(self.times) if number not in done]
        return (left[k : k + in_a_block] for k in range(0, len(left), in_a_block))

    def run(self, side_by_side: int, in_a_block: int = IN_A_BLOCK) -> None:
        """Do what is missing. Ctrl-C ends it after the drills that are on, which are kept."""
        with ThreadPoolExecutor(side_by_side) as pool:
            try:
                list(pool.map(self._block, self.missing(in_a_block)))
            except BaseException:
                self.over.set()
                raise

    def _block(self, numbers: Iterable[int]) -> None:
        if self.over.is_set():
            return
        block = Block()
        with tempfile.TemporaryDirectory(prefix="drills-") as folder:
            ground = Ground(Path(folder), self.seed)
            try:
                for number in numbers:
                    if not self.over.is_set():
                        block.outcomes.append(ground.run(number))
                        print(f"{number + 1}/{self.times}  {said(block.outcomes[-1])}", flush=True)
            finally:
                block.events, block.breaches = ground.close()
                self._keep(block)

    def _keep(self, block: Block) -> None:
        with self._lock:
            self.blocks.append(block)
            if self.file:
                unfinished = self.file.with_name(f"{self.file.name}.part")
                rows = {"seed": self.seed, "blocks": [asdict(each) for each in self.blocks]}
                unfinished.write_text(json.dumps(rows, indent=1), encoding="utf-8")
                unfinished.replace(self.file)

    @property
    def failed(self) -> list[str]:
        """What speaks against us, a line each; empty where nothing does."""
        return [
            *(f"drill {o.number + 1}: {said(o)}" for o in self.outcomes if o.broken or not o.reached),
            *(f"rule {x.rule} at {x.time_s:.1f} s: {x.what}" for block in self.blocks for x in block.breaches),
            *("a cabinet's event log is empty" for block in self.blocks if not block.events),
        ]


def said(outcome: Outcome) -> str:
    """One drill in a line."""
    words = f"local {outcome.local_s:.1f} s after the last SET, which came {outcome.let_go_s:+.1f} s after"
    return f"{outcome.state}: {outcome.kind}: {outcome.broken or (words if outcome.reached else 'not reached')}"


def summary(drills: Drills) -> list[str]:
    """All of it in a few lines."""
    outcomes, failed = drills.outcomes, drills.failed
    reached = [outcome for outcome in outcomes if outcome.reached]
    breaches, events = (sum(n) for n in zip(*((len(b.breaches), b.events) for b in drills.blocks), strict=True))
    return [
        f"{len(outcomes)} of {drills.times} drills, {sum(bool(o.broken) or not o.reached for o in outcomes)} failed, "
        f"{breaches} broken rules in the cabinets' {events} events",
        "states: " + ", ".join(f"{state} {n}" for state, n in Counter(o.state for o in reached).items()),
        "kinds: " + ", ".join(f"{kind} {n}" for kind, n in Counter(o.kind for o in reached).items()),
        f"longest from the last SET to the local plan: {max((o.local_s for o in outcomes), default=0.0):.1f} s",
        *failed,
    ]


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side-by-side", type=int, default=2, help="blocks at once, each with a street of its own")
    parser.add_argument("--json", type=Path, help="where the outcomes go, and are taken up from")
    asked = parser.parse_args()
    drills, stopped = Drills(asked.times, asked.seed, asked.json), False
    try:
        drills.run(asked.side_by_side)
    except KeyboardInterrupt:  # the verdict is on those that were done
        stopped = True
    if drills.blocks:
        print("\n".join(summary(drills)))
    return 130 if stopped else int(bool(drills.failed))


if __name__ == "__main__":
    sys.exit(main())
