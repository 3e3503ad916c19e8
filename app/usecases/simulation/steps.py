"""The use cases that recorded history is run through again, by the verbs of `app.db.history.history`'s entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.db.engine import Tx
from app.usecases.credits import credits as commands
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.orders import choices, covers, licenses, orders
from app.usecases.orders.refunds import RefundLine, RefundOrder
from app.usecases.tickets import ticket_work, tickets

Data = dict[str, Any]
Step = Callable[[Tx, str, Data], Awaitable[Any]]
"""A use case: (transaction, the vendor's id of what it is about, what was said)."""


async def _order(tx: Tx, id_: str, said: Data) -> None:
    lines = tuple(
        orders.LineCommand(
            line_id=line["line_id"],
            sku=line["sku"],
            quantity=line["quantity"],
            unit_price=_decimal(line["unit_price"]),
            list_price=_decimal(line["list_price"]),
            attributes=line["attributes"],
        )
        for line in said["lines"]
    )
    placed: datetime = said["placed_at"]
    await orders.put_order(
        tx,
        orders.PutOrder(
            order_id=id_,
            customer_id=said["customer_id"],
            placed_at=placed,
            currency=said["currency"],
            lines=lines,
            source=said["source"],
        ),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


async def _refund(tx: Tx, id_: str, said: Data) -> None:
    lines = tuple(RefundLine(line_id=line["line_id"], quantity=line["quantity"]) for line in said["lines"])
    if not lines:  # Recorded when nothing of the order was left: it took nothing.
        return
    await orders.refund_order(
        tx, RefundOrder(order_id=id_, refund_id=said["refund_id"], lines=lines, reason=said["reason"])
    )


async def _register(tx: Tx, id_: str, said: Data) -> None:
    await licenses.register(tx, id_, domain=said["domain"])


async def _terminate(tx: Tx, id_: str, said: Data) -> None:
    await licenses.terminate(tx, id_, effective_at=said["effective_at"])


async def _choose(tx: Tx, id_: str, said: Data) -> None:
    await choices.make_choice(tx, said["customer_id"], id_, option=said["option"])


async def _suspended(tx: Tx, id_: str, said: Data) -> None:
    await covers.suspend(tx, id_)


async def _resumed(tx: Tx, id_: str, said: Data) -> None:
    await covers.resume(tx, id_)


async def _extended(tx: Tx, id_: str, said: Data) -> None:
    await covers.extend(tx, id_, months=said["months"], reason="rehearsal")


async def _adjust(tx: Tx, id_: str, said: Data) -> None:
    command = CreditCommand(
        kind="adjust",
        customer_id=said["customer_id"],
        credits=said["credits"],
        credit_type=said["credit_type"],
        expires_at=said["expires_at"] if said["credits"] > 0 else None,
        reason=said["reason"] or "rehearsal",
    )
    result = (await commands.apply(tx, [command]))[0]
    if result.error is not None:
        raise result.error


async def _open(tx: Tx, id_: str, said: Data) -> None:
    given = {**said, "facts": said["facts"] or {}, "inputs": said["inputs"] or {}}
    await tickets.put(tx, tickets.OpenTicket(ticket_id=id_, **given))


async def _details(tx: Tx, id_: str, said: Data) -> None:
    await tickets.details(tx, id_, _without_customer(said))


async def _split(tx: Tx, id_: str, said: Data) -> None:
    command = tickets.SplitTicket(parent=id_, ticket_id=said["new_ticket_id"], subject=said["subject"])
    await tickets.split(tx, command)


def _work(verb: Any, **fixed: Any) -> Step:
    async def step(tx: Tx, id_: str, said: Data) -> None:
        await verb(tx, id_, **_without_customer(said), **fixed)

    return step


def _numbered(verb: Any) -> Step:
    async def step(tx: Tx, id_: str, said: Data) -> None:
        given = _without_customer(said)
        await verb(tx, id_, given.pop("number"), **given)

    return step


def _without_customer(said: Data) -> Data:
    return {name: value for name, value in said.items() if name != "customer_id"}


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
}
"""The verbs of `app.db.history.history`'s entries."""
