"""What pyproject.toml pins, one a line: `python tools/requirements.py sim train` gives core and these two extras."""

import sys
import tomllib
from pathlib import Path

PROJECT_FILE = Path(__file__).resolve().parent.parent / "pyproject.toml"


def requirements(*extras: str) -> list[str]:
    """Core and the named extras; an unknown extra is a KeyError, since only the Makefile names them."""
    project = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return [requirement for group in groups for requirement in group]


if __name__ == "__main__":
    print("\n".join(requirements(*sys.argv[1:])))
