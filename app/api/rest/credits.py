"""Credits: holds and what becomes of them, debits, adjustments, batches; balance, entries, statement; lots; the audit.

Commands go to the ledger writer, which gathers what comes at once into one transaction. Their doors are thin: the body
is read strictly and checked by its model, and the answer's bytes leave as the ledger wrote them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from app.api.auth import Principal
from app.api.deps import (
    AsOf,
    Caller,
    KeyedCall,
    authenticate,
    house,
    idempotency_key,
    scope_missing,
    scoped,
)
from app.api.gathered import THIN, Gathered, gathered
from app.api.paging import Paging, ShortPaging
from app.api.problems import Problem, body_of, body_of_error, problems
from app.api.reply import Reply
from app.api.strict import (
    Body,
    Credits,
    ExternalId,
    Flag,
    Instant,
    LongText,
    Name,
    PathId,
    SignedCredits,
    StrictRoute,
    big,
    field_errors,
    take_body,
)
from app.domain.values.errors import DomainError
from app.usecases import accounts, audit, lots
from app.usecases import credits as commands
from app.usecases.commands import Unavailable
from app.usecases.credits import SCOPE_OF, CreditCommand, CreditResult

E = TypeVar("E", bound=Callable[..., Any])
MOST_COMMANDS: Final = 1000


class HoldBody(Body):
    """Credits to reserve. ``lot_id``: from this lot and nothing else; ``license_id`` opens the lots of that license."""

    credits: Credits
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    lot_id: ExternalId | None = None
    expires_at: Instant | None = None


class DebitBody(Body):
    """Credits to take at once."""

    credits: Credits
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    lot_id: ExternalId | None = None


class CaptureBody(Body):
    """What to take of a hold: all that is held unless told. ``final`` releases the rest, which else stays held."""

    credits: Credits | None = None
    final: Flag = False


class GiveBackBody(Body):
    """What to give back: all there is unless told."""

    credits: Credits | None = None
    reason: LongText | None = None


class AdjustmentBody(Body):
    """+n grants, -n takes; never zero."""

    credits: SignedCredits
    reason: LongText
    credit_type: Name | None = None
    expires_at: Instant | None = None


class BatchItem(Body):
    """One command of a batch, with a key of its own."""

    idempotency_key: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")]
    kind: Literal["hold", "capture", "release", "refund", "debit", "adjust"]
    customer_id: ExternalId | None = None
    hold_id: ExternalId | None = None
    credits: SignedCredits | None = None
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    lot_id: ExternalId | None = None
    expires_at: Instant | None = None
    final: Flag = False
    reason: LongText | None = None


class BatchBody(Body):
    """Up to 1,000 commands, independent of one another."""

    commands: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_COMMANDS)]


class TransferBody(Body):
    """Who gets it."""

    to_customer_id: ExternalId


class LotRefundBody(Body):
    """``override``: the vendor's discretion, with the scope ``credits:refund`` and a reason."""

    override: Flag = False
    reason: LongText | None = None


# --- commands ---------------------------------------------------------------------------------------------------------


class _Thin:
    """How a thin operation makes its command."""

    def __init__(
        self, kind: commands.Kind, model: type[Body], subject: Literal["customer_id", "hold_id"]
    ) -> None:
        self.kind = kind
        self.model = model
        self.subject = subject
        self.scope = SCOPE_OF[kind]

    async def answer(self, request: Request, principal: Principal) -> Response:
        """Reads the body strictly and answers what the ledger writer says."""
        await take_body(request, limit=65536, raw=False, has_body=True)
        command = self.command(request, request._json, idempotency_key(request), principal.actor)
        return answered(await house(request).credits.submit(str(principal.tenant_id), command))

    def command(self, request: Request, body: Any, key: str | None, actor: str) -> CreditCommand:
        """The command of a request whose body is parsed. Raises 422 naming each wrong field."""
        try:
            given = self.model.model_validate(body)
        except ValidationError as error:
            found = RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
            raise Problem("invalid_input", errors=field_errors(found)) from None
        return self.make(request.path_params[self.subject], given, key, actor)

    def make(self, subject: str, given: Body, key: str | None, actor: str) -> CreditCommand:
        """The command of a checked body."""
        fields: dict[str, Any] = {**given.__dict__, self.subject: subject}
        return CreditCommand(kind=self.kind, key=key, actor=actor, **fields)


