"""The operator's kit in `deploy/`: each file is read by its own linter, and the proxies serve behind a prefix.

A linter that is not installed is no failure: `.ci/run` installs them where it may.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.settings import Settings
from tests.packaging.conftest import ROOT
from tests.support.ports import free_port
from tests.support.serving import serving

DEPLOY = ROOT / "deploy"
PREFIX = "/retainer"
SECRETS = {"POSTGRES_PASSWORD": "a", "RETAINER_OPERATOR_KEY": "b", "RETAINER_SECRET_KEY": "c"}
pytestmark = [pytest.mark.packaging]


def tool(name: str) -> str:
    """The program, or the test is skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def passes(*command: str | Path, **environment: str) -> str:
    """What a linter says that finds nothing wrong."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", **environment}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_compose() -> None:
    found = yaml.safe_load(passes(tool("docker-compose"), "-f", DEPLOY / "compose.yaml", "config", **SECRETS))
    assert set(found["services"]) == {"postgres", "pgbouncer", "migrate", "service", "worker"}


def test_compose_starts_with_no_secret_of_ours() -> None:
    command = [tool("docker-compose"), "-f", str(DEPLOY / "compose.yaml"), "config", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, timeout=120)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


def test_what_the_images_are_told_is_a_setting() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    named = {name for one in ("service", "worker", "migrate") for name in services[one]["environment"]}
    for page in (DEPLOY / "kubernetes").glob("*.yaml"):
        named |= set(re.findall(r"\bRETAINER_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    known = {"DATABASE_URL", *(f"RETAINER_{name.upper()}" for name in Settings.model_fields)}
    assert named - known == set()


@pytest.mark.parametrize("unit", ["retainer.service", "retainer-worker.service"])
def test_units_of_systemd(tmp_path: Path, unit: str) -> None:
    """The checkout of the unit is not on this machine, so its program is put in its place."""
    for each in (DEPLOY / "systemd").glob("*.service"):
        text = each.read_text(encoding="utf-8").replace("/opt/retainer/.venv/bin/python", "/bin/true")
        (tmp_path / each.name).write_text(text.replace("/opt/retainer", "/"), encoding="utf-8")
    passes(tool("systemd-analyze"), "verify", "--recursive-errors=no", tmp_path / unit)


def manifests() -> list[dict[str, Any]]:
    version = subprocess.run([tool("kubectl"), "version", "--client"], capture_output=True, text=True, timeout=60)
    if "Kustomize" not in version.stdout:
        pytest.skip("this kubectl is older than the labels of kustomize")
    return list(yaml.safe_load_all(passes(tool("kubectl"), "kustomize", DEPLOY / "kubernetes")))


def test_kustomize_builds_two_replicas_a_budget_and_a_policy() -> None:
    found = {(row["kind"], row["metadata"]["name"]): row for row in manifests()}
    assert found["Deployment", "retainer"]["spec"]["replicas"] == 2
    assert found["PodDisruptionBudget", "retainer"]["spec"]["minAvailable"] == 1
    assert ("NetworkPolicy", "retainer") in found
    for row in found.values():
        for container in row["spec"].get("template", {}).get("spec", {}).get("containers", []):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["image"] == "retainer:0.1.0"


def test_every_selector_of_kubernetes_finds_pods() -> None:
    rows = manifests()
    pods = [row["spec"]["template"]["metadata"]["labels"] for row in rows if "template" in row["spec"]]
    for row in rows:
        chosen = row["spec"].get("podSelector") or row["spec"].get("selector") or {}
        labels = chosen.get("matchLabels", chosen)
        if labels:
            assert any(labels.items() <= pod.items() for pod in pods), (row["kind"], labels)


def expressions() -> list[str]:
    """Every query of the rules and of the dashboard."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    dashboard = json.loads((DEPLOY / "grafana" / "retainer.json").read_text(encoding="utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    return found + [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_series_that_is_asked_for_is_there() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
    asked = {name for text in expressions() for name in re.findall(r"\b(?:retainer|http)_\w+", text)}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name in asked} - known == set()


