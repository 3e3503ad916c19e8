"""Names, clauses, terms and texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from app.documents import fact_space
from app.documents.checks.context import Checker, Parts, grants, walk, zone
from app.documents.fact_space import FactSpace
from app.domain.policy.offers import CoverGrant, CreditGrant
from app.domain.policy.policy import ClauseText, Policy
from app.domain.values.term import Term

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\Z")
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
SHARED_CLAUSES: Final = tuple(f"ALL-{n}" for n in range(1, 6))
"""Clauses of the service itself, where every text is silent; a document need not repeat them."""

_FACT_HOLES: Final = re.compile(
    r"\{(?:fact|title|required|available|missing|credit_type|credits|agreed_up_to|category|least|most|level|refunded|cause"
    r"|number|ended_at)\}"
)
"""Facts of the service's own reasons, which a translation may name as well."""


def check_frame(c: Checker) -> None:
    p = c.policy
    if not _NAME.match(p.policy):
        c.error(("policy",), "bad_name", f"{p.policy!r} is no name.", "Write lower case letters, digits and hyphens.")
    if not re.fullmatch(r"[A-Z]{3}", p.currency):
        c.error(("currency",), "bad_currency", f"{p.currency!r} is no currency.", "Write an ISO 4217 code, e.g. `USD`.")
    if not zone(p.term_zone):
        c.error(("term_zone",), "unknown_zone", f"The zone {p.term_zone!r} is not known.", "Write e.g. `UTC`.")
    if p.effective_from is not None and not _instant(p.effective_from):
        c.error(
            ("effective_from",), "bad_instant", f"{p.effective_from!r} is no instant.", "Write `2025-01-01T00:00:00Z`."
        )
    for where, term in _terms(p):
        if term is None:
            continue
        if min(term.years, term.months, term.days) < 0 or not term:
            c.error(where, "bad_term", "A term must be longer than no time.", "Write e.g. `{months: 12}`.")
        elif term.years > 100 or term.months > 1200 or term.days > 36_600:
            c.error(where, "bad_term", "A term is at most 100 years.", "Write no term for what never ends.")


def _terms(p: Policy) -> Iterator[tuple[Parts, Term | None]]:
    for i, offer in enumerate(p.offers):
        for parts, grant in grants(offer, i):
            if isinstance(grant, CreditGrant):
                yield (*parts, "expires"), grant.expires
            elif isinstance(grant, CoverGrant):
                yield (*parts, "term"), grant.term
    for i, rule in enumerate(p.counts):
        yield ("counts", i, "within"), rule.within
    if p.contacts is not None and p.contacts.changes is not None:
        yield ("contacts", "changes", "within"), p.contacts.changes.within
    yield ("money_back", "full_within"), p.money_back.full_within if p.money_back else None
    yield ("guarantee", "within"), p.guarantee.within if p.guarantee else None
    yield ("reopening", "window"), p.reopening.window if p.reopening else None
    yield ("confirmation", "expires"), p.confirmation.expires if p.confirmation else None


