"""Each decision that code cites has a page, and each page is in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.markdown import ROOT, name

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
CITED = re.compile(r"\bdecision (\d{4})\b")
# Numbers of papers that are not part of the project lead nowhere.
NOWHERE = re.compile(
    r"\bdecisions \d+\b|\b(?:sla|ledger|stack|hardening|scale)\.md \d|\btrap [A-Z]\d|\bhardening R\d|\.\./shared"
)


def sources() -> list[Path]:
    """Everything that may cite: code, tests, scripts, migrations and pages."""
    folders = ("app", "tests", "scripts", "migrations", "bench", "docs")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    return [
        path
        for path in (*found, *ROOT.glob("*.md"))
        if path.suffix in {".py", ".md", ".yaml", ".sh", ".graphql", ".toml"} and path != Path(__file__)
    ]


def test_every_decision_that_is_cited_has_its_page() -> None:
    known = {page.name[:4] for page in PAGES}
    missing = {
        f"{name(path)}: decision {number}"
        for path in sources()
        for number in CITED.findall(path.read_text(encoding="utf-8"))
        if number not in known
    }
    assert sorted(missing) == []


def test_nothing_cites_papers_that_are_not_here() -> None:
    found = {
        f"{name(path)}: {cited}" for path in sources() for cited in NOWHERE.findall(path.read_text(encoding="utf-8"))
    }
    assert sorted(found) == []


def test_the_index_lists_every_page_by_its_title() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d{4}) \| \[(.*)\]\((.*)\) \|$", index, re.MULTILINE)
    there = [(page.name[:4], page.read_text(encoding="utf-8").splitlines()[0], page.name) for page in PAGES]
    assert [(number, f"# {number} {title}", file) for number, title, file in listed] == there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_what_follows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert len(part.split()) > 10
