"""Credits for any other use: hold, capture, release, refund, debit, adjust, plural from the start (decision 0002).

`apply` takes many commands. It locks their customers first, sorted, and reads in later statements. It plans each
command with the pure ledger: each sees its predecessors' effects, and a refused one leaves no trace. It writes
everything in one statement. The replay check comes before the balance check. A single call is a list of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from app.db import policies
from app.db.account import accounts, parts
from app.db.engine import Tx
from app.db.failures import Moved
from app.db.gather import Join, nobody
from app.db.ledger import read as rows
from app.db.ledger import recurring, window
from app.db.rows import AgendaRow, CommandRow, CustomerRow, OutboxRow, Rows
from app.db.write import write_rows
from app.domain.ledger import top_up
from app.domain.ledger.events import due_of, falls_low, low_data, moved_by, moved_data
from app.domain.ledger.ledger import Ledger
from app.domain.ledger.lot import Hold, Lot
from app.domain.ledger.lots import DEFAULT_TYPE
from app.domain.ledger.refunded_units import voided_event
from app.domain.ledger.rest import Rest
from app.domain.ledger.top_up import overdrawn_data
from app.domain.orders.offers import purchase_facts
from app.domain.policy.conditions import holds
from app.domain.policy.credit_rules import CreditRules
from app.domain.policy.policy import Policy
from app.domain.values.errors import DomainError
from app.domain.values.ids import LicenseId
from app.domain.values.money import MAX_CREDITS
from app.domain.values.phrase import english
from app.domain.values.wire import iso
from app.usecases.credits.credit_command import CreditCommand, CreditResult, Kind
from app.usecases.credits.shortage import with_reason
from app.views.customer import amounts_view
from app.views.hold import Adjustment, hold_view
from app.views.hold import Hold as HoldView
from app.views.lot import lot_view

KINDS: Final[tuple[Kind, ...]] = ("hold", "capture", "release", "refund", "debit", "adjust")
SCOPE_OF: Final[dict[str, str]] = {
    "hold": "credits:debit",
    "capture": "credits:debit",
    "release": "credits:debit",
    "refund": "credits:debit",
    "debit": "credits:debit",
    "adjust": "credits:adjust",
}
_ON_HOLD: Final = frozenset({"capture", "release", "refund"})
_EVENT_OF: Final = {
    "hold": "credits.held",
    "debit": "credits.charged",
    "capture": "credits.charged",
    "release": "credits.released",
    "refund": "credits.refunded",
    "adjust": "credits.adjusted",
}
_encode = msgspec.json.Encoder(enc_hook=english).encode


@dataclass(slots=True)
class _Customer:
    customer_id: str
    external_id: str | None
    sequence: int
    ledger: Ledger
    events: list[OutboxRow] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """What one call of `apply` works on."""

    tx: Tx
    at: datetime
    policy: Policy
    rules: CreditRules | None
    customers: dict[str, _Customer] = field(default_factory=dict)
    by_external: dict[str, _Customer] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, rows.FoundTicket] = field(default_factory=dict)
    ticket_names: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple[str, bytes, int, Any]] = field(default_factory=dict)
    stored: list[CommandRow] = field(default_factory=list)
    agenda: list[AgendaRow] = field(default_factory=list)


async def apply(
    tx: Tx, commands: Sequence[CreditCommand], *, at: datetime | None = None, join: Join = nobody
) -> list[CreditResult]:
    """Carries out the commands in order, independently of one another; one result each. With ``validate_only`` nothing
    is written. ``join`` is told whose accounts are locked before anything of them is read, and may append to the
    commands.

    Results hold a `DomainError` for whatever is refused: ``customer_not_found``, ``hold_not_found``,
    ``insufficient_credits``, ``idempotency_key_reused`` (422) and the codes of `app.domain.ledger.ledger`.
    """
    at = at or tx.at
    policy = await policies.in_force(tx, at)
    batch = _Batch(tx, at, policy, policy.credits)
    await _load(batch, commands, join)
    results = [_one(batch, command) for command in commands]
    await _only_what_can_be_bought(batch, commands, results)
    for customer in batch.customers.values():
        _emit_of_ledger(batch, customer)
    touched = [
        customer
        for customer in batch.customers.values()
        if customer.ledger.operations or any(former.operations for former in customer.ledger.former.values())
    ]
    # Nobody's next operation is recorded before these, whose instant a neighbour's later one may have moved.
    latest = max((customer.ledger.at for customer in touched), default=batch.at)
    await write_rows(
        tx,
        Rows(
            ledgers=[
                each.changes() for customer in touched for each in (customer.ledger, *customer.ledger.former.values())
            ],
            customers=[CustomerRow(customer.customer_id, latest, customer.sequence) for customer in touched],
            outbox=[event for customer in touched for event in customer.events],
            commands=batch.stored,
            agenda=batch.agenda,
        ),
    )
    return results


async def _load(batch: _Batch, commands: Sequence[CreditCommand], join: Join) -> None:
    tx = batch.tx
    hold_ids = sorted({command.hold_id for command in commands if command.hold_id is not None})
    external = sorted({command.customer_id for command in commands if command.customer_id is not None})
    if hold_ids:
        batch.owners = await rows.hold_owners(tx, hold_ids)
    locked = await rows.lock(tx, external, sorted(set(batch.owners.values())))
    # Who joins brings neither a hold, whose owner would have to be found first, nor an account that went into another.
    join({("customer", row.external_id) for row in locked if row.external_id is not None and row.merged_into is None})
    # From here on everything is read in later statements, so it is what the lock protects.
    keys = sorted({command.key for command in commands if command.key is not None})
    tickets = sorted({command.ticket_id for command in commands if command.ticket_id is not None})
    if keys:
        batch.known = await rows.known_commands(tx, keys)
    heirs: dict[str, str] = {}
    locked += await _lock_more(batch, commands, locked, heirs)
    if tickets:
        batch.tickets = await rows.tickets_named(tx, tickets)
    customer_ids = list(dict.fromkeys(row.customer_id for row in locked))
    lot_ids = sorted({command.lot_id for command in commands if command.lot_id is not None})
    loaded, rests = await _accounts(batch, customer_ids, hold_ids, lot_ids)
    again = await recurring.in_batch(tx, customer_ids)
    for row in locked:
        # A second time under the name of an account that was merged into it.
        who = batch.customers.get(row.customer_id)
        if who is None:
            at = batch.at if row.last_at is None else max(batch.at, row.last_at)
            ledger = accounts.ledger_of(
                tx, row.customer_id, loaded[row.customer_id], at=at, rules=batch.rules, recurring=again[row.customer_id]
            )
            ledger.rest = rests.get(row.customer_id)
            who = _Customer(row.customer_id, row.external_id, row.event_sequence, ledger)
            batch.customers[row.customer_id] = who
        if row.external_id is not None:
            batch.by_external[row.external_id] = who
    for former, heir in heirs.items():
        theirs = [owner_ for owner_, owner in batch.owners.items() if owner == former]
        if theirs and heir in batch.customers:
            await accounts.join_former(tx, batch.customers[heir].ledger, {former: theirs})
            batch.owners.update(dict.fromkeys(theirs, heir))
    named = sorted(
        {
            hold.ticket_id
            for each in batch.customers.values()
            for ledger in (each.ledger, *each.ledger.former.values())
            for hold in ledger.holds.values()
            if hold.ticket_id
        }
    )
    if named:
        batch.ticket_names = await rows.ticket_names(tx, named)


async def _accounts(
    batch: _Batch, customer_ids: Sequence[str], hold_ids: Sequence[str], lot_ids: Sequence[str]
) -> tuple[Mapping[str, rows.Loaded], Mapping[str, Rest]]:
    """Return the customers' accounts, and what was left out of those that were read in part."""
    tx = batch.tx
    voids = batch.rules is not None and batch.rules.hold_on_expiry == "void"
    if tx.whole or voids:
        loaded = await rows.load(
            tx, customer_ids, open_holds=voids, terms_only=not voids, hold_ids=hold_ids, lot_ids=lot_ids
        )
        return loaded, {}
    found = await window.load(tx, customer_ids, hold_ids=hold_ids, lot_ids=lot_ids)
    return {name: part[0] for name, part in found.items()}, {name: part[1] for name, part in found.items()}


