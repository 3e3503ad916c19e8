"""The worker's jobs for webhooks going out, made for the database that the worker brings."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.connectors.webhooks.dispatcher import Dispatcher
from app.connectors.webhooks.metrics import METRICS
from app.connectors.webhooks.sender import Sender
from app.db import due
from app.db.due import Job
from app.db.engine import Database
from app.db.secrets import Cipher
from app.settings import Settings

__all__ = ["METRICS", "Deliveries", "dispatcher_of", "jobs"]


class Deliveries:
    """An `app.worker.Job`: fans events out and starts what is due; `retention` removes what is old."""

    __name__ = "deliveries"
    due: Final = due.WEBHOOKS

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dispatcher: Dispatcher | None = None

    async def __call__(self, db: Database, tenant_id: str) -> int:
        """One turn of a tenant; how much was done."""
        return await self._of(db).deliveries(db, tenant_id)

    async def retention(self, db: Database, tenant_id: str) -> int:
        """Remove what was kept long enough; how much was."""
        return await self._of(db).retention(db, tenant_id)

    def _of(self, db: Database) -> Dispatcher:
        self._dispatcher = self._dispatcher or dispatcher_of(self._settings, db)
        return self._dispatcher

    async def close(self) -> None:
        """Lets what is under way finish for a moment. What is cut off goes out again, with the same id."""
        if self._dispatcher is not None:
            await self._dispatcher.close()
            self._dispatcher = None


def dispatcher_of(settings: Settings, db: Database) -> Dispatcher:
    """Return a dispatcher as the settings want it."""
    return Dispatcher(
        db,
        Sender(allow_private=settings.allow_private_webhooks),
        Cipher(*settings.secret_keys()),
        keep_deliveries=timedelta(days=settings.delivery_retention_days),
        keep_events=timedelta(days=settings.event_retention_days),
    )


def jobs(settings: Settings) -> list[Deliveries | Job]:
    """The jobs of this module."""
    deliveries = Deliveries(settings)
    return [deliveries, Job(due.UPKEEP, deliveries.retention)]
