"""Zendesk's side of an app's frame, by the messages of its app framework: what its page and its proxy do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

APP = Path(__file__).resolve().parents[2] / "deploy" / "zendesk"
GUID = "0a1b2c3d-app"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
PAGE = """<!doctype html><link rel="icon" href="data:,"><title>Zendesk</title>
<iframe title="Retainer" width="360" height="700"></iframe>
<script>
"use strict";
const settings = {settings};
const values = {values};
const seen = window.seen = [];
const frame = document.querySelector("iframe");
const tell = window.tell = (message) => frame.contentWindow.postMessage(message, "*");
addEventListener("message", async (event) => {
  if (event.source !== frame.contentWindow || typeof event.data !== "string") return;
  const data = JSON.parse(event.data);
  seen.push(data);
  if (data.appGuid !== "{guid}") return;
  if (data.key === "iframe.handshake")
    tell(JSON.stringify({ key: "zaf.app.registered", message: { metadata: { settings }, context: {} } }));
  else if (data.request === "get")
    tell(JSON.stringify({ id: data.id, result: Object.fromEntries(data.params.map((name) => [name, values[name]])) }));
  else if (data.request === "invoke") tell(JSON.stringify({ id: data.id, result: {} }));
  else if (/^request:/.test(data.key ?? "")) {
    const answer = await fetch("/zendesk/proxy", { method: "POST", body: JSON.stringify(data.message) });
    const body = answer.ok ? await answer.json() : { status: answer.status };
    tell({ key: `zaf.${data.key}.${answer.ok ? "done" : "fail"}`, message: { responseArgs: [body] } });
  }
});
frame.src = "/zendesk/app/iframe.html?origin=" + encodeURIComponent(location.origin) + "&app_guid={guid}";
</script>"""


class Zendesk:
    """An account in which the app is installed."""

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}
        self.key = ""
        """The secure setting, which the page never sees."""
        self.values: dict[str, Any] = {}

    def get(self, path: str) -> tuple[int, str, bytes]:
        """Answer a browser: the agent's page, or a file of the app."""
        if path == "/zendesk/page":
            told = {"{settings}": json.dumps(self.settings), "{values}": json.dumps(self.values), "{guid}": GUID}
            page = PAGE
            for name, text in told.items():
                page = page.replace(name, text)
            return 200, TYPES[".html"], page.encode()
        file = APP / "assets" / path.rpartition("/")[2]
        if not file.is_file():
            return 404, "text/plain", b""
        return 200, TYPES[file.suffix], file.read_bytes()

    def proxy(self, body: bytes) -> tuple[int, str, bytes]:
        """Make a call of the app with the secure setting put in, to a host of the whitelist alone."""
        options = json.loads(body)
        assert options["secure"] is True
        assert str(options["url"]).startswith(self.settings["address"])
        headers = {name: value.replace("{{setting.key}}", self.key) for name, value in options["headers"].items()}
        answer = httpx.request(
            options["type"],
            options["url"],
            headers={**headers, "Content-Type": options["contentType"]},
            content=options["data"],
        )
        return (answer.status_code if answer.is_success else 502), "application/json", answer.content
