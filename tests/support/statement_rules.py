"""Rules for the SQL of the service, so that it stays fit for servers that divide tenants among machines.

`faults(sql)` says what is wrong with a statement. `heard()` are the statements that the service has sent through its
transactions, each once; those of tests themselves are left out.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from pglast import parse_sql
from sqlalchemy import Engine, event

from app.db import driver
from app.db import schema as s
from app.db.engine import Tx

APP: Final = str(Path(__file__).resolve().parents[2] / "app") + "/"
EVERYWHERE: Final = frozenset({"directory", "tenant_move", "secret_key", "due", "operator_session"})
"""Tables outside row-level security, the same on every machine."""
TENANTS: Final = frozenset(s.metadata.tables) - EVERYWHERE
VOLATILE: Final = frozenset({"clock_timestamp", "random", "gen_random_uuid", "nextval", "timeofday", "setval"})
ALONE: Final = frozenset({"pg_advisory_xact_lock", "pg_try_advisory_xact_lock", "pg_advisory_lock", "nextval"})
"""Functions whose effect one machine alone knows of."""
STABLE: Final = frozenset({"to_jsonb", "to_json", "jsonb_build_object", "jsonb_build_array", "concat", "format", "age"})
"""Functions that the planner does not take for constant, so that they must not be given columns in an UPDATE."""
NOW: Final = frozenset({"now", "statement_timestamp", "transaction_timestamp"})
_by_the_service: ContextVar[bool] = ContextVar("by_the_service", default=False)
_heard: dict[str, None] = {}


def heard() -> dict[str, None]:
    """The statements heard so far, in the order of their first time."""
    return _heard


def listen() -> None:
    """Begins to listen, for the whole process."""
    for name in ("execute", "rows", "row"):
        setattr(Tx, name, _noting(getattr(Tx, name)))
    plain = driver._compiled

    def compiled(sql: str) -> Any:
        found = plain(sql)
        if _by_the_service.get():
            _heard.setdefault(found[0])
        return found

    driver._compiled = compiled  # type: ignore[assignment]
    event.listen(Engine, "before_cursor_execute", _sent)


def _noting(method: Any) -> Any:
    def noting(self: Tx, *given: Any) -> Any:
        # Who makes the call, not who awaits it: the service awaits what a test hands it.
        return noted(sys._getframe(1).f_code.co_filename, self, *given)

    async def noted(caller: str, self: Tx, *given: Any) -> Any:
        token = _by_the_service.set(caller.startswith(APP))
        try:
            return await method(self, *given)
        finally:
            _by_the_service.reset(token)

    return noting


def _sent(_: Any, __: Any, statement: str, *___: Any) -> None:
    if _by_the_service.get():
        _heard.setdefault(statement)


# --- the rules --------------------------------------------------------------------------------------------------------

Node = dict[str, Any]
_QUERIES: Final = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt")


def faults(sql: str) -> list[str]:
    """What is wrong with a statement; nothing of one that is right."""
    found: list[str] = []
    for raw in parse_sql(sql):
        node = raw.stmt(skip_none=True)
        if node["@"] in _QUERIES[1:] and "withClause" in node:
            found.append("a WITH that writes ends in a plain SELECT")
        reading = _Reading()
        reading.walk(node, ())
        found += [*reading.faults, *reading.unbound()]
    return list(dict.fromkeys(found))


class _Reading:
    """One statement as it is read: its tenants' tables, and what the tenant of each is said to equal."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.tables: list[str] = []
        self.equal: list[tuple[int, int]] = []
        self.bound: set[int] = set()
        self.queries: set[int] = set()
        """Numbers that stand for queries, not for tables."""
        self.depths: list[int] = []
        """How many queries stand around the one that names each table."""
        self.after: list[tuple[int, Node, Node]] = []
        """INSERT .. SELECT: the table, what its tenant is, and the query whose tables that is one of."""

    def unbound(self) -> Iterator[str]:
        """Tables whose tenant equals no parameter, nor that of a table that does."""
        known = set(self.bound)
        pairs = [*self.equal, *((b, a) for a, b in self.equal)]
        while more := {b for a, b in pairs if a in known and b not in known} - self.queries:
            known |= more
        for number, table in enumerate(self.tables):
            if number not in known | self.queries:
                yield f"{table} is read or written without its tenant"

    def walk(
        self,
        node: Any,
        scopes: tuple[dict[str, int], ...],
        *,
        writes: str | None = None,
        named: frozenset[str] = frozenset(),
    ) -> None:
        """Reads a node and all below it.

        ``writes``: the kind of the statement that writes, if it stands in one. ``named``: names of queries (WITH),
        which are no tables here.
        """
        if isinstance(node, (list, tuple)):
            for item in node:
                self.walk(item, scopes, writes=writes, named=named)
            return
        if not isinstance(node, dict):
            return
        kind = node.get("@")
        if kind in _QUERIES:
            writes = kind if kind != "SelectStmt" else writes
            around, clause = named, node.pop("withClause", {})
            for query in clause.get("ctes", ()):
                itself = {query["ctename"]} if clause.get("recursive") else set()
                self.walk(query, scopes, writes=writes, named=around | named | itself)
                named |= {query["ctename"]}
            scopes = self._query(node, scopes, named)
        elif kind in ("A_Expr", "JoinExpr"):
            self._condition(node, scopes)
        elif kind == "FuncCall":
            self._call(node, writes)
        elif kind == "CaseExpr" and writes and "arg" in node:
            self.faults.append("a simple CASE in a statement that writes: write `case when`")
        for value in node.values():
            self.walk(value, scopes, writes=writes, named=named)

    def _query(
        self, node: Node, scopes: tuple[dict[str, int], ...], named: frozenset[str]
    ) -> tuple[dict[str, int], ...]:
        """The scopes inside a query: which tables it names itself, by their aliases, and those around it."""
        if "larg" in node:  # a UNION names no table itself
            return scopes
        scope: dict[str, int] = {}
        for part in ("relation", "fromClause", "usingClause"):
            self._relations(node.get(part), scope, named)
        self.depths += [len(scopes)] * (len(self.tables) - len(self.depths))
        if node["@"] == "InsertStmt":
            self._insert(node)
            self._conflict(node)
        for number, target, source in self.after:
            if source is node and (other := self._tenant(target, (*scopes, scope))) is not None:
                self.equal.append((number, other))
        return (*scopes, scope)

    def _condition(self, node: Node, scopes: tuple[dict[str, int], ...]) -> None:
        if node["@"] == "JoinExpr":
            if any(name["sval"] == "tenant_id" for name in node.get("usingClause", ())):
                self.equal += list(itertools.pairwise(sorted(self._under(node))))
        elif node["name"][-1]["sval"] == "=" and node["kind"]["name"] == "AEXPR_OP":
            self._equality(node["lexpr"], node["rexpr"], scopes)

    def _relations(self, node: Any, scope: dict[str, int], named: frozenset[str]) -> None:
        """The tables that a query names itself, not in a query inside it."""
        if isinstance(node, (list, tuple)):
            for item in node:
                self._relations(item, scope, named)
        elif isinstance(node, dict) and node.get("@") in ("RangeVar", "RangeSubselect"):
            table = node.get("relname", "")
            alias = node.get("alias", {}).get("aliasname", table)
            if "relname" not in node or (table in named and "schemaname" not in node):
                # Its rows are of the tenant that its own tables are bound to; no server can tell that from outside.
                self.queries.add(len(self.tables))
            elif table not in TENANTS:
                return
            scope[alias] = node["#number"] = len(self.tables)
            self.tables.append(table)
        elif isinstance(node, dict) and node.get("@") == "JoinExpr":
            self._relations([node["larg"], node["rarg"]], scope, named)

    def _under(self, join: Node) -> Iterator[int]:
        for side in ("larg", "rarg"):
            if "#number" in join[side]:
                yield join[side]["#number"]
            elif join[side].get("@") == "JoinExpr":
                yield from self._under(join[side])

    def _tenant(self, node: Any, scopes: tuple[dict[str, int], ...]) -> int | None:
        """The table whose tenant an expression is."""
        if not isinstance(node, dict) or node.get("@") != "ColumnRef":
            return None
        names = [field.get("sval", "*") for field in node["fields"]]
        if names[-1] != "tenant_id":
            return None
        for scope in reversed(scopes):
            if len(names) == 1 and scope:
                return next(iter(scope.values()))
            if len(names) > 1 and names[-2] in scope:
                return scope[names[-2]]
        return None

    def _is_parameter(self, node: Any) -> bool:
        while isinstance(node, dict) and node.get("@") == "TypeCast":
            node = node["arg"]
        return isinstance(node, dict) and node.get("@") == "ParamRef"

    def _equality(self, left: Any, right: Any, scopes: tuple[dict[str, int], ...]) -> None:
        if isinstance(left, dict) and left.get("@") == "RowExpr" and isinstance(right, dict) and "args" in right:
            for mine, theirs in zip(left["args"], right["args"], strict=False):
                self._equality(mine, theirs, scopes)
            return
        sides = [self._tenant(side, scopes) for side in (left, right)]
        if sides[0] is not None and sides[1] is not None and self._seen_from_each_other(sides[0], sides[1]):
            self.equal.append((sides[0], sides[1]))
        for number, other in zip(sides, (right, left), strict=True):
            if number is not None and self._is_parameter(other):
                self.bound.add(number)

    def _seen_from_each_other(self, a: int, b: int) -> bool:
        """Whether a planner carries the tenant from one table to the other: not into a query inside an inner query."""
        return self.depths[a] == self.depths[b] or min(self.depths[a], self.depths[b]) == 0

    def _conflict(self, node: Node) -> None:
        """What a conflict is judged by is worked out where the row is, and not always told the parameters."""
        clause = node.get("onConflictClause", {})
        if _names(clause.get("whereClause")) & (NOW | VOLATILE):
            self.faults.append("ON CONFLICT .. WHERE asks for the time: bind it")
        several = node["relation"]["relname"] == "due" and "selectStmt" in node
        if several and not _binds_tenant(node) and _has_parameter(clause):
            self.faults.append("ON CONFLICT of several tenants' rows has a parameter: write it out")

    def _insert(self, node: Node) -> None:
        number = node["relation"].get("#number")
        source = node.get("selectStmt")
        if number is None or source is None:
            return
        names = [column["name"] for column in node.get("cols", ())]
        place = names.index("tenant_id") if "tenant_id" in names else None
        if place is None:
            return
        if "valuesLists" in source:
            if all(self._is_parameter(row[place]) for row in source["valuesLists"]):
                self.bound.add(number)
            return
        target = source["targetList"][place]["val"]
        if self._is_parameter(target):
            self.bound.add(number)
        elif isinstance(target, dict) and target.get("@") == "ColumnRef":
            self.after.append((number, target, source))
        if not any(_tables(source.get("fromClause"))):
            self.faults.append("INSERT .. SELECT names no tenant's table in FROM: join `tenant`")

    def _call(self, node: Node, writes: str | None) -> None:
        name = node["funcname"][-1]["sval"]
        if name in ALONE:
            self.faults.append(f"{name} is known on one machine alone")
        if name == "set_config" and "'app." in str(node["args"][0]):
            self.faults.append("set_config is not passed on to other machines: `set local` is")
        if writes and name in VOLATILE:
            self.faults.append(f"{name}() in a statement that writes")
        if writes == "UpdateStmt" and name in STABLE and _has_column(node.get("args")):
            self.faults.append(f"{name}() of a column in an UPDATE: bind the value, or use an immutable function")


