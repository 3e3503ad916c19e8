"""Manners of the web: versions, tags, compression, and pages of problems that say nothing of anybody's terms."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from app import __version__
from app.domain.policy.reason_codes import reason_codes
from app.settings import Settings, SettingsError
from app.usecases.tenants import tenants
from tests.conftest import MakeVendor

ROOT = Path(__file__).resolve().parents[2]
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


async def test_the_version_is_told_to_everybody(api: httpx.AsyncClient) -> None:
    found = await api.get("/version")
    assert found.json()["version"] == __version__ == (await api.get("/openapi.json")).json()["info"]["version"]
    assert re.fullmatch(r"\d{4}", found.json()["schema"])
    again = await api.get("/version", headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_security_txt_says_where_to_report(api: httpx.AsyncClient) -> None:
    """RFC 9116: a contact, and a day that lies ahead by less than a year."""
    found = await api.get("/.well-known/security.txt")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in found.text.splitlines())
    assert fields["Contact"] == "mailto:security@testserver"
    ends = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=150) < ends - datetime.now(UTC) < timedelta(days=365)


@pytest.mark.parametrize("contact", ["security@shop.example", "http://shop.example/report", "mailto:a@b\nExpires: x"])
def test_a_contact_that_is_no_address_is_refused_at_the_start(contact: str) -> None:
    with pytest.raises(SettingsError, match="RETAINER_SECURITY_CONTACT"):
        Settings.read(security_contact=contact)


async def test_what_has_a_version_is_sent_once(vendor: MakeVendor) -> None:
    """A caller who has a version is told so; another version has another tag."""
    shop = await vendor("avactis")
    for path in ("/v1/policies/avactis", "/v1/calendars/service-hours", "/problems", "/problems/no_license"):
        found = await shop.get(path)
        tag = found.headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await shop.client.get(path, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), (path, sent)
        assert (await shop.client.get(path, headers={"If-None-Match": '"other"'})).json() == found.json()
    calendar = await shop.get("/v1/calendars/service-hours")
    changed = {"zone": calendar.json()["zone"], "notice_days": calendar.json()["notice_days"] + 1}
    headers = {"If-Match": calendar.headers["etag"]}
    await shop.ok(await shop.put("/v1/calendars/service-hours", changed, headers=headers))
    again = await shop.client.get("/v1/calendars/service-hours", headers={"If-None-Match": calendar.headers["etag"]})
    assert (again.status_code, again.json()["notice_days"]) == (200, changed["notice_days"])


async def test_a_customer_s_tag_is_of_its_profile_so_balances_are_sent_anew(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    await shop.ok(await shop.put("/v1/customers/ada", {"name": "Ada"}))
    before = await shop.get("/v1/customers/ada")
    await shop.ok(await shop.post("/v1/customers/ada/adjustments", {"credits": 5, "reason": "goodwill"}))
    after = await shop.client.get("/v1/customers/ada", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["balance"] != before.json()["balance"]) == (200, True)


async def streamed(app: FastAPI, key: str, path: str, accepted: str) -> tuple[httpx.Response, bytes]:
    """An answer, and its bytes as they were sent."""
    headers = {"Accept-Encoding": accepted, "Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app=app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client,
        client.stream("GET", path) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])
    return answer, raw


async def test_large_answers_are_compressed_for_who_takes_it(app: FastAPI, vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    for number in range(20):
        await shop.ok(await shop.post(f"/v1/customers/c-{number}/adjustments", {"credits": 5, "reason": "goodwill"}))
    for path in ("/v1/events", "/v1/policies/avactis", "/problems", "/static/swagger-ui.css"):
        plain, whole = await streamed(app, shop.key, path, "identity")
        packed, raw = await streamed(app, shop.key, path, "br, gzip;q=0.8")
        refused, same = await streamed(app, shop.key, path, "gzip;q=0")
        assert "content-encoding" not in plain.headers, path
        assert "content-encoding" not in refused.headers, path
        assert packed.headers["content-encoding"] == "gzip", path
        assert "accept-encoding" in packed.headers["vary"].lower(), path
        assert "accept-encoding" in plain.headers["vary"].lower(), path
        assert gzip.decompress(raw) == whole == same, path
        assert int(packed.headers["content-length"]) == len(raw) < len(whole) / 2, path
    small, _ = await streamed(app, shop.key, "/v1/clock", "gzip")
    assert "content-encoding" not in small.headers


async def test_a_secret_that_is_shown_once_is_not_compressed(vendor: MakeVendor) -> None:
    shop = await vendor("avactis")
    made = await shop.post("/v1/webhook-endpoints", {"url": "https://hooks.example/in"}, key=None)
    assert made.headers["cache-control"] == "no-store"
    assert "content-encoding" not in made.headers


async def test_problems_are_pages_for_browsers_and_json_for_programs(api: httpx.AsyncClient) -> None:
    whole = await api.get("/problems", headers=BROWSER)
    assert whole.headers["content-type"] == "text/html; charset=utf-8"
    listed = (await api.get("/problems")).json()["data"]
    for entry in listed:
        assert f'href="/problems/{entry["code"]}"' in whole.text, entry["code"]
    for code in ("cursor_invalid", "choice_required", "unauthorized"):
        page = await api.get(f"/problems/{code}", headers=BROWSER)
        assert page.status_code == 200
        assert '<meta name="color-scheme" content="light dark">' in page.text
        assert "<main" in page.text
        assert "`" not in page.text, code
        assert re.search(r'<link rel="stylesheet" href="/assets/', page.text)
    cursor = await api.get("/problems/cursor_invalid", headers=BROWSER)
    assert "pass <code>next_cursor</code> on" in cursor.text
    for accepted in ("application/json", "*/*", "application/problem+json, */*;q=0.5"):
        answer = await api.get("/problems/cursor_invalid", headers={"Accept": accepted})
        assert answer.json()["code"] == "cursor_invalid", accepted
    unknown = await api.get("/problems/never-heard-of", headers=BROWSER)
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<script>" not in (await api.get("/problems/%3Cscript%3E", headers=BROWSER)).text


def words_of(policy: Any) -> set[str]:
    """Every sentence of a policy's document."""
    if isinstance(policy, dict):
        return set().union(*(words_of(value) for value in policy.values())) if policy else set()
    if isinstance(policy, list):
        return set().union(*(words_of(value) for value in policy)) if policy else set()
    return {policy} if isinstance(policy, str) and len(policy.split()) >= 4 else set()


