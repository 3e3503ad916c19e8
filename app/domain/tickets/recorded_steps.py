"""The steps that somebody took on a ticket, read back off its stream, without what the rules made of them.

For running recorded history again under another policy (`app.usecases.simulation`). What fell due by itself is left
out: it falls due again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.domain.tickets.ticket import Fact
from app.domain.values.wire import parse_iso, parse_iso_or_none

STATED: Final = (
    "channel",
    "language",
    "license_id",
    "product",
    "facts",
    "category",
    "inputs",
    "agreed_up_to",
    "pay_with",
    "credit_type",
    "priority",
)
"""What the helpdesk says of a ticket."""
_DETAILS: Final = ("facts", "category", "inputs", "pay_with", "license_id", "agreed_up_to", "priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something somebody did: ``name`` is the verb, ``data`` what they said. ``seq``: of the event it is read from."""

    at: datetime
    seq: int
    actor: str | None
    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class _Trail:
    """What later events refer to."""

    quote_until: datetime | None
    pauses: dict[int, str]


def steps_of(facts: Sequence[Fact]) -> list[Step]:
    """The steps of one ticket, oldest first."""
    found: list[Step] = []
    trail = _Trail(None, {})
    for fact in facts:
        reader = _READERS.get(fact.kind)
        step = None if reader is None else reader(fact, trail)
        if "confirmation_expires_at" in (changed := fact.payload.get("set", {})):
            until = changed["confirmation_expires_at"]
            trail.quote_until = None if until is None else parse_iso(until)
        if step is not None:
            name, data = step
            found.append(Step(at=fact.recorded_at, seq=fact.seq, actor=fact.actor, name=name, data=data))
    return found


_Read = tuple[str, dict[str, Any]] | None


def _set(fact: Fact) -> Mapping[str, Any]:
    found: Mapping[str, Any] = fact.payload.get("set", {})
    return found


def _added(fact: Fact, name: str) -> dict[str, Any]:
    return dict(fact.payload.get("add", {}).get(name) or {})


def _changed(fact: Fact, name: str) -> dict[int, Mapping[str, Any]]:
    return {int(number): values for number, values in fact.payload.get("change", {}).get(name, {}).items()}


def _opened(fact: Fact, trail: _Trail) -> _Read:
    if _set(fact).get("parent_id") is not None:
        return None  # its parent's split opens it
    return "open", {name: _set(fact).get(name) for name in STATED}


def _details(fact: Fact, trail: _Trail) -> _Read:
    return "details", {name: _set(fact)[name] for name in _DETAILS if name in _set(fact)}


def _assessed(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "assessments")
    by_list = entry["credits"] == entry["list_credits"] or (entry["list_credits"] is None and not entry["credits"])
    return "assess", {
        "category": entry["category"],
        "inputs": entry["inputs"],
        "credits": None if by_list else entry["credits"],
        "reason": entry["reason"],
    }


def _confirmed(fact: Fact, trail: _Trail) -> _Read:
    return "confirm", {"accept": True}


def _declined(fact: Fact, trail: _Trail) -> _Read:
    if trail.quote_until is not None and fact.occurred_at >= trail.quote_until:
        return None  # not answered in time
    return "confirm", {"accept": False}


def _responded(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "responses")
    return "respond", {
        "author": entry["author"],
        "kind": entry["kind"],
        "public": entry["public"],
        "occurred_at": parse_iso(entry["occurred_at"]),
    }


def _milestone_reached(fact: Fact, trail: _Trail) -> _Read:
    return "reach", {"milestone": _added(fact, "milestones")["milestone"]}


def _credit(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "responses")
    response = None
    if entry:
        response = {name: entry[name] for name in ("author", "kind", "public")}
        response["occurred_at"] = parse_iso(entry["occurred_at"])
    return "apply_credit", {"credit_type": _set(fact)["credit_type"], "response": response}


def _qualified(fact: Fact, trail: _Trail) -> _Read:
    ruling = _set(fact)["qualification"]
    refused = ruling["decision"] == "reject"
    return "qualify", {
        "decision": ruling["decision"],
        "reasons": [reason["code"] for reason in ruling["reasons"]] if refused else [],
        "note": ruling["note"],
    }


def _resolved(fact: Fact, trail: _Trail) -> _Read:
    action = fact.payload["action"]
    if action == "reject":
        return _qualified(fact, trail)
    if action != "resolve":
        return None  # access that was not given in time
    return "resolve", {name: _set(fact)[name] for name in ("outcome", "cause", "result")}


def _split(fact: Fact, trail: _Trail) -> _Read:
    return "split", {"child_id": fact.payload["add"]["child_ids"]}


def _access_requested(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "access_requests")
    return "request_access", {"kinds": entry["kinds"], "deadline_at": parse_iso_or_none(entry["deadline_at"])}


def _access_granted(fact: Fact, trail: _Trail) -> _Read:
    return "grant_access", {"number": next(iter(_changed(fact, "access_requests")), 1)}


def _paused(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "pauses")
    trail.pauses[entry["number"]] = entry["reason"]
    return "pause", {"reason": entry["reason"]}


def _resumed(fact: Fact, trail: _Trail) -> _Read:
    ended = [trail.pauses.get(number) for number in _changed(fact, "pauses")]
    return "resume", {"reason": ended[0] if len(ended) == 1 else None}


def _disputed(fact: Fact, trail: _Trail) -> _Read:
    return "dispute", {"reason": _added(fact, "disputes")["reason"]}


def _dispute_decided(fact: Fact, trail: _Trail) -> _Read:
    number, ruling = next(iter(_changed(fact, "disputes").items()))
    reduced = ruling["decision"] == "reduced"
    return "decide_dispute", {
        "number": number,
        "decision": ruling["decision"],
        "credits": ruling["credits"] if reduced else None,
        "cause": ruling.get("cause"),
    }


def _worked(fact: Fact, trail: _Trail) -> _Read:
    line = _added(fact, "work")
    entry = {name: line[name] for name in ("minutes", "kind", "billable", "note", "corrects")}
    return "work", {**entry, "agent": line.get("agent"), "occurred_at": parse_iso(line["occurred_at"])}


def _cause_corrected(fact: Fact, trail: _Trail) -> _Read:
    entry = _added(fact, "cause_corrections")
    return "correct_cause", {"cause": entry["cause"], "reason": entry["reason"]}


def _plainly(name: str) -> Callable[[Fact, _Trail], _Read]:
    return lambda fact, trail: (name, {})


_READERS: Final[Mapping[str, Callable[[Fact, _Trail], _Read]]] = {
    "opened": _opened,
    "details_stated": _details,
    "assessed": _assessed,
    "confirmed": _confirmed,
    "declined": _declined,
    "responded": _responded,
    "milestone_reached": _milestone_reached,
    "credit_named": _credit,
    "qualified": _qualified,
    "resolved": _resolved,
    "split": _split,
    "access_requested": _access_requested,
    "access_granted": _access_granted,
    "paused": _paused,
    "resumed": _resumed,
    "withdrawn": _plainly("withdraw"),
    "reopened": _plainly("reopen"),
    "disputed": _disputed,
    "dispute_decided": _dispute_decided,
    "cause_corrected": _cause_corrected,
    "worked": _worked,
}
