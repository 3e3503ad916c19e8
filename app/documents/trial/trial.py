"""A policy on trial: a short life is played under it in memory, before the life of any customer depends on it.

The checks of a document look at its parts; the trial runs the rules that the service itself runs. A stranger asks. A
customer buys every offer, and opens tickets of each category or type of credit. Everything that a helpdesk may do is
done with them, while time goes by. Nothing is stored. What a rule refuses is no failure; what it cannot work out is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain, islice
from typing import Any, Final, NoReturn

from app.documents.trial.steps import (
    OWN,
    REASON,
    SILENT,
    Stated,
    ended,
    judged,
    kinds,
    undecided,
    view,
    waited,
    worked_on,
    written,
)
from app.domain.account.account import CustomerAccount
from app.domain.account.changes import Plan
from app.domain.account.customer import Customer, Order, OrderLine
from app.domain.clocks.ticket_clock import Hours
from app.domain.clocks.ticket_clocks import TicketClocks
from app.domain.cover import cover
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.money_back import refund_quote
from app.domain.orders import grants as granting
from app.domain.orders import lines as order_lines
from app.domain.orders import reconcile, refunds
from app.domain.orders.offers import offered_to
from app.domain.policy.offers import Offer
from app.domain.policy.policy import Policy
from app.domain.policy.ticket_rules import Action
from app.domain.tickets import entitlement, opening
from app.domain.tickets.breach_credits import breach_hook
from app.domain.tickets.entitlement import REASONS, Query
from app.domain.tickets.session import TicketSession
from app.domain.tickets.ticket import Ticket
from app.domain.values.errors import DomainError
from app.domain.values.ids import CustomerId, LineId, OrderId, TicketId
from app.domain.values.wire import decision_json, jsonable

OFFERS_MAX: Final = 60
TICKETS_MAX: Final = 60
FAILURES_MAX: Final = 12
ALIKE_MAX: Final = 3
"""Failures of one kind that are kept, so that another kind is found too."""
BEGAN: Final = datetime(2025, 1, 15, 10, 0, tzinfo=UTC)
"""A Wednesday, in the past of whoever asks and in the future of nobody's first order."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_ENOUGH: Final = 1_000_000
_BEYOND: Final = frozenset({"instant_out_of_range", "amount_out_of_range", "sla_unreachable", "invalid_target"})
"""Refusals that small and ordinary requests never meet: a number of the document led to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What could not be worked out: what was being done, in words, and what was raised by it."""

    act: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the trial found. ``complete``: False when it was ended before its end."""

    failures: tuple[Failure, ...]
    complete: bool


class _Over(Exception):  # noqa: N818 - no error: the time is up, or enough was found
    """The trial ends here."""


class _Broken(Exception):  # noqa: N818 - a life cannot go on after a failure
    """Something failed, so that the working copies may be in disorder."""


def play(policy: Policy, hours: Hours, named: Mapping[str, Hours], *, over: Callable[[], bool]) -> Verdict:
    """Plays the story. ``named``: the policy's calendars beside its hours.

    ``over`` is asked before each act whether the time is up; the trial itself knows no clock.
    """
    failures: list[Failure] = []
    try:
        for life in _lives(policy, hours, named, failures, over):
            try:
                life()
            except _Broken:
                continue
    except _Over:
        return Verdict(failures=tuple(failures), complete=False)
    return Verdict(failures=tuple(failures), complete=True)


def _lives(
    policy: Policy, hours: Hours, named: Mapping[str, Hours], failures: list[Failure], over: Callable[[], bool]
) -> Iterator[Callable[[], None]]:
    """The parts of the story, each on a life of its own, so that a failure in one ends no other."""

    def life() -> _Life:
        return _Life(policy=policy, hours=hours, named=named, failures=failures, over=over)

    yield life().stranger
    offers = policy.offers[:OFFERS_MAX]
    for option in (0, 1):  # of each choice another
        before = len(failures)
        yield partial(life().buyer, offers, option)
        if len(failures) > before:
            yield from (partial(life().buyer, (offer,), option) for offer in offers)
    lives: list[_Life] = []
    for turn, stated in enumerate(islice(kinds(policy), TICKETS_MAX)):
        yield partial(_on_one_account, lives, life, stated, turn)


def _on_one_account(lives: list[_Life], life: Callable[[], _Life], stated: Stated, turn: int) -> None:
    """A ticket on the account that the others were on, or on a fresh one after a failure."""
    if not lives:
        fresh = life()
        fresh.supplied()
        lives.append(fresh)
    try:
        lives[0].ticket(stated, turn)
    except _Broken:
        lives.clear()
        raise


@dataclass(slots=True, kw_only=True)
class _Life:
    """One customer under the policy, and how much of the trial is left."""

    policy: Policy
    hours: Hours
    named: Mapping[str, Hours]
    failures: list[Failure]
    over: Callable[[], bool]
    account: CustomerAccount = field(init=False)
    orders: list[Order] = field(default_factory=list)
    minted: int = 0

    def __post_init__(self) -> None:
        """An empty account."""
        customer = Customer(customer_id=CustomerId("cus_trial"), external_id="trial")
        ledger = Ledger(
            customer_id=customer.customer_id,
            at=BEGAN,
            rules=self.policy.credits,
            accounts={},
            lots={},
            holds={},
            mint=self.mint,
            command_id=None,
        )
        self.account = CustomerAccount(
            customer=customer,
            policy=self.policy,
            at=BEGAN,
            mint=self.mint,
            ledger=ledger,
            plan=Plan(customer=customer, at=BEGAN),
        )

    def mint(self, prefix: str) -> str:
        """Ids in the order of their making."""
        self.minted += 1
        return f"{prefix}_{self.minted:026}"

    def may(self, words: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Does one thing that a rule may refuse; None where it was refused."""
        return self._act(words, partial(work, *arguments), refusable=True)

    def must(self, words: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Does one thing that no rule may refuse."""
        return self._act(words, partial(work, *arguments), refusable=False)

    def _act(self, words: str, work: Callable[[], Any], *, refusable: bool) -> Any:
        if self.over() or len(self.failures) >= FAILURES_MAX:
            raise _Over
        try:
            return work()
        except DomainError as error:
            if refusable and error.code not in _BEYOND:
                return None
            self._failed(words, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it would be a fault of the service later
            self._failed(words, error)

    def _failed(self, words: str, error: Exception) -> NoReturn:
        kind = words.partition("`")[0]
        if sum(failure.act.startswith(kind) for failure in self.failures) < ALIKE_MAX:
            self.failures.append(Failure(act=words, error=error))
        raise _Broken from error

    def later(self, span: timedelta) -> None:
        """Lets time go by."""
        at = self.account.at + span
        self.account.at = self.account.plan.at = self.account.ledger.at = at

    def check_events(self) -> None:
        """Writes down what would be stored and told."""
        self.must("writing down what was done", written, self.account.plan)

    # --- asking -----------------------------------------------------------------------------------------------------

    def stranger(self) -> None:
        """Somebody whom nobody knows looks at the offers and asks what may be done."""
        for offer in self.policy.offers[:OFFERS_MAX]:
            self.must(f"showing the offer `{offer.sku}`", offered_to, self.account, offer)
        self.asks()

    def asks(self) -> None:
        """Asks for every action, in a few ways."""
        mine = next(iter(self.account.licenses), None)
        queries = [
            Query(),
            Query(license_id=mine, product="some product", released_at=BEGAN - 400 * _DAY),
            Query(license_id="lic_of_nobody", forum="some forum", reason=REASONS[0], released_at=BEGAN),
        ]
        for action in self.policy.actions:
            for query in queries:
                self.must(f"asking for the action `{action.action}`", _asked, self.account, action, query)

    # --- buying -----------------------------------------------------------------------------------------------------

    def buyer(self, offers: Iterable[Offer], option: int) -> None:
        """Buys these offers, the licenses first; chooses, asks, uses the cover, and is refunded."""
        self.purchases(offers, option)
        self.asks()
        self.covers()
        self.later(45 * _DAY)
        self.asks()
        self.refunds()
        self.later(400 * _DAY)
        self.asks()
        for kind in self.policy.credits.types if self.policy.credits else ():
            self.must("showing the balance", self.account.ledger.balance, kind.credit_type)

    def purchases(self, offers: Iterable[Offer], option: int) -> None:
        """Orders each offer; chooses what is to be chosen; registers the licenses."""
        account = self.account
        for offer in sorted(offers, key=lambda offer: offer.kind != "license"):
            self.must(f"an order of `{offer.sku}`", self.order, offer)
            for choice in account.open_choices():
                names = sorted(choice.options)
                if names:
                    name = names[option % len(names)]
                    self.must(f"choosing `{name}`", granting.choose, account, choice, name, self.policy)
            self.check_events()
            account.plan = Plan(customer=account.customer, at=account.at)
            self.later(_HOUR)
        for license_ in list(account.licenses.values()):
            license_.registered_domain, license_.registered_at = "shop.example", account.at
            self.may("registering a license", granting.put_license, account, license_, "registered")

    def order(self, offer: Offer) -> None:
        """Buys one of it."""
        line = OrderLine(
            line_id=LineId("1"),
            sku=offer.sku.replace("{n}", "10"),
            quantity=1,
            unit_price=Decimal("10.00"),
            list_price=Decimal("10.00"),
            attributes={"addon": "some add-on"},
        )
        order = Order(
            order_id=OrderId(f"order-{len(self.orders) + 1}"),
            customer_id=self.account.customer.customer_id,
            placed_at=self.account.at,
            received_at=self.account.at,
            currency=self.policy.currency,
            payload_hash="",
            answer={},
            policy_version=self.policy.version,
            lines=(line,),
        )
        order.answer = {"lines": order_lines.pinned_lines(order, self.policy, self.policy)}
        self.orders.append(order)
        self.account.plan.orders[order.order_id] = order
        reconcile.reconcile_grants(self.account, self.orders, self.terms)
        json.dumps(jsonable(order.answer))

    @property
    def terms(self) -> order_lines.Terms:
        """The only version there is."""
        return {self.policy.version: self.policy}

    def covers(self) -> None:
        """Suspends, resumes and extends what cover there is."""
        for cover_ in list(self.account.covers.values())[:OFFERS_MAX]:
            self.may("suspending cover", cover.suspend, self.account, cover_)
            self.later(_HOUR)
            self.may("resuming cover", cover.resume, self.account, cover_)
            self.may("extending cover", partial(cover.extend, reason=REASON), self.account, cover_, 1)
            self.must("showing cover", cover.state_of, cover_, self.account.at)
            self.must("showing cover", cover.remaining, cover_, self.account.at)
        self.check_events()

    def refunds(self) -> None:
        """Quotes money back for each lot, takes back every other order, and ends a license."""
        account, policy = self.account, self.policy
        for lot in list(account.ledger.lots.values()):
            self.must("quoting money back", refund_quote, lot, policy.money_back, account.at)
        take_back = partial(refunds.take_back, ref="trial")
        for order in self.orders[::2]:
            words = f"refunding an order of `{order.lines[0].sku}`"
            self.must(words, take_back, account, order, {"1": 1}, self.terms)
            self.must(words, refunds.guarantee_of, policy, account, order)
        self.must("settling orders", reconcile.reconcile_grants, account, self.orders, self.terms)
        end = partial(granting.end_license, reason="terminated")
        for held in [license_ for license_ in account.licenses.values() if license_.active(account.at)][:1]:
            self.must("ending a license", end, account, held, account.at)
        self.check_events()

    # --- tickets ----------------------------------------------------------------------------------------------------

    def supplied(self) -> None:
        """Has a license or two with what they bring, and credits of each type."""
        licenses = [offer for offer in self.policy.offers if offer.kind == "license"]
        self.purchases(licenses[:3] or self.policy.offers[:3], 0)
        for kind in self.policy.credits.types if self.policy.credits else ():
            grant = partial(
                self.account.ledger.grant,
                source="goodwill",
                rule="adjustment",
                credit_type=kind.credit_type,
                policy_version=self.policy.version,
            )
            self.must(f"granting credits of the type `{kind.credit_type}`", grant, _ENOUGH)

    def ticket(self, stated: Stated, turn: int) -> None:
        """Opens a ticket and does with it whatever a helpdesk may do, while time goes by."""
        self.later(_HOUR)
        mine = next((license_.license_id for license_ in self.account.active_licenses()), None)
        content = {**stated, "license_id": mine if stated.get("license_id") == OWN else stated.get("license_id")}
        about = f" of the category `{content['category']}`" if content.get("category") else ""
        session: TicketSession = self.must(f"opening a ticket{about}", self.open, content)
        self.shown(session)
        for words, work in chain(undecided(session, content), worked_on(session, turn), waited(session, turn)):
            self.done(words, work)
        self.shown(session)
        self.covers()
        for days in (1, 3, 40):
            self.later(days * _DAY)
            self.must("judging what fell due", judged, session)
            self.shown(session)
        for words, work in ended(session, turn):
            self.done(words, work)
        self.shown(session)
        self.must("finishing a ticket", session.finish)
        self.check_events()
        self.account.plan = Plan(customer=self.account.customer, at=self.account.at)
        if turn % 6 == 3:  # the tickets before had none that was bought, those after it have
            self.purchases([offer for offer in self.policy.offers if offer.kind == "cover"][:1], 0)

    def done(self, words: str, work: Callable[[], Any]) -> None:
        """One thing is done with the ticket, and an hour goes by."""
        self.may(words, work)
        self.later(_HOUR)

    def open(self, stated: Stated) -> TicketSession:
        """Open a session for a new ticket."""
        account = self.account
        ticket = Ticket(
            ticket_id=TicketId(self.mint("tic")),
            external_id=f"ticket-{self.minted}",
            customer_id=account.customer.customer_id,
            subject="A question",
            payload_hash="",
        )
        clocks = TicketClocks(
            plan=account.plan,
            policy=self.policy,
            hours=self.hours,
            named=self.named,
            mint=self.mint,
            on_breach=breach_hook(account),
        )
        clocks.bind(ticket.ticket_id, ticket.external_id)
        session = TicketSession(account=account, ticket=ticket, clocks=clocks)
        opening.open_ticket(session, {**SILENT, **stated})
        return session

    def shown(self, session: TicketSession) -> None:
        """The ticket as published, which must be JSON."""
        self.must("showing a ticket", lambda: json.dumps(view(session)))


def _asked(account: CustomerAccount, action: Action, query: Query) -> str:
    """An entitlement's answer, written down."""
    return json.dumps(decision_json(entitlement.decide(account, action, query), explain=True))