async def _lock_more(
    batch: _Batch, commands: Sequence[CreditCommand], locked: list[rows.LockedCustomer], heirs: dict[str, str]
) -> list[rows.LockedCustomer]:
    """Lock the customers that a grant by hand makes, and the heirs of merged ones under both names; fill ``heirs``."""
    tx = batch.tx
    more: list[rows.LockedCustomer] = []
    there = {row.external_id for row in locked}
    made = {
        command.customer_id
        for command in commands
        if command.kind == "adjust"
        and command.customer_id is not None
        and command.customer_id not in there
        and 1 <= (command.credits or 0) <= MAX_CREDITS
        and (command.key is None or command.key not in batch.known)
        and _type_of(batch.rules, command.credit_type) is not None
        and (command.expires_at is None or command.expires_at > batch.at)
    }
    for name in sorted(made):
        await accounts.ensure_customer(tx, name)
    if made:
        more += await rows.lock(tx, sorted(made))
    merged = [row for row in locked if row.merged_into is not None]
    if merged:
        for row in merged:
            heirs[row.customer_id] = await accounts.heir(tx, row.customer_id)
        found = {heir.customer_id: heir for heir in await rows.lock(tx, (), sorted(set(heirs.values())))}
        if any(heir.merged_into is not None for heir in found.values()):
            raise Moved("an heir went into another account meanwhile")
        locked[:] = [row for row in locked if row.merged_into is None]
        alone = {row.customer_id for row in locked}
        more += [heir for heir in found.values() if heir.customer_id not in alone]
        for row in merged:
            heir = found[heirs[row.customer_id]]
            if row.external_id is not None and heir.external_id is not None:
                more.append(heir._replace(external_id=row.external_id))
    return more


