"""What people wrote is shown by `retainer` as it is: no markup is read, and nothing commands the terminal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.commands.base import plain
from tests.browser.vendor import Shop
from tests.commands.test_every_day import Shell, environment
from tests.support import databases
from tests.support.serving import serving

MARKUP = "[bold]x [/nope] :smile: [link=http://x]y \\"
"""Words that rich would read as markup, and refuse to."""
TURNED = "Ann\u202egnp\u009b2J\u2066 \x1b]0;owned\x07"
"""Words that turn the line round, clear the screen, and give the window another name."""


@pytest.fixture(scope="module")
def remote(module_url: str) -> Iterator[Shell]:
    """A vendor whose customer and tickets have odd names."""
    with serving(module_url) as service:
        shop = Shop.open(service, "x-cart", "2025-02-03T08:00:00Z")
        shop.order("o-1", "eva", "license")
        shop.call("PUT", "/v1/customers/eva", {"name": MARKUP})
        shop.ticket("t-1", "eva", MARKUP, category="level_1")
        yield Shell(environment(RETAINER_URL=str(service.base_url), RETAINER_KEY=shop.key))


@pytest.mark.parametrize(
    "words",
    [("tickets", "list"), ("tickets", "show", "t-1"), ("customers", "show", "eva"), ("customers", "find", "eva")],
)
def test_no_markup_is_read(remote: Shell, words: tuple[str, ...]) -> None:
    assert MARKUP in remote.text(*words)


class Answers(BaseHTTPRequestHandler):
    """A service that still has names of earlier days: the service takes no such name any more."""

    def do_GET(self) -> None:
        row = {"ticket_id": "t-2", "customer_id": "eva", "name": TURNED, "subject": TURNED}
        body = json.dumps({"data": [row], "next_cursor": None}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_nothing_commands_the_terminal() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shell = Shell(environment(RETAINER_URL=f"http://127.0.0.1:{server.server_port}", RETAINER_KEY="a key"))
    try:
        for words in (("tickets", "list"), ("customers", "find", "eva")):
            assert "Ann\ufffdgnp\ufffd2J\ufffd \ufffd]0;owned\ufffd" in shell.text(*words), words
        assert shell.json("tickets", "list")[0]["subject"] == TURNED, "programs get it as it is"
    finally:
        server.shutdown()
        server.server_close()


def test_controls_are_shown_as_such() -> None:
    assert plain("\x1b]0;owned\x07 \x1b[2J\x7f\x9b") == "\ufffd]0;owned\ufffd \ufffd[2J\ufffd\ufffd"
    assert plain("one\ntwo\tthree\u2028four") == "one two three four"
    assert plain("Zoë [x] \u05d0 👩‍💻") == "Zoë [x] \u05d0 👩‍💻"


SENTENCES = {
    "question": ("balance", "clara", "--tenant", "avactis"),
    "keys": ("keys", "list", "avactis"),
    "ledger": ("verify-ledger",),
}


@pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)
def test_a_question_makes_no_database(words: tuple[str, ...], tmp_path: Path) -> None:
    """One sentence, and nothing is left behind: neither for a folder that is not there nor for an empty one."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (tmp_path / "new", empty):
        done = Shell(environment(RETAINER_DATA_DIR=str(folder))).run(*words)
        assert (done.returncode, done.stdout) == (5, ""), done.stderr
        assert done.stderr.startswith(f"retainer: there is no database in {folder}; start the service"), done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)
def test_a_database_that_cannot_answer_is_said_in_a_sentence(
    words: tuple[str, ...], tmp_path: Path, postgres: databases.Server
) -> None:
    for url, said in (
        ("postgresql://nobody@127.0.0.1:1/nothing", "does not answer"),
        (postgres.url_of("postgres"), "retainer migrate"),
    ):
        done = Shell(environment(RETAINER_DATA_DIR=str(tmp_path), DATABASE_URL=url)).run(*words)
        assert (done.returncode, done.stdout) == (5, ""), done.stderr
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_tenant_that_is_not_there_is_refused_as_the_service_would(module_url: str) -> None:
    here = Shell(environment(DATABASE_URL=module_url))
    tenant = "no-such-tenant"
    for words in (("keys", "list", tenant), ("verify-ledger", tenant)):
        done = here.run(*words)
        assert (done.returncode, done.stdout) == (4, ""), done.stderr
        assert done.stderr.startswith("retainer: tenant_not_found: ")
        assert done.stderr.splitlines()[1].startswith("retainer: next: "), done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_an_address_that_is_none_is_an_option_of_no_value(remote: Shell) -> None:
    for url in ("localhost:8000", "ftp://x", "nonsense"):
        done = remote.run("balance", "eva", "--url", url)
        assert (done.returncode, "--url" in done.stderr) == (1, True), done.stderr
