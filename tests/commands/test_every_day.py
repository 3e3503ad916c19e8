"""Commands for every day, as somebody types them: by an address and a key, and on the machine itself."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from standardwebhooks import Webhook

from app.views.source import SourceKind
from tests.browser.vendor import Shop
from tests.support.api import OPERATOR_KEY, SECRET_KEY
from tests.support.serving import serving

ROOT = Path(__file__).resolve().parents[2]
NOW = "2025-02-03T08:00:00Z"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@dataclass
class Shell:
    """A shell whose environment says where the service is."""

    environment: dict[str, str]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**self.environment, **more},
            timeout=120,
        )

    def json(self, *words: str) -> Any:
        """What a command prints with `--json`."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def text(self, *words: str) -> str:
        """What a command prints for people."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout, "colours where there is no terminal"
        return done.stdout


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RETAINER_", "DATABASE_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service on a port."""
    with serving(module_url) as client:
        yield client


@pytest.fixture(scope="module")
def shop(service: httpx.Client) -> Shop:
    """A vendor with promised times, one customer, two tickets."""
    made = Shop.open(service, "x-cart", NOW)
    made.order("o-1", "eva", "license")
    made.call("PUT", "/v1/customers/eva", {"name": "Eva [bold] Stein", "emails": ["eva@stein.example"]})
    made.ticket("t-1", "eva", "Taxes are wrong", category="level_1")
    made.ticket("t-2", "eva", "A question", category="level_0")
    return made


@pytest.fixture(scope="module")
def remote(service: httpx.Client, shop: Shop) -> Shell:
    """By an address and a key."""
    return Shell(environment(RETAINER_URL=str(service.base_url), RETAINER_KEY=shop.key))


@pytest.fixture(scope="module")
def here(module_url: str, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """On the machine itself, over its database."""
    return Shell(
        environment(
            DATABASE_URL=module_url,
            RETAINER_TENANT=shop.tenant_id,
            RETAINER_SECRET_KEY=SECRET_KEY,
            RETAINER_DATA_DIR=str(tmp_path_factory.mktemp("data")),
        )
    )


def lot_of(shop: Shop) -> str:
    return str(shop.call("GET", "/v1/customers/eva/balance")["lots"][0]["lot_id"])


def test_what_is_asked_by_a_key_and_on_the_machine_is_the_same(remote: Shell, here: Shell, shop: Shop) -> None:
    for words in (("customers", "show", "eva"), ("tickets", "list", "--due", "9d")):
        assert remote.json(*words) == here.json(*words), words
    assert remote.json("customers", "show", "eva") == shop.call("GET", "/v1/customers/eva")
    assert remote.json("orders", "show", "o-1") == shop.call("GET", "/v1/orders/o-1")
    every = shop.call("GET", "/v1/orders")["data"]
    assert remote.json("orders", "list") == here.json("orders", "list") == every
    assert remote.json("orders", "list", "--state", "granted", "--payment", "paid", "--oldest") == [
        row for row in every[::-1] if (row["state"], row["payment_state"]) == ("granted", "paid")
    ]
    assert remote.json("orders", "list", "--payment", "refunded,disputed", "--customer", "eva") == []
    assert remote.json("tickets", "show", "t-1") == shop.call("GET", "/v1/tickets/t-1")
    assert [row["customer_id"] for row in remote.json("customers", "find", "eva@stein.example")] == ["eva"]


def test_tables_are_read_by_people(remote: Shell, shop: Shop) -> None:
    shown = remote.text("customers", "show", "eva")
    assert "Eva [bold] Stein" in shown
    assert "eva@stein.example" in shown
    listed = remote.text("tickets", "list", "--state", "in_progress,awaiting_credits,awaiting_confirmation")
    assert listed.splitlines()[0].split()[:3] == ["Ticket", "Customer", "State"]
    assert remote.text("orders", "list").splitlines()[0].split()[:4] == ["Order", "Customer", "State", "Payment"]
    assert lot_of(shop) in remote.text("balance", "eva")
    assert "Assessed at 10 points" in remote.text("explain", "ticket", "t-1")
    assert remote.text("reports", "liability", "--csv").splitlines()[0].count(",") >= 1
    assert "Nothing delivers here." in remote.text("sources", "list")


def test_tickets_that_are_due_soon_come_first(remote: Shell, shop: Shop) -> None:
    every = [clock for clock in shop.call("GET", "/v1/clocks?phase=running")["data"] if clock["due_at"]]
    assert every
    found = remote.json("tickets", "list", "--due", "9d")
    assert {row["ticket_id"] for row in found} == {clock["ticket_id"] for clock in every}
    assert [row["due_at"] for row in found] == sorted(row["due_at"] for row in found)
    assert remote.json("tickets", "list", "--due", "1m") == []
    assert remote.json("tickets", "list", "--due", "9d", "--customer", "nobody") == []


def test_exit_codes_say_what_happened(remote: Shell, here: Shell) -> None:
    """As docs/commands.md lists them; what went wrong stands on the standard error, and nothing on the other."""
    cases: list[tuple[Shell, tuple[str, ...], dict[str, str], int, str]] = [
        (remote, ("tickets", "show", "never"), {}, 4, "ticket_not_found"),
        (remote, ("events", "tail", "--once", "--customer", "nobody"), {}, 4, "customer_not_found"),
        (remote, ("customers", "show", "eva"), {"RETAINER_KEY": "rtn_live_nothing"}, 3, "unauthorized"),
        (remote, ("balance", "eva", "--as-of", "yesterday"), {}, 3, "invalid_input"),
        (remote, ("balance", "eva"), {"RETAINER_URL": "http://127.0.0.1:1"}, 5, "does not answer"),
        (remote, ("balance", "eva"), {"RETAINER_KEY": ""}, 1, "RETAINER_KEY"),
        (here, ("balance", "eva"), {"RETAINER_TENANT": ""}, 1, "--tenant"),
        (here, ("balance", "eva"), {"RETAINER_TENANT": "no-such-tenant"}, 4, "tenant_not_found"),
        (remote, ("tickets", "list", "--due", "soon"), {}, 1, "--due"),
        (remote, ("tickets", "list", "--no-such"), {}, 2, "No such option"),
        (remote, ("webhooks", "listen", "--once", "--forward", "ftp://x"), {}, 1, "--forward"),
    ]
    for shell, words, more, code, said in cases:
        done = shell.run(*words, **more)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.returncode, done.stderr)
        assert done.stdout == "", words
        assert "Traceback" not in done.stderr, words


