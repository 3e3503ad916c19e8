"""The build backend of pyproject.toml: refuses to build a package, and says how Retainer is installed.

`app` and `migrations` are names that any project may have, and the service runs from its own folder: a package among
those of others would hide theirs, or be hidden. Nothing is fetched to find that out.
"""

from __future__ import annotations

from typing import Any, NoReturn

HOW = """
Retainer is not installed as a package: it runs from its own folder, in an environment of its own.

  make serve                                     here, with its own Postgres
  scripts/bootstrap.sh run                       only the environment; then .venv/bin/retainer --help
  docker build -t retainer .                     an image

README.md says more. A client of the service needs none of this: docs/integrations.md.
"""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise SystemExit(HOW)


get_requires_for_build_wheel = get_requires_for_build_sdist = get_requires_for_build_editable = _refuse
build_wheel = build_sdist = build_editable = _refuse
