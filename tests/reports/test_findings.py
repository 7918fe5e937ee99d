"""What may be said of a result, and how."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from experiments.statistics import summarise
from reports.comparison import ScenarioComparison, compare
from reports.findings import Verdict, findings, headline, limits, notices, verdict
from tests.reports.synthetic_results import REAL_STREETS, MadeUp, case

PLACE = {"arterial": (2900, 75.0, 5)}
PLAIN = replace(REAL_STREETS, places=PLACE)


def compared(made_up: MadeUp, **changes: Mapping[str, Any]) -> tuple[ScenarioComparison, ...]:
    """Comparisons of made-up cases; `changes` overwrite columns of a controller's rows."""
    rows = [
        case(made_up, scenario, controller, demand, draw) | dict(changes.get(controller.replace("-", "_"), {}))
        for scenario in made_up.places
        for controller in made_up.effects
        for demand in made_up.demands
        for draw in made_up.draws
    ]
    cases = pd.DataFrame(rows)
    return compare(cases, summarise(cases), "existing")


def said(comparisons: tuple[ScenarioComparison, ...]) -> str:
    each = [finding for comparison in comparisons for finding in findings(comparison)]
    return " ".join([headline(comparisons, "existing"), *(" ".join([one.claim, *one.evidence]) for one in each)])


def test_clear_gain_is_claimed_with_its_interval_and_hours() -> None:
    """Seconds, per cent, vehicle-hours and draws: a reader can weigh it without the table."""
    comparison = compared(replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5}))[0]
    (finding,) = findings(comparison)
    difference = finding.arm.difference("delay_s")
    assert finding.verdict is Verdict.LESS
    assert f"lowers mean delay by {-difference.estimate:.1f} s a vehicle" in finding.claim
    assert f"95 % interval {-difference.high:.1f} to {-difference.low:.1f} s" in finding.claim
    hours = -difference.estimate * finding.arm.mean("scheduled") / 3600
    assert any(f"{hours:.1f} vehicle-hours saved" in part for part in finding.evidence)
    assert "5 paired draws, no gridlock" in finding.evidence


def test_little_time_is_told_in_minutes() -> None:
    """A tenth of a vehicle-hour means nothing to a reader; six vehicle-minutes do."""
    small = replace(PLAIN, places={"single": (60, 12.0, 1)}, effects={"existing": 1.0, "max-pressure": 0.5})
    assert "vehicle-minutes saved in the window of 60 vehicles" in said(compared(small))


def test_interval_with_zero_in_it_claims_nothing() -> None:
    """The same delay with noise: no verb of change, no hours saved, and zero is named."""
    comparisons = compared(replace(PLAIN, effects={"existing": 1.0, "actuated": 1.0}))
    words = said(comparisons)
    assert findings(comparisons[0])[0].verdict is Verdict.UNCLEAR
    assert "no clear difference" in words and "includes zero" in words
    assert "lowers" not in words and "raises" not in words and "saved" not in words


def test_worse_is_said_as_plainly_as_better() -> None:
    words = said(compared(replace(PLAIN, effects={"existing": 1.0, "actuated": 1.5})))
    assert "raises mean delay" in words and "vehicle-hours lost" in words


def test_one_draw_is_an_anecdote() -> None:
    """However large the difference, one draw claims nothing."""
    words = said(compared(replace(PLAIN, draws=[3])))
    assert "too few draws" in words and "1 draw cannot say how surely" in words
    assert "lowers" not in words and "nan" not in words


def test_a_place_of_persons_alone_claims_nothing_of_vehicles() -> None:
    """No vehicle in the window: no dash for a figure, no direction, and what the persons lost."""
    nobody = {"scheduled": 0, "delay_s": math.nan, "persons": 40, "person_delay_s": 12.5}
    words = said(compared(PLAIN, existing=nobody, actuated=nobody, max_pressure=nobody))
    assert "max-pressure had no vehicle to judge; persons lost 12.5 s each, 12.5 with existing." in words
    assert "\N{EN DASH} s" not in words and "mean delay" not in words and "nan" not in words


def test_gridlock_takes_the_claim_away() -> None:
    """Better in nine draws and locked in one is not better, and the rate is said."""
    made_up = replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.2}, draws=range(9))
    comparisons = compared(replace(made_up, gridlocked=frozenset({("max-pressure", 4)})))
    words = said(comparisons)
    assert findings(comparisons[0])[0].verdict is Verdict.GRIDLOCK
    assert "locked up in 1 of 9 draws" in words and "No gain can be claimed" in words
    assert "lowers" not in words and "saved" not in words


def test_baselines_gridlock_is_said() -> None:
    made_up = replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5}, gridlocked=frozenset({("existing", 0)}))
    assert "0 of 5 with max-pressure and 1 of 5 with existing" in said(compared(made_up))


