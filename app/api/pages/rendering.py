"""Make HTML of templates. Everything that is put in is escaped; the templates alone hold markup."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from app.api.pages import assets, words
from app.api.pages.visit import Visit
from app.domain.values.wire import parse_iso

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def link(visit: Visit, path: str, **query: Any) -> str:
    """Return the address of a page of ours: behind the prefix, with the token where the visitor came by one."""
    path, _, sent = path.partition("?")
    pairs = parse_qsl(sent) + [(name, str(value)) for name, value in query.items() if value not in (None, "")]
    if visit.in_address:
        pairs.append(("token", visit.secret))
    return f"{root_of(visit)}{path}{'?' + urlencode(pairs, quote_via=quote) if pairs else ''}"


def root_of(visit: Visit) -> str:
    """Return the prefix under which the service is reached."""
    return str(visit.request.scope.get("root_path", "")).rstrip("/")


def render(template: str, visit: Visit, **values: Any) -> str:
    """Return a page."""
    root = root_of(visit)
    return _ENVIRONMENT.get_template(template).render(
        visit=visit,
        link=lambda path, **query: link(visit, path, **query),
        asset=lambda name: root + assets.address(name),
        csrf=visit.csrf,
        fresh=lambda: secrets.token_urlsafe(18),
        may=visit.may,
        words=words,
        months=MONTHS,
        **values,
    )


def moment(value: str | datetime | None, shape: str = "minute") -> Markup:
    """Return an instant as a ``time`` element, in UTC; a script shows the reader's own zone."""
    if not value:
        return Markup("–")
    at = (parse_iso(value) if isinstance(value, str) else value).astimezone(UTC)
    day = f"{at.day} {MONTHS[at.month - 1]} {at.year}"
    text = day if shape == "day" else f"{day}, {at:%H:%M} UTC"
    return Markup('<time datetime="{}" data-shape="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), shape, text
    )


def day(value: str | datetime | None) -> Markup:
    """Return an instant as a day."""
    return moment(value, "day")


def calendar_day(value: date | str) -> str:
    """Return a date of a calendar, which no zone changes."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def part(value: str) -> str:
    """Return an id as a part of an address."""
    return quote(value, safe="")


def count(value: int | None) -> str:
    """Return a whole number with a thin space between thousands, and a true minus sign."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f").replace("-", "\u2212")


def signed(value: int) -> str:
    """Return a whole number with its sign."""
    return f"+{count(value)}" if value > 0 else count(value)


def money(value: Mapping[str, str] | None) -> str:
    """Return money as people write it."""
    return "–" if value is None else f"{value['amount']}\u00a0{value['currency']}"


def duration(seconds: int | None) -> str:
    """Return a length of time in its two largest units."""
    if seconds is None:
        return "–"
    left, parts = abs(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}\u00a0{unit}")
    return " ".join(parts[:2]) or "less than a minute"


def sentence(text: str) -> Markup:
    """Return a text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in str(text).splitlines())


def coded(text: str) -> Markup:
    """Return a text whose parts between backticks are code."""
    parts = str(text).split("`")
    even = len(parts) % 2 == 1
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if even and index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.do"],
    )
    made.filters.update(
        moment=moment,
        day=day,
        calendar_day=calendar_day,
        part=part,
        count=count,
        signed=signed,
        money=money,
        duration=duration,
        sentence=sentence,
        coded=coded,
        state=words.state,
    )
    return made


_ENVIRONMENT: Final = _environment()
