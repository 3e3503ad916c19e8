"""Write the pages, or with `--check` say which are not what the code would write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.domain.clocks.event import TRANSITIONS
from app.domain.tickets.ticket import lifecycle_table
from app.main import create_app
from app.settings import Settings
from scripts.reference import everywhere, facts, operating, policy_keys, surface
from scripts.reference.table import NOTE, page

ROOT = Path(__file__).resolve().parents[2]
LIFECYCLES = """# Lifecycles

{note}
A pair of state and action that is absent is refused.

## Ticket

Where an action leads to several states, the policy's rules decide which.

{table}
## Clock

A pair of phase and event that is absent changes no phase. Pauses are a set of reasons: a resumption ends the phase
when it takes the last one, and a clock that is started while a reason stands is paused at once.

{phases}"""
INDEX = {
    "api": "every operation with its scope, its key and its GraphQL twin; scopes; kinds of explanations",
    "closed-sets": "states and kinds, with all their values",
    "command-line": "every command with its arguments and options",
    "events": "every type of event with its data",
    "everywhere": "each feature of a policy in every place where a user meets it",
    "facts": "what a condition of a policy may look at",
    "limits": "how much of anything",
    "metrics": "every series of `/metrics`",
    "policy-keys": "every key of a policy document, with type and default",
    "problems": "every code of a refusal, with the next step",
    "settings": "every setting of the environment",
}


def _phases() -> str:
    """Return the phases of a clock as a table."""
    rows = (f"| `{phase}` | {kind} | `{then}` |" for (phase, kind), then in TRANSITIONS.items())
    return "\n".join(("| phase | event | leads to |", "|---|---|---|", *rows)) + "\n"


@cache
def pages() -> tuple[tuple[Path, str], ...]:
    """Each page's place and text."""
    return tuple(_pages())


def _pages() -> Iterator[tuple[Path, str]]:
    app = create_app(Settings(data_dir=Path("/nonexistent"), database_url="postgresql://nowhere/nothing"))
    made = {
        "api": surface.api(app),
        "closed-sets": surface.closed_sets(app),
        "command-line": operating.command_line(),
        "events": surface.events(),
        "everywhere": everywhere.everywhere(),
        "facts": facts.facts(),
        "limits": operating.limits_page(),
        "metrics": operating.metrics(),
        "policy-keys": policy_keys.policy_keys(),
        "problems": surface.problems(),
        "settings": operating.settings(),
    }
    folder = ROOT / "docs" / "reference"
    rows = "\n".join(f"| [{name}]({name}.md) | {INDEX[name]} |" for name in made)
    yield folder / "README.md", page("Reference", f"| page | what |\n|---|---|\n{rows}")
    for name, text in made.items():
        yield folder / f"{name}.md", text
    yield ROOT / ".env.example", operating.environment()
    yield ROOT / "docs" / "lifecycles.md", LIFECYCLES.format(note=NOTE, table=lifecycle_table(), phases=_phases())


def drifted() -> list[str]:
    """Return the pages that are not what the code would write."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in pages()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write or check."""
    if "--check" in sys.argv:
        found = drifted()
        print(f"drifted: {', '.join(found)}; run `make contracts`" if found else "the reference is what the code says")
        return 1 if found else 0
    for path, text in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