def test_locked_out_vehicles_are_pointed_at() -> None:
    """Less delay with more vehicles kept outside is told in the same breath."""
    comparisons = compared(
        replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5}), max_pressure={"never_entered": 80}
    )
    assert "more vehicles never entered: 80.0 against" in said(comparisons)


def test_claim_needs_both_intervals() -> None:
    """Where the difference's interval excludes zero but the ratio's includes no change, nothing is claimed."""
    arm = compared(replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5}))[0].arms[1]
    torn = replace(arm, summary=arm.summary.copy())
    torn.summary["delay_s_ratio_high"] = 1.01
    assert verdict(arm) is Verdict.LESS
    assert verdict(torn) is Verdict.UNCLEAR


def test_unknown_ratio_leaves_the_difference_to_decide() -> None:
    """A delay of zero in one draw has no ratio; the difference still has its interval."""
    arm = compared(replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5}))[0].arms[1]
    without = replace(arm, summary=arm.summary.copy())
    without.summary[["delay_s_ratio", "delay_s_ratio_low", "delay_s_ratio_high"]] = math.nan
    assert verdict(without) is Verdict.LESS
    comparison = ScenarioComparison("arterial", "arterial", (compared(PLAIN)[0].arms[0], without))
    assert not re.search(r"nan|– %", said((comparison,)))


def test_headline_counts_every_scenario() -> None:
    """One sentence, and no scenario is left out of it because it is inconvenient."""
    words = headline(compared(replace(REAL_STREETS, effects={"existing": 1.0, "max-pressure": 0.5})), "existing")
    assert words.startswith("Against existing, max-pressure lowers mean delay on 3 of 3 scenarios (")


def test_headline_speaks_of_todays_demand() -> None:
    comparison = compared(replace(PLAIN, demands=(0.4, 1.0, 1.6), draws=range(2)))[0]
    assert comparison.headline_demand == 1.0
    assert compared(replace(PLAIN, demands=(0.4, 1.4), draws=range(2)))[0].headline_demand == 1.4


def test_limits_name_the_kind_of_draws() -> None:
    comparisons = compared(PLAIN)
    assert any("development draws" in each for each in limits(comparisons, "existing", {0, 4}))
    assert any(
        "evaluation draws, which tuning never saw" in each for each in limits(comparisons, "existing", {200, 219})
    )
    assert any("tuning and evaluation draws" in each for each in limits(comparisons, "existing", {100, 200}))


def test_guessed_plan_carries_no_headline() -> None:
    """RESCO's plans are a generator's guess; a gain over them says nothing of the city's."""
    resco = compared(REAL_STREETS)
    assert any("generator's guess" in each for each in limits(resco, "existing", {0}))
    assert not any("generator's guess" in each for each in limits(resco, "actuated", {0}))
    assert not any("generator's guess" in each for each in limits(compared(PLAIN), "existing", {0}))


def test_uncontrolled_signals_are_counted() -> None:
    partly = compared(PLAIN, max_pressure={"junctions_controlled": 3})
    assert any("3 of 5 on arterial" in each for each in limits(partly, "existing", {0}))
    assert not any("Not every signal" in each for each in limits(compared(PLAIN), "existing", {0}))


def test_missing_draws_and_failed_cases_come_first() -> None:
    """A mean over fewer draws, and a case that failed, are told before any figure."""
    made_up = replace(PLAIN, effects={"existing": 1.0, "max-pressure": 0.5})
    rows = [case(made_up, "arterial", name, 1.0, draw) for name in made_up.effects for draw in range(4)]
    cases = pd.DataFrame(rows[:-1])
    failed = [{"scenario": "arterial", "controller": "max-pressure", "demand": 1.0, "draw": 3, "message": "no route"}]
    found = notices(compare(cases, summarise(cases), "existing"), "existing", failed)
    assert found == [
        "arterial at demand ×1: max-pressure, draw 3 failed and is in no figure: no route",
        "arterial at demand ×1: max-pressure lacks draw 3; its mean is over fewer.",
    ]


def test_missing_baseline_is_said() -> None:
    cases = pd.DataFrame([case(PLAIN, "arterial", "actuated", 1.0, draw) for draw in range(3)])
    comparisons = compare(cases, summarise(cases), "existing")
    assert headline(comparisons, "existing") == "Nothing is compared: no case can be paired with existing."
    assert notices(comparisons, "existing", []) == [
        "arterial at demand ×1: no case with existing, so nothing there is compared."
    ]


def test_other_peoples_rules_are_told_as_such() -> None:
    """Nobody takes a figure made by RESCO's rules for one of the comparison's."""
    by_resco = compared(replace(PLAIN, places={"resco-rules:cologne1": (2000, 45.0, 1)}))
    told = " ".join(limits(by_resco, "existing", {0}))
    assert "by RESCO's own rules" in told and "beside published figures" in told and "generator's guess" in told
    assert "RESCO's own rules" not in " ".join(limits(compared(PLAIN), "existing", {0}))
