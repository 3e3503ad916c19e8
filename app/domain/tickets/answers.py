"""What a ticket's session answers with: reasons, decisions and refusals of the ticket's policy, in its language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.account.account import CustomerAccount
from app.domain.policy.policy import Policy
from app.domain.policy.translations import with_title
from app.domain.tickets.qualification import is_reading, primary_subtag
from app.domain.tickets.ticket import Ticket
from app.domain.values.decision import Decision, Reason, Remedy
from app.domain.values.errors import DomainError
from app.domain.values.text import holes, render
from app.domain.values.wire import reason_json


@dataclass(slots=True, kw_only=True)
class TicketAnswers:
    """One ticket with its customer's account; reasons and decisions are of the policy it was opened with."""

    account: CustomerAccount
    ticket: Ticket

    @property
    def policy(self) -> Policy:
        """The policy the ticket was opened under."""
        return self.account.policy

    @property
    def at(self) -> datetime:
        """The instant of all that is done now."""
        return self.account.at

    @property
    def when(self) -> datetime:
        """When what is done now happened: now, unless it is told late."""
        return self.account.when

    def reason(
        self,
        code: str,
        clause: str | None,
        message: str,
        *,
        reading: bool = False,
        would_change: str | None = None,
        **facts: Any,
    ) -> Reason:
        """A reason under this policy."""
        return Reason(
            code=code,
            clause=clause,
            message=message,
            facts=facts,
            would_change=would_change,
            reading=reading or is_reading(self.policy, clause),
        )

    def translated(self, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
        """Reasons in the ticket's language, where the policy has words in it for the code."""
        language = primary_subtag(self.ticket.language) or ""
        texts, titles = self.policy.messages.get(language, {}), self.policy.translations.get(language, {})
        found = []
        for reason in reasons:
            text, facts = texts.get(reason.code), with_title(titles, reason.facts)
            known = text is not None and all(name in facts for name in holes(text))
            found.append(replace(reason, message=render(text, facts)) if text is not None and known else reason)
        return tuple(found)

    def shown(self, reason: Reason) -> dict[str, Any]:
        """A reason as published, in the ticket's language."""
        return reason_json(self.translated([reason])[0])

    def decision(
        self, reasons: Iterable[Reason], remedies: Iterable[Remedy] = (), *, allowed: bool = False
    ) -> Decision:
        """A decision of the ticket's policy at this instant."""
        return Decision(
            allowed=allowed,
            at=self.at,
            policy=self.policy.policy,
            policy_version=self.policy.version,
            reasons=self.translated(reasons),
            remedies=tuple(remedies),
            messages=self.policy.messages,
            translations=self.policy.translations,
        )

    def refused(
        self, code: str, clause: str | None, message: str, *remedies: Remedy, reading: bool = False, **facts: Any
    ) -> DomainError:
        """A request that cannot be carried out, with its clause."""
        reason = self.reason(code, clause, message, reading=reading, **facts)
        return DomainError(code, decision=self.decision((reason,), remedies), **facts)
