"""Declare operations: each once, with who may call it, what it takes, what it answers, and how it is done.

Both doors are made from the table. `app.api.rest.binder` makes a route of an operation, `app.api.graphql` a field.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from app.api.auth import Principal
from app.api.operations.arguments import Arguments
from app.api.problems import FieldError, Problem
from app.api.strict import BODY_LIMIT
from app.views import shapes

Key = Literal["natural", "keyed", "offered", "none"]
"""How a write is known again.

- ``natural``: by an id of the caller's in its path or body
- ``keyed``: by an Idempotency-Key
- ``offered``: by a key if one is given
- ``none``: not at all
"""
Paging = Literal["pages", "short"]
"""``short``: a list that is short by nature is given whole, and cut into pages here."""
Perform = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may call an operation.

    ``scopes``: any of them opens it. ``operator``: whether the operator's key opens it too, or ``only`` that key.
    ``tenant_in``: where the tenant is named, for operations of the operator. ``code``: of the refusal.
    """

    scopes: tuple[str, ...] = ()
    operator: Literal["never", "also", "only"] = "never"
    tenant_in: Literal["path", "query"] | None = None
    code: str = "scope_missing"
    open: bool = False
    """Needs no key at all."""
    by_customer: bool = False
    """A customer token opens it for its own customer, whatever scopes it carries; a write, if the token may act."""

    def admit(self, principal: Principal, path: Mapping[str, Any], query: Mapping[str, Any], *, reads: bool) -> str:
        """Return the tenant that the caller acts for. Raise 403, or 404 for what is another's."""
        if self.open:
            return ""
        if self.operator == "only":
            if principal.kind != "operator":
                raise Problem("operator_only")
            return str(path.get("tenant_id", ""))
        if principal.kind == "operator":
            return self._named_by_operator(path, query)
        own = principal.customer_id is not None and self.by_customer and (reads or principal.acts)
        if not own and not any(principal.may(scope) for scope in self.scopes):
            raise scope_missing(self.scopes[0], self.code)
        tenant_id = str(principal.tenant_id)
        if self.tenant_in is not None:
            named = path.get("tenant_id") if self.tenant_in == "path" else query.get("tenant_id", tenant_id)
            if named != tenant_id:
                raise Problem("tenant_not_found")
        if principal.customer_id is not None:
            if not reads and not own:
                raise Problem("customer_token_not_allowed")
            customer_id = path.get("customer_id") or query.get("customer_id")
            if customer_id is not None and not principal.is_own(customer_id):
                raise Problem("not_found")
        return tenant_id

    def _named_by_operator(self, path: Mapping[str, Any], query: Mapping[str, Any]) -> str:
        if self.operator == "never":
            raise Problem("operator_not_allowed")
        named = (path if self.tenant_in == "path" else query).get("tenant_id")
        if not named:
            wrong = FieldError("/tenant_id", "required", "The operator names the tenant.", "query")
            raise Problem("invalid_input", errors=[wrong])
        return str(named)


def scope_missing(scope: str, code: str = "scope_missing") -> Problem:
    """Return 403 naming the scope."""
    return Problem(code, f"The key does not carry the scope {scope}.", scope=scope)


