"""A sample of a page of docs/connect is tried as docs/integrations.md says, by its own commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.pages.markdown import ROOT, blocks
from tests.support import walks
from tests.support.ports import free_port
from tests.support.serving import serving


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    """The service with its worker, which acts on deliveries."""
    with serving(module_url, worker_in_process=True, port=free_port()) as client:
        yield client


def _run(script: str, names: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sample_is_signed_sent_and_acted_on(service: httpx.Client, tmp_path: Path) -> None:
    found = [block.text for block in blocks(ROOT / "docs" / "integrations.md") if block.language == "sh"]
    (tenant,) = [text for text in found if "trial.json" in text]
    (sent,) = [text for text in found if "--body sample.json" in text]
    of_page = [block.text for block in blocks(ROOT / "docs" / "connect" / "zendesk.md") if block.language == "json"]
    (tmp_path / "sample.json").write_text(of_page[-1], encoding="utf-8")
    names = walks.environment(str(service.base_url))
    key = _run(tenant.replace("trial.json", str(tmp_path / "trial.json")) + '\nprintf %s "$RETAINER_KEY"', names)
    key = key.rpartition("rtn_test_")[1] + key.rpartition("rtn_test_")[2]
    made = service.put(
        "/v1/sources/zendesk",
        content=of_page[0],
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    assert made.status_code == 201, made.text
    names |= {"RETAINER_KEY": key, "RETAINER_SOURCE_ADDRESS": made.json()["url"]}
    printed = _run(sent.replace("sample.json", str(tmp_path / "sample.json")), names)
    assert "done" in printed
