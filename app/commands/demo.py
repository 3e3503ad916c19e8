"""`retainer demo`: plays one story for each shipped policy against the running service and prints what a person
reads.

The stories are data (``app/stories/*.yaml``): each makes a fresh sandbox tenant, so that the demo can be played as
often as one likes. Every step may say what it expects; the demo ends with 1 at the first answer that differs.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import typer
import yaml

from app.commands.remote import Url
from app.settings import Settings

STORIES: Final = Path(__file__).resolve().parent.parent / "stories"
_HOLE: Final = re.compile(r"\{([^{}]+)\}")


@dataclass(slots=True)
class Stage:
    """Where a story is played: a client, the sandbox tenant's key, and what earlier steps kept."""

    client: httpx.Client
    key: str
    zone: str
    say: Callable[[str], None]
    saved: dict[str, Any] = field(default_factory=dict)
    calls: int = 0


class Played(NamedTuple):
    """A story that was played: its title, its tenant and key, and the customer it is about."""

    title: str
    tenant_id: str
    key: str
    customer_id: str


class StoryError(Exception):
    """The service answered otherwise than the story tells; the message shows both."""


def run(url: Url = None, only: Annotated[str, typer.Option(help="Only the story of this policy.")] = "") -> None:
    """Play one story for each shipped policy against the running service."""
    settings = Settings.read()
    here = f"http://{settings.host}:{settings.port}"
    raise typer.Exit(perform(url=(url or here).rstrip("/"), only=only or None))


def perform(
    *, url: str, operator_key: str | None = None, only: str | None = None, say: Callable[[str], None] = print
) -> int:
    """Plays all stories (or the one of policy ``only``); the exit code: 0 when every answer was as told."""
    key = operator_key or os.environ.get("RETAINER_OPERATOR_KEY") or _stored_operator_key()
    if not key:
        say("demo: no operator key: set RETAINER_OPERATOR_KEY, or start the service once with `make serve`")
        return 1
    stated = [story for story in stories() if only in (None, story["policy"])]
    if not stated:
        names = ", ".join(story["policy"] for story in stories())
        say(f"demo: no story is of the policy {only}; there are {names}")
        return 1
    with httpx.Client(base_url=url, timeout=30) as client:
        try:
            client.get("/readyz").raise_for_status()
        except httpx.HTTPError as error:
            say(f"demo: no service is ready at {url} ({error}); start it with `make serve` in another window")
            return 1
        played: list[Played] = []
        for story in stated:
            try:
                played.append(play(story, client=client, operator_key=key, say=say))
            except StoryError as error:
                say(f"\n  !! {error}")
                return 1
        say("\nAll stories ended as the policies tell them.")
        _show_pages(client, url, key, played, say)
    return 0


def _show_pages(
    client: httpx.Client, url: str, operator_key: str, played: Sequence[Played], say: Callable[[str], None]
) -> None:
    """Print where each story's customer and the vendor's people look at it; the links open for ten minutes."""
    if played:
        say("\nTheir pages, for ten minutes from now:")
    for story in played:
        headers = {"Authorization": f"Bearer {story.key}"}
        path = f"/v1/customers/{quote(story.customer_id, safe='')}/tokens"
        made = client.post(path, headers=headers, json={"minutes": 10, "may": "act"})
        _must(made, 201)
        body = {"scopes": ["*"], "person": {"id": "demo", "name": "Demo"}, "page": "/desk"}
        operator = {"Authorization": f"Bearer {operator_key}"}
        link = client.post(f"/v1/tenants/{story.tenant_id}/sign-in-links", headers=operator, json=body)
        _must(link, 201)
        say(f"  {story.title}")
        say(f"    {story.customer_id}'s account  {_here(url, made.json()['url'])}")
        say(f"    the vendor's pages  {_here(url, link.json()['url'])}")


def _here(url: str, address: str) -> str:
    """Return an address of the service under the one by which the demo reaches it."""
    return url.rstrip("/") + address[address.index("/", address.index("://") + 3) :]


