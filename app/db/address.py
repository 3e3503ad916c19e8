"""Where the database is: libpq's URL forms, read for asyncpg.

`canonical` checks what `DATABASE_URL` says and writes it in one form; `engine_of` connects by it. Every parameter of
libpq is either obeyed, without meaning for this driver and left out, or refused in one sentence.
"""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import asyncpg
import msgspec
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

DRIVER: Final = "postgresql+asyncpg"
_SCHEMES: Final = ("postgres", "postgresql", DRIVER)
_OBEYED: Final = frozenset(
    {
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslcrl",
        "sslpassword",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "passfile",
        "krbsrvname",
        "options",
    }
)
"""What asyncpg reads from a URL as libpq does."""
_OURS: Final = frozenset({"host", "port", "user", "password", "dbname", "connect_timeout", "application_name"})
_WITHOUT_MEANING: Final = frozenset(
    {
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "fallback_application_name",
        "sslcompression",
        "sslcertmode",
        "gssdelegation",
        "min_protocol_version",
        "max_protocol_version",
    }
)
_ONLY_AS: Final = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "load_balance_hosts": ("disable",),
    "client_encoding": ("utf8", "utf-8", "unicode", "auto"),
    "sslsni": ("1",),
    "replication": ("false", "off", "no", "0"),
}
"""Parameters that only change something in values which asyncpg cannot keep."""
_VALUES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "sslnegotiation": ("postgres", "direct"),
}
_FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"})
_PORT_OF: Final = re.compile(r"(?:^[^/:\[]*|\]):([^:]*)$")
_ROOT_CERTIFICATE: Final = Path("~/.postgresql/root.crt")
"""Where libpq looks for the authority's certificate."""
_RENAMED: Final = {"ssl": "sslmode", "database": "dbname"}


def canonical(url: str) -> str:
    """Return the URL in one form, `postgresql+asyncpg://user:password@host:port/name?...`.

    Several hosts stand as `host=h1:p1&host=h2:p2`. ValueError says in one sentence what cannot be used.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError("it must begin with postgresql://, postgres:// or postgresql+asyncpg://")
    before, _, query = rest.partition("?")
    authority, slash, name = before.partition("/")
    login, at, hosts = authority.rpartition("@")
    parameters = _parameters(query)
    if "," in hosts:  # several hosts are a list in the authority; `make_url` reads one
        parameters["host"] = [*hosts.split(","), *parameters.get("host", [])]
        hosts = ""
    try:
        plain = make_url(f"{DRIVER}://{login}{at}{hosts}{slash}{name}")
    except Exception:  # noqa: BLE001 - whatever the parser of URLs dislikes, the caller is told the form
        raise ValueError(
            "it is no URL: write postgresql://user:password@host:5432/name and percent-encode what is special"
        ) from None
    _check(parameters)
    made = _merged(plain, parameters).render_as_string(hide_password=False)
    _dsn(make_url(made))
    return made


def _parameters(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        # `+` stands for itself in libpq's URLs, unlike in a form's.
        found.setdefault(_RENAMED.get(unquote(name), unquote(name)), []).append(unquote(value))
    return found


def _check(parameters: dict[str, list[str]]) -> None:
    for name, values in parameters.items():
        values_of = _VALUES.get(name)
        if values_of is not None and values[-1] not in values_of:
            raise ValueError(f"{name} is one of {', '.join(values_of)}")
        if name in _FILES and not Path(values[-1]).expanduser().is_file() and values[-1] != "system":
            raise ValueError(f"{name}: there is no file {values[-1]}")
        if name in _OBEYED | _OURS | _WITHOUT_MEANING:
            continue
        allowed = _ONLY_AS.get(name)
        if allowed is None:
            raise ValueError(f"the parameter {name} is not known here; leave it out")
        if any(value.lower() not in allowed for value in values):
            raise ValueError(
                f"{name}={values[-1]} cannot be kept by this driver; leave it out, or set {name}={allowed[-1]}"
            )
    mode = parameters.get("sslmode", [""])[-1]
    if mode.startswith("verify") and "sslrootcert" not in parameters and not _ROOT_CERTIFICATE.expanduser().is_file():
        raise ValueError(f"sslmode={mode} needs sslrootcert, the file of the authority's certificate")
    timeout = parameters.get("connect_timeout", ["4"])[-1]
    if not timeout.isascii() or not timeout.isdigit():
        raise ValueError("connect_timeout is a whole number of seconds")


def _merged(plain: URL, parameters: dict[str, list[str]]) -> URL:
    """The URL with the parameters that are obeyed; a login, port or name in the query goes to its own place."""
    query: dict[str, Any] = {
        name: values if name == "host" else values[-1]
        for name, values in parameters.items()
        if name in _OBEYED or name in {"host", "connect_timeout", "application_name"}
    }
    user, password, name = (parameters.get(name, [None])[-1] for name in ("user", "password", "dbname"))
    ports = [port for name in parameters.get("port", []) for port in name.split(",")]
    hosts = [host for item in query.pop("host", []) for host in item.split(",") if host]
    named = [match[1] for host in hosts if (match := _PORT_OF.search(host))]
    if any(not port.isdigit() for port in (*ports, *named) if port):
        raise ValueError("port is a number, or a list of numbers, one for each host")
    if ports and len(ports) not in (1, max(1, len(hosts))):
        raise ValueError("port names one number, or one for each host")
    changed = plain.set(
        username=user or plain.username, password=password or plain.password, database=name or plain.database
    )
    if hosts:
        if ports:
            several = ports if len(ports) > 1 else ports * len(hosts)
            hosts = [_with_port(host, port) for host, port in zip(hosts, several, strict=True)]
        query["host"] = tuple(hosts) if len(hosts) > 1 else hosts[0]
    elif ports and ports[0]:
        changed = changed.set(port=int(ports[0]))
    return changed.set(query=query)


def _with_port(host: str, port: str) -> str:
    """A host with its port; a socket's folder has none in asyncpg's list, where the default one is meant."""
    bare = host.startswith("/") or not port or (":" in host and not host.endswith("]"))
    return host if bare else f"{host}:{port}"


def hosts_of(url: str) -> list[tuple[str, str]]:
    """(host, port) of each server that a canonical URL names, for Postgres's own programs."""
    parsed = make_url(url)
    listed = parsed.query.get("host")
    names = [listed] if isinstance(listed, str) else list(listed or ())
    if not names:
        return [(parsed.host or "", str(parsed.port or ""))]
    found = []
    for name in names:
        if name.startswith("/") or (":" in name and not name.startswith("[") and name.count(":") > 1):
            found.append((name, str(parsed.port or "")))
        else:
            host, _, port = name.rpartition(":") if ":" in name.rpartition("]")[2] else (name, "", "")
            found.append((host.strip("[]"), port or str(parsed.port or "")))
    return found


