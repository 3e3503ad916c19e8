"""The bundled files of the docs pages are the ones that the pages were made for."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

STATIC = Path(__file__).parents[2] / "app" / "api" / "pages" / "static"


def strawberry_page() -> str:
    spec = find_spec("strawberry")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "static" / "graphiql.html").read_text()


def test_every_file_that_graphiql_loads_is_bundled_byte_for_byte() -> None:
    """A strawberry upgrade that changes its page fails here: run `make docs-assets` with the new versions."""
    wanted = re.findall(r'(?:src|href)="(https?:[^"]+)"\s+integrity="sha384-([^"]+)"', strawberry_page())
    assert len(wanted) == 7
    bundled = {
        base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
        for path in STATIC.iterdir()
        if path.is_file()
    }
    assert {address for address, digest in wanted if digest not in bundled} == set()


def test_the_page_loads_nothing_else_from_elsewhere() -> None:
    loaded = re.findall(r'(?:src|href)="(https?:[^"]+)"', strawberry_page())
    assert len(loaded) == 7


def test_swagger_ui_is_bundled_with_every_licence() -> None:
    assert (STATIC / "swagger-ui-bundle.js").stat().st_size > 1_000_000
    assert (STATIC / "swagger-ui.css").stat().st_size > 100_000
    licences = {path.name.split(".")[0] for path in (STATIC / "licenses").iterdir()}
    assert licences == {"swagger-ui-dist", "graphiql", "graphiql-plugin-explorer", "react", "react-dom", "js-cookie"}


def test_htmx_is_bundled_with_its_licence() -> None:
    assets = STATIC.parent / "assets"
    assert b"htmx" in (assets / "htmx.min.js").read_bytes()
    assert "Zero-Clause BSD" in (assets / "licenses" / "htmx.LICENSE.txt").read_text(encoding="utf-8")


def test_the_editor_is_bundled_with_its_licence() -> None:
    assets = STATIC.parent / "assets"
    bundle = (assets / "editor.min.js").read_text(encoding="utf-8")
    assert "textarea[data-schema]" in bundle
    assert "http" not in re.sub(r"https?://www\.w3\.org/|\bhttpEquiv\b", "", bundle).lower()
    assert "Marijn Haverbeke" in (assets / "licenses" / "codemirror.LICENSE.txt").read_text(encoding="utf-8")