def _type_of(rules: CreditRules | None, name: str | None) -> str | None:
    """The credit type meant; None when the policy has no such type, or several and none was named."""
    if rules is None:
        return None
    if name is None:
        if len(rules.types) == 1:
            return rules.types[0].credit_type
        return DEFAULT_TYPE if any(kind.credit_type == DEFAULT_TYPE for kind in rules.types) else None
    return name if any(kind.credit_type == name for kind in rules.types) else None


def _one(batch: _Batch, command: CreditCommand) -> CreditResult:
    try:
        if command.key is not None and (known := batch.known.get(command.key)) is not None:
            return _replay(command, known)
        who = _customer_of(batch, command)
        original = command
        if who.external_id is None:  # of an erased person no word is written any more
            command = msgspec.structs.replace(command, reason=None, metadata=None)
        ledger = who.ledger
        ledger.command_id = command.key
        before = len(ledger.operations)
        hold, lot, credit_type, moved = _carry_out(batch, who, command)
    except DomainError as error:
        category = _category_of(batch, command)
        return CreditResult(0, b"", with_reason(batch.policy, error, batch.at, command.kind, category))
    balance = ledger.balance(credit_type)
    body = _answer(batch, who, command, hold, lot, credit_type, balance, before)
    encoded = _encode(body)
    status = 200 if command.kind in _ON_HOLD else 201
    _emit_moved(batch, who, command, hold, lot, credit_type, moved, balance, before)
    for arrived in ledger.take_arrived():
        _schedule(batch, who, arrived)
    for returned, voided in ledger.take_reclaimed():
        _emit(batch, who, "credits.voided", voided_event(ledger, returned, voided))
    if command.key is not None:
        digest = original.digest()
        text = encoded.decode()
        batch.stored.append(CommandRow(command.key, command.kind, digest, status, text, command.actor, who.customer_id))
        batch.known[command.key] = (command.kind, digest, status, text)
    return CreditResult(status, encoded)


async def _only_what_can_be_bought(
    batch: _Batch, commands: Sequence[CreditCommand], results: Sequence[CreditResult]
) -> None:
    """Leaves out packs that a refused customer may not buy. Looks only where the policy sells to some alone."""
    guarded = {offer.sku: offer for offer in batch.policy.offers if offer.requires is not None}
    if not guarded:
        return
    for command, result in zip(commands, results, strict=True):
        decision = None if result.error is None else result.error.decision
        if result.error is None or decision is None or not decision.remedies:
            continue
        who = _customer_of(batch, command)
        account, _ = await accounts.look_by_id(batch.tx, who.customer_id, policy=batch.policy, part=parts.AccountPart())
        facts = purchase_facts(account)
        remedies_left = tuple(
            remedy
            for remedy in decision.remedies
            if remedy.sku not in guarded or holds(guarded[remedy.sku].requires, facts) is not False
        )
        result.error.decision = replace(decision, remedies=remedies_left)


