"""Pages that are walked: their commands are run one after another, and print what the page shows below each."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.pages.markdown import ROOT, Block, blocks
from tests.support.api import OPERATOR_KEY

SECONDS_MAX = 120
"""A page is a script of at most two minutes."""
_MARK = "== step =="
_ID = re.compile(r"\b([a-z]{2,4}_)01[0-9a-z]{24}\b")


@dataclass(frozen=True)
class Step:
    """A block of commands, with what the page says that they print, if it says so."""

    block: Block
    shown: str | None


def steps(page: Path) -> list[Step]:
    """The blocks of commands of a page, each with the text that stands right below it."""
    found = list(blocks(page))
    return [
        Step(block, after.text if after is not None and after.language == "text" else None)
        for block, after in zip(found, [*found[1:], None], strict=True)
        if block.language == "sh"
    ]


def masked(text: str) -> str:
    """The text without what differs from run to run: ids, and blanks at the ends of lines."""
    return "\n".join(_ID.sub(r"\1...", line).rstrip() for line in text.splitlines())


def environment(url: str) -> dict[str, str]:
    """What step 1 of the tutorial sets, for a service at an address."""
    return {
        "OPERATOR_KEY": OPERATOR_KEY,
        "RETAINER_URL": url.rstrip("/"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


@contextlib.contextmanager
def walked(
    page: Path, names: Mapping[str, str], folder: Path, *, cwd: Path = ROOT, instead: Mapping[str, str] | None = None
) -> Iterator[list[str]]:
    """Run a page's commands as one script, and give what each step printed.

    What the page starts in the background lives until the end of the context. ``instead`` puts other words in the
    place of the page's, such as a free port. ``folder`` takes what is printed.
    """
    texts = [step.block.text for step in steps(page)]
    for old, new in (instead or {}).items():
        assert any(old in text for text in texts), f"no command says {old}"
        texts = [text.replace(old, new) for text in texts]
    script = "set -euo pipefail\n" + "".join(f"{text}echo {_MARK!r}\n" for text in texts) + "cat >/dev/null\n"
    out, errors = folder / "printed", folder / "errors"
    with out.open("wb") as written, errors.open("wb") as wrong:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=cwd,
            env={**os.environ, **names},
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=wrong,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while (printed := out.read_text(encoding="utf-8").split(f"{_MARK}\n")) and len(printed) <= len(texts):
            far = "".join(printed) + errors.read_text(encoding="utf-8")
            assert process.poll() is None, far
            assert time.monotonic() < deadline, far
            time.sleep(0.05)
        yield printed[:-1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def as_shown(page: Path, printed: list[str]) -> None:
    """Fail where a step printed something else than the page shows."""
    found = steps(page)
    assert len(printed) == len(found)
    for step, text in zip(found, printed, strict=True):
        if step.shown is not None:
            assert masked(text) == masked(step.shown), step.block.line
