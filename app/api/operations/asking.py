"""How a page or an agent's tool asks and acts: it names an operation, so that it checks what the operation checks.

Pages and tools are doors beside REST and GraphQL. All reads of one page see one snapshot; each write is its own
transaction.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final, cast

from app.api.auth import Principal
from app.api.operations import registry
from app.api.operations.acting import agent_of
from app.api.operations.arguments import check_path, check_query
from app.api.operations.call import Answer, Call, answer_of
from app.api.operations.table import Operation
from app.api.paging import PageQuery
from app.api.problems import Problem
from app.api.snapshot import Snapshot, SnapshotBalances
from app.api.state import AppState
from app.api.strict import inspect_json
from app.domain.values.agent import Agent
from app.usecases.commands import Database

_NOTHING: Final[Mapping[str, Any]] = {}


@functools.cache
def operation_of(id: str) -> Operation:
    """Return an operation by its id."""
    return {operation.id: operation for operation in registry.operations()}[id]


class Calls:
    """The calls of one page or tool, on behalf of whoever uses it."""

    def __init__(self, principal: Principal, rooms: AppState) -> None:
        self.principal = principal
        self._rooms = rooms
        self._snapshot = Snapshot(rooms.database)

    async def close(self) -> None:
        """End the snapshot."""
        await self._snapshot.close()

    def may(self, id: str, /, **path: str) -> bool:
        """Whether the operation would let this caller in. It says nothing of the state of things."""
        operation = operation_of(id)
        try:
            operation.access.admit(self.principal, path, _NOTHING, reads=operation.reads)
        except Problem:
            return False
        return True

    async def ask(self, id: str, query: Mapping[str, Any] = _NOTHING, /, **path: str) -> Any:
        """Return what an operation answers to a question. Raise what it refuses."""
        return (await self.answer(id, path, query)).plain

    async def act(
        self, id: str, body: Mapping[str, Any], /, *, key: str = "", validate_only: bool = False, **path: str
    ) -> Any:
        """Carry out a write and return its view. ``key``: the Idempotency-Key of the form.

        ``validate_only``: the whole answer, and nothing is written.
        """
        inspect_json(dict(body), escapes=True)
        answer = await self.answer(id, path, _NOTHING, body=dict(body), key=key, validate_only=validate_only)
        return answer.plain

    async def answer(
        self,
        id: str,
        path: Mapping[str, str],
        query: Mapping[str, Any],
        *,
        body: dict[str, Any] | None = None,
        key: str = "",
        validate_only: bool = False,
    ) -> Answer[Any]:
        """Return what an operation answers, with its status. Raise what it refuses."""
        operation = operation_of(id)
        check_path(path)
        asked = {name: value for name, value in query.items() if value is not None}
        check_query(asked)
        tenant_id = operation.access.admit(self.principal, path, asked, reads=operation.reads)
        read = operation.arguments.read(path, asked, body)
        reading = operation.reads
        call = Call(
            operation=operation,
            principal=self.principal,
            tenant_id=tenant_id,
            rooms=self._rooms,
            database=cast(Database, self._snapshot) if reading else self._rooms.database,
            balances=SnapshotBalances(self._snapshot) if reading else self._rooms.balances,
            path=path,
            query=asked,
            keys=(key,) if key else (),
            validate_only=validate_only,
            ids={parameter.name: read.values[parameter.name] for parameter in operation.arguments.path},
        )
        if read.limit is not None:
            pairs = [(name, str(value)) for name, value in asked.items()]
            address = operation.path.format(**path)
            call.page_query = PageQuery(read.limit, read.cursor, address, pairs, read.narrowed)
        call.agent = agent_of(read.values.get("body")) or person_of(self.principal)
        answer = answer_of(operation, await operation.perform(call, **read.values))
        if answer.after is not None:
            await answer.after()
        return answer


def person_of(principal: Principal) -> Agent | None:
    """Return the person whose session it is."""
    person = principal.options.get("person") if principal.kind == "session" else None
    if not isinstance(person, dict) or "id" not in person:
        return None
    return {"id": str(person["id"]), "name": person.get("name")}
