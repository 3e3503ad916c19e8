"""Licenses, covers, choices and add-ons as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from app.domain.account import customer as entities
from app.domain.cover import cover as covers
from app.domain.values import term as terms
from app.domain.values.wire import iso, iso_or_none
from app.views.lot import Lot, Scope
from app.views.shapes import Closed, Credits, Id, Instant, Whole

CoverState = Annotated[covers.ShownState, Closed("CoverState", "How a cover stands.")]
CoverStart = Annotated[
    Literal["order", "after_current", "when_uncovered", "first_ticket"], Closed("CoverStart", "What begins a cover.")
]


class Term(TypedDict):
    """A length of time by the calendar."""

    years: Annotated[int, "Years."]
    months: Annotated[int, "Months."]
    days: Annotated[int, "Days."]


class Cover(TypedDict):
    """A period or a level of support without credits."""

    cover_id: Annotated[Id, "Our id of the cover."]
    customer_id: NotRequired[Annotated[Id | None, "The customer, where a cover is asked for; null once erased."]]
    state: Annotated[CoverState, "How it stands."]
    starts_at: Annotated[Instant | None, "When it starts; null while it is pending."]
    ends_at: Annotated[Instant | None, "When it ends (exclusive); null where it has no end, or none yet."]
    remaining_seconds: Annotated[Whole | None, "How much of it is left; null where it has no end."]
    term: Annotated[Term | None, "How long it lasts; null where it has no end."]
    term_text: Annotated[str | None, "How long it lasts, in words."]
    start: Annotated[CoverStart, "What begins it."]
    scope: Annotated[Scope, "Whether it serves the account or one license."]
    levels: Annotated[Sequence[int], "The support levels that it serves."]
    actions: Annotated[Sequence[str], "What it allows; the policy names the actions."]
    free: Annotated[bool, "Whether it came with a license."]
    plan: Annotated[str | None, "The plan that runs with it; the policy names the plans."]
    seats: Annotated[int | None, "For how many people it is; null where nobody counts them."]
    license_id: Annotated[Id | None, "The license that it came with."]
    order_id: Annotated[Id | None, "The order that brought it."]
    line_id: Annotated[Id | None, "The line of that order."]
    granted_at: Annotated[Instant, "When it was granted."]
    suspended_at: Annotated[Instant | None, "Since when it is suspended."]
    suspensions: Annotated[int, "How often it was suspended."]
    suspended_seconds: Annotated[Whole, "How long it was suspended in all."]
    voided_at: Annotated[Instant | None, "When it was taken back."]
    rule: Annotated[str, "The rule of the policy that granted it."]
    clause: Annotated[str, "The clause that granted it."]
    reading: Annotated[bool, "Whether it is our reading."]


class License(TypedDict):
    """A product right that a customer holds."""

    license_id: Annotated[Id, "Our id of the license."]
    customer_id: NotRequired[Annotated[Id | None, "The customer, where a license is asked for; null once erased."]]
    sku: Annotated[str, "The offer that was bought."]
    edition: Annotated[str | None, "The edition."]
    order_id: Annotated[Id, "The order."]
    line_id: Annotated[Id, "The line of the order."]
    unit_no: Annotated[int, "The unit of the line, from 1."]
    ordinal: Annotated[int, "Which license of the account it is, from 1."]
    first_order: Annotated[bool, "Whether it came with the account's first order."]
    placed_at: Annotated[Instant, "When it was ordered."]
    active: Annotated[bool, "Whether it is in force."]
    registered_domain: Annotated[str | None, "The installation that it is registered to."]
    registered_at: Annotated[Instant | None, "When it was registered."]
    ended_at: Annotated[Instant | None, "When it ended, or will."]
    ended_reason: Annotated[
        Annotated[
            Literal["terminated", "refunded", "upgraded", "corrected"], Closed("LicenseEnd", "Why a license ended.")
        ]
        | None,
        "Why it ended.",
    ]
    covers: NotRequired[Annotated[Sequence[Cover], "The covers that ended with it, in the answer of its end."]]


class ChoiceOption(TypedDict):
    """What an option of a choice would bring."""

    kind: Annotated[
        Annotated[Literal["credits", "cover"], Closed("GrantMeans", "Whether a grant is credits or cover.")],
        "Whether it brings credits or cover.",
    ]
    credits: NotRequired[Annotated[Credits | None, "How many credits."]]
    credit_type: NotRequired[Annotated[str | None, "The type of the credits."]]
    term: NotRequired[Annotated[Term | None, "How long the cover lasts."]]
    term_text: NotRequired[Annotated[str | None, "How long the cover lasts, in words."]]
    start: NotRequired[Annotated[CoverStart | None, "What begins the cover."]]


class Choice(TypedDict):
    """One of several grants, at the customer's choice."""

    choice_id: Annotated[Id, "Our id of the choice."]
    customer_id: NotRequired[
        Annotated[Id | None, "The customer, where a choice is asked for or was made; null once erased."]
    ]
    options: Annotated[Sequence[str], "The names of the options, in the policy's order."]
    details: Annotated[Mapping[str, ChoiceOption], "What each option would bring, by its name."]
    open: Annotated[bool, "Whether it can be made."]
    option: Annotated[str | None, "The option that was taken."]
    made_at: Annotated[Instant | None, "When it was made."]
    voided_at: Annotated[Instant | None, "When it was taken back."]
    opened_at: Annotated[Instant, "Since when it is open."]
    license_id: Annotated[Id | None, "The license that brought it."]
    order_id: Annotated[Id, "The order."]
    line_id: Annotated[Id, "The line of the order."]
    unit_no: Annotated[int, "The unit of the line, from 1."]
    rule: Annotated[str, "The rule of the policy that opened it."]
    clause: Annotated[str, "The clause that opened it."]
    reading: Annotated[bool, "Whether it is our reading."]
    lots: NotRequired[Annotated[Sequence[Lot], "The credits that the choice granted, in its answer."]]
    covers: NotRequired[Annotated[Sequence[Cover], "The covers that the choice granted, in its answer."]]


