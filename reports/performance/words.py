"""The page's words, one table for each language; a table without a key is found by the tests."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from signals.errors import ConfigError

FOLDER = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


class Words:
    """Says what a key stands for, in one language: `say("phase", n=2)`."""

    def __init__(self, language: str, table: Mapping[str, str]) -> None:
        self.language, self.table = language, table

    def __call__(self, key: str, **values: object) -> str:
        return self.table[key].format(**values) if values else self.table[key]

    def ending(self, reason: str) -> str:
        """How a green ended: the name of a termination, or '' where the log does not say."""
        return self(f"endings.{reason or 'not-said'}")


@cache
def words(language: str) -> Words:
    """`ConfigError` for a language that has no table."""
    if language not in LANGUAGES:
        raise ConfigError(f"lang = {language}, must be one of {', '.join(LANGUAGES)}")
    table = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return Words(language, dict(_flat(table)))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value