def _instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def check_names(c: Checker) -> None:
    p = c.policy
    lists: list[tuple[str, str, Sequence[Any]]] = [
        ("clauses", "id", p.clauses),
        ("offers", "sku", p.offers),
        ("not_offered", "sku", p.not_offered),
        ("actions", "action", p.actions),
        ("facts", "fact", p.facts),
        ("categories", "category", p.categories),
        ("outcomes", "outcome", p.outcomes),
        ("causes", "cause", p.causes),
        ("notices", "notice", p.notices),
        ("plans", "plan", p.plans),
        ("priorities", "priority", p.priorities),
        ("counts", "count", p.counts),
        ("surcharges", "surcharge", p.surcharges),
        ("work/kinds", "kind", p.work.kinds if p.work else ()),
        ("pause_reasons", "reason", p.pause_reasons),
    ]
    for where, key, items in lists:
        place = where.split("/")
        c.unique(((getattr(item, key), (*place, i, key)) for i, item in enumerate(items)), key)
    c.unique(((edition, ("editions", i)) for i, edition in enumerate(p.editions)), "edition")
    if p.credits:
        types = enumerate(p.credits.types)
        c.unique(((t.credit_type, ("credits", "types", i, "credit_type")) for i, t in types), "credit type")
    q = p.qualification
    c.unique(((x.check, ("qualification", "checks", i, "check")) for i, x in enumerate(q.checks)), "check")
    c.unique(((x.code, ("qualification", "grounds", i, "code")) for i, x in enumerate(q.grounds)), "ground")
    rules = ((g.rule, (*parts, "rule")) for i, offer in enumerate(p.offers) for parts, g in grants(offer, i))
    # Two offers may share a rule's name; within one offer it tells the grants apart.
    by_offer: dict[Any, list[tuple[str, Parts]]] = {}
    for rule, parts in rules:
        by_offer.setdefault(parts[1], []).append((rule, parts))
    for found in by_offer.values():
        c.unique(found, "rule")
    for parts, code in _codes(p):
        if not _CODE.match(code):
            c.error(parts, "bad_code", f"{code!r} is no code.", "Write lower case words joined by `_`.")


def _codes(p: Policy) -> Iterator[tuple[Parts, str]]:
    for parts, owner in walk(p, ()):
        for key in ("code", "in_use_code", "used_code"):
            if hasattr(owner, key):
                yield (*parts, key), getattr(owner, key)


def cited_clauses(policy: Policy) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every clause id that a rule of the policy cites, with the place where it does."""
    for parts, owner in walk(policy, ()):
        if isinstance(owner, ClauseText):
            continue
        for f in fields(owner):
            value = getattr(owner, f.name)
            if (f.name == "clause" or f.name.endswith("_clause")) and isinstance(value, str):
                yield value, (*parts, f.name)
            elif f.name == "clause_by_reason":
                for key, clause in value.items():
                    yield clause, (*parts, f.name, key)


def check_clauses(c: Checker) -> None:
    known = {clause.id for clause in c.policy.clauses}
    cited = set()
    for clause, parts in cited_clauses(c.policy):
        cited.add(clause)
        if clause not in known and clause not in SHARED_CLAUSES:
            near = difflib.get_close_matches(clause, sorted(known), 1)
            hint = f"Did you mean `{near[0]}`?" if near else "Add it to `clauses`, or cite one that is there."
            c.error(parts, "unknown_clause", f"There is no clause `{clause}`.", hint)
    for i, text in enumerate(c.policy.clauses):
        if text.id not in cited and not text.mechanism and text.id not in SHARED_CLAUSES:
            c.warn(
                ("clauses", i, "id"),
                "clause_without_rule",
                f"No rule cites the clause `{text.id}`.",
                "Cite it where its rule stands, or write `mechanism: true` if the service keeps it without one.",
            )


def check_texts(c: Checker) -> None:
    p = c.policy
    notice_facts = FactSpace({"cover_ends_at": fact_space.Fact("instant")})
    for i, notice in enumerate(p.notices):
        c.placeholders(notice.text, ("notices", i, "text"), notice_facts)
        if "{cover_ends_at}" in notice.text and not notice.with_cover:
            c.error(
                ("notices", i, "text"),
                "no_cover_in_notice",
                "The notice names the end of a cover it may not have.",
                "Write `with_cover: true`.",
            )
    every = FactSpace({**c.action_facts.facts, **c.ticket_facts.facts})
    for language, texts in p.messages.items():
        if language not in p.languages:
            c.warn(
                ("messages", language),
                "unknown_language",
                f"`{language}` is not among `languages`.",
                f"Add `{language}` to `languages`.",
            )
        for code, text in texts.items():
            c.placeholders(_FACT_HOLES.sub("", text), ("messages", language, code), every)
