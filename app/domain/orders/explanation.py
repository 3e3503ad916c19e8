"""What an account holds, in sentences a clerk can read out: orders, refunds, licenses, covers, choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.cover.replacing import REPLACED
from app.domain.policy.offers import ChoiceGrant, Offer
from app.domain.policy.policy import Policy
from app.domain.policy.wording import (
    are,
    capital,
    cited,
    condition_words,
    cover_words,
    credit_words,
    day_of,
    joined,
    sentences,
    sku_title,
    term_words,
    was,
)
from app.domain.values.text import day

Row = Mapping[str, Any]


# --- orders -----------------------------------------------------------------------------------------------------------


def line_sentence(policy: Policy, line: Row, granted: Sequence[Row], refused: Sequence[Row]) -> str:
    """What an order line brought, and why not what it did not bring."""
    title = sku_title(policy, str(line["sku"]))
    number = int(line.get("quantity") or 1)
    name = f"Line {line['line_id']}, {title}{f' ({number} of them)' if number != 1 else ''}"
    brought = [cited(f"{name}: {grant_words(policy, row)}", row["clause"]) for row in granted]
    why = [cited(f"{name}: {_refusal(policy, row)}", row.get("clause")) for row in refused]
    return sentences(*brought, *why) or f"{name}: nothing."


def grant_words(policy: Policy, row: Row) -> str:
    """One thing that an order line brought."""
    facts: Row = row["facts"]
    match row["granted"]:
        case "license":
            edition = f" ({facts['edition']})" if facts.get("edition") else ""
            return f"license number {facts.get('ordinal', 1)} of the account{edition}"
        case "lot":
            ends = "without an end" if "expires_at" not in facts else f"until {day_of(facts['expires_at'])}"
            rest = ", for what was left of the plan before" if facts.get("reason") == REPLACED else ""
            return f"{credit_words(policy, int(facts['granted']))} {ends}{rest}"
        case "cover":
            words = cover_words({**facts, "order_id": None})
            if "starts_at" not in facts:
                return f"{words}, from the first ticket that it pays for"
            ends = f" until {day_of(facts['ends_at'])}" if "ends_at" in facts else ""
            return f"{words}, from {day_of(facts['starts_at'])}{ends}"
        case "choice":
            return f"a choice of {options_words(policy, str(row['rule']), facts.get('options', ()))}"
        case "addon":
            return f"the add-on {facts.get('addon', '')}".rstrip()
    return str(row["granted"])


def what_would_bring(policy: Policy, offer: tuple[Offer, int | None] | None, refused: Iterable[Row]) -> list[str]:
    """Return, in words, what would have to be so for a line to bring what it did not bring."""
    if offer is None:
        return []
    codes = {row["code"] for row in refused}
    rules = [(offer[0].requires, offer[0].otherwise), *((grant.when, grant.otherwise) for grant in offer[0].grants)]
    return [
        condition_words(condition, policy)
        for condition, why in rules
        if condition is not None and why is not None and why.code in codes
    ]


def longer_sentence(seconds: int, ends_at: datetime | None) -> str | None:
    """Say how much longer a cover is good for what was left of the plan that it replaced; None where it is not."""
    if not seconds or ends_at is None:
        return None
    days, rest = divmod(seconds, 86_400)
    words = f"{days} {'day' if days == 1 else 'days'}{' and some hours' if rest else ''}" if days else "some hours"
    without = day(ends_at - timedelta(seconds=seconds))
    return f"What was left of the plan before made that {words} longer; without that it would be until {without}."


def _refusal(policy: Policy, row: Row) -> str:
    message = row.get("message") or _otherwise(policy, str(row.get("code"))) or _REFUSED.get(str(row.get("code")))
    return str(message) if message else "nothing more"


_REFUSED = {
    "unknown_sku": "nothing, since the policy does not know it",
    "not_offered": "nothing, since it is not sold",
    "addon_not_named": "nothing, since the add-on is not named",
    "no_license": "nothing, since the account holds no license",
}


def _otherwise(policy: Policy, code: str) -> str | None:
    for offer in policy.offers:
        for rule in (offer.otherwise, *(grant.otherwise for grant in offer.grants)):
            if rule is not None and rule.code == code:
                return rule.message
    return next((not_offered.message for not_offered in policy.not_offered if not_offered.code == code), None)


# --- refunds ----------------------------------------------------------------------------------------------------------


def take_back_sentence(policy: Policy, row: Row, sku: str | None, clause: str | None) -> str:
    """One thing that a refund took back."""
    title = sku_title(policy, sku) if sku is not None else f"line {row.get('line_id')}"
    match row.get("kind"):
        case "credits":
            number = int(row["credits"])
            text = f"{credit_words(policy, number)} of {title} {was(number)} taken back"
        case "license":
            text = f"the license of {title} ended"
        case "cover":
            text = f"the support of {title} was taken back"
            if row.get("state") == "ended" and row.get("ends_at"):
                text = f"the support of {title} ended on {day_of(row['ends_at'])}"
        case "choice":
            text = f"the open choice of {title} was taken back"
        case "addon":
            text = f"the add-on {row.get('addon', '')} was taken back"
        case _:
            text = f"{title} was taken back"
    return cited(capital(text), clause)


def left_sentence(policy: Policy, row: Row, sku: str | None, clause: str | None) -> str:
    """One thing that a refund could not take back, and why."""
    title = sku_title(policy, sku) if sku is not None else f"line {row.get('line_id')}"
    if row.get("kind") == "credits":
        parts = [
            f"{credit_words(policy, int(row[name]))} {was(int(row[name]))} {word}"
            for name, word in (("spent", "spent"), ("held", "set aside for a ticket"), ("expired", "expired"))
            if row.get(name)
        ]
        return cited(f"Not taken back of {title}: {joined(parts)}", clause)
    state = "had ended" if row.get("state") == "ended" else "could not be taken back"
    return cited(f"Not taken back of {title}: its support {state}", clause)


# --- licenses, covers, choices ----------------------------------------------------------------------------------------


def license_sentence(policy: Policy, row: Row) -> str:
    """What a license is and how it stands."""
    title = sku_title(policy, str(row["sku"]))
    name = f"{title} of order {row['order_id']}, license number {row['ordinal']} of the account"
    ended = "" if not row.get("ended_at") else f"; it ended on {day_of(row['ended_at'])}"
    if ended and row.get("ended_reason"):
        ended += f" ({_ENDED.get(str(row['ended_reason']), row['ended_reason'])})"
    return f"{capital(name)}{ended}"


_ENDED = {
    "terminated": "it was terminated",
    "refunded": "its order was refunded",
    "upgraded": "it was replaced by another edition",
    "corrected": "the shop changed the order",
}


def license_step(policy: Policy, kind: str, payload: Row) -> str:
    """What happened to a license."""
    number = payload.get("ordinal")
    match kind:
        case "granted":
            return f"The license was bought: number {number} of the account."
        case "reranked":
            return f"It is number {number} of the account now, since an order placed earlier arrived."
        case "registered":
            return "The license was registered to an installation."
        case "ended":
            why = _ENDED.get(str(payload.get("ended_reason")), "it ended")
            return f"The license ended on {day_of(payload['ended_at'])}: {why}."
    return f"{capital(kind.replace('_', ' '))}."


def cover_sentence(policy: Policy, cover: Row) -> str:
    """What a cover is and how it stands. ``state``: as published."""
    name = capital(cover_words(cover))
    match cover["state"]:
        case "pending":
            return f"{name} waits for the first ticket that it pays for"
        case "scheduled":
            return f"{name} begins on {day_of(cover['starts_at'])}"
        case "suspended":
            return f"{name} is suspended since {day_of(cover['suspended_at'])}"
        case "voided":
            return f"{name} was taken back"
        case "ended":
            return f"{name} ended on {day_of(cover['ends_at'])}"
    ends = f" until {day_of(cover['ends_at'])}" if cover.get("ends_at") else ""
    return f"{name} runs{ends}"


def cover_step(policy: Policy, kind: str, payload: Row) -> str:
    """What happened to a cover."""
    cover: Row = payload.get("cover", {})
    starts, ends = cover.get("starts_at"), cover.get("ends_at")
    runs = f"from {day_of(starts)}{f' until {day_of(ends)}' if ends else ''}" if starts else ""
    now = f"; it runs {runs}" if runs else ""
    match kind:
        case "granted":
            start = runs or "from the first ticket that it pays for"
            return f"{capital(cover_words(cover))} was granted, {start}."
        case "started":
            return f"It began with a ticket{now}."
        case "moved":
            return f"It moved{now}."
        case "suspended":
            return (
                f"It was suspended on {day_of(cover['suspended_at'])}." if cover.get("suspended_at") else "Suspended."
            )
        case "resumed":
            if payload.get("runs_on"):
                return f"It goes on; its time ran on meanwhile{now}."
            return f"It goes on; its end moved by the time suspended{now}."
        case "extended":
            months = int(payload.get("months") or 0)
            return f"It was extended by {term_words({'months': months})}{now}."
        case "shortened":
            return f"It ends on {day_of(ends)}, earlier than bought." if ends else "It ends earlier than bought."
        case "voided":
            return "It was taken back."
    return f"{capital(kind.replace('_', ' '))}{now}."


def _options(policy: Policy, rule: str) -> dict[str, str]:
    """The options of a choice in the policy's order, each by what it grants: ``40 credits``, ``30 days of support``."""
    found: dict[str, str] = {}
    for offer in policy.offers:
        for grant in offer.grants:
            if isinstance(grant, ChoiceGrant) and grant.rule == rule:
                for name, option in grant.options.items():
                    if option.kind == "credits":
                        found[name] = credit_words(policy, option.credits or 0)
                    else:
                        found[name] = f"{term_words(option.term)} of support"
    return found


