"""The tutorial's commands print what the tutorial shows, one after another, against a running service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages.markdown import ROOT, Block, blocks
from tests.support.api import OPERATOR_KEY
from tests.support.serving import serving

PAGE = ROOT / "docs" / "tutorial.md"


def steps() -> list[tuple[Block, Block | None]]:
    """Each block of commands, with the block of what it prints where there is one."""
    found = list(blocks(PAGE))
    return [
        (block, after if after is not None and after.language == "text" else None)
        for block, after in zip(found, [*found[1:], None], strict=True)
        if block.language == "sh"
    ]


def test_every_block_is_a_command_or_what_one_prints() -> None:
    assert {block.language for block in blocks(PAGE)} == {"sh", "text"}
    assert sum(after is not None for _, after in steps()) >= 5


def test_the_tutorial_goes_as_it_says(module_url: str, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "".join(f"{block.text}echo '=='\n" for block, _ in steps())
    with serving(module_url) as client:
        environment = {
            **os.environ,
            "OPERATOR_KEY": OPERATOR_KEY,
            "RETAINER_URL": str(client.base_url).rstrip("/"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split("==\n")
    for (block, after), text in zip(steps(), printed, strict=False):
        if after is not None:
            assert text == after.text, block.line
    assert "/account" in printed[len(steps()) - 1]


@pytest.mark.parametrize("block", [block for block, _ in steps()], ids=lambda block: str(block.line))
def test_a_command_says_no_secret_of_its_own(block: Block) -> None:
    assert "rtn_" not in block.text
