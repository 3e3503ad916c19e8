"""What a ticket costs: hold, give back and capture credits, and say what is lacking and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from app.domain.ledger.lot import ANY_CATEGORY
from app.domain.ledger.ticket_credits import capture_for, charge_of, hold_more_for, refund_for, release_for, to_free
from app.domain.orders import remedies
from app.domain.orders.remedies import Need, typed_words
from app.domain.policy.credit_rules import ExpiredReturn
from app.domain.policy.ticket_rules import RemedyRule
from app.domain.policy.wording import needed_words, shown, type_title, unit_word
from app.domain.tickets import counts
from app.domain.tickets.answers import TicketAnswers
from app.domain.tickets.qualification import is_reading
from app.domain.values.decision import Reason, Remedy
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId
from app.domain.values.phrase import Phrase, concat, phrased, phrased_of, say, sentences

Terms = tuple[str | None, bool]
"""The clause of a price, and whether it is a reading."""


@dataclass(slots=True, kw_only=True)
class TicketCharge(TicketAnswers):
    """The credits of one ticket."""

    @property
    def credit_type(self) -> str:
        """The type of credit that pays for this ticket."""
        if self.ticket.credit_type is not None:
            return self.ticket.credit_type
        types = self.policy.credits.types if self.policy.credits else ()
        return types[0].credit_type if types else "credit"

    @property
    def committed(self) -> int:
        """Credits held and taken for the ticket, less what was given back."""
        charge = charge_of(self.account.ledger, self.ticket.ticket_id)
        return charge["held"] + charge["net"]

    @property
    def available(self) -> int:
        """Credits a hold for this ticket could take now."""
        return self.available_for(self.ticket.category)

    @property
    def available_of_any(self) -> int:
        """Credits of all types that could be applied."""
        types = self.policy.credits.types if self.policy.credits else ()
        license_id, category = self.ticket.license_id, self.ticket.category
        return sum(
            self.account.ledger.available(kind.credit_type, license_id=license_id, category=category) for kind in types
        )

    @property
    def reach(self) -> int:
        """Credits a hold for this ticket could take now, with what may be overdrawn."""
        return self.reach_for(self.ticket.category)

    def reach_for(self, category: str | None) -> int:
        """Credits a hold could take as for a ticket of a category, with what may be overdrawn, within every limit."""
        there = self.available_for(category) + max(self.headroom, 0)
        limit = counts.limit_of(self.account, self.ticket)
        return there if limit is None else max(min(there, limit.left - self.committed), 0)

    def limit_reached(self, missing: int) -> tuple[Reason, Remedy] | None:
        """Why a limit keeps a ticket from so many credits more, and when they may be taken; None where none does."""
        limit = counts.limit_of(self.account, self.ticket)
        required = self.committed + missing
        if limit is None or required <= limit.left:
            return None
        rule, standing = limit.standing.rule, limit.standing
        looked = counts.Looked(standing=standing, most=limit.most, next_at=limit.next_at(required))
        text = sentences(looked.sentence(), phrased("This takes %(credits)s.", credits=self.amount(required)))
        reason = self.reason(
            "credit_limit_reached",
            rule.clause,
            text,
            reading=rule.reading,
            would_change=counts.would_make_room(looked)
            or phrased("a price of %(credits)s at most", credits=self.amount(max(limit.left, 0))),
            required=required,
            **looked.json(),
        )
        return reason, Remedy(kind=counts.WAIT, text=text, helps_at=looked.next_at)

    @property
    def headroom(self) -> int:
        """Credits that may be overdrawn for this ticket; below 0, how many are owed that may not be."""
        return 0 if self.policy.credits is None else self.account.ledger.headroom(self.credit_type)

    def available_for(self, category: str | None, credit_type: str | None = None) -> int:
        """Credits a hold for this ticket could take, as a ticket of a category; of its own type unless named."""
        if self.policy.credits is None:
            return 0
        return self.account.ledger.available(
            credit_type or self.credit_type, license_id=self.ticket.license_id, category=category
        )

    @property
    def unit(self) -> tuple[str, str]:
        """The vendor's words for one credit and for many, with their type where there are several."""
        unit = self.policy.unit
        item, many = (unit.one, unit.many) if unit else ("credit", "credits")
        types = self.policy.credits.types if self.policy.credits else ()
        known = self.policy.credit_type(self.credit_type)
        if known is None or len(types) < 2:
            return item, many
        named = typed_words(known)
        return named, f"{named}s"

    def amount(self, credits: int) -> Phrase:
        """So many credits in the vendor's words, or as time where a credit is time: ``5 points``, ``1 h 15 min``."""
        return shown(self.policy, credits) or concat(credits, " ", self._unit_word(credits))

    def more(self, credits: int) -> Phrase:
        """So many credits more."""
        if (time := shown(self.policy, credits)) is not None:
            return phrased("%(time)s more", time=time)
        return phrased("%(number)s more %(unit)s", number=credits, unit=self._unit_word(credits))

    def _unit_word(self, credits: int) -> Phrase:
        """The vendor's word for so many credits, with their type where there are several."""
        types = self.policy.credits.types if self.policy.credits else ()
        known = self.policy.credit_type(self.credit_type)
        if known is None or len(types) < 2:
            return unit_word(self.policy, credits)
        one, many = self.unit
        word, title = one if credits == 1 else many, type_title(self.policy, known)
        return Phrase(lambda tongue: word if say(title, tongue) == known.title else say(title, tongue))

    def adjust_hold_to(
        self,
        credits: int,
        *,
        reason: str | None = None,
        clause: str | None = None,
        expired: ExpiredReturn | None = None,
        terms: Terms | None = None,
        category: str | None = None,
    ) -> None:
        """Holds more, or gives back in reverse what is held and then what was taken, until so much is committed.

        ``terms`` and ``category``: of the price that is held for; the ticket's own unless given.
        409 ``insufficient_credits`` with the offers, leaving no trace.
        """
        category = category or self.ticket.category
        self._hold_from_others(credits, category)
        missing = credits - self.committed
        ticket_id = self.ticket.ticket_id
        if missing > 0:
            if self.policy.credits is None or self.reach_for(category) < missing:
                raise self.insufficient(missing, category)
            license_id = None if self.ticket.license_id is None else LicenseId(self.ticket.license_id)
            price_clause, reading = terms or self.price_terms()
            hold_more_for(
                self.account.ledger,
                ticket_id,
                missing,
                credit_type=self.credit_type,
                license_id=license_id,
                category=category,
                clause=price_clause,
                reading=reading,
            )
        elif missing < 0:
            held = charge_of(self.account.ledger, ticket_id)["held"]
            clause = clause or self.price_terms()[0]
            if back := min(held, -missing):
                release_for(self.account.ledger, ticket_id, back, reason=reason, clause=clause, expired=expired)
            if rest := -missing - back:
                refund_for(self.account.ledger, ticket_id, rest, reason=reason, clause=clause, expired=expired)

    def _hold_from_others(self, credits: int, category: str | None) -> None:
        """Give back what is held of lots that may not pay for a category, where others pay for it instead."""
        free, again = to_free(self.account.ledger, self.ticket.ticket_id, category)
        if not free:
            return
        missing = credits - (self.committed - free)
        if missing > self.reach_for(category) + again:
            raise self.insufficient(missing - again, category)
        release_for(self.account.ledger, self.ticket.ticket_id, free, reason="category", clause=self.price_terms()[0])

    def release_all(self, *, reason: str, clause: str | None = None) -> None:
        """Gives back everything that is held (TERMS-22), by a clause of its own or that of the price."""
        if charge_of(self.account.ledger, self.ticket.ticket_id)["held"]:
            cited = clause or self.price_terms()[0]
            release_for(self.account.ledger, self.ticket.ticket_id, reason=reason, clause=cited)

    def capture_all(self) -> int:
        """Takes everything that is held, by the clause of the price; what was set aside for work that was not done is
        given back first. Credits captured."""
        if self.ticket.reserved is not None and self.ticket.price is not None:
            self.adjust_hold_to(self.ticket.price, reason="agreed_surplus")
        clause, reading = self.price_terms()
        return capture_for(self.account.ledger, self.ticket.ticket_id, clause=clause, reading=reading)

    def debit(self, credits: int, *, reason: str) -> None:
        """Take credits for the ticket at once, by the terms of its price."""
        clause, reading = self.price_terms()
        self.account.ledger.debit(
            credits,
            credit_type=self.credit_type,
            ticket_id=self.ticket.ticket_id,
            license_id=None if self.ticket.license_id is None else LicenseId(self.ticket.license_id),
            category=self.ticket.category,
            clause=clause,
            reading=reading,
            reason=reason,
        )

    def price_terms(self) -> Terms:
        """Return the clause of the ticket's price.

        It is the assessment's, else the category's, the credit type's, or that of credits agreed in advance.
        """
        ticket, policy = self.ticket, self.policy
        standing = ticket.in_force
        if standing is not None and standing["clause"] is not None:
            return standing["clause"], standing["reading"]
        category = policy.category(ticket.category) if ticket.category is not None else None
        if category is not None:
            return self.terms(category.clause, category.reading)
        kind = policy.credit_type(ticket.credit_type) if ticket.credit_type is not None else None
        if kind is not None:
            return self.terms(kind.clause)
        return self.advance_terms()

    def advance_terms(self) -> Terms:
        """The clause by which credits are agreed in advance (CSC-8), else the one by which credits pay."""
        confirmation, credits_ = self.policy.confirmation, self.policy.credits
        if confirmation is not None and confirmation.advance_clause is not None:
            return self.terms(confirmation.advance_clause, confirmation.reading)
        return self.terms(credits_.clause if credits_ is not None else None)

    def terms(self, clause: str | None, reading: bool = False) -> Terms:
        """A clause, with whether it is a reading."""
        return clause, reading or is_reading(self.policy, clause)

    def charge(self) -> dict[str, int]:
        """What the ticket costs so far."""
        return dict(charge_of(self.account.ledger, self.ticket.ticket_id))

    def want_of_credits(self, required: int, category: str | None = None) -> tuple[Reason, ...]:
        """Why a price cannot be held (ALL-2), and that credits or cover have run out, by the policy's own clause."""
        category = category or self.ticket.category
        limited = self.limit_reached(required)
        if limited is not None:
            return (limited[0],)
        available = self.available_for(category)
        headroom = self.headroom
        missing = max(required - available - headroom, 1)
        facts: dict[str, Any] = {
            "required": required,
            "available": available,
            "missing": missing,
            "credit_type": self.credit_type,
        }
        elsewhere = self.available_for(ANY_CATEGORY) - available
        there = shown(self.policy, available) or concat(available)
        text = needed_words(required, self.amount(required), available, there)
        if headroom > 0:
            facts["overdraft_left"] = headroom
            text = sentences(text, phrased("%(credits)s may be overdrawn.", credits=self.amount(headroom)))
        elif headroom < 0:
            facts["owed"] = self.account.ledger.account(self.credit_type).owed
            owed = self.amount(facts["owed"])
            text = sentences(
                text, phrased_of("%(credits)s is owed.", "%(credits)s are owed.", facts["owed"], credits=owed)
            )
        if elsewhere > 0:
            facts["kept_for_others"] = elsewhere
            others = phrased_of(
                "%(credits)s is kept for other categories.",
                "%(credits)s are kept for other categories.",
                elsewhere,
                credits=self.amount(elsewhere),
            )
            text = sentences(text, others)
        found = [
            Reason(
                code="insufficient_credits",
                clause="ALL-2",
                facts=facts,
                reading=True,
                message=text,
                would_change=self.more(missing),
            )
        ]
        clause = self.policy.payment.exhausted_clause
        if clause is not None and available == 0 and elsewhere <= 0:
            found.append(self.reason("credits_used_up", clause, self.none_there, available=0))
        return tuple(found)

    @property
    def none_there(self) -> str:
        """That there is nothing to pay with, said alike to those who never had any."""
        return phrased("There are no %(credits)s to pay with.", credits=self._unit_word(0))

    def need(self, missing: int | None = None, category: str | None = None) -> Need:
        """What the ticket lacks."""
        ticket = self.ticket
        means: Literal["credits", "cover"] | None = None
        if ticket.pay_with in ("credits", "cover"):
            means = ticket.pay_with  # type: ignore[assignment]
        return Need(
            license_id=ticket.license_id,
            means=means,
            credit_type=ticket.credit_type,
            missing=missing,
            category=category or ticket.category,
            facts=ticket.facts,
        )

    def offers(self, missing: int | None = None, category: str | None = None) -> tuple[Remedy, ...]:
        """Return the offers that help against a refusal for want of means (CSC-17).

        Where the missing number is known, as many as make up for it.
        """
        skus = self.policy.payment.exhausted_skus
        need = self.need(missing, category)
        found = remedies.remedies(self.account, [RemedyRule(kind="buy", skus=skus)] if skus else [], need)
        if need.means == "credits" or "cover" not in self.policy.payment.means:
            return found
        return (*found, *remedies.waiting(self.account, need))

    def lacking(self, required: int, category: str | None = None) -> tuple[Remedy, ...]:
        """The offers that make up for what is missing of so many credits."""
        category = category or self.ticket.category
        limited = self.limit_reached(required)
        if limited is not None:
            return (limited[1],)
        there = self.available_for(category) + self.headroom
        return self.offers(max(required - there, 1), category)

    def insufficient(self, required: int, category: str | None = None) -> DomainError:
        """409 ``insufficient_credits`` with reasons and offers; ``required``: credits still to be held."""
        decision = self.decision(self.want_of_credits(required, category), self.lacking(required, category))
        return DomainError(
            "insufficient_credits" if self.limit_reached(required) is None else "credit_limit_reached",
            decision=decision,
            required=required,
            available=(there := self.available_for(category or self.ticket.category)),
            missing=max(required - there - self.headroom, 1),
            credit_type=self.credit_type,
        )