class ThinRoute(StrictRoute):
    """A command's route: as strict as the others, without FastAPI's dependency machinery on the way.

    The operation's function declares the contract and the scope; ``command_of`` turns path and body into a command.
    """

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Checks as `StrictRoute` does, then answers by itself."""
        endpoint = self.endpoint
        thin = getattr(endpoint, THIN, None)
        checked = super().get_route_handler()
        if thin is None:
            return checked
        return checked_then(self, thin, checked)


def checked_then(
    route: StrictRoute, thin: _Thin | Gathered, checked: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """The handler of a thin route; anything unusual (a query, an odd path) takes the ordinary way."""

    async def handle(request: Request) -> Response:
        scope = request.scope
        if scope.get("query_string") or b"%" in (scope.get("raw_path") or b"") or len(scope["path"]) > 160:
            return await checked(request)
        scope["retainer.route"] = route.path_format
        scope["retainer.operation"] = route.operation_id
        principal = await authenticate(request)
        if principal.kind != "key" or not principal.may(thin.scope) or principal.tenant_id is None:
            return await checked(request)
        return await thin.answer(request, principal)

    return handle


def thin(
    kind: commands.Kind, model: type[Body], subject: Literal["customer_id", "hold_id"]
) -> Callable[[E], E]:
    """Marks an operation as thin; stands below ``@router.post``."""

    def mark(endpoint: E) -> E:
        setattr(endpoint, THIN, _Thin(kind, model, subject))
        return endpoint

    return mark


def answered(result: CreditResult) -> Response:
    """The answer of a result; raises its refusal."""
    if result.error is not None:
        raise result.error
    headers = {"Idempotent-Replayed": "true"} if result.replayed else None
    return Response(result.body, status_code=result.status, media_type="application/json", headers=headers)


async def carry_out(caller: Caller, endpoint: Any, subject: str, body: Body) -> Response:
    """The ordinary way of a command: with a query (``validate_only``), an odd path or another kind of key."""
    made: _Thin = getattr(endpoint, THIN)
    command = made.make(subject, body, idempotency_key(caller.request), caller.actor)
    if not caller.validate_only:
        return answered(await caller.rooms.credits.submit(caller.tenant_id, command))
    results = await caller.do(lambda tx: commands.apply(tx, [command]))
    return answered(results[0])


router = APIRouter(route_class=ThinRoute, tags=["Credits"])
Debits = Annotated[Caller, scoped("credits:debit")]
Adjusts = Annotated[Caller, scoped("credits:adjust")]
Batches = Annotated[Caller, scoped("credits:debit", "credits:adjust")]
Reads = Annotated[Caller, scoped("customers:read")]
Sells = Annotated[Caller, scoped("orders:write")]
Refunds = Annotated[Caller, scoped("orders:write", "credits:refund")]


@router.get("/v1/customers/{customer_id}/balance", operation_id="getBalance", responses=problems(404))
@gathered
async def get_balance(customer_id: PathId, caller: Reads, point: AsOf) -> Response:
    """What is available and held, and the lots it is in; exact at the instant."""
    return await caller.read(
        lambda tx: accounts.balance(tx, customer_id, as_of=point.as_of, known_at=point.known_at)
    )


@router.post(
    "/v1/customers/{customer_id}/debits",
    operation_id="createDebit",
    status_code=201,
    responses=problems(404, 409),
)
@thin("debit", DebitBody, "customer_id")
async def create_debit(customer_id: PathId, body: DebitBody, caller: Debits, keyed: KeyedCall) -> Response:
    """Holds and captures at once; the answer's ``hold_id`` is what a refund needs."""
    return await carry_out(caller, create_debit, customer_id, body)


