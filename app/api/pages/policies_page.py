"""The policy bench: the document as it was written, errors at their lines, what a draft changes, and its versions."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from fastapi import Response

from app.api.pages.door import Pages, problem_of, see_other
from app.api.pages.forms import Form, texts, whole
from app.api.pages.home import SESSION, home_page
from app.api.pages.rendering import link, root_of
from app.api.pages.visit import Visit
from app.api.problems import FieldError, Problem
from app.api.strict import BIG_LIMIT
from app.documents.differences import cited_by
from app.documents.policy_document import policy_from_json
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso
from app.usecases.clocks import sandbox

PAGES: Final = Pages()
TAB: Final = "Policy"
LINES_SHOWN: Final = 400
CASES_SHOWN: Final = 100
CHANGES_SHOWN: Final = 300
QUARTER_DAYS: Final = 91
SIMULATED_MAX: Final = 2_000
"""Entries of history, the most that one call runs."""
DONE: Final = {
    "published": "The version is published.",
    "withdrawn": "The version is withdrawn. It will not come into force.",
}
_LOOKS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("problem", "check", "changes", "words_changed", "price", "simulation")),
    "marks": "[]",
}
"""What a look at a draft brings; nothing where nobody looked."""
STATES: Final = {"in_force": "in force", "scheduled": "scheduled", "past": "past", "withdrawn": "withdrawn"}
_NUMBER: Final = re.compile(r"\s*([\w.-]{1,100})\s*[=:]\s*([0-9]{1,9})\s*\Z")


@PAGES.get("/desk/policies", kinds=SESSION, asks=("version",))
async def show_policy(visit: Visit) -> Response:
    """Show the policy in force, or one of its versions, as YAML to work on."""
    return await policy_page(visit)


async def policy_page(visit: Visit, *, status: int = 200, text: str | None = None, **found: Any) -> Response:
    """Return the bench. ``text``: the draft; ``found``: what came of looking at it."""
    rows = (await visit.ask("listPolicies", {"limit": "100"}))["data"]
    policy = source = None
    if rows:
        asked = _asked(visit.query("version"))
        if visit.query("version") and not asked:
            visit.note_unknown("version", "The number of a version is wanted.")
        policy = await visit.ask("getPolicy", asked, name=rows[0]["name"])
        source = await visit.ask("getPolicySource", asked, name=rows[0]["name"])
    return home_page(
        visit,
        "policies.html",
        TAB,
        status=status,
        done=DONE.get(visit.query("done")),
        policy=policy,
        written=source["written"] if source else True,
        text=source["source"] if text is None and source else text or "",
        versions=_versions(policy, rows[0]) if policy else [],
        states=STATES,
        conformance=await asyncio.to_thread(_conformance, policy) if policy else [],
        asked=visit.form,
        since=visit.form.get("from", "") or (await _quarter(visit)),
        **{**_LOOKS, **found},
    )


def _asked(version: str) -> dict[str, str]:
    return {"version": version} if version.isascii() and version.isdecimal() and len(version) < 7 else {}


async def _quarter(visit: Visit) -> str:
    """Return the day a quarter ago, by the tenant's own time."""
    now = parse_iso((await visit.rooms.database.read(str(visit.who.tenant_id), sandbox.get_clock))["now"])
    return (now - timedelta(days=QUARTER_DAYS)).date().isoformat()


