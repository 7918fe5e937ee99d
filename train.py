"""Train a policy on a place; the folder it is exported to runs as `--controller learned:DIR`, without torch."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.console import OneLineErrors, output
from models.settings import settings_of

app = typer.Typer(cls=OneLineErrors, add_completion=False, help=__doc__)

TODAY = [1.0]


@app.callback(invoke_without_command=True)
def train(
    scenario: Annotated[str, typer.Option(help="Name or path of the place; evaluate.py list shows the names.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the exported policy.")],
    steps: Annotated[int, typer.Option(help="Decisions in all; each junction's counts.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of weights, exploration and draws.")] = 0,
    demand: Annotated[list[float], typer.Option(help="Multiple of today's demand; again for each more.")] = TODAY,
    decision_s: Annotated[float, typer.Option(help="Seconds that a decision stands.")] = 5.0,
    workers: Annotated[int, typer.Option(help="Simulations at once.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in the folder.")] = False,
) -> None:
    """Train, export, and compare on development draws."""
    settings = settings_of(scenario=scenario, seed=seed, demand=tuple(demand), decision_s=decision_s, workers=workers)
    from models import comparison, training  # torch takes seconds that a mistyped name need not wait for

    done = training.train(settings, steps, out, resume, shlex.join(["train.py", *sys.argv[1:]]))
    cases = comparison.compare(scenario, settings.demand, comparison.controllers(out, decision_s), out)
    output().print(*comparison.report(cases, output().width))
    typer.echo(f"policy: {out}, after {done} decisions; --controller learned:{out} runs it")


if __name__ == "__main__":
    app()