def _replay(command: CreditCommand, known: tuple[str, bytes, int, Any]) -> CreditResult:
    kind, digest, status, answer = known
    if kind != command.kind or digest != command.digest():
        raise DomainError("idempotency_key_reused", key=command.key)
    return CreditResult(status, answer.encode() if isinstance(answer, str) else _encode(answer), replayed=True)


def _customer_of(batch: _Batch, command: CreditCommand) -> _Customer:
    if command.hold_id is not None and command.kind in _ON_HOLD:
        owner = batch.customers.get(batch.owners.get(command.hold_id, ""))
        if owner is None or (command.customer_id is not None and owner.external_id != command.customer_id):
            raise DomainError("hold_not_found", hold_id=command.hold_id)
        return owner
    found = batch.by_external.get(command.customer_id or "")
    if found is None:
        raise DomainError("customer_not_found", customer_id=command.customer_id)
    return found


def _carry_out(batch: _Batch, who: _Customer, command: CreditCommand) -> tuple[Hold | None, Lot | None, str, int]:
    """Hold and lot touched, the credit type, and the credits moved."""
    ledger = who.ledger
    if command.kind in _ON_HOLD:
        hold_id = command.hold_id or ""
        hold = ledger.find_hold(hold_id)
        if hold is None:
            raise DomainError("hold_not_found", hold_id=hold_id)
        captured, released, refunded = hold.captured, hold.released, hold.refunded
        if command.kind == "capture":
            ledger.capture(hold_id, command.credits, final=command.final)
            return hold, None, hold.credit_type, hold.captured - captured
        if command.kind == "release":
            ledger.release(hold_id, command.credits, reason=command.reason)
            return hold, None, hold.credit_type, hold.released - released
        ledger.refund(hold_id, command.credits, reason=command.reason)
        return hold, None, hold.credit_type, hold.refunded - refunded
    credit_type = _type_of(batch.rules, command.credit_type)
    if credit_type is None:
        raise DomainError(
            "unknown_credit_type",
            credit_type=command.credit_type,
            known=[kind.credit_type for kind in batch.rules.types] if batch.rules else [],
        )
    credits_ = command.credits if command.credits is not None else 0
    if command.kind == "adjust":
        if command.metadata and credits_ < 0:
            raise DomainError(
                "invalid_input", field="metadata", message="What is taken makes no lot to keep it beside."
            )
        lot = ledger.adjust(
            credits_,
            reason=command.reason or "",
            expires_at=command.expires_at,
            credit_type=credit_type,
            metadata=command.metadata,
        )
        return None, lot, credit_type, credits_
    ticket_id = _ticket_of(batch, who, command.ticket_id)
    license_id = None if command.license_id is None else LicenseId(command.license_id)
    category = _category_of(batch, command)
    if command.kind == "debit":
        made = ledger.debit(
            credits_,
            credit_type=credit_type,
            ticket_id=ticket_id,
            license_id=license_id,
            category=category,
            lot_id=command.lot_id,
        )
    else:
        made = ledger.hold(
            credits_,
            credit_type=credit_type,
            ticket_id=ticket_id,
            license_id=license_id,
            expires_at=command.expires_at,
            category=category,
            lot_id=command.lot_id,
        )
    return made, None, made.credit_type, credits_


def _ticket_of(batch: _Batch, who: _Customer, external_id: str | None) -> Any:
    """Our id of a ticket we know, the helpdesk's own id of one we do not. Another customer's ticket does not exist."""
    if external_id is None:
        return None
    known = batch.tickets.get(external_id)
    if known is None:
        return external_id
    if known.customer_id != who.customer_id:
        raise DomainError("ticket_not_found", ticket_id=external_id)
    batch.ticket_names[known.ticket_id] = external_id
    return known.ticket_id


