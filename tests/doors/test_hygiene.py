"""The watch over the whole run sees what it is there for."""

from __future__ import annotations

import logging

import httpx
import pytest

from app.api import observability
from tests.support import hygiene
from tests.support.api import SECRET_KEY


def test_a_secret_that_is_not_hidden_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = hygiene.Watch()
    for words in (f"connected with {SECRET_KEY}", "two\nlines", "Bearer rtn_live_NotAKeyOfOurs0123456789"):
        watch.handle(logging.makeLogRecord({"name": "retainer", "levelno": 30, "levelname": "WARNING", "msg": words}))
    [seen] = hygiene.taken()
    assert "secret-of-the-tests" in seen
    monkeypatch.setattr(observability, "redact", lambda text: text)
    watch.handle(
        logging.makeLogRecord({"name": "retainer", "levelno": 30, "levelname": "WARNING", "msg": "rtn_in_abcdefgh"})
    )
    assert len(hygiene.taken()) == 1


async def test_a_trace_in_an_answer_is_seen() -> None:
    await hygiene.answered(httpx.Response(500, text="Traceback (most recent call last)"))
    await hygiene.answered(httpx.Response(200, text="Traceback (most recent call last)"))
    assert len(hygiene.taken()) == 1


def test_the_watch_reads_along() -> None:
    before = hygiene.lines
    logging.getLogger("retainer").warning("here")
    assert hygiene.lines == before + 1
