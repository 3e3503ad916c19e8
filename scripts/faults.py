"""`make faults`: kill, cut and lock the service under load, again and again; see `tests/faults`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    environment = {"RETAINER_FAULT_ROUNDS": "5", **os.environ}
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "pytest", "tests/faults", "-v", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=root, env=environment, check=False).returncode)