def _dsn(url: URL) -> tuple[str, dict[str, Any]]:
    """asyncpg's own form of a canonical URL, and the arguments that go beside it."""
    query = dict(url.query)
    beside = {"timeout": float(max(2, int(str(query.pop("connect_timeout", "4")))))}
    query.pop("application_name", None)
    listed = query.pop("host", None)
    parameters = {name: str(value) for name, value in query.items()}
    authority = ""
    if url.username is not None:
        authority = quote(url.username, safe="")
        authority += "" if url.password is None else ":" + quote(str(url.password), safe="")
        authority += "@"
    if listed is None:
        host = url.host or ""
        authority += f"[{host}]" if ":" in host else host
        authority += "" if url.port is None else f":{url.port}"
    else:
        parameters["host"] = listed if isinstance(listed, str) else ",".join(listed)
        if url.port is not None:
            parameters["port"] = str(url.port)
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    name = "" if url.database is None else quote(url.database, safe="")
    return f"postgresql://{authority}/{name}{'?' + text if text else ''}", beside


def engine_of(
    url: str,
    *,
    application_name: str | None = None,
    prepared: bool = True,
    command_timeout: float | None = None,
    **more: Any,
) -> AsyncEngine:
    """Return an engine for a canonical URL; `more` is SQLAlchemy's.

    `prepared=False`: no statement outlives its transaction, as a pooler in transaction mode wants. The URL's own
    `application_name` wins. No other start-up parameter is sent: poolers refuse them.
    """
    dsn, beside = _dsn(make_url(url))
    named = make_url(url).query.get("application_name", application_name)
    settings = {"application_name": str(named)} if named else {}

    async def connect(*_: Any, **keywords: Any) -> Any:
        return await asyncpg.connect(
            dsn,
            **beside,
            command_timeout=command_timeout,
            server_settings=settings,
            **({} if prepared else {"statement_cache_size": 0}),
            **keywords,
        )

    arguments: dict[str, Any] = {"async_creator_fn": connect}
    if not prepared:
        arguments |= {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _unique_name}
    made: list[AsyncEngine] = []

    def creator() -> Any:
        dbapi: Any = made[0].sync_engine.dialect.dbapi
        return dbapi.connect(**arguments)

    made.append(create_async_engine(f"{DRIVER}://", creator=creator, json_deserializer=_from_json, **more))
    return made[0]


def _from_json(text: str) -> Any:
    """Return the value of a JSON column. A number that the quick decoder refuses is left to Python's own."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)


def _unique_name() -> str:
    return f"__retainer_{uuid.uuid4().hex}__"
