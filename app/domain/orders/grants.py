"""Single grants and their end: a lot, a cover by choice, a license ended, and an order's notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from app.domain.account import extension
from app.domain.account.account import CustomerAccount
from app.domain.account.customer import Choice, Cover, License
from app.domain.account.plan_credits import bind
from app.domain.account.recurring import follow_license
from app.domain.cover import cover as covers
from app.domain.cover.start import begins_at, stretches_of
from app.domain.cover.terms import CoverTerms
from app.domain.ledger.events import due_of, expired_key, granted_data, moved_data
from app.domain.ledger.lot import Lot, LotSource
from app.domain.orders.offers import grant_of
from app.domain.policy.offers import CoverGrant, CreditGrant
from app.domain.policy.policy import Policy
from app.domain.policy.reason_words import END_OF_TERM
from app.domain.values.ids import LicenseId, LineId, OrderId
from app.domain.values.money import Money
from app.domain.values.term import add_term
from app.domain.values.text import render
from app.domain.values.wire import iso, iso_or_none


def put_license(account: CustomerAccount, license_: License, kind: str, *, occurred_at: datetime | None = None) -> None:
    """Writes a license with what may change in it, save the domain it is registered to."""
    payload = {
        "ordinal": license_.ordinal,
        "first_order": license_.first_order,
        "ended_at": iso_or_none(license_.ended_at),
        "ended_reason": license_.ended_reason,
        "registered": license_.registered_domain is not None,
    }
    account.plan.put_license(license_, kind, payload, occurred_at=occurred_at)
    follow_license(account, license_)


def end_license(
    account: CustomerAccount,
    license_: License,
    when: datetime,
    *,
    reason: Literal["terminated", "refunded", "upgraded", "corrected"],
    clause: str | None = None,
) -> list[Cover]:
    """Ends a license at ``when`` and the covers and levels that served it alone (AVA-4). Returns those covers."""
    license_.ended_at = max(when, license_.placed_at)
    license_.ended_reason = reason
    put_license(account, license_, "ended", occurred_at=min(license_.ended_at, account.at))
    ended = covers.end_of_license(account, license_.license_id, license_.ended_at, reason=reason, clause=clause)
    account.emit(
        "license.ended",
        {
            "license_id": license_.license_id,
            "order_id": license_.order_id,
            "ended_at": iso(license_.ended_at),
            "reason": reason,
            "covers": [cover.cover_id for cover in ended],
        },
    )
    return ended


def grant_credits(
    account: CustomerAccount,
    grant: CreditGrant,
    credits: int,
    *,
    policy: Policy,
    order_id: OrderId,
    line_id: LineId,
    unit_no: int,
    license_id: LicenseId | None,
    placed_at: datetime,
    source: LotSource,
    cost: Money | None = None,
    effective_at: datetime | None = None,
) -> Lot:
    """Grants a lot whose expiry counts from ``placed_at`` (AVA-3, XC-5); one born dead is shown granted and expired.

    ``effective_at``: since when the credits are there, if not since the order (a choice that was made later).
    """
    own = None if grant.expires is None else add_term(placed_at, grant.expires, covers.term_zone(policy))
    extended = policy.is_extended(grant.rule) or account.policy.is_extended(grant.rule)
    since = effective_at or placed_at
    reached = extension.before_grant(account, grant.rule, grant.credit_type, since, own, extended=extended)
    expires_at = reached.end
    lot = account.ledger.grant(
        credits,
        source=source,
        rule=grant.rule,
        credit_type=grant.credit_type,
        expires_at=expires_at,
        effective_at=since,
        order_id=order_id,
        line_id=line_id,
        unit_no=unit_no,
        priority=grant.priority,
        scope=grant.scope,
        categories=grant.categories,
        license_id=license_id,
        cost=cost,
        policy_version=policy.version,
        clause=grant.clause,
        reading=grant.reading,
    )
    if grant.ends_with:
        bind(account, lot, grant.ends_with)
    else:
        extension.granted(account, lot, grant.extends, own, reached, extended=extended)
    schedule_lot(account, lot)
    balance = account.ledger.balance(lot.credit_type)
    account.emit(
        "credits.granted",
        granted_data(
            lot,
            credits,
            balance,
            order_id=order_id,
            line_id=line_id,
            license_id=license_id,
            expires_at=iso_or_none(lot.expires_at),
            rule=grant.rule,
            clause=grant.clause,
            reading=grant.reading,
        ),
    )
    if expires_at is not None and expires_at <= account.at:
        data = moved_data(lot.credit_type, lot.expired, balance, lot_id=lot.lot_id)
        account.emit("credits.expired", data, dedupe_key=expired_key(lot, iso(expires_at)))
    return lot


def schedule_lot(account: CustomerAccount, lot: Lot) -> None:
    """Put a lot's reminders and its end on the agenda; passed ones not."""
    for due in due_of(lot, account.policy.credits, account.at):
        account.plan.due(due.at, due.kind, due.subject, **due.payload)


