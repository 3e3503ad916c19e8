"""Prints the lifecycles into docs/lifecycles.md, from the tables that the code obeys."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.domain.tickets.ticket import lifecycle_table  # noqa: E402

TEXT = """# Lifecycles

Made by `scripts/lifecycles.py` from the tables in the code; a pair that is absent is refused.

## Ticket

Where an action leads to several states, the policy's rules decide which.

"""


def main() -> None:
    """Writes the page."""
    page = ROOT / "docs" / "lifecycles.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(TEXT + lifecycle_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
