"""No engine builds the image here: the Dockerfile's steps are carried out in a plain folder and what they make is run.

What this does not show: that the base image exists, and that its useradd makes the user that the last stage names.
With RETAINER_TEST_IMAGE=full the packages are installed anew, as in a build; else the environment at hand stands in.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.documents.policy_document import dump
from app.usecases.tenants.tenants import templates
from tests.packaging.conftest import ROOT, Owner, interpreter
from tests.support.api import OPERATOR_KEY
from tests.support.ports import free_port

pytestmark = [pytest.mark.packaging, pytest.mark.slow]
HOME = "/opt/retainer"
DATA = "/var/lib/retainer"


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word]


def in_context(path: Path) -> bool:
    """Whether .dockerignore lets a file of the tree into the build: the last rule that matches wins."""
    name = path.relative_to(ROOT).as_posix()
    ignored = False
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.lstrip("!").removeprefix("**/")
        spots = [name, *(p.as_posix() for p in Path(name).parents)] + (name.split("/") if "**" in rule else [])
        if any(fnmatch.fnmatch(spot, pattern) for spot in spots):
            ignored = not rule.startswith("!")
    return not ignored


@dataclass
class Image:
    """A folder that stands for the root of the image, and what the Dockerfile says about running it."""

    root: Path
    runner: Owner
    python: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    healthcheck: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        return text.replace(HOME, str(self.root) + HOME).replace(DATA, str(self.root) + DATA)


def build(root: Path, runner: Owner, python: Path) -> Image:
    image = Image(root, runner, python)
    home = root / HOME.lstrip("/")
    home.mkdir(parents=True)
    for word, rest in instructions():
        match word:
            case "COPY" if not rest.startswith("--from"):
                *sources, target = rest.split()
                copy(sources, home / target, target.endswith("/"))
            case "RUN" if "useradd" in rest:
                image.accounts.append(rest)
                data = root / DATA.lstrip("/")
                data.mkdir(parents=True, mode=0o700)
                os.chown(data, runner.uid, runner.gid)
            case "RUN":
                perform(image, rest, home)
            case "ENV":
                image.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            case "USER":
                image.user = rest
            case "HEALTHCHECK":
                image.healthcheck = json.loads(rest.partition("CMD ")[2])
            case "ENTRYPOINT":
                image.entrypoint = json.loads(rest)
            case "CMD":
                image.command = json.loads(rest)
            case "FROM" | "ARG" | "LABEL" | "WORKDIR" | "VOLUME" | "EXPOSE" | "COPY":
                pass
            case _:
                pytest.fail(f"this test does not know how to carry out {word}")
    return image


def copy(sources: list[str], target: Path, into: bool) -> None:
    for name in sources:
        source = ROOT / name
        assert source.exists(), f"the Dockerfile copies {name}, which is not there"
        for path in [source] if source.is_file() else source.rglob("*"):
            if path.is_dir() or not in_context(path):
                continue
            place = (target / source.name if into else target) if path == source else target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def perform(image: Image, command: str, home: Path) -> None:
    if "bootstrap.sh" in command and os.environ.get("RETAINER_TEST_IMAGE") != "full":
        (home / ".venv" / "bin").mkdir(parents=True)
        (home / ".venv" / "bin" / "python").symlink_to(image.python)
        (home / ".venv" / "pyvenv.cfg").write_text(f"home = {image.python.resolve().parent}\n")
        (home / ".venv" / "lib").symlink_to(Path(pytest.__file__).parents[3])
        program = home / ".venv" / "bin" / "retainer"
        lines = [f"#!{home}/.venv/bin/python", "import sys", f"sys.path.insert(0, {str(home)!r})"]
        program.write_text("\n".join([*lines, "from app.cli import main", "sys.exit(main())", ""]))
        program.chmod(0o755)
        return
    done = subprocess.run(image.inside(command), shell=True, cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def ask(url: str, key: str = "", method: str = "GET", body: object = None) -> bytes:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        return answer.read()


def serves_what_the_checkout_holds(base: str) -> None:
    """The contract, every file of the pages and each shipped policy: nothing was left behind, nothing is another."""
    assert ask(f"{base}/openapi.json") == (ROOT / "openapi" / "openapi.json").read_bytes().rstrip(b"\n")
    static = ROOT / "app" / "api" / "pages" / "static"
    shown = [path for path in static.iterdir() if path.is_file()]
    assert len(shown) >= 2
    for path in shown:
        assert ask(f"{base}/static/{path.name}") == path.read_bytes(), path.name
    linked = re.findall(rb'(?:src|href)="static/([^"]+)"', ask(f"{base}/docs"))
    assert linked
    assert {name.decode() for name in linked} <= {path.name for path in shown}
    assets = re.findall(rb'(?:src|href)="(/assets/[^"]+)"', ask(f"{base}/sign-in"))
    assert {Path(path.decode()).suffix for path in assets} >= {".css", ".js"}
    for path in assets:
        stored = ROOT / "app" / "api" / "pages" / "assets" / Path(path.decode()).name
        assert ask(base + path.decode()) == stored.read_bytes(), path
    assert len(templates()) >= 5
    for name, (policy, _) in templates().items():
        tenant = f"{base}/v1/tenants/image-{name}"
        ask(tenant, OPERATOR_KEY, "PUT", {"policy": name})
        key = json.loads(ask(f"{tenant}/keys", OPERATOR_KEY, "POST", {"scopes": ["*"]}))["key"]
        found = json.loads(ask(f"{base}/v1/policies/{name}", key))["document"]
        # A shipped policy holds from the beginning of time, which its text leaves to the service.
        assert found == {"effective_from": "1970-01-01T00:00:00Z", **dump(policy)}, name


@pytest.fixture
def image(own_folder: Path) -> Image:
    """What the steps make, to be run as the last stage says: by an ordinary user, with a Python that it can reach."""
    if os.geteuid() != 0:
        ourselves = Owner("ourselves", os.geteuid(), os.getegid())
        return build(own_folder, ourselves, Path(sys.executable))
    nobody = Owner("nobody", 65534, 65534)
    python = Path(interpreter(nobody))
    version = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
    if version.stdout.split() != [str(part) for part in sys.version_info[:2]]:
        pytest.skip("the Python that an ordinary user can reach is another version")
    return build(own_folder, nobody, python)


def test_the_image_runs_as_a_number_with_a_name_and_checks_its_health_without_curl() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert "useradd --uid 10001" in text
    assert "org.opencontainers.image.licenses" in text
    assert not re.search(r"\b(curl|wget|apt-get)\b", text)


def test_nothing_private_reaches_the_build(own_folder: Path) -> None:
    for name in (".git/config", ".venv/bin/python", "tests/packaging/conftest.py", ".env", "reports/sbom.json"):
        assert not in_context(ROOT / name), name
    for name in (
        "app/cli.py",
        "app/policies/shopp.yaml",
        "migrations/env.py",
        "requirements/run.lock",
        "requirements/embedded.lock",
        "scripts/bootstrap.sh",
    ):
        assert in_context(ROOT / name), name


def test_what_the_steps_make_serves_is_healthy_and_stops_when_asked(image: Image) -> None:
    port = free_port()
    environment = {name: image.inside(value) for name, value in image.environment.items()}
    environment |= {"PATH": os.environ["PATH"], "RETAINER_PORT": str(port), "RETAINER_HOST": "127.0.0.1"}
    environment |= {"RETAINER_OPERATOR_KEY": OPERATOR_KEY}
    log = (image.root / "log").open("w+")
    service = subprocess.Popen(
        [image.inside(word) for word in image.entrypoint + image.command],
        env=environment,
        cwd=image.root / HOME.lstrip("/"),
        stdout=log,
        stderr=log,
        preexec_fn=image.runner.become(),
    )
    try:
        deadline = time.monotonic() + 45
        while True:
            check = subprocess.run(
                [image.inside(word) for word in image.healthcheck], env=environment, capture_output=True
            )
            if check.returncode == 0:
                break
            assert service.poll() is None, (image.root / "log").read_text()
            assert time.monotonic() < deadline, (image.root / "log").read_text()
            time.sleep(0.2)
        serves_what_the_checkout_holds(f"http://127.0.0.1:{port}")
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(30)
        log.close()
    assert code == 0, (image.root / "log").read_text()
    check = subprocess.run([image.inside(word) for word in image.healthcheck], env=environment, capture_output=True)
    assert check.returncode != 0
