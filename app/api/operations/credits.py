"""Credits: holds and what becomes of them, debits, adjustments, batches; balance, entries, statement; lots; the audit.

Commands go to the ledger writer, which gathers what comes at once into one transaction. The answer's bytes leave as the
ledger wrote them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, cast

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from app.api.fields import (
    Body,
    Credits,
    ExternalId,
    Facts,
    Flag,
    Instant,
    LongText,
    Name,
    PathId,
    RowsCursor,
    SignedCredits,
)
from app.api.operations.arguments import AsOf
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations, scope_missing
from app.api.paging import encode_cursor
from app.api.problems import Problem, body_of, body_of_error
from app.api.strict import BIG_LIMIT, field_errors
from app.domain.values.errors import DomainError
from app.usecases.commands import Unavailable
from app.usecases.credits import accounts, lots
from app.usecases.credits import credits as commands
from app.usecases.credits.credit_command import CreditCommand, CreditResult, Kind
from app.usecases.credits.credits import SCOPE_OF
from app.usecases.reports import audit
from app.views import errors
from app.views.audit import LedgerAudit
from app.views.balance import BALANCE_LISTS, Balance
from app.views.hold import Adjustment, CreditBatch, Hold
from app.views.hold import BatchItem as BatchResult
from app.views.lot import Lot, RefundQuote, Transfer
from app.views.shapes import PageOf
from app.views.statement import STATEMENT_LISTS, Entry, Statement

BATCH_COMMANDS_MAX: Final = 1000


class HoldBody(Body):
    """Credits to reserve. ``lot_id``: from this lot and nothing else.

    ``license_id`` and ``category`` open the lots of that license and those kept for that category.
    """

    credits: Credits
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    category: Name | None = None
    lot_id: ExternalId | None = None
    expires_at: Instant | None = None


class DebitBody(Body):
    """Credits to take at once."""

    credits: Credits
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    category: Name | None = None
    lot_id: ExternalId | None = None


class CaptureBody(Body):
    """What to take of a hold: all that is held unless told. ``final`` releases the rest, which else stays held."""

    credits: Credits | None = None
    final: Flag = False


class GiveBackBody(Body):
    """What to give back: all there is unless told."""

    credits: Credits | None = None
    reason: LongText | None = None


def _stated(metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Return what metadata says, in one order, so that the same words have one digest; None for nothing."""
    return {name: metadata[name] for name in sorted(metadata) if metadata[name] is not None} or None


Metadata = Annotated[Facts, AfterValidator(_stated)]


class AdjustmentBody(Body):
    """+n grants, -n takes; never zero. ``metadata`` is kept with the lot that is granted."""

    credits: SignedCredits
    reason: LongText
    credit_type: Name | None = None
    expires_at: Instant | None = None
    metadata: Metadata | None = None


class BatchItem(Body):
    """One command of a batch, with a key of its own."""

    model_config = ConfigDict(title="CreditCommand")

    idempotency_key: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")]
    kind: Literal["hold", "capture", "release", "refund", "debit", "adjust"]
    customer_id: ExternalId | None = None
    hold_id: ExternalId | None = None
    credits: SignedCredits | None = None
    credit_type: Name | None = None
    ticket_id: ExternalId | None = None
    license_id: ExternalId | None = None
    category: Name | None = None
    lot_id: ExternalId | None = None
    expires_at: Instant | None = None
    final: Flag = False
    reason: LongText | None = None
    metadata: Metadata | None = None


class BatchBody(Body):
    """Up to 1,000 commands, independent of one another."""

    commands: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BATCH_COMMANDS_MAX)]


class TransferBody(Body):
    """Who gets it."""

    to_customer_id: ExternalId


class LotMetadataBody(Body):
    """What is kept beside the lot; it replaces what was."""

    metadata: Facts = Field(examples=[{"campaign": "spring"}])


class LotRefundBody(Body):
    """``override``: the vendor's discretion, with the scope ``credits:refund`` and a reason."""

    override: Flag = False
    reason: LongText | None = None


