"""Calendars at the desk: a month with its hours and closures, and what a new version would move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from fastapi import Response

from app.api.deps import wall_clock
from app.api.pages import hours
from app.api.pages.door import Pages, problem_of, see_other
from app.api.pages.forms import Form
from app.api.pages.home import SESSION, home_page
from app.api.pages.rendering import link, part, root_of
from app.api.pages.visit import Visit
from app.api.problems import FieldError, Problem
from app.domain.values.errors import DomainError
from app.domain.values.wire import parse_iso

PAGES: Final = Pages()
TAB: Final = "Calendars"
WEEK: Final = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
DONE: Final = {"published": "The version is published."}
FIRST_YEAR, LAST_YEAR = 2001, 2190


@PAGES.get("/desk/calendars", kinds=SESSION, asks=())
async def show_calendars(visit: Visit) -> Response:
    """Show the tenant's calendars."""
    found = await visit.ask("listCalendars", {"limit": "100"})
    return home_page(visit, "calendars.html", TAB, found=found["data"])


@PAGES.get("/desk/calendars/{name}", kinds=SESSION, asks=("month",))
async def show_calendar(visit: Visit) -> Response:
    """Show a month of a calendar: each day's hours, and closures by name."""
    return await calendar_page(visit, visit.request.path_params["name"])


async def calendar_page(
    visit: Visit,
    name: str,
    *,
    status: int = 200,
    problem: Mapping[str, Any] | None = None,
    preview: Mapping[str, Any] | None = None,
    draft: Form | None = None,
) -> Response:
    """Return a calendar's page. ``preview``: what the version of the form would do."""
    calendar = await visit.ask("getCalendar", name=name)
    versions = (await visit.ask("listCalendarVersions", {"limit": "100"}, name=name))["data"]
    sent = visit.query("month")
    if sent and _month(sent) is None:
        visit.note_unknown("month", f"A month between {FIRST_YEAR} and {LAST_YEAR} is written 2025-07.")
    month = _month(sent) or hours.local_date(_now(await _time(visit)), calendar["zone"]).replace(day=1)
    days = hours.days(calendar["zone"], month, (_next(month) - month).days)
    if versions:
        spans = await hours.open_spans(visit, name, days[0].begins, days[-1].ends)
        hours.lay_open(days, spans, calendar["zone"])
        await hours.lay_closures(visit, name, days)
    return home_page(
        visit,
        "calendar.html",
        TAB,
        status=status,
        problem=problem,
        done=DONE.get(visit.query("done")),
        calendar=calendar,
        versions=versions,
        month=month,
        before=f"{(month - timedelta(days=1)):%Y-%m}",
        after=f"{_next(month):%Y-%m}",
        days=days,
        week=WEEK,
        preview=preview,
        draft=draft or _as_it_is(versions),
    )


async def _time(visit: Visit) -> str | None:
    return (await visit.ask("getTime"))["now"] if visit.may("getTime") else None


def _now(now: str | None) -> datetime:
    return parse_iso(now) if now else wall_clock()


def _month(text: str) -> date | None:
    year, dash, number = text.partition("-")
    good = dash and year.isascii() and year.isdecimal() and number.isascii() and number.isdecimal()
    if not good or len(year) != 4 or len(number) != 2:
        return None
    if not FIRST_YEAR <= int(year) <= LAST_YEAR or not 1 <= int(number) <= 12:
        return None
    return date(int(year), int(number), 1)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _as_it_is(versions: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return the newest version as the fields of the form."""
    if not versions:
        return {}
    newest = versions[0]
    weekly = newest["weekly_hours"]
    found = {f"hours:{day}": ", ".join("-".join(span) for span in weekly.get(day) or ()) for day in WEEK}
    return {**found, "closed": ""}


def version_of(form: Form, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body of a version that a form describes; 422 for hours that nobody can read.

    Closed days are added to the exceptions of the version before, which a version replaces whole.
    """
    weekly = {day: _spans(form.get(f"hours:{day}", ""), f"weekly_hours/{day}") for day in WEEK}
    body: dict[str, Any] = {"effective_from": form.get("effective_from", "").strip(), "weekly_hours": weekly}
    if form.get("reason", "").strip():
        body["reason"] = form["reason"].strip()
    closed = [_closed(line) for line in form.get("closed", "").splitlines() if line.strip()]
    if closed:
        dates, since = {row["date"] for row in closed}, body["effective_from"]
        standing = (before or {}).get("exceptions") or ()
        # Those of days before are another version's, and a version that names them is refused.
        inherited = [dict(row) for row in standing if row["date"] not in dates and row["date"] >= since]
        body["exceptions"] = [*inherited, *closed]
    return body


def _spans(text: str, field: str) -> list[list[str]]:
    found = []
    for part_ in text.split(","):
        if not part_.strip():
            continue
        opens, dash, closes = part_.strip().replace("–", "-").partition("-")
        if not dash:
            message = "Hours are written as 09:00-18:00, with a comma between two stretches."
            raise Problem("invalid_input", errors=[FieldError(f"/{field}", "invalid_hours", message)])
        found.append([opens.strip(), closes.strip()])
    return found


def _closed(line: str) -> dict[str, Any]:
    on, _, name = line.strip().partition(" ")
    return {"date": on, "kind": "closed", **({"name": name.strip()} if name.strip() else {})}


@PAGES.post("/desk/calendars/act", kinds=SESSION)
async def act(visit: Visit) -> Response:
    """Show what a version would move, or publish it."""
    name, form = visit.form.get("name", ""), visit.form
    before = await visit.ask("listCalendarVersions", {"limit": "1"}, name=name)
    try:
        body = version_of(form, before["data"][0] if before["data"] else None)
        trying = form.get("do") != "publish"
        made = await visit.act("publishCalendarVersion", body, key=form.get("key", ""), validate_only=trying, name=name)
    except (Problem, DomainError) as refusal:
        shown = problem_of(refusal)
        visit.request.scope["retainer.code"] = shown["code"]
        if shown["status"] in (401, 403, 404, 429, 503):
            raise
        return await calendar_page(visit, name, status=shown["status"], problem=shown, draft=form)
    if trying:
        return await calendar_page(visit, name, preview=made["preview"], draft=form)
    target = link(visit, f"/desk/calendars/{part(name)}", done="published")
    return see_other(visit, target.removeprefix(root_of(visit)))
