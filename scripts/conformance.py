"""Runs the conformance suite and writes docs/conformance.md; fails when a clause is without a passing test.

``--check`` runs nothing: it fails when the page names other clauses or tests than there are.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))

from tests.conformance import page as pages  # noqa: E402


class Outcomes:
    """Collects how each case of each test went."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A case has been called, or did not get so far."""
        if report.when == "call" or report.outcome != "passed":
            file, _, name = report.nodeid.partition("::")
            self.found[f"{Path(file).name}::{name.partition('[')[0]}"].append(report.outcome)


def main() -> int:
    """The exit code."""
    if "--check" in sys.argv[1:]:
        written = pages.PAGE.read_text(encoding="utf-8") if pages.PAGE.exists() else ""
        if pages.names_in(written) != pages.names_now():
            print("docs/conformance.md names other clauses or tests than there are: run scripts/conformance.py")
            return 1
        return 0
    outcomes = Outcomes()
    own = "--ignore=tests/conformance/test_complete.py"  # looks at the page that is being made
    pytest.main(["tests/conformance", own, "-q", *sys.argv[1:]], plugins=[outcomes])
    pages.PAGE.write_text(pages.page(outcomes.found), encoding="utf-8")
    missing = pages.failing(outcomes.found)
    every = len(pages.kept())
    print(f"docs/conformance.md: {every - len(missing)} of {every}")
    if missing:
        print(f"without a passing test: {', '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
