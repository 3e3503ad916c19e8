"""Releases: days that are none, a fact that nobody states, bounds that nobody asks about."""

from __future__ import annotations

from datetime import date

from app.documents.checks.context import Checker, Parts, walk
from app.domain.policy.conditions import facts_used
from app.domain.policy.releases import RELEASE_FACTS
from app.domain.policy.ticket_rules import ActionRule, Check, Gate, Ground


def check_releases(c: Checker) -> None:
    """What is wrong with the releases."""
    rule = c.policy.releases
    if rule is None:
        return
    spec = next((fact for fact in c.policy.facts if fact.fact == rule.fact), None)
    if spec is None or spec.type != "text":
        c.error(
            ("releases", "fact"),
            "unknown_fact",
            f"`{rule.fact}` is no fact of type text.",
            f"Add `{{fact: {rule.fact}, title: the release, clause: {rule.clause}, type: text}}` to `facts`.",
        )
    names = ((release.release, ("releases", "releases", i, "release")) for i, release in enumerate(rule.releases))
    c.unique(names, "release")
    for i, release in enumerate(rule.releases):
        parts: Parts = ("releases", "releases", i)
        out = _day(c, release.released, (*parts, "released"))
        end = None if release.until is None else _day(c, release.until, (*parts, "until"))
        if out is not None and end is not None and end < out:
            c.error((*parts, "until"), "ends_before", f"`{release.release}` ends before it is out.", "Correct a day.")
    if not rule.releases:
        c.error(("releases", "releases"), "no_releases", "No release is listed.", "List one, or remove `releases`.")
    if rule.newest is not None and not 1 <= rule.newest <= 1000:
        c.error(("releases", "newest"), "out_of_bounds", f"`newest` cannot be {rule.newest}.", "Write 1 to 1000.")
    rules = [found for _, found in walk(c.policy, ()) if isinstance(found, ActionRule | Check | Gate | Ground)]
    conditions = [getattr(found, key, None) for found in rules for key in ("when", "require", "applies")]
    asked = {name for condition in conditions for name in facts_used(condition)}
    if not asked & set(RELEASE_FACTS):
        c.warn(
            ("releases",),
            "releases_unchecked",
            "No check asks whether a release is supported, so that any is served.",
            "Add a check with `require: {fact: release.supported, value: true}`.",
        )


def _day(c: Checker, text: str, parts: Parts) -> date | None:
    try:
        found = date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        found = None
    if found is not None and 1970 <= found.year <= 2999:
        return found
    c.error(parts, "bad_day", f"{text!r} is no day.", 'Write it in quotes, e.g. `"2026-01-31"`.')
    return None
