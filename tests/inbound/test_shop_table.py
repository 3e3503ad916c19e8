"""The table of shops in docs/integrations.md is made from tests: each row names one that is there."""

from __future__ import annotations

import re
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
