"""What the report says by period and by movement, from the tables that results keep beside their cases."""

from typing import Any

from experiments.together import Together
from reports.charts import Looks
from reports.comparison import ScenarioComparison
from reports.crossings import crossing_tables
from reports.equity import SHOWN as EQUITY
from reports.equity import equity_rows
from reports.movements import movement_tables
from reports.periods import period_charts, period_tables
from reports.words import Words


def by_part(found: Together, comparisons: tuple[ScenarioComparison, ...], chosen: Looks, say: Words) -> dict[str, Any]:
    """By period and by movement, where the results have kept them; how many have not."""
    periods, movements, links = (found.table(kind) for kind in ("periods", "movements", "links"))
    drawn = [
        (comparison.label, period_charts(f"period{place}", comparison, periods, chosen, say))
        for place, comparison in enumerate(comparisons)
    ]
    return {
        "without_parts": len(found.cases) - periods["case"].nunique(),
        "period_charts": [(place, panels) for place, panels in drawn if panels],
        "period_tables": period_tables(comparisons, periods, say),
        "movement_tables": movement_tables(comparisons, movements, say),
        "crossing_tables": crossing_tables(comparisons, found.table("crossings"), say),
        "equity_measures": [(name, say(f"measures.{name}.title")) for name in EQUITY],
        "equity": equity_rows(comparisons, movements, links, say),
    }
