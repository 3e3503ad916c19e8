"""What schemathesis is told of this service: ids that exist, our scalars, and whose fault a GraphQL error is.

Runs inside the tool's own environment (`SCHEMATHESIS_HOOKS`), so nothing of the service is imported. `fixtures.py`
leaves the ids and the good requests in the file `RETAINER_FUZZ_FIXTURES`. What was reached is left in
`RETAINER_FUZZ_SEEN`.
"""

from __future__ import annotations

import atexit
import collections
import itertools
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any, Final

import graphql
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.graphql import nodes
from schemathesis.specs.openapi import stateful

from app.api.shared_parts import inlined

_FILE: Final = os.environ.get("RETAINER_FUZZ_FIXTURES")
_FIXTURES: Final[dict[str, Any]] = (
    json.loads(Path(_FILE).read_text(encoding="utf-8")) if _FILE else {"ids": {}, "good": {}}
)
IDS: Final[dict[str, list[str]]] = _FIXTURES["ids"]
GOOD: Final[dict[str, list[dict[str, Any]]]] = _FIXTURES["good"]
_NAMES: Final = {"calendars": "calendar", "policies": "policy", "sources": "source"}
"""What a `name` in a path names."""
_numbers: Final = itertools.count(1)
_turns: Final[dict[str, Any]] = collections.defaultdict(itertools.count)
SEEN: Final[dict[str, collections.Counter[str]]] = collections.defaultdict(collections.Counter)
"""Operation -> how often each outcome was answered."""


# --- values of our scalars --------------------------------------------------------------------------------------------

_instants = st.datetimes(
    min_value=__import__("datetime").datetime(2000, 1, 2), max_value=__import__("datetime").datetime(2199, 12, 30)
)
_whole = st.integers(-(2**53) + 1, 2**53 - 1)
_words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=20)


def _node(value: Any) -> graphql.ValueNode:
    match value:
        case None:
            return graphql.NullValueNode()
        case bool():
            return nodes.Boolean(value)
        case int():
            return nodes.Int(value)
        case str():
            return nodes.String(value)
        case list():
            return nodes.List([_node(one) for one in value])
    fields = [graphql.ObjectFieldNode(name=graphql.NameNode(value=key), value=_node(one)) for key, one in value.items()]
    return nodes.Object(fields)


_names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,12}\Z")
_json = st.dictionaries(_names, st.none() | st.booleans() | _whole | _words, max_size=4)
schemathesis.graphql.scalar("Credits", st.integers(-(10**12), 10**12).map(nodes.Int))
schemathesis.graphql.scalar("Long", _whole.map(nodes.Int))
schemathesis.graphql.scalar("DateTime", _instants.map(lambda at: nodes.String(at.strftime("%Y-%m-%dT%H:%M:%SZ"))))
schemathesis.graphql.scalar("Date", _instants.map(lambda at: nodes.String(at.strftime("%Y-%m-%d"))))
schemathesis.graphql.scalar("Amount", st.decimals(0, 10**9, places=2).map(lambda one: nodes.String(f"{one:.2f}")))
schemathesis.graphql.scalar("JSON", _json.map(_node))
_things = [("Customer", "customerId", "customer_id"), ("Ticket", "ticketId", "ticket_id")]
schemathesis.graphql.scalar(
    "_Any",
    st.sampled_from(
        [{"__typename": kind, key: one} for kind, key, ids in _things for one in (*IDS.get(ids, ())[:5], "nobody")]
        + [{"__typename": "Entitlement", "customerId": "c-1", "action": "open_ticket"}, {"__typename": "Lot"}, {}]
    ).map(_node),
)


# --- ids that exist ---------------------------------------------------------------------------------------------------


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(one.capitalize() for one in rest)


def _chance(*seeds: Any) -> int:
    """A number that the case itself decides, so that a failing case fails again."""
    return zlib.crc32(repr(seeds).encode("utf-8", "surrogatepass"))


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Parameters have ids that exist as their examples, in place of the contract's; but nothing known is deleted."""
    if "components" in raw_schema:
        raw_schema |= inlined(raw_schema)
    for path, methods in raw_schema.get("paths", {}).items():
        for method, spec in methods.items():
            _any_of_a_list(spec)
            if method == "delete":
                continue
            for one in spec.get("parameters", ()):
                found = IDS.get(_kind(path, one["name"]))
                if found and one["in"] == "path":
                    one.pop("example", None)
                    one["examples"] = {f"known{n}": {"value": value} for n, value in enumerate(found[:3])}


