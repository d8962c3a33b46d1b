"""A real browser for tests: Chromium, told what to do over the W3C's WebDriver protocol."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DRIVER = shutil.which("chromedriver")
REQUIRED = "HF_EFFICIENT_TEST_BROWSER"
"""Set where a browser must be there, as in CI: tests fail without one then."""
_ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]


class Browser:
    """A window of the browser."""

    def __init__(self, driver: str) -> None:
        self._driver = driver
        options = {"args": _ARGUMENTS}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        self._session = f"/session/{self._ask('POST', '/session', wanted)['sessionId']}"

    def open(self, url: str) -> None:
        """Go to an address."""
        self._ask("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        """What a script returns in the page."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def press(self, *keys: str) -> None:
        """Press and release keys, one after the other."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": strokes}]
        self._ask("POST", f"{self._session}/actions", {"actions": actions})

    def click(self, selector: str) -> None:
        """Click the first element that a CSS selector finds."""
        found = self._ask("POST", f"{self._session}/element", {"using": "css selector", "value": selector})
        self._ask("POST", f"{self._session}/element/{next(iter(found.values()))}/click", {})

    def until(self, script: str, timeout: float = 60) -> Any:
        """What a script returns, once that is true."""
        end = time.monotonic() + timeout
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"{script}: the page says {self.run('return document.body.innerText')!r}"
            time.sleep(0.05)
        return found

    def close(self) -> None:
        """Close the window."""
        self._ask("DELETE", self._session)

    def _ask(self, method: str, path: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(
            f"{self._driver}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:300]}") from error


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A browser, for the length of a block; the test is skipped where there is none, unless one is required."""
    if DRIVER is None:
        why = "chromedriver is not installed (Debian: apt-get install chromium chromium-driver)"
        assert not os.environ.get(REQUIRED), why
        pytest.skip(why)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "NO_PROXY": "127.0.0.1"}
        driver = subprocess.Popen([DRIVER, f"--port={port}", "--silent"], env=environment)
        try:
            _wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            browser = Browser(f"http://127.0.0.1:{port}")
            try:
                yield browser
            finally:
                browser.close()
        finally:
            driver.terminate()
            driver.wait(20)


def _wait(reach: Callable[[], None], timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while True:
        try:
            return reach()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
