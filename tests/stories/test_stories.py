"""The demo's stories end as they are told, every time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from app.commands import demo
from app.main import create_app
from tests.support.api import OPERATOR_KEY, settings_for

STORIES = list(demo.stories())


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback, as the demo has one."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings_for(module_url)), host="127.0.0.1", port=0, log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started:
            break
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as started:
        yield started
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize("story", STORIES, ids=[story["policy"] for story in STORIES])
def test_a_story_ends_as_it_is_told(story: dict[str, Any], client: httpx.Client) -> None:
    said: list[str] = []
    demo.play(story, client=client, operator_key=OPERATOR_KEY, say=said.append)
    assert len(said) > len(story["steps"])


def test_there_is_a_story_for_each_shipped_policy() -> None:
    assert {story["policy"] for story in STORIES} == {"avactis", "cactushop", "cs-cart", "shopp", "x-cart"}


def test_a_story_that_does_not_come_true_is_told(client: httpx.Client) -> None:
    story = {
        "story": "a wrong hope", "policy": "x-cart", "now": "2025-01-01T00:00:00Z",
        "steps": [{"call": "GET /v1/offers?customer_id=nobody", "expect": {"#data": 0}}],
    }  # fmt: skip
    with pytest.raises(demo.StoryError, match="the story tells 0"):
        demo.play(story, client=client, operator_key=OPERATOR_KEY, say=lambda _: None)
