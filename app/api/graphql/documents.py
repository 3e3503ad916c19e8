"""Documents: read once, kept for as long as they are used; and those that are trusted by their hash."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)

from app.api.graphql.limits import MAX_CHARACTERS, MAX_NESTING, MAX_TOKENS, LimitError, Measure

DOCUMENTS_CACHED_MAX: Final = 500
PREFIX: Final = "sha256:"
_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}\Z", re.ASCII)
_SHIPPED: Final = Path(__file__).parent / "documents"


@dataclass(slots=True)
class Parsed:
    """A document that could be read; ``errors`` once it has been validated."""

    document: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    count: int
    feed: bool = False
    """Whether it may read the feed of events."""
    referring: bool = False
    """Whether it may ask for entities, as gateways alone do."""
    errors: list[GraphQLError] | None = None
    plans: dict[Any, Any] | None = None
    """The plans of its plain selections (`app.api.graphql.plain`); None where a directive may leave fields out."""
    measures: dict[int, Measure] = field(default_factory=dict)
    """What its operations cost, by their identity, where no variable has a say."""


class Documents:
    """Reads and validates documents; the last `DOCUMENTS_CACHED_MAX` of them are kept."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._cached: OrderedDict[str, Parsed | GraphQLSyntaxError] = OrderedDict()

    def __len__(self) -> int:
        return len(self._cached)

    def read(self, text: str) -> Parsed:
        """The document. Raises `LimitError` before it is parsed, GraphQLSyntaxError when it cannot be."""
        found = self._cached.get(text)
        if found is None:
            _check_size(text)
            try:
                document = parse(text, max_tokens=MAX_TOKENS)
                there = [
                    definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)
                ]
                named = {node.name.value if node.name else "": node for node in there}
                found = Parsed(document, named, len(there), feed="events" in text, referring="_entities" in text)
                found.plans = None if "@" in text else {}
            except GraphQLSyntaxError as error:
                if f"more than {MAX_TOKENS} tokens" in error.message:
                    raise LimitError("tokens", MAX_TOKENS, None) from None
                found = error
            self._cached[text] = found
            while len(self._cached) > DOCUMENTS_CACHED_MAX:
                self._cached.popitem(last=False)
        else:
            self._cached.move_to_end(text)
        if isinstance(found, GraphQLSyntaxError):
            raise found
        return found

    def errors_of(self, parsed: Parsed) -> list[GraphQLError]:
        """What is wrong with the document under the schema; asked after the limits, so that it is bounded."""
        if parsed.errors is None:
            parsed.errors = validate(self._schema, parsed.document, max_errors=20)
        return parsed.errors


_TOKENS: Final = re.compile(
    r'#[^\n\r]*|(?P<opens>[\[({])|(?P<closes>[\])}])|"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"'
    r"|[_A-Za-z][_0-9A-Za-z]*|-?\d[0-9.eE+-]*|\.\.\.|[!$&:=@|]",
    re.DOTALL,
)


def _check_size(text: str) -> None:
    """Holds a text to its length, its tokens and its nesting, before a recursive parser sees it."""
    if len(text) > MAX_CHARACTERS:
        raise LimitError("characters", MAX_CHARACTERS, len(text))
    depth = tokens = 0
    for found in _TOKENS.finditer(text):
        kind = found.lastgroup
        if kind == "opens":
            depth += 1
            if depth > MAX_NESTING:
                raise LimitError("nesting", MAX_NESTING, None)
        elif kind == "closes":
            depth -= 1
        tokens += text[found.start()] != "#"
        if tokens > MAX_TOKENS:
            raise LimitError("tokens", MAX_TOKENS, None)


class Trusted:
    """Documents registered before, by ``sha256:`` of their text: those shipped, and those in the operator's folder."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: dict[str, str] = {}
        for text in (*_texts_in(_SHIPPED), *texts):
            self._texts[id_of(text)] = text

    @classmethod
    def with_folder(cls, folder: Path | None) -> Trusted:
        """With every ``*.graphql`` file of a folder."""
        return cls(() if folder is None else _texts_in(folder))

    def find(self, document_id: str) -> str | None:
        """The text of a document id, or None. The id may be the bare hash."""
        return self._texts.get(whole_id(document_id))

    def ids(self) -> list[str]:
        """Every id, sorted."""
        return sorted(self._texts)


def whole_id(document_id: str) -> str:
    """A document id with its prefix: a bare hash names the same document."""
    return PREFIX + document_id.lower() if _HASH.match(document_id) else document_id


class Remembered:
    """Automatic persisted queries: texts that a tenant has sent before, by their hash. The last of them are kept.

    It spares bytes and protects nothing: whoever may send a hash may send the text. So it is off unless it is set.
    """

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[str | None, str], str] = OrderedDict()

    def find(self, tenant_id: str | None, document_id: str) -> str | None:
        """The text that a tenant sent with this hash, or None."""
        found = self._texts.get((tenant_id, whole_id(document_id)))
        if found is not None:
            self._texts.move_to_end((tenant_id, whole_id(document_id)))
        return found

    def keep(self, tenant_id: str | None, text: str) -> None:
        """Keeps a text, if it is no longer than a document may be."""
        if len(text) > MAX_CHARACTERS:
            return
        self._texts[tenant_id, id_of(text)] = text
        while len(self._texts) > DOCUMENTS_CACHED_MAX:
            self._texts.popitem(last=False)


def id_of(text: str) -> str:
    """The id of a document: ``sha256:`` and the hash of its text in UTF-8."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def _texts_in(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.glob("*.graphql"))] if folder.is_dir() else []
