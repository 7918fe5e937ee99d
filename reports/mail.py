"""The answer as plain text, to be pasted into a mail."""

from collections.abc import Sequence

from experiments.together import Together
from reports.comparison import compare
from reports.findings import findings, headline
from reports.goals import Goal, goal_rows
from reports.html import all_notices
from reports.wording import demand
from reports.words import Words


def answer(found: Together, say: Words) -> str:
    """The one sentence."""
    return headline(compare(found.cases, found.summary(), found.baseline), found.baseline, say)


def mail(found: Together, goals: Sequence[Goal], say: Words) -> str:
    """What is wrong first, then the sentence, each scenario's findings and the goals."""
    comparisons = compare(found.cases, found.summary(), found.baseline)
    lines = [f"! {notice}" for notice in all_notices(found, comparisons, say)]
    lines += ["", headline(comparisons, found.baseline, say)]
    for comparison in comparisons:
        told = findings(comparison, say)
        lines += (
            ["", f"{comparison.scenario}, {say('report.demand', demand=demand(comparison.headline_demand))}"]
            if told
            else []
        )
        for finding in told:
            lines += [f"- {finding.claim}", *(f"    {part}" for part in finding.evidence)]
    rows = goal_rows(goals, comparisons, say)
    lines += ["", *(f"{row['goal']}: {row['judged']} ({row['who']}, {row['place']}: {row['found'].text} "
                    f"{row['found'].note})" for row in rows)]  # fmt: skip
    return "\n".join(lines).strip()
