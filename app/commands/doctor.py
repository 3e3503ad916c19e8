"""`retainer doctor`: what is wrong with this installation, and for each finding what to do about it."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import stat
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import text

from app.commands.base import embedded
from app.db.engine import Database
from app.db.failures import Unavailable, Unmigrated
from app.db.secrets import WrongSecretKey, check_key
from app.domain.values.wire import iso
from app.embedded import EmbeddedPostgresError, find_bin_dir
from app.settings import OPERATOR_KEY_FILE, SECRET_KEY_FILE, Settings
from app.usecases.reports.findings import FIXES, Finding, of_service, of_tenant

LEAST_DISK: Final = 500 * 1024 * 1024
MINIMUM_SERVER: Final = 150_000


def run() -> None:
    """Look at settings, data folder, database and service; say what to do about each finding."""
    settings, _ = Settings.read().with_secrets(create=False)
    findings = [*_machine(settings), *_database(settings), *_service(settings)]
    for finding in findings:
        print(f"ok    {finding.what}" if finding.fix is None else f"FIX   {finding.what}\n      {finding.fix}")
    wrong = sum(finding.fix is not None for finding in findings)
    if wrong:
        print(f"retainer: {wrong} to fix")
        raise typer.Exit(1)
    print("retainer: nothing to fix")


def _machine(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield Finding(f"data folder {folder}: made at the first start")
    elif not os.access(folder, os.W_OK):
        yield Finding(
            f"data folder {folder} cannot be written to",
            "Start as its owner, or set RETAINER_DATA_DIR to a folder of yours.",
        )
    else:
        yield from _data_folder(settings)
    try:
        ZoneInfo("Europe/Berlin")
        yield Finding("time zones are known")
    except (KeyError, OSError):
        yield Finding("time zones are not known", "Install the `tzdata` package of pip or of your system.")
    if settings.operator_key is not None and len(settings.operator_key.get_secret_value()) < 16:
        yield Finding(
            "RETAINER_OPERATOR_KEY can be guessed", "Use 16 random characters or more, or unset it to have one made."
        )
    yield from _origins(settings)
    if settings.database_url is None:
        try:
            yield Finding(f"Postgres programs in {find_bin_dir(settings.pg_bin)}")
        except EmbeddedPostgresError as error:
            yield Finding("no Postgres programs", str(error))


def _origins(settings: Settings) -> Iterator[Finding]:
    if "*" in settings.cors_origins:
        yield Finding(
            "RETAINER_CORS_ORIGINS lets any page call",
            "Name the pages of your helpdesk instead, e.g. https://desk.example.",
        )
    for origin in settings.cors_origins:
        if origin.startswith("http://") and not origin.startswith(
            ("http://localhost", "http://127.0.0.1", "http://[::1]")
        ):
            yield Finding(f"{origin} in RETAINER_CORS_ORIGINS can be forged on the way", "Serve that page by https.")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.data_dir).free
    if free < LEAST_DISK:
        yield Finding(
            f"only {free // 2**20} MiB are free in {settings.data_dir}", "Make room, or move the data folder."
        )
    else:
        yield Finding(f"data folder {settings.data_dir}: {free // 2**20:,} MiB free")
    for name in (OPERATOR_KEY_FILE, SECRET_KEY_FILE):
        file = settings.data_dir / name
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Finding(f"{file} can be read by others", f"chmod 600 {file}")


def _database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    if url is None:
        url = embedded(settings).attach()
        if url is None:
            yield Finding("the embedded Postgres is not running: it starts with the service")
            return
    yield from asyncio.run(_ask(url, settings.secret_keys() if settings.secret_key else ()))


async def _ask(url: str, secrets: tuple[str, ...] = ()) -> list[Finding]:
    database = Database(url, pool_size=1)
    try:
        async with database.bare() as connection:
            version = int((await connection.execute(text("show server_version_num"))).scalar_one())
        looked = await of_service(database)
        more = [
            *await _key(database, secrets),
            *await _backup(database),
            *await _tenants(database),
            *await _moves(database),
        ]
    except Unmigrated:
        return [FIXES["schema"]]
    except Unavailable:
        return [Finding("the database does not answer", "Check DATABASE_URL, the server and its log; then migrate.")]
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator is told
        hint = "Run `retainer migrate` as the owner of the tables; it makes the role retainer_app."
        return [Finding(f"the database refuses us: {type(error).__name__}", hint)]
    finally:
        await database.close()
    found = looked or [Finding("schema, role and primary are right")]
    if version < MINIMUM_SERVER:
        found.append(Finding(f"Postgres {version // 10_000} is too old", "Use Postgres 15 or newer."))
    return found + more


async def _key(database: Database, secrets: tuple[str, ...]) -> list[Finding]:
    """Whether what is stored opens with the secret key of this installation."""
    if not secrets:
        return []
    try:
        await check_key(database, secrets, register=False)
    except WrongSecretKey as error:
        wrong = "the secret key is not the one that sealed what the database stores"
        return [Finding(wrong, str(error).partition(": ")[2])]
    return [Finding("the secret key opens what is stored")]


async def _backup(database: Database) -> list[Finding]:
    """Whether `retainer backup` may read whole tables as the user of DATABASE_URL."""
    async with database.engine.connect() as connection:
        blind = (await connection.execute(_BLIND)).scalar_one()
    if not blind:
        return []
    return [
        Finding(
            f"{blind} tables cannot be backed up by this user",
            "Run `retainer migrate` as the owner of the tables, and back up as the owner.",
        )
    ]


async def _tenants(database: Database) -> list[Finding]:
    """What is wrong with single tenants."""
    return [
        Finding(f"tenant {tenant_id}: {each.what}", each.fix)
        for tenant_id in await database.tenant_ids()
        for each in await database.read(tenant_id, of_tenant)
    ]


async def _moves(database: Database) -> list[Finding]:
    """Whether a tenant's move to another server, or from one, has not come to its end."""
    async with database.bare() as connection:
        rows = (await connection.execute(_MOVING)).all()
    return [
        Finding(
            f"tenant {row.tenant_id} is {row.state} since {iso(row.since)}",
            "Run `make move-tenant` again with the same words to go on, or with --abort to give it up: docs/scale.md.",
        )
        for row in rows
    ]


_MOVING: Final = text("select tenant_id, state, since from tenant_move where state <> 'moved' order by tenant_id")


_BLIND: Final = text("""
    select count(*) from pg_class c, pg_roles r where r.rolname = current_user and c.relkind in ('r', 'p')
    and c.relnamespace = current_schema()::regnamespace and c.relrowsecurity
    and not (r.rolsuper or r.rolbypassrls) and not exists (
        select from pg_policy p where p.polrelid = c.oid and p.polname = 'owner_all'
        and pg_has_role(r.oid, p.polroles[1], 'usage'))
""")


def _service(settings: Settings) -> Iterator[Finding]:
    address = f"{settings.host}:{settings.port}"
    try:
        yield _ready(settings, address)
    except OSError:
        yield Finding(f"nothing answers on {address}: start it with `make serve`")
    except http.client.HTTPException:
        yield Finding(f"something else answers on {address}", "Stop it, or set RETAINER_PORT to another port.")


def _ready(settings: Settings, address: str) -> Finding:
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace")
    finally:
        connection.close()
    if answer.status == 200:
        return Finding(f"the service is ready on {address}")
    if answer.status == 503:
        return Finding(f"the service on {address} is not ready: {body[:300]}", "See the findings above and its log.")
    raise http.client.HTTPException
