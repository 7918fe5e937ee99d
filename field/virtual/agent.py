"""The unit on the wire: net-snmp's own snmpd in front, so that v1, v2c and v3 are a real agent's.

snmpd asks a relay that it starts (pass_persist), the relay asks this process over a Unix socket. All that is secret
lies in a folder of mode 0700 that goes with the agent.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from field.virtual.answers import Answer, requests
from signals.errors import ConfigError, PlantError

RELAY = Path(__file__).with_name("relay.py")
ROOTS = (".1.3.6.1.4.1.1206.4.2", ".1.3.6.1.2.1.1")
LOOPBACK = "127.0.0.1"
STARTS_WITHIN_S = 10.0
STOPS_WITHIN_S = 5.0
LIBC, PR_SET_PDEATHSIG = ctypes.CDLL(None), 1
LEAST_KEY = 8
"""Characters of an SNMPv3 pass phrase (RFC 3414, 11.2)."""


@dataclass(frozen=True)
class Access:
    """Who may ask: a community for v1 and v2c, a user with authentication (SHA-256) and privacy (AES) for v3."""

    community: str
    authentication_key: str
    privacy_key: str
    user: str = "central"

    def __post_init__(self) -> None:
        for name in ("community", "authentication_key", "privacy_key", "user"):
            value = getattr(self, name)
            if not value.isprintable() or not value or {'"', "\\", "#", " "} & set(value):
                raise ConfigError(f"{name}: must be printable, without blanks, quotes, # and backslashes")
        for name in ("authentication_key", "privacy_key"):
            if len(getattr(self, name)) < LEAST_KEY:
                raise ConfigError(f"{name}: {len(getattr(self, name))} characters, must be at least {LEAST_KEY}")


def new_access() -> Access:
    """Secrets that nobody has had before."""
    return Access(*(secrets.token_hex(12) for _ in range(3)))


def access_from(file: Path) -> Access:
    """Read the secrets of a file of mode 0600, or write new ones where there is none. Raises `ConfigError`."""
    try:
        if not file.exists():
            return _written(file, new_access())
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            raise ConfigError(f"{file}: mode is {mode:04o}, must be 0600: others could read its secrets")
        return Access(**tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError):
        names = "community, authentication_key, privacy_key and perhaps user"
        raise ConfigError(f"{file}: must be TOML with {names}, and no more") from None


def _written(file: Path, access: Access) -> Access:
    names = ("community", "authentication_key", "privacy_key")
    text = "".join(f'{name} = "{getattr(access, name)}"\n' for name in names)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return access


def snmpd_path() -> str:
    """Where snmpd is. Raises `ConfigError` where it is not."""
    found = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")
    if not found:
        raise ConfigError("snmpd is missing: install Debian package snmpd (sudo apt-get install snmpd)")
    return found


class Agent:
    """Answers until it is closed. `answer` is called from its own threads, one at a time."""

    def __init__(self, answer: Answer, access: Access, port: int = 0, host: str = LOOPBACK) -> None:
        self.access, self.host, self.port = access, host, port or free_port(host)
        self.requests = 0
        self._answer, self._lock = answer, threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="cabinet-"))  # of mode 0700
        self._listening = socket.socket(socket.AF_UNIX)
        self._snmpd: subprocess.Popen[bytes] | None = None
        try:
            self._listening.bind(str(self._folder / "unit"))
            self._listening.listen()
            threading.Thread(target=self._accept, daemon=True).start()
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        folder = self._folder
        configuration = folder / "snmpd.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration(), encoding="utf-8")
        words = [snmpd_path(), "-f", "-C", "-c", str(configuration), "-Lf", str(folder / "log"), "-r"]
        words += ["-I", "-system_mib,-sysORTable", f"udp:{self.host}:{self.port}"]
        environment = {"PATH": os.environ.get("PATH", ""), "SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": ""}
        quiet = subprocess.DEVNULL
        self._snmpd = subprocess.Popen(
            words,
            env=environment,
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self._wait_until_up()

    def _configuration(self) -> str:
        access, relay = self.access, f"{sys.executable} -S -E {RELAY} {self._folder / 'unit'}"
        lines = [
            f"createUser {access.user} SHA-256 {access.authentication_key} AES {access.privacy_key}",
            f"rwuser {access.user} authpriv .1.3.6.1",
            f"rwcommunity {access.community} default .1.3.6.1",
            *(f"pass_persist {root} {relay}" for root in ROOTS),
        ]
        return "\n".join(lines) + "\n"

    def _wait_until_up(self) -> None:
        """snmpd says in its log that it is up, or why it is not."""
        log, until_s = self._folder / "log", time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until_s:
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            if "NET-SNMP version" in text:
                return
            if self._snmpd and self._snmpd.poll() is not None:
                last = [line for line in text.splitlines() if line.strip()][-1:] or ["it said nothing"]
                raise PlantError(f"snmpd does not start on {self.host}:{self.port}: {last[0].strip()}")
            time.sleep(0.01)
        raise PlantError(f"snmpd is not up after {STARTS_WITHIN_S:g} s")

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("r", encoding="ascii", errors="replace") as lines, suppress(OSError):
            for verb, arguments in requests(iter(lines.readline, "")):
                with self._lock:
                    told = self._answer(verb, arguments)
                    self.requests += verb != "PING"
                connection.sendall(("\n".join(told) + "\n").encode())

    def locked(self, work: Callable[[], None]) -> None:
        """Do something while no request is being answered."""
        with self._lock:
            work()

    def close(self) -> None:
        """End snmpd and its relays, and forget the secrets."""
        if self._snmpd and self._snmpd.poll() is None:
            self._snmpd.send_signal(signal.SIGCONT)
            self._snmpd.terminate()
            try:
                self._snmpd.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._snmpd.kill()
                self._snmpd.wait()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def die_with_parent() -> None:
    """A unit that is killed takes its snmpd along (Linux, prctl(2))."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(host: str = LOOPBACK) -> int:
    """A UDP port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind((host, 0))
        return int(trial.getsockname()[1])
