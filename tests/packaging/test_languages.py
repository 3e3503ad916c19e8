"""The language of the machine changes no answer: the real program, started under four of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.test_graceful_stop import once, serving

pytestmark = [pytest.mark.packaging, pytest.mark.slow]
LANGUAGES = ("C", "C.UTF-8", "de_DE.UTF-8", "th_TH.UTF-8")
COUNTRIES = (
    {"country": "DE", "subdivision": "BE", "without": ["Second Day of Christmas"]},
    {"country": "TH"},
    {"country": "FR"},
)


async def closures_under(folder: Path, url: str, tenant: str) -> Any:
    """What a service answers that was started with the environment as it is: closures, and a misspelt name."""
    async with serving(folder, url, 1, "0") as (_, port, _log):
        policy = {"policy": "x-cart", "clock": {"mode": "virtual", "now": "2019-01-01T00:00:00Z"}}
        await once(port, "PUT", f"/v1/tenants/{tenant}", body=policy, once="1")
        made = await once(port, "POST", f"/v1/tenants/{tenant}/keys", body={"scopes": ["*"], "label": "l"}, once="2")
        key = json.loads(made[1])["key"]
        await once(port, "PUT", "/v1/calendars/k", key, body={"zone": "Europe/Berlin"}, once="3")
        version: dict[str, Any] = {
            "effective_from": "2020-01-01",
            "weekly_hours": {"fri": [["09:00", "17:00"]]},
            "closure_rules": {"holidays": list(COUNTRIES), "closures": []},
        }
        status, body = await once(port, "POST", "/v1/calendars/k/versions", key, body=version, once="4")
        assert status == 201, body
        wrong = {
            **version,
            "effective_from": "2021-01-01",
            "closure_rules": {"holidays": [{"country": "DE", "without": ["Karfreitag"]}]},
        }
        refused = json.loads((await once(port, "POST", "/v1/calendars/k/versions", key, body=wrong, once="5"))[1])
        span = "from=2025-01-01&to=2027-12-31"
        listed = json.loads((await once(port, "GET", f"/v1/calendars/k/closures?{span}", key))[1])
        return listed["data"], refused["facts"]["problems"]


async def test_closures_are_the_same_under_every_language(
    own_folder: Path, module_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for number, language in enumerate(LANGUAGES):
        for name in ("LANG", "LC_ALL", "LANGUAGE"):
            monkeypatch.setenv(name, language)
        (own_folder / str(number)).mkdir()
        found[language] = await closures_under(own_folder / str(number), module_url, f"lang-{number}")
    assert all(one == found["C"] for one in found.values())
    days, problems = found["C"]
    names = {row["date"]: row["reasons"] for row in days}
    assert "2025-12-26" not in names, "left out"
    assert names["2026-05-01"] == ["Labor Day", "National Labor Day"]
    assert "Good Friday" in names["2026-04-03"]
    assert "Songkran Festival" in names["2026-04-13"]
    assert "Good Friday" in problems[0]["hint"]
