"""Chromium by its DevTools over a pipe: pages as they are seen, what the console says, what is fetched."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

OPTIONS = (
    "--headless=new", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--hide-scrollbars",
    "--disable-component-update", "--disable-sync", "--no-default-browser-check", "--remote-debugging-pipe",
)  # fmt: skip
READS, WRITES = 3, 4
"""The browser's file handles by which it is told and tells."""


class Browser:
    """One tab. console: what it complains of; fetched: every address that it asked for."""

    def __init__(self, chromium: Path, folder: Path) -> None:
        (told, self._tell), (self._hear, says) = os.pipe(), os.pipe()

        def wire() -> None:
            spare = os.dup(says), os.dup(told)
            os.dup2(spare[1], READS)
            os.dup2(spare[0], WRITES)

        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [str(chromium), *OPTIONS, *sandbox, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=wire
        )
        os.close(told)
        os.close(says)
        self._number, self._rest, self._session = 0, b"", ""
        self.console: list[str] = []
        self.fetched: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Its answer. Fails by what the browser says."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._tell, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return dict(found["result"])

    def open(self, address: str, width: int, height: int = 900, ratio: float = 1.0) -> None:
        """Go there, with a window of that size in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=False
        )
        self.call("Page.navigate", url=address)

    def value(self, script: str) -> Any:
        """Of an expression, in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str, within_s: float = 30.0, ready: Callable[[Any], bool] = bool) -> Any:
        """The value of an expression as soon as it is one that is waited for."""
        ends_s = time.monotonic() + within_s
        while not ready(found := self.value(script)):
            assert time.monotonic() < ends_s, f"{script}: still {found!r} after {within_s:g} s; {self.console}"
            time.sleep(0.1)
        return found

    def picture(self, file: Path) -> None:
        """The whole page."""
        box = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": box["width"], "height": box["height"], "scale": 1}
        found = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._hear, 2**16)
            assert part, "the browser is gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, about: dict[str, Any]) -> None:
        if method == "Runtime.consoleAPICalled":
            self.console.append(str([each.get("value") for each in about["args"]]))
        elif method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.console.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Log.entryAdded":
            self.console.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.fetched.append(about["request"]["url"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._tell)
        os.close(self._hear)
