"""Calendars: dated versions under a notice rule, and questions about business time."""

from __future__ import annotations

from email.message import Message
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, StringConstraints

from app.api.deps import Caller, KeyedCall, scoped
from app.api.headers import checking, conditional, tagged
from app.api.paging import ShortPaging
from app.api.problems import Problem, problems
from app.api.reply import Reply
from app.api.strict import Body, Day, Flag, Instant, LongText, ShortText, StrictRoute, big, inbound
from app.domain.clocks.ticket_clocks import Hours
from app.domain.values.errors import DomainError
from app.usecases import calendars

router = APIRouter(route_class=StrictRoute, tags=["Calendars and clocks"])

CalendarName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TimeOfDay = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{2}:\d{2}$")]
Opening = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2, examples=[["09:00", "17:00"]])]
Openings = Annotated[list[Opening], Field(max_length=48)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Reader = Annotated[Caller, scoped("calendars:read", "calendars:write")]
Writer = Annotated[Caller, scoped("calendars:write")]


class ICalendar(Response):
    """A calendar as other programs take it."""

    media_type = "text/calendar"


class CalendarBody(Body):
    """A calendar: its zone (an IANA name) and how many days before it takes effect a closure is announced."""

    zone: ShortText = Field(examples=["Europe/Berlin"])
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 0


class ExceptionBody(Body):
    """What is different on one date."""

    date: Day
    kind: Literal["closed", "replace", "add", "subtract"]
    name: Annotated[str, StringConstraints(strict=True, max_length=200)] | None = None
    source: Annotated[str, StringConstraints(strict=True, max_length=200)] | None = None
    hours: Openings | None = None


class CalendarVersionBody(Body):
    """A version from a local date on. What is left out is inherited from the version that holds on that date.

    ``whole_shifts``: hours from 00:00 belong to the business day before, where that ends at 24:00 and neither day is
    open all day.
    """

    effective_from: Day
    weekly_hours: dict[Weekday, Openings] | None = None
    exceptions: Annotated[list[ExceptionBody], Field(max_length=5000)] | None = None
    closure_rules: dict[Literal["holidays", "closures"], list[dict[str, Any]]] | None = None
    correction: Flag = False
    reason: LongText | None = None
    whole_shifts: Flag = True


@router.get("/v1/calendars", operation_id="listCalendars", responses=problems())
async def list_calendars(caller: Reader, page: ShortPaging) -> Response:
    """The tenant's calendars; the policy's own is called ``service-hours``."""
    return await caller.short_page(page, calendars.list_calendars)


@router.put("/v1/calendars/{name}", operation_id="putCalendar", status_code=201, responses=problems(409, 412))
async def put_calendar(name: CalendarName, body: CalendarBody, caller: Writer, request: Request) -> Response:
    """A calendar. 201 the first time, 200 with the same body again; other content needs If-Match."""
    status, view = await caller.do(
        lambda tx: calendars.put_calendar(
            tx,
            name,
            zone_name=body.zone,
            notice_days=body.notice_days,
            check=checking(request),
            change=conditional(request),
        )
    )
    return Reply(view, status_code=status, headers=_etag(view))


@router.get("/v1/calendars/{name}", operation_id="getCalendar", responses=problems(404))
async def get_calendar(name: CalendarName, caller: Reader) -> Response:
    """The calendar and its versions in brief; the ETag goes into If-Match."""
    view = await caller.ask(lambda tx: calendars.get_calendar(tx, name))
    return Reply(view, headers=_etag(view))


@router.get("/v1/calendars/{name}/versions", operation_id="listCalendarVersions", responses=problems(404))
async def list_versions(name: CalendarName, caller: Reader, page: ShortPaging) -> Response:
    """Every published version, the newest first."""
    return await caller.short_page(page, lambda tx: calendars.list_versions(tx, name))


@router.post(
    "/v1/calendars/{name}/versions",
    operation_id="publishCalendarVersion",
    status_code=201,
    responses=problems(404, 409, 412),
)
@big
async def publish_version(
    name: CalendarName, body: CalendarVersionBody, caller: Writer, call: KeyedCall
) -> Response:
    """Publishes a version; ``preview`` says which open clocks it moves, or would with ``validate_only``. The calendar's
    ETag as If-Match: only if nothing was published since it was read."""
    asked = calendars.NewVersion(**body.plain())
    with caller.database.budget.one("publication", caller.tenant_id):
        answer = await call.keyed(
            "calendars.publish",
            {"calendar": name},
            body,
            lambda tx: calendars.add_version(tx, name, asked, check=checking(call.request)),
            status=201,
        )
        if not caller.validate_only:
            await calendars.carry_on(caller.database, caller.tenant_id, name)
        return answer


_FEED: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "text/calendar": {
            "schema": {"type": "string"},
            "example": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@shop.example\r\n"
            "DTSTART;VALUE=DATE:20251226\r\nSUMMARY:Boxing Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        }
    },
}