def _any_of_a_list(spec: dict[str, Any]) -> None:
    """A link through a list leads on from any of its entries, and nowhere from none, which the contract cannot say."""
    for answer in spec.get("responses", {}).values():
        for link in answer.get("links", {}).values():
            through = {name: said.replace("/0/", "/*/") for name, said in link["parameters"].items()}
            if any(said.startswith("$response.body#") and said.count("/") > 1 for said in through.values()):
                link |= {"parameters": through, "x-schemathesis": {"is_inferred": True}}


def _kind(path: str, name: str) -> str:
    return _NAMES.get(path.split("/")[2], name) if name == "name" else name


@schemathesis.hook
def before_add_examples(context: Any, examples: list[Any]) -> None:
    """Every good request is an example."""
    raw = getattr(context.operation.definition, "raw", None)
    if not isinstance(raw, dict):
        return
    for one in GOOD.get(raw["operationId"], ())[:12]:
        given = {"path_parameters": one["path"], "query": one["query"], "headers": _key(raw)}
        if one["body"] is not None:
            given.update(body=one["body"], media_type="application/json")
        examples.append(context.operation.Case(**{name: value for name, value in given.items() if value}))


def _key(raw: dict[str, Any]) -> dict[str, str]:
    keyed = any(one.get("name") == "Idempotency-Key" for one in raw.get("parameters", ()))
    return {"Idempotency-Key": f"fuzz-{next(_numbers)}"} if keyed else {}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Most cases get ids that exist, and some of the sound ones are a request that ought to succeed."""
    if case.meta is None:
        return
    raw = getattr(case.operation.definition, "raw", None)
    if case.meta.phase.name.value == "stateful":
        if isinstance(raw, dict):
            _step(case, raw)
    elif isinstance(raw, dict):
        _rest(case, raw)
    elif isinstance(case.body, str):
        _graphql(case)


BEGINNINGS: Final = {"putOrder": "order_id", "putTicket": "ticket_id", "putCalendar": "name"}
"""What a caller names: a step makes a new one, with the body of a good request, for the steps that follow."""


def _step(case: Any, raw: dict[str, Any]) -> None:
    """Three of four sound steps of a chain say what a good request says; whereto, is the link's to say."""
    operation, good = raw["operationId"], GOOD.get(raw["operationId"], ())
    if not case.meta.generation.mode.is_positive or not good:
        return
    case.headers = {**(case.headers or {}), **_key(raw)}
    turn = next(_turns[operation])
    if turn % 4 == 3:
        return
    chosen = good[turn % len(good)]
    if operation in BEGINNINGS:
        name = BEGINNINGS[operation]
        case.path_parameters = {**case.path_parameters, name: f"chain-{next(_numbers)}"}
    if chosen["body"] is not None:
        case.body = {**chosen["body"], **({"ticket_id": f"chain-{turn}"} if operation == "splitTicket" else {})}
        case.media_type = "application/json"
    linked = {name: value for name, value in (case.query or {}).items() if name.endswith("_id")}
    case.query = {**chosen["query"], **linked}


def _from_puts(operation: Any, node: Any, produced: Any) -> bool:
    """Chains begin where callers begin: here most things are made by a PUT under the caller's own name."""
    begins = getattr(operation.definition, "raw", {}).get("operationId") in BEGINNINGS
    return begins or _is_likely_root(operation, node, produced)


_is_likely_root: Final = stateful.is_likely_root_transition
stateful.is_likely_root_transition = _from_puts


def _to_touch(operation: str, found: list[str]) -> list[str]:
    """The known ids; one endpoint stays as it is, so that its deliveries can be sent again."""
    return found[:-1] if operation == "changeWebhookEndpoint" else found


