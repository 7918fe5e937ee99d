"""Delay on each link of the network, for the map and beside it."""

import pandas as pd

from reports.comparison import Arm, ScenarioComparison
from reports.parts import of_arm
from reports.wording import number

NO_LINKS = pd.DataFrame({"case": pd.Series(dtype="int64")})
FEWEST = 5.0
"""Vehicles a draw from which a link is coloured: of fewer the mean is chance."""
MOST_LISTED = 12


def busy_links(links: pd.DataFrame, arm: Arm) -> pd.DataFrame:
    """An arm's rows of the links that enough vehicles drove on, over its draws."""
    own = of_arm(links, arm)
    if own.empty:
        return own
    vehicles, draws = own.groupby("link")["vehicles"].sum(), own["case"].nunique()
    return own[own["link"].map(vehicles) >= FEWEST * draws]


def link_delays(links: pd.DataFrame, arm: Arm) -> dict[str, tuple[float, float]]:
    """Of each link the delay in s per vehicle on it and the vehicles, mean over draws; {} if not kept."""
    own = busy_links(links, arm)
    if own.empty:
        return {}
    draws = of_arm(links, arm)["case"].nunique()
    own = own.assign(lost_s=own["delay_s"] * own["vehicles"])
    sums = own.groupby("link", sort=False)[["lost_s", "vehicles"]].sum()
    return {
        str(name): (float(lost_s / vehicles), float(vehicles / draws))
        for name, lost_s, vehicles in sums.itertuples(name=None)
    }


def link_rows(comparison: ScenarioComparison, links: pd.DataFrame) -> list[tuple[str, str, list[str]]]:
    """The links on which most is lost by whichever controller: vehicles, and each controller's delay."""
    arms = [link_delays(links, arm) for arm in comparison.headline_arms]
    lost_s: dict[str, float] = {}
    for delays in arms:
        for name, (delay_s, vehicles) in delays.items():
            lost_s[name] = max(lost_s.get(name, 0.0), delay_s * vehicles)
    worst = sorted(lost_s, key=lambda name: -lost_s[name])[:MOST_LISTED]
    return [
        (
            name,
            number(max(delays[name][1] for delays in arms if name in delays), 0),
            [number(delays[name][0]) if name in delays else number(float("nan")) for delays in arms],
        )
        for name in worst
    ]
