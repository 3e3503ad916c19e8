"""A ticket as published: the names of api.md, external ids only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.policy.policy import Policy
from app.domain.tickets.ticket import Dispute, Ticket


def ticket_view(
    ticket: Ticket,
    *,
    customer_id: str | None,
    names: Mapping[str, str],
    clocks: Sequence[Mapping[str, Any]] | None,
    charge: Mapping[str, int] | None = None,
    policy: Policy | None = None,
) -> dict[str, Any]:
    """The view. ``names``: our ids of related tickets -> the helpdesk's; ``clocks`` None leaves them out."""
    view: dict[str, Any] = {
        "ticket_id": ticket.external_id,
        "customer_id": customer_id,
        "subject": ticket.subject,
        "state": ticket.state,
        "channel": ticket.channel,
        "language": ticket.language,
        "license_id": ticket.license_id,
        "product": ticket.product,
        "category": ticket.category,
        "inputs": ticket.inputs,
        "facts": {name: value for name, value in ticket.facts.items() if value is not None},
        "agreed_up_to": ticket.agreed_up_to,
        "pay_with": ticket.pay_with,
        "credit_type": ticket.credit_type,
        "asks": ticket.asks,
        "reasons": ticket.reasons,
        "remedies": ticket.remedies,
        "options": ticket.options,
        "service": _service(ticket, policy),
        "qualification": _qualification(ticket, policy),
        "assessments": ticket.assessments,
        "price": ticket.price,
        "charge": dict(charge or ticket.charge),
        "paid_by": ticket.paid_by,
        "cover_id": ticket.cover_id,
        "credit_applied_at": ticket.credit_applied_at,
        "credit_expires_at": ticket.credit_expires_at,
        "service_at": ticket.service_at,
        "responses": [{"automatic": False, **one} for one in ticket.responses],
        "access_requests": ticket.access_requests,
        "pauses": [{"until": None, "silent_at": None, "ended_by": None, **one} for one in ticket.pauses],
        "disputes": [dispute_view(one) for one in ticket.disputes],
        "outcome": ticket.outcome,
        "cause": ticket.cause,
        "cause_corrections": ticket.cause_corrections,
        "result": ticket.result,
        "opened_by": ticket.opened_by,
        "merged_into": None if ticket.merged_into is None else names.get(ticket.merged_into),
        "merged": [names[one] for one in ticket.merged_ids if one in names],
        "parent": None if ticket.parent_id is None else names.get(ticket.parent_id),
        "children": [names[one] for one in ticket.child_ids if one in names],
        "reopened": ticket.reopened,
        "reopening_reason": ticket.reopening_reason,
        "opened_at": ticket.opened_at,
        "updated_at": ticket.updated_at,
        "accepted_at": ticket.accepted_at,
        "resolved_at": ticket.resolved_at,
        "closed_at": ticket.closed_at,
        "confirmation_expires_at": ticket.confirmation_expires_at,
        "policy": {"name": ticket.policy_name, "version": ticket.policy_version},
        "version": ticket.version,
    }
    if clocks is not None:
        view["clocks"] = list(clocks)
    return view


def dispute_view(one: Dispute) -> dict[str, Any]:
    """A dispute as published; those decided before it was kept forfeited nothing that anybody was told of."""
    return {"forfeited": 0, "cause": None, "reasons": [], **one}


def _service(ticket: Ticket, policy: Policy | None) -> dict[str, Any] | None:
    """What the type of credit stands for: by whom it is served and what it includes (TERMS-16)."""
    kind = (
        policy.credit_type(ticket.credit_type)
        if policy is not None and ticket.credit_type is not None
        else None
    )
    if kind is None or not kind.service:
        return None
    return {
        "credit_type": kind.credit_type,
        "title": kind.title,
        "clause": kind.clause,
        "served_by": kind.served_by,
        "includes": list(kind.includes),
    }


def _qualification(ticket: Ticket, policy: Policy | None) -> dict[str, Any]:
    decided = ticket.qualification or {}
    decision = decided.get("decision")
    return {
        "by_agent": policy is not None and policy.qualification.by == "agent",
        "state": {"accept": "accepted", "reject": "rejected"}.get(str(decision), "undecided"),
        "decision": decision,
        "checks": ticket.checks,
        "recommendation": ticket.recommendation,
        "reasons": decided.get("reasons", []),
        "by": decided.get("by"),
        "at": decided.get("at"),
        "note": decided.get("note"),
    }
