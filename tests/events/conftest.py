"""The application of these tests lets webhooks go to this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from fastapi import FastAPI

from app.main import create_app
from tests.events.receiver import Receiver, receiving
from tests.support.api import running, settings_for


@pytest_asyncio.fixture(scope="module")
async def app(module_url: str) -> AsyncIterator[FastAPI]:
    """The application on the module's database, started."""
    async with running(create_app(settings_for(module_url, allow_private_webhooks=True))) as started:
        yield started


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    async with receiving() as one:
        yield one
