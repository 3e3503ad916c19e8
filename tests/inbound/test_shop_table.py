"""The table of shops in docs/integrations.md is made from tests: each row names one that is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from app.commands.base import ROOT

MARKS = ("<!-- table of shops -->", "<!-- end of the table -->")


def test_every_row_of_the_table_names_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    table = page.partition(MARKS[0])[2].partition(MARKS[1])[0]
    rows = [line.strip("| ").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    tests = "\n".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    there = set(re.findall(r"def test_(\w+)\(", tests))
    named = {row[-1].strip().strip("`") for row in rows}
    assert named - there == set()


def test_of_each_kind_at_least_three_reported_cases_are_listed_with_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    table = page.partition("<!-- table of reports -->")[2].partition("<!-- end of the reports -->")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines() if "|" in line][2:]
    files = [*Path(__file__).parent.glob("test_*.py"), *(ROOT / "tests" / "covers").glob("test_*.py")]
    there = set(re.findall(r"def test_(\w+)\(", "\n".join(file.read_text(encoding="utf-8") for file in files)))
    assert {row[-1].strip("`") for row in rows} - there == set()
    kinds = Counter(row[0] for row in rows)
    assert len(kinds) == 11
    assert min(kinds.values()) >= 3, kinds
