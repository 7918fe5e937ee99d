"""The report as a file: whole by itself, the same for the same results, and equal to the summary it is made of."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from experiments.capacity import CAPACITY, capacities, write_capacity
from experiments.store import load
from experiments.together import together
from reports.goals import parse_goal
from reports.html import write_page, write_report
from reports.wording import number, signed
from reports.words import words
from signals.errors import ConfigError
from tests.reports.synthetic_results import EFFECTS, REAL_STREETS, MadeUp, write_results

LOADING_ATTRIBUTES = ("src", "href", "srcset", "data", "action", "poster", "xlink:href")
SINGLE = {"single": (900, 20.0, 1)}
EVEN = {"existing": 1.0, "actuated": 1.0}
MANY = ("existing", *(f"learned:sets/{name}" for name in "abcdefghijkl"))
LARGEST_BYTES = 1_500_000


class Page(HTMLParser):
    """What a browser would act on: references, ids, text, and the tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.tags.append((tag, given))
        self.references += [given[name] for name in LOADING_ATTRIBUTES if name in given]
        self.ids += [given["id"]] if "id" in given else []

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results") / "plain")


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> str:
    made_up = replace(
        REAL_STREETS, demands=(0.8, 1.0, 1.4), draws=range(200, 203), gridlocked=frozenset({("actuated", 201)})
    )
    return write_report(write_results(tmp_path_factory.mktemp("results") / "swept", made_up)).read_text(
        encoding="utf-8"
    )


