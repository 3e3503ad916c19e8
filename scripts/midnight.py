"""`make midnight ARGS=100000`: so many recurring grants due at one instant, beside debits, with workers killed.

It says first how many minutes it takes (about 12 for 100,000), then how long the grants took and what they cost, and
which share of their rate debits kept. It fails where a grant is missing or came twice, or ten minutes are not enough.
See `tests/faults/test_midnight.py`. `RETAINER_TEST_DEBITS=0` leaves the debits out, `RETAINER_TEST_KILLS` says how many
workers are killed, `RETAINER_TEST_SEED` when.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    many = sys.argv[1] if len(sys.argv) > 1 else "5000"
    environment = {"RETAINER_TEST_KILLS": "8", "RETAINER_TEST_DEBITS": "15", **os.environ, "RETAINER_TEST_GRANTS": many}
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "pytest", "tests/faults/test_midnight.py", "-v", "-s"]
    command += ["-o", "faulthandler_timeout=0"]  # that of the suite ends what takes longer than a quarter of an hour
    sys.exit(subprocess.run(command, cwd=root, env=environment, check=False).returncode)