@router.post("/v1/calendars/{name}/imports", operation_id="importCalendar", responses=problems(404, 415),
             openapi_extra={"requestBody": _FEED})  # fmt: skip
@inbound
async def import_draft(name: CalendarName, request: Request, caller: Writer) -> Response:
    """A holiday feed (``text/calendar``, in the ``charset`` that is named or UTF-8) as a draft of exceptions with their
    names. Nothing is published; ``ignored`` lists what was left out and why."""
    media = Message()
    media["content-type"] = request.headers.get("content-type", "")
    if media.get_content_type() != "text/calendar":
        raise Problem("feed_media_type")
    body, charset = await request.body(), media.get_param("charset")
    return await _draft(caller, name, body, str(charset) if charset else None)


class FeedBody(Body):
    """A holiday feed, as text."""

    feed: Annotated[str, StringConstraints(strict=True, min_length=1)] = Field(
        examples=[_FEED["content"]["text/calendar"]["example"]]
    )


@router.post("/v1/calendars/{name}/drafts", operation_id="readCalendarFeed", responses=problems(404))
@big
async def read_feed(name: CalendarName, body: FeedBody, caller: Writer) -> Response:
    """A holiday feed, as text in JSON, as a draft of exceptions: what ``imports`` answers. Nothing is published."""
    try:
        return await _draft(caller, name, body.feed.encode(), None)
    except DomainError as error:
        if error.code.startswith("feed_"):  # here the feed is a field of the body
            error.facts["field"] = "feed"
        raise


async def _draft(caller: Caller, name: str, body: bytes, charset: str | None) -> Response:
    place = await caller.ask(lambda tx: calendars.feed_place(tx, name))
    return Reply(await calendars.feed_draft(name, body, place, charset=charset))


@router.get("/v1/calendars/{name}/closures", operation_id="listClosures", responses=problems(404))
async def closures(
    name: CalendarName,
    caller: Reader,
    first: Annotated[Day, Query(alias="from", description="First date")],
    last: Annotated[Day, Query(alias="to", description="Last date, included")],
) -> Response:
    """Closed and half days with every reason and the hours that half days stay open; not paged."""
    return Reply(calendars.closures_view(await _known(caller, name), first, last))


@router.get(
    "/v1/calendars/{name}/calendar.ics",
    operation_id="exportCalendar",
    response_class=ICalendar,
    responses=problems(404),
)
async def export(
    name: CalendarName,
    caller: Reader,
    first: Annotated[Day | None, Query(alias="from", description="First date; this year's first")] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Last date; the last of the year after next")
    ] = None,
) -> Response:
    """Closed and half days as iCalendar, to subscribe to."""
    text = await caller.ask(lambda tx: calendars.export_icalendar(tx, name, first, last))
    return ICalendar(text)


@router.get("/v1/calendars/{name}/open", operation_id="isOpen", responses=problems(404))
async def is_open(name: CalendarName, at: Annotated[Instant, Query()], caller: Reader) -> Response:
    """Whether an instant is business time, and the next opening and close after it."""
    return Reply(calendars.open_view(await _known(caller, name), at))


@router.get("/v1/calendars/{name}/elapsed", operation_id="elapsedTime", responses=problems(404))
async def elapsed(
    name: CalendarName,
    caller: Reader,
    start: Annotated[Instant, Query(alias="from")],
    end: Annotated[Instant, Query(alias="to")],
) -> Response:
    """Business seconds between two instants; negative when ``to`` comes first."""
    return Reply(calendars.elapsed_view(await _known(caller, name), start, end))


@router.get("/v1/calendars/{name}/due", operation_id="dueTime", responses=problems(404))
async def due(
    name: CalendarName,
    caller: Reader,
    start: Annotated[Instant, Query(alias="from")],
    target: Annotated[str, Query(min_length=1, max_length=100, examples=["business_days:1:close"])],
) -> Response:
    """When a target that starts at ``from`` falls due: the stretches counted, the closures skipped with their names."""
    return Reply(calendars.due_view(await _known(caller, name), start, target))


async def _known(caller: Caller, name: str) -> Hours:
    if caller.principal.customer_id is not None:
        raise Problem("customer_token_not_allowed")
    return await calendars.known(caller.database, caller.tenant_id, name)


def _etag(view: dict[str, Any]) -> dict[str, str]:
    return {"ETag": tagged(calendars.tag_of(view))}
