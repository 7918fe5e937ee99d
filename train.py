"""Train a policy on places; the folder it is exported to runs as `--controller learned:DIR`, without torch."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.console import OneLineCommand, output
from models.settings import read_settings

app = typer.Typer(add_completion=False)


@app.command(cls=OneLineCommand, help=__doc__)
def train(
    settings: Annotated[Path | None, typer.Argument(help="TOML with any setting; flags go over it.")] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Name or path of a place; again for each more. evaluate.py list shows them."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for checkpoints and the exported policy.")] = None,
    steps: Annotated[int | None, typer.Option(help="Decisions in all; each junction's counts.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, exploration and draws.")] = None,
    demand: Annotated[list[float] | None, typer.Option(help="Multiple of today's demand; again for each more.")] = None,
    faults: Annotated[
        list[str] | None, typer.Option(help="Broken loops of an episode, as dead=0.2; again for each more.")
    ] = None,
    decision_s: Annotated[float | None, typer.Option(help="Seconds that a decision stands.")] = None,
    workers: Annotated[int | None, typer.Option(help="Simulations at once.")] = None,
    start_from: Annotated[
        str | None,
        typer.Option("--from", metavar="POLICY", help="Fine-tune this one: learned:generalist, or a folder."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in the folder.")] = False,
) -> None:
    flags = {
        "scenarios": scenario,
        "out": out,
        "steps": steps,
        "seed": seed,
        "demand": demand,
        "faults": faults,
        "decision_s": decision_s,
        "workers": workers,
        "start_from": start_from,
    }
    what, folder = read_settings(settings, flags)
    from models import comparison, training  # torch takes seconds that a mistyped name need not wait for

    done = training.train(what, folder, resume, shlex.join(["train.py", *sys.argv[1:]]))
    if what.comparison_draws:
        output().print(*comparison.report(comparison.compare(what, folder), output().width))
    typer.echo(f"policy: {folder}, after {done} decisions; --controller learned:{folder} runs it")


if __name__ == "__main__":
    app()
