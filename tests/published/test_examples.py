"""Every example of a body that the contract shows is sent once, and succeeds; every operation is called.

The calls are those that `make compare-answers` plays against two versions.
"""

from __future__ import annotations

import json
import re

import yaml

from scripts.compare_answers import EXAMPLES, HERE, ROOT, Operations, Player, calls
from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving


def test_every_example_succeeds_and_every_operation_is_called(module_url: str) -> None:
    operations = Operations()
    document = yaml.safe_load((HERE / "calls.yaml").read_text(encoding="utf-8"))
    with serving(module_url) as client:
        player = Player(client, OPERATOR_KEY, operations)
        for chapter, made in calls(document):
            player.play(chapter, made)
    wrong = [
        (call.method, call.path, answer.status, answer.body)
        for _, call, answer in player.answers
        if call.method != "GET" and (answer.status >= 300) != call.refused
    ]
    assert wrong == []
    assert not any(answer.status >= 500 for _, _, answer in player.answers)
    succeeded = {name for name, statuses in player.exampled.items() if any(200 <= one < 300 for one in statuses)}
    assert set(json.loads(EXAMPLES.read_text(encoding="utf-8"))) - succeeded == set()
    assert operations.ids - {name for name, _, _ in player.answers} == set()


def test_every_difference_that_is_accepted_is_told() -> None:
    """What became different since 0.1.0 stands in CHANGELOG, or docs/versions.md says that it may change."""
    expected = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8"))
    pages = " ".join((ROOT / page).read_text(encoding="utf-8") for page in ("CHANGELOG.md", "docs/versions.md"))
    told = re.sub(r"\s+", " ", pages.split("## 0.1.0")[0] + pages.split("# Versions and deprecation")[1])
    assert len(expected) > 5
    assert [row["why"] for row in expected if row["why"] not in told] == []
