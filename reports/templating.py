"""The one jinja environment of all pages: everything is escaped, and a name that is not there is an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, values: dict[str, Any], **filters: Callable[..., Any]) -> str:
    """A template's text with these values; `filters` are what it calls beside jinja's own."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template).render(values)
