"""The pages read well: short lines, links that lead somewhere, no page that nothing leads to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.markdown import GENERATED, ROOT, name, pages, prose

WIDEST = 120
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", pages(), ids=name)
def test_no_line_of_prose_is_wider_than_120_characters(page: Path) -> None:
    if GENERATED.search(page.read_text(encoding="utf-8")):
        pytest.skip("made by a program, from sentences that stand elsewhere")
    assert [number for number, line in prose(page) if len(line) > WIDEST] == []


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            found = (page.parent / target.partition("#")[0]).resolve()
            if found.suffix == ".md" and found.exists():
                ahead.append(found)
    assert [name(page) for page in pages() if page not in seen] == []


PATH = re.compile(
    r"(?<![\w./-])((?:app|tests|docs|scripts|migrations|openapi|requirements|bench|\.ci)/[\w./*-]*[\w*/])"
)
CODE = re.compile(r"`(\w+)(?:\([^`]*\))?`")
OURS = re.compile(r"_?[A-Z][A-Z0-9]*_[A-Z_]+|_?[A-Z][a-z]\w*[A-Z]\w*|_?[a-z]+_\w+")
"""A constant, a class, a function: what a rename changes. Single words may be anything."""


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    """A page that is older than a rename sends its reader to nothing."""
    if page.name == "CHANGELOG.md":
        pytest.skip("tells of what was")
    named = PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", *(f"docs/{one}.md" for one in ("adding", "architecture", "glossary"))]
)
def test_every_name_that_a_page_for_developers_names_is_in_the_code(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    files = [path for folder in ("app", "tests", "migrations") for path in (ROOT / folder).rglob("*.py")]
    known = {word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    named = {name for name in CODE.findall(text) if OURS.fullmatch(name) and not name.startswith("RETAINER_")}
    assert named
    assert sorted(named - known) == []
