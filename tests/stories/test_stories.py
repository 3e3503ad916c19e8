"""The demo's stories end as they are told, every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.cli import build
from app.commands import demo
from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving

STORIES = list(demo.stories())


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback, as the demo has one."""
    with serving(module_url) as started:
        yield started


@pytest.mark.parametrize("story", STORIES, ids=[story["policy"] for story in STORIES])
def test_a_story_ends_as_it_is_told(story: dict[str, Any], client: httpx.Client) -> None:
    said: list[str] = []
    demo.play(story, client=client, operator_key=OPERATOR_KEY, say=said.append)
    assert len(said) > len(story["steps"])


def test_the_demo_asks_where_the_environment_says(client: httpx.Client) -> None:
    """`RETAINER_URL`, as every other command reads it; `--url` wins."""
    address = str(client.base_url).rstrip("/")
    environment = {"RETAINER_URL": f"{address}/", "RETAINER_OPERATOR_KEY": OPERATOR_KEY, "RETAINER_PORT": "1"}
    played = CliRunner().invoke(build(["demo"]), ["demo", "--only", "cactushop"], env=environment)
    assert played.exit_code == 0, played.output
    assert f"{address}/account" in played.output
    nobody = CliRunner().invoke(build(["demo"]), ["demo", "--url", "http://127.0.0.1:1"], env=environment)
    assert nobody.exit_code == 1
    assert "no service is ready at http://127.0.0.1:1 (" in nobody.output


def test_a_policy_without_a_story_is_told() -> None:
    environment = {"RETAINER_URL": "http://127.0.0.1:1", "RETAINER_OPERATOR_KEY": OPERATOR_KEY}
    told = CliRunner().invoke(build(["demo"]), ["demo", "--only", "cactus"], env=environment)
    assert told.exit_code == 1
    assert "no story is of the policy cactus; there are " in told.output
    assert "cactushop" in told.output


def test_there_is_a_story_for_each_shipped_policy() -> None:
    assert {story["policy"] for story in STORIES} == {"avactis", "cactushop", "cs-cart", "shopp", "x-cart"}


def test_a_story_that_does_not_come_true_is_told(client: httpx.Client) -> None:
    story = {
        "story": "a wrong hope",
        "policy": "x-cart",
        "now": "2025-01-01T00:00:00Z",
        "steps": [{"call": "GET /v1/offers?customer_id=nobody", "expect": {"#data": 0}}],
    }
    with pytest.raises(demo.StoryError, match="the story tells 0"):
        demo.play(story, client=client, operator_key=OPERATOR_KEY, say=lambda _: None)
