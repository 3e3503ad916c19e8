"""The policy bench: the document as YAML, errors at their lines, what a draft changes, and new versions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml
from fastapi import Response

from app.api.pages.door import Pages, problem_of, see_other
from app.api.pages.home import SESSION, home_page
from app.api.pages.rendering import link, root_of
from app.api.pages.visit import Visit
from app.api.problems import Problem
from app.api.strict import BIG_LIMIT
from app.domain.values.errors import DomainError

PAGES: Final = Pages()
TAB: Final = "Policy"
LINES_SHOWN: Final = 400
CASES_SHOWN: Final = 100
DONE: Final = {"published": "The version is published."}


@PAGES.get("/desk/policies", kinds=SESSION)
async def show_policy(visit: Visit) -> Response:
    """Show the policy in force, or one of its versions, as YAML to work on."""
    return await policy_page(visit)


async def policy_page(visit: Visit, *, status: int = 200, text: str | None = None, **found: Any) -> Response:
    """Return the bench. ``text``: the draft; ``found``: what came of looking at it."""
    rows = (await visit.ask("listPolicies", {"limit": "100"}))["data"]
    policy = await _policy(visit, rows[0]["name"], visit.query("version")) if rows else None
    return home_page(
        visit,
        "policies.html",
        TAB,
        status=status,
        done=DONE.get(visit.query("done")),
        policy=policy,
        text=_yaml_of(policy) if text is None and policy else text or "",
        **{"problem": None, "check": None, "changes": None, "simulation": None, **found},
    )


async def _policy(visit: Visit, name: str, version: str) -> Mapping[str, Any]:
    asked = {"version": version} if version.isascii() and version.isdecimal() and len(version) < 7 else {}
    found: Mapping[str, Any] = await visit.ask("getPolicy", asked, name=name)
    return found


def _yaml_of(policy: Mapping[str, Any]) -> str:
    """Return a document as YAML; members that say nothing are left out."""
    document = {name: value for name, value in policy["document"].items() if name != "version"}
    text: str = yaml.safe_dump(_stated(document), sort_keys=False, allow_unicode=True, width=100)
    return text


def _stated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stated(member) for name, member in value.items() if member not in (None, [], {})}
    if isinstance(value, list):
        return [_stated(member) for member in value]
    return value


@PAGES.post("/desk/policies/act", kinds=SESSION, limit=BIG_LIMIT)
async def act(visit: Visit) -> Response:
    """Check a draft, compare it, run it over what was recorded, or publish it."""
    text = visit.form.get("document", "").replace("\r\n", "\n")
    looks = {"check": _check, "compare": _compare, "simulate": _simulate}
    try:
        if visit.form.get("do") == "publish":
            return await _publish(visit, text)
        look = looks.get(visit.form.get("do", ""))
        if look is None:
            raise Problem("invalid_input", "The form says nothing that can be done here.")
        found = await look(visit, text)
    except (Problem, DomainError) as refusal:
        body = problem_of(refusal)
        visit.request.scope["retainer.code"] = body["code"]
        if body["status"] in (401, 403, 404, 429, 503):
            raise
        return await policy_page(visit, status=body["status"], text=text, problem=body)
    return await policy_page(visit, text=text, **found)


async def _name(visit: Visit) -> str:
    rows = (await visit.ask("listPolicies", {"limit": "1"}))["data"]
    if not rows:
        raise Problem("not_found")
    return str(rows[0]["name"])


async def _check(visit: Visit, text: str) -> dict[str, Any]:
    check = await visit.act("validatePolicy", {"document": text})
    lines = text.split("\n")
    rows = [
        {**row, "text": lines[row["line"] - 1] if 0 < row["line"] <= len(lines) else ""} for row in check["problems"]
    ]
    return {"check": {"valid": check["valid"], "problems": rows}}


async def _compare(visit: Visit, text: str) -> dict[str, Any]:
    """Return the lines that differ from the version in force, beside what is wrong with the draft."""
    found = await _check(visit, text)
    policy = await _policy(visit, await _name(visit), "")
    return {**found, "changes": list(_changed(_yaml_of(policy).splitlines(), text.splitlines()))}


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


async def _simulate(visit: Visit, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {"document": text}
    for name in ("from", "to"):
        if visit.form.get(name, "").strip():
            body[name] = f"{visit.form[name].strip()}T00:00:00Z"
    made = await visit.act("simulatePolicy", body, name=await _name(visit))
    tickets = [row for row in made["differences"] if row["kind"] == "ticket"]
    totals = {when: sum(_net(row[when]) for row in tickets) for when in ("before", "after")}
    return {"simulation": {**made, "cases": made["differences"][:CASES_SHOWN], "credits": totals}}


def _net(thing: Mapping[str, Any]) -> int:
    charge = thing.get("charge") or {}
    return int(charge.get("net", 0))


async def _publish(visit: Visit, text: str) -> Response:
    body: dict[str, Any] = {"document": text}
    if visit.form.get("effective_from", "").strip():
        body["effective_from"] = f"{visit.form['effective_from'].strip()}T00:00:00Z"
    await visit.act("publishPolicy", body, key=visit.form.get("key", ""), name=await _name(visit))
    return see_other(visit, link(visit, "/desk/policies", done="published").removeprefix(root_of(visit)))
