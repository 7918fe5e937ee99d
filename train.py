"""Train a policy on places; the folder it is exported to runs as `--controller learned:DIR`, without torch."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.console import OneLineCommand, output
from experiments.engine import LOCAL, Engine, cluster_of
from models.settings import TrainingSettings, read_settings

BEST_SHOWN = 5

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
    search: Annotated[
        int, typer.Option(min=0, metavar="TRIALS", help="Look for hyper-parameters instead: best.toml in the folder.")
    ] = 0,
    parameter: Annotated[
        list[str] | None, typer.Option(help="With --search: one to look for; again for each more; else all.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local processes, or ray: the cores of more machines.")] = LOCAL,
    address: Annotated[str, typer.Option(help="HOST:PORT of the Ray cluster; else one of this machine's own.")] = "",
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
    where, command = cluster_of(engine, address), shlex.join(["train.py", *sys.argv[1:]])
    if search:
        look(what, folder, search, parameter or [], where, command)
    else:
        practise(what, folder, resume, where, command)


def look(
    what: TrainingSettings, folder: Path, trials: int, parameters: list[str], where: Engine | None, command: str
) -> None:
    """A search; what was found is a file for the next training."""
    from models.search import Search, table
    from models.search_space import chosen_parameters

    searched = Search(what, chosen_parameters(what, parameters), folder, where)
    searched.run(trials)
    best = searched.write(command)
    typer.echo(table(searched.trials).sort_values("delay_s").head(BEST_SHOWN).to_string(index=False))
    typer.echo(f"settings: {best}; train.py {best} --out FOLDER trains with them")


def practise(what: TrainingSettings, folder: Path, resume: bool, where: Engine | None, command: str) -> None:
    """A training, and its table."""
    from models import comparison, training  # torch takes seconds that a mistyped name need not wait for

    done = training.train(what, folder, resume, command, where)
    if what.comparison_draws:
        output().print(*comparison.report(comparison.compare(what, folder, where), output().width))
    typer.echo(f"policy: {folder}, after {done} decisions; --controller learned:{folder} runs it")


if __name__ == "__main__":
    app()
