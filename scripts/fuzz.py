"""`make fuzz`: schemathesis against the service, over what its own contracts say. Needs `.venv-gates`.

All phases (examples, coverage, fuzzing, stateful) with positive and negative data. ``ARGS="--examples 200 --seed 7"``
looks deeper or elsewhere; the seed is stored here so that a run can be repeated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from scripts import live

SEED = 20250101
TOOL = Path(".venv-gates/bin/schemathesis")

# Checks whose expected answers are widened, and why. None is off.
CONFIG = """
[checks.positive_data_acceptance]
# A document can be sound and its content still refused: a date that is no date of this calendar, an unknown policy
# name, a category that the policy does not have. That is 422 here, with the field's name; the check's own list has no
# 422. 412 is an If-Match of another version, 400 a cursor that was not given out, 403 an operator's operation.
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 412, 415, 422, 429]

[checks.negative_data_rejection]
# The check's own list has neither: 412 is an If-Match that is no version, 413 a list so long that it is not even read.
expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 411, 412, 413, 414, 415, 422, 429, 431]
"""


# Operations left out, and why: with the id of the run's own key, which the list of keys gives away, each ends the run.
# `tests/doors/test_tenants_and_keys.py` and the permission matrix hold them.
LEFT_OUT = ("revokeKey", "rotateKey")


def main() -> int:
    """Runs it; 0 only when nothing is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--seconds", type=int, default=0, help="stop after this long")
    parser.add_argument("--only", default="", help="a regular expression over operation ids")
    parser.add_argument("--graphql", action="store_true", help="GraphQL instead of REST")
    given = parser.parse_args()
    if not TOOL.exists():
        print("fuzz: .venv-gates is missing; run `make gates-env`", file=sys.stderr)
        return 2

    async def work(base: str, key: str) -> int:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "schemathesis.toml"
            config.write_text(CONFIG, encoding="utf-8")
            words = [
                str(TOOL), "--config-file", str(config), "run",
                f"{base}/graphql" if given.graphql else f"{base}/openapi.json",
                "--header", f"Authorization: Bearer {key}",
                "--seed", str(given.seed), "--max-examples", str(given.examples), "--no-color",
                "--generation-database", "none", "--continue-on-failure",
            ]  # fmt: skip
            if not given.graphql:
                words += ["--phases", given.phases]
                words += [word for one in LEFT_OUT for word in ("--exclude-operation-id", one)]
            if given.seconds:
                words += ["--max-time", str(given.seconds)]
            if given.only:
                words += ["--include-operation-id-regex", given.only]
            return await live.command(*words)

    return live.run(work)


if __name__ == "__main__":
    sys.exit(main())
