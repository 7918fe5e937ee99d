"""What the operator's terminal promises."""

import io
import sys

import pytest

from field.console import output


def test_a_terminal_without_our_marks_shows_others(monkeypatch: pytest.MonkeyPatch):
    """A loop drawn in a plain ASCII terminal is a question mark, never the end of the run."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    output().print("J1 ■□")
    sys.stdout.flush()
    assert written.getvalue() == b"J1 ??\n"
