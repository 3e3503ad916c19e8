"""A tenant with a document of before runs on unchanged: recorded answers come again, new members aside.

``recorded/november`` was recorded with the version of 22 November 2026, before policies had severities, work logs,
recurring credits and plans; ``recorded/examples`` with that of 30 November. `scripts/record_lives.py` records them.
`expected.yaml` lists the kinds of differences that CHANGELOG tells of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving
from tests.upgrade.life import Life

HERE = Path(__file__).parent
RECORDED = sorted((HERE / "recorded").glob("*/*.json"))
EXPECTED = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def client(module_url: str) -> Iterator[httpx.Client]:
    """A client of a server on loopback."""
    with serving(module_url) as started:
        started.timeout = httpx.Timeout(120)
        yield started


def changed(before: Any, after: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where what was answered before is not answered now, by places in which numbers of lists are `*`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from changed(value, after[name], f"{place}/{name}")
            else:
                yield f"{place}/{name}", value, "gone"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from changed(one, other, f"{place}/*")
    elif before != after or type(before) is not type(after):
        yield place, before, after


def told(path: Path, call: str, place: str) -> bool:
    """Whether a kind of difference is one that CHANGELOG tells of."""
    return any(
        path.parent.name == row.get("recorded", "november")
        and re.fullmatch(row.get("call", ".*"), call)
        and re.fullmatch(row["place"], place)
        and path.stem in row.get("documents", [path.stem])
        for row in EXPECTED
    )


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_life_comes_to_the_same(path: Path, client: httpx.Client) -> None:
    kept = json.loads(path.read_text(encoding="utf-8"))
    rows = Life(client, OPERATOR_KEY, f"kept-{path.parent.name}-{path.stem}", kept["document"]).play(path.stem)
    assert [row["call"] for row in rows] == [row["call"] for row in kept["rows"]]
    found = [
        (before["call"], place, old, new)
        for before, after in zip(kept["rows"], rows, strict=True)
        for place, old, new in changed(before["answer"], after["answer"])
        if not told(path, before["call"], place)
    ]
    assert found == []
    assert [row["status"] for row in rows] == [row["status"] for row in kept["rows"]]


def test_every_document_of_before_is_there() -> None:
    names = {f"{path.parent.name}/{path.stem}" for path in RECORDED}
    shipped = {path.stem for path in (HERE.parent.parent / "app" / "policies").glob("*.yaml")}
    examples = {path.stem for path in (HERE.parent.parent / "docs" / "examples").glob("*.yaml")}
    assert {f"november/{name}" for name in {*shipped, "powerserver"}} <= names
    assert {f"examples/{name}" for name in examples - {"powerserver"}} <= names
