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

from app.api.formats import MONTHS, day_text, duration_text, minute_text, money_text, number_text
from app.api.languages import NAMES, catalogue, current, known
from app.api.languages import PAGES as PAGES_DOMAIN
from app.api.pages import assets, words
from app.api.pages.terms import Terms, english
from app.api.pages.visit import Visit
from app.domain.values.wire import parse_iso

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
EXTENSIONS: Final = ["jinja2.ext.do", "jinja2.ext.i18n"]
_OWN: Final = ("lang", "token", "done")
"""What stands in an address for one look at a page, and not for the page."""


def link(visit: Visit, path: str, **query: Any) -> str:
    """Return the address of a page of ours: behind the prefix, with the token where the visitor came by one."""
    path, _, sent = path.partition("?")
    pairs = parse_qsl(sent) + [(name, str(value)) for name, value in query.items() if value not in (None, "")]
    if visit.in_address:
        pairs += [("token", visit.secret), *([("lang", visit.named_language)] if visit.named_language else [])]
    return f"{root_of(visit)}{path}{'?' + urlencode(pairs, quote_via=quote) if pairs else ''}"


def root_of(visit: Visit) -> str:
    """Return the prefix under which the service is reached."""
    return str(visit.request.scope.get("root_path", "")).rstrip("/")


def choices(visit: Visit) -> list[tuple[str, str, str]]:
    """Return the languages of a page with their own names, and the address of the page in each; none for staff pages.

    A page that answers a form has no address of its own: its choices lead to where the form went, and home from there.
    """
    if not visit.translated:
        return []
    path = "/" + quote(str(visit.request.scope["path"]).removeprefix(root_of(visit)).lstrip("/"))
    sent = [(name, value) for name, value in visit.request.query_params.multi_items() if name not in _OWN]
    token = [("token", visit.secret)] if visit.in_address else []
    return [
        (code, NAMES[code], f"{root_of(visit)}{path}?{urlencode([*sent, *token, ('lang', code)], quote_via=quote)}")
        for code in known()
    ]


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
        terms=Terms.of(visit.policy),
        months=MONTHS,
        language=current(),
        languages=choices(visit),
        **values,
    )


def moment(value: str | datetime | None, shape: str = "minute") -> Markup:
    """Return an instant as a ``time`` element, in UTC; a script shows the reader's own zone."""
    if not value:
        return Markup("–")
    at = (parse_iso(value) if isinstance(value, str) else value).astimezone(UTC)
    text = day_text(at) if shape == "day" else minute_text(at)
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
    """Return a whole number as the page's language writes it."""
    return "–" if value is None else number_text(value)


def signed(value: int) -> str:
    """Return a whole number with its sign."""
    return f"+{count(value)}" if value > 0 else count(value)


def money(value: Mapping[str, str] | None) -> str:
    """Return money as people write it."""
    return "–" if value is None else money_text(value)


def duration(seconds: int | None) -> str:
    """Return a length of time in its two largest units."""
    return "–" if seconds is None else duration_text(seconds)


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
        extensions=EXTENSIONS,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: catalogue(current(), PAGES_DOMAIN).gettext(message),
        lambda singular, plural, number: catalogue(current(), PAGES_DOMAIN).ngettext(singular, plural, number),
        pgettext=lambda context, message: catalogue(current(), PAGES_DOMAIN).pgettext(context, message),
        newstyle=True,
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
        english=english,
        sentence=sentence,
        coded=coded,
        state=words.state,
    )
    return made


_ENVIRONMENT: Final = _environment()
