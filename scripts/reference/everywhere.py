"""The page that says what a user sees of each feature of a policy in every place, from the scenes that are tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.reference.table import code, codes, page, table
from tests.everywhere.scene import PLACES, Lived, Scene
from tests.everywhere.table import SCENES

_INTRO = """Each feature of a policy works in every place where a user meets it. For each, `tests/everywhere` plays a
scene over HTTP, and a row below says what it asserts there. [Policies](../policies.md) says how they are written."""


def everywhere() -> str:
    """Return the page."""
    rows = [
        (f"[{scene.title}](#{_anchor(scene.title)})", scene.said_by, *(_mark(scene, place) for place in PLACES))
        for scene in SCENES
    ]
    parts = [
        _INTRO,
        "## Places",
        table(("place", "what is looked at"), [(code(name), what) for name, what in PLACES.items()]),
    ]
    parts += ["## Features", table(("feature", "said by", *(code(place) for place in PLACES)), rows)]
    for scene in SCENES:
        parts += [f"## {scene.title}", table(("place", "what is seen"), list(_cells(scene)))]
    return page("Features in every place", *parts)


def _mark(scene: Scene, place: str) -> str:
    """Return whether the scene itself shows a feature in a place, or another test does."""
    return "elsewhere" if isinstance(getattr(scene, place), str) else "yes"


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _cells(scene: Scene) -> Iterator[tuple[str, str]]:
    draft = scene.simulate
    yield "`validate`", f"{code(_line(scene.validate.new))} is {code(scene.validate.code)}"
    asked, expected = scene.price
    yield "`price`", f"{_shown(asked)}: {_shown(expected)}"
    changed = "; ".join(
        f"{code(name)} {_shown(was)} becomes {_shown(is_)}" for name, (was, is_) in draft.differs.items()
    )
    yield "`simulate`", f"{code(_line(draft.new))}: {changed or _shown(draft.totals)}"
    yield "`explain`", f"{scene.explain[0]}: *{scene.explain[2]}*"
    yield "`counterfactual`", f"*{scene.counterfactual[1]}*"
    yield "`statement`", _shown(scene.statement)
    yield "`events`", f"{code(scene.events.type)}: " + "; ".join(_shown(row) for row in scene.events.data)
    yield "`graphql`", _shown(scene.graphql[1])
    yield "`as_of`", "; ".join(f"{seen.at or 'now'}: {_shown(seen.expected)}" for seen in scene.as_of)
    yield "`audit`", f"{code(scene.audit.check)} finds {code(scene.audit.sql)}"
    yield "`lives`", _lived(scene.lives)
    told = [_named(each) for each in scene.permuted]
    yield "`permuted`", f"{codes(told)} in any order: " + "; ".join(_shown(seen.expected) for seen in scene.same)


def _lived(lived: Lived | str) -> str:
    return lived if isinstance(lived, str) else f"policy {code(lived.policy)}, command {code(lived.by)}"


def _named(each: Any) -> str:
    event = getattr(each, "event", None)
    if event is None:
        return str(each.path).replace("-{n}", "").replace("{n}", "")
    data = event["data"]
    name = data.get("ticket_id") or data["order_id"]
    lines = data.get("lines") or [{}]
    return " ".join([event["type"], name.replace("-{n}", ""), lines[0].get("sku", "")]).strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def _shown(value: Any) -> str:
    """Return what is expected, in brief: members with their values, without what may be anything."""
    if value is ...:
        return "as before"
    if isinstance(value, Mapping):
        members = [(name, _inner(each)) for name, each in value.items() if each is not ...]
        return ", ".join(f"{name} {each}".strip() for name, each in members)
    return _inner(value)


def _inner(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_shown(value)})"
    if isinstance(value, list | tuple):
        return f"[{'; '.join(_shown(each) for each in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value).replace("-{n}", "").replace("{n}", "")
