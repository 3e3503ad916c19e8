"""Failures of the database, by their meaning to a caller: passing, busy, to be tried again, or ours."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.domain.values.errors import DomainError

UNREACHED: Final = (
    ConnectionError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
)
"""What the driver raises, by itself or of the operating system, when there is no connection."""


class Unavailable(Exception):  # noqa: N818 - a state, for the doors to tell
    """The database cannot answer now. ``outcome_unknown``: a commit was under way, so retry with the same key."""

    def __init__(self, cause: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.outcome_unknown = outcome_unknown


class StartRefused(Exception):  # noqa: N818 - what happened, in a word
    """The service must not start on this database; the message says why and what to do."""


class Unmigrated(Unavailable):
    """The database has no schema of ours yet, or an older one."""


class Busy(Unavailable):
    """A lock was not had in time, or a bound was reached."""


class Retry(Busy):
    """The work collided with other work and may be tried again; where nobody does, callers are told to."""


class Moved(Retry):
    """An account that was found is another's by now that it is locked: the work begins again, and finds the heir."""


class Locked(Busy):
    """Somebody else holds what this work needs; other work may go on."""


class Elsewhere(DomainError):  # noqa: N818 - where the tenant is
    """The tenant moves to another server, or lives there: nothing is wrong with the work, which is done there."""


_UNAVAILABLE: Final = {
    "08": "the database cannot be reached",
    "53": "the database is out of resources",
    "57": "the database cannot be reached",
    "58": "the database's host fails it",
    "XX": "the database fails",
}
"""SQLSTATE classes that are the database's own trouble: nothing was done, callers come again."""
DISK_FULL: Final = "the database's disk is full"


def meaning_of(error: DBAPIError | asyncpg.PostgresError) -> Exception:
    """What a failed statement means to the caller, by its SQLSTATE alone (issue: one map for all of them).

    Classes 08, 53, 57, 58 and XX, and 25006: `Unavailable`. 55P03 and 57014: `Locked` and `Busy`. Class 40 and 23505:
    `Retry`. Classes 22 and 54: `DomainError`, a value that the database cannot hold. Anything else is ours: unchanged.
    """
    state = sqlstate(error)
    family = state[:2]
    if family == "40" or state == "23505":
        return Retry(state)
    if state == "55P03":
        return Locked("a lock was not had in time")
    if state == "57014":
        return Busy("a statement took too long")
    if state == "25006":
        return Unavailable("the database is read-only")
    if state in {"53100", "58030"}:
        return Unavailable(DISK_FULL)
    if state == "42883" and "retainer_begin" in str(error):
        return Unmigrated("the schema is not the newest: run `retainer migrate`")
    if state in {"26000", "42P05"}:
        return Unavailable("a pooler mixes up prepared statements: set RETAINER_PREPARED_STATEMENTS=false")
    if family in _UNAVAILABLE:
        return Unavailable(_UNAVAILABLE[family])
    if family in {"22", "54"}:
        return DomainError("value_out_of_range")
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Retry("the schema changed meanwhile")
    if isinstance(error, (InterfaceError, OperationalError)) or getattr(error, "connection_invalidated", False):
        return Unavailable("the database cannot be reached")
    return error


def sqlstate(error: DBAPIError | asyncpg.PostgresError) -> str:
    """Return the code by which Postgres names an error; "" when it was none of Postgres's."""
    original = getattr(error, "orig", None)
    for error_ in (error, original, getattr(original, "__cause__", None)):
        if (state := getattr(error_, "sqlstate", None)) is not None:
            return str(state)
    return ""


def is_passing(error: Exception) -> bool:
    """Whether an error is the database's own passing trouble, so that the same work may succeed later as it is."""
    if isinstance(error, (DBAPIError, asyncpg.PostgresError)):
        error = meaning_of(error)
    return isinstance(error, (Unavailable, *UNREACHED))
