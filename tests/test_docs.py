"""What the documents tell a reader to type works as it stands there."""

import re
from pathlib import Path

import pytest

from experiments.case import Case, run_case
from signals.controllers import CONTROLLERS

ROOT = Path(__file__).resolve().parent.parent


def code_blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_documented_controller_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever copies the file of docs/adding-a-controller.md has a controller that works on a real junction."""
    rooms: dict = {}
    exec(code_blocks("docs/adding-a-controller.md", "python")[0], rooms)
    row = ("as documented", lambda layout, _, __: rooms["LongestQueue"](layout, rooms["LongestQueueSettings"]()))
    monkeypatch.setitem(CONTROLLERS, "longest-queue", row)
    measures = run_case(Case("resco:cologne1", "longest-queue", 1.0, 0), tmp_path)
    assert measures["completed"] > 0.9 * measures["scheduled"]
    assert not measures["gridlock"]


@pytest.mark.parametrize(
    "document", sorted(str(file.relative_to(ROOT)) for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
)
def test_links_between_documents_lead_somewhere(document: str):
    """A link to a file of ours names one that exists."""
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = [
        target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith(("http", "#"))
    ]
    assert [target for target in targets if not (ROOT / document).parent.joinpath(target).exists()] == []
