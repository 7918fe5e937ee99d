"""A report as a list of sections, printed in words or as one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from experiments.store import one_line
from reports.plain_text import columns, fold
from reports.templating import render_page

TEMPLATE = "field.html.j2"
WIDTH = 118


@dataclass(frozen=True)
class Table:
    """A header that begins with `>` has its column to the right."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and a table or a chart (an <svg>) where it has one."""

    title: str
    sentences: Sequence[str]
    table: Table | None = None
    chart: str = ""


@dataclass(frozen=True)
class Document:
    """Title, subtitle, the answer in a sentence, and what it rests on."""

    title: str
    subtitle: str
    headline: str
    sections: Sequence[Section]


def words(document: Document) -> list[str]:
    """For a terminal."""
    lines = [document.title, document.subtitle, "", *fold(document.headline, WIDTH)]
    for section in document.sections:
        lines += ["", section.title.upper()]
        lines += [f"  {line}" for sentence in section.sentences for line in fold(sentence, WIDTH)]
        if section.table and section.table.rows:
            lines += columns(section.table.headers, section.table.rows, indent="    ")
    return lines


def write_page(document: Document, file: Path) -> None:
    """Raises `ConfigError` where it cannot be written."""
    sections = [
        {
            "title": section.title,
            "sentences": section.sentences,
            "headers": [header.removeprefix(">") for header in section.table.headers] if section.table else [],
            "left": [not header.startswith(">") for header in section.table.headers] if section.table else [],
            "rows": section.table.rows if section.table else [],
            "chart": Markup(section.chart),
        }
        for section in document.sections
    ]
    values = {
        "title": document.title,
        "subtitle": document.subtitle,
        "headline": document.headline,
        "sections": sections,
    }
    with one_line(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render_page(TEMPLATE, values), encoding="utf-8")
