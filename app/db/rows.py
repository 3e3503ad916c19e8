"""The rows of one call, as the writer takes them (`app.db.write`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.domain.ledger.journal import LedgerChanges


class CustomerRow(NamedTuple):
    """What a call leaves of its locked customer. ``data`` and ``profile`` None: they stay as they are."""

    customer_id: str
    last_at: datetime
    event_sequence: int
    data: Mapping[str, Any] | None = None
    profile: Mapping[str, Any] | None = None


class OutboxRow(NamedTuple):
    """A change that callers are told of. At most one with the same ``dedupe_key`` is ever written."""

    event_id: str
    customer_id: str
    sequence: int
    type: str
    occurred_at: datetime
    data: Any
    dedupe_key: str | None = None


class CommandRow(NamedTuple):
    """The stored answer of a keyed command; ``answer`` is JSON text, so that a replay is the same bytes."""

    key: str
    kind: str
    payload_hash: bytes
    status: int
    answer: str
    actor: str | None
    customer_id: str | None


class AgendaRow(NamedTuple):
    """Something that falls due; put again, it moves."""

    kind: str
    subject: str
    at: datetime
    customer_id: str
    payload: Mapping[str, Any]


class OutcomeRow(NamedTuple):
    """A judgement of a clock, written once; ``event`` is published only where it is new."""

    values: Mapping[str, Any]
    event: OutboxRow | None


PUT_ON_AGENDA: Final = "agenda.put"
"""A transaction's memo: the earliest instant of what its plans have put on the agenda (`app.db.agenda.are_next`)."""


@dataclass(slots=True)
class Rows:
    """All that one call writes.

    ``put``: rows by table and primary key, whole; ``added``: rows by table that are new. Both hold JSON-able values by
    column.
    """

    ledgers: list[LedgerChanges] = field(default_factory=list)
    customers: list[CustomerRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    commands: list[CommandRow] = field(default_factory=list)
    agenda: list[AgendaRow] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """What was to fall due and no longer does: (kind, subject)."""
    outcomes: list[OutcomeRow] = field(default_factory=list)
    put: dict[str, dict[tuple[str, ...], dict[str, Any]]] = field(default_factory=dict)
    added: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
