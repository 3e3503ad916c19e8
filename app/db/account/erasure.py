"""Takes a person's words out of every row: what callers wrote of them goes, what rules and the audit read stays.

A word is a text under one of the keys in which callers write freely. It stays when the vendor's policy says it itself,
when the service gives it as a reason, or when it is a time. Messages that quote a word
go whole.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, Final, TypeVar, get_args

from sqlalchemy import ColumnElement, Table, bindparam, select, text, update

from app.db import schema as s
from app.db.account import asked
from app.db.account.asked import Asked
from app.db.engine import Tx
from app.domain.tickets.ticket_lists import CheckOutcome

HOUSE_REASONS: Final = frozenset(
    {
        "adjustment",
        "agreed_surplus",
        "assessment",
        "awaiting_confirmation",
        "breach retracted",
        "breach_retracted",
        "category",
        "cause corrected",
        "confirmation_expired",
        "corrected",
        "credit_expired",
        "decided_again",
        "declined",
        "erased",
        "handling_failed",
        "hold_expired",
        "import",
        "lot_expired",
        "ended",
        "merged",
        "moved",
        "not_paid",
        "overdraft",
        "payment_dispute",
        "plan_renewed",
        "refunded",
        "rejected",
        "reranked",
        "retaken",
        "rollover",
        "source_removed",
        "terminated",
        "upgraded",
        "waiting_for_access",
        "withdrawn",
        "work",
    }
)
"""What the service itself gives as a reason of an operation, a lot or a license's end."""

_FREE: Final = frozenset(
    {
        "attributes",
        "description",
        "domain",
        "external_url",
        "facts",
        "inputs",
        "license_id",
        "metadata",
        "note",
        "product",
        "reason",
        "registered_domain",
        "reopening_reason",
        "requester",
        "result",
        "subject",
    }
)
_NAMED: Final = frozenset({"facts", "inputs", "metadata", "result", "attributes"})
"""What holds values by name: nothing is left of a text in it, not an empty one, which would be an answer."""
_MESSAGES: Final = frozenset({"message", "detail", "title", "summary"})
_TICKETS: Final = frozenset({"ticket_id", "parent_id", "parent", "child_id", "child", "children", "new_ticket_id"})
ERASED: Final = "wrote on an erased account"
"""Mark of a transaction."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d))?")
_TOKEN: Final = re.compile(r"erased_[0-9]+")
_OURS: Final = re.compile(r"(to |from )?[a-z]{2,4}_[0-9a-z]{26}|dispute [a-z_]+")

_POLICIES = text("select document from policy_version where tenant_id = :tenant")
_DISMISSALS = text(
    "update audit_trail a set data = jsonb_set(a.data, '{reason}', '\"\"') from inbound_delivery d"
    " where a.tenant_id = :tenant and d.tenant_id = :tenant and a.action = 'delivery.dismissed'"
    " and a.subject = d.delivery_id and (d.customer_id = any(:customers) or d.erased_at = :at)"
    " and coalesce(a.data ->> 'reason', '') <> ''"
)


async def _allow(tx: Tx, customer_id: str) -> None:
    """Let words of a customer be taken out of append-only rows, until the end or the next call; "" ends it.

    `set_config` would be known on one machine alone.
    """
    quoted = customer_id.replace("'", "''")
    await tx.execute(text("set local app.erasure = " + f"'{quoted}'".replace(":", "\\:")))


V = TypeVar("V")


class Words:
    """Finds what was said freely, and takes it out of values."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = HOUSE_REASONS | frozenset(get_args(CheckOutcome)) | frozenset(known)
        self._gone: dict[str, str] = {}
        self._quoted: re.Pattern[str] | None = None

    def is_free(self, value: str) -> bool:
        """Whether a text in a free place is a caller's own."""
        return bool(value) and not (
            value in self._known or any(pattern.fullmatch(value) is not None for pattern in (_TIME, _OURS, _TOKEN))
        )

    def learn(self, value: Any, *, free: bool = False) -> None:
        """Notes the free texts of a value."""
        if isinstance(value, Mapping):
            self._learn_pauses(value.get("pauses"))
            for name, item in value.items():
                self.learn(item, free=free or name in _FREE)
        elif isinstance(value, list):
            for item in value:
                self.learn(item, free=free)
        elif free and isinstance(value, str) and self.is_free(value):
            self._gone.setdefault(value, "")
            self._quoted = None

    def _learn_pauses(self, pauses: Any) -> None:
        """Reasons for waiting stay apart from each other: the clocks tell by them when nothing is waited for."""
        for pause in pauses if isinstance(pauses, list) else ():
            if isinstance(pause, Mapping) and isinstance(pause.get("reason"), str) and self.is_free(pause["reason"]):
                self._gone.setdefault(pause["reason"], f"erased_{len(self._gone) + 1}")

    def without(
        self, value: Any, *, names: Mapping[str, str], name: str = "", named: bool = False, free: bool = False
    ) -> Any:
        """The value with these texts gone; ``names``: what to say for a ticket's id in another system."""
        if isinstance(value, Mapping):
            return {
                key: self.without(item, names=names, name=key, named=named or key in _NAMED, free=free or key in _FREE)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.without(item, names=names, name=name, named=named, free=free) for item in value]
        if not isinstance(value, str):
            return value
        if name in _TICKETS:
            return names.get(value, value)
        if free and self.is_free(value):
            return None if named or name == "license_id" else self._gone.get(value, "")
        return "" if name in _MESSAGES and self._quotes(value) else value

    def _quotes(self, message: str) -> bool:
        if self._quoted is None:
            every = "|".join(re.escape(name) for name in sorted(self._gone))
            self._quoted = re.compile(rf"(?<!\w)(?:{every})(?!\w)" if every else r"(?!)")
        return self._quoted.search(message) is not None

    def reason(self, value: str | None) -> str | None:
        """A reason in a column of its own: nothing is left of a caller's."""
        return None if value is None or self.is_free(value) else value


