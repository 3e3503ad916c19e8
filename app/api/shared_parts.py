"""Make the contract small: what stands in it often stands once, among the components, and is referred to."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

JSON = dict[str, Any]
_OFTEN: Final = 3
"""Uses from which on a part is shared."""
_WIDTH: Final = 160
_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


def shared(document: JSON) -> JSON:
    """Return the document with its repeated parameters and responses among the components."""
    found: JSON = json.loads(json.dumps(document))
    _share_responses(found)
    _share_parameters(found)
    return found


def inlined(document: JSON) -> JSON:
    """Return a shared document with its parameters and responses where they are used, as they were."""
    found: JSON = json.loads(json.dumps(document))
    parts = found["components"]
    for operation in _operations(found):
        for index, parameter in enumerate(operation.get("parameters", ())):
            if "$ref" in parameter:
                operation["parameters"][index] = dict(parts["parameters"][_named(parameter)])
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                operation["responses"][status] = dict(parts["responses"][_named(answer)])
    return found


def _named(reference: JSON) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _operations(document: JSON) -> Iterator[JSON]:
    for part in ("paths", "webhooks"):
        for methods in document.get(part, {}).values():
            yield from (operation for name, operation in methods.items() if name in _METHODS)


def _share_responses(document: JSON) -> None:
    counted: Counter[str] = Counter()
    for operation in _operations(document):
        counted.update(_key(answer) for answer in operation["responses"].values())
    made = document["components"].setdefault("responses", {})
    names: dict[str, str] = {}
    for operation in _operations(document):
        for status, answer in operation["responses"].items():
            key = _key(answer)
            if counted[key] >= _OFTEN and "links" not in answer:
                name = names.setdefault(key, _free(f"Answer{status}", made))
                made[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = dict(sorted(made.items()))


def _share_parameters(document: JSON) -> None:
    counted: Counter[str] = Counter()
    for operation in _operations(document):
        counted.update(_key(parameter) for parameter in operation.get("parameters", ()))
    made = document["components"].setdefault("parameters", {})
    names: dict[str, str] = {}
    for operation in _operations(document):
        for index, parameter in enumerate(operation.get("parameters", ())):
            key = _key(parameter)
            if counted[key] >= _OFTEN:
                name = names.setdefault(key, _free(_capital(parameter["name"]), made))
                made[name] = parameter
                operation["parameters"][index] = {"$ref": f"#/components/parameters/{name}"}
    document["components"]["parameters"] = dict(sorted(made.items()))


def _key(part: JSON) -> str:
    return json.dumps(part, sort_keys=True)


def _capital(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def _free(name: str, taken: JSON) -> str:
    number, wanted = 1, name
    while wanted in taken:
        number += 1
        wanted = f"{name}{number}"
    return wanted


def text(document: Any) -> str:
    """Return a document as JSON that can be compared line by line: what fits on a line stands on one."""
    whole = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(whole) <= _WIDTH or not isinstance(document, dict | list):
        return whole
    if isinstance(document, dict):
        rows = [f"{json.dumps(key)}:{text(value)}" for key, value in document.items()]
    else:
        rows = [text(value) for value in document]
    opening, closing = "{}" if isinstance(document, dict) else "[]"
    inner = ",\n".join(rows)
    return f"{opening}\n{inner}\n{closing}"
