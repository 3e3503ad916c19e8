"""`DATABASE_URL` in each form that providers and libpq's documents use, over a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.commands.migrate import upgrade
from app.db.address import canonical
from app.db.engine import Database
from tests.support.databases import open_to_postgres
from tests.support.servers import DATABASE, OWNER, Server

pytestmark = pytest.mark.packaging
DEAD = "127.0.0.49"
"""An address of the loopback network where nobody listens."""
FORMS = {
    "plain": "postgresql://{user}@{host}:5432/{base}",
    "the short scheme": "postgres://{user}@{host}/{base}",
    "a password that is not asked for": "postgresql://{user}:p%40%2Fss@{host}:5432/{base}",
    "no TLS": "postgresql://{user}@{host}:5432/{base}?sslmode=disable",
    "TLS if there is any": "postgresql://{user}@{host}:5432/{base}?sslmode=prefer&application_name=shop",
    "host and user as parameters": "postgresql:///{base}?host={host}&port=5432&user={user}",
    "a socket as a parameter": "postgresql://{user}@/{base}?host={socket}",
    "a socket in the address": "postgresql://{user}@{escaped}/{base}",
    "several servers, the first is dead": "postgresql://{user}@{dead}:5432,{host}:5432/{base}"
    "?target_session_attrs=read-write&connect_timeout=5",
    "several servers as a parameter": "postgresql://{user}@/{base}?host={dead},{host}&port=5432&target_session_attrs=any",
    "the driver's own scheme": "postgresql+asyncpg://{user}@{host}:5432/{base}",
    "keepalives": "postgresql://{user}@{host}:5432/{base}?keepalives=1&keepalives_idle=30",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = open_to_postgres(tmp_path_factory.mktemp("forms"))
    with Server(folder, "127.0.0.48") as started:
        started.found()
        upgrade(canonical(started.dsn))
        yield started


@pytest.mark.parametrize("form", FORMS)
async def test_a_form_reaches_the_server_as_the_role_that_owns_nothing(server: Server, form: str) -> None:
    socket = str(make_url(server.url or "").query["host"])
    url = FORMS[form].format(
        user=OWNER, base=DATABASE, host=server.address, dead=DEAD, socket=socket, escaped=socket.replace("/", "%2F")
    )
    database = Database(canonical(url), pool_size=1)
    try:
        async with database.bare() as connection:
            asked = text("select session_user, current_user, current_database()")
            found = tuple((await connection.execute(asked)).one())
    finally:
        await database.close()
    assert found == (OWNER, "retainer_app", DATABASE)
