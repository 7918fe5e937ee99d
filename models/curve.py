"""The learning curve as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from models.evaluations import Evaluations

COLOURS = {"existing": "#7a7a7a", "adaptive": "#2a7f62"}


def draw_curve(evaluations: Evaluations, file: Path) -> Path:
    """Delay on development draws over decisions taken, with the baselines as lines and the best checkpoint marked."""
    curve, best = evaluations.curve(), evaluations.best()
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, delay_s in evaluations.of_baselines().items():
        axes.axhline(
            delay_s, color=COLOURS.get(str(name)), linestyle="--", linewidth=1.2, label=f"{name} {delay_s:.1f} s"
        )
    axes.plot(curve.index, curve.to_numpy(), "o-", color="#b8639a", markersize=4, label="policy")
    if best is not None:
        axes.plot([best], [curve[best]], "*", color="#b8639a", markersize=13, label=f"best {curve[best]:.1f} s")
    axes.set(xlabel="Decisions", ylabel="Delay, s per vehicle")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "learning curve"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    return file