# --- commands ---------------------------------------------------------------------------------------------------------


async def _carry_out(call: Call, kind: Kind, body: Body) -> Answer[Any]:
    """Hand a command to the ledger writer, or try it where the caller only validates."""
    fields: dict[str, Any] = {**body.__dict__, **call.ids}
    command = CreditCommand(kind=kind, key=call.idempotency_key(), actor=call.actor, **fields)
    if call.validate_only:
        result = (await call.write(lambda tx: commands.apply(tx, [command])))[0]
    else:
        result = await call.rooms.credits.submit(call.tenant_id, command)
    if result.error is not None:
        raise result.error
    return Answer(None, result.status, replayed=result.replayed, encoded=result.body)


OPERATIONS = Operations("Credits")


@OPERATIONS.get("getBalance", "/v1/customers/{customer_id}/balance", scope="customers:read", refusals=(404,))
async def get_balance(call: Call, customer_id: PathId, point: AsOf, cursor: RowsCursor = None) -> Balance:
    """What is available and held, and the lots it is in, the first 100; exact at the instant."""
    start = call.start_of(BALANCE_LISTS, cursor)
    if point.as_of is None and point.known_at is None and call.principal.kind == "key" and start == 0:
        found = await call.balance(customer_id)
    else:
        found = await call.read(
            lambda tx: accounts.balance(tx, customer_id, as_of=point.as_of, known_at=point.known_at, start=start)
        )
    return call.first_rows(found, BALANCE_LISTS, start)


@OPERATIONS.post(
    "createDebit",
    "/v1/customers/{customer_id}/debits",
    scope="credits:debit",
    key="keyed",
    status=201,
    refusals=(404, 409),
    command=True,
)
async def create_debit(call: Call, customer_id: PathId, body: DebitBody) -> Answer[Hold]:
    """Holds and captures at once; the answer's ``hold_id`` is what a refund needs."""
    return await _carry_out(call, "debit", body)


@OPERATIONS.post(
    "createHold",
    "/v1/customers/{customer_id}/holds",
    scope="credits:debit",
    key="keyed",
    status=201,
    refusals=(404, 409),
    command=True,
)
async def create_hold(call: Call, customer_id: PathId, body: HoldBody) -> Answer[Hold]:
    """Reserves credits in order of spending."""
    return await _carry_out(call, "hold", body)


@OPERATIONS.post(
    "captureHold", "/v1/holds/{hold_id}/capture", scope="credits:debit", key="keyed", refusals=(404, 409), command=True
)
async def capture_hold(call: Call, hold_id: PathId, body: CaptureBody) -> Answer[Hold]:
    """Takes held credits for good, in the hold's order."""
    return await _carry_out(call, "capture", body)


@OPERATIONS.post(
    "releaseHold", "/v1/holds/{hold_id}/release", scope="credits:debit", key="keyed", refusals=(404, 409), command=True
)
async def release_hold(call: Call, hold_id: PathId, body: GiveBackBody) -> Answer[Hold]:
    """Gives held credits back to the lots they came from, in reverse."""
    return await _carry_out(call, "release", body)


@OPERATIONS.post(
    "refundHold", "/v1/holds/{hold_id}/refund", scope="credits:debit", key="keyed", refusals=(404, 409), command=True
)
async def refund_hold(call: Call, hold_id: PathId, body: GiveBackBody) -> Answer[Hold]:
    """Gives captured credits back to the lots they came from, in reverse."""
    return await _carry_out(call, "refund", body)


@OPERATIONS.post(
    "adjustCredits",
    "/v1/customers/{customer_id}/adjustments",
    scope="credits:adjust",
    key="keyed",
    status=201,
    refusals=(404, 409),
    command=True,
)
async def adjust_credits(call: Call, customer_id: PathId, body: AdjustmentBody) -> Answer[Adjustment]:
    """Corrects a balance by hand: +n grants a lot (and makes the customer), -n takes what is available."""
    return await _carry_out(call, "adjust", body)


