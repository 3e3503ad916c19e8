"""`retainer reseal`: the last step of changing the secret key: seal everything stored with the new one."""

from __future__ import annotations

import asyncio

from app.commands.base import CommandError, database, database_errors
from app.db.engine import Database
from app.db.secrets import SealBroken, reseal
from app.settings import Settings


def run() -> None:
    """Seal every stored secret with RETAINER_SECRET_KEY; RETAINER_SECRET_KEY_SECOND opens those of the old key."""
    settings_, _ = Settings.read().with_secrets(create=False)
    if settings_.secret_key is None:
        raise CommandError("set RETAINER_SECRET_KEY to the new key and RETAINER_SECRET_KEY_SECOND to the old one")
    with database(settings_) as settings, database_errors():
        try:
            count = asyncio.run(_reseal(settings))
        except SealBroken as error:
            raise CommandError(f"{error}; set RETAINER_SECRET_KEY_SECOND to it. Nothing is lost.") from None
    print(f"retainer: {count} secrets are sealed with RETAINER_SECRET_KEY; RETAINER_SECRET_KEY_SECOND may go")


async def _reseal(settings: Settings) -> int:
    opened = Database(settings.database_url or "", pool_size=1)
    try:
        return await reseal(opened, settings.secret_keys())
    finally:
        await opened.close()
