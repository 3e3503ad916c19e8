"""Make the contract small: what stands in it often stands once, among the components, and is referred to."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

JSON = dict[str, Any]
_OFTEN: Final = 2
"""Uses from which on a part is shared."""
_WIDTH: Final = 320
"""Characters of a line; an example that is longer is shared."""
_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


def shared(document: JSON) -> JSON:
    """Return the document with its repeated parameters and responses among the components."""
    found: JSON = json.loads(json.dumps(document))
    _share_links(found)
    _share_examples(found)
    _share_responses(found)
    _share_parameters(found)
    return found


def inlined(document: JSON) -> JSON:
    """Return a shared document with its parameters, responses and links where they are used, as they were."""
    found: JSON = json.loads(json.dumps(document))
    parts = found["components"]
    for operation in _operations(found):
        for index, parameter in enumerate(operation.get("parameters", ())):
            if "$ref" in parameter:
                operation["parameters"][index] = dict(parts["parameters"][_named(parameter)])
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                operation["responses"][status] = dict(parts["responses"][_named(answer)])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if whole := content.get("examples", {}).get("whole"):
                del content["examples"]
                content["example"] = parts["examples"][_named(whole)]["value"]
        for answer in operation["responses"].values():
            for name, link in answer.get("links", {}).items():
                if "$ref" in link:
                    answer["links"][name] = dict(parts["links"][_named(link)])
    return found


def _named(reference: JSON) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _operations(document: JSON) -> Iterator[JSON]:
    for part in ("paths", "webhooks"):
        for methods in document.get(part, {}).values():
            yield from (operation for name, operation in methods.items() if name in _METHODS)


def _share_examples(document: JSON) -> None:
    contents = [
        content
        for operation in _operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "example" in content
    ]
    counted = Counter(_key(content["example"]) for content in contents)
    made = document["components"].setdefault("examples", {})
    names: dict[str, str] = {}
    for content in contents:
        key = _key(content["example"])
        if counted[key] > 1 and len(key) > _WIDTH:
            name = names.setdefault(key, _free(content["schema"]["$ref"].rpartition("/")[2], made))
            made[name] = {"value": content.pop("example")}
            content["examples"] = {"whole": {"$ref": f"#/components/examples/{name}"}}
    document["components"]["examples"] = dict(sorted(made.items()))


def _share_links(document: JSON) -> None:
    answers = [answer for operation in _operations(document) for answer in operation["responses"].values()]
    counted = Counter(_key(link) for answer in answers for link in answer.get("links", {}).values())
    made = document["components"].setdefault("links", {})
    names: dict[str, str] = {}
    for answer in answers:
        for name, link in answer.get("links", {}).items():
            key = _key(link)
            if counted[key] > 1:
                shared_as = names.setdefault(key, _free(name, made))
                made[shared_as] = link
                answer["links"][name] = {"$ref": f"#/components/links/{shared_as}"}
    document["components"]["links"] = dict(sorted(made.items()))


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
                name = names.setdefault(key, _free(status, made))
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
