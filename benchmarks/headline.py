"""The headline and all it rests on: `make benchmark`, `python benchmarks/headline.py --networks cologne1 --json FILE`.

One part after another on each of RESCO's networks, on evaluation draws (240 and up):

- sweep: capacity at level of service D of every controller, coarsely (by 0.2, 5 draws), then within 0.2 of each
  crossing by 0.1 in 20 draws (ingolstadt21, arterial4x4: 5), further where a draw crosses beyond; served at overload;
- cells: `adaptive` against the better of existing and optimised-fixed at six demands, as many draws;
- faults: the same with a fifth of the loops dead, 5 draws, and what part of the gain is kept;
- rules: RESCO's own rules, beside the best published value;
- cost: what a decision costs, in a process of its own.

Cases are ordinary ones, kept in `--out`/NETWORK: what is finished there is not run again by the same code. A
network's figures go to docs/benchmarks/NETWORK.csv; docs/benchmarks.md, its charts and the README's headline are made
of these files (`--docs` alone does that and runs nothing). `--quick` is a subset (three networks, 3 of the same
draws, no look at the crossing, three demands), whose figures and page stay in `--out`/quick.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, from anywhere

from benchmarks.headline_parts import PARTS, Work  # noqa: E402
from experiments import headline, provenance  # noqa: E402
from experiments.case import place_of  # noqa: E402
from experiments.console import BAD_INPUT, INTERRUPTED, complain  # noqa: E402
from experiments.critical_movements import critical_movements  # noqa: E402
from experiments.engine import core_count  # noqa: E402
from experiments.headline import Draws  # noqa: E402
from experiments.headline_summary import CODE, read_all, write  # noqa: E402
from experiments.store import write_whole  # noqa: E402
from reports.headline import curves, front_door, page  # noqa: E402
from reports.targets import FEW_DRAWS, NETWORKS, PROTOCOL_DRAWS, PROTOCOL_FEW, targets  # noqa: E402
from scenarios.cache import combined_digest, file_digest  # noqa: E402
from scenarios.catalogue import RESCO_PREFIX, find  # noqa: E402
from signals.errors import ConfigError, PlantError  # noqa: E402
from simulation.street import detector_digest  # noqa: E402

FIRST_DRAW = 240
"""Draws before it were looked at while the controller was made (decisions 0012, 0013, 0017)."""
QUICK_NETWORKS, QUICK_DRAWS = ("cologne1", "ingolstadt1", "cologne3"), 3
NOTES, README = "notes.md", ROOT / "README.md"
DOCS, SUMMARIES = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks"


def origin_of(work: Work) -> dict[str, str]:
    """What a summary says at its head."""
    manifest = json.loads((work.out / "manifest.json").read_text(encoding="utf-8"))
    network = place_of(find(work.scenario)).network
    of_demand = manifest.get("scenarios", {}).get(work.scenario, {}).get("demand_digests", {})
    demands = [f"{multiple} {draw} {digest}" for multiple, of in of_demand.items() for draw, digest in of.items()]
    files = [name.partition(":")[2] for name in work.plans]
    return {
        "scenario": work.scenario,
        "draws": f"{len(work.draws.fine)} from {FIRST_DRAW}, coarsely {len(work.draws.coarse)}",
        "commit": work.commit,
        CODE: provenance.code_digest(),
        "versions": ", ".join(f"{name} {value}" for name, value in provenance.versions().items()),
        "network digest": network.digest,
        "detector digest": detector_digest(network),
        "demand digest": combined_digest(demands),
        "plans": ", ".join(f"{Path(file).name} {file_digest(ROOT / file)[:16]}" for file in files) or "none",
        "critical movements": f"{critical_movements(work.scenario).multiple:.2f}",
        "made": datetime.now(UTC).date().isoformat(),
    }


def run_parts(work: Work, parts: Sequence[str], summaries: Path) -> None:
    """Run them, write the network's summary."""
    rows = [row for part in parts for row in PARTS[part](work)]
    write(summaries / f"{work.network}.csv", origin_of(work), rows)


def publish(folder: Path, document: Path, quick: bool) -> None:
    """The page, its charts and the README's headline, of whatever summaries there are."""
    found = read_all(folder)
    document.parent.mkdir(parents=True, exist_ok=True)
    for name, summary in found.items():
        if len(summary.part(headline.CURVE)):
            write_whole(folder / f"{name}.svg", curves(summary))
    notes = folder / NOTES
    told = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    write_whole(document, page(found, folder.name, told, quick))
    if not quick:
        write_whole(README, front_door(README.read_text(encoding="utf-8"), found))


def draws_of(network: str, asked: int | None, quick: bool) -> Draws:
    fine = asked or (QUICK_DRAWS if quick else PROTOCOL_FEW if network in FEW_DRAWS else PROTOCOL_DRAWS)
    return Draws(
        tuple(range(FIRST_DRAW, FIRST_DRAW + min(PROTOCOL_FEW, fine))), tuple(range(FIRST_DRAW, FIRST_DRAW + fine))
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/benchmark"), help="folder of the cases")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, help="all eight, or three with --quick")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="all of them")
    parser.add_argument("--draws", type=int, help="draws about the crossing and in the cells, 20 or 5")
    parser.add_argument("--workers", type=int, default=core_count(), help="worker processes")
    parser.add_argument("--quick", action="store_true", help="a subset, in 30 minutes on two cores")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md again, run nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    if arguments.draws is not None and not 2 <= arguments.draws <= 100:
        parser.error(f"--draws {arguments.draws}: must be from 2 to 100")
    return arguments


def main() -> None:
    """Parse, run, write the page."""
    arguments = parsed()
    out, json_file = arguments.out.resolve(), arguments.json.resolve() if arguments.json else None
    out = out / "quick" if arguments.quick else out
    os.chdir(ROOT)
    summaries, document = (out / "summary", out / "benchmarks.md") if arguments.quick else (SUMMARIES, DOCS)
    commit = provenance.commit() or "unknown"  # before the first summary changes the checkout
    networks = arguments.networks or (QUICK_NETWORKS if arguments.quick else NETWORKS)
    for network in () if arguments.docs else networks:
        draws = draws_of(network, arguments.draws, arguments.quick)
        place = network, RESCO_PREFIX + network, out / network
        work = Work(*place, draws, arguments.quick, arguments.workers, commit)
        run_parts(work, arguments.parts, summaries)
        publish(summaries, document, arguments.quick)
    publish(summaries, document, arguments.quick)
    found = read_all(summaries)
    for target in targets(found):
        print(target.line)
    print(f"page: {document}")
    if json_file:
        write_whole(json_file, json.dumps(figures(found), indent=1) + "\n")


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """All of it, for whoever reckons on."""
    networks = {
        name: {"origin": of.origin, "rows": json.loads(of.rows.to_json(orient="records"))} for name, of in found.items()
    }
    return {"targets": [vars(target) for target in targets(found)], "networks": networks}


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, PlantError) as error:
        complain(f"error: {error}")
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
