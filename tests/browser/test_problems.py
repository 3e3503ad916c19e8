"""The pages of problems in a browser: read by everybody, in the light and in the dark, on any width."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.vendor import Shop


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
def test_problems_are_read_by_everybody(shop: Shop, watched: Any, axe: str, width: int, dark: bool) -> None:
    eye = watched(width, dark=dark)
    assert eye.go("/problems").status == 200
    assert eye.page.get_by_role("heading", name="What a refusal means").is_visible()
    ground = eye.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(16, 16, 20)" if dark else "rgb(247, 247, 248)")
    eye.accessible(axe)
    eye.page.get_by_role("link", name="insufficient_credits").click()
    eye.page.get_by_role("heading", name="Not enough credits").wait_for()
    eye.accessible(axe)
    eye.page.get_by_role("link", name="All problems").click()
    eye.page.get_by_role("heading", name="What a refusal means").wait_for()
    eye.check()
