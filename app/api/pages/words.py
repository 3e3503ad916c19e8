"""Words of the pages: what people read for the codes of the service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.api.languages import counted, current, text
from app.domain.values.wire import parse_iso

STATES: Final = {
    "needs_facts": "Needs details",
    "awaiting_qualification": "Being looked at",
    "awaiting_assessment": "Being priced",
    "awaiting_choice": "Needs a choice",
    "awaiting_confirmation": "Quote to confirm",
    "awaiting_credits": "Needs credits",
    "in_progress": "In progress",
    "resolved": "Resolved",
    "rejected": "Not covered",
    "withdrawn": "Withdrawn",
}
TONES: Final = {
    "needs_facts": "warn",
    "awaiting_choice": "warn",
    "awaiting_confirmation": "warn",
    "awaiting_credits": "warn",
    "in_progress": "live",
    "resolved": "good",
    "rejected": "bad",
    "running": "good",
    "scheduled": "live",
    "pending": "live",
    "suspended": "warn",
    "paused": "warn",
    "met": "good",
    "breached": "bad",
    "parked": "warn",
    "received": "live",
    "done": "good",
    "delivered": "good",
    "failed": "bad",
}
KINDS: Final = {
    "granted": "Credits granted",
    "expired": "Expired",
    "voided": "Taken back",
    "repaid": "Repaid",
    "reinstated": "Restored",
    "earlier": "Earlier entries",
}
SOURCES: Final = {
    "license": "Came with a license",
    "purchase": "Bought",
    "choice": "Your choice",
    "goodwill": "Given by the vendor",
    "correction": "Correction",
    "import": "Brought over",
    "breach": "For a promise that was missed",
    "transfer": "Transferred",
    "overdraft": "Spent before they came",
}
MILESTONES: Final = {
    "first_response": "First answer",
    "each_business_day": "Work each business day",
    "resolution": "Solution",
    "access": "Access from you",
    "confirmation": "Your answer to the quote",
}
CODES: Final = (
    "running",
    "scheduled",
    "pending",
    "suspended",
    "voided",
    "ended",
    "paused",
    "met",
    "breached",
    "open",
    "in_force",
    "superseded",
    "declined",
    "expired",
    "confirmed",
    "nobody",
    "credits",
    "cover",
    "upheld",
    "reduced",
    "returned",
    "opened",
    "decided",
    "details_stated",
    "credit_named",
    "credit_applied",
    "qualified",
    "assessed",
    "responded",
    "access_requested",
    "access_granted",
    "resumed",
    "milestone_reached",
    "split",
    "merged",
    "reopened",
    "disputed",
    "dispute_decided",
    "cause_corrected",
    "work_logged",
    "closed",
    "buy",
    "wait",
    "choose",
    "contact_form",
    "resume",
    "apply_credit",
    "low",
    "normal",
    "high",
    "urgent",
    "category",
    "license_id",
    "pay_with",
)
"""Codes of the service that customers read as plain words: of periods, quotes, disputes, steps of a ticket and such."""
FOR_CUSTOMERS: Final = {
    "insufficient_credits": "Buy credits, then send it again.",
    "not_awaiting_confirmation": "The quote is not open any more. Load the page again to see how it stands.",
    "choice_made": "The choice was made before. Load the page again to see it.",
    "form_refused": "Load the page again, and send it once more.",
    "scope_missing": "Ask the vendor for a link by which you can answer.",
    "customer_token_not_allowed": "Ask the vendor to do it.",
    "invalid_input": "Correct what is named, and send it again.",
    "not_asked": "Send only what the ticket asks for.",
    "ticket_not_found": "Look for it under all tickets.",
    "not_found": "Go back to your account.",
    "cursor_invalid": "Begin at the first page of the list.",
    "busy": "Wait a moment, and send it again.",
    "unavailable": "Wait a moment, and send it again.",
    "rate_limited": "Wait a moment, and load the page again.",
}
"""What a customer can do about a refusal; what the catalogue says is for whoever calls the service."""
ELSE: Final = "Load the page again. If it stays so, write to the vendor."
TERMS: Final = {
    "day": ("%(num)d day", "%(num)d days"),
    "month": ("%(num)d month", "%(num)d months"),
    "year": ("%(num)d year", "%(num)d years"),
}
_TERM: Final = re.compile(r"(\d{1,6}) (day|month|year)s?")
_MEMBER: Final = re.compile(r"(the (names|kinds) in )?`(facts\.)?known`")
LISTED: Final = "those listed here"


def known(problem: Mapping[str, Any]) -> list[str]:
    """Return what may be named instead, where a refusal lists it."""
    found = (problem.get("facts") or {}).get("known") or problem.get("known") or []
    return [str(name) for name in found] if isinstance(found, list) else [str(found)]


def next_step(problem: Mapping[str, Any], *, customer: bool) -> str:
    """Return what to do about a refusal."""
    if customer:
        return text(FOR_CUSTOMERS.get(problem["code"], ELSE))
    if problem["code"] == "invalid_input":  # a page shows what is wrong, and has no member of that name
        return text(FOR_CUSTOMERS["invalid_input"])
    return _MEMBER.sub(text(LISTED), str(problem["next_step"]))


def state(code: str | None) -> str:
    """Return what people read for a state; a code that has no words of its own loses its underscores."""
    return "–" if code is None else text(STATES.get(code) or plain(code))


def capital(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]


def plain(code: Any) -> str:
    """Return a code as words."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def code(value: Any) -> str:
    """Return a code of ours as words, in the page's language."""
    return text(plain(value))


def inside(words: str) -> str:
    """Return words as they stand inside a sentence; German keeps the capitals of its nouns."""
    return words if current() == "de" else words.lower()


def term(length: str | None) -> str:
    """Return a length of a period such as ``3 months``, in the page's language; nothing where there is none."""
    return _TERM.sub(lambda found: counted(*TERMS[found[2]], int(found[1])), length or "")


def tone(code: str | None) -> str:
    """Return the colour of a state, by its name in the style sheet."""
    return TONES.get(code or "", "calm")


def can(ticket: Mapping[str, Any], *actions: str) -> bool:
    """Whether one of these actions is accepted now, by the ticket's own word."""
    return any(action["allowed"] and action["action"] in actions for action in ticket["actions"])


def shown_clocks(clocks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the clocks that say something: those due, standing still, or ended with an outcome."""
    return [
        clock
        for clock in clocks
        if clock["phase"] != "cancelled"
        and (clock["due_at"] or clock["phase"] == "paused" or clock["outcome"] != "open")
    ]


def seconds_between(first: str, second: str) -> int:
    """Return the whole seconds from one instant to another."""
    return int((parse_iso(second) - parse_iso(first)).total_seconds())


def source(code: str | None) -> str:
    """Return where credits came from, in words."""
    return text(SOURCES.get(code or "") or plain(code or ""))


def milestone(code: str) -> str:
    """Return what a clock waits for, in words."""
    return text(MILESTONES.get(code) or plain(code))


def kind(code: str | None) -> str:
    """Return what people read for a row of a statement."""
    return text(KINDS.get(code or "") or plain(code or ""))
