"""Recovery to a moment, from end to end, on servers of its own: what docs/operations.md tells an operator to set up.

Base backup, commands, a moment, more commands, a lost server; then recovery to that moment: everything acknowledged by
then is there, nothing later is, and the ledger is sound. Prints what it does; exit code 1 if anything differs.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from app.commands.migrate import upgrade
from app.commands.verify_ledger import verify
from app.db.address import canonical
from app.db.engine import Database
from app.usecases.credits.credit_command import CreditCommand
from app.usecases.credits.credits import apply
from app.usecases.tenants import tenants
from tests.support.servers import Server

TENANT = "recovered"


async def debits(url: str, first: int, most: int) -> str:
    """Debits of one credit each; the database's time after the last."""
    database = Database(url, pool_size=2)
    if first == 0:
        async with database.founding(TENANT, actor="script") as tx:
            await tenants.put(tx, tenants.PutTenant(policy="avactis"))
        granted = CreditCommand(kind="adjust", customer_id="ann", credits=1000, reason="r", key="granted")
        await database.run(TENANT, lambda tx: apply(tx, [granted]))
    for number in range(first, most):
        one = CreditCommand(kind="debit", customer_id="ann", credits=1, key=f"d{number}")
        await database.run(TENANT, lambda tx, one=one: apply(tx, [one]))
    async with database.bare() as connection:
        moment = (await connection.execute(text("select clock_timestamp()"))).scalar_one()
    await database.close()
    return str(moment.isoformat())


async def spent(url: str) -> int:
    """Credits that the customer spent, by the recovered database."""
    database = Database(url, pool_size=1)
    async with database.reading(TENANT) as tx:
        row = await tx.row(text("select coalesce(sum(spent), 0) from account where tenant_id = :t"), {"t": TENANT})
    await database.close()
    return int(row[0])


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="rtn-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        archive = folder / "archive"
        archive.mkdir(mode=0o777)
        archive.chmod(0o777)
        keep = f"test ! -f {archive}/%f && cp %p {archive}/%f"
        first = Server(folder / "first", "127.0.0.45", archive_mode="on", archive_command=keep)
        first.start()
        first.found()
        url = canonical(first.dsn)
        upgrade(url)
        asyncio.run(debits(url, 0, 20))
        second = first.standby(folder / "second", "127.0.0.46", restore_command=f"cp {archive}/%f %p")
        print("recovery: base backup made")
        moment = asyncio.run(debits(url, 20, 50))
        time.sleep(1)
        asyncio.run(debits(url, 50, 70))
        first.run_sql("select pg_switch_wal()")
        time.sleep(2)
        first.kill()
        first.stop(timeout=5)
        print(f"recovery: 70 debits acknowledged, the server is lost; back to {moment}, after the 50th")
        settings = f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\nprimary_conninfo = ''\n"
        with (second.pgdata / "postgresql.auto.conf").open("a") as file:
            file.write(settings)
        (second.pgdata / "standby.signal").unlink()
        (second.pgdata / "recovery.signal").touch()
        os.chown(second.pgdata / "recovery.signal", second._account.uid, second._account.gid)
        second.start()
        try:
            recovered = canonical(second.dsn)
            for _ in range(100):
                if asyncio.run(_promoted(recovered)):
                    break
                time.sleep(0.1)
            found, checked = asyncio.run(spent(recovered)), asyncio.run(verify(recovered))
        finally:
            second.stop(timeout=5)
        differences = sum(len(rows) for _, rows in checked.values())
        print(f"recovery: {found} debits are there, 50 were acknowledged by then; {differences} differences")
        return 0 if (found, differences) == (50, 0) else 1


async def _promoted(url: str) -> bool:
    database = Database(url, pool_size=1)
    try:
        async with database.bare() as connection:
            return not (await connection.execute(text("select pg_is_in_recovery()"))).scalar_one()
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
