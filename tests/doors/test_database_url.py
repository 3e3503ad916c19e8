"""`DATABASE_URL`: every form that libpq takes is understood, or one sentence says which are."""

from __future__ import annotations

import pytest
from asyncpg import connect_utils
from sqlalchemy.engine import make_url

from app.db.address import _dsn, canonical, hosts_of
from app.settings import Settings, SettingsError


def reached(url: str) -> tuple[list[object], object]:
    """The servers and the parameters that the driver itself reads out of a URL of ours."""
    dsn, _ = _dsn(make_url(canonical(url)))
    addresses, parameters, *_ = connect_utils._parse_connect_dsn_and_args(
        dsn=dsn,
        host=None,
        port=None,
        user=None,
        password=None,
        passfile=None,
        database=None,
        ssl=None,
        service=None,
        servicefile=None,
        direct_tls=None,
        server_settings={},
        target_session_attrs=None,
        krbsrvname=None,
        gsslib=None,
    )
    return addresses, parameters


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("postgres://u:p@h/db", [("h", 5432)]),
        ("postgresql://u:p@h:6432/db?sslmode=require", [("h", 6432)]),
        ("postgresql://u@[2001:db8::1]:5433/db", [("2001:db8::1", 5433)]),
        ("postgresql://u:p@h1:5432,h2:5433/db?target_session_attrs=read-write", [("h1", 5432), ("h2", 5433)]),
        ("postgresql://u:p@h1,h2/db?port=5432,5433", [("h1", 5432), ("h2", 5433)]),
        ("postgresql://u:p@/db?host=h1:1&host=h2:2", [("h1", 1), ("h2", 2)]),
        ("postgresql:///db?host=h1,h2&port=5440&user=u", [("h1", 5440), ("h2", 5440)]),
        ("postgresql:///db?host=/var/run/postgresql&user=u", ["/var/run/postgresql/.s.PGSQL.5432"]),
        ("postgresql+asyncpg://u@/db?host=%2Ftmp%2Fx", ["/tmp/x/.s.PGSQL.5432"]),
    ],
)
def test_the_driver_goes_where_libpq_would(url: str, servers: list[object]) -> None:
    assert reached(url)[0] == servers


def test_a_password_with_every_kind_of_character_arrives() -> None:
    _, parameters = reached("postgresql://us%40er:p%2F%3A%40%3F%23%25+w@h/d%20b")
    assert (parameters.user, parameters.password, parameters.database) == ("us@er", "p/:@?#%+w", "d b")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_each_mode_of_tls_reaches_the_driver(mode: str) -> None:
    _, parameters = reached(f"postgresql://u@h/db?sslmode={mode}")
    assert parameters.sslmode.name == mode
    assert bool(parameters.ssl) == (mode != "disable")


def test_the_drivers_own_spelling_of_tls_is_understood_too() -> None:
    _, parameters = reached("postgresql://u@h/db?ssl=disable")
    assert parameters.sslmode.name == "disable"


@pytest.mark.parametrize(
    "harmless",
    [
        "keepalives=1&keepalives_idle=30",
        "gssencmode=prefer",
        "channel_binding=prefer",
        "client_encoding=UTF8",
        "connect_timeout=10",
        "application_name=x",
        "tcp_user_timeout=5",
    ],
)
def test_what_changes_nothing_is_taken(harmless: str) -> None:
    assert reached(f"postgresql://u@h/db?{harmless}")[0] == [("h", 5432)]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://h/db", "must begin with postgresql://"),
        ("host=h dbname=db", "must begin with postgresql://"),
        ("postgresql://u@h:port/db", "write postgresql://user:password@host:5432/name"),
        ("postgresql://u@h1:x,h2/db", "port is a number"),
        ("postgresql://u@h/db?sslmode=maybe", "sslmode is one of disable, allow, prefer, require"),
        ("postgresql://u@h/db?sslmode=verify-full&sslrootcert=/no/such.pem", "there is no file /no/such.pem"),
        ("postgresql://u@h/db?sslmode=verify-full", "verify-full needs sslrootcert"),
        ("postgresql://u@h/db?channel_binding=require", "channel_binding=require cannot be kept"),
        ("postgresql://u@h/db?gssencmode=require", "gssencmode=require cannot be kept"),
        ("postgresql://u@h/db?service=prod", "the parameter service is not known here"),
        ("postgresql://u@h/db?connect_timeout=soon", "connect_timeout is a whole number"),
        ("postgresql://u@h1,h2,h3/db?port=1,2", "port names one number, or one for each host"),
    ],
)
def test_what_cannot_be_kept_is_one_sentence(url: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError) as refused:
        Settings.read()
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("DATABASE_URL: ")
    assert "\n" not in str(refused.value)


def test_postgres_own_programs_are_told_the_same_servers() -> None:
    assert hosts_of(canonical("postgresql://u@h1:1,[::1]:2/db")) == [("h1", "1"), ("::1", "2")]
    assert hosts_of(canonical("postgresql:///db?host=/run/pg")) == [("/run/pg", "")]
    assert hosts_of(canonical("postgresql://u@h/db")) == [("h", "")]


def test_an_issuer_without_an_audience_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_OIDC_ISSUER", "https://issuer.example")
    with pytest.raises(SettingsError, match="RETAINER_OIDC_AUDIENCE: it must be set"):
        Settings.read()
