"""Every setting stands in the table of docs/operations.md with its default, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

from app.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def documented() -> dict[str, str]:
    table = PAGE.read_text(encoding="utf-8").split("## Settings", 1)[1].split("###", 1)[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, re.MULTILINE))


def names() -> dict[str, object]:
    return {
        "DATABASE_URL" if name == "database_url" else f"RETAINER_{name.upper()}": field.default
        for name, field in Settings.model_fields.items()
    }


def test_the_table_names_each_setting_once_and_no_other() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## Settings", 1)[1].split("###", 1)[0]
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == sorted(names())


def test_the_table_tells_the_default_that_is_in_force() -> None:
    told = documented()
    for name, default in names().items():
        if isinstance(default, bool):
            assert told[name] == str(default).lower(), name
        elif isinstance(default, (int, float, str)) and default != "":
            assert told[name].strip("`") == (
                f"{default:g}" if isinstance(default, float) else str(default)
            ), name
        elif default is None or default == ():
            assert told[name].startswith(("unset", "made")), name