def test_the_operator_lists_and_makes_tenants(service: httpx.Client, here: Shell, shop: Shop) -> None:
    operator = Shell(environment(RETAINER_URL=str(service.base_url), RETAINER_OPERATOR_KEY=OPERATOR_KEY))
    name = f"made-{shop.tenant_id}"
    made = operator.json("tenants", "create", name, "--policy", "avactis", "--now", NOW)
    assert (made["tenant_id"], made["policy"], made["clock"]["now"]) == (name, "avactis", NOW)
    assert operator.json("tenants", "create", name, "--policy", "avactis", "--now", NOW) == made
    other = operator.run("tenants", "create", name, "--policy", "cs-cart", "--now", NOW)
    assert (other.returncode, "tenant_conflict" in other.stderr) == (3, True)
    assert name in {row["tenant_id"] for row in operator.json("tenants", "list")}
    assert here.json("tenants", "list") == operator.json("tenants", "list")
    assert name in operator.text("tenants", "list")


def test_the_operator_gets_a_link_to_the_page_of_tenants(service: httpx.Client, tmp_path: Path) -> None:
    where = environment(RETAINER_URL=str(service.base_url), RETAINER_DATA_DIR=str(tmp_path))
    nobody = Shell(where).run("tenants", "link")
    assert (nobody.returncode, "no operator's key" in nobody.stderr) == (1, True), nobody.stderr
    wrong = Shell({**where, "RETAINER_OPERATOR_KEY": "rtn_op_of-somebody-else"}).run("tenants", "link")
    assert (wrong.returncode, "unauthorized" in wrong.stderr) == (3, True), wrong.stderr
    (tmp_path / "operator-key").write_text(OPERATOR_KEY, encoding="utf-8")
    for asked in (Shell(where), Shell({**where, "RETAINER_OPERATOR_KEY": OPERATOR_KEY})):
        link = asked.json("tenants", "link", "--minutes", "5")
        page = service.get("/sign-in" + link["url"].partition("/sign-in")[2])
        assert (page.status_code, "You are the operator" in page.text) == (200, True)
    assert "/sign-in?link=rtn_ol_" in asked.text("tenants", "link")


def test_events_are_printed_a_line_each(remote: Shell) -> None:
    printed = remote.run("events", "tail", "--once", "--json").stdout.splitlines()
    events = [json.loads(line) for line in printed]
    assert [event["position"] for event in events] == sorted(event["position"] for event in events)
    assert {"ticket.opened"} <= {event["type"] for event in events} or len(events) > 3
    last = events[-1]["position"]
    after = remote.run("events", "tail", "--once", "--json", "--after", str(last - 1)).stdout.splitlines()
    assert [json.loads(line)["position"] for line in after] == [last]
    kind = events[0]["type"]
    some = remote.run("events", "tail", "--once", "--json", "--type", kind).stdout.splitlines()
    assert {json.loads(line)["type"] for line in some} == {kind}
    assert len(remote.text("events", "tail", "--once").splitlines()) == len(events)


