"""Keysets: where a part of an ordered list begins and which way it is read, forward or backward by the same index."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

from app.domain.values.paging import PageRequest

S = TypeVar("S", bound=Select[Any])


def select_page(statement: S, part: PageRequest, column: ColumnElement[Any], *, newest_first: bool = False) -> S:
    """The statement for a part of a list that one column orders."""
    down = newest_first != part.backward
    if part.key is not None:
        statement = statement.where(column < part.key[0] if down else column > part.key[0])
    return statement.order_by(column.desc() if down else column.asc()).limit(part.most)


def where_after(part: PageRequest, columns: str, key: str, *, newest_first: bool = False) -> tuple[str, str]:
    """The condition and the order in SQL: ``columns`` by name, ``key`` the parameters, both separated by commas.

    ``:most`` is a parameter too: `PageRequest.most`.
    """
    down = newest_first != part.backward
    condition = "" if part.key is None else f" and ({columns}) {'<' if down else '>'} ({key})"
    order = ", ".join(f"{part} desc" if down else part for part in columns.split(", "))
    return condition, f" order by {order} limit :most"
