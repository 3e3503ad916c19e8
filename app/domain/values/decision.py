"""Decisions: frozen values with all their reasons, never a bool and never an exception (house rule 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.values.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of an answer: a stable code, its clause, the facts used, and whether it is our reading."""

    code: str
    clause: str | None
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    reading: bool = False
    would_change: str | None = None
    """The counterfactual: what would change the answer, in words ("15 more credits")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What the customer can do: ``buy`` an offer (sku and price), or another kind with a text.

    ``sku`` can be ordered as it stands; ``price`` is that of one, ``quantity`` how many would be enough. ``helps_at``:
    when it helps, None at once. ``credit_type`` and ``cover_id`` say what the remedy is about; ``attributes`` are those
    that the order line needs.
    """

    kind: str
    sku: str | None = None
    price: Money | None = None
    text: str | None = None
    quantity: int = 1
    helps_at: datetime | None = None
    credit_type: str | None = None
    cover_id: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer of the policy at an instant. ``reasons`` holds every reason, failing ones when not allowed."""

    allowed: bool
    at: datetime
    policy: str
    policy_version: int
    reasons: tuple[Reason, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    trace: tuple[Reason, ...] = ()
    """Every rule looked at, in order, for ``explain``."""
    messages: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False, repr=False)
    """The policy's texts of its reasons in other languages: language -> code -> text."""
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False, repr=False)
    """The policy's titles in other languages: language -> name -> text."""