class Receiver(BaseHTTPRequestHandler):
    """A program of the vendor's that takes webhooks."""

    taken: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_deliveries_are_passed_on_as_an_endpoint_gets_them(remote: Shell) -> None:
    taken: list[tuple[dict[str, str], bytes]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Taking", (Receiver,), {"taken": taken}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        words = ("webhooks", "listen", "--once", "--after", "0", "--forward", str(server.server_port), "--json")
        done = remote.run(*words, RETAINER_WEBHOOK_SECRET=SECRET)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told
    assert [one["status"] for one in told] == [204] * len(told)
    assert len(taken) == len(told)
    for headers, body in taken:
        event = Webhook(SECRET).verify(body, headers)
        assert {"type", "timestamp", "data"} == set(event)
        assert {"customer_id", "sequence", "position"} <= event["data"].keys()
    gone = remote.run("webhooks", "listen", "--once", "--after", "0", "--forward", "1", "--json")
    assert {json.loads(line)["status"] for line in gone.stdout.splitlines()} == {None}
    assert all(json.loads(line)["error"] for line in gone.stdout.splitlines())


KINDS = {
    "purchase": SECRET,
    "helpdesk": SECRET,
    "woocommerce": "woo secret",
    "stripe": "whsec_of_stripe",
    "shopify": "shopify secret",
    "paddle": "pdl_ntfset_secret",
    "zammad": "zammad secret",
    "zendesk": "zendesk secret",
    "freshdesk": "freshdesk secret",
    "freescout": "freescout secret",
    "chatwoot": "chatwoot secret",
}


def test_there_is_a_sample_for_every_kind() -> None:
    assert set(KINDS) == set(get_args(SourceKind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_takes_a_signed_sample_and_grants_nothing(remote: Shell, shop: Shop, kind: str) -> None:
    made = shop.call("PUT", f"/v1/sources/{kind}", {"kind": kind, "secret": KINDS[kind]})
    before = shop.call("GET", "/v1/events")["position"]
    words = ("sources", "test", kind, "--address", made["url"])
    found = remote.json(*words, "--secret", KINDS[kind])
    assert found["kind"] == kind
    assert found["delivery"]["state"] == "ignored", found
    assert found["delivery"]["reason"] in ("sample", "other_type", "no_order"), found
    assert shop.call("GET", "/v1/events")["position"] == before
    wrong = remote.run(*words, "--secret", SECRET[:-5] + "AAAA=")
    assert (wrong.returncode, "signature_invalid" in wrong.stderr) == (3, True), wrong.stderr
    nowhere = remote.run("sources", "test", kind, "--address", "/in/nothing", "--secret", KINDS[kind])
    assert (nowhere.returncode, "source_not_found" in nowhere.stderr) == (4, True), nowhere.stderr


def test_a_source_takes_a_file_that_is_signed_for_it(remote: Shell, shop: Shop, tmp_path: Path) -> None:
    made = shop.call("PUT", "/v1/sources/own", {"kind": "helpdesk", "secret": SECRET, "options": {"ids": "own"}})
    file = tmp_path / "sample.json"
    data = {"ticket_id": "from-a-file", "customer_id": "ann", "subject": "Help"}
    file.write_text(json.dumps({"type": "ticket.created", "timestamp": "2025-01-01T00:00:00Z", "data": data}))
    words = ("sources", "test", "own", "--address", made["url"], "--secret", SECRET, "--body", str(file))
    assert remote.json(*words)["delivery"]["state"] == "done"
    assert shop.call("GET", "/v1/tickets/from-a-file")["subject"] == "Help"
    file.write_text("")
    empty = remote.run(*words)
    assert (empty.returncode, "--body: the file is empty" in empty.stderr) == (1, True), empty.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(remote: Shell, shell: str) -> None:
    script = remote.text("completion", shell)
    assert "_RETAINER_COMPLETE" in script
    asked = {"_RETAINER_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    for line, wanted in (
        ("retainer cust", "customers"),
        ("retainer tickets ", "list"),
        ("retainer tickets list --d", "--due"),
    ):
        words = len(line.split()) - 1 + line.endswith(" ")
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv = ['retainer']; from app.cli import main; sys.exit(main())"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={
                **remote.environment,
                **asked,
                "COMP_WORDS": line,
                "COMP_CWORD": str(words),
                "_TYPER_COMPLETE_ARGS": line,
            },
        )
        assert wanted in done.stdout, (line, done.stderr)