@pytest.fixture(scope="module")
def chinese(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("chinese") / "report.html"
    goals = [parse_goal("delay_s < 35")]
    return write_page(together([folder]), file, goals, words("zh")).read_text(encoding="utf-8")


def test_report_is_one_file_beside_the_results(folder: Path, text: str) -> None:
    """Nobody has to say where it goes, and it can be mailed."""
    assert (folder / "report.html").read_text(encoding="utf-8") == text
    assert len(text.encode()) < LARGEST_BYTES


def test_nothing_is_fetched(text: str, swept: str, chinese: str) -> None:
    """Every reference is to a place in the page itself, or empty data; styles load nothing either."""
    for page in (Page(text), Page(swept), Page(chinese)):
        assert [each for each in page.references if not each.startswith(("#", "data:,"))] == []
        assert not {"script", "iframe", "object", "embed", "img"} & {tag for tag, _ in page.tags}
    assert not re.search(r"@import|url\((?!#)", text + swept + chinese)
    assert not re.search(r"https?:", text + swept + chinese)


def test_references_inside_the_page_lead_somewhere(text: str, swept: str) -> None:
    """Ids are unique although a page holds many charts, and every clip path and link has its target."""
    for html in (text, swept):
        page = Page(html)
        assert len(page.ids) == len(set(page.ids))
        targets = {each[1:] for each in page.references if each.startswith("#")} | set(
            re.findall(r"url\(#([^)]+)\)", html)
        )
        assert targets <= set(page.ids)


def test_every_scenario_and_controller_is_named(folder: Path, text: str) -> None:
    cases = load(folder).cases
    words = Page(text).text
    for name in (*cases["scenario"].unique(), *cases["controller"].unique()):
        assert name in words


def test_same_results_give_the_same_bytes(folder: Path, text: str, tmp_path: Path) -> None:
    """A report can be checked by making it again, anywhere."""
    assert write_report(folder, tmp_path / "again.html").read_text(encoding="utf-8") == text
    elsewhere = write_report(write_results(tmp_path / "elsewhere"))
    assert elsewhere.read_text(encoding="utf-8") == text


def test_intervals_are_the_summarys(folder: Path, text: str) -> None:
    """The report estimates nothing of its own: what it shows stands in summary.csv."""
    words = Page(text).text
    summary = pd.read_csv(folder / "summary.csv")
    compared = summary[summary["controller"] != "existing"]
    assert len(compared) == 6
    for row in compared.to_dict("records"):
        low, high = row["delay_s_diff_low"], row["delay_s_diff_high"]
        assert f"[{signed(low)}, {signed(high)}]" in words
        shares = [signed(100 * (row[f"delay_s_ratio{end}"] - 1), 0) for end in ("_low", "_high")]
        assert f"[{shares[0]}, {shares[1]}]" in words
        rates = [signed(row[f"throughput_veh_per_h_diff{end}"], 0) for end in ("", "_low", "_high")]
        assert f"{rates[0]} [{rates[1]}, {rates[2]}]" in words
        assert number(row["delay_s"]) in words


def test_tables_and_charts_can_be_read_aloud(swept: str) -> None:
    """Headers have a scope, scrolling parts can be reached by key and have a name, charts say their figures."""
    page = Page(swept)
    assert all(given.get("scope") for tag, given in page.tags if tag == "th")
    regions = [given for _, given in page.tags if given.get("role") == "region"]
    assert regions and all(given["tabindex"] == "0" and given["aria-label"] for given in regions)
    charts = [given for tag, given in page.tags if tag == "svg"]
    assert len(charts) == 1 + 3 * (3 + 2)
    assert all(given["role"] == "img" and re.search(r"\d", given["aria-label"]) for given in charts)
    assert ("html", {"lang": "en"}) in page.tags


def test_every_chart_takes_the_pages_colours(text: str) -> None:
    """No stand-in for ink or paper is left, so dark pages and paper are both legible."""
    assert "#0101" not in text and "#0202" not in text and "#0303" not in text and "#0404" not in text
    assert "var(--ink)" in text


def test_demand_chart_only_where_demand_varies(text: str, swept: str) -> None:
    assert "Delay per signal by demand multiple" in swept
    assert "Delay per signal by demand multiple" not in text


def test_provenance_is_told(folder: Path, text: str) -> None:
    """Versions, draws, digests and the command stand in the file itself."""
    words = Page(text).text
    for said in ("eclipse-sumo 1.28.0", "evaluate.py run --draws 5", "0–4", "accounting version", "FHWA-HOP-13-031"):
        assert said in words
    assert load(folder).cases["network_digest"][0][:12] in words


def test_names_are_text_not_markup(tmp_path: Path) -> None:
    """A path with a bracket or an ampersand is shown as it is."""
    scenario = "maps/<b>&own.sumocfg"
    made_up = replace(REAL_STREETS, places={scenario: (700, 20.0, 1)}, effects={"existing": 1.0, "actuated": 0.9})
    page = Page(write_report(write_results(tmp_path / "results", made_up)).read_text(encoding="utf-8"))
    assert scenario in page.text
    assert "b" not in {tag for tag, _ in page.tags}


@pytest.mark.parametrize(
    "made_up",
    [
        MadeUp(SINGLE, {"existing": 1.0, "max-pressure": 0.6}, draws=[0]),
        MadeUp(SINGLE, {"existing": 1.0}, draws=range(3)),
        MadeUp(SINGLE, {"max-pressure": 1.0, "actuated": 0.9}, demands=(0.5, 1.3)),
        MadeUp(SINGLE, EVEN, gridlocked=frozenset({("actuated", 0), ("existing", 0)})),
        MadeUp({"single": (0, 0.0, 1)}, EFFECTS, draws=range(2)),
        MadeUp(dict.fromkeys("uvw", SINGLE["single"]), dict.fromkeys(MANY, 1.0), draws=range(2)),
    ],
    ids=["one draw", "baseline alone", "no baseline", "gridlock on both sides", "no traffic", "many"],
)  # fmt: skip
def test_odd_results_still_make_a_report(tmp_path: Path, made_up: MadeUp) -> None:
    """Whatever the run was, its table can be read; nothing prints as nan."""
    page = Page(write_report(write_results(tmp_path / "results", made_up)).read_text(encoding="utf-8"))
    assert "The table" in page.text
    shown = page.text.partition("The whole manifest")[0]
    assert not re.search(r"\bnan\b|\binf\b|None", shown)
    for controller in made_up.effects:
        assert controller in shown


def test_report_that_cannot_be_written_is_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        write_report(folder, tmp_path / "missing" / "report.html")


def test_folder_without_results_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no results folder"):
        write_report(tmp_path)


def test_critical_movements_are_in_the_table_and_a_line_in_the_chart_they_are_near(tmp_path: Path) -> None:
    """From `capacity.csv`, as it was written with the sweep; far beyond the demands there is no line."""
    folder = write_results(tmp_path / "results", replace(REAL_STREETS, demands=(0.4, 1.0, 2.0), draws=range(200, 203)))
    references = {"resco:cologne1": 1.53, "resco:cologne3": 1.6, "arterial": 3.2}
    write_capacity(folder / CAPACITY, capacities(load(folder).cases, "existing", references))
    text = write_report(folder).read_text(encoding="utf-8")
    for multiple in references.values():
        assert f"Critical movements use the time up at {multiple:.2f}." in text
    assert re.search(r"critical movements: ×1\.53", Page(text).text)
    drawn = [svg for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL) if "Delay per signal by demand" in svg]
    assert ["critical movements" in svg for svg in drawn] == [True, True, False]


def test_the_chinese_page_is_chinese(folder: Path, chinese: str) -> None:
    """The same figures, and no sentence of the English page."""
    page = Page(chinese)
    assert ("html", {"lang": "zh-Hans"}) in page.tags
    shown = page.text.partition(words("zh")("sources.made_by"))[0]
    english = words("en").table
    assert [key for key, said in english.items() if len(said.split()) > 3 and "{" not in said and said in shown] == []
    summary = pd.read_csv(folder / "summary.csv")
    for row in summary[summary["controller"] != "existing"].to_dict("records"):
        assert f"[{signed(row['delay_s_diff_low'])}, {signed(row['delay_s_diff_high'])}]" in shown


def test_every_measure_leads_to_its_definition(text: str) -> None:
    page = Page(text)
    asked = {each[1:] for each in page.references if each.startswith("#measure-")}
    assert len(asked) >= 14 and asked <= set(page.ids)
