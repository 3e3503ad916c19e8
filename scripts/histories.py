"""Leads whole histories of clocks and walks each minute by minute; says where the two differ. Not zero when they do.

python scripts/histories.py [--histories 100000] [--first 0] [--processes 1]
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.documents.policy_document import load_policy  # noqa: E402
from tests.domain.minute_walk import differences  # noqa: E402

PART = 500


def part(first: int) -> list[str]:
    """What differs in one part of the histories."""
    policy = load_policy((ROOT / "app" / "policies" / "x-cart.yaml").read_text(encoding="utf-8"))
    return differences(range(first, first + PART), policy)


def main() -> int:
    """Leads them all."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--histories", type=int, default=100_000)
    given.add_argument("--first", type=int, default=0)
    given.add_argument("--processes", type=int, default=1)
    asked = given.parse_args()
    began, done, differ = time.monotonic(), 0, 0
    parts = range(asked.first, asked.first + asked.histories, PART)
    with multiprocessing.Pool(asked.processes) as pool:
        for found in pool.imap_unordered(part, parts):
            done, differ = done + PART, differ + len(found)
            for one in found:
                print(one, flush=True)
            if done % 10_000 == 0 or done >= asked.histories:
                print(f"{done} histories, {differ} differ, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