def _versions(policy: Mapping[str, Any], in_force: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the versions, the newest first, each with how it stands."""
    since = parse_iso(in_force["effective_from"])
    rows = []
    for row in reversed(policy["versions"]):
        if "withdrawn_at" in row:
            state = "withdrawn"
        elif row["version"] == in_force["version"]:
            state = "in_force"
        else:
            state = "scheduled" if parse_iso(row["effective_from"]) > since else "past"
        rows.append({**row, "state": state})
    return rows


def _conformance(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each clause with what keeps it."""
    document = policy_from_json(policy["document"])
    rules = cited_by(document)
    return [
        {
            "clause": row.id,
            "text": row.text,
            "reading": row.reading,
            "mechanism": row.mechanism,
            "kept_by": rules[row.id],
        }
        for row in document.clauses
    ]


@PAGES.post("/desk/policies/act", kinds=SESSION, limit=BIG_LIMIT)
async def act(visit: Visit) -> Response:
    """Check a draft, compare it, price by it, run it over what was recorded; publish a version, or withdraw one."""
    text = visit.form.get("document", "").replace("\r\n", "\n")
    looks = {"check": _check, "compare": _compare, "price": _price, "simulate": _simulate}
    writes = {"publish": _publish, "withdraw": _withdraw}
    doing = visit.form.get("do", "")
    try:
        if doing in writes:
            return await writes[doing](visit, text)
        if doing not in looks:
            raise Problem("invalid_input", "The form says nothing that can be done here.")
        found = await looks[doing](visit, text)
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        visit.request.scope["retainer.code"] = body["code"]
        if body["status"] in (401, 429, 503):
            raise
        wrong = body.get("facts", {}).get("problems", ()) if body["code"] == "policy_invalid" else ()
        shown = (
            {"check": _checked({"valid": False, "problems": wrong}, text), "marks": json.dumps(wrong)} if wrong else {}
        )
        return await policy_page(
            visit, status=body["status"], text=text if "document" in visit.form else None, problem=body, **shown
        )
    return await policy_page(visit, text=text, **found)


async def _name(visit: Visit) -> str:
    rows = (await visit.ask("listPolicies", {"limit": "1"}))["data"]
    if not rows:
        raise Problem("not_found")
    return str(rows[0]["name"])


async def _check(visit: Visit, text: str) -> dict[str, Any]:
    check = await visit.act("validatePolicy", {"document": text})
    return {"check": _checked(check, text), "marks": json.dumps(check["problems"])}


def _checked(check: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the findings, each with the text of its line."""
    lines = text.split("\n")
    rows = [
        {**row, "text": lines[row["line"] - 1] if 0 < row["line"] <= len(lines) else ""} for row in check["problems"]
    ]
    return {"valid": check["valid"], "problems": rows}


async def _compare(visit: Visit, text: str) -> dict[str, Any]:
    """Return what differs from the version in force, in words and by lines, beside what is wrong with the draft."""
    found, name = await _check(visit, text), await _name(visit)
    source = await visit.ask("getPolicySource", name=name)
    changes = list(_changed(source["source"].splitlines(), text.splitlines()))
    if not found["check"]["valid"]:
        return {**found, "changes": changes}
    compared = await visit.act("comparePolicy", {"document": text}, name=name)
    return {**found, "changes": changes, "words_changed": compared["differences"]}


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Yield what was taken out and what was put in: the sign, the line's number there, and the line."""
    shown = 0
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        rows = [("\u2212", number + 1, before[number]) for number in range(i, j)]
        rows += [("+", number + 1, after[number]) for number in range(k, m)]
        for row in rows:
            shown += 1
            if shown > LINES_SHOWN:
                return
            yield row


async def _price(visit: Visit, text: str) -> dict[str, Any]:
    """Return what a request costs under the draft, and under the version in force beside it."""
    name, body = await _name(visit), _asked_price(visit.form)
    draft = await visit.act("priceTicket", {**body, "document": text}, name=name)
    try:
        now = await visit.act("priceTicket", body, name=name)
    except DomainError:  # the version in force may lack what the draft names
        now = None
    return {"price": {"draft": draft, "now": now}}


def _asked_price(form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {
        **texts(form, "category", "priority", "channel", "customer_id", "license_id"),
        **whole(form, "credits"),
    }
    inputs: dict[str, int] = {}
    for part in filter(str.strip, re.split(r"[,;\n]", form.get("inputs", ""))):
        found = _NUMBER.match(part)
        if found is None:
            raise Problem(
                "invalid_input", errors=[FieldError("/inputs", "not_a_number", "Numbers are written `N=3, X=1`.")]
            )
        inputs[found[1]] = int(found[2])
    return {**body, "inputs": inputs} if inputs else body


async def _simulate(visit: Visit, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {"document": text, "limit": SIMULATED_MAX}
    for name in ("from", "to"):
        if visit.form.get(name, "").strip():
            body[name] = f"{visit.form[name].strip()}T00:00:00Z"
    made = await visit.act("simulatePolicy", body, name=await _name(visit))
    return {"simulation": {**made, "cases": made["differences"][:CASES_SHOWN]}}


async def _publish(visit: Visit, text: str) -> Response:
    body: dict[str, Any] = {"document": text}
    if visit.form.get("effective_from", "").strip():
        body["effective_from"] = f"{visit.form['effective_from'].strip()}T00:00:00Z"
    await visit.act("publishPolicy", body, key=visit.form.get("key", ""), name=await _name(visit))
    return see_other(visit, link(visit, "/desk/policies", done="published").removeprefix(root_of(visit)))


async def _withdraw(visit: Visit, text: str) -> Response:
    number = visit.form.get("version", "")
    await visit.act("withdrawPolicyVersion", {}, name=await _name(visit), version=number)
    return see_other(visit, link(visit, "/desk/policies", done="withdrawn").removeprefix(root_of(visit)))
