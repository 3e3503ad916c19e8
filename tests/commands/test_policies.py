"""`retainer policies pull | diff | simulate | publish | withdraw`, against a service on a port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.commands import policies
from app.commands.policies import app, findings
from app.commands.remote import Refused
from tests.browser.vendor import Shop
from tests.support.serving import serving

CHEAP = "price: {kind: fixed, credits: 10}"
RUN = CliRunner()


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    with serving(module_url) as client:
        yield client


@pytest.fixture
def shop(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A vendor whose customer has had a ticket; the environment says where and who."""
    made = Shop.open(service, "x-cart", "2025-02-20T09:00:00Z")
    made.post("/v1/customers/anna/adjustments", credits=50, reason="a start")
    made.ticket("T-1", "anna", "The cart loses its items", category="level_1", priority=None)
    monkeypatch.setenv("RETAINER_URL", str(service.base_url))
    monkeypatch.setenv("RETAINER_KEY", made.key)
    return made


def said(*words: str, code: int = 0, send: str | None = None) -> str:
    """What a command prints."""
    result = RUN.invoke(app, list(words), input=send)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output


def test_a_document_goes_out_and_comes_back(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    assert said("pull", "-o", str(file)) == f"{file}: version 1 of x-cart\n"
    text = file.read_text(encoding="utf-8")
    assert said("pull") == text
    assert said("diff", str(file)) == "It says the same as version 1.\n"
    draft = "# Dearer from March on\n" + text.replace(CHEAP, CHEAP.replace("10", "15"))
    file.write_text(draft, encoding="utf-8")
    sentence = said("diff", str(file), "--exit-code", code=1)
    assert sentence.startswith("~ ")
    assert sentence.endswith("costs 15 points instead of 10.\n")
    assert json.loads(said("diff", "-", "--json", send=draft))["version"] == 1
    tried = said("publish", str(file), "--from", "2025-03-01", "--dry-run")
    assert "2025-03-01 00:00 UTC" in tried
    assert [row["version"] for row in shop.call("GET", "/v1/policies/x-cart")["versions"]] == [1]
    said("publish", str(file), "--from", "2025-03-01")
    rows: Any = shop.call("GET", "/v1/policies/x-cart")["versions"]
    assert [(row["version"], row["effective_from"]) for row in rows][1] == (2, "2025-03-01T00:00:00Z")
    assert said("pull", "--version", "2") == draft
    assert "withdrawn" in said("withdraw", "2")
    assert "withdrawn_at" in shop.call("GET", "/v1/policies/x-cart")["versions"][1]


def test_history_says_what_a_document_would_have_changed(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    file.write_text(said("pull").replace(CHEAP, CHEAP.replace("10", "15")), encoding="utf-8")
    text = said("simulate", str(file), "--from", "2025-01-01")
    assert "customers 1 of 1 fare otherwise" in text
    assert "tickets   1 of 1 differ" in text
    assert "credits set aside for tickets" in text
    assert "T-1" in text
    assert json.loads(said("simulate", str(file), "--json"))["totals"]["after"]["credits_held"] == 15
    none = said("simulate", str(file), "--from", "2025-02-21")
    assert "Nothing comes out otherwise." in none


def test_what_is_refused_says_why(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    file.write_text("policy: x-cart\n", encoding="utf-8")
    for words in (["diff", str(file)], ["simulate", str(file)], ["publish", str(file)]):
        result = RUN.invoke(app, words)
        assert isinstance(result.exception, Refused), words
        assert str(result.exception).startswith("policy_invalid: ")
        mistakes = findings("policy: x-cart\n")
        assert len(mistakes) > 1
        assert result.stderr == "".join(f"{policies.shown(str(file), mistake)}\n" for mistake in mistakes), words
        answered = json.loads(RUN.invoke(app, [*words, "--json"]).stdout)
        assert (answered["code"], len(answered["facts"]["problems"])) == ("policy_invalid", len(mistakes))
    result = RUN.invoke(app, ["withdraw", "1"])
    assert str(result.exception).startswith("policy_version_in_force: ")
    result = RUN.invoke(app, ["pull", "--version", "9"])
    assert isinstance(result.exception, Refused)
    assert result.exception.exit_code == 4
