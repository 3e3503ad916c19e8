"""`retainer policies check FILE`: as editors read it, and by its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands.base import CommandError
from app.commands.policies import app, schema_text

ROOT = Path(__file__).parents[2]
RUN = CliRunner()


def test_the_shipped_policies_are_good() -> None:
    files = [str(path) for path in sorted((ROOT / "app" / "policies").glob("*.yaml"))]
    result = RUN.invoke(app, ["check", "--strict", *files])
    assert result.exit_code == 0
    assert result.output.splitlines() == [f"{file}: good" for file in files]


def test_a_policy_with_a_mistake_is_refused_with_the_line_and_what_to_write_instead(tmp_path: Path) -> None:
    text = (ROOT / "app" / "policies" / "x-cart.yaml").read_text(encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "per: {N: 60}" in row)
    path = tmp_path / "draft.yaml"
    path.write_text(text.replace("per: {N: 60}", "per: {N: -60}"), encoding="utf-8")
    result = RUN.invoke(app, ["check", str(path)])
    assert result.exit_code == 1
    assert f"{path}:{line}:" in result.output
    assert "-60 credits with N = 3" in result.output
    assert "Raise `base`" in result.output


def test_warnings_fail_only_when_asked(tmp_path: Path) -> None:
    text = (ROOT / "app" / "policies" / "x-cart.yaml").read_text(encoding="utf-8")
    path = tmp_path / "draft.yaml"
    path.write_text(text.replace("clauses:\n", 'clauses:\n  - {id: XC-99, text: "Lost."}\n', 1), encoding="utf-8")
    assert RUN.invoke(app, ["check", str(path)]).exit_code == 0
    result = RUN.invoke(app, ["check", "--strict", str(path)])
    assert result.exit_code == 1
    assert "warning: No rule cites the clause `XC-99`" in result.output


def test_the_standard_input_is_read() -> None:
    text = (ROOT / "app" / "policies" / "shopp.yaml").read_bytes()
    result = RUN.invoke(app, ["check", "-"], input=text)
    assert (result.exit_code, result.output) == (0, "-: good\n")


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00", b"a" * (513 * 1024)])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "draft.yaml"
    if data is not None:
        path.write_bytes(data)
    result = RUN.invoke(app, ["check", str(path)])
    assert isinstance(result.exception, CommandError)
    assert str(path) in str(result.exception)


def test_the_schema_is_printed_as_published() -> None:
    result = RUN.invoke(app, ["schema"])
    assert result.output == schema_text()
    assert schema_text() == (ROOT / "openapi" / "policy.schema.json").read_text(encoding="utf-8")