@router.post(
    "/v1/customers/{customer_id}/holds",
    operation_id="createHold",
    status_code=201,
    responses=problems(404, 409),
)
@thin("hold", HoldBody, "customer_id")
async def create_hold(customer_id: PathId, body: HoldBody, caller: Debits, keyed: KeyedCall) -> Response:
    """Reserves credits in order of spending."""
    return await carry_out(caller, create_hold, customer_id, body)


@router.post("/v1/holds/{hold_id}/capture", operation_id="captureHold", responses=problems(404, 409))
@thin("capture", CaptureBody, "hold_id")
async def capture_hold(hold_id: PathId, body: CaptureBody, caller: Debits, keyed: KeyedCall) -> Response:
    """Takes held credits for good, in the hold's order."""
    return await carry_out(caller, capture_hold, hold_id, body)


@router.post("/v1/holds/{hold_id}/release", operation_id="releaseHold", responses=problems(404, 409))
@thin("release", GiveBackBody, "hold_id")
async def release_hold(hold_id: PathId, body: GiveBackBody, caller: Debits, keyed: KeyedCall) -> Response:
    """Gives held credits back to the lots they came from, in reverse."""
    return await carry_out(caller, release_hold, hold_id, body)


@router.post("/v1/holds/{hold_id}/refund", operation_id="refundHold", responses=problems(404, 409))
@thin("refund", GiveBackBody, "hold_id")
async def refund_hold(hold_id: PathId, body: GiveBackBody, caller: Debits, keyed: KeyedCall) -> Response:
    """Gives captured credits back to the lots they came from, in reverse."""
    return await carry_out(caller, refund_hold, hold_id, body)


@router.post(
    "/v1/customers/{customer_id}/adjustments",
    operation_id="adjustCredits",
    status_code=201,
    responses=problems(404, 409),
)
@thin("adjust", AdjustmentBody, "customer_id")
async def adjust_credits(
    customer_id: PathId, body: AdjustmentBody, caller: Adjusts, keyed: KeyedCall
) -> Response:
    """Corrects a balance by hand: +n grants a lot (and makes the customer), -n takes what is available."""
    return await carry_out(caller, adjust_credits, customer_id, body)


@router.post("/v1/credit-batches", operation_id="createCreditBatch", responses=problems())
@big
async def create_batch(body: BatchBody, caller: Batches) -> Response:
    """Up to 1,000 commands, each with a status, a code and a result of its own; no header key."""
    results: list[dict[str, Any] | None] = [None] * len(body.commands)
    waiting: list[tuple[int, CreditCommand]] = []
    for index, item in enumerate(body.commands):
        made = _item(caller, item)
        if isinstance(made, CreditCommand):
            waiting.append((index, made))
        else:
            results[index] = made
    sent = [command for _, command in waiting]
    if caller.validate_only:
        found: Sequence[CreditResult | BaseException] = (
            await caller.do(lambda tx: commands.apply(tx, sent)) if sent else ()
        )
    else:
        futures = caller.rooms.credits.submit_many(caller.tenant_id, sent) if sent else []
        found = await asyncio.gather(*futures, return_exceptions=True)
    for (index, command), one in zip(waiting, found, strict=True):
        results[index] = _shown(command.key, one)
    return Reply({"results": results})


def _item(caller: Caller, item: dict[str, Any]) -> CreditCommand | dict[str, Any]:
    """The command of an item, or its refusal."""
    key = item.get("idempotency_key")
    try:
        given = BatchItem.model_validate(item)
        _check_item(given)
        if not caller.may(SCOPE_OF[given.kind]):
            raise scope_missing(SCOPE_OF[given.kind])
    except ValidationError as error:
        found = RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        body = body_of("invalid_input", errors=field_errors(found))
    except Problem as refusal:
        body = body_of(refusal.code, refusal.detail, errors=refusal.errors, **refusal.extra)
    except DomainError as refusal:
        body = body_of_error(refusal)
    else:
        fields = dict(given.__dict__)
        return CreditCommand(key=fields.pop("idempotency_key"), actor=caller.actor, **fields)
    return {
        "idempotency_key": key,
        "status": body["status"],
        "code": body["code"],
        "result": None,
        "problem": body,
    }


