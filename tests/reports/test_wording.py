"""Small promises on numbers, names, levels of service and colours."""

import math

import pytest

from experiments.statistics import Interval
from reports.comparison import short_names
from reports.measures import MEASURES, level_of_service
from reports.palette import LOOKS, looks
from reports.wording import interval, listed, number, per_cent_change, ranges, signed, unbroken

PAPERS = ("#ffffff", "#15181c")


def test_numbers_have_a_true_minus_and_never_a_negative_zero() -> None:
    assert number(-1234.56) == "−1,234.6"
    assert number(-0.04) == "0.0"
    assert number(math.nan) == "–"
    assert (signed(2.0), signed(0.04), signed(-2.0)) == ("+2.0", "0.0", "−2.0")


def test_intervals_show_both_ends_or_that_there_is_none() -> None:
    assert interval(Interval(-1.0, -2.0, 0.5)) == "[−2.0, +0.5]"
    assert interval(Interval(-1.0, math.nan, math.nan)) == "no interval"


def test_ratio_becomes_a_change_in_per_cent() -> None:
    change = per_cent_change(Interval(0.5, 0.4, 1.25))
    assert (change.estimate, change.low, change.high) == pytest.approx((-50.0, -60.0, 25.0))


def test_lists_and_ranges_read_as_one_writes_them() -> None:
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert ranges([4, 0, 1, 2, 7, 2]) == "0–2, 4, 7"


def test_a_number_keeps_its_unit_in_its_line() -> None:
    assert unbroken("by 3.0 s so (95 % in 5 draws)") == "by 3.0\u00a0s so (95\u00a0% in 5 draws)"


@pytest.mark.parametrize(
    ("delay_s", "letter"),
    [
        (0.0, "A"),
        (10.0, "A"),
        (10.1, "B"),
        (20.1, "C"),
        (35.1, "D"),
        (55.0, "D"),
        (55.1, "E"),
        (80.1, "F"),
        (math.nan, ""),
    ],
)
def test_level_of_service_changes_just_above_each_limit(delay_s: float, letter: str) -> None:
    assert level_of_service(delay_s) == letter


def test_short_names_stay_apart() -> None:
    """Folders are left out of labels unless two files would then read alike."""
    apart = short_names(("max-pressure:sets/a.toml", "max-pressure:sets/b.toml", "maps/own.sumocfg"))
    assert list(apart.values()) == ["max-pressure:a", "max-pressure:b", "own.sumocfg"]
    alike = ("actuated:one/a.toml", "actuated:two/a.toml")
    assert short_names(alike) == dict(zip(alike, alike, strict=True))


def test_each_controller_has_its_own_look_in_every_report() -> None:
    """The same strategy looks the same wherever it appears; two settings of one do not look alike."""
    alone = looks(("existing", "max-pressure"))
    among = looks(("existing", "actuated", "max-pressure:a.toml", "max-pressure:b.toml"))
    assert alone["max-pressure"] == among["max-pressure:a.toml"] == LOOKS["max-pressure"]
    assert len(set(among.values())) == 4
    assert len({look.marker for look in LOOKS.values()}) == len(LOOKS)


@pytest.mark.parametrize("paper", PAPERS)
def test_colours_stand_out_from_light_and_dark_pages(paper: str) -> None:
    """WCAG's 3:1 for parts of charts."""
    for look in LOOKS.values():
        lighter, darker = sorted((luminance(look.colour), luminance(paper)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3.0, look


def luminance(colour: str) -> float:
    """Relative luminance after WCAG 2."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_measure_says_where_its_definition_is_from() -> None:
    assert all(measure.definition and measure.source and measure.unit for measure in MEASURES)
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
