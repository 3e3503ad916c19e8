"""YAML without the parts that hide meaning, read into plain values with the line of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from app.documents.marks import Mark, Marks, Problem, pointer
from app.domain.policy.policy import Policy

MAX_DEPTH: Final = 32
MAX_INT: Final = 2**53 - 1
MAX_PROBLEMS: Final = 200
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?\Z|[-+]?[0-9]+[eE][-+]?[0-9]+\Z")
_BAD_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy and where each of its values stands in the text."""

    policy: Policy
    marks: Marks


@dataclass(slots=True)
class _Frame:
    value: dict[str, Any] | list[Any]
    path: tuple[str | int, ...]
    key: str | None = None
    skip: bool = False


class Reader:
    """Builds plain values from YAML events, with marks, refusing what has more than one meaning."""

    def __init__(self) -> None:
        self.marks: dict[str, Mark] = {}
        self.problems: list[Problem] = []
        self.root: Any = None
        self.found = False
        self.stack: list[_Frame] = []
        self.documents = 0

    def read(self, text: str) -> Any:
        try:
            for event in yaml.parse(text, Loader=_Loader):
                if not self.take(event):
                    break
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            what = ", ".join(part for part in (error.context, error.problem) if part)
            self.add((), Mark(line, column), "yaml_syntax", f"This is not YAML: {what}.", "Check the indentation.")
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            self.add((), Mark(1, 1), "yaml_syntax", f"This is not YAML text: {error}.", "Save the file as UTF-8.")
        if not self.problems and not isinstance(self.root, dict):
            self.add((), Mark(1, 1), "not_a_mapping", "A policy document is a mapping.", "Begin with `policy: name`.")
        return self.root

    def add(self, path: tuple[str | int, ...], mark: Mark, code: str, message: str, hint: str) -> None:
        self.problems.append(
            Problem(path=pointer(path), line=mark.line, column=mark.column, code=code, message=message, hint=hint)
        )

    def take(self, event: Any) -> bool:
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.add((), mark, "several_documents", "The file holds more than one document.", "Remove `---`.")
                return False
            return True
        if isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
            return True
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.add(self.here(), mark, "alias", "Anchors and aliases are not used here.", "Write the value out.")
            return False
        if isinstance(event, yaml.NodeEvent):
            return self.node(event, mark)
        return True

    def here(self) -> tuple[str | int, ...]:
        if not self.stack:
            return ()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def node(self, event: Any, mark: Mark) -> bool:
        path = self.here()
        if event.tag is not None and event.tag != "!":
            self.add(path, mark, "tag", f"Tags such as {event.tag} are not used here.", "Remove the tag.")
            return False
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            return self.key(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            self.put(self.scalar(event, path, mark), path, mark)
            return True
        if len(self.stack) >= MAX_DEPTH:
            self.add(path, mark, "too_deep", f"Nested deeper than {MAX_DEPTH} levels.", "Write it flatter.")
            return False
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.put(value, path, mark)
        self.stack.append(_Frame(value, path))
        return True

    def key(self, event: Any, mark: Mark) -> bool:
        frame = self.stack[-1]
        if not isinstance(event, yaml.ScalarEvent) or isinstance(frame.value, list):
            self.add(frame.path, mark, "key_not_text", "A key must be a word.", "Write `key: value`.")
            return False
        name = str(event.value)
        frame.key = name
        path = (*frame.path, name)
        frame.skip = name in frame.value
        if frame.skip:
            first = self.marks[pointer(path)]
            self.add(
                path,
                mark,
                "duplicate_key",
                f"`{name}` stands twice in one mapping.",
                f"Keep the one of line {first.line}, or this one.",
            )
        elif _BAD_TEXT.search(name):
            self.add(path, mark, "bad_text", "NUL and lone surrogates are not text.", "Remove the character.")
        else:
            self.marks[pointer(path)] = mark
        return True

    def put(self, value: Any, path: tuple[str | int, ...], mark: Mark) -> None:
        if not self.stack:
            self.root, self.found = value, True
            self.marks[""] = mark
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            self.marks[pointer(path)] = mark
            frame.value.append(value)
            return
        if frame.key is not None and not frame.skip:
            frame.value[frame.key] = value
        frame.key, frame.skip = None, False

    def scalar(self, event: Any, path: tuple[str | int, ...], mark: Mark) -> Any:
        text = str(event.value)
        if _BAD_TEXT.search(text):
            self.add(path, mark, "bad_text", "NUL and lone surrogates are not text.", "Remove the character.")
            return ""
        if event.style:
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INT.match(text):
            if len(text) > 17 or abs(int(text)) > MAX_INT:
                self.add(path, mark, "number_too_large", "The number is beyond 2^53.", "Write a smaller number.")
                return 0
            return int(text)
        if _FLOAT.match(text):
            return float(text)
        return text
