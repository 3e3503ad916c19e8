"""Debian's Chromium, driven by playwright, against a service of the test's own. Skipped where there is none."""

from __future__ import annotations

import base64
import html
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from scripts import node_tools
from tests.browser.vendor import Shop
from tests.browser.zendesk import Zendesk
from tests.support.serving import serving

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".venv-node-browser" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "docs" / "pictures" / "pages"
CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@pytest.fixture(scope="module")
def chromium(service: httpx.Client) -> Iterator[Any]:
    """A browser without a window. It has an event loop of its own, so it is there only while no other one turns."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make dev-env")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which finds what some people could not read."""
    if not AXE.exists() and shutil.which("npm"):
        node_tools.tools("browser")
    if not AXE.exists():
        pytest.skip("axe-core is not here, and no npm to fetch it")
    return AXE.read_text(encoding="utf-8")


_CHATWOOT = """<script>
addEventListener("message", (event) => {
  if (event.data !== "chatwoot-dashboard-app:fetch-info") return;
  const contact = {id: 5, name: "Eva", email: %s};
  event.source.postMessage(JSON.stringify({event: "appContext", data: {conversation: {id: 9}, contact}}), "*");
});
</script>"""
"""What Chatwoot's page does for a dashboard app."""


class _Helpdesk(BaseHTTPRequestHandler):
    """A page that frames the address that its query names, and an account of Zendesk."""

    zendesk: Zendesk

    def do_GET(self) -> None:
        if self.path.startswith("/zendesk/"):
            self._give(*self.zendesk.get(urlsplit(self.path).path))
            return
        asked = parse_qs(urlsplit(self.path).query)
        framed = html.escape(asked.get("frame", [""])[0])
        script = _CHATWOOT % json.dumps(asked["contact"][0]) if "contact" in asked else ""
        frame = f'<iframe title="card" width="340" height="700" src="{framed}"></iframe>' if framed else ""
        page = f'<!doctype html><link rel="icon" href="data:,"><title>Helpdesk</title>{script}{frame}'.encode()
        self._give(200, "text/html; charset=utf-8", page)

    def do_POST(self) -> None:
        self._give(*self.zendesk.proxy(self.rfile.read(int(self.headers["Content-Length"]))))

    def _give(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Helpdesks:
    """Pages of two helpdesks: one may frame the card, the other may not."""

    named: str
    other: str
    zendesk: Zendesk


@pytest.fixture(scope="module")
def helpdesks() -> Iterator[Helpdesks]:
    """Two helpdesks on ports of their own."""
    _Helpdesk.zendesk = Zendesk()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Helpdesk) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Helpdesks(*(f"http://127.0.0.1:{server.server_port}" for server in servers), _Helpdesk.zendesk)
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def service(module_url: str, helpdesks: Helpdesks) -> Iterator[httpx.Client]:
    """The service, which a helpdesk may frame."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; on Debian: apt-get install chromium")
    with serving(module_url, frame_origins=(helpdesks.named,)) as client:
        yield client


@pytest.fixture
def shop(service: httpx.Client) -> Shop:
    """A vendor under the policy with a choice, quotes and consent."""
    return Shop.open(service, "cs-cart", "2025-02-03T08:00:00Z")


@dataclass
class Watched:
    """A page of a browser, and what went wrong on it."""

    page: Any
    base: str
    outside: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def go(self, address: str) -> Any:
        """Open an address."""
        return self.page.goto(address if address.startswith("http") else self.base + address)

    def hears(self, words: str) -> None:
        """Wait until the console says something."""
        for _ in range(300):
            if any(words in said for said in self.said):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the console does not say {words}: {self.said}")

    def check(self) -> None:
        """Fail where another host was asked, the console was written to, or the policy stopped something."""
        assert self.outside == []
        assert self.said == []
        assert self.page.evaluate("window.violations") == []
        width = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], "the page is wider than its window"

    def accessible(self, axe: str) -> None:
        """Fail where axe finds a violation."""
        self.check()
        self.page.evaluate(axe)
        found = self.page.evaluate(f"axe.run(document, {json.dumps(RULES)})")
        self._forget()
        assert [
            (one["id"], [node["target"] for node in one["nodes"]][:3], one["nodes"][0]["failureSummary"])
            for one in found["violations"]
        ] == []

    def _forget(self) -> None:
        """Forget what the policy stopped of the tools' own doing: it is no fault of the page."""
        self.page.evaluate("new Promise((done) => setTimeout(done, 50)).then(() => { window.violations = []; })")
        self.said.clear()

    def picture(self, name: str) -> None:
        """Keep a picture for the docs, where the pictures are recorded."""
        if os.environ.get("RETAINER_RECORD"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            taken = self.page.context.new_cdp_session(self.page).send(
                "Page.captureScreenshot", {"format": "webp", "quality": 45}
            )
            (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))


@pytest.fixture
def watched(chromium: Any, service: httpx.Client) -> Iterator[Any]:
    """Make watched pages: ``watched(width, dark=..., script=..., locale=...)``."""
    contexts: list[Any] = []
    base = str(service.base_url).rstrip("/")

    def make(width: int = 1440, *, dark: bool = False, script: bool = True, locale: str = "en-GB") -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": 900 if width > 400 else 760},
            color_scheme="dark" if dark else "light",
            locale=locale,
            timezone_id="UTC",
            java_script_enabled=script,
        )
        contexts.append(context)
        context.set_default_timeout(90_000)  # a busy machine is slow, not wrong
        context.add_init_script(_WATCH)
        page = context.new_page()
        made = Watched(page, base)
        page.on("request", lambda sent: made.outside.append(sent.url) if not _ours(sent.url, base) else None)
        page.on("console", lambda said: made.said.append(f"{said.text} {said.location}") if said.type in _BAD else None)
        page.on("pageerror", lambda error: made.said.append(str(error)))
        return made

    yield make
    for context in contexts:
        context.close()


_BAD = ("error", "warning")


def _ours(address: str, base: str) -> bool:
    return address.startswith((base, "data:", "about:"))


def pytest_report_header() -> str:
    """Say which browser is driven."""
    return f"chromium: {CHROMIUM or 'none'} ({sys.platform})"
