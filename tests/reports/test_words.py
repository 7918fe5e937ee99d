"""One table of words for each language, and nothing said in one that the other cannot say."""

import re
import string

import pytest

from reports.words import LANGUAGES, words
from signals.errors import ConfigError

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ALIKE = ("before_after.p", "table.co2", "measures.co2_kg.title", "map.co2", "movements.co2", "before_after.many")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_the_same_words():
    """A key that one lacks would be an error in the middle of a report."""
    assert LANGUAGES == ("en", "zh")
    english, chinese = (words(language).table for language in LANGUAGES)
    assert set(english) == set(chinese)
    assert [key for key in english if fields(english[key]) != fields(chinese[key])] == []


def test_chinese_is_chinese():
    """Nothing was left in English but units, symbols and names of sources."""
    table = words("zh").table
    said = {key: re.sub(r"\{\w+\}", "", text) for key, text in table.items()}
    left = [key for key, text in said.items() if not CHINESE.search(text) and re.search(r"[A-Za-z]{3}", text)]
    assert [key for key in left if key not in ALIKE and not key.endswith(".source")] == ["language.code"]


def test_one_and_many():
    say = words("en")
    assert (say.count(1, "draw"), say.count(1200, "draw")) == ("1 draw", "1,200 draws")
    assert words("zh").count(1, "draw") == "1 次抽样"
    assert [say.listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_a_language_that_is_not_there_is_one_line():
    with pytest.raises(ConfigError, match="language = fr, must be one of en, zh"):
        words("fr")
