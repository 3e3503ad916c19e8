"""Every event that leaves the house: what it means, and which members its ``data`` has.

One table for the feed, the webhooks, OpenAPI, AsyncAPI and the documentation. What the members are, say the published
shapes (`app.views.event_data`). Types are added and never renamed; fields are added and never taken away, and receivers
ignore what they do not know. Events carry ids and figures, never names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.tickets.ticket import IN_EVENTS


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: its meaning, and the fields its ``data`` has (``?``: not always there)."""

    type: str
    meaning: str
    fields: tuple[str, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that are always there."""
        return tuple(field for field in self.fields if not field.endswith("?"))


_TICKET: Final = f"ticket_id state charge balance {'? '.join(IN_EVENTS)}? contact_id? acting_agent? forfeited?"
_REPORT: Final = "order_id at lines taken_back not_taken_back owed"
_LOT: Final = "lot_id credits source"
_OF_LOTS: Final = "credit_type? expires_at? order_id? line_id? license_id? rule? clause? reading? balance?"
_GRANTED: Final = "cover_id order_id line_id license_id state starts_at ends_at"
_COVER: Final = "cover_id license_id order_id state starts_at ends_at plan? seats? acting_agent?"
_CLOCK: Final = (
    "clock_id ticket_id milestone team? cycle window_date at due_at outcome calendar_revision tzdb_version clause"
)
_GUARANTEE: Final = "within_guarantee? guarantee_ends_at? clause? reading?"

_ROWS: Final = (
    (
        "order.recorded",
        "An order was recorded; what it granted follows in events of its own.",
        "order_id placed_at source lines",
    ),
    (
        "order.refunded",
        "Lines of an order were refunded; says what was taken back and what could not be.",
        f"order_id refund_id at lines taken_back not_taken_back owed {_GUARANTEE}",
    ),
    ("order.corrected", "A shop changed an order: its lines now, what was taken back and what could not be.", _REPORT),
    (
        "order.payment_dispute",
        "The payment of an order is disputed, or a dispute of it went on; says what it did.",
        "order_id dispute_id state action credits",
    ),
    ("license.granted", "The customer holds a license.", "license_id order_id line_id unit_no sku edition ordinal"),
    ("license.registered", "A license was registered to an installation.", "license_id order_id"),
    (
        "license.ended",
        "A license ended: terminated, refunded, replaced, or taken out of its order (`corrected`).",
        "license_id order_id ended_at reason covers",
    ),
    ("license.reinstated", "A license stands again, since a payment dispute was won.", "license_id order_id reason"),
    ("addon.granted", "The customer bought an add-on.", "order_id line_id addon"),
    ("credits.granted", "Credits were granted as a lot.", f"{_LOT} {_OF_LOTS} breach_id? interval?"),
    ("credits.held", "Credits were set aside.", "credits credit_type balance hold_id? ticket_id? reason?"),
    ("credits.charged", "Credits were taken for good.", "credits credit_type balance hold_id? ticket_id? reason?"),
    (
        "credits.released",
        "Credits that were set aside were given back unspent.",
        "credits credit_type balance hold_id? ticket_id? reason? forfeited?",
    ),
    (
        "credits.refunded",
        "Credits that had been taken were given back.",
        "credits credit_type balance hold_id? ticket_id? reason? forfeited?",
    ),
    ("credits.adjusted", "The balance was corrected by hand.", "credits credit_type balance lot_id? reason?"),
    ("credits.expired", "Credits of a lot expired.", "lot_id credit_type credits balance"),
    (
        "credits.extended",
        "Credits of a lot are good for longer, since the plan that they live with goes on.",
        "lot_id credit_type credits balance expires_at",
    ),
    (
        "credits.expiring",
        "Credits of a lot expire in so many days.",
        "lot_id credits expires_at days credit_type? balance? clause? reading?",
    ),
    (
        "credits.overdrawn",
        "Credits were spent before they came; the next ones that come pay them.",
        "credits credit_type balance lot_id owed clause reading ticket_id?",
    ),
    (
        "credits.top_up_due",
        "Few credits are left: the shop is asked to sell more. `credits` says how many are left.",
        "credits credit_type balance below sku quantity clause reading",
    ),
    ("credits.low", "What is available fell to the policy's mark or below.", "credit_type credits balance"),
    (
        "credits.voided",
        "Credits were taken back with what had granted them.",
        "lot_id order_id credits reason balance breach_id? ticket_id?",
    ),
    (
        "credits.reinstated",
        "Credits that a payment dispute or a refund took are back in their lot.",
        "lot_id order_id credits reason balance",
    ),
    ("credits.transferred", "Credits were given to another customer.", "lot_id credits credit_type balance"),
    ("lot.refunded", "A lot is given back for money.", "lot_id credits credit_type refund override reason balance"),
    (
        "cover.granted",
        "A cover was granted; pending covers have no start yet.",
        f"{_GRANTED} levels actions plan? seats? rule clause reading notices",
    ),
    ("cover.started", "A pending cover began with its first ticket.", f"{_COVER} clause"),
    ("cover.moved", "A later period moved, since an order placed earlier arrived.", f"{_COVER} before"),
    ("cover.suspended", "A cover was suspended.", f"{_COVER} clause"),
    (
        "cover.resumed",
        "A suspended cover goes on; its end moved by the time suspended, unless that ran on.",
        f"{_COVER} clause",
    ),
    ("cover.extended", "A cover's end was moved by months.", f"{_COVER} months clause"),
    ("cover.shortened", "A cover ends earlier than bought.", f"{_COVER} reason"),
    ("cover.voided", "A cover that had not begun was taken back.", f"{_COVER} reason"),
    (
        "cover.reinstated",
        "A cover stands as before: a payment dispute was won, or a refund takes another period (`retaken`).",
        f"{_COVER} reason",
    ),
    ("cover.ending", "A cover ends in so many days.", "cover_id license_id days ends_at covered_until clause reading"),
    ("cover.ended", "A cover ended.", "cover_id license_id ended_at order_id?"),
    ("choice.opened", "The customer has something to choose.", "choice_id license_id order_id options clause"),
    ("choice.made", "The customer chose; what it granted follows.", "choice_id option order_id license_id"),
    ("choice.voided", "A choice that was not made was taken back.", "choice_id order_id reason"),
    ("choice.reinstated", "A choice is open again, since a payment dispute was won.", "choice_id order_id reason"),
    ("ticket.opened", "A ticket was opened and judged by the rules, as far as they go.", f"{_TICKET} reasons"),
    ("ticket.details_stated", "What was missing came in.", _TICKET),
    ("ticket.decided", "The rules judged the ticket again.", f"{_TICKET} reasons"),
    ("ticket.credit_named", "A type of credit was named for the ticket.", _TICKET),
    ("ticket.credit_applied", "A credit was applied to the ticket.", f"{_TICKET} credit_type reasons?"),
    ("ticket.qualified", "The ticket is served, or an agent said that it is not.", f"{_TICKET} decision? reasons?"),
    ("ticket.rejected", "The ticket is not served; the reasons say why.", f"{_TICKET} reasons?"),
    ("ticket.assessed", "The ticket was assessed: a category, a price in credits.", f"{_TICKET} assessment reasons?"),
    ("ticket.quoted", "A price waits for the customer to confirm it.", f"{_TICKET} assessment? reasons?"),
    ("ticket.confirmed", "The customer confirmed the price.", f"{_TICKET} number credits reasons?"),
    ("ticket.declined", "The customer declined the price, or let it lapse.", f"{_TICKET} number reason reasons?"),
    ("ticket.responded", "Somebody answered.", f"{_TICKET} number author kind public automatic?"),
    ("ticket.milestone_reached", "A milestone of the policy's own was reached.", f"{_TICKET} milestone"),
    ("ticket.access_requested", "Access was asked for.", f"{_TICKET} number kinds deadline_at"),
    ("ticket.access_granted", "Access was given.", f"{_TICKET} number"),
    ("ticket.paused", "The ticket waits for somebody.", f"{_TICKET} reason party"),
    (
        "ticket.resumed",
        "The wait is over; `ended_by` says what ended it where nobody did.",
        f"{_TICKET} reason ended_by?",
    ),
    ("ticket.heard", "The customer answered while being waited for; the wait goes on.", _TICKET),
    (
        "ticket.reminded",
        "The customer was silent for as long as the policy waits; the wait is over.",
        f"{_TICKET} reason clause",
    ),
    ("ticket.merged", "The ticket is one issue with another, which goes on.", f"{_TICKET} into"),
    ("ticket.absorbed", "Another ticket was merged into this one.", f"{_TICKET} from"),
    ("ticket.split", "Another issue became a ticket of its own.", f"{_TICKET} child?"),
    ("ticket.withdrawn", "The customer withdrew the ticket.", f"{_TICKET} reasons?"),
    ("ticket.resolved", "The ticket is resolved and its charge final.", f"{_TICKET} outcome cause by? reasons?"),
    ("ticket.reopened", "The same issue is worked on again.", _TICKET),
    ("ticket.disputed", "The charge was disputed.", f"{_TICKET} number"),
    (
        "ticket.dispute_decided",
        "The dispute was decided; `returned` can be used again.",
        f"{_TICKET} number decision returned cause? reasons?",
    ),
    (
        "ticket.cause_corrected",
        "The cause of a closed ticket was corrected, and the credits that follow from it moved.",
        f"{_TICKET} number cause previous_cause returned captured not_captured reasons",
    ),
    (
        "ticket.worked",
        "A line of work was logged or corrected; `price` is what the ticket comes to.",
        f"{_TICKET} number minutes kind billable corrects credits price",
    ),
    ("clock.warned", "A clock will be due soon.", f"{_CLOCK} notify?"),
    ("clock.breached", "A promised time was missed.", f"{_CLOCK} breach_id"),
    (
        "clock.reminded",
        "A promise that was missed is still not kept; `level` counts the reminders.",
        f"{_CLOCK} level notify?",
    ),
    ("clock.breach_retracted", "A fact that came late shows that it was not missed.", f"{_CLOCK} breach_id"),
    ("clock.met", "What was promised was done in time.", _CLOCK),
    (
        "clock.due_changed",
        "A due time moved.",
        "clock_id ticket_id milestone team? old new cause calendar_revision tzdb_version",
    ),
    (
        "clock.judged_again",
        "An ended clock was judged anew on request; what was judged before stands beside it.",
        "clock_id ticket_id milestone team? number reason changed",
    ),
    (
        "grant_review",
        "A grant that was used turned out to be of another class; a person decides.",
        "kind subject license_id order_id line_id rule clause ordinal reason",
    ),
    (
        "agenda.set_aside",
        "Something that fell due failed. It stops nothing else and is tried again at `retry_at`.",
        "kind subject code failures retry_at",
    ),
    (
        "customer.updated",
        "What is known of a person or a company was replaced; `members` says what.",
        "members acting_agent?",
    ),
    ("tenant.moved", "The tenant lives on another server from now on; `address` is where calls go.", "address?"),
    ("customer.merged", "Two customers became one.", "from? into? acting_agent?"),
    ("customer.erased", "What names the customer was removed.", ""),
    ("calendar.published", "A calendar has a new version.", "name version effective_from"),
    ("policy.published", "A policy has a new version.", "name version effective_from"),
    ("policy.withdrawn", "A version was taken back before its day came.", "name version effective_from"),
    ("webhook.test", "Sent on request, to this endpoint only; it is not in the feed.", "name"),
)

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    name: EventType(name, meaning, tuple(fields.split())) for name, meaning, fields in _ROWS
}
"""Type -> what it is."""
TEST: Final = "webhook.test"


def known_pattern(pattern: str) -> bool:
    """Whether a subscription names something: a type, ``ticket.*``, or ``*``."""
    if pattern == "*" or pattern in EVENT_TYPES:
        return True
    return pattern.endswith(".*") and any(item.startswith(pattern[:-1]) for item in EVENT_TYPES)