async def words_of(tx: Tx) -> Words:
    """With what the tenant's policies say themselves."""
    known: set[str] = set()
    for row in await tx.rows(_POLICIES, {"tenant": tx.tenant_id}):
        _texts(row[0], known)
    return Words(known)


def _texts(value: Any, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            found.add(str(key))
            _texts(item, found)
    elif isinstance(value, list):
        for item in value:
            _texts(item, found)
    elif isinstance(value, str):
        found.add(value)


_DOCUMENTS: Final[Sequence[tuple[Table, tuple[str, ...], tuple[str, ...]]]] = (
    (s.customer, ("customer_id",), ("data",)),
    (s.ticket, ("ticket_id",), ("document",)),
    (s.clock, ("clock_id",), ("spec",)),
    (s.entity_event, ("stream", "entity_id", "seq"), ("payload",)),
    (s.outbox, ("event_id",), ("data",)),
    (s.agenda, ("kind", "subject"), ("payload",)),
    (s.purchase_order, ("order_id",), ("lines", "answer")),
    (s.order_refund, ("order_id", "refund_id"), ("answer",)),
    (s.payment_dispute, ("order_id", "dispute_id"), ("wanted", "undo")),
    (s.lot, ("lot_id",), ("data",)),
)
_Rows = tuple[Table, tuple[str, ...], tuple[str, ...], Sequence[Any]]
_ASKED: Final = (s.ticket, s.clock, s.entity_event, s.outbox, s.agenda)
"""Tables in which a person's words stand in the rows of a company that pays for a ticket."""
_REASONS: Final[Sequence[tuple[Table, str, str]]] = (
    (s.operation, "operation_id", "reason"),
    (s.lot, "lot_id", "reason"),
    (s.ticket, "ticket_id", "license_id"),
)


async def erase(tx: Tx, customer_ids: Sequence[str]) -> dict[str, int]:
    """Takes the words out of the rows of a person's accounts, all of them together; how many rows, by table.

    The journal lets them go in this transaction alone, and nothing else of it.
    """
    words = await words_of(tx)
    names: dict[str, str] = {}
    found: list[tuple[str, _Rows]] = []
    for customer_id in customer_ids:
        of_tickets = select(s.ticket.c.external_id, s.ticket.c.ticket_id)
        for row in await tx.rows(of_tickets.where(*_mine(tx, s.ticket, customer_id))):
            names[row.external_id] = row.ticket_id
        for table, key, columns in _DOCUMENTS:
            statement = select(*(table.c[column] for column in (*key, *columns)))
            rows = await tx.rows(statement.where(*_mine(tx, table, customer_id)))
            found.append((customer_id, (table, key, columns, rows)))
            if rows:
                await asyncio.to_thread(_learn, words, rows, columns)
    theirs = await asked.by_people(tx, customer_ids)
    if theirs is not None:
        names |= {external_id: ticket_id for ticket_id, external_id in theirs.tickets.items()}
        found += await _asked_rows(tx, theirs, words)
    changed: Counter[str] = Counter()
    for customer_id, (table, key, columns, rows) in found:
        await _allow(tx, customer_id)
        names_of = names if table is s.outbox or table is s.agenda else {}
        without_names = partial(words.without, names=names_of)
        changed[table.name] += await _write(tx, table, key, columns, rows, without_names)
    for customer_id, (table, id_, column) in product(customer_ids, _REASONS):
        await _allow(tx, customer_id)
        statement = select(table.c[id_], table.c[column])
        rows = await tx.rows(statement.where(*_mine(tx, table, customer_id), table.c[column].is_not(None)))
        changed[table.name] += await _write(tx, table, (id_,), (column,), rows, words.reason)
    if theirs is not None:
        await _take_asked_reasons(tx, theirs, words, changed)
        await asked.unname(tx, theirs)
    await _allow(tx, "")
    return {name: count for name, count in sorted(changed.items()) if count}


async def _asked_rows(tx: Tx, theirs: Asked, words: Words) -> list[tuple[str, _Rows]]:
    """Rows about the tickets that people of a company asked, each under the account that it stands on."""
    found: list[tuple[str, _Rows]] = []
    for table, key, columns in _DOCUMENTS:
        if table not in _ASKED:
            continue
        statement = select(table.c.customer_id, *(table.c[column] for column in (*key, *columns)))
        rows = await tx.rows(statement.where(*theirs.where(tx, table)))
        if rows:
            await asyncio.to_thread(_learn, words, rows, columns)
        for customer_id in sorted({row.customer_id for row in rows}):
            mine = [row for row in rows if row.customer_id == customer_id]
            found.append((customer_id, (table, key, columns, mine)))
    return found


async def _take_asked_reasons(tx: Tx, theirs: Asked, words: Words, changed: Counter[str]) -> None:
    for table, id_, column in _REASONS:
        if table is s.lot:
            continue
        statement = select(table.c.customer_id, table.c[id_], table.c[column])
        rows = await tx.rows(statement.where(*theirs.where(tx, table), table.c[column].is_not(None)))
        for customer_id in sorted({row.customer_id for row in rows}):
            await _allow(tx, customer_id)
            mine = [row for row in rows if row.customer_id == customer_id]
            changed[table.name] += await _write(tx, table, (id_,), (column,), mine, words.reason)


def _learn(words: Words, rows: Sequence[Any], columns: Sequence[str]) -> None:
    for row in rows:
        words.learn([row._mapping[column] for column in columns])


async def keep_erased(tx: Tx, customer_ids: Sequence[str]) -> None:
    """Takes out what was said in a write of this transaction on accounts of erased people, by our own ids."""
    await erase(tx, customer_ids)
    for customer_id in customer_ids:
        named = s.ticket.c.external_id != s.ticket.c.ticket_id
        values = {"subject": "", "external_id": s.ticket.c.ticket_id, "payload_hash": ""}
        await tx.execute(update(s.ticket).where(*_mine(tx, s.ticket, customer_id), named).values(values))
    tx.caches[ERASED] = True


async def keep_asked(tx: Tx, person_ids: Sequence[str]) -> None:
    """Takes out what was said in a write of this transaction on tickets that erased people asked of a company."""
    await erase(tx, person_ids)
    tx.caches[ERASED] = True


async def stored(tx: Tx, answer: V) -> V:
    """An answer as it may be kept: without a word of an erased person's, where this transaction wrote on one."""
    if ERASED not in tx.caches:
        return answer
    words = await words_of(tx)
    words.learn(answer)
    redacted: V = words.without(answer, names={})
    return redacted


async def forget_dismissals(tx: Tx, customer_ids: Sequence[str]) -> None:
    """Takes out why somebody dismissed deliveries of theirs; once these are emptied."""
    await _allow(tx, customer_ids[-1])
    await tx.execute(_DISMISSALS, {"tenant": tx.tenant_id, "customers": list(customer_ids), "at": tx.at})
    await _allow(tx, "")


def _mine(tx: Tx, table: Table, customer_id: str) -> list[ColumnElement[bool]]:
    return [table.c.tenant_id == tx.tenant_id, table.c.customer_id == customer_id]


async def _write(
    tx: Tx,
    table: Table,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Any],
    changed: Callable[[Any], Any],
) -> int:
    def emptied() -> list[dict[str, Any]]:
        made = []
        for row in rows:
            old = {column: row._mapping[column] for column in columns}
            new = {column: changed(value) for column, value in old.items()}
            if new != old:
                keys = {f"key_{name}": row._mapping[name] for name in key}
                made.append({**keys, **{f"new_{c}": v for c, v in new.items()}})
        return made

    made = await asyncio.to_thread(emptied) if rows else []  # an order of a thousand licenses takes long
    if made:
        statement = (
            update(table)
            .where(table.c.tenant_id == tx.tenant_id, *(table.c[name] == bindparam(f"key_{name}") for name in key))
            .values({column: bindparam(f"new_{column}", type_=table.c[column].type) for column in columns})
        )
        await tx.execute(statement, made)
    return len(made)
