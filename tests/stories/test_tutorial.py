"""The tutorial's commands print what the tutorial shows, one after another, against a running service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.markdown import ROOT, Block, blocks
from tests.support import walks
from tests.support.serving import serving

PAGE = ROOT / "docs" / "tutorial.md"


def test_every_block_is_a_command_or_what_one_prints() -> None:
    assert {block.language for block in blocks(PAGE)} == {"sh", "text"}
    assert sum(step.shown is not None for step in walks.steps(PAGE)) >= 5


def test_the_tutorial_goes_as_it_says(module_url: str, tmp_path: Path) -> None:
    with (
        serving(module_url) as client,
        walks.walked(PAGE, walks.environment(str(client.base_url)), tmp_path, cwd=tmp_path) as printed,
    ):
        walks.as_shown(PAGE, printed)
    assert "/account" in printed[-1]


@pytest.mark.parametrize("block", [step.block for step in walks.steps(PAGE)], ids=lambda block: str(block.line))
def test_a_command_says_no_secret_of_its_own(block: Block) -> None:
    assert "rtn_" not in block.text
