"""`make deliveries`: ten thousand deliveries of five kinds of shops, in any order, forged ones among them.

Each round tells the same histories twice, once in canonical order and once shuffled, every delivery one to five times,
some with altered bytes, forged signatures or old timestamps, and compares the two ledgers; see
`tests/inbound/test_any_order.py`. So it does with changed orders, periods in a queue and recurring credits. Rounds are
shared out to a process for each core, each with a database of its own.
``RETAINER_TEST_DELIVERIES`` and ``RETAINER_TEST_SEED`` choose how many and which.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = [
    "tests/inbound/test_any_order.py",
    "tests/inbound/test_changed_orders.py",
    "tests/inbound/test_queued_periods.py",
    "tests/recurring/test_any_order.py",
]
CHOSEN = "ends_the_same or end_the_same"
SAID = re.compile(r"(\d+) deliveries, (\d+) refused")
CHANGED = re.compile(r"(\d+) snapshots of changed orders")


def main() -> int:
    """Shares the rounds out, waits, and adds up."""
    wanted = int(os.environ.get("RETAINER_TEST_DELIVERIES", "10000"))
    seed = int(os.environ.get("RETAINER_TEST_SEED", str(random.SystemRandom().randrange(10**9))))
    shares = max(int(os.environ.get("RETAINER_TEST_PROCESSES", str(os.cpu_count() or 1))), 1)
    started = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        *TESTS,
        "-k",
        CHOSEN,
        "-q",
        "-s",
        "-p",
        "no:cacheprovider",
        *sys.argv[1:],
    ]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "RETAINER_TEST_DELIVERIES": str(-(-wanted // shares)),
                "RETAINER_TEST_SEED": str(seed + 1_000_000 * number),
            },
        )
        for number in range(shares)
    ]
    said = [one.communicate()[0] for one in running]
    failed = [number for number, one in enumerate(running) if one.returncode]
    for number in failed:
        print(said[number])
    found = [match for text in said for match in SAID.findall(text)]
    total, refused = sum(int(one) for one, _ in found), sum(int(one) for _, one in found)
    changed = sum(int(one) for text in said for one in CHANGED.findall(text))
    print(
        f"deliveries: {total} delivered, {refused} of them refused as forged, altered or old; {changed} snapshots of"
        f" orders that changed after their grant; seed {seed},"
        f" {shares} processes, {time.monotonic() - started:.0f} s: {'FAILED' if failed else 'every ledger the same'}"
    )
    return 1 if failed or total < wanted else 0


if __name__ == "__main__":
    sys.exit(main())
