"""What commands that ask the service share: where it is, who asks, how an answer is shown, and exit codes.

With a key the service is asked over HTTP, wherever it is. Without one, the command works on this machine, as a tenant
that is named. It asks the same application in its own process, over the database of the data folder or DATABASE_URL. So
both give the same answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, TypeVar

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from app.commands.base import EXIT_NOT_ANSWERED, CommandError, database_errors, existing, plain
from app.domain.values.errors import DomainError
from app.settings import Settings

T = TypeVar("T")
JSON = dict[str, Any]

EXIT_REFUSED: Final = 3
EXIT_NOT_FOUND: Final = 4
PAGE: Final = 100
_WIDE: Final = 200
"""Columns of a table that no terminal shows, so that nothing of it is cut."""

Url = Annotated[
    str | None, typer.Option("--url", envvar="RETAINER_URL", help="Where the service is; this machine unless given.")
]
Key = Annotated[
    str | None, typer.Option("--key", envvar="RETAINER_KEY", help="A key of the tenant; none: this machine's database.")
]
Tenant = Annotated[
    str | None, typer.Option("--tenant", envvar="RETAINER_TENANT", help="The tenant, where no key says which.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]
CustomerId = Annotated[str, typer.Argument(help="The customer's id.")]


class Refused(CommandError):  # noqa: N818 - it is what happened
    """The service refused, or did not answer; ``exit_code`` says which kind of refusal it was.

    ``problem``: the whole answer, where it was one of the catalogue's.
    """

    def __init__(self, message: str, exit_code: int, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.problem = problem or {}


@dataclass(frozen=True, slots=True)
class Target:
    """Which service is asked, and as whom. ``operator``: with the operator's key, or as the operator."""

    url: str | None
    key: str | None
    tenant: str | None
    operator: bool = False


@dataclass(slots=True)
class Service:
    """The service, as somebody who asks sees it."""

    client: httpx.AsyncClient
    where: str

    async def get(self, path: str, **query: Any) -> Any:
        """Return what a GET answers. ``None`` leaves a parameter out."""
        return await self.send("GET", path, query=query)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return what a call answers. Raise `Refused` with the code of the problem and the next step."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = await self.client.request(method, path, json=body, params=asked, headers=headers)
        except httpx.HTTPError as error:
            words = str(error) or type(error).__name__
            raise Refused(f"{self.where} does not answer: {words}", EXIT_NOT_ANSWERED) from None
        if answer.status_code >= 400:
            raise refusal_of(answer)
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text

    async def now(self) -> datetime:
        """Return the service's real time; in this process, that of the doors."""
        date = (await self.client.get("/livez")).headers.get("date")
        if date is not None:
            return parsedate_to_datetime(date)
        from app.api.deps import wall_clock

        return wall_clock()

    async def rows(self, path: str, limit: int, **query: Any) -> list[JSON]:
        """Return at most ``limit`` rows of a list, page by page."""
        found: list[JSON] = []
        cursor = None
        while len(found) < limit:
            page = await self.get(path, **query, limit=min(PAGE, limit - len(found)), cursor=cursor)
            found += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found


def refusal_of(answer: httpx.Response) -> Refused:
    """Return a refusal in words: its code, what happened, what would help, and what to do."""
    try:
        return _refusal(answer.status_code, answer.json())
    except (ValueError, KeyError, TypeError):
        return Refused(f"HTTP {answer.status_code}: {answer.text[:200]}", _exit_code(answer.status_code))


def refused(error: DomainError) -> Refused:
    """Return the refusal of a use case as the service would answer it."""
    # Imported here: an address needs none of it.
    from app.api.problems import body_of_error

    body = body_of_error(error)
    return _refusal(body["status"], body)


def _exit_code(status: int) -> int:
    """Return what a shell is told of an answer."""
    return EXIT_NOT_FOUND if status == 404 else EXIT_REFUSED if status < 500 else EXIT_NOT_ANSWERED


def _refusal(status: int, problem: JSON) -> Refused:
    lines = [f"{problem['code']}: {problem.get('detail') or problem.get('title')}"]
    lines += [f"{error.get('pointer')}: {error.get('message')}" for error in problem.get("errors", ())]
    lines += [
        f"{reason['message']} [{reason['clause']}]" for reason in problem.get("reasons", ()) if reason.get("clause")
    ]
    lines.append(f"next: {problem.get('next_step')}")
    return Refused("\n".join(map(plain, lines)), _exit_code(status), problem)


def ask(target: Target, work: Callable[[Service], Awaitable[T]]) -> T:
    """Return what ``work`` finds out."""

    async def working() -> T:
        async with service(target) as opened:
            return await work(opened)

    if target.key is not None:
        return asyncio.run(working())
    if target.url is not None:
        raise CommandError("a service at an address wants a key: give --key, or set RETAINER_KEY")
    if target.tenant is None and not target.operator:
        raise CommandError("say which tenant: give --tenant, or --key with a key of its own")
    with existing(Settings.read()) as settings:
        return asyncio.run(_here(target, settings, work))


