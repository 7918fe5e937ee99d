"""The page of drawings in a real browser: nothing fetched, nothing logged, no number over another."""

from pathlib import Path

import pytest

from reports.describe_html import write_page
from tests.reports.test_browser import WIDTHS_PX, chromium, look_at

__all__ = ["chromium"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["arterial", "resco:cologne3", "resco:ingolstadt7"])
def test_drawings_look_whole_at_every_width(chromium: Path, name: str, tmp_path: Path) -> None:
    """On a desk and on a phone, where wide drawings scroll within their frames."""
    found, console = look_at(chromium, write_page(name, (), tmp_path / "page.html"), tmp_path)
    assert console == []
    assert set(found) == {str(width) for width in WIDTHS_PX}
    for seen in found.values():
        assert seen.pop("charts") >= 5
        assert seen == {"cut": [], "overlaps": [], "fetched": [], "sideways": 0, "unseen": []}
