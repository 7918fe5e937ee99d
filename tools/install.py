"""Make .venv and install core and the named extras into it: `python3 tools/install.py sim train`.

pip's own report is long and its quiet mode shows nothing for minutes, so one line says which package it is at.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "requirements.lock"
LOG = VENV / "pip.log"
LINES_SHOWN_OF_A_FAILURE = 15


def make_venv() -> int:
    """The status of venv; a .venv whose Python has gone (the system was upgraded) is made anew."""
    usable = PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode == 0
    return 0 if usable else subprocess.run([sys.executable, "-m", "venv", "--clear", VENV]).returncode


def requirements(extras: list[str]) -> list[str]:
    """As tools/requirements.py prints them."""
    command = [sys.executable, str(ROOT / "tools" / "requirements.py"), *extras]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def install(extras: list[str]) -> int:
    """pip's exit status; its whole output is kept in .venv/pip.log."""
    started_s = time.monotonic()
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--constraint", str(CONSTRAINTS)]
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "install", *options, *requirements(extras)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = []
    with LOG.open("w", encoding="utf-8") as log:
        for line in process.stdout or ():
            log.write(line)
            lines.append(line.rstrip())
            show_step(lines[-1])
    status = process.wait()
    if status:
        print(
            "\n".join(["", *lines[-LINES_SHOWN_OF_A_FAILURE:], f"pip failed with status {status}; all it said: {LOG}"])
        )
    else:
        print(f"{clear_line()}Installed in {time.monotonic() - started_s:.0f} s.", flush=True)
    return status


def show_step(line: str) -> None:
    """On a terminal one line that changes; in a log file only the two long steps, so that it stays short."""
    words = line.split()
    if sys.stdout.isatty() and words[:1] == ["Collecting"]:
        print(f"{clear_line()}  fetching {words[1]} ...", end="", flush=True)
    elif words[:1] == ["Installing"] and len(words) > 2:
        print(f"{clear_line()}  fetched all, unpacking {len(words) - 3} packages ...", flush=True)


def clear_line() -> str:
    return "\r\x1b[K" if sys.stdout.isatty() else ""


def main(extras: list[str]) -> int:
    print(f"Installing core, {', '.join(extras)} into .venv ...", flush=True)
    return make_venv() or install(extras)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the next make goes on with the installation.")