def _tables(node: Any) -> Iterator[str]:
    """The tenants' tables that a FROM names."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _tables(item)
    elif isinstance(node, dict) and node.get("@") == "RangeVar" and node["relname"] in TENANTS:
        yield node["relname"]
    elif isinstance(node, dict) and node.get("@") == "JoinExpr":
        yield from _tables([node["larg"], node["rarg"]])


def _names(node: Any) -> set[str]:
    """The names of the functions that are called in a node."""
    if isinstance(node, (list, tuple)):
        return {name for item in node for name in _names(item)}
    if isinstance(node, dict):
        own = {node["funcname"][-1]["sval"]} if node.get("@") == "FuncCall" else set()
        return own | _names(list(node.values()))
    return set()


def _binds_tenant(node: Node) -> bool:
    """Whether the tenant of the rows that an INSERT writes is a parameter, the first thing that its query selects."""
    first = node["selectStmt"].get("targetList", ({},))[0].get("val", {})
    return "valuesLists" in node["selectStmt"] or _has_parameter(first)


def _has_parameter(node: Any) -> bool:
    if isinstance(node, (list, tuple)):
        return any(map(_has_parameter, node))
    if isinstance(node, dict):
        return node.get("@") == "ParamRef" or any(map(_has_parameter, node.values()))
    return False


def _has_column(node: Any) -> bool:
    if isinstance(node, (list, tuple)):
        return any(map(_has_column, node))
    if isinstance(node, dict):
        return node.get("@") == "ColumnRef" or any(map(_has_column, node.values()))
    return False