def test_prometheus_reads_rules_queries_and_its_file(tmp_path: Path) -> None:
    promtool = tool("promtool")
    passes(promtool, "check", "rules", DEPLOY / "prometheus" / "rules.yml")
    passes(promtool, "check", "config", "--syntax-only", DEPLOY / "prometheus" / "prometheus.yml")
    rules = [{"record": f"asked:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    passes(promtool, "check", "rules", tmp_path / "asked.yml")


def test_the_dashboard_explains_each_picture() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "retainer.json").read_text(encoding="utf-8"))
    assert [panel["title"] for panel in dashboard["panels"] if not panel["description"].endswith(".")] == []
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_caddyfile() -> None:
    assert "Valid configuration" in passes(tool("caddy"), "validate", "--config", DEPLOY / "proxies" / "Caddyfile")


@pytest.fixture(scope="module")
def service(module_url: str) -> Iterator[httpx.Client]:
    public = f"https://shop.example{PREFIX}"
    with serving(module_url, public_url=public, trusted_proxies="127.0.0.1") as client:
        yield client


def behind(command: list[str], port: int) -> Iterator[httpx.Client]:
    """A client of a proxy that runs as long as it is used."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": "shop.example"}, timeout=30) as client:
            for _ in range(600):
                assert process.poll() is None, f"{command} has ended"
                try:
                    if client.get(f"{PREFIX}/livez").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(20)


def caddy(service: httpx.Client, folder: Path) -> Iterator[httpx.Client]:
    port = free_port()
    text = (DEPLOY / "proxies" / "Caddyfile").read_text(encoding="utf-8")
    text = text.replace("shop.example {", f"http://shop.example:{port} {{\n\tbind 127.0.0.1", 1)
    text = text.replace("127.0.0.1:8000", service.base_url.netloc.decode())
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text, encoding="utf-8")
    return behind([tool("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], port)


def nginx(service: httpx.Client, folder: Path) -> Iterator[httpx.Client]:
    program, openssl = tool("nginx"), tool("openssl")
    key, certificate = folder / "shop.key", folder / "shop.pem"
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop.example")
    passes(openssl, *words, "-keyout", key, "-out", certificate)
    port, secure = free_port(), free_port()
    text = (DEPLOY / "proxies" / "nginx.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/ssl/certs/shop.example.pem", str(certificate))
    text = text.replace("/etc/ssl/private/shop.example.key", str(key))
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl; listen 127.0.0.1:{port};")
    text = text.replace("127.0.0.1:8000", service.base_url.netloc.decode())
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"daemon off; pid {folder}/pid; error_log {folder}/log; events {{}} http {{ access_log off; {paths}\n{text}\n}}"
    )
    (folder / "whole.conf").write_text(whole, encoding="utf-8")
    passes(program, "-t", "-c", folder / "whole.conf")
    return behind([program, "-c", str(folder / "whole.conf")], port)


@pytest.mark.parametrize("proxy", [caddy, nginx])
def test_a_service_behind_a_prefix(service: httpx.Client, tmp_path: Path, proxy: Any) -> None:
    """The links that it answers lead through the proxy, and its figures do not."""
    running = proxy(service, tmp_path)
    client = next(running)
    try:
        assert client.get(f"{PREFIX}/readyz").status_code == 200
        missing = client.get(f"{PREFIX}/v1/tickets/none")
        assert (missing.status_code, missing.json()["type"]) == (
            401,
            f"https://shop.example{PREFIX}/problems/unauthorized",
        )
        assert client.get(f"{PREFIX}/openapi.json").json()["servers"][0]["url"] == f"https://shop.example{PREFIX}"
        assert client.get(f"{PREFIX}/metrics").status_code == 404
        assert client.get("/v1/tickets/none").status_code == 404 or "retainer" not in client.get("/").text
    finally:
        running.close()