OPEN: Final = Access(open=True)
OPERATOR: Final = Access(operator="only")
OWNER_IN_PATH: Final = Access(scopes=("*",), operator="also", tenant_in="path")
"""The operator for the tenant that the path names, or a key of that tenant with every scope."""
OWNER_IN_QUERY: Final = Access(scopes=("*",), operator="also", tenant_in="query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. ``perform(call, **arguments)`` does it and returns its view, or an `Answer`."""

    id: str
    method: str
    path: str
    tag: str
    access: Access
    key: Key
    perform: Perform
    arguments: Arguments
    about: str
    answer: Any = None
    """The published shape of the view (`app.views`), which the function says it returns; None where it says none."""
    status: int = 200
    paging: Paging | None = None
    refusals: tuple[int, ...] | None = ()
    """Statuses of problems that it has beside those that every operation has; None: it refuses nothing."""
    limit: int = BODY_LIMIT
    """Bytes of a body."""
    account: bool = False
    """Reads one customer's whole account: a query loads the accounts that several fields ask for together."""
    raw: Mapping[str, Any] | None = None
    """The body is taken as it is sent, `Call.raw`; this is what is published of it."""
    media: str | None = None
    """The media type of an answer that is text."""
    question: bool = False
    """Changes nothing, though its body makes it a POST."""
    no_twin: str | None = None
    """Why GraphQL has no field for it."""
    command: bool = False
    """A command of the ledger: who calls and the key are looked at before the body, so that most needs least."""

    @property
    def reads(self) -> bool:
        """Whether it is a GET."""
        return self.method == "GET"

    @property
    def conditional(self) -> bool:
        """Whether it takes If-Match."""
        return 412 in (self.refusals or ())


class Operations:
    """The operations of one noun, in the order in which their routes are tried."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._found: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._found)

    def declare(
        self,
        id: str,
        method: str,
        path: str,
        *,
        scope: str | tuple[str, ...] = (),
        access: Access | None = None,
        key: Key = "none",
        paging: Paging | None = None,
        refusals: tuple[int, ...] | None = (),
        by_customer: bool = False,
        **more: Any,
    ) -> Callable[[Perform], Perform]:
        """Declare the operation that the function below does.

        The function's parameters after ``call`` are the operation's: of the path, of the query, and ``body``.
        ``by_customer``: see `Access`.
        """

        def note(perform: Perform) -> Perform:
            scopes = (scope,) if isinstance(scope, str) else scope
            signature = signature_of(perform)
            self._found.append(
                Operation(
                    id=id,
                    method=method,
                    path=path,
                    tag=self.tag,
                    access=Access(scopes=scopes, by_customer=by_customer) if access is None else access,
                    key=key,
                    perform=perform,
                    arguments=Arguments.of(path, signature, paging),
                    about=inspect.cleandoc(perform.__doc__ or ""),
                    answer=_shape(signature.return_annotation),
                    paging=paging,
                    refusals=refusals,
                    **more,
                )
            )
            return perform

        return note

    @functools.cached_property
    def get(self) -> Callable[..., Callable[[Perform], Perform]]:
        """`declare` with the method GET: ``@operations.get(id, path, ...)``."""
        return self._with("GET")

    @functools.cached_property
    def post(self) -> Callable[..., Callable[[Perform], Perform]]:
        """`declare` with the method POST."""
        return self._with("POST")

    @functools.cached_property
    def put(self) -> Callable[..., Callable[[Perform], Perform]]:
        """`declare` with the method PUT."""
        return self._with("PUT")

    @functools.cached_property
    def patch(self) -> Callable[..., Callable[[Perform], Perform]]:
        """`declare` with the method PATCH."""
        return self._with("PATCH")

    @functools.cached_property
    def delete(self) -> Callable[..., Callable[[Perform], Perform]]:
        """`declare` with the method DELETE."""
        return self._with("DELETE")

    def _with(self, method: str) -> Callable[..., Callable[[Perform], Perform]]:
        return functools.partial(self._declare_as, method)

    def _declare_as(self, method: str, id: str, path: str, **more: Any) -> Callable[[Perform], Perform]:
        return self.declare(id, method, path, **more)


def signature_of(perform: Perform) -> inspect.Signature:
    """Return the parameters of an operation: those of its function after ``call``, with their types."""
    hints = get_type_hints(perform, include_extras=True)
    _, *parameters = inspect.signature(perform).parameters.values()
    return inspect.Signature(
        [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
            for parameter in parameters
        ],
        return_annotation=hints.get("return"),
    )


def _shape(returned: Any) -> Any:
    """Return the shape of ``Ticket``, or of ``Answer[Ticket]``; None of anything else."""
    if getattr(get_origin(returned), "__name__", None) == "Answer":
        (returned,) = get_args(returned)
    return returned if shapes.is_shape(returned) else None
