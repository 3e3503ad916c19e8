"""Record what the service answers in a life under each document, for `tests/upgrade`.

Run it with a version that is to be kept: `make serve` there, then, with the documents of that version,

    python -m scripts.record_lives URL OPERATOR_KEY FOLDER DOCUMENT...

writes a file for each document into the folder: the document itself, and what was answered.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx
import yaml

from tests.upgrade.life import Life


def main() -> None:
    """Record all."""
    url, key, folder, *documents = sys.argv[1:]
    with httpx.Client(base_url=url, timeout=120) as client:
        for document in map(Path, documents):
            text = document.read_text(encoding="utf-8")
            policy = yaml.safe_load(text)["policy"]
            rows = Life(client, key, f"kept-{policy}", text).play(policy)
            kept = {"document": text, "rows": rows}
            path = Path(folder) / f"{policy}.json"
            path.write_text(json.dumps(kept, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n")
            print(f"{policy}: {len(rows)} answers, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
