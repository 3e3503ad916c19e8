"""The contract as the page `/docs` reads it: shorter, so that an operation opens at once, and in sentences.

Swagger UI resolves a document of OpenAPI 3.1 whole, whenever an operation is opened (two seconds of CPU). One of 3.0 it
resolves by parts, so the page gets the same contract in those words. Refusals are named once, at the top. What only
programs follow is left out: links, webhooks, and extensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from app.api import catalogue

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_LEFT_OUT: Final = ("links", "pathItems", "responses", "x-problems", "x-problems-of-all")
_VALUES: Final = ("example", "default", "enum")
"""What holds values, not schemas."""
_SENTENCE: Final = re.compile(r"(.+?[.])(?=\s|$)", re.DOTALL)
_MEANINGS: Final = {
    400: "cannot be read",
    401: "no key, or not a good one",
    403: "the key's scopes do not reach it",
    404: "nothing of that id, or another tenant's",
    409: "refused by the policy, by the state, or for want of credits",
    412: "it has changed since it was read",
    413: "too large",
    415: "another media type than JSON",
    422: "a wrong value, or a key that was used for something else",
    429: "too many calls",
    500: "a fault of the service",
    503: "not now; try again",
}


def for_page(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the contract for the page; the one that is given stays as it is."""
    parts = contract["components"]
    paths = {path: _item(_followed(item, parts), parts) for path, item in contract["paths"].items()}
    document = {name: part for name, part in contract.items() if name != "webhooks"}
    document["openapi"] = "3.0.3"
    document["info"] = {**contract["info"], "description": _intro(contract["info"]["description"])}
    document["info"]["license"] = {"name": contract["info"]["license"]["name"]}
    document["paths"] = paths
    document["components"] = {name: part for name, part in parts.items() if name not in _LEFT_OUT}
    found: dict[str, Any] = _older(document)
    return found


def _intro(words: str) -> str:
    """Return the introduction, with every refusal's status once."""
    found = {entry.status for entry in catalogue.CATALOGUE.values()}
    rows = [f"| {status} | {_MEANINGS[status]} |" for status in sorted(found & set(_MEANINGS))]
    lines = [
        words,
        "",
        "**Refusals.** Any operation may refuse. The answer is a problem with a code, the reason and a next step.",
        "[Every code](problems) has a page.",
        "",
        "| status | says |",
        "|---|---|",
        *rows,
    ]
    return "\n".join(lines)


def _followed(part: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference to another part of the contract leads to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = parts[kind][name.replace("~1", "/").replace("~0", "~")]
    return found


def _item(item: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    return {
        method: _operation(operation, parts) if method in _METHODS else operation for method, operation in item.items()
    }


def _operation(operation: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    summary, rest = sentences(operation.get("description") or operation["summary"])
    answers = {status: _followed(answer, parts) for status, answer in operation["responses"].items()}
    shown = {name: part for name, part in operation.items() if not name.startswith("x-problems")}
    scopes = operation.get("x-scopes")
    return {
        **shown,
        "summary": summary,
        "description": "\n\n".join(filter(None, [rest, f"Scope: `{'` or `'.join(scopes)}`." if scopes else ""])),
        "parameters": [
            _parameter(_followed(row, parts), operation["operationId"]) for row in operation.get("parameters", ())
        ],
        "responses": _answers(answers),
    }


def _answers(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what an operation answers when it does not refuse: one of those that have the same shape."""
    shapes: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for status, answer in sorted(answers.items(), reverse=True):
        if status.startswith("2"):
            shown = {name: part for name, part in answer.items() if name != "links"}
            words, _ = shapes.setdefault(repr(answer.get("content")), ([], {"status": status, **shown}))
            words.append(f"{status}: {answer['description']}")
    return {
        answer.pop("status"): {**answer, "description": ". ".join(reversed(words))} for words, answer in shapes.values()
    }


def sentences(text: str) -> tuple[str, str]:
    """Return the first sentence as plain words, and the rest."""
    words = re.sub(r"\s*\n\s*(?!\n)", " ", text.strip())
    found = _SENTENCE.match(words)
    first = found[1] if found else words
    rest = words[len(first) :].strip()
    first = first.replace("`", "").rstrip(":.")
    return f"{first}.", rest


def _parameter(row: dict[str, Any], operation_id: str) -> dict[str, Any]:
    """Return a parameter with an example where one is needed. The others begin empty, so that trying sends none."""
    if row["name"] == "Idempotency-Key":
        return {**row, "example": f"docs-{operation_id}"}
    return row if row.get("required") else {name: part for name, part in row.items() if name != "example"}


def _older(part: Any) -> Any:
    """Return a part of a 3.1 document in the words of 3.0."""
    if isinstance(part, list):
        return [_older(row) for row in part]
    if not isinstance(part, dict):
        return part
    found = {name: row if name in _VALUES else _older(row) for name, row in part.items()}
    kinds = found.get("type")
    if isinstance(kinds, list):
        found.pop("type")
        found.update(_one_type(kinds))
    for name in ("anyOf", "oneOf"):
        if isinstance(choices := found.get(name), list) and {"type": "null"} in choices:
            left = [row for row in choices if row != {"type": "null"}]
            found.pop(name)
            found.update({"allOf": left} if len(left) == 1 else {name: left}, nullable=True)
    if "const" in found and not isinstance(found["const"], dict):
        found["enum"] = [found.pop("const")]
    examples = found.get("examples")
    if isinstance(examples, list):
        found.pop("examples")
        found.setdefault("example", examples[0] if examples else None)
    return found


def _one_type(kinds: Iterable[str]) -> dict[str, Any]:
    left = [kind for kind in kinds if kind != "null"]
    nullable = {"nullable": True} if len(left) < len(list(kinds)) else {}
    return {"type": left[0], **nullable} if len(left) == 1 else nullable