@OPERATIONS.post("createCreditBatch", "/v1/credit-batches", scope=("credits:debit", "credits:adjust"), limit=BIG_LIMIT)
async def create_batch(call: Call, body: BatchBody) -> CreditBatch:
    """Up to 1,000 commands, each with a status, a code and a result of its own; no header key."""
    results: list[Any] = [None] * len(body.commands)
    waiting: list[tuple[int, CreditCommand]] = []
    for index, item in enumerate(body.commands):
        made = _item(call, item)
        if isinstance(made, CreditCommand):
            waiting.append((index, made))
        else:
            results[index] = made
    sent = [command for _, command in waiting]
    if call.validate_only:
        found: Sequence[CreditResult | BaseException] = (
            await call.write(lambda tx: commands.apply(tx, sent)) if sent else ()
        )
    else:
        futures = call.rooms.credits.submit_many(call.tenant_id, sent) if sent else []
        found = await asyncio.gather(*futures, return_exceptions=True)
    for (index, command), pair in zip(waiting, found, strict=True):
        results[index] = _shown(command.key, pair)
    return {"results": results}


def _item(call: Call, item: dict[str, Any]) -> CreditCommand | BatchResult:
    """The command of an item, or its refusal."""
    key = item.get("idempotency_key")
    try:
        command = BatchItem.model_validate(item)
        _check_item(command)
        if not call.may(SCOPE_OF[command.kind]):
            raise scope_missing(SCOPE_OF[command.kind])
    except ValidationError as error:
        found = RequestValidationError([{**error_, "loc": ("body", *error_["loc"])} for error_ in error.errors()])
        body = body_of("invalid_input", errors=field_errors(found))
    except Problem as refusal:
        body = body_of(refusal.code, refusal.detail, errors=refusal.errors, **refusal.extra)
    except DomainError as refusal:
        body = body_of_error(refusal)
    else:
        fields = dict(command.__dict__)
        return CreditCommand(key=fields.pop("idempotency_key"), actor=call.actor, **fields)
    return _refused(key, body)


def _refused(key: str | None, body: dict[str, Any]) -> BatchResult:
    problem = cast(errors.Problem, body)
    return {
        "idempotency_key": key,
        "status": problem["status"],
        "code": problem["code"],
        "result": None,
        "problem": problem,
    }


def _check_item(item: BatchItem) -> None:
    on_hold = item.kind in ("capture", "release", "refund")
    if on_hold and item.hold_id is None:
        raise DomainError("invalid_input", field="hold_id", message="This kind needs a hold_id.")
    if not on_hold and item.customer_id is None:
        raise DomainError("invalid_input", field="customer_id", message="This kind needs a customer_id.")
    if not on_hold and item.credits is None:
        raise DomainError("invalid_input", field="credits", message="This kind needs credits.")
    if item.kind == "adjust" and item.reason is None:
        raise DomainError("invalid_input", field="reason", message="An adjustment needs a reason.")


def _shown(key: str | None, found: CreditResult | BaseException) -> BatchResult:
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
    return _refused(key, body)


# --- reading ----------------------------------------------------------------------------------------------------------


@OPERATIONS.get(
    "getStatement", "/v1/customers/{customer_id}/statement", scope="customers:read", refusals=(404,), account=True
)
async def get_statement(call: Call, customer_id: PathId, point: AsOf, cursor: RowsCursor = None) -> Statement:
    """Where credits came from, tickets in progress, resolved tickets: three parts whose totals meet the balance."""
    start = call.start_of(STATEMENT_LISTS, cursor)
    found = await call.read(
        lambda tx: accounts.statement(tx, customer_id, as_of=point.as_of, known_at=point.known_at, start=start),
        shared=point.is_now,
    )
    return call.first_rows(found, STATEMENT_LISTS, start)