async def test_pages_that_everybody_reads_name_nobody_s_terms(api: httpx.AsyncClient) -> None:
    """Neither a sentence of a shipped policy, nor its vendor, nor its numbers of days and credits."""
    codes = [reason.code for reason in reason_codes(policy for policy, _ in tenants.templates().values())]
    sentences: set[str] = set()
    for path in (ROOT / "app" / "policies").glob("*.yaml"):
        sentences |= words_of(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert len(sentences) > 100
    assert {"choice_required", "wrong_channel", "discount_over_limit"} <= set(codes)
    for code in codes:
        entry = (await api.get(f"/problems/{code}")).json()
        told = json.dumps(entry)
        assert not [sentence for sentence in sentences if sentence in told], code
        assert not re.search(r"cactu|cart|avactis|shopp|help ?desk", told.replace(code, ""), re.IGNORECASE), told
        assert not re.search(r"\d", entry["cause"]), told
        assert entry["cause"] != "A rule of the policy in force gives this reason.", code
        assert (entry["next_step"].startswith("Nothing:")) == (code in ALLOWING), code


ALLOWING = {
    "cover_pending",
    "covered",
    "credits_available",
    "free_categories",
    "free_of_charge",
    "open_forum",
    "registered",
}


async def test_the_first_page_leads_on(api: httpx.AsyncClient) -> None:
    front = await api.get("/", headers=BROWSER)
    for path in ("/docs", "/graphql", "/problems"):
        assert f'href="{path}"' in front.text
        assert (await api.get(path, headers=BROWSER)).status_code == 200


async def test_the_documentation_is_there_as_it_was_written(api: httpx.AsyncClient) -> None:
    index = await api.get("/llms.txt")
    assert index.headers["content-type"] == "text/plain; charset=utf-8"
    assert index.text.startswith("# Retainer ")
    leads = re.findall(r"\]\((docs/[^)]+)\)", index.text)
    assert {"docs/agents.md", "docs/api.md", "docs/reference/problems.md"} <= set(leads)
    for path in leads:
        page = await api.get(f"/{path}")
        assert page.headers["content-type"] == "text/markdown; charset=utf-8", path
        assert page.text == (ROOT / path).read_text(encoding="utf-8"), path
    tag = (await api.get("/docs/api.md")).headers["etag"]
    assert (await api.get("/docs/api.md", headers={"If-None-Match": tag})).status_code == 304
    for wrong in ("../README", "nothing", "decisions/README", "%2e%2e/README", "reference/../../README", ""):
        assert (await api.get(f"/docs/{wrong}.md")).status_code in (404, 422), wrong