def _category_of(batch: _Batch, command: CreditCommand) -> str | None:
    """The category that is paid for: the one named, else that of the ticket named."""
    known = None if command.ticket_id is None else batch.tickets.get(command.ticket_id)
    return command.category or (known.category if known is not None else None)


def _answer(
    batch: _Batch,
    who: _Customer,
    command: CreditCommand,
    hold: Hold | None,
    lot: Lot | None,
    credit_type: str,
    balance: dict[str, int],
    before: int,
) -> HoldView | Adjustment:
    external = command.customer_id or who.external_id
    if hold is not None:
        name = None if hold.ticket_id is None else batch.ticket_names.get(hold.ticket_id, hold.ticket_id)
        return {**hold_view(hold, customer_id=external, ticket_id=name), "balance": amounts_view(balance)}
    made = next((operation for operation in who.ledger.operations[before:] if operation.kind == "adjust"), None)
    return {
        "adjustment_id": None if made is None else made.operation_id,
        "customer_id": external,
        "credits": command.credits or 0,
        "credit_type": credit_type,
        "reason": command.reason,
        "at": iso(who.ledger.at),
        "lot": None if lot is None else lot_view(lot, who.ledger.at),
        "balance": amounts_view(balance),
    }


def _emit_moved(
    batch: _Batch,
    who: _Customer,
    command: CreditCommand,
    hold: Hold | None,
    lot: Lot | None,
    credit_type: str,
    credits: int,
    balance: dict[str, int],
    before: int,
) -> None:
    """The outbox events of one command: what was done, a release of the rest, and a balance that fell low."""
    ledger = who.ledger
    data = moved_data(credit_type, credits, balance)
    if hold is not None:
        data["hold_id"] = hold.hold_id
        if hold.ticket_id is not None:
            data["ticket_id"] = batch.ticket_names.get(hold.ticket_id, hold.ticket_id)
    if lot is not None:
        data["lot_id"] = lot.lot_id
    if command.reason is not None and command.kind != "adjust":
        data["reason"] = command.reason
    _emit(batch, who, _EVENT_OF[command.kind], data)
    if command.kind == "adjust" and lot is not None:
        _emit(batch, who, "credits.granted", {**data, "source": lot.source})
        _schedule(batch, who, lot)
    if command.kind == "hold" and hold is not None and hold.expires_at is not None:
        batch.agenda.append(
            AgendaRow("hold.expired", hold.hold_id, hold.expires_at, who.customer_id, {"hold_id": hold.hold_id})
        )
    moved = moved_by(ledger.operations[before:])
    if command.kind == "capture" and hold is not None and moved["released"]:
        _emit(batch, who, "credits.released", {**data, "credits": moved["released"]})
    after = balance["available"]
    if falls_low(batch.rules, before=after - moved["available"], after=after):
        _emit(batch, who, "credits.low", low_data(credit_type, balance))


def _emit_of_ledger(batch: _Batch, who: _Customer) -> None:
    """What was overdrawn, and that the shop is asked for more."""
    for lot, ticket_id in who.ledger.overdrawn:
        named = {} if ticket_id is None else {"ticket_id": batch.ticket_names.get(ticket_id, ticket_id)}
        _emit(batch, who, "credits.overdrawn", {**overdrawn_data(who.ledger, lot.lot_id), **named})
    who.ledger.overdrawn = []
    if who.external_id is None or not who.ledger.operations:
        return
    for asked in top_up.ask(who.ledger):
        _emit(batch, who, "credits.top_up_due", asked.data)
        if asked.again_at is not None:
            subject, payload = asked.subject(who.customer_id), {"credit_type": asked.credit_type}
            batch.agenda.append(AgendaRow(top_up.DUE, subject, asked.again_at, who.customer_id, payload))


def _schedule(batch: _Batch, who: _Customer, lot: Lot) -> None:
    """Put a lot's reminders and its end on the agenda."""
    for due in due_of(lot, batch.rules, who.ledger.at):
        batch.agenda.append(AgendaRow(due.kind, due.subject, due.at, who.customer_id, due.payload))


def _emit(batch: _Batch, who: _Customer, type_: str, data: dict[str, Any]) -> None:
    who.sequence += 1
    who.events.append(OutboxRow(batch.tx.mint("evt"), who.customer_id, who.sequence, type_, who.ledger.at, data))
