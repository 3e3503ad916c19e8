"""Everything that the demo's stories leave behind explains itself, in sentences that a clerk can read out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.commands import demo
from app.usecases.reports.explain import KINDS
from tests.support.api import OPERATOR_KEY
from tests.support.explanations import NONSENSE, walk
from tests.support.serving import serving

STORIES = list(demo.stories())


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback."""
    with serving(module_url) as started:
        yield started


@pytest.mark.parametrize("story", STORIES, ids=[story["policy"] for story in STORIES])
def test_everything_of_a_story_explains_itself(story: dict[str, Any], client: httpx.Client) -> None:
    said: list[str] = []
    demo.play(story, client=client, operator_key=OPERATOR_KEY, say=said.append)
    tenant = re.search(r"sandbox tenant (\S+);", said[0])
    assert tenant is not None
    made = client.post(
        f"/v1/tenants/{tenant.group(1)}/keys",
        headers={"Authorization": f"Bearer {OPERATOR_KEY}"},
        json={"scopes": ["*"], "label": "reader"},
    )
    headers = {"Authorization": f"Bearer {made.json()['key']}"}

    def get(path: str) -> Any:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    seen = walk(get)
    assert all(seen[one] for one in ("ticket", "charge", "license", "order")), seen
    for kind in (*KINDS, "ticket_", "nonsense"):
        for id_ in NONSENSE:
            answer = client.get(f"/v1/explain/{kind}/{id_}", headers=headers)
            assert answer.status_code in (400, 404, 422), (kind, id_, answer.text)