def show(
    target: Target, work: Callable[[Service], Awaitable[T]], as_json: bool, draw: Callable[[Console, T], None]
) -> T:
    """Print what ``work`` finds out, or the refusal: as JSON, or as ``draw`` shows it to people."""
    try:
        with waiting():
            found = ask(target, work)
    except Refused as refusal:
        if as_json and refusal.problem:
            print(json.dumps(refusal.problem, indent=2, ensure_ascii=False))
        raise
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        draw(console(), found)
    return found


@contextlib.asynccontextmanager
async def service(target: Target) -> AsyncIterator[Service]:
    """Open the service at an address."""
    where = (target.url or f"http://127.0.0.1:{os.environ.get('RETAINER_PORT') or 8000}").rstrip("/")
    headers = {"Authorization": f"Bearer {target.key}"}
    if not where.lower().startswith(("http://", "https://")):
        raise CommandError("--url: it begins with http:// or https://")
    try:
        client = httpx.AsyncClient(base_url=where, headers=headers, timeout=60)
    except (httpx.InvalidURL, ValueError) as error:
        raise CommandError(f"--url: {error}") from None
    async with client:
        yield Service(client, where)


async def _here(target: Target, settings: Settings, work: Callable[[Service], Awaitable[T]]) -> T:
    """Ask the application in this process, as the tenant or as the operator."""
    # Imported here: an address needs none of it, and it takes a second.
    from app.api.auth import Principal
    from app.main import create_app

    app = create_app(settings.with_(worker_in_process=False, pool_size=2, log_level="error"))
    if target.operator:
        caller = Principal("operator", None, "command line", frozenset())
    else:
        caller = Principal("key", target.tenant, "command line", frozenset("*"))

    class Known:
        """Whoever runs a command on this machine may read its database."""

        async def principal(self, header: str | None, now: datetime) -> Principal:
            return caller

        last_used: Any = {}  # noqa: RUF012 - nothing is ever noted

        def forget(self) -> None:
            """Keep nothing."""

    async with contextlib.AsyncExitStack() as stack:
        with database_errors():
            await stack.enter_async_context(app.router.lifespan_context(app))
        app.state.house.authenticator = Known()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            if target.tenant is not None:
                await Service(client, "this machine").get("/v1/policies")
            return await work(Service(client, "this machine"))


# what people see ------------------------------------------------------------------------------------------------------


def console() -> Console:
    """Return where people read; without a terminal it has no colours and cuts nothing.

    Values of the service's go through `escaped`, or into a `Text`: they are shown as they are.
    """
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, emoji=False)


@contextlib.contextmanager
def waiting(words: str = "Asking") -> Any:
    """Show that something goes on, where a terminal shows it."""
    if not sys.stderr.isatty():
        yield
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True
    ) as progress:
        progress.add_task(words)
        yield


def table(out: Console, columns: Mapping[str, str], rows: list[JSON], *, empty: str, title: str | None = None) -> None:
    """Print rows: ``columns`` gives each heading the member that it shows, with dots between steps."""
    if not rows:
        out.print(empty, style="dim")
        return
    words = None if title is None else Text(plain(title))
    made = Table(box=None, pad_edge=False, title=words, title_justify="left", header_style="bold")
    for heading in columns:
        made.add_column(Text(plain(heading)), overflow="fold", no_wrap=not out.is_terminal)
    for row in rows:
        made.add_row(*(Text(plain(words_of(member(row, path)))) for path in columns.values()))
    out.print(made)


def facts(out: Console, view: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Print members of one thing: ``names`` gives each label the member that it shows. Empty ones are left out."""
    width = max(map(len, names), default=0)
    for label, path in names.items():
        value = member(view, path)
        if value not in (None, "", [], {}):
            out.print(f"[dim]{label.ljust(width)}[/dim]  {escaped(words_of(value))}", soft_wrap=True)


def member(view: Any, path: str) -> Any:
    """Return what stands at a path of names."""
    for name in path.split("."):
        view = view.get(name) if isinstance(view, Mapping) else None
    return view


def escaped(text: str) -> str:
    """Return a text that is shown as it is, whatever it looks like; only control characters are replaced."""
    return escape(plain(text))


def words_of(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if {"amount", "currency"} <= value.keys():
            return f"{value['amount']} {value['currency']}"
        return ", ".join(f"{name} {words_of(inner)}" for name, inner in value.items() if inner not in (None, [], {}))
    if isinstance(value, list | tuple):
        return ", ".join(words_of(item) for item in value)
    return _instant(value) if isinstance(value, str) else str(value)


def _instant(text: str) -> str:
    """Return an instant with a space in it and without seconds, as a person reads it; other text as it is."""
    if len(text) < 20 or text[10:11] != "T" or not text.endswith("Z"):
        return text
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text
