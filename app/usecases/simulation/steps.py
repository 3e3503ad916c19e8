"""The use cases that recorded history is run through again, by the verbs of `app.db.history.history`'s entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.db.account import accounts
from app.db.engine import Tx
from app.db.plan import write
from app.domain.account import contacts
from app.usecases.credits import credits as commands
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.customers import profiles
from app.usecases.orders import choices, covers, licenses, orders
from app.usecases.orders.refunds import RefundLine, RefundOrder
from app.usecases.tickets import ticket_work, tickets

Data = dict[str, Any]
_OF_A_USE: Final = ("credit_type", "ticket_id", "category", "license_id", "expires_at")
Step = Callable[[Tx, str, Data], Awaitable[Any]]
"""A use case: (transaction, the vendor's id of what it is about, what was said)."""


async def _order(tx: Tx, id_: str, data: Data) -> None:
    lines = tuple(
        orders.LineCommand(
            line_id=line["line_id"],
            sku=line["sku"],
            quantity=line["quantity"],
            unit_price=_decimal(line["unit_price"]),
            list_price=_decimal(line["list_price"]),
            attributes=line["attributes"],
        )
        for line in data["lines"]
    )
    placed: datetime = data["placed_at"]
    await orders.put_order(
        tx,
        orders.PutOrder(
            order_id=id_,
            customer_id=data["customer_id"],
            placed_at=placed,
            currency=data["currency"],
            lines=lines,
            source=data["source"],
        ),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


async def _refund(tx: Tx, id_: str, data: Data) -> None:
    lines = tuple(RefundLine(line_id=line["line_id"], quantity=line["quantity"]) for line in data["lines"])
    if not lines:  # Recorded when nothing of the order was left: it took nothing.
        return
    await orders.refund_order(
        tx, RefundOrder(order_id=id_, refund_id=data["refund_id"], lines=lines, reason=data["reason"])
    )


async def _register(tx: Tx, id_: str, data: Data) -> None:
    await licenses.register(tx, id_, domain=data["domain"])


async def _terminate(tx: Tx, id_: str, data: Data) -> None:
    await licenses.terminate(tx, id_, effective_at=data["effective_at"])


async def _choose(tx: Tx, id_: str, data: Data) -> None:
    await choices.make_choice(tx, data["customer_id"], id_, option=data["option"])


async def _suspended(tx: Tx, id_: str, data: Data) -> None:
    await covers.suspend(tx, id_)


async def _resumed(tx: Tx, id_: str, data: Data) -> None:
    await covers.resume(tx, id_)


async def _extended(tx: Tx, id_: str, data: Data) -> None:
    await covers.extend(tx, id_, months=data["months"], reason="rehearsal")


async def _adjust(tx: Tx, id_: str, data: Data) -> None:
    command = CreditCommand(
        kind="adjust",
        customer_id=data["customer_id"],
        credits=data["credits"],
        credit_type=data["credit_type"],
        expires_at=data["expires_at"] if data["credits"] > 0 else None,
        reason=data["reason"] or "rehearsal",
    )
    result = (await commands.apply(tx, [command]))[0]
    if result.error is not None:
        raise result.error


async def use_credits(tx: Tx, kind: Any, hold_id: str | None, data: Data) -> str:
    """Reserve, take or give back credits by hand; which hold it was, or is now."""
    command = CreditCommand(
        kind=kind,
        customer_id=data["customer_id"],
        hold_id=hold_id,
        credits=data["credits"],
        reason=data["reason"],
        **({} if hold_id is not None else {name: data[name] for name in _OF_A_USE}),
    )
    result = (await commands.apply(tx, [command]))[0]
    if result.error is not None:
        raise result.error
    return str(result.data()["hold_id"] if hold_id is None else hold_id)


async def _open(tx: Tx, id_: str, data: Data) -> None:
    asked_by, named = data.pop("asked_by", None), data.pop("named", None)
    if named is not None:
        await _name(tx, data["customer_id"], named)
    if asked_by is not None:
        await _belongs(tx, asked_by, data["customer_id"])
        data["customer_id"] = asked_by
    values = {**data, "facts": data["facts"] or {}, "inputs": data["inputs"] or {}}
    await tickets.put(tx, tickets.OpenTicket(ticket_id=id_, **values))


async def _belongs(tx: Tx, person: str, company: str) -> None:
    """Make a person one of a company's, who opened a ticket on its account."""
    for name, company_id in ((company, None), (person, company)):
        if await accounts.find_customer(tx, name) is None:
            command = profiles.PutCustomer(customer_id=name, company_id=company_id)
            await profiles.put_customer(tx, command, check=lambda _: None)


async def _name(tx: Tx, company: str, names: Sequence[str]) -> None:
    """Name the people of a company who were named then, as many as there were."""
    for name in names:
        await _belongs(tx, name, company)
    account = await accounts.load(tx, company)
    people = [person.customer_id for name in names if (person := await accounts.find_customer(tx, name)) is not None]
    current = {contact.named_as: contact.person for contact in account.contacts}
    if set(current.values()) != set(people):
        contacts.name_only(account.customer.data, people, account.at, current=current)
        await write(tx, [(account.plan, None)])


async def _details(tx: Tx, id_: str, data: Data) -> None:
    await tickets.details(tx, id_, _without_customer(data))


async def _split(tx: Tx, id_: str, data: Data) -> None:
    command = tickets.SplitTicket(parent=id_, ticket_id=data["new_ticket_id"], subject=data["subject"])
    await tickets.split(tx, command)


def _work(verb: Any, **fixed: Any) -> Step:
    async def step(tx: Tx, id_: str, data: Data) -> None:
        await verb(tx, id_, **_without_customer(data), **fixed)

    return step


def _numbered(verb: Any) -> Step:
    async def step(tx: Tx, id_: str, data: Data) -> None:
        values = _without_customer(data)
        await verb(tx, id_, values.pop("number"), **values)

    return step


def _without_customer(data: Data) -> Data:
    return {name: value for name, value in data.items() if name != "customer_id"}


STEPS: Final[dict[str, Step]] = {
    "order": _order,
    "refund": _refund,
    "register": _register,
    "terminate": _terminate,
    "choose": _choose,
    "suspended": _suspended,
    "resumed": _resumed,
    "extended": _extended,
    "adjust": _adjust,
    "open": _open,
    "details": _details,
    "split": _split,
    "assess": _work(ticket_work.assess),
    "confirm": _numbered(ticket_work.confirm),
    "qualify": _work(ticket_work.qualify),
    "respond": _work(ticket_work.respond),
    "reach": _work(ticket_work.reach),
    "request_access": _work(ticket_work.request_access),
    "grant_access": _numbered(ticket_work.grant_access),
    "pause": _work(ticket_work.pause, party=None),
    "resume": _work(ticket_work.resume),
    "apply_credit": _work(ticket_work.apply_credit),
    "withdraw": _work(ticket_work.withdraw),
    "resolve": _work(ticket_work.resolve),
    "reopen": _work(ticket_work.reopen),
    "dispute": _work(ticket_work.dispute),
    "decide_dispute": _numbered(ticket_work.decide_dispute),
    "correct_cause": _work(ticket_work.correct_cause),
    "work": _work(ticket_work.log_work),
}
"""The verbs of `app.db.history.history`'s entries."""
