"""The words of what is reported, a table a language; a report with words of its own has a folder of them."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from signals.errors import ConfigError

FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


class Words:
    """Says what a key stands for, in one language: `say("claim.less", who="adaptive", ...)`."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = table

    def __call__(self, key: str, **values: object) -> str:
        return self.table[key].format(**values) if values else self.table[key]

    def count(self, number_of: int, noun: str) -> str:
        """'1 draw', '5 draws'."""
        one, _, many = self.table[f"nouns.{noun}"].partition("|")
        return (one if number_of == 1 or not many else many).format(n=f"{number_of:,}")

    def listed(self, names: Sequence[str]) -> str:
        """'a', 'a and b', 'a, b and c'."""
        if len(names) < 2:
            return "".join(names)
        return self("language.comma").join(names[:-1]) + self("language.last") + names[-1]


@cache
def words(language: str, folder: Path = FOLDER) -> Words:
    """ConfigError for a language that has no table."""
    if language not in LANGUAGES:
        raise ConfigError(f"language = {language}, must be one of {', '.join(LANGUAGES)}")
    return Words(dict(_flat(tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")))))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


ENGLISH = words("en")