@OPERATIONS.get(
    "listEntries", "/v1/customers/{customer_id}/entries", scope="customers:read", paging="pages", refusals=(404,)
)
async def list_entries(call: Call, customer_id: PathId, point: AsOf) -> Answer[PageOf[Entry]]:
    """The ledger: immutable moves between buckets."""
    return await call.pages(
        lambda tx, part: accounts.entries(tx, customer_id, as_of=point.as_of, known_at=point.known_at, part=part)
    )


@OPERATIONS.get("getEntry", "/v1/entries/{entry_id}", scope="customers:read", refusals=(404,))
async def get_entry(call: Call, entry_id: PathId, point: AsOf) -> Entry:
    """One line of the ledger, if it was there `as_of`, by what was `known_at`."""
    return await call.read(lambda tx: accounts.entry(tx, entry_id, as_of=point.as_of, known_at=point.known_at))


# --- lots -------------------------------------------------------------------------------------------------------------


@OPERATIONS.get("getLot", "/v1/lots/{lot_id}", scope="customers:read", refusals=(404,))
async def get_lot(call: Call, lot_id: PathId, point: AsOf) -> Lot:
    """A lot as it stands, or stood ``as_of`` by what was ``known_at``."""
    return await call.read(lambda tx: accounts.lot(tx, lot_id, as_of=point.as_of, known_at=point.known_at))


@OPERATIONS.put("putLotMetadata", "/v1/lots/{lot_id}/metadata", scope="credits:adjust", refusals=(404,))
async def put_lot_metadata(call: Call, lot_id: PathId, body: LotMetadataBody) -> Lot:
    """Replaces what you keep beside a lot, whoever granted it. Nothing else of it changes."""
    return await call.write(lambda tx: lots.put_metadata(tx, lot_id, _stated(body.metadata)))


@OPERATIONS.post("transferLot", "/v1/lots/{lot_id}/transfer", scope="orders:write", key="keyed", refusals=(404, 409))
async def transfer_lot(call: Call, lot_id: PathId, body: TransferBody) -> Answer[Transfer]:
    """Gives a lot to another customer, or refuses, as the policy says."""
    return await call.keyed("transfer_lot", body, lambda tx: lots.transfer(tx, lot_id, body.to_customer_id))


@OPERATIONS.get("quoteLotRefund", "/v1/lots/{lot_id}/refund-quote", scope="orders:read", refusals=(404,))
async def quote_lot_refund(call: Call, lot_id: PathId) -> RefundQuote:
    """What the unused credits of a lot would bring back in money now."""
    return await call.read(lambda tx: lots.quote(tx, lot_id))


@OPERATIONS.post(
    "refundLot", "/v1/lots/{lot_id}/refund", scope=("orders:write", "credits:refund"), key="keyed", refusals=(404, 409)
)
async def refund_lot(call: Call, lot_id: PathId, body: LotRefundBody) -> Answer[RefundQuote]:
    """Voids unused credits and says what money is due; ``override`` needs ``credits:refund`` and a reason."""
    if body.override:
        call.require("credits:refund")
        if not (body.reason or "").strip():
            raise DomainError("invalid_input", field="reason", message="An override needs a reason.")
    return await call.keyed(
        "refund_lot", body, lambda tx: lots.refund(tx, lot_id, override=body.override, reason=body.reason)
    )


@OPERATIONS.get("getAudit", "/v1/audit", scope="audit:read", paging="short")
async def get_audit(call: Call) -> Answer[LedgerAudit]:
    """Every broken invariant of the ledger; an empty list is the promise.

    A large tenant is looked at stretch by stretch: a call looks for some seconds, and ``next_cursor`` goes on. The
    promise holds for the whole tenant once ``next_cursor`` is null and no part had a row.
    """
    secrets, page = call.rooms.cursor_secrets, call.page
    key = page.after(secrets, call.tenant_id) or [0, ""]
    skipped, after = int(key[0] or 0), str(key[-1])
    found, following = await call.read(lambda tx: audit.audit(tx, after=after, skipped=skipped, limit=page.limit))
    if following is not None:
        found["next_cursor"] = encode_cursor(secrets[0], page.context(call.tenant_id), following)
    return Answer(found, headers=page.headers(found))