def choice_words(policy: Policy, rule: str, option: str) -> str:
    """An option of a choice by what it grants."""
    return _options(policy, rule).get(option, option)


def options_words(policy: Policy, rule: str, options: Iterable[Any]) -> str:
    """What can be chosen: ``40 credits or 30 days of support``."""
    codes, known = {str(option) for option in options}, _options(policy, rule)
    names = [*(name for name in known if name in codes), *sorted(codes - set(known))]
    return joined([known.get(name, name) for name in names], "or")


def choice_sentence(policy: Policy, choice: Row) -> str:
    """What can be, or was, chosen."""
    options = options_words(policy, str(choice["rule"]), choice["options"])
    what = f"The license of order {choice['order_id']} brings {options}, as the customer chooses"
    if choice.get("option") is not None:
        return f"{what}; the customer chose {choice_words(policy, str(choice['rule']), str(choice['option']))}"
    return f"{what}; the choice was taken back" if choice.get("voided_at") else f"{what}; the choice is open"


def choice_step(policy: Policy, rule: str, kind: str, payload: Row) -> str:
    """What happened to a choice."""
    match kind:
        case "opened":
            options = options_words(policy, rule, payload.get("options", ()))
            return f"The customer may choose {options}." if options else "A choice was opened."
        case "made":
            return f"The customer chose {choice_words(policy, rule, str(payload.get('option')))}."
        case "voided":
            return "The choice was taken back."
    return f"{capital(kind.replace('_', ' '))}."


def offer_clause(offer: tuple[Offer, int | None] | None) -> str | None:
    """The clause an offer rests on."""
    return None if offer is None else offer[0].clause


def owed_sentence(policy: Policy, credits: int) -> str | None:
    """What a refund left owed."""
    return f"{credit_words(policy, credits)} {are(credits)} owed for what was spent." if credits else None
