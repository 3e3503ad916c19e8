"""The pages of docs/reference are what the code says, and leave nothing out."""

from __future__ import annotations

import dataclasses
import re

import pytest

from app import cli
from app.settings import Settings
from app.views.event_types import EVENT_TYPES
from scripts.reference import __main__ as reference
from scripts.reference import policy_keys
from tests.pages.markdown import ROOT

FOLDER = ROOT / "docs" / "reference"


def read(page: str) -> str:
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


def test_the_pages_are_what_the_code_would_write() -> None:
    assert reference.drifted() == [], "run `make contracts`, and review the difference"


def test_every_page_of_the_folder_is_made_and_listed() -> None:
    made = {path.name for path, _ in reference.pages() if path.parent == FOLDER}
    assert {path.name for path in FOLDER.glob("*")} == made
    assert {f"{name}.md" for name in reference.INDEX} == made - {"README.md"}


def test_every_event_and_every_setting_has_its_row() -> None:
    types = read("events").split("## Types")[1].split("## Members")[0]
    assert sorted(re.findall(r"^\| `([\w.]+)` \|", types, re.MULTILINE)) == sorted(EVENT_TYPES)
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", read("settings"), re.MULTILINE)) == sorted(
        "DATABASE_URL" if name == "database_url" else f"RETAINER_{name.upper()}" for name in Settings.model_fields
    )


def test_every_key_of_a_policy_says_what_it_means_in_at_most_20_words() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*?(?<!\\)\|.*?(?<!\\)\| (.*) \|$", read("policy-keys"), re.MULTILINE)
    keys = sum(len(dataclasses.fields(each)) for each in policy_keys.classes())
    assert len(rows) == keys > 300
    assert [key for key, note in rows if not note.endswith(".") or not 0 < len(note.split()) <= 20] == []


def test_every_setting_that_a_page_names_exists() -> None:
    known = set(re.findall(r"`([A-Z_]+)`", read("settings") + read("command-line")))
    testing = {"RETAINER_RECORD", "RETAINER_SIMULATED_FAULTS", "RETAINER_OTHER_SERVERS"}
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        named = set(re.findall(r"\bRETAINER_[A-Z_]+[A-Z]\b(?![_*])", page.read_text(encoding="utf-8")))
        assert named - known - testing == set(), page.name


@pytest.mark.parametrize("module", sorted((ROOT / "app/commands").glob("*.py")), ids=lambda path: path.stem)
def test_every_command_that_is_written_can_be_called(module: object) -> None:
    """`retainer reseal` was written and could not be called."""
    path = ROOT / "app/commands" / f"{module.stem}.py"  # type: ignore[attr-defined]
    runs = re.search(r"^(def run\(|app = typer)", path.read_text(encoding="utf-8"), re.MULTILINE)
    called = {cli.module_of(name).rpartition(".")[2] for name in cli.COMMANDS}
    assert (runs is not None) == (path.stem in called)
