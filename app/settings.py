"""The one place that reads the environment: read once, frozen, passed down as a value.

Every setting has a default that works, so that `make serve` needs none. Secrets that nobody gave are made at the
first start and kept in the data folder, readable by its owner alone.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

OPERATOR_KEY_FILE: Final = "operator-key"
SECRET_KEY_FILE: Final = "secret-key"  # noqa: S105 - a file name

_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


_CONTACT: Final = re.compile(r"mailto:[!-~]+@[!-~]+|https://[!-~]+|tel:[!-~]+")
_PUBLIC: Final = re.compile(r"(?i:https?)://[a-z0-9.:\[\]-]+(?P<path>(/[A-Za-z0-9._~-]+)*)/?")
_OWN_PATHS: Final = frozenset(
    "v1 in graphql docs static problems livez readyz metrics version openapi.json mcp .well-known llms.txt"  # noqa: SIM905
    " account assets card desk operator sign-in".split()
)


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what is wanted."""


def default_data_dir() -> Path:
    """`/var/lib/retainer` for root, else `$XDG_DATA_HOME/retainer`, which is below the home folder.

    Root's home is closed to the user the embedded Postgres runs as, hence the difference.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/retainer")
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "share") / "retainer"


def normalise_database_url(url: str) -> str:
    """The URL in one form; every form that libpq takes is accepted. ValueError says what cannot be used."""
    # Imported here: the parser of URLs is slow to import, and most commands need none.
    from app.db.address import canonical

    return canonical(url)


class Settings(BaseSettings):
    """What the service can be told. `RETAINER_` stands before each name, but for `DATABASE_URL`."""

    model_config = SettingsConfigDict(
        env_prefix="RETAINER_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="the port to listen on")
    public_url: str | None = Field(
        default=None,
        description="where callers find the service, e.g. `https://shop.example/retainer`; links, problem types and"
        " addresses of sources begin with it; unset: as the request says",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses or networks of proxies whose `X-Forwarded-*` headers count, separated by commas, e.g."
        " `10.0.0.0/8`; unset: nobody's",
    )
    workers: int = Field(default=1, ge=1, le=64, description="server processes")
    stop_delay: float = Field(
        default=0.0,
        ge=0,
        le=60,
        description="seconds that a stopping service still takes calls, with `/readyz` at 503, so that a load balancer"
        " notices",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir, description="the embedded Postgres and the generated secrets"
    )
    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="a Postgres 15 or newer of your own; unset: the embedded Postgres",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="folder with Postgres's programs, for the embedded server and for backups; unset: found",
    )

    operator_key: SecretStr | None = Field(
        default=None, description="makes and suspends tenants, and makes, lists, rotates and revokes their keys"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="encrypts webhook and shop secrets, signs cursors; keep it with your backups"
    )
    secret_key_second: SecretStr | None = Field(
        default=None, description="while the secret key is changed: the other key, which opens and never seals"
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="who may read `/metrics`; unset: this machine only, and what a proxy passes on is 403"
    )

    development: bool = Field(
        default=False,
        description="true: `/docs` and `/graphql` make keys of sandboxes, for this machine alone; `make serve` sets it",
    )
    prepared_statements: bool = Field(
        default=True, description="false behind a transaction pooler that keeps none (pgbouncer before 1.21)"
    )
    worker_in_process: bool = Field(
        default=True, description="false: run `retainer worker` yourself, any number of them"
    )
    worker_metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="the port on `RETAINER_HOST` where a separate `retainer worker` serves `/metrics`; unset: no page",
    )
    pool_size: int = Field(default=10, ge=1, le=200, description="database connections a process")
    ledger_in_flight: int = Field(
        default=1, ge=1, le=16, description="transactions of the ledger at once for a tenant; 2 pays on slow disks"
    )
    ledger_batch: int = Field(
        default=128, ge=1, le=1000, description="commands that one transaction of the ledger takes at most"
    )
    ledger_queue: int = Field(default=10_000, ge=1, le=1_000_000, description="waiting commands before 429")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning` or `error`"
    )
    allow_private_webhooks: bool = Field(
        default=False, description="let webhooks go to private addresses (for trying things out)"
    )
    delivery_retention_days: int = Field(default=30, ge=1, le=3650, description="days that webhook deliveries are kept")
    inbound_retention_days: int = Field(
        default=30, ge=1, le=3650, description="days that the bodies of shops and helpdesks are kept"
    )
    parked_retention_days: int = Field(
        default=180, ge=1, le=3650, description="the same, for bodies that are parked for a person"
    )
    event_retention_days: int = Field(default=400, ge=8, le=36500, description="days that events stay in the feed")
    rate_limit_per_key: float | None = Field(
        default=None, gt=0, description="calls a second, twice as many at once; unset: off"
    )
    rate_limit_per_tenant: float | None = Field(
        default=None, gt=0, description="calls a second, twice as many at once; unset: off"
    )

    graphql_documents: Path | None = Field(
        default=None, description="folder of `*.graphql` files that keys may run by their hash"
    )
    graphql_apq: bool = Field(
        default=False, description="keep documents that callers send with their hash (automatic persisted queries)"
    )

    graphql_cost: int = Field(
        default=2000, ge=100, le=1_000_000, description="what one GraphQL request may cost, by the schema's `@cost`"
    )

    security_contact: str | None = Field(
        default=None,
        description="where to report a weakness, for `/.well-known/security.txt`: `mailto:` or `https:`; unset:"
        " `security@` at the host of the request",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="pages that may call from a browser, separated by commas, e.g. `https://desk.example`; unset: none",
    )

    oidc_issuer: str | None = Field(
        default=None, description="take access tokens of this issuer; needs `RETAINER_OIDC_AUDIENCE`"
    )
    oidc_audience: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="audiences of those tokens, separated by commas; needed with an issuer"
    )
    oidc_jwks: str | None = Field(
        default=None, description="address or file of the issuer's keys; unset: from the issuer"
    )

    oidc_client_id: str | None = Field(
        default=None, description="the client by which people sign in to the pages at the issuer; unset: by links alone"
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="its secret; unset for a public client, which proves itself by PKCE alone"
    )
    oidc_role_claim: str = Field(
        default="roles", description="the claim of an identity token that names a person's roles, or scopes"
    )
    frame_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="helpdesks that may frame `/card`, separated by commas, e.g. `https://desk.example`; unset: none",
    )

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """The settings of this process. Raises SettingsError with one line per setting that cannot be used."""
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except ValidationError as error:
            raise SettingsError("\n".join(_complaint(dict(e)) for e in error.errors())) from None

    @field_validator("database_url")
    @classmethod
    def _asyncpg(cls, url: str | None) -> str | None:
        return None if url is None else normalise_database_url(url)

    @field_validator("data_dir", "pg_bin", "graphql_documents")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("secret_key", "secret_key_second")
    @classmethod
    def _long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < 32:
            raise ValueError("it must have at least 32 characters, random ones")
        return key

    @model_validator(mode="after")
    def _oidc(self) -> Self:
        if self.oidc_issuer is not None and not self.oidc_audience:
            raise ValueError(
                "RETAINER_OIDC_AUDIENCE: it must be set with RETAINER_OIDC_ISSUER, "
                "so that tokens for other services are not taken"
            )
        if self.oidc_client_id is not None and self.oidc_issuer is None:
            raise ValueError("RETAINER_OIDC_CLIENT_ID: it is of an issuer; set RETAINER_OIDC_ISSUER, too")
        return self

    @field_validator("security_contact")
    @classmethod
    def _reachable(cls, contact: str | None) -> str | None:
        if contact is not None and not _CONTACT.fullmatch(contact):
            raise ValueError(
                "it must be an address such as mailto:security@shop.example or https://shop.example/report"
            )
        return contact

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for name in origins:
            if name != "*" and not _ORIGIN.fullmatch(name):
                raise ValueError("each must be an origin such as https://desk.example, without a path, or *")
        return origins

    @field_validator("frame_origins")
    @classmethod
    def _framing(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ORIGIN.fullmatch(name) for name in origins):
            raise ValueError("each must be an origin such as https://desk.example, without a path")
        return origins

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        found = _PUBLIC.fullmatch(url)
        if found is None:
            raise ValueError("it must be an address such as https://shop.example/retainer, without a query")
        if (found["path"] or "/").split("/")[1] in _OWN_PATHS:
            raise ValueError("its path must not begin with a path of the service, such as /v1")
        return url.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                ipaddress.ip_network(name)
            except ValueError:
                raise ValueError("each must be an address or a network such as 10.0.0.0/8") from None
        return names

    @field_validator("oidc_audience", "cors_origins", "frame_origins", "trusted_proxies", mode="before")
    @classmethod
    def _commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a process that this one starts."""
        found: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is None or value == ():
                continue
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            elif isinstance(value, tuple):
                value = ",".join(value)
            elif isinstance(value, bool):
                value = "true" if value else "false"
            found["DATABASE_URL" if name == "database_url" else f"RETAINER_{name.upper()}"] = str(value)
        return found

    def secret_keys(self) -> tuple[str, ...]:
        """The secret keys of this installation: the one that seals first, then the one that only opens."""
        first = self.secret_key.get_secret_value() if self.secret_key else self.database_url or ""
        second = self.secret_key_second
        return (first,) if second is None else (first, second.get_secret_value())

    def with_(self, **changes: Any) -> Self:
        """A copy with some values changed."""
        return self.model_copy(update=changes)

    def with_secrets(self, *, create: bool) -> tuple[Self, bool]:
        """These settings with the keys of the data folder filled in where none was given.

        With `create`, missing ones are made first. The second value says whether the operator key was made just
        now, and so has to be shown, once.
        """
        changes: dict[str, SecretStr] = {}
        new_operator_key = False
        if self.operator_key is None:
            value, new_operator_key = _stored_secret(
                self.data_dir / OPERATOR_KEY_FILE, "rtn_op_" + secrets.token_urlsafe(32) if create else None
            )
            if value:
                changes["operator_key"] = SecretStr(value)
        if self.secret_key is None:
            value, _ = _stored_secret(self.data_dir / SECRET_KEY_FILE, secrets.token_urlsafe(48) if create else None)
            if value:
                changes["secret_key"] = SecretStr(value)
        return self.with_(**changes), new_operator_key


def _stored_secret(path: Path, fresh: str | None) -> tuple[str | None, bool]:
    """The secret in a file, or `fresh` put there, whole or not at all, for its owner alone; and whether it is new."""
    try:
        stored = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        stored = ""
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    if stored or fresh is None:
        return stored or None, False
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(fresh + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return fresh, True


def _complaint(error: Mapping[str, Any]) -> str:
    if not error["loc"]:  # about several settings: the message names them
        return str(error["msg"]).removeprefix("Value error, ")
    field = str(error["loc"][0])
    name = field if field == "DATABASE_URL" else f"RETAINER_{field.upper()}"
    return f"{name}: {str(error['msg']).removeprefix('Value error, ')}"
