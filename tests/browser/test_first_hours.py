"""The first hour of a helpdesk, in a browser: what its page starts frames the card, by the protocol of Chatwoot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.conftest import CHROMIUM
from tests.pages.markdown import ROOT
from tests.support import walks
from tests.support.ports import free_port
from tests.support.serving import serving

PAGE = ROOT / "docs" / "how-to" / "helpdesk.md"
PORT = free_port()


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service as the page has it started: the stand-in may frame it, and its worker acts on deliveries."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; on Debian: apt-get install chromium")
    origins = (f"http://127.0.0.1:{PORT}",)
    with serving(module_url, frame_origins=origins, worker_in_process=True, port=free_port()) as client:
        yield client


def test_the_card_stands_beside_the_conversation(service: httpx.Client, watched: Any, tmp_path: Path) -> None:
    eye = watched(768)
    names = walks.environment(str(service.base_url))
    with walks.walked(PAGE, names, tmp_path, instead={"3001": str(PORT)}):
        written = ROOT / "build" / "helpdesk"
        eye.go((written / "link").read_text(encoding="utf-8").strip())
        eye.page.get_by_role("button", name="Sign in").click()
        eye.page.wait_for_url("**/desk")
        eye.go((written / "conversation").read_text(encoding="utf-8").strip())
        frame = eye.page.frame_locator("iframe")
        frame.get_by_role("heading", name="Ann Lee").wait_for()
        assert frame.get_by_text("points · 10 set aside").is_visible()
        assert frame.get_by_text("Taxes").first.is_visible()
        frame.locator("summary", has_text="Resolve").click()
        frame.get_by_label("Cause").select_option("question")
        frame.get_by_role("button", name="Resolve").click()
        frame.get_by_text("The ticket is resolved.").wait_for()
