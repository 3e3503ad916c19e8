"""The board of promised times: what is due, the latest first, and a clock's own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from fastapi import Response

from app.api.pages import strip
from app.api.pages.door import Pages
from app.api.pages.home import SESSION, home_page
from app.api.pages.visit import Visit
from app.api.pages.words import milestone, plain, seconds_between

PAGES: Final = Pages()
A_PART: Final = 25
LOOKED_AT_MAX: Final = 4
"""Parts of the list that one page looks through for clocks that its filters take."""
EVER: Final = "2199-12-31T00:00:00Z"
HOUR: Final = 3600
GROUPS: Final = {
    "time": "Time left",
    "milestone": "Promise",
    "priority": "Priority",
    "category": "Category",
    "team": "Team",
    "customer": "Customer",
}
PHASES: Final = {"running": "Running", "paused": "Standing still"}
_OF_TICKET: Final = ("priority", "category")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which clocks a board shows, and how they are put together."""

    phase: str = "running"
    milestone: str = ""
    priority: str = ""
    category: str = ""
    team: str = ""
    group: str = "time"

    @classmethod
    def read(cls, visit: Visit) -> Filters:
        """Return the filters of an address; the page tells what is no filter."""
        asked = {name: visit.query(name).strip()[:100] for name in ("milestone", "priority", "category", "team")}
        phase, group = visit.chosen("phase", PHASES, "running"), visit.chosen("group", GROUPS, "time")
        return cls(phase=phase, group=group, **asked)

    @property
    def query(self) -> dict[str, str]:
        """Return them for an address."""
        return {name: value for name, value in asdict(self).items() if value and value != _DEFAULTS[name]}

    @property
    def narrow(self) -> bool:
        """Whether some clocks are left out."""
        return bool(self.milestone or self.team or self.priority or self.category)

    def take(self, clock: Mapping[str, Any], ticket: Mapping[str, Any]) -> bool:
        """Whether a clock is shown."""
        return (
            self.milestone in ("", clock["milestone"])
            and self.team in ("", clock.get("team"))
            and all(getattr(self, name) in ("", ticket.get(name)) for name in _OF_TICKET)
        )

    @property
    def of_ticket(self) -> bool:
        """Whether they ask for what stands with the ticket."""
        return bool(self.priority or self.category)


_DEFAULTS: Final = asdict(Filters())


@PAGES.get("/desk/board", kinds=SESSION, asks=("phase", "milestone", "priority", "category", "team", "group", "cursor"))
async def show_board(visit: Visit) -> Response:
    """Show the open clocks by the time that is left. The page asks for itself again while it is looked at."""
    filters = Filters.read(visit)
    rows, cursor = await _rows(visit, filters)
    now = (await visit.ask("getTime"))["now"]
    for row in rows:
        row["left"] = None if row["clock"]["due_at"] is None else seconds_between(now, row["clock"]["due_at"])
    return home_page(
        visit,
        "board.html",
        "Board",
        now=now,
        filters=filters,
        groups=_grouped(rows, filters.group),
        shown=len(rows),
        next_cursor=cursor,
        first=not visit.query("cursor"),
        choices=await _choices(visit),
        group_names=GROUPS,
        phases=PHASES,
    )


async def _rows(visit: Visit, filters: Filters) -> tuple[list[dict[str, Any]], str | None]:
    """Return the next clocks that the filters take, each with its ticket, and where to go on."""
    cursor: str | None = visit.query("cursor") or None
    rows: list[dict[str, Any]] = []
    for _ in range(LOOKED_AT_MAX if filters.narrow else 1):
        asked = {"phase": filters.phase, "limit": str(A_PART), "cursor": cursor}
        if filters.phase == "running":
            asked["due_before"] = EVER
        found = await visit.ask("listClocks", asked)
        for clock in found["data"]:
            if not filters.take(clock, {}) and not filters.of_ticket:
                continue
            ticket = await _ticket(visit, clock)
            if filters.take(clock, ticket):
                rows.append({"clock": clock, "ticket": ticket})
        cursor = found["next_cursor"]
        if cursor is None or len(rows) >= A_PART:
            break
    return rows, cursor


async def _ticket(visit: Visit, clock: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a clock's ticket, or nothing for whoever may not read tickets."""
    if clock["ticket_id"] is None or not visit.may("getTicket", ticket_id=clock["ticket_id"]):
        return {}
    found: Mapping[str, Any] = await visit.ask("getTicket", ticket_id=clock["ticket_id"])
    return found


async def _choices(visit: Visit) -> dict[str, Sequence[tuple[str, str]]]:
    """Return what the filters offer: the names of the policy in force, where the visitor may read it."""
    if not visit.may("listPolicies"):
        return {}
    policies = (await visit.ask("listPolicies"))["data"]
    if not policies:
        return {}
    policy = await visit.ask("getPolicy", name=policies[0]["name"])
    promises = policy["document"].get("promises") or []
    teams = sorted({promise["team"] for promise in promises if isinstance(promise, dict) and promise.get("team")})
    names = dict.fromkeys(row["milestone"] for row in policy["milestones"])
    return {
        "milestone": [(name, milestone(name)) for name in names],
        "priority": [(row["priority"], row.get("title") or plain(row["priority"])) for row in policy["priorities"]],
        "category": [(row["category"], row["title"]) for row in policy["categories"]],
        "team": [(team, plain(team)) for team in teams],
    }


def _grouped(rows: Sequence[Mapping[str, Any]], group: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return rows under the heads of their groups, in the order in which each group is met first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(_head(row, group), []).append(row)
    return list(found.items())


def _head(row: Mapping[str, Any], group: str) -> str:
    clock, ticket = row["clock"], row["ticket"]
    match group:
        case "milestone":
            return milestone(clock["milestone"])
        case "team":
            return plain(clock["team"]) if clock.get("team") else "No team"
        case "priority" | "category":
            return plain(ticket[group]) if ticket.get(group) else f"No {group}"
        case "customer":
            return str(ticket.get("customer_id") or "Nobody")
    left = row["left"]
    if left is None:
        return "Standing still"
    return (
        "Overdue" if left < 0 else "Within the hour" if left < HOUR else "Within a day" if left < 24 * HOUR else "Later"
    )


@PAGES.get("/desk/clocks/{clock_id}", kinds=SESSION, asks=())
async def show_clock(visit: Visit) -> Response:
    """Show a promised time: a strip of days, and why it is due when it is due."""
    clock_id = visit.request.path_params["clock_id"]
    clock = await visit.ask("getClock", clock_id=clock_id)
    why = (
        await visit.ask("explain", kind="clock", id=clock_id)
        if visit.may("explain", kind="clock", id=clock_id)
        else None
    )
    now = (await visit.ask("getTime"))["now"]
    ticket = await _ticket(visit, clock)
    days = None
    if clock["started_at"] and visit.may("getCalendar", name=clock["calendar"]):
        calendar = await visit.ask("getCalendar", name=clock["calendar"])
        days = await strip.days_of(visit, clock, why, calendar["zone"], now)
    return home_page(visit, "clock.html", "Board", clock=clock, ticket=ticket, why=why, now=now, days=days)
