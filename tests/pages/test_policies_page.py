"""The blocks of docs/policies.md, put together, are one policy that passes every check."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from app.documents.policy_checks import check_policy
from app.documents.policy_document import load_document
from tests.pages.markdown import ROOT, Block, blocks

PAGE = ROOT / "docs" / "policies.md"
PLACE = re.compile(r"<!-- in: (.+?) -->")


def place_of(block: Block) -> str | None:
    """Where a block stands in the document, if the page says so in a comment above it."""
    above = PAGE.read_text(encoding="utf-8").splitlines()[block.line - 2]
    found = PLACE.fullmatch(above)
    return found[1] if found else None


class Plain(yaml.BaseLoader):
    """Reads whole numbers, true and false where they stand without quotes, and everything else as text."""


def _scalar(loader: yaml.BaseLoader, node: yaml.ScalarNode) -> object:
    if node.style is None and re.fullmatch(r"true|false|null|-?(0|[1-9]\d*)", node.value):
        return json.loads(node.value)
    return node.value


Plain.add_constructor("tag:yaml.org,2002:str", _scalar)


def read(text: str) -> Any:
    return yaml.load(text, Loader=Plain)


def merge(whole: Any, part: Any) -> Any:
    """Maps grow by their keys, lists by their items; anything else is said once."""
    if isinstance(whole, dict) and isinstance(part, dict):
        for key, value in part.items():
            whole[key] = merge(whole[key], value) if key in whole else value
        return whole
    if isinstance(whole, list) and isinstance(part, list):
        return [*whole, *part]
    raise AssertionError(f"said twice: {whole!r} and {part!r}")


def at(whole: Any, place: str) -> Any:
    """The map at a place such as `offers.1.grants.0`."""
    for step in place.split("."):
        whole = whole[int(step)] if step.isdigit() else whole[step]
    return whole


def assembled() -> str:
    """The document: whole sections first, then the parts that have a place in them."""
    whole: dict[str, Any] = {}
    found = [block for block in blocks(PAGE) if block.language == "yaml"]
    for block in sorted(found, key=lambda one: place_of(one) is not None):
        place = place_of(block)
        merge(whole if place is None else at(whole, place), read(block.text))
    return json.dumps(whole, ensure_ascii=False, indent=1)


def test_the_blocks_are_one_policy_without_a_finding() -> None:
    document = load_document(assembled())
    findings = check_policy(document.policy, document.marks)
    assert [(one.code, one.path, one.message) for one in findings] == []


def test_every_block_of_the_page_is_looked_at() -> None:
    """YAML is put together; JSON and shell lines are tried by `test_blocks.py`, examples by `test_features.py`."""
    assert {block.language for block in blocks(PAGE)} == {"yaml", "yml", "json", "sh"}