class Addon(TypedDict):
    """An add-on that was bought."""

    addon: Annotated[str, "The name of the add-on."]
    order_id: Annotated[Id, "The order."]
    line_id: Annotated[Id, "The line of the order."]
    placed_at: Annotated[Instant, "When it was ordered."]
    voided_at: Annotated[Instant | None, "When it was taken back."]


def license_view(held: entities.License, at: datetime) -> License:
    """Return a license as it stands at ``at``."""
    return {
        "license_id": held.license_id,
        "sku": held.sku,
        "edition": held.edition,
        "order_id": held.order_id,
        "line_id": held.line_id,
        "unit_no": held.unit_no,
        "ordinal": held.ordinal,
        "first_order": held.first_order,
        "placed_at": iso(held.placed_at),
        "active": held.active(at),
        "registered_domain": held.registered_domain,
        "registered_at": iso_or_none(held.registered_at),
        "ended_at": iso_or_none(held.ended_at),
        "ended_reason": held.ended_reason,
    }


def cover_view(cover: entities.Cover, at: datetime) -> Cover:
    """Return a cover as it stands at ``at``; its state is computed."""
    term = covers.term_of(cover)
    return {
        "cover_id": cover.cover_id,
        "state": covers.state_of(cover, at),
        "starts_at": iso_or_none(cover.starts_at),
        "ends_at": iso_or_none(covers.shown_end(cover)),
        "remaining_seconds": covers.remaining(cover, at),
        "term": cast(Term | None, cover.term),
        "term_text": None if term is None else term.text,
        "start": cover.start,
        "scope": cover.scope,
        "levels": list(cover.levels),
        "actions": list(cover.actions),
        "free": cover.free,
        "plan": cover.plan,
        "seats": cover.seats,
        "license_id": cover.license_id,
        "order_id": cover.order_id,
        "line_id": cover.line_id,
        "granted_at": iso(cover.granted_at),
        "suspended_at": iso_or_none(cover.suspended_at),
        "suspensions": cover.suspensions,
        "suspended_seconds": cover.suspended_seconds,
        "voided_at": iso_or_none(cover.voided_at),
        "rule": cover.rule,
        "clause": cover.clause,
        "reading": cover.reading,
    }


def choice_view(choice: entities.Choice) -> Choice:
    """Return a choice: the names of its options, and what each would bring."""
    return {
        "choice_id": choice.choice_id,
        "options": option_names(choice),
        "details": {name: _option(choice.options[name]) for name in option_names(choice)},
        "open": choice.open,
        "option": choice.option,
        "made_at": iso_or_none(choice.made_at),
        "voided_at": iso_or_none(choice.voided_at),
        "opened_at": iso(choice.opened_at),
        "license_id": choice.license_id,
        "order_id": choice.order_id,
        "line_id": choice.line_id,
        "unit_no": choice.unit_no,
        "rule": choice.rule,
        "clause": choice.clause,
        "reading": choice.reading,
    }


def option_names(choice: entities.Choice) -> list[str]:
    """Return the options in the policy's order (the database keeps no order of keys)."""
    return sorted(choice.options, key=lambda name: (choice.options[name].get("position", 0), name))


def _option(data: Mapping[str, Any]) -> ChoiceOption:
    if data.get("kind") == "cover":
        term = data.get("term")
        return {
            "kind": "cover",
            "term": term,
            "term_text": terms.Term(**term).text if term else None,
            "start": data.get("start"),
        }
    return {"kind": "credits", "credits": data.get("credits"), "credit_type": data.get("credit_type")}


def addon_view(addon: entities.Addon) -> Addon:
    """Return an add-on as published."""
    return {
        "addon": addon.addon,
        "order_id": addon.order_id,
        "line_id": addon.line_id,
        "placed_at": iso(addon.placed_at),
        "voided_at": iso_or_none(addon.voided_at),
    }