def stories() -> Iterator[dict[str, Any]]:
    """The stories in the order of their file names."""
    for path in sorted(STORIES.glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def play(story: dict[str, Any], *, client: httpx.Client, operator_key: str, say: Callable[[str], None]) -> Played:
    """Plays one story in a tenant of its own. Raises `StoryError` when an answer differs from what is told."""
    tenant = f"demo-{story['policy']}-{secrets.token_hex(4)}"
    operator = {"Authorization": f"Bearer {operator_key}"}
    made = client.put(
        f"/v1/tenants/{tenant}",
        headers=operator,
        json={"policy": story["policy"], "clock": {"mode": "virtual", "now": story["now"]}},
    )
    _must(made, 201)
    key = client.post(f"/v1/tenants/{tenant}/keys", headers=operator, json={"scopes": ["*"], "label": "demo"})
    _must(key, 201, 200)
    stage = Stage(client=client, key=key.json()["key"], zone=story.get("zone", "UTC"), say=say)
    say(f"\n=== {story['story']}\n    {story['policy']}, in the sandbox tenant {tenant}; times are {stage.zone}")
    for step in story["steps"]:
        _step(stage, step)
    customer_id = next(step["body"]["customer_id"] for step in story["steps"] if "customer_id" in step.get("body", {}))
    return Played(story["story"], tenant, stage.key, customer_id)


def _step(stage: Stage, step: dict[str, Any]) -> None:
    if "say" in step:
        stage.say(f"\n  {_filled(stage, step['say'], {})}")
    if "move" in step:
        _move(stage, _filled(stage, step["move"], {}))
        return
    if "call" not in step:
        return
    method, _, path = _filled(stage, step["call"], {}).partition(" ")
    body = _deep(stage, step.get("body"))
    headers = {"Authorization": f"Bearer {stage.key}"}
    if method == "POST":
        stage.calls += 1
        headers["Idempotency-Key"] = f"demo-{stage.calls}-{secrets.token_hex(6)}"
    answer = stage.client.request(method, path, headers=headers, json=body)
    stage.say(f"  > {method} {path}{' ' + json.dumps(body, ensure_ascii=False) if body else ''}")
    _must(answer, *([step["status"]] if "status" in step else [200, 201]))
    view = answer.json()
    for name, place in step.get("keep", {}).items():
        stage.saved[name] = _at(view, place)
    for line in [step["show"]] if isinstance(step.get("show"), str) else step.get("show", []):
        stage.say(f"    {_filled(stage, line, view)}")
    for place, expected in step.get("expect", {}).items():
        found = _at(view, _filled(stage, place, {}))
        if found != _deep(stage, expected):
            found = f"{place} is {found!r}, the story tells {expected!r}"
            raise StoryError(f"{method} {path}: {found}\n{json.dumps(view)[:2000]}")


def _move(stage: Stage, now: str) -> None:
    headers = {"Authorization": f"Bearer {stage.key}"}
    fired = 0
    while True:
        answer = stage.client.put("/v1/clock", headers=headers, json={"now": now})
        _must(answer, 200)
        fired += answer.json()["fired"]
        if answer.json()["reached"]:
            break
    stage.say(f"  ~ it is now {_local(now, stage.zone)}{f' ({fired} things fell due on the way)' if fired else ''}")


def _must(answer: httpx.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise StoryError(f"{asked} answered {answer.status_code}: {answer.text[:1500]}")


def _at(view: Any, place: str) -> Any:
    """The value at a place: ``lots.0.available``; ``clocks[milestone=first_response].due_at``; ``#lots`` counts."""
    count = place.startswith("#")
    for part in re.findall(r"[^.\[\]]+(?:\[[^\]]*\])?", place.lstrip("#")):
        name, _, pick = part.partition("[")
        if isinstance(view, list):
            view = view[int(name)] if name.isdigit() and int(name) < len(view) else None
        elif isinstance(view, dict):
            view = view.get(name)
        else:
            return None
        if pick:
            field_name, _, value = pick.rstrip("]").partition("=")
            view = next((item for item in view or [] if str(item.get(field_name)) == value), None)
    return len(view or []) if count else view


def _filled(stage: Stage, text: str, view: Any) -> str:
    def fill(match: re.Match[str]) -> str:
        place, _, shape = match.group(1).partition("|")
        value = stage.saved[place] if place in stage.saved else _at(view, place)
        if shape == "local":
            return _local(str(value), stage.zone)
        if shape == "price":
            return f"{value['currency']} {value['amount']}" if value else "no fixed price"
        return str(value)

    return _HOLE.sub(fill, text)


def _deep(stage: Stage, value: Any) -> Any:
    if isinstance(value, str):
        whole = _HOLE.fullmatch(value)
        if whole and whole.group(1) in stage.saved:
            return stage.saved[whole.group(1)]
        return _filled(stage, value, {})
    if isinstance(value, dict):
        return {name: _deep(stage, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_deep(stage, item) for item in value]
    return value


def _local(instant: str, zone: str) -> str:
    try:
        at = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
    except ValueError:
        return instant
    return f"{at:%a %-d %b %Y %H:%M} {at:%Z}"


def _stored_operator_key() -> str | None:
    settings, _ = Settings.read().with_secrets(create=False)
    return None if settings.operator_key is None else settings.operator_key.get_secret_value()
