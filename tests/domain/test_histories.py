"""Whole histories of clocks against a walk that asks of every minute whether it was open and whether the clock ran."""

from __future__ import annotations

from pathlib import Path

import app.policies as shipped
from app.documents.policy_document import load_policy
from tests.domain.minute_walk import differences

HISTORIES = 2_000


def test_two_thousand_histories_come_to_what_a_minute_walk_counts() -> None:
    folder = Path(next(iter(shipped.__path__)))
    policy = load_policy((folder / "x-cart.yaml").read_text(encoding="utf-8"))
    assert differences(range(HISTORIES), policy) == []
