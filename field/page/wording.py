"""Every word of the page, by language; the files have the same keys."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
LANGUAGES = ("en", "zh")


@cache
def words(language: str) -> dict[str, Any]:
    """All of one language."""
    return tomllib.loads((HERE / "words" / f"{language}.toml").read_text(encoding="utf-8"))