def void_choice(account: CustomerAccount, choice: Choice, *, reason: str) -> None:
    """Takes back a choice that was not made."""
    choice.voided_at = account.at
    account.plan.put_choice(choice, "voided", {"reason": reason})
    account.emit("choice.voided", {"choice_id": choice.choice_id, "order_id": choice.order_id, "reason": reason})


def choose(account: CustomerAccount, choice: Choice, option: str, policy: Policy) -> Lot | Cover:
    """Makes an open choice: grants exactly that option, by the policy it was opened under (CSC-1)."""
    grant = grant_of(choice.options[option])
    choice.option, choice.made_at = option, account.at
    account.plan.put_choice(choice, "made", {"option": option})
    account.emit(
        "choice.made",
        {"choice_id": choice.choice_id, "option": option, "order_id": choice.order_id, "license_id": choice.license_id},
    )
    if isinstance(grant, CreditGrant):
        return grant_credits(
            account,
            grant,
            grant.credits or 0,
            policy=policy,
            order_id=choice.order_id,
            line_id=choice.line_id,
            unit_no=choice.unit_no,
            license_id=choice.license_id,
            placed_at=choice.placed_at,
            source="choice",
            effective_at=account.at,
        )
    starts_at = None if grant.start == "first_ticket" else choice.placed_at
    ends_at = None
    if starts_at is not None and grant.term is not None:
        terms, before = CoverTerms.of(policy), list(stretches_of(account.covers.values()))
        starts_at = begins_at(grant, starts_at, account.licenses.values(), before, terms)
        alike = [
            stretch for stretch in before if grant.start != "order" and stretch.counts_for(grant.actions, grant.levels)
        ]
        ((_, ends_at),) = terms.periods(starts_at, grant.term, 1, alike)
    cover = covers.open_cover(
        account,
        grant,
        policy=policy,
        order_id=choice.order_id,
        line_id=choice.line_id,
        license_id=choice.license_id,
        placed_at=choice.placed_at,
        starts_at=starts_at,
        ends_at=ends_at,
        occurred_at=account.at,
        seats=seats_of(grant, None),
    )
    emit_cover(account, cover, notices_of(policy, [cover]))
    return cover


def seats_of(grant: CoverGrant, n: int | None) -> int | None:
    """For how many people cover of a grant is; ``n``: the number in the sku."""
    if grant.seats == "quantity":
        return 1
    return n if grant.seats == "sku" else grant.seats


def notices_of(policy: Policy, granted: Sequence[Cover]) -> list[dict[str, Any]]:
    """The notices that go with an order, ``{cover_ends_at}`` filled with the end of its cover (CACTU-13)."""
    ends = [cover.ends_at for cover in granted if cover.ends_at is not None]
    latest = max(ends, default=None)
    rows = []
    for notice in policy.notices:
        if notice.with_cover and not granted:
            continue
        facts = {"cover_ends_at": latest or str(END_OF_TERM)}
        known = policy.clause(notice.clause)
        rows.append(
            {
                "notice": notice.notice,
                "clause": notice.clause,
                "text": render(notice.text, facts),
                "ends_at": iso_or_none(latest) if notice.with_cover else None,
                "reading": bool(known and known.reading),
            }
        )
    return rows


def emit_cover(account: CustomerAccount, cover: Cover, notices: Sequence[Mapping[str, Any]]) -> None:
    """Tells of a granted cover with its end and the notices (CACTU-13); of its end too when that has passed."""
    account.emit(
        "cover.granted",
        {
            "cover_id": cover.cover_id,
            "order_id": cover.order_id,
            "line_id": cover.line_id,
            "license_id": cover.license_id,
            "state": covers.state_of(cover, account.at),
            "starts_at": iso_or_none(cover.starts_at),
            "ends_at": iso_or_none(cover.ends_at),
            "levels": list(cover.levels),
            "actions": list(cover.actions),
            **covers.plan_data(cover),
            "rule": cover.rule,
            "clause": cover.clause,
            "reading": cover.reading,
            "notices": list(notices),
        },
    )
    if cover.ends_at is not None and cover.ends_at <= account.at:
        account.emit(
            "cover.ended",
            {"cover_id": cover.cover_id, "license_id": cover.license_id, "ended_at": iso(cover.ends_at)},
            dedupe_key=ended_key(cover),
        )


def ended_key(cover: Cover) -> str:
    """The end of a cover is told once an instant."""
    return f"cover.ended:{cover.cover_id}:{iso_or_none(cover.ends_at)}"
