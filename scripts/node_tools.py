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
FILES: Final = ("package.json", "package-lock.json")


def tools(group: str = "") -> Path:
    """The folder that has `node_modules`; made or renewed when the lock says so. No package's script is run.

    ``group``: a folder beside the gates' own lock, with a lock of its own.
    """
    here, folder = HERE / group, ROOT / f".venv-node{'-' if group else ''}{group}"
    folder.mkdir(exist_ok=True)
    stamp = folder / ".stamp"
    wanted = hashlib.sha256(b"".join((here / name).read_bytes() for name in FILES)).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return folder
    for name in FILES:
        shutil.copy(here / name, folder / name)
    words = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(words, cwd=folder, check=True)
    stamp.write_text(wanted, encoding="ascii")
    return folder


def program(name: str) -> str:
    """A tool's own program."""
    return str(tools() / "node_modules" / ".bin" / name)
