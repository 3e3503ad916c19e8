"""A policy written out as YAML, for documents that came as JSON. What is read back is the same policy."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from app.domain.policy.policy import Policy

_BY_SERVICE: Final = frozenset({"version", "effective_from"})
_READ_OTHERWISE: Final = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?\Z|~|null|true|false|", re.ASCII)
"""Texts that our reader takes for numbers or words of its own where they stand without quotes."""


def yaml_of(policy: Policy) -> str:
    """Return a document that says the same; what equals its default is left out."""
    text: str = yaml.dump(
        {name: value for name, value in _stated(policy).items() if name not in _BY_SERVICE},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text


def as_written(source: str, policy: Policy) -> tuple[str, bool]:
    """Return a document as its author wrote it, and whether that is so: JSON is written out as YAML."""
    if source.lstrip()[:1] not in ("{", ""):
        return source, True
    try:
        json.loads(source or "{}")
    except ValueError:
        return source, True
    return yaml_of(policy), False


class _Dumper(yaml.SafeDumper):
    """Quotes what our reader would read otherwise, and uses no aliases, which it refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if _READ_OTHERWISE.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _stated(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _stated(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name == "kind" or getattr(value, field.name) != _default(field)
        }
    if isinstance(value, Mapping):
        return {name: _stated(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return [_stated(item) for item in value]
    return value


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
