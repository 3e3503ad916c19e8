"""Node's tools for the gates, exactly as `scripts/node/package-lock.json` pins them by hash, in `.venv-node`.

The lock names no registry: `npm` asks the one that it is configured for.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HERE: Final = ROOT / "scripts" / "node"
FOLDER: Final = ROOT / ".venv-node"
FILES: Final = ("package.json", "package-lock.json")


def tools() -> Path:
    """The folder that has `node_modules`; made or renewed when the lock says so. No package's script is run."""
    FOLDER.mkdir(exist_ok=True)
    stamp = FOLDER / ".stamp"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return FOLDER
    for name in FILES:
        shutil.copy(HERE / name, FOLDER / name)
    words = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(words, cwd=FOLDER, check=True)
    stamp.write_text(wanted, encoding="ascii")
    return FOLDER


def program(name: str) -> str:
    """A tool's own program."""
    return str(tools() / "node_modules" / ".bin" / name)
