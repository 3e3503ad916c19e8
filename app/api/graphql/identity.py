"""Ids: what `id` says of a thing, and how `node(id:)` finds it again.

An id names one thing in one state. Only the present has the plain id. These have ids of their own, so that a client's
cache never shows one as the other:

- the same thing as it stood at another instant
- another version of a policy
- a rehearsal (`validateOnly`)
- a replayed answer
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.api.fields import parse_instant
from app.domain.values.wire import iso

INSTANTS: Final = ("as_of", "known_at")


@dataclass(frozen=True, slots=True)
class Identity:
    """What names a thing of a type, and the operation that finds it.

    ``keys``: members of its view. ``getter``: an operation, or a list that is looked through. ``takes``: member ->
    parameter of the operation, where the names differ.
    """

    keys: tuple[str, ...]
    getter: str | None = None
    takes: Mapping[str, str] = field(default_factory=dict)
    owned: bool = False
    """Its customer is told where it is asked for by itself, and loaded elsewhere."""
    immutable: bool = False
    """It is the same at every instant."""

    def values(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that ask for the thing again."""
        return {self.takes.get(key, key): found[key] for key in self.keys}


IDENTITIES: Final[dict[str, Identity]] = {
    "Customer": Identity(("customer_id",), "getCustomer"),
    "Ticket": Identity(("ticket_id",), "getTicket"),
    "Order": Identity(("order_id",), "getOrder"),
    "Clock": Identity(("clock_id",), "getClock"),
    "Policy": Identity(("name",), "getPolicy"),
    "Calendar": Identity(("name",), "getCalendar"),
    "License": Identity(("license_id",), "getLicense", owned=True),
    "Cover": Identity(("cover_id",), "getCover", owned=True),
    "WebhookEndpoint": Identity(("endpoint_id",), "getWebhookEndpoint"),
    "WebhookDelivery": Identity(("endpoint_id", "delivery_id"), "getWebhookDelivery"),
    "Delivery": Identity(("source", "delivery_id"), "getSourceDelivery", {"source": "name"}),
    "ProblemEntry": Identity(("code",), "getProblem"),
    "Source": Identity(("name",), "listSources"),
    "ApiKey": Identity(("key_id",), "listKeys"),
    "CalendarVersion": Identity(("calendar", "revision"), "listCalendarVersions", {"calendar": "name"}),
    "Lot": Identity(("lot_id",), "getLot", owned=True),
    "Choice": Identity(("choice_id",), "getChoice", owned=True),
    "Entry": Identity(("entry_id",), "getEntry", owned=True, immutable=True),
    "Hold": Identity(("hold_id", "adjustment_id")),
    "OrderRefund": Identity(("order_id", "refund_id")),
    "AuditEntry": Identity(("audit_id",)),
    "Tenant": Identity(("tenant_id",)),
}
"""Types with an id. One without a getter has an id for caches, and `node(id:)` does not find it."""


_EVENT: Final = re.compile(r"evt_[0-9a-z]{10,40}\Z", re.ASCII)
"""An event has an id of its own for everybody, whatever tells of it."""
_EVENTS: Final = Identity(("event_id",), "getEvent")


@dataclass(frozen=True, slots=True)
class State:
    """What an answer tells of, where it is not the present; and what became of the call that it answers."""

    stated: Mapping[str, Any] = field(default_factory=dict)
    """``as_of`` and ``known_at``, ``version``, ``rehearsal`` or ``replay``; empty: the present."""
    created: bool = False
    replayed: bool = False


PRESENT: Final = State()


class Stated(dict[str, Any]):
    """A view with its state."""

    __slots__ = ("state",)

    def __init__(self, view: Mapping[str, Any], state: State) -> None:
        super().__init__(view)
        self.state = state


def state_of(view: Any) -> State:
    """Return what a view tells of."""
    state: State = getattr(view, "state", PRESENT)
    return state


def with_state(answer: Any, state: State) -> Any:
    """Return an answer, everything in it with its state. What tells of the present is left as it is."""
    if not state.stated:
        return answer
    if isinstance(answer, dict):
        return Stated({name: with_state(inner, state) for name, inner in answer.items()}, state)
    if isinstance(answer, list | tuple):
        return [with_state(inner, state) for inner in answer]
    return answer


def state_asked(takes: frozenset[str], values: Mapping[str, Any]) -> State:
    """Return what a reading operation is asked about: instants or a version, as far as it takes them."""
    found: dict[str, Any] = {
        name: _instant(values[name]) for name in INSTANTS if name in takes and values.get(name) is not None
    }
    if "version" in takes and values.get("version") is not None:
        found["version"] = values["version"]
    return State(found) if found else PRESENT


def rehearsal() -> State:
    """Return the state of what a dry run says, or a kept answer: it is nowhere, so that nothing finds it."""
    return State({"rehearsal": secrets.token_urlsafe(9)})


def _instant(value: Any) -> str:
    try:
        return iso(parse_instant(value))
    except Exception:  # noqa: BLE001 - the operation has taken it; its own words then
        return str(value)


def node_id(typename: str, view: Mapping[str, Any]) -> str:
    """Return the opaque id of a thing, for `node(id:)`."""
    known = IDENTITIES[typename]
    keys = [view.get(key) for key in known.keys]
    state = {key: value for key, value in state_of(view).stated.items() if not (known.immutable and key in INSTANTS)}
    if len(keys) == 1 and not state:
        text = f"{typename}:{keys[0]}"
    else:
        text = json.dumps([typename, keys, state], separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Named:
    """What an id names."""

    typename: str
    values: Mapping[str, Any]
    """Member -> value."""
    state: Mapping[str, Any]


def known_of(typename: str) -> Identity:
    """Return what names a thing of a type."""
    return _EVENTS if typename == "Event" else IDENTITIES[typename]


def node_of(text: str) -> Named | None:
    """Return what an id names; None for what is none of ours."""
    if _EVENT.match(text):
        return Named("Event", {"event_id": text}, {})
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    if raw.startswith("["):
        return _whole(raw)
    typename, colon, key = raw.partition(":")
    identity = IDENTITIES.get(typename)
    if identity is None or len(identity.keys) != 1 or not colon or not key:
        return None
    return Named(typename, {identity.keys[0]: key}, {})


def _whole(raw: str) -> Named | None:
    try:
        typename, keys, state = json.loads(raw)
        identity = IDENTITIES[typename]
        values = dict(zip(identity.keys, keys, strict=True))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    good = isinstance(state, dict) and all(
        isinstance(value, str | int) for value in (*values.values(), *state.values())
    )
    return Named(typename, values, state) if good else None
