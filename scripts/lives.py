"""`make lives`: whole lives of customers under each policy, drawn from all commands, beside a small model; see
`tests/lives`.

`--rounds` lives a policy (20), `--steps` each (60), `--policy` one policy only, `--seed` the first seed. A life that
breaks a promise is told again with steps left out until the fault needs all that remain; the run ends with 1.
Lives are shared out to a process for each core (`--processes`), each with a database of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.main import create_app  # noqa: E402
from tests.lives import everything  # noqa: E402
from tests.lives.life import BrokenError, Life, lead, shrink, steps_of  # noqa: E402
from tests.lives.terms import ALL  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.api import running, settings_for  # noqa: E402


def wanted() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--policy", choices=sorted(ALL))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


async def led(given: argparse.Namespace, url: str) -> dict[str, Any]:
    """The lives of one process: what was done, and what broke."""
    done: collections.Counter[str] = collections.Counter()
    figures: dict[str, Any] = {"lives": 0, "steps": 0, "calls": 0, "broken": []}
    async with running(create_app(settings_for(url, log_level="error"))) as app:
        for number in range(given.share or 0, given.rounds, given.processes):
            for policy in [given.policy] if given.policy else sorted(ALL):
                seed = given.seed + number
                steps = steps_of(policy, seed, given.steps)
                life: Life
                try:
                    life = await lead(app, policy, steps)
                except BrokenError as broken:
                    life = broken.life
                    kept = [(kind, one) for kind, one, _ in life.done]
                    kept += steps[len(kept) :] if not life.done else []
                    fewer = steps if given.no_shrink else await shrink(app, policy, steps, str(broken))
                    figures["broken"].append(await told(app, policy, seed, fewer, str(broken)))
                    print(json.dumps(figures["broken"][-1], indent=1), file=sys.stderr, flush=True)
                figures["lives"] += 1
                figures["steps"] += len(life.done)
                figures["calls"] += life.calls
                done.update(kind for kind, _, _ in life.done)
    figures["kinds"] = dict(done)
    return figures


async def told(app: Any, policy: str, seed: int, steps: list[Any], why: str) -> dict[str, Any]:
    """A fault as it is printed: the steps it needs and what was called."""
    calls: list[str] = []
    try:
        await lead(app, policy, steps)
    except BrokenError as broken:
        calls, why = broken.life.log, str(broken)
    return {"policy": policy, "seed": seed, "why": why, "steps": steps, "calls": calls[-25:]}


def main() -> int:
    """Shares the lives out, waits, and adds up."""
    given = wanted()
    everything()
    if given.share is not None:
        with databases.server() as server:
            url = asyncio.run(server.clone())
            print(json.dumps(asyncio.run(led(given, url))))
        return 0
    started = time.monotonic()
    processes = max(min(given.processes, given.rounds), 1)
    command = [sys.executable, __file__, *sys.argv[1:], "--seed", str(given.seed), "--processes", str(processes)]
    running_ = [
        subprocess.Popen([*command, "--share", str(n)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for n in range(processes)
    ]
    outputs = [one.communicate()[0] for one in running_]
    if any(one.returncode for one in running_):
        print("\n".join(outputs))
        return 1
    found = [json.loads(one.splitlines()[-1]) for one in outputs]
    kinds: collections.Counter[str] = collections.Counter()
    for one in found:
        kinds.update(one["kinds"])
    broken = sum(len(one["broken"]) for one in found)
    print("steps by kind: " + ", ".join(f"{name} {count}" for name, count in kinds.most_common()))
    print(
        f"lives: {sum(one['lives'] for one in found)} lives, {sum(one['steps'] for one in found)} steps,"
        f" {sum(one['calls'] for one in found)} calls; seed {given.seed}, {processes} processes,"
        f" {time.monotonic() - started:.0f} s: {f'{broken} BROKEN' if broken else 'every promise kept'}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
