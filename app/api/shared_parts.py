"""Make the contract small: what stands in it often stands once, among the components, and is referred to."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

JSON = dict[str, Any]
_OFTEN: Final = 2
"""Uses from which on a part is shared."""
_WIDTH: Final = 320
"""Characters of a line; an example that is longer is shared."""
_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
_SCHEMAS: Final = "#/components/schemas/"
_CARRIER: Final = "WebhookBody"
_CARRIED: Final = f"{_SCHEMAS}{_CARRIER}/$defs/"
"""Where shapes stand that webhooks alone refer to: a client of the calls needs none of them."""
_ID: Final = "AnyId"
"""The schema of an id or a name in a path or a query."""
_PROBLEM: Final = "application/problem+json"
_PROBLEMS: Final = "x-problems"
_ONLY: Final = "x-problems-only"
_OF_ALL: Final = "x-problems-of-all"
_NEARLY_ALL: Final = 0.8
_DATA: Final = frozenset({"example", "examples", "default", "const", "enum"})
_BESIDE: Final = frozenset({"description", "example", "examples", "default"})
"""What stands beside a reference, since it is of the place and not of the shape."""
_NULL: Final[JSON] = {"type": "null"}


def shared(document: JSON) -> JSON:
    """Return the document with what it repeats among the components."""
    found: JSON = json.loads(json.dumps(document))
    _share_problems(found)
    _share_security(found)
    _share_objects(found)
    _set_apart(found)
    _share_links(found)
    _share_examples(found)
    _share_responses(found)
    _share_parameters(found)
    _share_texts(found)
    return found


def inlined(document: JSON) -> JSON:
    """Return a shared document with its shared parts where they are used, as they were."""
    found: JSON = json.loads(json.dumps(document))
    parts = found["components"]
    _put_objects_back(found)
    _put_problems_back(found)
    _put_security_back(found)
    for operation in _operations(found):
        for index, parameter in enumerate(operation.get("parameters", ())):
            if "$ref" in parameter:
                operation["parameters"][index] = dict(parts["parameters"][_named(parameter)])
            if _ID in parts["schemas"]:
                _put_text_back(operation["parameters"][index], parts["schemas"][_ID])
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
    parts["schemas"].pop(_ID, None)
    return found


def _named(reference: JSON) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _operations(document: JSON) -> Iterator[JSON]:
    for part in (document.get("paths", {}), document.get("components", {}).get("pathItems", {})):
        for methods in part.values():
            yield from (operation for name, operation in methods.items() if name in _METHODS)


def _share_problems(document: JSON) -> None:
    """Publish the problems of an operation as one answer, ``default``; `x-problems` lists their statuses.

    Those that nearly every operation has stand once, in `components.x-problems-of-all`. An operation lists those beside
    them. One that lacks some of them lists all of its own, in `x-problems-only`.

    All are of one shape, so that a client reads a status that is not listed (a proxy's 408) as well.
    """
    descriptions: dict[str, str] = {}
    content: JSON = {}
    found: list[tuple[JSON, set[int]]] = []
    for operation in _operations(document):
        answers = operation["responses"]
        statuses = [status for status, answer in answers.items() if _PROBLEM in answer.get("content", ())]
        for status in statuses:
            answer = answers.pop(status)
            descriptions[status], content = answer["description"], answer["content"]
        if statuses:
            found.append((operation, {int(status) for status in statuses}))
    counted = Counter(status for _, mine in found for status in mine)
    common = {status for status, times in counted.items() if times > len(found) * _NEARLY_ALL}
    for operation, mine in found:
        operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
        if not common <= mine:
            operation[_ONLY] = sorted(mine)
        elif mine - common:
            operation[_PROBLEMS] = sorted(mine - common)
    rows = [f"* {status}: {words}" for status, words in sorted(descriptions.items())]
    about = (
        f"A problem. `components.{_OF_ALL}` lists the statuses that operations have, `{_PROBLEMS}` of an operation what"
        f" it has beside them, `{_ONLY}` all that it has.\n\n" + "\n".join(rows)
    )
    document["components"].setdefault("responses", {})["Problem"] = {"description": about, "content": content}
    document["components"][_PROBLEMS] = dict(sorted(descriptions.items()))
    document["components"][_OF_ALL] = sorted(common)


def _put_problems_back(document: JSON) -> None:
    parts = document["components"]
    if _PROBLEMS not in parts:  # as it was published before
        return
    content, descriptions = parts["responses"].pop("Problem")["content"], parts.pop(_PROBLEMS)
    common = parts.pop(_OF_ALL, [])
    for operation in _operations(document):
        if operation["responses"].pop("default", None) is None:
            continue
        statuses = operation.pop(_ONLY, None) or [*common, *operation.pop(_PROBLEMS, ())]
        for status in map(str, sorted(statuses)):
            operation["responses"][status] = {"description": descriptions[status], "content": content}


def _share_security(document: JSON) -> None:
    """Say once what opens most operations; those that need no key say so."""
    counted = Counter(_key(each["security"]) for each in _operations(document) if each["security"])
    document["security"] = json.loads(counted.most_common(1)[0][0])
    for operation in _operations(document):
        if operation["security"] == document["security"]:
            del operation["security"]


def _put_security_back(document: JSON) -> None:
    everywhere = document.pop("security", None)
    for operation in _operations(document) if everywhere is not None else ():
        operation.setdefault("security", everywhere)


def _share_objects(document: JSON) -> None:
    """Give a name to each object of any members, or of members of one kind, that is used often."""
    schemas = document["components"]["schemas"]
    found = [(name, *_core(schema)) for name, schema in _named_schemas(schemas) if _open(schema)]
    counted = Counter(_key(core) for _, core, _ in found)
    names: dict[str, str] = {}
    for name, core, _ in found:
        if counted[_key(core)] >= _OFTEN and _key(core) not in names:
            names[_key(core)] = _free(_object_name(name, core), {**schemas, **dict.fromkeys(names.values())})

    def share(schema: JSON) -> JSON:
        if not _open(schema):
            return schema
        core, null = _core(schema)
        name = names.get(_key(core))
        if name is None:
            return schema
        reference = {"$ref": _SCHEMAS + name}
        beside = {key: value for key, value in schema.items() if key in _BESIDE}
        return {**({"anyOf": [reference, _NULL]} if null else reference), **beside}

    made = {names[key]: json.loads(key) for key in names}
    document["components"]["schemas"] = dict(sorted({**_changed(schemas, share), **made}.items()))


def _put_objects_back(document: JSON) -> None:
    schemas = document["components"]["schemas"]
    schemas |= schemas.get(_CARRIER, {}).pop("$defs", {})
    made = {name: schemas.pop(name) for name in [name for name, schema in schemas.items() if _open(schema)]}

    def back(schema: JSON) -> JSON:
        if str(schema.get("$ref", "")).startswith(_CARRIED):
            return {**schema, "$ref": schema["$ref"].replace(_CARRIED, _SCHEMAS)}
        match schema.get("anyOf"):
            case [{"type": "object"} as inner, {"type": "null"}] if _open(inner):
                return {**inner, "type": ["object", "null"], **{key: schema[key] for key in schema if key != "anyOf"}}
        inner = made.get(str(schema.get("$ref", "")).removeprefix(_SCHEMAS))
        return schema if inner is None else {**inner, **{key: schema[key] for key in schema if key != "$ref"}}

    document["components"]["schemas"] = dict(sorted(_changed(schemas, back).items()))
    document["components"]["pathItems"] = _changed(document["components"].get("pathItems", {}), back)


def _set_apart(document: JSON) -> None:
    """Put the shapes that webhooks alone refer to into the definitions of a webhook's body."""
    schemas = document["components"]["schemas"]
    if _CARRIER not in schemas:
        return
    near: set[str] = set()
    waiting = {_CARRIER, *_referred(document["paths"]), *_referred(document["components"]["responses"])}
    while waiting:
        near |= waiting
        waiting = {inner for name in waiting for inner in _referred(schemas[name])} - near
    apart = {name: schema for name, schema in schemas.items() if name not in near}

    def lead(schema: JSON) -> JSON:
        name = str(schema.get("$ref", "")).removeprefix(_SCHEMAS)
        return {**schema, "$ref": _CARRIED + name} if name in apart else schema

    reached = {name: schema for name, schema in schemas.items() if name in near}
    reached[_CARRIER]["$defs"] = _changed(apart, lead)
    document["components"]["schemas"] = reached
    document["components"]["pathItems"] = _changed(document["components"]["pathItems"], lead)


def _referred(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if str(part.get("$ref", "")).startswith(_SCHEMAS):
            yield part["$ref"].removeprefix(_SCHEMAS)
        for inner in part.values():
            yield from _referred(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _referred(inner)


def _open(schema: JSON) -> bool:
    """Whether it is an object that names no member of its own, and refers to no shape."""
    kind = schema.get("type")
    open_members = bool(schema.get("additionalProperties")) or "patternProperties" in schema
    return (
        kind in ("object", ["object", "null"])
        and open_members
        and "properties" not in schema
        and not [*_referred(schema)]
    )


def _core(schema: JSON) -> tuple[JSON, bool]:
    """Return the shape itself, without what is of its place, and whether it may be null."""
    core = {key: value for key, value in schema.items() if key not in _BESIDE}
    return {**core, "type": "object"}, isinstance(schema["type"], list)


def _object_name(member: str, core: JSON) -> str:
    match core.get("additionalProperties"):
        case True:
            return "JsonObject"
        case {"type": "integer" | "string" as kind}:
            return f"{str(kind).capitalize()}Map"
    return f"{_capital(member)}Object"


def _named_schemas(schemas: JSON) -> Iterator[tuple[str, JSON]]:
    """Every schema below these, with the name of the member that it is of."""
    for schema in schemas.values():
        for name, inner in schema.get("properties", {}).items():
            yield from ((name, part) for part in _below(inner))


def _below(schema: Any) -> Iterator[JSON]:
    if isinstance(schema, dict):
        yield schema
        for key, inner in schema.items():
            if key not in _DATA:
                yield from _below(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _below(inner)


def _changed(part: Any, change: Callable[[JSON], JSON]) -> Any:
    """Return a part with each of its objects changed, the inner ones first."""
    if isinstance(part, list):
        return [_changed(inner, change) for inner in part]
    if not isinstance(part, dict):
        return part
    return change({key: inner if key in _DATA else _changed(inner, change) for key, inner in part.items()})


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
        counted.update(_key(answer) for answer in operation["responses"].values() if "$ref" not in answer)
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


def _share_texts(document: JSON) -> None:
    """Give a name to the text that most parameters are: an id or a name."""
    parts = document["components"]
    every = [parameter for operation in _operations(document) for parameter in operation.get("parameters", ())]
    places = [place for place in [*every, *parts["parameters"].values()] if place.get("schema", {}).get("pattern")]
    counted = Counter(_key(place["schema"]) for place in places)
    often = counted.most_common(1)
    if not often or often[0][1] < _OFTEN:
        return
    parts["schemas"] = dict(sorted({**parts["schemas"], _ID: json.loads(often[0][0])}.items()))
    for place in places:
        if _key(place["schema"]) == often[0][0]:
            place["schema"] = {"$ref": _SCHEMAS + _ID}


def _put_text_back(parameter: JSON, text_: JSON) -> None:
    if parameter["schema"].get("$ref") == _SCHEMAS + _ID:
        parameter["schema"] = dict(text_)


def _key(part: JSON) -> str:
    return json.dumps(part, sort_keys=True)


def _capital(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def _free(name: str, names: JSON) -> str:
    number, free = 1, name
    while free in names:
        number += 1
        free = f"{name}{number}"
    return free


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