def _rest(case: Any, raw: dict[str, Any]) -> None:
    meta, operation = case.meta, raw["operationId"]
    chance = _chance(operation, case.path_parameters, case.query, case.body)
    good = GOOD.get(operation, ())
    covering = meta.phase.data if isinstance(meta.phase.data, CoveragePhaseData) else None
    positive = meta.generation.mode.is_positive and covering is None
    if positive and case.headers and "Idempotency-Key" in case.headers:
        case.headers = {**case.headers, **_key(raw)}
    if positive and case.headers and "If-Match" in case.headers and chance % 7 > 1:
        case.headers = {name: value for name, value in case.headers.items() if name != "If-Match"}
    if positive and case.query and chance % 8:
        case.query = {name: value for name, value in case.query.items() if name not in ("cursor", "after")}
    wrong = {place.value for place, one in meta.components.items() if one.mode.is_negative}
    if "path" in wrong or not case.path_parameters:
        return
    if positive and good and chance % 5 == 0:
        chosen = good[chance // 5 % len(good)]
        case.path_parameters = {**case.path_parameters, **chosen["path"]}
        if chosen["body"] is not None:
            case.body = chosen["body"]
        return
    if chance % 10 >= 8:
        return
    path = dict(case.path_parameters)
    pairs = dict(good[chance // 10 % len(good)]["path"]) if good else {}
    for name in path:
        found = _to_touch(operation, IDS.get(_kind(case.operation.path, name), []))
        if covering is not None and covering.parameter == name:
            continue
        if name in pairs:
            path[name] = pairs[name]
        elif found:
            path[name] = found[chance // 10 % len(found)]
    case.path_parameters = path


# --- GraphQL ----------------------------------------------------------------------------------------------------------


def _graphql(case: Any) -> None:
    try:
        document = graphql.parse(case.body)
    except graphql.GraphQLSyntaxError:
        return
    schema, asked = case.operation.schema.client_schema, document.definitions[0]
    mutation = asked.operation is graphql.OperationType.MUTATION
    root = schema.mutation_type if mutation else schema.query_type
    field = next((one for one in asked.selection_set.selections if isinstance(one, graphql.FieldNode)), None)
    if field is None or field.name.value not in root.fields:
        return
    name, chance = field.name.value, _chance(case.body)
    declared = root.fields[name]
    positive = case.meta.generation.mode.is_positive
    good = GOOD.get(name, ())
    turn = next(_turns[name]) if positive else 1
    if good and turn % 2 == 0:
        _say(field, declared, good[turn // 2 % len(good)])
    elif chance % 10 < 8:
        for argument in field.arguments or ():
            known = declared.args.get(argument.name.value)
            if known is not None:
                _known_ids(argument, known.type, name, chance // 10, positive=positive)
    if positive and field.selection_set is not None:
        extra = graphql.FieldNode(name=graphql.NameNode(value="__typename"))
        _set(field.selection_set, "selections", (*field.selection_set.selections, extra))
    case.body = graphql.print_ast(document)


def _say(field: Any, declared: Any, chosen: dict[str, Any]) -> None:
    """Asks for what ought to be answered, in the words of this field."""
    said = {**chosen["query"], **chosen["path"]}
    for key, value in (chosen["body"] or {}).items():
        # What the path says already has another name in the body: a split's own ticket.
        said[f"new_{key}" if key in chosen["path"] else key] = value
    given = {_camel(key): value for key, value in said.items()}
    if "input" in declared.args:
        node = _input(given, graphql.get_named_type(declared.args["input"].type))
        _replace(field.arguments[0], node)
        return
    arguments = [
        graphql.ArgumentNode(name=graphql.NameNode(value=key), value=_literal(value, declared.args[key].type))
        for key, value in given.items()
        if key in declared.args
    ]
    _set(field, "arguments", tuple(arguments))


def _set(node: Any, name: str, value: Any) -> None:
    object.__setattr__(node, name, value)


def _replace(holder: Any, value: graphql.ValueNode) -> None:
    _set(holder, "value", value)


def _input(said: dict[str, Any], kind: Any) -> graphql.ValueNode:
    """An input object as a literal; ids for idempotence are always fresh."""
    if "idempotencyKey" in kind.fields and "idempotencyKey" not in said:
        said = {"idempotencyKey": f"fuzz-{next(_numbers)}", **said}
    fields = []
    for key, value in said.items():
        if key in kind.fields:
            fields.append(
                graphql.ObjectFieldNode(name=graphql.NameNode(value=key), value=_literal(value, kind.fields[key].type))
            )
    return nodes.Object(fields)


def _literal(value: Any, kind: Any) -> graphql.ValueNode:
    inner = graphql.get_nullable_type(kind)
    if value is not None and graphql.is_list_type(inner):
        return nodes.List([_literal(one, inner.of_type) for one in value])
    named = graphql.get_named_type(kind)
    if isinstance(value, dict) and isinstance(named, graphql.GraphQLInputObjectType):
        return _input({_camel(key): one for key, one in value.items()}, named)
    return _node(value)


def _known_ids(holder: Any, kind: Any, operation: str, chance: int, *, positive: bool) -> None:
    """Puts ids that exist where an id is asked for by its name."""
    value, name = holder.value, holder.name.value
    named = graphql.get_named_type(kind)
    if isinstance(value, graphql.ObjectValueNode) and isinstance(named, graphql.GraphQLInputObjectType):
        for one in value.fields:
            if one.name.value in named.fields:
                _known_ids(one, named.fields[one.name.value].type, operation, chance, positive=positive)
        return
    if positive and name in ("after", "cursor") and not graphql.is_non_null_type(kind):
        _replace(holder, graphql.NullValueNode())
        return
    if positive and name == "first" and isinstance(value, graphql.IntValueNode):
        _replace(holder, nodes.Int(chance % 100 + 1))
        return
    if not isinstance(value, graphql.StringValueNode) or named.name not in ("ID", "String"):
        return
    if name == "idempotencyKey":
        _replace(holder, nodes.String(f"fuzz-{next(_numbers)}"))
        return
    key = _snake(name)
    if key == "name":
        words = {
            "calendar": "calendar",
            "closures": "calendar",
            "polic": "policy",
            "price": "policy",
            "source": "source",
        }
        key = next((kind for word, kind in words.items() if word in operation.lower()), "policy")
    if found := IDS.get(key):
        _replace(holder, nodes.String(found[chance % len(found)]))


CALLERS: Final = re.compile(r"\A(?!internal_error|unavailable|busy|outcome_unknown|not_built)[a-z0-9_]+\Z")
"""Codes of our errors that are the caller's: all but those that REST answers with 5xx."""
NEVER_FOR_SOUND_ONES: Final = {"graphql_syntax", "graphql_invalid", "malformed_request", "malformed_json"}
"""A document made from the schema is valid by it, so these would be a wrong schema."""


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drops failures that the tool sees because it does not know what our GraphQL errors say; keeps all others.

    The tool takes every error beside a `path` for the server's fault unless `extensions.code` is one of Apollo's or
    graphql-java's words. Ours are the codes of the problem catalogue (docs/api.md): an error is ours when it has no
    such code or a status of 500 and above, and the caller's otherwise (a text longer than 200, a name that the
    policy does not have, a document over a limit): what GraphQL's types cannot say. Nothing is dropped in REST.
    """
    if type(failure).__name__ not in ("GraphQLServerError", "GraphQLClientError"):
        return True
    errors = json.loads(response.content).get("errors", ())
    for error in errors:
        said = error.get("extensions", {})
        code, status = said.get("code", ""), said.get("status", 500)
        if not CALLERS.match(code) or status >= 500 or code in NEVER_FOR_SOUND_ONES:
            return True
    return False


# --- what was reached -------------------------------------------------------------------------------------------------


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Counts outcomes by operation."""
    if os.environ.get("RETAINER_FUZZ_WATCH") and response.status_code < 300 and case.method.upper() != "GET":
        _watch(case, response)
    raw = getattr(case.operation.definition, "raw", None)
    if isinstance(raw, dict):
        if case.method.upper() == case.operation.method.upper():
            SEEN[raw["operationId"]][_outcome(response)] += 1
        return
    try:
        body = json.loads(response.content)
    except ValueError:
        body = {}
    name = case.operation.label.partition(".")[2]
    for error in body.get("errors", ()):
        SEEN[name][str(error.get("extensions", {}).get("code"))] += 1
    found = (body.get("data") or {}).get(name)
    if not body.get("errors"):
        refused = isinstance(found, dict) and found.get("__typename") == "Refusal"
        SEEN[name]["refused" if refused else "null" if found is None else "200"] += 1


def _outcome(response: Any) -> str:
    """The status, and the problem's code: why an operation never succeeded is read from these."""
    if response.status_code < 400:
        return str(response.status_code)
    try:
        return f"{response.status_code} {json.loads(response.content)['code']}"
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)


_broken: set[str] = set()


def _watch(case: Any, response: Any) -> None:
    """Asks the ledger's audit after every write, and tells the call that broke something."""
    sent = response.request
    base = "/".join(str(sent.url).split("/")[:3])
    found = requests.get(f"{base}/v1/audit", headers={"Authorization": sent.headers["Authorization"]}, timeout=60)
    for one in found.json().get("data", ()):
        if (told := json.dumps(one)) not in _broken:
            _broken.add(told)
            print(f"fuzz: BROKEN {told} by {case.as_curl_command()[:3000]} -> {response.content[:3000]!r}", flush=True)


def _leave() -> None:
    if path := os.environ.get("RETAINER_FUZZ_SEEN"):
        Path(path).write_text(json.dumps(SEEN), encoding="utf-8")


atexit.register(_leave)
