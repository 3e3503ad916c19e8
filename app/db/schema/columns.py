"""The metadata of all tables, and the kinds of columns that they share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text
from sqlalchemy import text as _sql
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def at_column(name: str, *, nullable: bool = False, **more: object) -> Column[object]:
    """A column of instants."""
    return Column(name, DateTime(timezone=True), nullable=nullable, **more)  # type: ignore[arg-type]


def text_column(name: str, *, nullable: bool = False, **more: object) -> Column[object]:
    """A column of text."""
    return Column(name, Text, nullable=nullable, **more)  # type: ignore[arg-type]


def json_column(name: str, *, nullable: bool = False) -> Column[object]:
    """A column of JSON."""
    return Column(name, JSONB, nullable=nullable)


def credits_column(name: str) -> Column[object]:
    """A column of credits."""
    return Column(name, BigInteger, nullable=False, server_default=_sql("0"))