def _check_item(given: BatchItem) -> None:
    on_hold = given.kind in ("capture", "release", "refund")
    if on_hold and given.hold_id is None:
        raise DomainError("invalid_input", field="hold_id", message="This kind needs a hold_id.")
    if not on_hold and given.customer_id is None:
        raise DomainError("invalid_input", field="customer_id", message="This kind needs a customer_id.")
    if not on_hold and given.credits is None:
        raise DomainError("invalid_input", field="credits", message="This kind needs credits.")
    if given.kind == "adjust" and given.reason is None:
        raise DomainError("invalid_input", field="reason", message="An adjustment needs a reason.")


def _shown(key: str | None, found: CreditResult | BaseException) -> dict[str, Any]:
    if isinstance(found, CreditResult) and found.error is None:
        return {
            "idempotency_key": key,
            "status": found.status,
            "code": None,
            "replayed": found.replayed,
            "result": found.data(),
        }
    if isinstance(found, CreditResult) and found.error is not None:
        body = body_of_error(found.error)
    elif isinstance(found, Unavailable):
        body = body_of("outcome_unknown" if found.outcome_unknown else "unavailable")
    else:
        body = body_of("internal_error")
    return {
        "idempotency_key": key,
        "status": body["status"],
        "code": body["code"],
        "result": None,
        "problem": body,
    }


# --- reading ----------------------------------------------------------------------------------------------------------


@router.get("/v1/customers/{customer_id}/statement", operation_id="getStatement", responses=problems(404))
async def get_statement(customer_id: PathId, caller: Reads, point: AsOf) -> Response:
    """Where credits came from, tickets in progress, resolved tickets: three parts whose sums meet the balance."""
    return await caller.read(
        lambda tx: accounts.statement(tx, customer_id, as_of=point.as_of, known_at=point.known_at)
    )


@router.get("/v1/customers/{customer_id}/entries", operation_id="listEntries", responses=problems(404))
async def list_entries(customer_id: PathId, caller: Reads, page: Paging, point: AsOf) -> Response:
    """The ledger: immutable moves between buckets."""
    return await caller.page(
        page,
        lambda tx, part: accounts.entries(
            tx, customer_id, as_of=point.as_of, known_at=point.known_at, part=part
        ),
    )


# --- lots -------------------------------------------------------------------------------------------------------------


@router.post("/v1/lots/{lot_id}/transfer", operation_id="transferLot", responses=problems(404, 409))
async def transfer_lot(lot_id: PathId, body: TransferBody, caller: Sells, keyed: KeyedCall) -> Response:
    """Gives a lot to another customer, or refuses, as the policy says."""
    return await keyed.keyed(
        "transfer_lot",
        {"lot_id": lot_id},
        body,
        lambda tx: lots.transfer(tx, lot_id, body.to_customer_id),
    )


@router.get("/v1/lots/{lot_id}/refund-quote", operation_id="quoteLotRefund", responses=problems(404))
async def quote_lot_refund(lot_id: PathId, caller: Annotated[Caller, scoped("orders:read")]) -> Response:
    """What the unused credits of a lot would bring back in money now."""
    return await caller.read(lambda tx: lots.quote(tx, lot_id))


@router.post("/v1/lots/{lot_id}/refund", operation_id="refundLot", responses=problems(404, 409))
async def refund_lot(lot_id: PathId, body: LotRefundBody, caller: Refunds, keyed: KeyedCall) -> Response:
    """Voids unused credits and says what money is due; ``override`` needs ``credits:refund`` and a reason."""
    if body.override:
        caller.require("credits:refund")
        if not (body.reason or "").strip():
            raise DomainError("invalid_input", field="reason", message="An override needs a reason.")
    return await keyed.keyed(
        "refund_lot",
        {"lot_id": lot_id},
        body,
        lambda tx: lots.refund(tx, lot_id, override=body.override, reason=body.reason),
    )


@router.get("/v1/audit", operation_id="getAudit", responses=problems())
async def get_audit(caller: Annotated[Caller, scoped("audit:read")], page: ShortPaging) -> Response:
    """Every broken invariant of the ledger; an empty list is the promise."""
    return await caller.short_page(page, audit.audit)
