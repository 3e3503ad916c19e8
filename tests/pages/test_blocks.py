"""Every block of code on a page is tried: here, by the test that is named, or it is listed with the reason why not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.settings import Settings
from tests.conftest import MakeVendor
from tests.pages.markdown import ROOT, Block, blocks, name, pages
from tests.pages.test_policies_page import assembled
from tests.support import shops
from tests.support.api import OPERATOR_KEY, client_of
from tests.support.deliveries import a_shop

ELSEWHERE = {
    ("README.md", "sh"): "tests/stories/test_readme.py",
    ("README.md", "json"): "tests/stories/test_readme.py",
    ("docs/explanations.md", "sh"): "tests/stories/test_explained_lives.py",
    ("docs/explanations.md", "json"): "tests/stories/test_explained_lives.py",
    ("docs/tutorial.md", "sh"): "tests/stories/test_tutorial.py",
    ("docs/tutorial.md", "text"): "tests/stories/test_tutorial.py",
    ("docs/calls.md", "sh"): "tests/stories/test_explained_lives.py",
    ("docs/calls.md", "json"): "tests/stories/test_explained_lives.py",
    ("docs/graphql.md", "json"): "tests/graphql/test_limits.py",
    ("docs/policies.md", "yaml"): "tests/pages/test_policies_page.py",
    ("docs/policies.md", "yml"): "tests/pages/test_features.py",
    **{
        (f"docs/how-to/{page.name}", language): "tests/stories/test_first_hours.py"
        for page in (ROOT / "docs" / "how-to").iterdir()
        for language in ("sh", "text")
    },
    **{
        (f"docs/connect/{page.name}", "json"): "tests/pages/test_connect.py"
        for page in (ROOT / "docs" / "connect").iterdir()
    },
}
NOT_RUN = {
    "RETAINER_PG_BIN=/usr/lib/postgresql/15/bin retainer backup old.dump": "needs Postgres 15 and its data folder; "
    "tests/packaging/test_backup_of_the_ledger.py goes this way where there is one",
    "FASTAPI_OTEL_AUTO_CONFIGURE=true": "needs a collector; tests/doors/test_telemetry.py has one in the process",
    "shops, helpdesks": "a picture",
    "python3 -c 'import json; print(json.dumps({": "tests/stories/test_trial.py runs it",
    "retainer sources test zendesk --body": "tests/stories/test_trial.py runs it",
}
"""How a block, or a line of it, begins, and why it is not run."""
TRIED = [block for page in pages() for block in blocks(page) if (block.page, block.language) not in ELSEWHERE]


def block_of(page: str, begins: str) -> Block:
    """The block of a page that begins so."""
    (found,) = [one for one in TRIED if one.page == page and one.text.lstrip().startswith(begins)]
    return found


def commands(block: Block) -> list[str]:
    """The lines of a shell block that are run, without their remarks."""
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in block.text.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def is_command(line: str) -> bool:
    return line.startswith(("make ", ".venv/bin/", ".ci/run", "RETAINER_RECORD=1 make", "python3 -m pip"))


KNOWN = {
    ("docs/pages.md", "POST /v1/"),
    ("docs/policies.md", "retainer policies check"),
    ("docs/policies.md", '{"policy"'),
    ("docs/integrations.md", '{"kind"'),
    ("docs/integrations.md", '{"code"'),
    ("docs/integrations.md", "curl -X POST"),
    ("docs/high-availability.md", "DATABASE_URL="),
    ("README.md", "main | worker"),
    ("docs/architecture.md", "main | worker"),
}
"""Blocks that a test below takes up by page and beginning."""


def test_every_other_test_that_is_named_is_there() -> None:
    assert [path for path in ELSEWHERE.values() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("block", TRIED, ids=lambda one: f"{one.page}:{one.line}")
def test_every_block_is_tried_or_has_its_reason(block: Block) -> None:
    begins = block.text.lstrip()
    if any(block.page == page and begins.startswith(head) for page, head in KNOWN):
        return
    if begins.startswith(tuple(NOT_RUN)):
        return
    left = [line for line in commands(block) if not is_command(line) and not line.startswith(tuple(NOT_RUN))]
    assert block.language == "sh", "no test takes it up"
    assert left == []


def make_and_scripts() -> list[str]:
    every = [line for page in pages() for block in blocks(page) if block.language == "sh" for line in commands(block)]
    return sorted({line for line in every if is_command(line) and not line.startswith("curl")})


@pytest.mark.parametrize("line", make_and_scripts())
def test_a_command_of_the_checkout_names_what_is_there(line: str) -> None:
    """Not run whole, since some run everything: the target is planned, the module found, each file is there."""
    words = [word for word in shlex.split(line) if "=" not in word or word.startswith("ARGS=")]
    if words[0] == "make":
        planned = subprocess.run(["make", "-n", words[1]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert planned.returncode == 0, planned.stderr
    elif words[1:2] == ["-m"] and words[0] == ".venv/bin/python":
        assert list(ROOT.glob(words[2].replace(".", "/") + "*"))
    else:
        named = words[0] if words[0].startswith(".ci") else next(w for w in words[1:] if "/" in w and "venv" not in w)
        assert (ROOT / named).exists()
    for word in words:
        for path in re.findall(r"\b(?:tests|scripts)/[\w./]+", word):
            assert (ROOT / path).exists(), path


def test_the_layers_are_those_of_the_linter() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one["name"].startswith("Imports go one way"))
    steps = next(one["layers"] for one in contracts if one.get("containers") == ["app.usecases"])
    held = [set(re.findall(r"\w+", layer)) for layer in layers]
    for page in ("README.md", "docs/architecture.md"):
        shown = block_of(page, "main | worker").text
        told = [set(re.findall(r"\w+", layer)) for layer in re.sub(r"\([^)]*\)", "", shown).split("->")]
        assert len(told) == len(held)
        assert all(names <= layer for names, layer in zip(told, held, strict=True)), (told, held)
    inner = re.search(r"usecases \(([^)]*)\)", block_of("docs/architecture.md", "main | worker").text)
    assert inner is not None
    simulation, agenda, nouns, shared = ([*re.findall(r"\w+", layer)] for layer in inner[1].split("->"))
    assert (simulation, agenda, shared) == tuple(re.findall(r"\w+", steps[place]) for place in (0, 1, 3))
    assert nouns == ["nouns"]


def test_the_urls_of_databases_are_taken() -> None:
    line = block_of("docs/high-availability.md", "DATABASE_URL=").text.strip()
    assert Settings(database_url=line.partition("=")[2]).database_url


def test_the_policy_checks_are_run_as_the_page_says(tmp_path: Path) -> None:
    written = commands(block_of("docs/policies.md", "retainer policies check"))
    plain, strict = (line for line in written if line.startswith("retainer policies check"))
    file = tmp_path / "acme.yaml"
    file.write_text(assembled(), encoding="utf-8")
    for line in (plain.replace("FILE", str(file)), strict):
        words = [sys.executable, "-m", "app.cli", *shlex.split(line)[1:]]
        done = subprocess.run(words, cwd=ROOT, input=assembled(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


async def test_a_tenant_is_made_from_a_document(app: FastAPI) -> None:
    body = json.loads(block_of("docs/policies.md", '{"policy"').text)
    body["document"] = assembled()
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.put(f"/v1/tenants/acme-{uuid.uuid4().hex[:8]}", json=body)
    assert made.status_code == 201, made.text


async def test_a_source_takes_the_body_that_the_page_shows(vendor: MakeVendor) -> None:
    tenant = await vendor("avactis")
    body = json.loads(block_of("docs/integrations.md", '{"kind"').text)
    await tenant.ok(await tenant.put("/v1/sources/woo", {**body, "secret": shops.SECRET}), 201)


async def test_a_parked_delivery_has_the_review_that_the_page_shows(vendor: MakeVendor) -> None:
    shown = json.loads(block_of("docs/integrations.md", '{"code"').text)
    shop = await a_shop(vendor, "woocommerce", products={"65": {"sku": "credits-60", "attributes": {}}})
    order = shops.woo_full(line_items=[shops.woo_line(quantity=2, total="69.00")], total="69.00")
    assert (await shop.deliver(order))["state"] == "done"
    refund = {"id": 902, "reason": "", "total": "-17.25"}
    later = {"date_modified_gmt": "2025-02-27T11:00:00", "date_modified": "2025-02-27T11:00:00"}
    (review,) = (await shop.deliver({**order, "refunds": [refund], **later}))["review"]
    assert review.keys() == shown.keys()
    assert review["payload_says"].keys() == shown["payload_says"].keys()
    assert (review["code"], review["payload_says"]["amount"]) == (shown["code"], shown["payload_says"]["amount"])
    assert review["unclear"].startswith("17.25 was given back for line ")
    assert shown["settled_by"][0] in review["settled_by"]


async def test_a_sidebar_gets_its_token_as_the_page_shows(vendor: MakeVendor) -> None:
    tenant = await vendor("avactis")
    await tenant.ok(await tenant.post("/v1/customers/woo:17/adjustments", {"credits": 1, "reason": "hello"}), 201)
    first, remark, second = block_of("docs/integrations.md", "curl -X POST").text.splitlines()
    words = shlex.split(first)
    path = next(word for word in words if "/v1/" in word).partition("$RETAINER")[2]
    made = await tenant.post(path, json.loads(words[words.index("-d") + 1]), key=None)
    assert made.status_code == 201, made.text
    assert "rtn_ct_..." in remark
    async with client_of(tenant.app, made.json()["token"]) as page:
        path = next(word for word in shlex.split(second) if "/v1/" in word).partition("$RETAINER")[2]
        assert (await page.get(path)).status_code == 200


def test_no_block_hides_in_an_indent() -> None:
    """Blocks stand between fences, where they are found."""
    found = []
    for page in pages():
        fenced, before = False, ""
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            fenced ^= line.lstrip().startswith("```")
            if not fenced and line.startswith("    ") and before.strip() == "":
                found.append(f"{name(page)}:{number}")
            before = line
    assert found == []


async def test_the_calls_of_the_pages_are_made_as_they_stand(vendor: MakeVendor) -> None:
    made = await vendor("cs-cart")
    await made.ok(await made.put("/v1/customers/ann", {"name": "Ann"}))
    for block in blocks(ROOT / "docs" / "pages.md"):
        if block.language == "http":
            line, _, body = block.text.strip().partition("\n")
            path = line.split()[1].format(customer_id="ann", tenant_id=made.tenant_id)
            if path.startswith("/v1/operator/"):
                async with client_of(made.app, OPERATOR_KEY) as operator:
                    answer = await operator.post(path, json=json.loads(body))
            else:
                answer = await made.post(path, json.loads(body), key=None)
            assert answer.json()["url"].startswith("http"), answer.text
