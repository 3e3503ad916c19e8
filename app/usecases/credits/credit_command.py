"""One command to the ledger, as it is asked, and what came of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from app.domain.values.errors import DomainError
from app.domain.values.phrase import english

Kind = Literal["hold", "capture", "release", "refund", "debit", "adjust"]

_encode = msgspec.json.Encoder(enc_hook=english).encode


class CreditCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command. ``customer_id`` and ``ticket_id`` are the vendor's; ``key`` the Idempotency-Key, None inside."""

    kind: Kind
    customer_id: str | None = None
    hold_id: str | None = None
    credits: int | None = None
    credit_type: str | None = None
    ticket_id: str | None = None
    license_id: str | None = None
    category: str | None = None
    lot_id: str | None = None
    expires_at: datetime | None = None
    final: bool = False
    reason: str | None = None
    metadata: dict[str, Any] | None = None
    """What the vendor keeps beside the lot that a grant makes, by name."""
    key: str | None = None
    actor: str | None = None

    def digest(self) -> bytes:
        """A hash of what is asked for, without key and actor: the same key with another payload is refused."""
        return hashlib.sha256(_encode(msgspec.structs.replace(self, key=None, actor=None))).digest()

    @property
    def subject(self) -> tuple[str, str]:
        """What commands may block each other on: a hold, else a customer; no id of one passes for the other."""
        return ("hold", self.hold_id) if self.hold_id else ("customer", self.customer_id or "")


@dataclass(slots=True)
class CreditResult:
    """``error`` when refused; else ``status`` and ``body`` (JSON bytes). ``replayed``: the first answer again."""

    status: int
    body: bytes
    error: DomainError | None = None
    replayed: bool = False

    def data(self) -> Any:
        """The body as values."""
        return msgspec.json.decode(self.body)
