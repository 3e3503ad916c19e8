"""Calendars: dated versions under a notice rule, and questions about business time."""

from __future__ import annotations

from email.message import Message
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field, StringConstraints

from app.api.fields import Body, Day, Flag, Instant, LongText, ShortText, no_controls
from app.api.headers import tagged
from app.api.operations.call import Answer, Call
from app.api.operations.table import Operations
from app.api.problems import Problem
from app.api.strict import BIG_LIMIT, INBOUND_LIMIT
from app.domain.clocks.ticket_clock import Hours
from app.domain.values.errors import DomainError
from app.usecases.clocks import calendar_questions, calendars
from app.views import calendar as views
from app.views.shapes import PageOf

OPERATIONS = Operations("Calendars and clocks")

CalendarName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
TimeOfDay = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{2}:\d{2}$")]
Opening = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2, examples=[["09:00", "17:00"]])]
Openings = Annotated[list[Opening], Field(max_length=48)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class CalendarBody(Body):
    """A calendar: its zone (an IANA name) and how many days before it takes effect a closure is announced."""

    zone: ShortText = Field(examples=["Europe/Berlin"])
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 0


class ExceptionBody(Body):
    """What is different on one date."""

    date: Day
    kind: Literal["closed", "replace", "add", "subtract"]
    name: Annotated[str, StringConstraints(strict=True, max_length=200), AfterValidator(no_controls)] | None = None
    source: Annotated[str, StringConstraints(strict=True, max_length=200), AfterValidator(no_controls)] | None = None
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


@OPERATIONS.get("listCalendars", "/v1/calendars", scope=("calendars:read", "calendars:write"), paging="short")
async def list_calendars(call: Call) -> Answer[PageOf[views.CalendarRow]]:
    """The tenant's calendars; the policy's own is called ``service-hours``."""
    return await call.short_page(calendars.list_calendars)


@OPERATIONS.put(
    "putCalendar", "/v1/calendars/{name}", scope="calendars:write", key="natural", status=201, refusals=(409, 412)
)
async def put_calendar(call: Call, name: CalendarName, body: CalendarBody) -> Answer[views.CalendarRow]:
    """A calendar. 201 the first time, 200 with the same body again; other content needs If-Match."""
    status, view = await call.write(
        lambda tx: calendars.put_calendar(
            tx,
            name,
            zone_name=body.zone,
            notice_days=body.notice_days,
            check=call.conditions.check,
            change=bool(call.conditions.required),
        )
    )
    return Answer(view, status, _etag(view))


@OPERATIONS.get("getCalendar", "/v1/calendars/{name}", scope=("calendars:read", "calendars:write"), refusals=(404,))
async def get_calendar(call: Call, name: CalendarName) -> Answer[views.Calendar]:
    """The calendar and its versions in brief; the ETag goes into If-Match."""
    view = await call.read(lambda tx: calendars.get_calendar(tx, name))
    return Answer(view, headers=_etag(view), versioned=True)


@OPERATIONS.get(
    "listCalendarVersions",
    "/v1/calendars/{name}/versions",
    scope=("calendars:read", "calendars:write"),
    paging="short",
    refusals=(404,),
)
async def list_versions(call: Call, name: CalendarName) -> Answer[PageOf[views.CalendarVersion]]:
    """Every published version, the newest first."""
    return await call.short_page(lambda tx: calendars.list_versions(tx, name))


@OPERATIONS.post(
    "publishCalendarVersion",
    "/v1/calendars/{name}/versions",
    scope="calendars:write",
    key="keyed",
    status=201,
    refusals=(404, 409, 412),
    limit=BIG_LIMIT,
)
async def publish_version(call: Call, name: CalendarName, body: CalendarVersionBody) -> Answer[views.CalendarVersion]:
    """Publishes a version; ``preview`` says which open clocks it moves, or would with ``validate_only``. The calendar's
    ETag as If-Match: only if nothing was published since it was read."""
    asked = calendars.NewVersion(**body.plain())
    with call.database.budget.one("publication", call.tenant_id):
        answer = await call.keyed(
            "calendars.publish",
            body,
            lambda tx: calendars.add_version(tx, name, asked, check=call.conditions.check),
            ids={"calendar": name},
        )
        if not call.validate_only:
            await calendars.carry_on(call.database, call.tenant_id, name)
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


@OPERATIONS.post(
    "importCalendar",
    "/v1/calendars/{name}/imports",
    scope="calendars:write",
    refusals=(404, 415),
    raw=_FEED,
    limit=INBOUND_LIMIT,
)
async def import_draft(call: Call, name: CalendarName) -> views.FeedDraft:
    """A holiday feed (``text/calendar``, in the ``charset`` that is named or UTF-8) as a draft of exceptions with their
    names. Nothing is published; ``ignored`` lists what was left out and why."""
    media = Message()
    media["content-type"] = call.raw.headers.get("content-type", "")
    if media.get_content_type() != "text/calendar":
        raise Problem("feed_media_type")
    body, charset = call.raw.body, media.get_param("charset")
    return await _draft(call, name, body, str(charset) if charset else None)


class FeedBody(Body):
    """A holiday feed, as text."""

    feed: Annotated[str, StringConstraints(strict=True, min_length=1)] = Field(
        examples=[_FEED["content"]["text/calendar"]["example"]]
    )


@OPERATIONS.post(
    "readCalendarFeed",
    "/v1/calendars/{name}/drafts",
    scope="calendars:write",
    refusals=(404,),
    limit=BIG_LIMIT,
    question=True,
)
async def read_feed(call: Call, name: CalendarName, body: FeedBody) -> views.FeedDraft:
    """A holiday feed, as text in JSON, as a draft of exceptions: what ``imports`` answers. Nothing is published."""
    try:
        return await _draft(call, name, body.feed.encode(), None)
    except DomainError as error:
        if error.code.startswith("feed_"):  # here the feed is a field of the body
            error.facts["field"] = "feed"
        raise


async def _draft(call: Call, name: str, body: bytes, charset: str | None) -> views.FeedDraft:
    place = await call.read(lambda tx: calendar_questions.feed_place(tx, name))
    return await calendar_questions.feed_draft(name, body, place, charset=charset)


@OPERATIONS.get(
    "listClosures", "/v1/calendars/{name}/closures", scope=("calendars:read", "calendars:write"), refusals=(404,)
)
async def closures(
    call: Call,
    name: CalendarName,
    first: Annotated[Day, Query(alias="from", description="First date")],
    last: Annotated[Day, Query(alias="to", description="Last date, included")],
) -> views.ClosurePage:
    """Closed and half days with every reason and the hours that half days stay open; not paged."""
    return calendar_questions.closures_view(await _known(call, name), first, last)


@OPERATIONS.get(
    "exportCalendar",
    "/v1/calendars/{name}/calendar.ics",
    scope=("calendars:read", "calendars:write"),
    refusals=(404,),
    media="text/calendar",
)
async def export(
    call: Call,
    name: CalendarName,
    first: Annotated[Day | None, Query(alias="from", description="First date; this year's first")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last date; the last of the year after next")] = None,
) -> Answer[Any]:
    """Closed and half days as iCalendar, to subscribe to."""
    text = await call.read(lambda tx: calendar_questions.export_icalendar(tx, name, first, last))
    return Answer(text)


@OPERATIONS.get("isOpen", "/v1/calendars/{name}/open", scope=("calendars:read", "calendars:write"), refusals=(404,))
async def is_open(call: Call, name: CalendarName, at: Annotated[Instant, Query()]) -> views.Opening:
    """Whether an instant is business time, and the next opening and close after it."""
    return calendar_questions.open_view(await _known(call, name), at)


@OPERATIONS.get(
    "elapsedTime", "/v1/calendars/{name}/elapsed", scope=("calendars:read", "calendars:write"), refusals=(404,)
)
async def elapsed(
    call: Call,
    name: CalendarName,
    start: Annotated[Instant, Query(alias="from")],
    end: Annotated[Instant, Query(alias="to")],
) -> views.Elapsed:
    """Business seconds between two instants; negative when ``to`` comes first."""
    return calendar_questions.elapsed_view(await _known(call, name), start, end)


@OPERATIONS.get("dueTime", "/v1/calendars/{name}/due", scope=("calendars:read", "calendars:write"), refusals=(404,))
async def due(
    call: Call,
    name: CalendarName,
    start: Annotated[Instant, Query(alias="from")],
    target: Annotated[str, Query(min_length=1, max_length=100, examples=["business_days:1:close"])],
) -> views.Due:
    """When a target that starts at ``from`` falls due: the stretches counted, the closures skipped with their names."""
    return calendar_questions.due_view(await _known(call, name), start, target)


async def _known(call: Call, name: str) -> Hours:
    if call.principal.customer_id is not None:
        raise Problem("customer_token_not_allowed")
    return await calendar_questions.known(call.database, call.tenant_id, name)


def _etag(view: views.CalendarRow) -> dict[str, str]:
    return {"ETag": tagged(calendars.tag_of(view))}
