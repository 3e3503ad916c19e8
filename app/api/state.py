"""What this process has for its doors: made once by `app.main`, found on ``app.state.house``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import Request

from app.api.auth import Authenticator, Principal
from app.domain.values.errors import DomainError
from app.settings import Settings
from app.usecases.commands import Cipher, Database, Gathered, Outcome, Seat
from app.usecases.credits.credit_command import CreditCommand, CreditResult
from app.usecases.inbound import Inbox
from app.usecases.reports.figures import Watch
from app.views.balance import Balance


class Limiter(Protocol):
    """Counts calls (`app.api.limits`)."""

    def check(self, principal: Principal, request: Request) -> None:
        """Raises 429 when a limit is reached."""

    def failed(self, request: Request) -> None:
        """Notes a wrong key; raises 429 when there were too many from its address."""


class CreditsWriter(Protocol):
    """Carries out credit commands, those that come at once in one transaction."""

    async def submit(self, tenant: str, command: CreditCommand) -> CreditResult:
        """One command's result."""

    def submit_many(self, tenant: str, commands: Sequence[CreditCommand]) -> list[asyncio.Future[CreditResult]]:
        """The results of several, to be awaited."""


class CodeFlow(Protocol):
    """Signs people in at an issuer (`app.connectors.code_flow`)."""

    async def begin(self, return_to: str) -> tuple[str, dict[str, str]] | None:
        """The issuer's address to go to, and what proves who comes back; None: it cannot be reached."""

    async def finish(self, return_to: str, code: str, begun: Mapping[str, str]) -> dict[str, Any] | None:
        """The claims of whoever comes back with a code; None where anything does not hold."""


class SharedWrites(Protocol):
    """Does the writes of different customers that are asked for at once in one transaction."""

    async def submit(self, tenant: str, work: Gathered) -> Outcome:
        """What became of a write."""


class SharedReads(Protocol):
    """Reads what several calls ask for at once in one snapshot."""

    async def submit(self, tenant: str, work: Gathered) -> Outcome:
        """What became of a read."""


class SharedQueries(Protocol):
    """Gives queries that begin at once places in one snapshot."""

    def submit_many(self, tenant: str, seats: Sequence[Seat]) -> Sequence[asyncio.Future[None]]:
        """Take them in."""


class BalanceReader(Protocol):
    """Reads balances, those asked for at once shared_calls."""

    async def submit(self, tenant: str, customer_id: str) -> Balance | DomainError:
        """One customer's balance now."""


@dataclass(slots=True, kw_only=True)
class AppState:
    """The parts of this process that the doors use."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    cursor_secrets: tuple[bytes, ...]
    """The first signs cursors; each of them is taken."""
    limiter: Limiter | None
    credits: CreditsWriter
    balances: BalanceReader
    shared: SharedWrites
    reads: SharedReads
    queries: SharedQueries
    inbox: Inbox
    cipher: Cipher
    watch: Watch
    code_flow: CodeFlow | None = None
    """None: the vendor's people sign in by links alone."""
