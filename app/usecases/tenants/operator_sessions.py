"""The operator in a browser: a link that opens one session, and the session, which opens the operator's pages alone.

What is kept of a secret is a digest that the operator's key is part of. So whoever reads the rows learns nothing of
that key, and once it has changed no link and no session of before opens anything.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from app.db.engine import Database
from app.db.tenants import operator_sessions as rows
from app.domain.values.errors import DomainError
from app.domain.values.wire import iso
from app.usecases.tenants.keys import fresh_key, well_formed
from app.usecases.tenants.sessions import Opened
from app.views.key import OperatorSignInLink

HOME: Final = "/operator"
SESSION_MINUTES: Final = 60
"""An hour: all tenants are more than one of them."""


def digest_of(secret: str, operator_key: str) -> bytes:
    """Return what is kept of a link's or a session's secret."""
    return hmac.new(hashlib.sha256(operator_key.encode()).digest(), secret.encode(), hashlib.sha256).digest()


async def make_link(
    database: Database, operator_key: str, *, minutes: int, now: datetime, address: str, validate_only: bool
) -> OperatorSignInLink:
    """Make a link that opens one session. ``address``: of the sign-in page."""
    secret, expires_at = fresh_key("ol"), now + timedelta(minutes=minutes)
    if not validate_only:
        await rows.add(database, digest_of(secret, operator_key), "link", now=now, expires_at=expires_at)
    return {"url": f"{address}?link={secret}", "expires_at": iso(expires_at)}


async def check_link(database: Database, operator_key: str, link: str, *, now: datetime) -> None:
    """Raise 409 ``link_used`` for a link that is used, or is over."""
    if not await rows.is_live(database, digest_of(link, operator_key), "link", now=now):
        raise DomainError("link_used")


async def open_by_link(database: Database, operator_key: str, link: str, *, now: datetime) -> Opened:
    """Use a link up and open its session. 409 ``link_used``."""
    secret, expires_at = fresh_key("os"), now + timedelta(minutes=SESSION_MINUTES)
    digests = (digest_of(link, operator_key), digest_of(secret, operator_key))
    if not await rows.exchange(database, *digests, now=now, expires_at=expires_at):
        raise DomainError("link_used")
    return Opened(secret, expires_at, HOME)


async def is_live(database: Database, operator_key: str, secret: str, *, now: datetime) -> bool:
    """Whether a session is the operator's, and not over."""
    return await rows.is_live(database, digest_of(secret, operator_key), "session", now=now)


async def end(database: Database, operator_key: str, secret: str, *, now: datetime) -> None:
    """End a session."""
    await rows.end(database, digest_of(secret, operator_key), now=now)


def is_link(secret: str) -> bool:
    """Whether a text has the form of a link of the operator's."""
    return well_formed(secret, ("ol",))


def is_session(secret: str) -> bool:
    """Whether a text has the form of a session of the operator's."""
    return well_formed(secret, ("os",))
